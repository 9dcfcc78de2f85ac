"""The lives of alerts: created, routed to whom, kept from whom by what, each try to tell somebody, who acknowledged.
Pure: made of the alerts among the events and of what came of deliveries. Times are ns since the Unix epoch.
"""

from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from collector.events import AlertRouted, Event, Incident, Suppressed
from collector.events.alert import AlertPhase, Lane, Tier
from collector.events.incident import Severity
from collector.inputs import DeliveryInput
from collector.routing.titles import title_of

Outcome = Literal["sent", "retried", "given_up", "left_out", "waiting"]
"""left_out: a later alert of the same key told it all. waiting: nothing is known of it yet."""


class Try(msgspec.Struct, frozen=True, kw_only=True):
    """What came of telling a receiver; a trouble that goes on is one line, with the tries so far."""

    at: int
    outcome: Literal["sent", "retried", "given_up"]
    tries: int
    text: str = ""


class Telling(msgspec.Struct, frozen=True, kw_only=True):
    """How one receiver was told of one alert, or not yet."""

    receiver: str
    outcome: Outcome
    tries: tuple[Try, ...] = ()
    """The oldest first."""


class Acknowledged(msgspec.Struct, frozen=True, kw_only=True):
    """Who took it on."""

    at: int
    by: str
    text: str = ""


class Life(msgspec.Struct, frozen=True, kw_only=True):
    """One alert from its creation on."""

    id: str
    at: int
    key: str
    about: str
    """The type of the event that led to it: incident.opened, ..."""
    phase: AlertPhase
    tier: Tier
    severity: Severity
    lane: Lane
    pages: bool
    title: str
    incident: str | None = None
    told: tuple[Telling, ...] = ()
    """Those whom routing picked."""
    suppressed: tuple[Suppressed, ...] = ()
    acknowledged: tuple[Acknowledged, ...] = ()
    """Of its incident, from this alert on."""


def lives_of(
    alerts: Sequence[Event], deliveries: Sequence[DeliveryInput], incidents: Mapping[str, Incident] = {}
) -> tuple[Life, ...]:
    """Oldest first. `incidents` by id, as last known: they have who acknowledged."""
    tries: dict[tuple[str, str], list[Try]] = {}
    last: dict[tuple[str, str], int] = {}
    places = {event.id: number for number, event in enumerate(alerts)}
    for each in deliveries:
        done = Try(at=each.at, outcome=each.outcome, tries=each.tries, text=each.text)
        tries.setdefault((each.alert, each.receiver), []).append(done)
        if each.outcome == "sent" and each.alert in places:
            key = each.key, each.receiver
            last[key] = max(last.get(key, 0), places[each.alert])
    lives = []
    for number, event in enumerate(alerts):
        data = event.data
        if not isinstance(data, AlertRouted) or not data.of:
            continue
        told = []
        for receiver in data.to:
            came = tuple(tries.get((event.id, receiver), ()))
            told.append(Telling(receiver=receiver, outcome=_outcome(came, last, data, receiver, number), tries=came))
        lives.append(
            Life(
                id=event.id,
                at=event.at,
                key=data.key,
                about=data.about,
                phase=data.phase,
                tier=data.tier,
                severity=data.severity,
                lane=data.lane,
                pages=data.pages,
                title=title_of(data.of[-1].data),
                incident=data.incident,
                told=tuple(told),
                suppressed=data.suppressed,
                acknowledged=_acknowledged(incidents.get(data.incident or ""), event.at),
            )
        )
    return tuple(lives)


def _outcome(
    came: Sequence[Try], last: Mapping[tuple[str, str], int], alert: AlertRouted, receiver: str, number: int
) -> Outcome:
    if any(each.outcome == "sent" for each in came):
        return "sent"
    if last.get((alert.key, receiver), -1) > number:
        return "left_out"
    return came[-1].outcome if came else "waiting"


def _acknowledged(incident: Incident | None, since: int) -> tuple[Acknowledged, ...]:
    if incident is None:
        return ()
    return tuple(
        Acknowledged(at=moment.at, by=moment.actor, text=moment.text)
        for moment in incident.timeline
        if moment.what == "acknowledged" and moment.at >= since
    )
