"""The policies that are compared: ours, which is the real `decide`, and those that others have."""

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

from bench.switching.nights import MIN, Span
from bench.switching.play import Driver
from collector.failover.machine import decide
from collector.failover.types import GroupState, MemberWord, Policy, Readiness, Situation
from parallax.clock import NS

START_NS = 1_754_447_400 * NS
"""6 August 2025, 02:30 UTC."""
PROBES, NETWORKS = 15, 5
PRIMARY, STANDBY = "us-central1", "us-east1"
GROUP = Policy(
    name="api",
    kind="region",
    members=(PRIMARY, STANDBY),
    primary=PRIMARY,
    mode="auto",
    ttl_ns=60 * NS,
    hold_ns=(15 * 60 * NS, 60 * 60 * NS),
    actions=("webhook",),
    not_after_ns=60 * NS,
)


class Ours:
    """The group's own state machine, with all rules, as the collector runs it."""

    def __init__(self, policy: Policy = GROUP) -> None:
        self.policy = policy
        self.state = GroupState()
        self.said: list[tuple[float, str]] = []
        self._standby = _word(STANDBY, True, -86_400.0)
        self._primary = _word(PRIMARY, True, -86_400.0)
        self._ready = {name: Readiness(member=name, ready=True, since=START_NS) for name in policy.members}

    def look(self, now: float, up: bool, since: float, standby: float) -> bool | None:
        if (self._primary.standing == "up") is not up or self._primary.since != _ns(since):
            self._primary = _word(PRIMARY, up, since)
            ready = Readiness(member=PRIMARY, ready=up, since=_ns(since))
            self._ready = {**self._ready, PRIMARY: ready}
        if up and not self._ready[PRIMARY].ready:
            self._ready = {**self._ready, PRIMARY: Readiness(member=PRIMARY, ready=True, since=_ns(since))}
        situation = Situation(
            now=_ns(now),
            members={PRIMARY: self._primary, STANDBY: self._standby},
            ready=self._ready,
            serving={PRIMARY: 1 - standby, STANDBY: standby},
            cause="region" if not up else "unknown",
        )
        going = None
        for each in decide(self.state, self.policy, situation):
            self.said.append((now, each.word))
            if each.word == "command":
                going = each.target == STANDBY
        return going


class Mirror:
    """Follows the health check both ways, as DNS failover with health checks does."""

    def look(self, now: float, up: bool, since: float, standby: float) -> bool | None:
        return not up


class Fixed:
    """Out at once, back after the primary was well for so long."""

    def __init__(self, minutes: float) -> None:
        self._hold = minutes * MIN

    def look(self, now: float, up: bool, since: float, standby: float) -> bool | None:
        if not up:
            return True
        return False if now - since >= self._hold else None


class Both(Fixed):
    """The same wait both ways."""

    def look(self, now: float, up: bool, since: float, standby: float) -> bool | None:
        return (not up) if now - since >= self._hold else None


class Ejecting:
    """As Envoy's outlier detection: out for the base time as many times as it was ejected before, then back as soon as
    it is well."""

    def __init__(self, minutes: float) -> None:
        self._base = minutes * MIN
        self._times = 0
        self._at: float | None = None

    def look(self, now: float, up: bool, since: float, standby: float) -> bool | None:
        if not up:
            if self._at is None:
                self._at, self._times = now, self._times + 1
            return True
        if self._at is not None and now - self._at >= self._base * self._times:
            self._at = None
            return False
        return None


class Doubling:
    """Out at once, back after a wait that doubles with each relapse."""

    def __init__(self, minutes: float) -> None:
        self._base = minutes * MIN
        self._times = -1
        self._was_up = True
        self._out = False

    def look(self, now: float, up: bool, since: float, standby: float) -> bool | None:
        if not up:
            if not self._out:
                self._out, self._times = True, self._times + 1
            return True
        if self._out and now - since >= self._base * 2**self._times:
            self._out = False
            return False
        return None


class Gaps:
    """Twice the longest gap between relapses, within bounds, and from the lower bound at first: ours without a guess at
    the first outage."""

    def __init__(self, low: float, high: float) -> None:
        self._low, self._high = low * MIN, high * MIN
        self._gap = 0.0
        self._well: float | None = None

    def look(self, now: float, up: bool, since: float, standby: float) -> bool | None:
        if not up:
            if self._well is not None:
                self._gap, self._well = max(self._gap, since - self._well), None
            return True
        if standby or self._well is not None:
            self._well = since
        return False if now - since >= min(max(2 * self._gap, self._low), self._high) else None


class Foreseeing:
    """Knows when the next outage comes: goes back at once where the gap is longer than a bound. The best bound of a
    night is the optimum that hindsight would have had."""

    def __init__(self, spans: Sequence[Span], bound: float) -> None:
        # An outage that began and is not seen yet is none to go back in.
        self._back = [end for (_, end), (start, _) in pairwise(spans) if start - end > bound]
        self._back.append(spans[-1][1])
        self._starts = [start for start, _ in spans]

    def look(self, now: float, up: bool, since: float, standby: float) -> bool | None:
        if not up:
            return True
        last = max(start for start in self._starts if start <= now)
        return False if any(last <= end <= now for end in self._back) else None


POLICIES: Mapping[str, Callable[[], Driver]] = {
    "**ours**": Ours,
    "2 x gap, 15 to 60 min, 15 at first": lambda: Gaps(15, 60),
    "mirror": Mirror,
    "Envoy-style, 5 min x n": lambda: Ejecting(5),
    "back after 5 min": lambda: Fixed(5),
    "back after 10 min": lambda: Fixed(10),
    "back after 20 min": lambda: Fixed(20),
    "back after 30 min": lambda: Fixed(30),
    "5 min x 2^k": lambda: Doubling(5),
    "10 min x 2^k": lambda: Doubling(10),
    "10 min both ways": lambda: Both(10),
}
"""By name, what makes one for a night."""


def _ns(at: float) -> int:
    return START_NS + round(at * NS)


def _word(name: str, up: bool, since: float) -> MemberWord:
    return MemberWord(
        name=name,
        standing="up" if up else "down",
        since=_ns(since),
        share=0.0 if up else 1.0,
        voters=PROBES,
        failing=0 if up else PROBES,
        enrolled=PROBES,
        networks=NETWORKS,
        may_switch=not up,
    )
