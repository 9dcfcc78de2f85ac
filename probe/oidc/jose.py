"""Signatures of JSON Web Tokens (RFC 7515) under JSON Web Keys (RFC 7517, 7518, 8037): the one importer of joserfc.

The token is taken apart here, strictly: base64url without padding and with nothing in the bits that do not count (RFC
4648 section 3.5), so that no other text is the same token. joserfc makes keys and checks signatures. It is imported
with the first key, as it takes a tenth of a second.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import msgspec

from probe.oidc.reading import json_object

MAX_TOKEN = 64_000
"""Characters; a cookie or a header holds less."""
_MAX_HEADER = 8_000
MAX_RSA_BITS = 8192
"""Beyond it one signature takes milliseconds to check."""
_MAX_EXPONENT_BITS = 33
_MIN_RSA_BITS = 512
_MEMBER = re.compile(r"[A-Za-z0-9_-]+")

ALGORITHMS: dict[str, tuple[str, str | None, str]] = {
    "RS256": ("RSA", None, "sha256"),
    "RS384": ("RSA", None, "sha384"),
    "RS512": ("RSA", None, "sha512"),
    "PS256": ("RSA", None, "sha256"),
    "PS384": ("RSA", None, "sha384"),
    "PS512": ("RSA", None, "sha512"),
    "ES256": ("EC", "P-256", "sha256"),
    "ES384": ("EC", "P-384", "sha384"),
    "ES512": ("EC", "P-521", "sha512"),
    "ES256K": ("EC", "secp256k1", "sha256"),
    "EdDSA": ("OKP", None, "sha512"),
    "Ed25519": ("OKP", "Ed25519", "sha512"),
    "Ed448": ("OKP", "Ed448", "shake256"),
}
"""The asymmetric signature algorithms, by the name in a token (RFC 7518 section 3.1, RFC 8812, RFC 8037, RFC 9864): the
type of key, the curve where it is fixed, and the hash of at_hash and c_hash. Others are never allowed."""

MEMBERS: dict[str, tuple[str, ...]] = {"RSA": ("n", "e"), "EC": ("crv", "x", "y"), "OKP": ("crv", "x")}
"""What a public key of each type is made of."""
PRIVATE_MEMBERS = ("d", "p", "q", "dp", "dq", "qi", "oth")


class Compact(msgspec.Struct, frozen=True):
    """A signed token in its compact form, taken apart."""

    header: dict[str, Any]
    claims: dict[str, Any]
    signed: bytes
    signature: bytes


def octets_of(text: str) -> bytes | None:
    """Strict base64url; None if the text is none."""
    if not text.isascii():
        return None
    try:
        octets = base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    return octets if base64url(octets) == text else None


def base64url(octets: bytes) -> str:
    """Base64url without padding (RFC 7515 section 2)."""
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode("ascii")


def looks_signed(text: str) -> bool:
    """Whether the text has the shape of a signed token; an access token may be anything."""
    return text.count(".") == 2 and text.startswith("eyJ")


def take_apart(token: str) -> Compact | str:
    """A signed token's parts, not verified; or why it is none, as a word: too_large, encrypted, parts, base64url,
    header, claims, critical."""
    if len(token) > MAX_TOKEN:
        return "too_large"
    parts = token.split(".")
    if len(parts) == 5:
        return "encrypted"
    if len(parts) != 3:
        return "parts"
    header_octets, claims_octets, signature = (octets_of(part) for part in parts)
    if header_octets is None or claims_octets is None or signature is None:
        return "base64url"
    header = json_object(header_octets, _MAX_HEADER)
    if isinstance(header, str) or not isinstance(header.get("alg"), str):
        return "header"
    if "crit" in header:  # RFC 7515 section 4.1.11: what is not understood and is critical invalidates the token
        return "critical"
    claims = json_object(claims_octets, MAX_TOKEN)
    if isinstance(claims, str):
        return "claims"
    signed = token[: token.rindex(".")].encode("ascii")
    return Compact(header, claims, signed, signature)


def key_bits(jwk: Mapping[str, Any]) -> int | None:
    """The size of an RSA key in bits, by its modulus; None of another."""
    modulus = jwk.get("n")
    octets = octets_of(modulus) if jwk.get("kty") == "RSA" and isinstance(modulus, str) else None
    return int.from_bytes(octets, "big").bit_length() if octets else None


def shape_problem(jwk: Mapping[str, Any]) -> str | None:
    """Why a JWK cannot be a public key, as far as its members' shape says; None if it can."""
    kind = jwk.get("kty")
    if not isinstance(kind, str) or kind not in MEMBERS:
        return "no known kty"
    for member in MEMBERS[kind]:
        value = jwk.get(member)
        if not isinstance(value, str) or len(value) > 4096 or not _MEMBER.fullmatch(value):
            return f"no good {member}"
    return None


