"""What people are to be told: conclusions that routing has turned into alerts, each for named receivers."""

from typing import Literal

import msgspec

from collector.events.changes import (
    CheckChanged,
    ComponentChanged,
    IncidentChanged,
    IncidentNoted,
    Noticed,
    ProbeChanged,
    RiskChanged,
)
from collector.events.failover import FailoverChanged, ReadinessChanged
from collector.events.incident import Severity

Conclusion = (
    CheckChanged
    | IncidentChanged
    | IncidentNoted
    | RiskChanged
    | ProbeChanged
    | ComponentChanged
    | Noticed
    | FailoverChanged
    | ReadinessChanged
)
"""What is concluded of the world; what people are told of it is no conclusion."""

Lane = Literal["fast", "slow"]
"""fast: failover commands and first pages, at once, to all sinks side by side. slow: what may wait and be grouped."""
AlertPhase = Literal["trigger", "update", "resolve", "notice"]
"""trigger opens what a later resolve closes; an update is between them; a notice stands alone."""
Tier = Literal["page", "ticket", "log"]
"""page: impact, or impact expected within an hour. ticket: somebody should look. log: a line that nobody is sent."""

SuppressedBy = Literal["silence", "maintenance", "inhibition", "acknowledged", "flap", "tier", "parent", "standby"]


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """One conclusion that an alert passes on: the event's id, moment and data."""

    id: str
    at: int
    data: Conclusion

    @property
    def type(self) -> str:
        """incident.opened, failover.command, ..."""
        return self.data.type


class Suppressed(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who would have been told, and what kept it from them."""

    receiver: str
    by: SuppressedBy
    why: str
    """"silence s3 of ann until 14:00: ..."."""


class AlertRouted(msgspec.Struct, frozen=True, kw_only=True, tag="alert"):
    """One alert: what is said, to whom, and to whom not. Receivers read these records and no others."""

    key: str
    """The deduplication key: the same from trigger to resolve, on every receiver, from every collector."""
    about: str
    """The type of the event that led to it: incident.opened, ..."""
    phase: AlertPhase
    tier: Tier
    severity: Severity
    lane: Lane = "slow"
    of: tuple[Told, ...]
    """What it says, the newest last; several where it was grouped."""
    to: tuple[str, ...] = ()
    """Receivers by name."""
    suppressed: tuple[Suppressed, ...] = ()
    incident: str | None = None
    pages: bool = False
    """Whether it is to wake somebody: the first page of a key, or a page again as nobody acknowledged it. What else is
    said of something that pages (updates, its end) goes to the same people quietly."""

    @property
    def type(self) -> str:
        return f"alert.{self.phase}"
