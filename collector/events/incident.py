"""A fault with a start, a fault domain, affected components, a timeline and an end."""

from collections.abc import Iterable
from typing import Literal

import msgspec

from collector.events.evidence import CheckState, Evidence
from collector.events.places import FaultDomain

ComponentState = Literal[
    "operational",
    "degraded_performance",
    "partial_outage",
    "full_outage",
    "under_maintenance",
    "not_measured",
    "unknown",
]
Severity = Literal["critical", "warning", "info"]


class Affected(msgspec.Struct, frozen=True, kw_only=True):
    """A subject of a check within an incident, and how it stands."""

    check: str
    kind: str
    target: str
    subject: str
    state: CheckState
    since: int
    reason: str | None = None
    """The word that most failing probes gave."""


Stage = Literal["investigating", "identified", "monitoring", "resolved", "reopened"]
"""Where people are with it: `identified` once the fault domain is known or a person says so, `monitoring` once it is
over as far as probes see, `reopened` after a relapse until it is identified again."""
MomentWord = Literal[
    "began",
    "detected",
    "identified",
    "paged",
    "acknowledged",
    "switched",
    "effective",
    "vendor_posted",
    "monitoring",
    "resolved",
    "reopened",
    "note",
]


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """A line of an incident's timeline. `actor` is empty where the machine saw it, else who said it."""

    at: int
    what: MomentWord
    text: str = ""
    actor: str = ""


class Human(msgspec.Struct, frozen=True, kw_only=True):
    """What people said of an incident. The machine goes by it, and never changes it."""

    title: str = ""
    title_by: str = ""
    domain: FaultDomain | None = None
    domain_by: str = ""
    acknowledged_at: int | None = None
    acknowledged_by: str = ""


class Incident(msgspec.Struct, frozen=True, kw_only=True):
    """A fault with a start, a fault domain, affected components and an end, as it is known at one moment."""

    id: str
    title: str
    """One line without a final stop: "DNS operator dns-a is dark: 4 of 4 name servers do not answer"."""
    severity: Severity
    domain: FaultDomain | None
    started_at: int
    """The first failing attempt that belongs to it."""
    opened_at: int
    updated_at: int
    resolved_at: int | None = None
    components: tuple[str, ...] = ()
    impact: ComponentState = "operational"
    """The worst that it did to a component so far; operational: nobody is hurt yet as far as can be told."""
    checks: tuple[Affected, ...] = ()
    evidence: Evidence | None = None
    probes: tuple[str, ...] = ()
    """For trouble of the probes themselves: whose."""
    stage: Stage = "investigating"
    parent: str = ""
    """The incident that explains this one."""
    because: tuple[str, ...] = ()
    """Why the fault is said to be there, in sentences."""
    alternatives: tuple[FaultDomain, ...] = ()
    """Where else it might be: what explains the evidence nearly as well."""
    timeline: tuple[Moment, ...] = ()
    """The oldest first; bounded."""
    left_out: int = 0
    """Moments that the machine saw and the timeline had no room for."""
    over_at: int | None = None
    """Since when all of it passes, as far as probes see; None while anything fails. Resolved after a calm time."""
    human: Human = Human()
    seen_title: str = ""
    """The machine's own title, where a person gave another."""
    seen_domain: FaultDomain | None = None
    """The machine's own fault domain, where a person named another."""

    @property
    def ended_at(self) -> int | None:
        """When it ended: since when all of it passes, else when it was resolved; None while anything fails."""
        return self.resolved_at if self.over_at is None else self.over_at


_SEVERITIES: tuple[Severity, ...] = ("critical", "warning", "info")


def urgent_first(incidents: Iterable[Incident]) -> list[Incident]:
    """By severity; among equals those that hurt a component first, and last what another explains or probes have among
    themselves; else as they come."""
    return sorted(
        incidents,
        key=lambda each: (
            _SEVERITIES.index(each.severity),
            each.impact == "operational",
            bool(each.parent),
            bool(each.probes),
        ),
    )
