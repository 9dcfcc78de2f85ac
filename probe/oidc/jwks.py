"""The keys that an issuer's tokens are checked with: a JWK Set (RFC 7517 section 5).

Relying parties keep the set and fetch it again when a token names a key that they do not know. So what matters is that
the keys can be read, that nothing in it lets others sign, and for how long a copy is good. A set may be made huge on
purpose: the shape of every key is looked at, the numbers of the first few, and of the one that a token names.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from probe.fault import Fault
from probe.oidc import jose
from probe.oidc.reading import json_object, shown

MAX_OCTETS = 1_000_000
MAX_KEYS = 10_000
MANY_KEYS = 100
"""More than that is no rotation."""
GOOD_RSA_BITS = 2048
"""RFC 7518 section 3.3: the least that may be used."""
_READ_WHOLE = 32
_SHOWN = 20
_TRIED = 8
"""Keys that one signature is tried with, where the token does not say which."""


class Jwks(msgspec.Struct, frozen=True, kw_only=True):
    """A key set that can be gone by, with what is wrong in it all the same."""

    keys: tuple[dict[str, Any], ...]
    """Those that can be public keys. Private parts are left out."""
    count: int
    """All that the set has."""
    kids: tuple[str, ...]
    """Sorted, each once."""
    problems: tuple[Fault, ...] = ()
    remarks: tuple[str, ...] = ()
    cache_s: int | None = None
    """For how long a copy is good by the response's headers; None: they do not say."""

    def find(self, kid: str | None, algorithm: str) -> list[dict[str, Any]]:
        """The keys that a signature may be by: those named, else (no kid) those that fit; at most 8."""
        fitting = (key for key in self.keys if jose.fits(key, algorithm) and (kid is None or key.get("kid") == kid))
        return [key for key, _ in zip(fitting, range(_TRIED), strict=False)]

    def knows(self, kid: str) -> bool:
        return kid in self.kids

    def algorithms(self, allowed: Iterable[str]) -> tuple[str, ...]:
        """Those of the allowed ones that a key of the set can make."""
        return tuple(name for name in allowed if any(jose.fits(key, name) for key in self.keys))

    def as_findings(self) -> dict[str, Any]:
        """Plain values for an observation."""
        return {
            "kids": [shown(kid, 120) for kid in self.kids[:_SHOWN]],
            "keys": self.count,
            "key_types": dict(Counter(_kind(key) for key in self.keys[:MANY_KEYS]).most_common(_SHOWN)),
            "cache_s": self.cache_s,
            "remarks": list(self.remarks) or None,
        }


def read_jwks(body: bytes, headers: Mapping[str, str] | None = None) -> Jwks | Fault:
    """The key set. Keys that cannot be read are named and left out (RFC 7517 section 5); none that can is a fault.

    `headers` are the response's, for how long a copy is good."""
    found = json_object(body, MAX_OCTETS)
    if isinstance(found, str):
        word = {"too_large": "jwks_too_large", "no_object": "jwks_malformed"}
        return Fault(word.get(found, "jwks_not_json"), {"found": found})
    listed = found.get("keys")
    if not isinstance(listed, list):
        return Fault("jwks_malformed", {"found": "no list of keys"})
    if not listed:
        return Fault("jwks_empty")
    if len(listed) > MAX_KEYS:
        return Fault("jwks_too_large", {"keys": len(listed), "most": MAX_KEYS})
    symmetric = {_name(key, place): None for place, key in enumerate(listed) if _is(key, "kty", "oct")}
    private = [_name(key, place) for place, key in enumerate(listed) if _is_private(key)]
    read = [(key, _name(key, place), _problem(key, place)) for place, key in enumerate(listed)]
    good = [_public(key) for key, _, problem in read if problem is None and isinstance(key, dict)]
    bad = {name: problem for _, name, problem in read if problem is not None and name not in symmetric}
    problems = [*_leaks(list(symmetric), private), *_doubts(good, bad, len(listed))]
    if not any(key.get("use", "sig") == "sig" for key in good):
        if problems and not problems[0].soft:
            return problems[0]
        return Fault("jwks_unusable", {"keys": len(listed), "bad_keys": _first(bad)})
    return Jwks(
        keys=tuple(good),
        count=len(listed),
        kids=tuple(sorted({key["kid"] for key in good if isinstance(key.get("kid"), str)})),
        problems=tuple(problems),
        remarks=tuple(_remarks(good, headers)),
        cache_s=cache_seconds(headers or {}),
    )


