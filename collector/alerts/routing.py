"""Which receivers an alert is for, and what to send next of what waits for one of them. Pure.

A receiver that was told of an incident is told of everything that becomes of it, up to its end, whatever the routes
say by then: severities change, and what opened is closed by a message. If an incident began and ended while a receiver
could not be reached, only the end is sent: nobody needs to be woken for what is over. The all-clear is such an end,
and the incident that it is about may still come back. What another incident explains, nobody is told of beside it,
unless it is critical itself.
"""

from collections.abc import Mapping, Sequence

import msgspec

from collector.events import Event, IncidentChanged, Noticed, RiskChanged, Severity
from parallax.plan.alert_types import Receiver, Route
from parallax.plan.types import Plan

RISK_SEVERITY: Severity = "warning"
"""What a risk counts as for [[route]]: nobody is hurt yet."""
MOST_KNOWN = 1000
"""Alerts whose end a receiver waits for; past it the oldest are forgotten."""

Known = Mapping[str, bool]
"""By the key of an alert that is not over: whether the receiver was told that it began. False: it was to be told, and
could not be."""


class Waiting(msgspec.Struct, frozen=True):
    """An alert that a receiver has not taken yet, and its place in `events`."""

    position: int
    event: Event


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """What comes next: `number` of those that wait are passed over first, then `waiting` is sent (None: nothing is
    left). `known` is what the receiver knows after those passed over; `missed`, that it was never told of the start."""

    number: int
    waiting: Waiting | None
    known: Known
    missed: bool = False


def is_alert(event: Event) -> bool:
    """Whether people are told of it. What checks, components and probes do, the incident says; what is noticed and
    worth no more than a line on the page, the page."""
    data = event.data
    return isinstance(data, IncidentChanged | RiskChanged) or (isinstance(data, Noticed) and data.severity != "info")


def alert_key(event: Event) -> str:
    """What an alert is about: the same from its start to its end, so that receivers can put it together."""
    data = event.data
    if isinstance(data, IncidentChanged):
        return data.incident.id
    return data.risk.id if isinstance(data, RiskChanged) else event.id


def is_end(event: Event) -> bool:
    """Whether an alert closes what an earlier one opened."""
    return isinstance(event.data, IncidentChanged | RiskChanged) and event.data.change in ("resolved", "cleared")


def is_over(event: Event) -> bool:
    """Whether it says that all is well again, whether it closes the alert yet or not."""
    return is_end(event) or (isinstance(event.data, IncidentChanged) and event.data.change == "monitoring")


def receivers_of(event: Event, plan: Plan) -> list[str]:
    """The receivers that the plan picks for an alert, by name, in the plan's order. Without any [[route]]: all."""
    if not is_alert(event) or _is_explained(event):
        return []
    names = [receiver.name for receiver in plan.receiver]
    if not plan.route:
        return names
    picked = {name for route in plan.route if _matches(route, event) for name in route.to}
    return [name for name in names if name in picked]


def takes(receiver: Receiver, event: Event, plan: Plan) -> bool:
    """Whether the plan picks this receiver for an alert."""
    return receiver.name in receivers_of(event, plan)


def choose(waiting: Sequence[Waiting], known: Known, receiver: Receiver, plan: Plan) -> Choice:
    """What to send next of what waits, oldest first."""
    after = dict(known)
    last = {alert_key(each.event): each.event for each in waiting}
    for number, each in enumerate(waiting):
        key = alert_key(each.event)
        if is_over(each.event):
            if key in after and (after[key] or each.event is last[key]):
                return Choice(number=number, waiting=each, known=after, missed=not after[key])
        elif key in after or takes(receiver, each.event, plan):
            if after.get(key) or not is_over(last[key]):
                return Choice(number=number, waiting=each, known=after)
            after[key] = False
    return Choice(number=len(waiting), waiting=None, known=after)


def known_after(known: Known, event: Event, *, told: bool) -> Known:
    """What a receiver knows after an alert was sent, or given up (`told` False)."""
    key, after = alert_key(event), dict(known)
    before = after.pop(key, False)  # to the end of the order, if it comes in again
    if isinstance(event.data, IncidentChanged | RiskChanged) and not is_end(event):  # a notice has no end to wait for
        after[key] = told or before
    for oldest in list(after)[: max(0, len(after) - MOST_KNOWN)]:
        del after[oldest]
    return after


def _is_explained(event: Event) -> bool:
    """Whether its parent says it all."""
    data = event.data
    return isinstance(data, IncidentChanged) and bool(data.incident.parent) and data.incident.severity != "critical"


def _matches(route: Route, event: Event) -> bool:
    data = event.data
    if isinstance(data, IncidentChanged):
        severity, components = data.incident.severity, data.incident.components
    elif isinstance(data, RiskChanged):
        severity, components = RISK_SEVERITY, data.risk.components
    elif isinstance(data, Noticed):
        severity, components = data.severity, data.components
    else:
        return False
    match = route.match
    return (not match.severity or severity in match.severity) and (
        not match.component or not set(match.component).isdisjoint(components)
    )
