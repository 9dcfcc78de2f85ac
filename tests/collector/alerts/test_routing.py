"""Who is told, and what comes next of what waits. Pure."""

from typing import Any

import pytest

from collector.alerts.routing import (
    MOST_KNOWN,
    Known,
    Waiting,
    choose,
    is_alert,
    known_after,
    receivers_of,
)
from collector.events import (
    CheckChanged,
    ComponentChanged,
    Event,
    Evidence,
    Noticed,
    ProbeChanged,
    Severity,
)
from parallax.plan.alert_types import Match, Receiver, Route
from parallax.plan.types import Plan
from tests.fakes.events import AT, incident, risk

NAMES = ("pager", "ops", "log")


def plan(*routes: Route) -> Plan:
    return Plan(receiver=[Receiver(name=name, kind="webhook") for name in NAMES], route=list(routes))


def route(*to: str, severity: list[str] | None = None, component: list[str] | None = None) -> Route:
    return Route(match=Match(severity=severity or [], component=component or []), to=list(to))


@pytest.mark.parametrize(
    ("routes", "names"),
    [
        ([], ["pager", "ops", "log"]),
        ([route("log")], ["log"]),
        ([route("log"), route("pager")], ["pager", "log"]),
        ([route("ops", severity=["warning"])], []),
        ([route("ops", severity=["warning", "critical"])], ["ops"]),
        ([route("ops", component=["Mail"])], []),
        ([route("ops", component=["Mail", "Sign-in"])], ["ops"]),
        ([route("ops", severity=["critical"], component=["Mail"])], []),
        ([route("ops", "log", severity=["critical"], component=["Sign-in"])], ["ops", "log"]),
    ],
)
def test_routes_pick_receivers(routes: list[Route], names: list[str]) -> None:
    assert receivers_of(incident(), plan(*routes)) == names


def test_an_incident_without_components_is_for_routes_without_them() -> None:
    assert receivers_of(incident(components=()), plan(route("ops", component=["Sign-in"]), route("log"))) == ["log"]


def test_a_risk_is_a_warning() -> None:
    routes = plan(route("pager", severity=["critical"]), route("log", severity=["warning"]))
    assert receivers_of(risk(), routes) == ["log"]


@pytest.mark.parametrize(
    "data",
    [
        CheckChanged(
            check="a", kind="dns", target="t", subject="s", state="down", before="up", since=AT,
            evidence=Evidence(failing=1, voters=1, networks=1, span_ns=0),
        ),
        ProbeChanged(probe="fra1", state="silent", since=AT, why=""),
        ComponentChanged(component="Sign-in", state="full_outage", before="operational", since=AT, why=""),
    ],
)  # fmt: skip
def test_what_the_incident_says_is_said_once(data: Any) -> None:
    event = Event(id="e", at=AT, cause=1, data=data)
    assert not is_alert(event)
    assert receivers_of(event, plan()) == []


def sent(*events: Event, routes: Plan | None = None, known: Known | None = None) -> list[tuple[str, bool]]:
    """What one receiver is sent if everything waits at once and all is taken: event ids, and whether the start was
    missed."""
    receiver, waiting = Receiver(name="ops", kind="webhook"), [Waiting(n, event) for n, event in enumerate(events, 1)]
    found, knows = [], known or {}
    while True:
        choice = choose(waiting, knows, receiver, routes or plan())
        if choice.waiting is None:
            assert choice.number == len(waiting)
            return found
        assert choice.waiting is waiting[choice.number]
        found.append((choice.waiting.event.id, choice.missed))
        knows = known_after(choice.known, choice.waiting.event, told=True)
        waiting = waiting[choice.number + 1 :]


def test_what_is_over_is_said_in_one_message() -> None:
    assert sent(incident(), incident(change="updated"), incident(change="resolved")) == [("i1-resolved", True)]
    assert sent(risk(), risk(change="cleared")) == [("r1-cleared", True)]


def test_the_all_clear_is_an_end_that_leaves_the_alert_open() -> None:
    over = incident(change="monitoring")
    assert sent(incident(), incident(change="updated"), over) == [("i1-monitoring", True)]
    assert sent(over, known={"i1": True}) == [("i1-monitoring", False)]
    assert sent(over) == [], "who was told of nothing is owed nothing"
    assert known_after({"i1": True}, over, told=True) == {"i1": True}, "it is still to be closed"
    end = incident(change="resolved")
    assert sent(incident(), over, end) == [("i1-resolved", True)]
    assert sent(over, end, known={"i1": True}) == [("i1-monitoring", False), ("i1-resolved", False)]
    back = incident(change="reopened")
    assert [name for name, _ in sent(incident(), over, back)] == ["i1-opened", "i1-monitoring", "i1-reopened"]


