"""One step of routing: conclusions and time in, alerts for named receivers out.

Each key has an alert, and each receiver that the plan picks for it an ear: what it knows. A look at an alert says for
every ear what is due now: the trigger, an update, a page once more, the end. Who got a trigger gets the end at once,
whatever the routes, silences and windows say by then.
"""

from collections.abc import Sequence

import msgspec

from collector.events import AlertRouted, Event, IncidentChanged, Noticed, Suppressed, Told
from collector.inputs import CommandInput
from collector.routing.facts import Facts, facts_of, own
from collector.routing.holding import Holds
from collector.routing.looking import Said, look, routed
from collector.routing.matching import audience
from collector.routing.people import people_of
from collector.routing.silences import command_silences
from collector.routing.state import MAX_ALERTS, MAX_SPAN_NS, NEVER, Alert, Routing
from collector.routing.taking import FLAP_NS, Notice, take
from collector.routing.titles import title_of
from parallax.plan.types import Plan


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
    notices: list[Notice] = []
    for event in events:
        take(state, event, now, touched, notices)
    if now < state.due and not touched and not notices:
        return []
    state.silences = {name: silence for name, silence in state.silences.items() if silence.until > now}
    found: list[AlertRouted] = []
    if touched:  # an end may let go what it held back
        touched |= dict.fromkeys(a.key for a in state.alerts.values() if any(ear.held for ear in a.ears.values()))
    looked = [alert for alert in state.alerts.values() if alert.key in touched or alert.due <= now]
    holds = Holds(state, plan, now)
    ended: dict[str, set[str]] = {}
    for alert in sorted(looked, key=_comes_last):
        told = {name for name, ear in alert.ears.items() if ear.told}
        found += look(alert, plan, holds, now)
        if alert.stage == "closed":
            ended[alert.key] = told
    for event, closed in notices:
        heard = {name for key in closed for name in ended.get(key, ())}
        found += _notice(event, plan, holds, now, heard)
    _forget(state, now, found)
    state.due = min((alert.due for alert in state.alerts.values()), default=NEVER)
    state.due = min([state.due, *(silence.until for silence in state.silences.values())])
    return found


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


def _forget(state: Routing, now: int, found: list[AlertRouted]) -> None:
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
            found.append(routed(alert, facts, Said("resolve", "slow", False, 1), names, ()))


def _not_followed(told: Told, facts: Facts, now: int) -> Told:
    title = f"No longer followed, as over {MAX_ALERTS} alerts are open: {title_of(told.data)}"
    why = "it may go on: the page has what becomes of it"
    data = Noticed(
        word="not_followed", title=title[:200], why=why, severity=facts.severity, components=tuple(facts.components)
    )
    return Told(id=f"{told.id}/not_followed", at=now, data=data)
