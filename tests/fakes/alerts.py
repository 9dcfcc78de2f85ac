"""Alerts as routing makes them, for tests of what delivers them."""

from typing import Any

from collector.events import AlertRouted, Event, IncidentChanged, RiskChanged, Told
from collector.events.alert import AlertPhase, Lane
from tests.fakes.events import AT, Change, incident

_PHASES: dict[str, AlertPhase] = {
    "opened": "trigger", "raised": "trigger", "resolved": "resolve", "cleared": "resolve",
}  # fmt: skip


def routed(event: Event, *to: str, lane: Lane = "slow", phase: AlertPhase | None = None) -> Event:
    """An alert of its own for a conclusion, with the conclusion's id, for the receivers `to`."""
    data = event.data
    assert not isinstance(data, AlertRouted)
    key, about = event.id, ""
    usual: AlertPhase = "notice"
    if isinstance(data, IncidentChanged | RiskChanged):
        usual = _PHASES.get(data.change, "update")
    if isinstance(data, IncidentChanged):
        key = about = data.incident.id
    elif isinstance(data, RiskChanged):
        key = data.risk.id
    alert = AlertRouted(
        key=key,
        about=event.type,
        phase=phase or usual,
        tier="page",
        severity="critical",
        lane=lane,
        of=(Told(id=event.id, at=event.at, data=data),),
        to=to or ("ops",),
        incident=about or None,
    )
    return Event(id=event.id, at=event.at, cause=event.cause, data=alert)


def alert(
    name: str = "i1", change: Change = "opened", *to: str, lane: Lane = "slow", at: int = AT, **more: Any
) -> Event:
    """The alert of a change of the incident `name`; its id is `name-change`."""
    return routed(incident(name, change, at=at, **more), *to, lane=lane)
