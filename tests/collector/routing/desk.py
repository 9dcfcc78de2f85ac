"""Routing by hand: events and time in, what comes out as short lines."""

from typing import Any, Literal

import msgspec

from collector.events import AlertRouted, Event, FailoverChanged, FailoverWord, Noticed, ReadinessChanged
from collector.inputs import CommandInput
from collector.routing.facts import PAGING
from collector.routing.route import command_routing, rewind_routing, route
from collector.routing.state import Routing
from parallax.clock import NS
from parallax.plan.alert_types import Group, Match, Receiver, Route
from parallax.plan.types import Plan
from tests.fakes.events import AT

MIN = 60 * NS
Word = Literal["lost", "restored"]


def plan(*routes: Route, **more: Any) -> Plan:
    receivers = [Receiver(name=name, kind="webhook") for name in ("pager", "ops", "log")]
    return Plan(receiver=receivers, route=list(routes), **more)


def to(*names: str, **match: Any) -> Route:
    return Route(match=Match(**match), to=list(names))


TEAM = Group(name="team", receivers=["ops"])
"""Waits 30 s, then 5 min between messages, repeats after 4 h."""


def failover(word: FailoverWord, at: int = AT, **more: Any) -> Event:
    known: dict[str, Any] = {"group": "regions", "title": f"it is {word}", "components": ("Sign-in",)}
    known |= {"severity": "critical"} if word in PAGING else {}
    return Event(id=f"f-{word}-{at}", at=at, cause=1, data=FailoverChanged(word=word, **(known | more)))


def readiness(word: Word, at: int = AT) -> Event:
    data = ReadinessChanged(word=word, group="regions", member="us-east", title=f"us-east: {word}")
    return Event(id=f"y-{word}-{at}", at=at, cause=1, data=data)


def notice(severity: Any = "warning", component: str = "Sign-in", at: int = AT) -> Event:
    data = Noticed(word="chain_changed", severity=severity, title="the chain changed", components=(component,))
    return Event(id=f"n-{severity}", at=at, cause=1, data=data)


class Desk:
    """Every look goes through a snapshot first: a restart changes nothing."""

    def __init__(self, made: Plan | None = None) -> None:
        self.plan = made or plan()
        self.state = Routing()
        self.now = AT

    def take(self, *events: Event, after: int = 0) -> list[AlertRouted]:
        """What comes of these events, so long after the last look."""
        self.now += after
        raw = msgspec.msgpack.encode(self.state)
        self.state = msgspec.msgpack.decode(raw, type=Routing)
        return route(self.state, self.plan, events, self.now)

    def say(self, *events: Event, after: int = 0) -> list[str]:
        """The same as lines: "trigger i1 page! > pager, ops"; ! for what pages, ~ for the fast lane, and behind | whom
        it is kept from by what."""
        return [line(alert) for alert in self.take(*events, after=after)]

    def command(self, word: str, actor: str = "ann", **arguments: list[str]) -> None:
        given = CommandInput(at=self.now, word=word, actor=actor, arguments=arguments)
        command_routing(self.state, self.plan, given, self.now)

    def rewind(self, at: int) -> None:
        self.now = at
        rewind_routing(self.state, at)


def line(alert: AlertRouted) -> str:
    marks = "!" * alert.pages + "~" * (alert.lane == "fast")
    kept = ", ".join(f"{each.receiver}: {each.by}" for each in alert.suppressed)
    text = f"{alert.phase} {alert.key} {alert.tier}{marks} > {', '.join(alert.to)}"
    return (f"{text} | {kept}" if kept else text).replace(">  |", "> |").rstrip()
