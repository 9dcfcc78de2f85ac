"""One step of routing: conclusions and time in, alerts for named receivers out.

Each key has an alert, and each receiver that the plan picks for it an ear: what it knows. A look at an alert says for
every ear what is due now: the trigger, an update, a page once more, the end. So whatever holds something back (a
silence, a window, a group's patience) only puts off the look at which it is said, and what is over by then is said as
such. Who got a trigger gets the end at once, whatever the routes, silences and windows say by then.
"""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from collector.events import (
    AlertPhase,
    AlertRouted,
    Event,
    FailoverChanged,
    IncidentChanged,
    IncidentNoted,
    Lane,
    Noticed,
    RiskChanged,
    Suppressed,
    Tier,
    Told,
)
from collector.inputs import CommandInput
from collector.routing.facts import ENDED_BY, SOON_NS, Facts, ends, facts_of, is_alert, key_of, lasts, own, wakes
from collector.routing.holding import PATIENCE_NS, Hold, Holds
from collector.routing.matching import Pace, audience, pace_by_name
from collector.routing.people import people_of
from collector.routing.silences import command_silences
from collector.routing.state import MAX_ALERTS, MAX_EVENTS, MAX_SPAN_NS, NEVER, Alert, Ear, Routing
from collector.routing.titles import title_of
from parallax.clock import NS
from parallax.plan.types import Plan
from parallax.spans import lasting

FLAP_NS = 3600 * NS
"""What is back within so long of its end is no news to be woken for."""
LOOK_NS = 60 * NS
"""How often what is held is looked at, as the plan may be another by then."""


class Said(NamedTuple):
    """Receivers with all of these in common get one alert."""

    phase: AlertPhase
    lane: Lane
    pages: bool
    number: int
    """How many of the newest events it says."""


def route(state: Routing, plan: Plan, events: Sequence[Event], now: int) -> list[AlertRouted]:
    """Takes what was just concluded, and the time that has passed, into the state; the alerts that are due now. Called
    after each record, with few events and mostly with none: with none and nothing due it must cost next to nothing."""
    if now < state.due and not events:
        return []
    plan = people_of(plan)
    if not plan.receiver:
        state.alerts, state.due = {}, NEVER
        return []
    touched: dict[str, None] = {}
    notices: list[tuple[Event, tuple[str, ...]]] = []
    for event in events:
        _take(state, event, now, touched, notices)
    if now < state.due and not touched and not notices:
        return []
    state.silences = {name: silence for name, silence in state.silences.items() if silence.until > now}
    routed: list[AlertRouted] = []
    if touched:  # an end may let go what it held back
        touched |= dict.fromkeys(a.key for a in state.alerts.values() if any(ear.held for ear in a.ears.values()))
    looked = [alert for alert in state.alerts.values() if alert.key in touched or alert.due <= now]
    holds = Holds(state, plan, now)
    ended: dict[str, set[str]] = {}
    for alert in sorted(looked, key=_comes_last):
        told = {name for name, ear in alert.ears.items() if ear.told}
        routed += _look(alert, plan, holds, now)
        if alert.stage == "closed":
            ended[alert.key] = told
    for event, closed in notices:
        heard = {name for key in closed for name in ended.get(key, ())}
        routed += _notice(event, plan, holds, now, heard)
    _forget(state, now, routed)
    state.due = min((alert.due for alert in state.alerts.values()), default=NEVER)
    state.due = min([state.due, *(silence.until for silence in state.silences.values())])
    return routed


def command_routing(state: Routing, plan: Plan, command: CommandInput, now: int) -> None:
    """Takes what a person commanded (silences); words of others change nothing."""
    if command_silences(state, command, now):
        state.due = 0
        for alert in state.alerts.values():
            alert.due = 0


def rewind_routing(state: Routing, at: int) -> None:
    """The collector's clock was put back: all that lay later is now."""
    for alert in state.alerts.values():
        alert.opened_at, alert.since = min(alert.opened_at, at), min(alert.since, at)
        alert.closed_at, alert.due = min(alert.closed_at, at), 0
        for ear in alert.ears.values():
            ear.at, ear.since, ear.paged_at = min(ear.at, at), min(ear.since, at), min(ear.paged_at, at)
    for silence in list(state.silences.values()):
        until = min(silence.until, at + MAX_SPAN_NS)
        state.silences[silence.id] = msgspec.structs.replace(silence, since=min(silence.since, at), until=until)
    state.due = 0


