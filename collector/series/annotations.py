"""What happened, as points: incidents, risks, notices, probes, switchovers, plans; and states that turned. Pure.

Many things happen at the moment of one record. A point is known by its tags and its time, so the last six digits of
the nanoseconds are the event's position in its journal: two of one moment are two points, and written again they are
the same two, also where a storm routes ten thousand alerts at once.
"""

from collections.abc import Iterator

from collector.events import (
    AlertRouted,
    CheckChanged,
    ComponentChanged,
    Event,
    FailoverChanged,
    IncidentChanged,
    IncidentNoted,
    Noticed,
    ProbeChanged,
    ReadinessChanged,
    RiskChanged,
)
from collector.inputs import FactInput, PlanStateInput
from parallax import points
from parallax.clock import NS
from parallax.exposition import Point

_APART_NS = 1_000_000
AVAILABLE = {"operational": 1, "degraded_performance": 1, "partial_outage": 0, "full_outage": 0}
"""Whether a component is there for its users, by its state; of the others nobody can tell."""


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
        case FailoverChanged() as moved:
            yield _note(at, event.type, moved.severity, event.id, moved.title, moved.why)
            if moved.word == "switched":
                yield from _switchover_points(moved, at)
        case ReadinessChanged() as turned:
            yield _note(at, event.type, "warning", event.id, turned.title, turned.why)
            yield member_point(at, turned.group, turned.member, ready=turned.word == "restored")
        case AlertRouted() as alert:
            yield Point(
                of=points.ALERT,
                at=at,
                tags={"phase": alert.phase, "tier": alert.tier, "severity": alert.severity},
                fields={"told": len(alert.to), "suppressed": len(alert.suppressed)},
            )
        case IncidentNoted():
            pass


def _switchover_points(moved: FailoverChanged, at: int) -> Iterator[Point]:
    yield Point(
        of=points.SWITCHOVER,
        at=at,
        tags={"group": moved.group, "direction": moved.direction},
        fields={
            "duration_seconds": moved.duration_ns / NS,
            "dwell_seconds": moved.dwell_ns / NS,
            "hurt": moved.hurt,
            "flaps": moved.flaps,
        },
    )
    if moved.source:
        yield member_point(at, moved.group, moved.source, serving=0)
    if moved.target:
        yield member_point(at, moved.group, moved.target, serving=1)


def member_point(at: int, group: str, member: str, *, serving: float | None = None, ready: bool | None = None) -> Point:
    """A member of a failover group: the share of vantages that it serves, and whether it could be switched to."""
    return Point(
        of=points.FAILOVER,
        at=at,
        tags={"group": group, "member": member},
        fields={"serving": serving, "ready": None if ready is None else int(ready)},
    )


def component_point(at: int, component: str, state: str) -> Point:
    return Point(
        of=points.COMPONENT_STATE,
        at=at,
        tags={"component": component},
        fields={"state": points.STATES.get(state), "available": AVAILABLE.get(state)},
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
    return at - at % _APART_NS + position % _APART_NS
