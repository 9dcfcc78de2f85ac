"""What is broken when: a script's faults, and its rows of outages with the times drawn that nobody knows. Pure."""

import random
from collections.abc import Iterator

import msgspec

from lab.replay.script import Front, Mode, Place, Row, Script, ns_of, place_of
from parallax.clock import to_ns

LEAST_NS = to_ns(30)
"""A drawn outage is no shorter, also where a known one cuts it."""
WEAK = 0.5
"""Health checks do not move traffic for fewer failures than that."""


class Broken(msgspec.Struct, frozen=True, kw_only=True):
    """A place that is broken from `start` to `end`, ns since the Unix epoch."""

    place: Place
    name: str
    mode: Mode
    severity: float
    start: int
    end: int


class Shift(msgspec.Struct, frozen=True):
    """From `at` on, a front leads to this region."""

    at: int
    region: str


def broken_of(script: Script, rng: random.Random) -> list[Broken]:
    """Every outage, by its start."""
    found = []
    for fault in script.fault:
        place, name = place_of(fault.where)
        found.append(
            Broken(
                place=place,
                name=name,
                mode=fault.mode,
                severity=fault.severity,
                start=ns_of(fault.start),
                end=ns_of(fault.end),
            )
        )
    for row in script.random:
        found += _drawn(row, rng)
    return sorted(found, key=lambda each: each.start)


def shifts_of(front: Front, broken: list[Broken]) -> list[Shift]:
    """Where a front leads, the oldest first; its first region before any of them."""
    bad = [
        (each.start, each.end)
        for each in broken
        if each.place == "region" and each.name == front.regions[0] and each.mode != "slow" and each.severity >= WEAK
    ]
    shifts: list[Shift] = []
    for start, end in _joined(bad, to_ns(front.back)):
        if end - start > to_ns(front.out):
            shifts += [
                Shift(start + to_ns(front.out), front.regions[1]),
                Shift(end + to_ns(front.back), front.regions[0]),
            ]
    return shifts


def _joined(spans: list[tuple[int, int]], gap: int) -> Iterator[tuple[int, int]]:
    """Spans with less than a gap between them are one."""
    held: tuple[int, int] | None = None
    for start, end in sorted(spans):
        if held is not None and start - held[1] < gap:
            held = (held[0], max(held[1], end))
            continue
        if held is not None:
            yield held
        held = (start, end)
    if held is not None:
        yield held


def _drawn(row: Row, rng: random.Random) -> Iterator[Broken]:
    place, name = place_of(row.where)
    until, least_gap = ns_of(row.until), to_ns(row.gaps[0])
    starts = [(ns_of(anchor.at), anchor.mode) for anchor in row.anchors]
    while starts:
        start, mode = starts.pop(0)
        end = start + to_ns(rng.uniform(*row.lengths))
        after = starts[0][0] if starts else until
        end = min(end, max(start + LEAST_NS, after - (least_gap if starts else 0)))
        yield Broken(
            place=place, name=name, mode=mode or row.mode, severity=row.severity, start=start, end=min(end, until)
        )
        following = end + to_ns(rng.uniform(*row.gaps))
        latest = after - (least_gap + LEAST_NS if starts else LEAST_NS)
        if following <= latest:
            starts.insert(0, (following, None))
