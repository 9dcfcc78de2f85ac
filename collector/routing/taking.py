"""Conclusions into alerts: what opens one, adds to it, or ends it, under which key. Pure.

What neither lasts nor ends is no alert; what becomes of an incident's failover is a part of the incident's.
"""

from typing import NamedTuple

import msgspec

from collector.events import AlertRouted, Event, FailoverChanged, IncidentChanged, IncidentNoted, Told
from collector.routing.facts import ENDED_BY, ends, is_alert, key_of, lasts, own, wakes
from collector.routing.state import MAX_EVENTS, Alert, Routing
from parallax.clock import NS

FLAP_NS = 3600 * NS
"""What is back within so long of its end is no news to be woken for."""


class Notice(NamedTuple):
    """What neither lasts nor ends, with the keys that it closes."""

    event: Event
    closed: tuple[str, ...]


def take(state: Routing, event: Event, now: int, touched: dict[str, None], notices: list[Notice]) -> None:
    """One conclusion into the state. `touched` gets the keys of alerts that have news, `notices` what is none."""
    data = event.data
    if isinstance(data, IncidentNoted):
        alert = state.alerts.get(data.incident.id)
        if alert is not None and data.moment.what == "acknowledged":
            alert.acknowledged = True
            touched[alert.key] = None
        return
    if isinstance(data, AlertRouted) or not is_alert(data):
        return
    told = Told(id=event.id, at=event.at, data=data)
    closed: tuple[str, ...] = ()
    if isinstance(data, FailoverChanged):
        _tell_within(state, data, told, now, touched)
        ending = ENDED_BY.get(data.word, frozenset()) - {data.word}
        closed = tuple(f"{data.group}/{word}" for word in sorted(ending))
    elif isinstance(data, IncidentChanged) and data.change == "resolved":
        closed = tuple(key for key, alert in state.alerts.items() if _is_of(alert, data.incident.id))
    for key in closed:
        if key in state.alerts and state.alerts[key].stage != "closed":
            _add(state.alerts[key], told, now)
            _close(state.alerts[key], now)
            touched[key] = None
    if not lasts(data):
        notices.append(Notice(event, closed))
        return
    key, over = key_of(event), isinstance(data, IncidentChanged) and data.change == "monitoring"
    alert = state.alerts.get(key)
    if alert is not None and alert.stage == "closed" and now >= alert.closed_at + FLAP_NS:
        alert = None
        del state.alerts[key]
    if alert is None:
        if ends(data) or over:
            return  # nobody was told that it began
        alert = state.alerts[key] = Alert(key=key, opened_at=now, since=now)
        if isinstance(data, IncidentChanged):
            alert.acknowledged = data.incident.human.acknowledged_at is not None
    touched[key] = None
    if isinstance(data, IncidentChanged) and _take_parent(alert, data):
        return
    _add(alert, told, now)
    if ends(data):
        _close(alert, now)
    elif over:
        alert.stage = "over"
    elif alert.stage != "open":
        if alert.stage == "closed":
            alert.acknowledged, alert.opened_at = False, now
        alert.stage, alert.since = "open", now


def _tell_within(state: Routing, data: FailoverChanged, told: Told, now: int, touched: dict[str, None]) -> None:
    """What becomes of an incident's failover is news of the incident: one page, however much is said. What a person
    must do something about now wakes them again, once by each word, however it flaps. A command has an alert of its
    own, as nothing may hold it up."""
    alert = state.alerts.get(data.incident or "")
    if alert is None or alert.stage == "closed" or data.word == "command":
        return
    _add(alert, told, now)
    touched[alert.key] = None
    if wakes(data) and data.word not in alert.woke:
        alert.woke = (*alert.woke, data.word)
        for ear in alert.ears.values():
            ear.paged_at = 0


def _take_parent(alert: Alert, data: IncidentChanged) -> bool:
    """Whether all that is new of a probe's incident is what explains it. That decides who hears of it yet, and is no
    news for who has: of a fleet that falls silent they would get one message for each probe."""
    if data.change != "updated" or alert.stage != "open" or not alert.events:
        return False
    known = own(alert)
    before = known.data
    if not isinstance(before, IncidentChanged):
        return False
    shown, new = before.incident, data.incident
    explained = msgspec.structs.replace(shown, parent=new.parent, updated_at=new.updated_at)
    if not shown.probes or shown.parent == new.parent or explained != new:
        return False
    place = alert.events.index(known)
    alert.events[place] = msgspec.structs.replace(known, data=msgspec.structs.replace(before, incident=new))
    return True


def _add(alert: Alert, told: Told, now: int) -> None:
    alert.count += 1
    alert.events.append(told)
    if len(alert.events) > MAX_EVENTS:
        del alert.events[1]
    for ear in alert.ears.values():
        ear.since = ear.since or now


def _close(alert: Alert, now: int) -> None:
    if alert.stage != "closed":
        alert.stage, alert.closed_at = "closed", now


def _is_of(alert: Alert, incident: str) -> bool:
    data = alert.events[-1].data
    return isinstance(data, FailoverChanged) and data.incident == incident
