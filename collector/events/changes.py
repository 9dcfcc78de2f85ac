"""What detection concludes of checks, incidents, risks, probes and components."""

from typing import Literal

import msgspec

from collector.events.evidence import CheckState, Evidence
from collector.events.incident import ComponentState, Incident, Moment, Severity
from collector.events.places import FaultDomain
from collector.events.risk import Risk
from parallax.event_words import IncidentWord, NoticeWord, RiskWord
from parallax.reasons import Fault


class CheckChanged(msgspec.Struct, frozen=True, kw_only=True, tag="check"):
    """A subject of a check turned. `since` is when the new state began, by the evidence."""

    check: str
    kind: str
    target: str
    subject: str
    state: CheckState
    before: CheckState
    since: int
    reason: str | None = None
    fault: Fault | None = None
    evidence: Evidence
    incident: str | None = None
    why: str = ""
    """Said where the evidence alone does not explain it: "the plan no longer has it"."""

    @property
    def type(self) -> str:
        return f"check.{self.state}"


class IncidentChanged(msgspec.Struct, frozen=True, kw_only=True, tag="incident"):
    """An incident as it stands after the change. `what` is one line on what this change says. `monitoring` is the
    all-clear: all of it passes again, and it is watched for a while before it is resolved."""

    change: IncidentWord
    what: str
    incident: Incident

    @property
    def type(self) -> str:
        return f"incident.{self.change}"


class IncidentNoted(msgspec.Struct, frozen=True, kw_only=True, tag="noted"):
    """Something was put on an incident's timeline, by a person or as a fact, that nobody need be told of."""

    moment: Moment
    incident: Incident

    @property
    def type(self) -> str:
        return "incident.noted"


class RiskChanged(msgspec.Struct, frozen=True, kw_only=True, tag="risk"):
    """`updated`: what is known of it changed so that people must hear: users are nearer to it than was said."""

    change: RiskWord
    risk: Risk

    @property
    def type(self) -> str:
        return f"risk.{self.change}"


class ProbeChanged(msgspec.Struct, frozen=True, kw_only=True, tag="probe"):
    """A probe fell silent, says that it cannot be trusted, or is well again."""

    probe: str
    state: Literal["silent", "unhealthy", "healthy"]
    since: int
    why: str
    incident: str | None = None

    @property
    def type(self) -> str:
        return f"probe.{self.state}"


class ComponentChanged(msgspec.Struct, frozen=True, kw_only=True, tag="component"):
    component: str
    state: ComponentState
    before: ComponentState
    since: int
    why: str

    @property
    def type(self) -> str:
        return "component.changed"


class Noticed(msgspec.Struct, frozen=True, kw_only=True, tag="notice"):
    """Something that people should know and that neither lasts nor ends: a chain leads elsewhere, an anycast site is
    gone. `title` is one line without a final stop."""

    word: NoticeWord
    title: str
    severity: Severity = "info"
    check: str = ""
    target: str = ""
    """The name, zone or address that it is about."""
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    domain: FaultDomain | None = None
    components: tuple[str, ...] = ()
    probes: tuple[str, ...] = ()
    why: str = ""

    @property
    def type(self) -> str:
        return f"notice.{self.word}"
