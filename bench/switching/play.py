"""Plays a night with a policy: what it sees of the primary, what it switches, what that costs users.

The detector sees an outage and its end a little late, as measured (docs/detection.md, 15 probes). DNS moves traffic
over in a minute, evenly. The standby is always well. Nothing here decides: that is the policy's.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from bench.switching.nights import Span

SEEN_DOWN_S = (8.0, 12.3)
SEEN_UP_S = (3.0, 6.0)
DRAIN_S = 60.0
STEP_S = 15.0
AFTER_S = 150 * 60.0


class Driver(Protocol):
    """A policy at work on one night."""

    def look(self, now: float, up: bool, since: float, standby: float) -> bool | None:
        """Called whenever something changed, and every few seconds: whether the primary is seen up, since when, and the
        share of traffic at the standby. True: switch to the standby. False: switch back. None: leave it."""
        ...


@dataclass(slots=True)
class Night:
    """What came of it. Seconds; `bad` and `standby` weigh by the share of traffic."""

    spans: Sequence[Span]
    switches: list[tuple[float, bool]] = field(default_factory=list)
    """When, and whether to the standby."""
    bad: float = 0.0
    standby: float = 0.0
    points: list[tuple[float, float]] = field(default_factory=list)
    """(time, share of traffic at the standby), where it bends."""

    @property
    def back_s(self) -> float:
        """How long after the last outage's end it went back; less than 0 if before; infinite if never."""
        last = self.switches[-1] if self.switches else (0.0, False)
        return last[0] - self.spans[-1][1] if not last[1] else float("inf")


def play(spans: Sequence[Span], driver: Driver, rng: random.Random) -> Night:
    """Plays it until long after the last outage."""
    seen = _seen(spans, rng)
    edges = sorted({0.0, *(edge for span in spans for edge in span), *(at for at, _ in seen)})
    until = spans[-1][1] + AFTER_S
    night = Night(spans)
    now, share, goal = 0.0, 0.0, 0.0
    up, since = True, -86_400.0
    place = 0
    while now < until:
        while place < len(seen) and seen[place][0] <= now:
            since, up = seen[place]
            place += 1
        decided = driver.look(now, up, since, share)
        if decided is not None and float(decided) != goal:
            goal = float(decided)
            night.switches.append((now, decided))
            night.points.append((now, share))
        if not edges and share == goal == 0.0 and up:
            break
        while edges and edges[0] <= now:
            edges.pop(0)
        after = min(now + (STEP_S if share == goal else 5.0), edges[0] if edges else until, until)
        if share != goal:
            after = min(after, now + abs(goal - share) * DRAIN_S)
        step = (after - now) / DRAIN_S
        moved = max(share - step, goal) if goal < share else min(share + step, goal)
        if moved == goal != share:
            night.points.append((after, moved))
        middle = (share + moved) / 2
        night.standby += middle * (after - now)
        if any(start <= now < end for start, end in spans):
            night.bad += (1 - middle) * (after - now)
        # A drain that ends within a rounding of its end has ended.
        now, share = after, goal if abs(moved - goal) < 1e-9 else moved
    return night


def _seen(spans: Sequence[Span], rng: random.Random) -> list[tuple[float, bool]]:
    found: list[tuple[float, bool]] = []
    for start, end in spans:
        found.append((start + rng.uniform(*SEEN_DOWN_S), False))
        found.append((end + rng.uniform(*SEEN_UP_S), True))
    return sorted(found)
