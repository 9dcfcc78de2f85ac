"""What a conclusion is as an alert: whether it is one, under which key, how loud, and by what routes can pick it. Pure.

Keys are the same from a beginning to its end: an incident's or risk's id; `group/word` for a failover group;
`group/member/ready` for a standby; a notice, which neither lasts nor ends, has its event's id.
"""

from collections.abc import Mapping
from typing import Literal

import msgspec

from collector.events import (
    Event,
    EventData,
    FailoverChanged,
    FailoverWord,
    IncidentChanged,
    Noticed,
    ReadinessChanged,
    RiskChanged,
    Severity,
    Tier,
    Told,
)
from collector.routing.state import Alert
from parallax.clock import NS

RISK_SEVERITY: Severity = "warning"
"""What a risk counts as for [[route]]: nobody is hurt yet."""
SOON_NS = 3600 * NS
"""A risk that may hurt users within so long is a page."""
PAGING: frozenset[FailoverWord] = frozenset({"blocked", "not_effective", "failed", "both_bad"})
"""Words on a failover group at which a person must act now, where users are hurt."""
LASTING: frozenset[FailoverWord] = PAGING | {"recommended", "both_serving"}
"""Words that hold until another one ends them; all others are notices."""
ENDED_BY: Mapping[FailoverWord, frozenset[FailoverWord]] = {
    "switched": frozenset({"recommended", "blocked", "not_effective", "failed", "both_bad", "both_serving"}),
    "command": frozenset({"recommended", "blocked", "both_bad"}),
    "effective": LASTING,
    "withdrawn": LASTING,
    "recommended": frozenset({"blocked", "both_bad"}),
    "blocked": frozenset({"recommended"}),
    "both_bad": frozenset({"recommended"}),
}
"""By word: which earlier words on the same group hold no longer."""

Sort = Literal["incident", "risk", "failover", "readiness", "notice"]


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What routes, silences and inhibitions go by."""

    key: str
    sort: Sort
    severity: Severity
    tier: Tier
    type: str
    components: frozenset[str] = frozenset()
    checks: frozenset[str] = frozenset()
    cause: str = ""
    certain: bool = False
    """Whether nothing else explains it as well."""
    failover: str = ""
    parent: str = ""
    incident: str | None = None
    adds: bool = False
    """A risk that says more than its incident does: for how long caches carry it."""
    commands: bool = False
    """It carries a failover command, which nothing may hold up."""


def is_alert(data: EventData) -> bool:
    """Whether people are told of it. What checks, components and probes do, the incident says; what is noticed and
    worth no more than a line on the page, the page."""
    if isinstance(data, Noticed):
        return data.severity != "info"
    if isinstance(data, RiskChanged) and data.risk.failover:
        return False  # readiness.lost tells of it
    return isinstance(data, IncidentChanged | RiskChanged | FailoverChanged | ReadinessChanged)


def key_of(event: Event | Told) -> str:
    """What an alert is about: the same from its start to its end, so that receivers can put it together."""
    match event.data:
        case IncidentChanged() as data:
            return data.incident.id
        case RiskChanged() as data:
            return data.risk.id
        case FailoverChanged() as data:
            return f"{data.group}/{data.word}"
        case ReadinessChanged() as data:
            return f"{data.group}/{data.member}/ready"
    return event.id


def own(alert: Alert) -> Told:
    """The newest event of an alert that is of its own key: what ended it may be another's."""
    return next((told for told in reversed(alert.events) if key_of(told) == alert.key), alert.events[-1])


def ends(data: EventData) -> bool:
    """Whether it closes what was opened under its key."""
    match data:
        case IncidentChanged():
            return data.change == "resolved"
        case RiskChanged():
            return data.change == "cleared"
        case ReadinessChanged():
            return data.word == "restored"
    return False


def lasts(data: EventData) -> bool:
    """Whether what it says holds until something ends it."""
    if isinstance(data, FailoverChanged):
        return data.word in LASTING
    return not isinstance(data, Noticed)


def wakes(data: FailoverChanged) -> bool:
    """Whether somebody is to be woken by it. A drill that fails, and a way back that waits while the standby serves
    well, hurt nobody: they are warnings."""
    return data.word in PAGING and data.severity == "critical"


def facts_of(event: Event | Told, now: int) -> Facts:
    """By what it is picked, at this moment."""
    data, key = event.data, key_of(event)
    match data:
        case IncidentChanged():
            known = data.incident
            return Facts(
                key=key,
                sort="incident",
                severity=known.severity,
                tier="page" if known.severity == "critical" else _quiet(known.severity),
                type=data.type,
                components=frozenset(known.components),
                checks=frozenset(each.check for each in known.checks),
                cause=known.domain.kind if known.domain else "",
                certain=known.domain.certain if known.domain else False,
                parent=known.parent,
                incident=known.id,
            )
        case RiskChanged():
            risk = data.risk
            soon = risk.expected_at is not None and risk.expected_at - now <= SOON_NS
            return Facts(
                key=key,
                sort="risk",
                severity=RISK_SEVERITY,
                tier="page" if soon else "ticket",
                type=data.type,
                components=frozenset(risk.components),
                checks=frozenset([risk.check]),
                cause=risk.domain.kind if risk.domain else "",
                certain=risk.domain.certain if risk.domain else False,
                incident=risk.incident or None,
                adds=risk.runway is not None,
            )
        case FailoverChanged():
            tier: Tier = "page" if wakes(data) else _quiet(data.severity)
            commands = data.word == "command"
            return Facts(
                key=key,
                sort="failover",
                severity=data.severity,
                tier="ticket" if commands else tier,
                type=data.type,
                components=frozenset(data.components),
                failover=data.group,
                incident=data.incident,
                commands=commands,
            )
        case ReadinessChanged():
            return Facts(
                key=key,
                sort="readiness",
                severity=RISK_SEVERITY,
                tier="ticket",
                type=data.type,
                components=frozenset(data.components),
                failover=data.group,
            )
        case Noticed():
            certificate = "certificate" if data.word.startswith("certificate_") else ""
            return Facts(
                key=key,
                sort="notice",
                severity=data.severity,
                tier=_quiet(data.severity),
                type=data.type,
                components=frozenset(data.components),
                checks=frozenset([data.check] if data.check else []),
                cause=data.domain.kind if data.domain else certificate,
                certain=data.domain.certain if data.domain else False,
            )
    raise TypeError(f"{data.type} is no alert")


def _quiet(severity: Severity) -> Tier:
    return "log" if severity == "info" else "ticket"
