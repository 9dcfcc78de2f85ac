"""One run of a check in a script's world, and what came of it."""

from typing import Any

import msgspec

from lab.replay.world import World, rtt_ns
from parallax.clock import to_ns
from parallax.observation import Phase
from parallax.plan.types import Check, Probe

LATE_NS = to_ns(3)
"""How long a name server is waited for, at most."""


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one attempt. `after_ns`: how long after the run's start it began."""

    subject: str
    dims: dict[str, str] = {}
    reason: str | None = None
    fault: str | None = None
    """Where it is not the reason's own."""
    findings: dict[str, Any] = {}
    duration_ns: int
    after_ns: int = 0
    phases: tuple[Phase, ...] = ()


class Run(msgspec.Struct, frozen=True):
    """One run of a check: who, what, when."""

    world: World
    probe: Probe
    check: Check
    target: str
    at: int
    turn: int
    """Which run of this target it is, by its grid."""

    @property
    def timeout_ns(self) -> int:
        return to_ns(self.check.timeout)

    @property
    def late_ns(self) -> int:
        return min(LATE_NS, self.timeout_ns)

    def rtt_ns(self, place: str) -> int:
        """With some jitter."""
        return int(rtt_ns(self.probe, place) * self.world.rng.uniform(0.95, 1.3))
