"""What a provider of sign-in publishes: the keys that it signs with, and where its endpoints are. Pure.

Keys rotate, and endpoints move; who caches them longer than the provider thinks fails then. A change is believed once
two probes see it, where two look, and is told once: caches hand out the old and the new by turns for a while.
"""

from collections import Counter
from collections.abc import Iterable
from hashlib import blake2b
from typing import Any, Literal

import msgspec

from collector.detect.view import CheckView, View, for_check
from collector.events import EventData, FaultDomain, Noticed
from parallax.clock import NS
from parallax.observation import Observation
from parallax.reasons import REASONS

MAX_PUBLISHED = 2000
MAX_PROBES = 64
MAX_SHAPES = 8
MAX_VALUES, MAX_TEXT = 200, 300
TOLD_NS = 86400 * NS
"""What was published within this and comes back is no news."""

LOOKING_NS = 3600 * NS
"""Who looked within this is one who could bear out what another reads."""

What = Literal["keys", "endpoints"]


class Word(msgspec.Struct, array_like=True):
    """What one probe last read, by its sign."""

    at: int
    sign: str


class Shape(msgspec.Struct, array_like=True):
    """Something that was published, and when it was last agreed on; 0: never."""

    values: tuple[str, ...]
    agreed_at: int = 0


class Published(msgspec.Struct):
    what: What
    check: str
    issuer: str
    host: str
    fresh_ns: int
    at: int
    said: dict[str, Word] = {}
    shapes: dict[str, Shape] = {}
    sign: str = ""
    """What most probes agreed on last."""
    restless: bool = False
    """Something was read that is not what they agreed on."""


def note_published(
    known: dict[str, Published], check: CheckView, probe: str, observation: Observation, at: int, fresh_ns: int
) -> None:
    """Takes one word on what is published; `fresh_ns` is how long it counts."""
    what, values = _read(observation)
    if what is None or not values or observation.target not in check.targets:
        return
    name = f"{what}\x1f{observation.target}"
    found = known.get(name)
    if found is None:
        if len(known) >= MAX_PUBLISHED:
            del known[min(known, key=lambda each: known[each].at)]
        host = check.targets[observation.target].host
        found = known[name] = Published(
            what=what, check=check.name, issuer=observation.target, host=host, fresh_ns=fresh_ns, at=at
        )
    sign = blake2b("\0".join(values).encode(errors="replace"), digest_size=8).hexdigest()
    said = found.said.get(probe)
    if said is not None and at < said.at:
        return
    if said is None and len(found.said) >= MAX_PROBES:
        del found.said[min(found.said, key=lambda each: found.said[each].at)]
    found.said[probe] = Word(at, sign)
    found.at, found.fresh_ns = max(found.at, at), fresh_ns
    if sign not in found.shapes:
        used = {word.sign for word in found.said.values()} | {found.sign}
        for old in [each for each in found.shapes if each not in used][: len(found.shapes) + 1 - MAX_SHAPES]:
            del found.shapes[old]
        if len(found.shapes) >= MAX_SHAPES:  # as many probes, as many words: none of them is believed
            return
        found.shapes[sign] = Shape(values)
    found.restless |= sign != found.sign


def tell_published(known: dict[str, Published], view: View, now: int, told: list[EventData]) -> None:
    """Says what changed since it was last agreed on."""
    for found in known.values():
        if not found.restless:
            continue
        looking = sum(now - word.at <= max(found.fresh_ns, LOOKING_NS) for word in found.said.values())
        fresh = [word.sign for word in found.said.values() if now - word.at <= found.fresh_ns]
        counts = Counter(sign for sign in fresh if sign in found.shapes)
        sign, number = max(counts.items(), key=lambda item: (item[1], item[0]), default=("", 0))
        if number < min(2, looking) or 2 * number < len(fresh) or not sign:
            continue
        found.restless = any(each != sign for each in fresh)
        if sign == found.sign:
            continue
        before, after = found.shapes.get(found.sign), found.shapes[sign]
        news = before is not None and not (after.agreed_at and now - after.agreed_at <= TOLD_NS)
        if before is not None:
            before.agreed_at = now
        found.sign, after.agreed_at = sign, now
        if news and before is not None:
            told.append(_notice(found, view, before.values, after.values))


def rewind_published(known: dict[str, Published], at: int) -> None:
    """Time went back: nothing is later than now."""
    for found in known.values():
        found.at = min(found.at, at)
        for word in found.said.values():
            word.at = min(word.at, at)
        for shape in found.shapes.values():
            shape.agreed_at = min(shape.agreed_at, at)


def _notice(found: Published, view: View, before: tuple[str, ...], after: tuple[str, ...]) -> Noticed:
    new, gone = [v for v in after if v not in before], [v for v in before if v not in after]
    if found.what == "keys":
        parts = [f"{_listed(new)} is new" if len(new) == 1 else f"{_listed(new)} are new"] if new else []
        parts += [f"{_listed(gone)} is gone" if len(gone) == 1 else f"{_listed(gone)} are gone"] if gone else []
        word, severity = "keys_rotated", "info"
        title = f"Keys of {found.host} rotated: {'; '.join(parts)}"
        why = "" if set(before) & set(after) else "none of those before is left: who holds them fails new tokens"
    else:
        names = dict.fromkeys(value.partition(" ")[0] for value in (*gone, *new))
        word, severity = "discovery_changed", "warning"
        title = f"Discovery of {found.host} changed: {_listed(names)}"
        why = "clients that hold the document of before go on with the old"
    return Noticed(
        word=word,  # type: ignore[arg-type]
        severity=severity,  # type: ignore[arg-type]
        title=title[:200],
        check=found.check,
        target=found.issuer,
        before=before if found.what == "keys" else tuple(gone),
        after=after if found.what == "keys" else tuple(new),
        domain=FaultDomain(kind="endpoint", name=found.host),
        components=for_check(view, found.check),
        probes=tuple(probe for probe, said in found.said.items() if said.sign == found.sign),
        why=why,
    )


def _read(observation: Observation) -> tuple[What | None, tuple[str, ...]]:
    """What was read, sorted; None where it is nothing of that, or was read only in part."""
    known = REASONS.get(observation.reason or "")
    if observation.reason is not None and not (known and known.soft):
        return None, ()
    findings: dict[str, Any] = observation.findings
    if observation.subject == "jwks":
        kids = findings.get("kids")
        names = {kid[:MAX_TEXT] for kid in kids[:MAX_VALUES] if isinstance(kid, str)} if isinstance(kids, list) else ()
        return "keys", tuple(sorted(names))
    if observation.subject == "discovery":
        endpoints = findings.get("endpoints")
        pairs = list(endpoints.items())[:MAX_VALUES] if isinstance(endpoints, dict) else ()
        return "endpoints", tuple(sorted(f"{n} {url}"[:MAX_TEXT] for n, url in pairs if isinstance(url, str)))
    return None, ()


def _listed(names: Iterable[str]) -> str:
    found = [name[:60] for name in names]
    return ", ".join(found[:3]) + (f" and {len(found) - 3} more" if len(found) > 3 else "")