def _comes_last(alert: Alert) -> bool:
    """What may explain others is looked at first."""
    data = alert.events[-1].data
    return not (isinstance(data, IncidentChanged) and data.incident.domain is not None and not data.incident.parent)


def _take(
    state: Routing, event: Event, now: int, touched: dict[str, None], notices: list[tuple[Event, tuple[str, ...]]]
) -> None:
    """One conclusion into the state. `notices` gets those that neither last nor end, with the keys that they close."""
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
        notices.append((event, closed))
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
    _add(alert, told, now)
    touched[key] = None
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


def _look(alert: Alert, plan: Plan, holds: Holds, now: int) -> list[AlertRouted]:
    """Everything that is due of one alert; when it is due again."""
    facts = facts_of(own(alert), now)
    fresh = not alert.ears and alert.count == len(alert.events)
    paces = audience(plan, facts) if alert.stage == "open" or fresh else {}
    said: dict[Said, list[str]] = {}
    kept: list[Suppressed] = []
    logged: list[Suppressed] = []
    alert.due = NEVER
    if facts.sort == "risk" and facts.tier == "ticket" and alert.stage == "open":
        _soon(alert, now)
    if fresh and not paces and alert.stage == "open":
        if not plan.route:
            kept = [Suppressed(receiver=r.name, by="tier", why=f"it is for the {facts.tier}") for r in plan.receiver]
        return [_routed(alert, facts, Said("trigger", "slow", False, 1), (), kept)]
    for receiver in plan.receiver:
        name = receiver.name
        ear = alert.ears.get(name)
        if ear is None:
            if name not in paces:
                continue
            ear = alert.ears[name] = Ear(since=now)
        pace = paces.get(name) or pace_by_name(plan, ear.group)
        ear.group = pace.group
        if alert.stage == "closed":
            _look_closed(alert, ear, name, said, logged)
        elif not ear.told:
            _look_untold(alert, facts, ear, name, pace, holds, now, said, kept, logged, picked=name in paces)
        else:
            _look_told(alert, facts, ear, name, pace, holds, now, said, kept)
    planned = {receiver.name for receiver in plan.receiver}
    alert.ears = {
        name: ear
        for name, ear in alert.ears.items()
        if name in planned and (ear.told or ear.before or (ear.since and alert.stage != "closed"))
    }
    if alert.stage == "closed":
        alert.due = alert.closed_at + FLAP_NS
    found = [
        _routed(alert, facts, each, tuple(names), kept if number == 0 else ())
        for number, (each, names) in enumerate(said.items())
    ]
    if kept and not said:
        phase: AlertPhase = "update" if any(ear.told for ear in alert.ears.values()) else "trigger"
        found.append(_routed(alert, facts, Said(phase, "slow", False, len(alert.events)), (), kept))
    if logged:
        found.append(_routed(alert, facts, Said("notice", "slow", False, len(alert.events)), (), logged, tier="log"))
    if all(ear.seen == alert.count for ear in alert.ears.values()) or alert.stage == "closed":
        alert.events = [own(alert)]
    return found


def _look_closed(alert: Alert, ear: Ear, name: str, said: dict[Said, list[str]], logged: list[Suppressed]) -> None:
    if ear.told:
        _say(said, alert, ear, name, "resolve")
        ear.told, ear.before = False, True
    elif ear.since and not ear.before:
        if ear.held:
            logged.append(Suppressed(receiver=name, by=ear.held, why=f"began and ended meanwhile: {ear.why}"))
        else:
            _say(said, alert, ear, name, "notice")
    ear.since, ear.held, ear.why = 0, None, ""


