"""The board: everything that is known right now, as plain values. The page, the terminal and the API show it.

It is made from detection's state by a pure function (`collector.detect.board`), never kept. Times are wall clock, ns
since the Unix epoch, UTC.
"""

from typing import Literal

import msgspec

from collector.events import CheckState, ComponentState, Evidence, Incident, Risk
from parallax.reasons import Fault

ProbeState = Literal["healthy", "unhealthy", "silent", "unknown"]
"""`unknown`: in the plan, and never heard."""


class Latest(msgspec.Struct, frozen=True, kw_only=True):
    """The last that one probe said about one subject. `fresh` is False once it is too old to count."""

    probe: str
    at: int
    duration_ns: int
    reason: str | None
    fault: Fault | None
    abstain: str | None
    soft: bool
    fresh: bool
    site: str | None = None
    region: str | None = None


class SubjectBoard(msgspec.Struct, frozen=True, kw_only=True):
    """One (check, target, subject)."""

    target: str
    subject: str
    state: CheckState
    since: int
    evidence: Evidence
    incident: str | None
    latest: tuple[Latest, ...]
    """By probe id."""


class CheckBoard(msgspec.Struct, frozen=True, kw_only=True):
    """One check of the plan; `state` is the worst of its subjects."""

    name: str
    kind: str
    period_s: float
    state: CheckState
    subjects: tuple[SubjectBoard, ...]
    """By target, then subject."""


class ComponentBoard(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    state: ComponentState
    since: int
    why: str
    owner: str = ""
    runbook: str | None = None
    checks: tuple[str, ...] = ()
    risks: tuple[str, ...] = ()


class ProbeBoard(msgspec.Struct, frozen=True, kw_only=True):
    """A probe. Spans are seconds; None where nothing is known."""

    id: str
    state: ProbeState
    since: int
    why: str
    region: str = ""
    provider: str = ""
    asn: int | None = None
    location: tuple[float, float] | None = None
    """Latitude and longitude, degrees."""
    network: str = ""
    """data-centre or access."""
    heard_at: int | None = None
    lag_s: float | None = None
    """From the cut of its last batch to the batch's arrival."""
    clock_offset_s: float | None = None
    agent: str = ""
    plan: str = ""


class Board(msgspec.Struct, frozen=True, kw_only=True):
    """Everything at one moment. `position` is the last record of `inputs` that it knows."""

    at: int
    position: int
    components: tuple[ComponentBoard, ...] = ()
    """In the plan's order, as are checks and probes."""
    checks: tuple[CheckBoard, ...] = ()
    probes: tuple[ProbeBoard, ...] = ()
    incidents: tuple[Incident, ...] = ()
    """Open ones, the newest first."""
    risks: tuple[Risk, ...] = ()
