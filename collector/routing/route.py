"""One step of routing."""

from collections.abc import Sequence

from collector.events import AlertRouted, Event
from collector.inputs import CommandInput
from collector.routing.state import Routing
from parallax.plan.types import Plan


def route(state: Routing, plan: Plan, events: Sequence[Event], now: int) -> list[AlertRouted]:
    """Takes what was just concluded, and the time that has passed, into the state; the alerts that are due now. Called
    after each record, with few events and mostly with none: with none and nothing due it must cost next to nothing."""
    return []


def command_routing(state: Routing, plan: Plan, command: CommandInput, now: int) -> None:
    """Takes what a person commanded (silences, acknowledgements); words of others change nothing."""


def rewind_routing(state: Routing, at: int) -> None:
    """The collector's clock was put back: all that lay later is now."""
