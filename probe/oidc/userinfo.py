"""What a userinfo endpoint says of who signed in (OpenID Connect Core 5.3), and whether a session is over."""

from collections.abc import Mapping
from typing import Any

from parallax.redaction import excerpt
from probe.fault import Fault
from probe.oidc.jwks import Jwks
from probe.oidc.reading import json_object
from probe.oidc.tokens import Expectation, verify_id_token

MAX_OCTETS = 256_000


def read_userinfo(
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    subject: str | None,
    signed: tuple[Jwks, Expectation] | None = None,
) -> dict[str, Any] | Fault:
    """The claims; `sub` must be the id_token's (5.3.2). `signed` is what a signed answer is checked against; without it
    such an answer is a fault, as it cannot be believed. `headers` takes names in lower case."""
    if status != 200:
        challenge = headers.get("www-authenticate")
        said = {"challenge": excerpt(challenge, 200)} if challenge else {}
        return Fault("session_userinfo_http", {"status": status, **said})
    claims: dict[str, Any] | str
    if headers.get("content-type", "").partition(";")[0].strip().lower() == "application/jwt":
        if signed is None:
            return Fault("session_userinfo_malformed", {"found": "signed"})
        verified = verify_id_token(body.decode("ascii", "replace").strip(), *signed)
        if isinstance(verified, Fault):
            return verified
        claims = verified.claims
    else:
        claims = json_object(body, MAX_OCTETS)
    if isinstance(claims, str):
        return Fault("session_userinfo_malformed", {"status": status, "found": claims})
    if not isinstance(claims.get("sub"), str):
        return Fault("session_userinfo_malformed", {"missing": ["sub"]})
    if subject is not None and claims["sub"] != subject:
        return Fault("session_sub_mismatch")
    return claims


def is_refused(status: int) -> bool:
    """Whether userinfo's status says that the token is no longer good, as it should be after a logout."""
    return status in (400, 401, 403)
