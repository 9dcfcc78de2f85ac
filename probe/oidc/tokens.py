"""Whether a token is what the issuer should have given: OpenID Connect Core 3.1.3.7 and 3.1.3.8, RFC 7519, RFC 9068.

The order is: is it a signed token at all, is its algorithm one that is allowed, is its key known, does the signature
hold, and only then what it says. A token that names a key nobody knows may be signed by one that was published a moment
ago: the caller fetches the key set once more before it believes `jwks_kid_unknown`.
"""

import hashlib
import hmac
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import msgspec

from probe.fault import Fault
from probe.oidc import jose
from probe.oidc.discovery import Discovery
from probe.oidc.jose import base64url
from probe.oidc.jwks import Jwks
from probe.oidc.reading import shown, texts_of, value_shown

LEEWAY_S = 60.0
"""By how much clocks may differ."""
_MAX_TIME = 253_402_300_800
"""The year 10000, in seconds since the Unix epoch."""


class Expectation(msgspec.Struct, frozen=True, kw_only=True):
    """What a token should be. None: not looked at."""

    issuer: str
    audience: str | None = None
    """Must be in `aud`; of an id_token it is the client's id, which is also what `azp` must be."""
    algorithms: Collection[str] = tuple(jose.ALGORITHMS)
    """Those allowed. What is not in jose.ALGORITHMS never is."""
    now: float
    """Wall clock, seconds since the Unix epoch."""
    id_token: bool = True
    """Whether it must have what OpenID Connect Core section 2 requires of an id_token."""
    fresh: bool = True
    """Whether it was issued just now, so that a time far from now is a clock's."""
    leeway_s: float = LEEWAY_S
    nonce: str | None = None
    access_token: str | None = None
    """Checked against at_hash, where the token has it."""
    code: str | None = None
    """Checked against c_hash, where the token has it."""
    subject: str | None = None
    """As an earlier token of the same session had it."""
    max_age_s: float | None = None
    """The sign-in itself may be as old at most; then auth_time must be there."""
    acr: Collection[str] = ()
    """One of these."""
    amr: Collection[str] = ()
    """All of these."""
    claims: Mapping[str, Any] = {}
    """Claims that must have exactly this value; None: any."""


class Verified(msgspec.Struct, frozen=True, kw_only=True):
    """A token whose signature holds and which says what it should."""

    header: dict[str, Any]
    claims: dict[str, Any]
    """Secret by default: they tell who signed in."""
    algorithm: str
    skew_s: float | None = None
    """By how much the issuer's clock is ahead; None where the token does not tell."""

    @property
    def subject(self) -> str | None:
        said = self.claims.get("sub")
        return said if isinstance(said, str) else None

    def __repr__(self) -> str:
        return f"Verified({self.algorithm}, claims={sorted(self.claims)})"

    def as_findings(self) -> dict[str, Any]:
        """Plain values for an observation: names of claims, not what they say."""
        return token_findings(self.header, self.claims, self.skew_s)


def token_findings(header: Mapping[str, Any], claims: Mapping[str, Any], skew_s: float | None = None) -> dict[str, Any]:
    """What may be told of a token, verified or not."""
    kid, alg, acr = header.get("kid"), header.get("alg"), claims.get("acr")
    issued, expires = _time(claims, "iat"), _time(claims, "exp")
    said = {
        "alg": shown(alg, 40) if isinstance(alg, str) else None,
        "kid": shown(kid, 120) if isinstance(kid, str) else None,
        "lifetime_s": expires - issued if issued is not None and expires is not None else None,
        "skew_s": round(skew_s, 1) if skew_s is not None else None,
        "acr": shown(acr, 100) if isinstance(acr, str) else None,
        "amr": list(texts_of(claims, "amr") or ())[:10] or None,
        "claims": sorted(shown(name, 60) for name in claims)[:50],
    }
    return {name: value for name, value in said.items() if value is not None}


def verify_id_token(token: str, jwks: Jwks, expected: Expectation) -> Verified | Fault:
    """The token, if all that is expected of it holds; else the first thing that does not. Of access tokens that are
    signed, too, with `id_token` false."""
    read = jose.take_apart(token)
    if isinstance(read, str):
        return Fault("token_encrypted" if read == "encrypted" else "token_malformed", {"found": read})
    broken = _signature(read, jwks, expected)
    if broken is not None:
        return broken
    broken = next(_claims(read.claims, expected), None) or next(_hashes(read, expected), None)
    if broken is not None:
        return broken
    issued = _time(read.claims, "iat")
    skew_s = issued - expected.now if issued is not None and expected.fresh else None
    return Verified(header=read.header, claims=read.claims, algorithm=read.header["alg"], skew_s=skew_s)