def _look_untold(
    alert: Alert,
    facts: Facts,
    ear: Ear,
    name: str,
    pace: Pace,
    holds: Holds,
    now: int,
    said: dict[Said, list[str]],
    kept: list[Suppressed],
    logged: list[Suppressed],
    *,
    picked: bool,
) -> None:
    if alert.stage == "open" and not picked:
        ear.since = 0
        return
    hold = holds.on(alert, facts, name)
    if hold is not None:
        _hold(alert, ear, name, hold, now, kept)
        return
    if alert.stage == "over":
        if ear.held:
            logged.append(Suppressed(receiver=name, by=ear.held, why=f"began and ended meanwhile: {ear.why}"))
            ear.since, ear.held, ear.why = 0, None, ""
        elif not ear.since or ear.before:
            ear.since = 0
        elif now < ear.since + pace.wait:
            alert.due = min(alert.due, ear.since + pace.wait)
        else:
            _say(said, alert, ear, name, "notice")
            ear.since = 0
        return
    ear.since = ear.since or now
    pages = facts.tier == "page" and not ear.paged_at
    if not pages and not ear.before and facts.sort != "failover" and now < ear.since + pace.wait:
        alert.due = min(alert.due, ear.since + pace.wait)
        return
    if pages and (paged_at := holds.paged_of_late(alert, facts, name)):
        why = f"paged {lasting(now - paged_at)} ago for the same: it is told without a page"
        kept.append(Suppressed(receiver=name, by="flap", why=why))
        pages, ear.paged_at = False, paged_at
    if facts.tier == "page" and ear.before and ear.paged_at:
        why = f"paged {lasting(now - ear.paged_at)} ago, and back within an hour of its end: an update and no page"
        kept.append(Suppressed(receiver=name, by="flap", why=why))
    _say(said, alert, ear, name, "update" if ear.before else "trigger", pages=pages, lane="fast" if pages else "slow")
    _heard(ear, now, pages=pages)
    _again_at(alert, facts, ear, pace)


def _look_told(
    alert: Alert,
    facts: Facts,
    ear: Ear,
    name: str,
    pace: Pace,
    holds: Holds,
    now: int,
    said: dict[Said, list[str]],
    kept: list[Suppressed],
) -> None:
    news = ear.seen < alert.count
    if not news:
        ear.since = 0
    if alert.stage == "over":
        if news:  # the all-clear is the end as far as anybody can see
            _say(said, alert, ear, name, "update")
            _heard(ear, now)
        return
    first = facts.tier == "page" and not ear.paged_at
    again = _again_due(alert, facts, ear, now)
    repeat = bool(pace.repeat) and not alert.acknowledged and now >= ear.at + pace.repeat
    if news and now < ear.at + pace.interval and not (first or again or repeat):
        alert.due = min(alert.due, ear.at + pace.interval)
        news = False
    if first or again or repeat or news:
        hold = holds.on(alert, facts, name)
        if hold is not None:
            _hold(alert, ear, name, hold, now, kept)
            return
        _say(said, alert, ear, name, "update", pages=first or again, lane="fast" if first else "slow")
        ear.again = ear.again or again
        _heard(ear, now, pages=first)
    _again_at(alert, facts, ear, pace)


def _again_due(alert: Alert, facts: Facts, ear: Ear, now: int) -> bool:
    """Whether a page went unheard for too long."""
    return _may_page_again(alert, facts, ear) and now >= max(ear.paged_at, alert.since) + PATIENCE_NS


def _may_page_again(alert: Alert, facts: Facts, ear: Ear) -> bool:
    waits = facts.sort == "incident" and facts.tier == "page" and not alert.acknowledged
    return waits and bool(ear.paged_at) and not ear.again


def _again_at(alert: Alert, facts: Facts, ear: Ear, pace: Pace) -> None:
    """When an ear is told again, if nothing else comes."""
    if _may_page_again(alert, facts, ear):
        alert.due = min(alert.due, max(ear.paged_at, alert.since) + PATIENCE_NS)
    if pace.repeat and not alert.acknowledged:
        alert.due = min(alert.due, ear.at + pace.repeat)


def _heard(ear: Ear, now: int, *, pages: bool = False) -> None:
    ear.told, ear.at, ear.since, ear.held, ear.why = True, now, 0, None, ""
    if pages:
        ear.paged_at = now