def test_what_another_incident_explains_is_told_of_only_if_critical() -> None:
    child = incident("i2", severity="warning", parent="i1")
    assert sent(incident(), child, incident("i2", "resolved", severity="warning", parent="i1")) == [
        ("i1-opened", False)
    ]
    assert sent(child, known={"i2": True}) == [("i2-opened", False)], "who was told hears the rest"
    assert sent(incident("i2", parent="i1")) == [("i2-opened", False)]
    assert sent(child, incident("i2", "updated", severity="warning")) == [("i2-updated", False)], "its parent is over"


def test_what_is_not_over_is_said_in_order() -> None:
    events = [incident(), incident("i2"), incident(change="updated"), incident("i2", "updated")]
    assert sent(*events) == [(event.id, False) for event in events]


def test_one_that_is_over_does_not_hide_the_other() -> None:
    assert sent(incident(), incident("i2"), incident(change="resolved"), incident("i2", "updated")) == [
        ("i2-opened", False),
        ("i1-resolved", True),
        ("i2-updated", False),
    ]


def test_what_began_again_is_said_as_it_was() -> None:
    events = [incident(), incident(change="resolved"), incident(change="reopened")]
    assert sent(*events) == [(event.id, False) for event in events]


def test_who_was_told_is_told_the_end_in_full() -> None:
    events = [incident(change="updated"), incident(change="resolved")]
    assert sent(*events, known={"i1": True}) == [("i1-updated", False), ("i1-resolved", False)]


def test_who_was_told_is_told_the_end_whatever_the_routes_say() -> None:
    routes = plan(route("ops", severity=["critical"]))
    events = [incident(), incident(change="updated", severity="info"), incident("i2")]
    end = incident(change="resolved", severity="info")
    assert sent(*events, routes=routes) == [("i1-opened", False), ("i1-updated", False), ("i2-opened", False)]
    assert sent(end, routes=routes, known={"i1": True}) == [("i1-resolved", False)]
    assert sent(end, routes=routes) == []


def test_who_was_to_be_told_is_told_the_end_whatever_the_routes_say() -> None:
    routes = plan(route("ops", severity=["critical"]))
    assert sent(incident(), incident(change="resolved", severity="info"), routes=routes) == [("i1-resolved", True)]


def test_an_incident_that_gets_worse_reaches_who_wants_only_the_worst() -> None:
    routes = plan(route("ops", severity=["critical"]))
    events = [incident(severity="info"), incident(change="updated"), incident("i2", severity="info")]
    assert sent(*events, routes=routes) == [("i1-updated", False)]
    assert sent(incident(severity="info"), incident(change="resolved", severity="info"), routes=routes) == []


def test_the_end_of_what_nobody_was_told_of_is_not_told() -> None:
    assert sent(incident(change="resolved")) == []


def test_an_alert_given_up_is_owed_its_end() -> None:
    known = known_after({}, incident(), told=False)
    assert known == {"i1": False}
    assert sent(incident(change="resolved"), known=known) == [("i1-resolved", True)]
    assert known_after({"i1": True}, incident(change="updated"), told=False) == {"i1": True}
    assert known_after({"i1": True}, incident(change="resolved"), told=False) == {}


def test_what_is_known_is_bounded_and_the_oldest_goes() -> None:
    known: Known = {}
    for number in range(MOST_KNOWN + 10):
        known = known_after(known, incident(f"i{number}"), told=True)
    known = known_after(known, incident("i10", "updated"), told=True)
    assert len(known) == MOST_KNOWN
    assert next(iter(known)) == "i11"
    assert list(known)[-1] == "i10"


def notice(severity: Severity = "warning", component: str = "Sign-in") -> Event:
    data = Noticed(word="chain_changed", severity=severity, title="the chain changed", components=(component,))
    return Event(id=f"n-{severity}", at=AT, cause=1, data=data)


def test_a_notice_is_told_by_its_severity_and_component() -> None:
    routes = plan(route("pager", severity=["critical"]), route("ops", severity=["warning"], component=["Sign-in"]))
    assert receivers_of(notice("critical"), routes) == ["pager"]
    assert receivers_of(notice("warning"), routes) == ["ops"]
    assert receivers_of(notice("warning", "Mail"), routes) == []


def test_a_notice_for_information_is_no_alert() -> None:
    assert not is_alert(notice("info"))
    assert receivers_of(notice("info"), plan()) == []


def test_a_notice_is_said_once_and_owes_no_end() -> None:
    assert sent(notice(), incident()) == [("n-warning", False), ("i1-opened", False)]
    assert not known_after({}, notice(), told=True)