def key_problem(jwk: Mapping[str, Any]) -> str | None:
    """Why a JWK is no public key: as `shape_problem`, and by its numbers."""
    problem = shape_problem(jwk)
    if problem is not None:
        return problem
    return _key(*_material(jwk)) if isinstance(_key(*_material(jwk)), str) else None


def fits(jwk: Mapping[str, Any], algorithm: str) -> bool:
    """Whether a signature of this algorithm can be by this key, as its type, curve, use and alg say."""
    kind, curve, _ = ALGORITHMS[algorithm]
    return (
        jwk.get("kty") == kind
        and (curve is None or jwk.get("crv") == curve)
        and jwk.get("use", "sig") == "sig"
        and jwk.get("alg", algorithm) in (algorithm, _SAME.get(algorithm))
    )


_SAME = {"EdDSA": "Ed25519", "Ed25519": "EdDSA", "Ed448": "EdDSA"}
"""RFC 9864 gives EdDSA's algorithms names of their own."""


def signature_holds(token: Compact, algorithm: str, jwk: Mapping[str, Any]) -> bool:
    """Whether the key made the signature. `algorithm` is one of ALGORITHMS, which the caller has chosen to allow."""
    from joserfc.errors import JoseError
    from joserfc.jws import JWSRegistry

    key = None if shape_problem(jwk) else _key(*_material(jwk))
    if key is None or isinstance(key, str) or algorithm not in ALGORITHMS:
        return False
    model = JWSRegistry.algorithms[algorithm]
    try:
        model.check_key(key)
        return bool(model.verify(token.signed, token.signature, key))
    except (JoseError, ValueError):  # a key of another curve; numbers that no signature has
        return False


def load() -> None:
    """Imports what reads keys, and what checks signatures."""
    import joserfc.jws  # noqa: F401

    _key("EC", ("P-256", "AQ", "AQ"))


def _material(jwk: Mapping[str, Any]) -> tuple[str, tuple[str, ...]]:
    kind = jwk["kty"]
    return kind, tuple(jwk[member] for member in MEMBERS[kind])


@lru_cache(256)
def _key(kind: str, members: tuple[str, ...]) -> Any:
    """The key, or why it is none. Kept: an issuer's keys are the same for weeks."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from joserfc.errors import JoseError
    from joserfc.jwk import JWKRegistry

    jwk = dict(zip(MEMBERS[kind], members, strict=True))
    if kind == "RSA":
        bits, exponent = key_bits({"kty": "RSA", **jwk}) or 0, octets_of(jwk["e"])
        if not _MIN_RSA_BITS <= bits <= MAX_RSA_BITS:
            return f"a modulus of {bits} bits"
        if not exponent or int.from_bytes(exponent, "big").bit_length() > _MAX_EXPONENT_BITS:
            return "an exponent out of bounds"
    maker: Any = JWKRegistry.key_types[kind]
    try:
        # Not by import_key: it warns of short keys, and refuses members that do not bear on the key.
        raw = maker.binding.import_public_key(jwk)
        return maker(raw, raw)
    except (JoseError, UnsupportedAlgorithm, ValueError, KeyError, TypeError):
        return f"no {kind} key by its numbers"