def _leaks(symmetric: list[str], private: list[str]) -> Iterator[Fault]:
    """What lets everybody sign."""
    if private:
        yield Fault("jwks_private_key", {"bad_keys": private[:_SHOWN]})
    if symmetric:
        yield Fault("jwks_symmetric_key", {"bad_keys": symmetric[:_SHOWN]})


def _doubts(good: list[dict[str, Any]], bad: dict[str, str], count: int) -> Iterator[Fault]:
    """What some relying parties stumble over."""
    if bad:
        yield Fault("jwks_bad_key", {"bad_keys": _first(bad)})
    weak = {str(key.get("kid")): bits for key in good if (bits := jose.key_bits(key)) and bits < GOOD_RSA_BITS}
    if weak:
        yield Fault("jwks_weak_key", {"bits": {shown(kid, 120): bits for kid, bits in list(weak.items())[:_SHOWN]}})
    # Two keys may have one kid where they cannot be taken for one another (RFC 7517 section 4.5).
    named = Counter((key["kid"], key["kty"], str(key.get("use"))) for key in good if isinstance(key.get("kid"), str))
    twice = [shown(kid, 120) for (kid, _, _), times in named.items() if times > 1]
    if twice:
        yield Fault("jwks_duplicate_kid", {"bad_keys": twice[:_SHOWN]})
    if count > MANY_KEYS:
        yield Fault("jwks_many_keys", {"keys": count, "most": MANY_KEYS})


def _remarks(good: list[dict[str, Any]], headers: Mapping[str, str] | None) -> Iterator[str]:
    if len(good) > 1 and any(not isinstance(key.get("kid"), str) for key in good):
        yield "a key has no kid, so that no token can name it"
    if all(key.get("use") is None for key in good):
        yield "no key says what it is for (use)"
    odd = {str(key["alg"]) for key in good if "alg" in key and not _alg_fits(key)}
    for name in sorted(odd)[:3]:
        yield f"a key is for {shown(name, 40)}, which its type cannot make"
    if headers is not None:
        cache_s = cache_seconds(headers)
        if cache_s is None:
            yield "no cache lifetime is given: each relying party makes up its own"
        elif cache_s > _LONG_S:
            yield "copies are good for more than a week: keys cannot be withdrawn in less"


_LONG_S = 7 * 86400


def cache_seconds(headers: Mapping[str, str]) -> int | None:
    """How long a relying party may keep the response (RFC 9111 section 4.2.1): max-age less Age; 0 where it may not be
    kept; None where nothing is said. `headers` takes names in lower case."""
    said: dict[str, str] = {}
    for part in headers.get("cache-control", "").lower().split(","):
        name, _, value = part.strip().partition("=")
        said.setdefault(name.strip(), value.strip().strip('"'))
    if "no-store" in said or "no-cache" in said:
        return 0
    age = headers.get("age", "").strip()
    lifetime = said.get("max-age", "")
    if not lifetime.isascii() or not lifetime.isdigit():
        return None
    kept = int(age[:10]) if age.isascii() and age.isdigit() else 0
    return max(0, min(int(lifetime[:12]), 2**31) - kept)


def _problem(key: object, place: int) -> str | None:
    if not isinstance(key, dict):
        return "no object"
    return jose.key_problem(key) if place < _READ_WHOLE else jose.shape_problem(key)


def _public(key: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in key.items() if name not in jose.PRIVATE_MEMBERS}


def _name(key: object, place: int) -> str:
    """What a key is called: its kid, else its place."""
    kid = key.get("kid") if isinstance(key, dict) else None
    return shown(kid, 120) if isinstance(kid, str) and kid else f"#{place + 1}"


def _is(key: object, member: str, value: str) -> bool:
    return isinstance(key, dict) and key.get(member) == value


def _is_private(key: object) -> bool:
    return isinstance(key, dict) and key.get("kty") != "oct" and any(name in key for name in jose.PRIVATE_MEMBERS)


def _alg_fits(key: dict[str, Any]) -> bool:
    """Whether the key can make what it says it is for; of algorithms that encrypt nothing is known here."""
    name = key["alg"]
    known = jose.ALGORITHMS.get(name) if isinstance(name, str) else None
    return known is None or (key["kty"] == known[0] and known[1] in (None, key.get("crv")))


def _kind(key: dict[str, Any]) -> str:
    bits = jose.key_bits(key)
    return f"RSA {bits}" if bits else shown(str(key.get("crv", key["kty"])), 20)


def _first(bad: dict[str, str]) -> dict[str, str]:
    return dict(list(bad.items())[:_SHOWN])