def _signature(read: jose.Compact, jwks: Jwks, expected: Expectation) -> Fault | None:
    algorithm, kid = read.header["alg"], read.header.get("kid")
    if algorithm not in jose.ALGORITHMS or algorithm not in expected.algorithms:
        allowed = [name for name in jose.ALGORITHMS if name in expected.algorithms]
        return Fault("token_alg_not_allowed", {"expected": allowed, "found": shown(algorithm, 40)})
    if kid is not None and not isinstance(kid, str):
        return Fault("token_malformed", {"found": "header"})
    if kid is not None and not jwks.knows(kid):
        return Fault(
            "jwks_kid_unknown", {"found": shown(kid, 120), "expected": [shown(k, 120) for k in jwks.kids[:20]]}
        )
    keys = jwks.find(kid, algorithm)
    if not keys and kid is None:
        return Fault("jwks_kid_unknown", {"found": f"no kid, and no key for {algorithm}"})
    if not any(jose.signature_holds(read, algorithm, key) for key in keys):
        note = {"alg": algorithm, "kid": shown(kid, 120) if kid else None, "tried": len(keys)}
        return Fault("token_signature_invalid", {name: value for name, value in note.items() if value is not None})
    return None


def _claims(claims: dict[str, Any], expected: Expectation) -> Iterator[Fault]:
    required = ("iss", "sub", "aud", "exp", "iat") if expected.id_token else ("iss", "exp")
    missing = [name for name in required if claims.get(name) in (None, "")]
    if missing:
        yield Fault("token_claim_missing", {"missing": missing})
    if claims.get("iss") != expected.issuer:
        yield _unlike("token_iss_mismatch", expected.issuer, claims.get("iss"))
    yield from _audience(claims, expected)
    yield from _times(claims, expected)
    if expected.nonce is not None:
        # Neither value is told: a nonce is one session's.
        if "nonce" not in claims:
            yield Fault("token_claim_missing", {"missing": ["nonce"]})
        elif not _same(claims["nonce"], expected.nonce):
            yield Fault("token_nonce_mismatch")
    if expected.subject is not None and not _same(claims.get("sub"), expected.subject):
        yield Fault("token_sub_mismatch")
    yield from _authentication(claims, expected)
    for name, value in expected.claims.items():
        if name not in claims:
            yield Fault("token_claim_missing", {"missing": [name]})
        elif value is not None and not _equal(claims[name], value):
            yield Fault("token_claim_unexpected", {"claim": name, "found": value_shown(claims[name])})


def _audience(claims: dict[str, Any], expected: Expectation) -> Iterator[Fault]:
    said = claims.get("aud")
    audiences = said if isinstance(said, list) else [said]
    if expected.audience is None:
        return
    if expected.audience not in audiences:
        yield _unlike("token_aud_mismatch", expected.audience, said)
    if not expected.id_token:
        return
    if len(audiences) > 1 and "azp" not in claims:
        yield Fault("token_claim_missing", {"missing": ["azp"], "because": "there are several audiences"})
    if "azp" in claims and claims["azp"] != expected.audience:
        yield _unlike("token_azp_mismatch", expected.audience, claims["azp"])


def _times(claims: dict[str, Any], expected: Expectation) -> Iterator[Fault]:
    """A token that was issued a moment ago and seems to be of another time tells of a clock, not of an old token."""
    now, leeway_s = expected.now, expected.leeway_s
    for name in ("exp", "iat", "nbf"):
        if claims.get(name) is not None and _time(claims, name) is None:
            yield Fault("token_claim_unexpected", {"claim": name, "found": value_shown(claims[name])})
            return
    issued, expires, begins = (_time(claims, name) for name in ("iat", "exp", "nbf"))
    if issued is not None and issued > now + leeway_s:
        yield Fault("token_clock_skew", {"skew_s": round(issued - now, 1)})
    if expires is not None and expires <= now - leeway_s:
        lifetime_s = expires - issued if issued is not None else None
        if expected.fresh and issued is not None and lifetime_s is not None and lifetime_s > 0:
            yield Fault("token_clock_skew", {"skew_s": round(issued - now, 1), "lifetime_s": lifetime_s})
        yield Fault("token_expired", {"expired_s": round(now - expires, 1)})
    if begins is not None and begins > now + leeway_s:
        yield Fault("token_not_yet_valid", {"ahead_s": round(begins - now, 1)})


