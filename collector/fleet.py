"""What the collector knows of its probes right now: when each was heard, how its clock stands, what it runs.

State of this process only. It is rebuilt from the streams' marks at a start, and bounded by the number of probes.
"""

from collections import deque
from collections.abc import Iterable, Mapping

import msgspec

from collector.offsets import WINDOW, Exchange, Offset, estimate
from collector.streams import Mark
from parallax.clock import NS

CONNECTED_NS = 90 * NS
"""A probe that was heard within this time counts as connected; a long poll comes every 30 s at the latest."""


class Member:
    """One probe. Wall clocks in ns since the Unix epoch; 0 is never."""

    def __init__(self) -> None:
        self.heard_at = 0
        self.batch_at = 0
        self.lag_ns = 0
        self.plan = ""
        self.agent = ""
        self.peer = ""
        self.offset = Offset(None, skewed=False)
        self.observations = 0
        self.missing = 0
        self.repeats = 0
        self.conflicts = 0
        self.refused = 0
        self.exchanges: deque[Exchange] = deque(maxlen=WINDOW)


class Fleet:
    """All probes that were heard, by id."""

    def __init__(self, marks: Iterable[Mark] = ()) -> None:
        self.members: dict[str, Member] = {}
        for mark in sorted(marks, key=lambda mark: mark.received_at):
            member = self.member(mark.probe)
            member.heard_at = member.batch_at = mark.received_at
            member.plan, member.agent = mark.plan, mark.agent
            member.observations += mark.observations
            member.missing += mark.missing

    def member(self, probe: str) -> Member:
        return self.members.setdefault(probe, Member())

    def heard(self, probe: str, at: int, peer: str) -> Member:
        """The probe has shown its token."""
        member = self.member(probe)
        member.heard_at = at  # not the latest ever: this host's clock may have been put back
        member.peer = peer
        return member

    def exchange(self, probe: str, exchange: Exchange) -> Offset:
        """Takes the times of one exchange into the estimate of the probe's clock, and gives it."""
        member = self.member(probe)
        member.exchanges.append(exchange)
        member.offset = estimate(member.exchanges)
        return member.offset

    def connected(self, at: int) -> tuple[str, ...]:
        """The ids of the probes heard of late, the most recent first, then by id. One that was heard in the future was
        heard before the clock was put back, and nobody knows when."""
        heard = [(-m.heard_at, probe) for probe, m in self.members.items() if abs(at - m.heard_at) <= CONNECTED_NS]
        return tuple(probe for _, probe in sorted(heard))


class ProbeStatus(msgspec.Struct, frozen=True, kw_only=True):
    """A probe as the status shows it. Ages and spans in seconds, None where unknown."""

    id: str
    connected: bool
    heard_s_ago: float | None
    batch_s_ago: float | None
    lag_s: float
    """From the cut of the last batch (the probe's clock) to its arrival."""
    clock_offset_s: float | None
    skewed: bool
    plan: str
    agent: str
    peer: str
    observations: int
    missing: int
    repeats: int
    conflicts: int
    refused: int
    unhealthy: str = ""
    """Why detection gives it no vote; empty where it has one, or is silent."""


def status_of(fleet: Fleet, at: int, troubles: Mapping[str, str]) -> list[ProbeStatus]:
    """All probes, by id; `troubles`, by probe, is why one is unhealthy."""
    connected = set(fleet.connected(at))
    return [
        ProbeStatus(
            id=probe,
            connected=probe in connected,
            heard_s_ago=_age(m.heard_at, at),
            batch_s_ago=_age(m.batch_at, at),
            lag_s=round(m.lag_ns / NS, 3),
            clock_offset_s=None if m.offset.offset_ns is None else round(m.offset.offset_ns / NS, 3),
            skewed=m.offset.skewed,
            plan=m.plan,
            agent=m.agent,
            peer=m.peer,
            observations=m.observations,
            missing=m.missing,
            repeats=m.repeats,
            conflicts=m.conflicts,
            refused=m.refused,
            unhealthy=troubles.get(probe, ""),
        )
        for probe, m in sorted(fleet.members.items())
    ]


def _age(then: int, at: int) -> float | None:
    return round((at - then) / NS, 3) if then else None