def _hold(alert: Alert, ear: Ear, name: str, hold: Hold, now: int, kept: list[Suppressed]) -> None:
    """It is kept back for now; what keeps it is said once."""
    ear.since = ear.since or now
    if (ear.held, ear.why) != (hold.by, hold.why):
        kept.append(Suppressed(receiver=name, by=hold.by, why=hold.why))
        ear.held, ear.why = hold.by, hold.why
    alert.due = min(alert.due, now + LOOK_NS, hold.until if hold.until is not None else NEVER)


def _say(
    said: dict[Said, list[str]],
    alert: Alert,
    ear: Ear,
    name: str,
    phase: AlertPhase,
    *,
    pages: bool = False,
    lane: Lane = "slow",
) -> None:
    number = max(min(alert.count - ear.seen, len(alert.events)), 1)
    said.setdefault(Said(phase, lane, pages, number), []).append(name)
    ear.seen = alert.count


def _soon(alert: Alert, now: int) -> None:
    """A risk comes to be a page as its time comes near, without another word on it."""
    data = alert.events[-1].data
    if isinstance(data, RiskChanged) and data.risk.expected_at is not None:
        alert.due = min(alert.due, max(data.risk.expected_at - SOON_NS, now + 1))


def _notice(event: Event, plan: Plan, holds: Holds, now: int, heard: set[str]) -> list[AlertRouted]:
    """What neither lasts nor ends is said at once, or, where people ordered quiet, noted. `heard` know it already: by
    it, something that they were told of has ended."""
    told = Told(id=event.id, at=event.at, data=event.data)  # type: ignore[arg-type]
    facts = facts_of(told, now)
    within = [] if facts.commands else [n for n in audience(plan, facts) if holds.tells_within(facts, n)]
    names = [name for name in audience(plan, facts) if name not in heard and name not in within]
    hold = None if facts.commands else holds.of_people(facts)
    kept = [Suppressed(receiver=name, by=hold.by, why=hold.why) for name in names] if hold is not None else []
    return [
        AlertRouted(
            key=facts.key,
            about=facts.type,
            phase="notice",
            tier=facts.tier if hold is None else "log",
            severity=facts.severity,
            lane="fast" if facts.commands else "slow",
            of=(told,),
            to=() if hold is not None else tuple(names),
            suppressed=tuple(kept),
            incident=facts.incident,
        )
    ]


def _routed(
    alert: Alert,
    facts: Facts,
    said: Said,
    to: tuple[str, ...],
    suppressed: Sequence[Suppressed],
    *,
    tier: Tier | None = None,
) -> AlertRouted:
    return AlertRouted(
        key=alert.key,
        about=alert.events[-1].type,
        phase=said.phase,
        tier=tier or facts.tier,
        severity=facts.severity,
        lane=said.lane,
        of=tuple(alert.events[-said.number :]),
        to=to,
        suppressed=tuple(suppressed),
        incident=facts.incident,
        pages=said.pages,
    )


def _forget(state: Routing, now: int, routed: list[AlertRouted]) -> None:
    """What ended an hour ago; and past the bound what ended, then what nobody was told of, then the oldest. Whoever was
    told of that is told that it is followed no longer: their pager is not left open, and nobody claims that it is
    over."""
    for key, alert in list(state.alerts.items()):
        if alert.stage == "closed" and (now >= alert.closed_at + FLAP_NS or not alert.ears):
            del state.alerts[key]
    while len(state.alerts) > MAX_ALERTS:
        every = state.alerts.values()
        ended = next((alert for alert in every if alert.stage == "closed"), None)
        unheard = ended or next((a for a in every if not any(ear.told for ear in a.ears.values())), None)
        alert = state.alerts.pop((unheard or next(iter(every))).key)
        if names := tuple(name for name, ear in alert.ears.items() if ear.told):
            facts = facts_of(own(alert), now)
            alert.events = [_not_followed(own(alert), facts, now)]
            routed.append(_routed(alert, facts, Said("resolve", "slow", False, 1), names, ()))


def _not_followed(told: Told, facts: Facts, now: int) -> Told:
    title = f"No longer followed, as over {MAX_ALERTS} alerts are open: {title_of(told.data)}"
    why = "it may go on: the page has what becomes of it"
    data = Noticed(
        word="not_followed", title=title[:200], why=why, severity=facts.severity, components=tuple(facts.components)
    )
    return Told(id=f"{told.id}/not_followed", at=now, data=data)
