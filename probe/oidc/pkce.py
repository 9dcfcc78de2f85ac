"""Proof Key for Code Exchange (RFC 7636), with S256, the one method that is worth having."""

import hashlib
import secrets
from collections.abc import Callable

import msgspec

from parallax.secret import Secret
from probe.oidc.jose import base64url

METHOD = "S256"
Random = Callable[[int], bytes]


class Pkce(msgspec.Struct, frozen=True):
    """The verifier, which goes with the code, and the challenge, which went with the request for it."""

    verifier: Secret
    challenge: str


def make_pkce(random: Random = secrets.token_bytes) -> Pkce:
    """A new pair; 256 bits, as section 4.1 recommends."""
    verifier = base64url(random(32))
    return Pkce(Secret(verifier), challenge_of(verifier))


def challenge_of(verifier: str) -> str:
    """Section 4.2."""
    return base64url(hashlib.sha256(verifier.encode("ascii")).digest())
