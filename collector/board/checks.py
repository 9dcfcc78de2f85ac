"""Checks and components as people see them.

Times are wall clock, ns since the Unix epoch, UTC.
"""

import msgspec

from collector.events import CheckState, ComponentState, Evidence
from parallax.reasons import Fault


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
    server: str = ""
    """For a name server: its name, its operator, its zone."""
    operator: str = ""
    zone: str = ""
    resolver: str = ""
    """For a resolver: its name."""


class CheckBoard(msgspec.Struct, frozen=True, kw_only=True):
    """One check of the plan; `state` is the worst of its subjects, and unknown for a flow that is kept from a step."""

    name: str
    kind: str
    period_s: float
    state: CheckState
    subjects: tuple[SubjectBoard, ...]
    """By target, then subject."""
    why: str = ""
    """At which step a flow is kept out, and by what."""


class ComponentBoard(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    state: ComponentState
    since: int
    why: str
    owner: str = ""
    runbook: str | None = None
    checks: tuple[str, ...] = ()
    risks: tuple[str, ...] = ()
