"""What happened, as points: incidents, risks, notices, probes, switchovers, plans; and states that turned. Pure.

Many things happen at the moment of one record. A point is known by its tags and its time, so the last three digits of
the nanoseconds are the event's position in its journal: two of one moment are two points, and written again they are
the same two.
"""

from collections.abc import Iterator

from collector.events import (
    CheckChanged,
    ComponentChanged,
    Event,
    IncidentChanged,
    IncidentNoted,
    Noticed,
    ProbeChanged,
    RiskChanged,
)
from collector.inputs import FactInput, PlanStateInput
from collector.series.encode import Point
from parallax import points


def event_points(event: Event, position: int) -> Iterator[Point]:
    """What an event comes to."""
    at = _apart(event.at, position)
    match event.data:
        case IncidentChanged(incident=incident, what=what) if event.data.change != "updated":
            yield _note(at, event.type, incident.severity, incident.id, incident.title, what)
        case RiskChanged(risk=risk) if event.data.change != "updated":
            yield _note(at, event.type, "warning", risk.id, risk.title, risk.why)
        case Noticed() as noticed:
            yield _note(at, event.type, noticed.severity, event.id, noticed.title, noticed.why)
        case ProbeChanged() as said:
            if said.state in points.PROBE_STATES:
                yield Point(
                    of=points.PROBE_STATE,
                    at=at,
                    tags={"probe": said.probe},
                    fields={"state": points.PROBE_STATES[said.state]},
                )
            yield _note(at, event.type, "warning", event.id, f"probe {said.probe} is {said.state}", said.why)
        case ComponentChanged() as moved:
            yield component_point(at, moved.component, moved.state)
        case CheckChanged() as turned:
            yield check_point(
                at, turned.check, turned.kind, turned.target, turned.subject, turned.state,
                turned.evidence.failing, turned.evidence.voters,
            )  # fmt: skip
        case IncidentNoted():
            pass


def component_point(at: int, component: str, state: str) -> Point:
    return Point(
        of=points.COMPONENT_STATE,
        at=at,
        tags={"component": component},
        fields={"state": points.STATES.get(state)},
    )


def check_point(
    at: int, check: str, kind: str, target: str, subject: str, state: str, failing: int, voters: int
) -> Point:
    return Point(
        of=points.CHECK_STATE,
        at=at,
        tags={"check": check, "kind": kind, "target": target, "subject": subject},
        fields={"state": points.CHECK_STATES.get(state), "failing": failing, "voters": voters},
    )


def plan_point(value: PlanStateInput, position: int) -> Point:
    """What became of a version of the plan."""
    title = f"plan {value.hash[:12]} {value.change.replace('_', ' ')}" + (f" by {value.actor}" if value.actor else "")
    at = _apart(value.at, position)
    return _note(at, f"plan.{value.change}", "info", value.hash, title, value.why)


def fact_point(value: FactInput, position: int) -> Point:
    """Something that no probe saw: a switchover, an alert that was taken, what the vendor posted."""
    at = _apart(value.at, position)
    return _note(at, f"fact.{value.what}", "info", value.incident, value.what.replace("_", " "), value.text)


def _note(at: int, kind: str, severity: str, name: str, title: str, text: str) -> Point:
    return Point(
        of=points.ANNOTATION,
        at=at,
        tags={"type": kind, "severity": severity},
        fields={"value": 1, "id": name, "title": title, "text": text},
    )


def _apart(at: int, position: int) -> int:
    return at - at % 1000 + position % 1000