def _authentication(claims: dict[str, Any], expected: Expectation) -> Iterator[Fault]:
    """How, and when, the user signed in."""
    at = _time(claims, "auth_time")
    if expected.max_age_s is not None:
        if at is None:
            yield Fault("token_claim_missing", {"missing": ["auth_time"]})
        elif at < expected.now - expected.max_age_s - expected.leeway_s:
            yield Fault("token_auth_too_old", {"age_s": round(expected.now - at, 1), "most_s": expected.max_age_s})
    if expected.acr and claims.get("acr") not in expected.acr:
        yield Fault(
            "token_claim_unexpected",
            {"claim": "acr", "expected": list(expected.acr), "found": value_shown(claims.get("acr"))},
        )
    had = texts_of(claims, "amr") or ()
    if not set(expected.amr) <= set(had):
        note = {"claim": "amr", "expected": list(expected.amr), "found": [value_shown(each) for each in had[:10]]}
        yield Fault("token_claim_unexpected", note)


def _hashes(read: jose.Compact, expected: Expectation) -> Iterator[Fault]:
    """at_hash and c_hash: the left half of the hash that goes with the algorithm (OpenID Connect Core 3.1.3.6)."""
    for claim, text, word in (
        ("at_hash", expected.access_token, "token_at_hash_mismatch"),
        ("c_hash", expected.code, "token_c_hash_mismatch"),
    ):
        said = read.claims.get(claim)
        if text is not None and said is not None and not _same(said, half_hash(text, read.header["alg"])):
            yield Fault(word)


def half_hash(text: str, algorithm: str) -> str:
    """What at_hash or c_hash is of this text in a token signed with the algorithm, one of jose.ALGORITHMS."""
    name = jose.ALGORITHMS[algorithm][2]
    octets = text.encode()
    # Ed448 hashes with SHAKE256 to 114 octets (RFC 8032 section 5.2).
    digest = hashlib.shake_256(octets).digest(114) if name == "shake256" else hashlib.new(name, octets).digest()
    return base64url(digest[: len(digest) // 2])


def agreement(discovery: Discovery, jwks: Jwks, token: Verified | None = None) -> tuple[Fault | None, dict[str, Any]]:
    """Whether discovery, keys and a token are of one issuer, and what to tell of it: the hosts that the endpoints are
    at (others than the issuer's are usual and no fault), and advertised algorithms that no key can make."""
    hosts = sorted({url.split("/", 3)[2].lower() for url in discovery.endpoints.values()})
    uncovered = [name for name in discovery.algorithms if not jwks.algorithms((name,))]
    findings: dict[str, Any] = {"hosts": [shown(host, 100) for host in hosts]}
    if uncovered:
        findings["uncovered_algorithms"] = uncovered
    if discovery.algorithms and len(uncovered) == len(discovery.algorithms):
        return Fault("jwks_unusable", {"expected": list(discovery.algorithms)}), findings
    if token is not None and token.claims.get("iss") != discovery.issuer:
        return _unlike("token_iss_mismatch", discovery.issuer, token.claims.get("iss")), findings
    return None, findings


def _time(claims: Mapping[str, Any], name: str) -> float | None:
    """A NumericDate (RFC 7519 section 2)."""
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if 0 <= value < _MAX_TIME else None


def _same(found: object, expected: str) -> bool:
    return isinstance(found, str) and hmac.compare_digest(found.encode("utf-8", "replace"), expected.encode())


def _equal(found: object, expected: object) -> bool:
    """1 is not true, whatever Python says."""
    return found == expected and isinstance(found, bool) == isinstance(expected, bool)


def _unlike(word: str, expected: str, found: object) -> Fault:
    values = [shown(each, 200) if isinstance(each, str) else value_shown(each) for each in _listed(found)[:10]]
    return Fault(word, {"expected": shown(expected, 200), "found": values if isinstance(found, list) else values[0]})


def _listed(found: object) -> list[object]:
    return found if isinstance(found, list) else [found]
