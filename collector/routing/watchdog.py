"""A sign of life each minute for receivers of the kind heartbeat. Pure.

It goes the way of every page: a record of `inputs`, detection, routing, `events`, delivery. What is stuck anywhere on
it stops the heartbeats, and whoever waits for them outside says so (a dead man's switch). Nobody is told of anything by
them, so they are no alerts to count: no page, report or screen has them.
"""

from collector.events import AlertRouted, Event
from collector.routing.state import Routing
from parallax.clock import NS
from parallax.plan.receivers import HEARTBEAT
from parallax.plan.types import Plan

BEAT_NS = 60 * NS
WATCHDOG = "watchdog"
"""The key, and what it is about."""


def route_heartbeat(state: Routing, plan: Plan, now: int) -> list[AlertRouted]:
    """The heartbeat that is due now, by records' time. Called after each record: mostly nothing is due."""
    if now < state.beat_due:
        return []
    state.beat_due = max(state.beat_due + BEAT_NS, now + 1) if now < state.beat_due + BEAT_NS else now + BEAT_NS
    names = tuple(receiver.name for receiver in plan.receiver if receiver.kind == HEARTBEAT)
    if not names:
        return []
    return [
        AlertRouted(
            key=WATCHDOG, about=WATCHDOG, phase="notice", tier="log", severity="info", lane="fast", of=(), to=names
        )
    ]


def is_heartbeat(event: Event) -> bool:
    """Whether it is no more than a sign of life."""
    return isinstance(event.data, AlertRouted) and event.data.about == WATCHDOG


def rewind_heartbeat(state: Routing, at: int) -> None:
    """The collector's clock was put back."""
    state.beat_due = min(state.beat_due, at)
