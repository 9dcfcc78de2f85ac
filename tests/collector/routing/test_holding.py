"""What keeps an alert from somebody, and that it comes out in the end."""

from datetime import UTC, datetime

import pytest

from collector.events import FaultDomain
from collector.routing.state import MAX_SILENCES
from parallax.clock import NS
from parallax.plan.alert_types import Inhibit, Maintenance, Match
from tests.collector.routing.desk import MIN, TEAM, Desk, failover, notice, plan, to
from tests.fakes.events import AT, incident

ALL = "pager, ops, log"
KEPT = "pager: {0}, ops: {0}, log: {0}"


def until(ns: int) -> list[str]:
    return [str(ns)]


def moment(at: int) -> datetime:
    return datetime.fromtimestamp(at / NS, UTC)


def window(start: int, end: int, *components: str) -> Maintenance:
    return Maintenance(name="upgrade", components=list(components or ["Sign-in"]), start=moment(start), end=moment(end))


def test_a_silence_keeps_back_until_it_ends() -> None:
    desk = Desk()
    desk.command("silence", component=["Sign-in"], until=until(AT + 30 * MIN), comment=["we know"])
    [alert] = desk.take(incident(), after=MIN)
    assert alert.to == ()
    assert alert.suppressed[0].why == "silence s1 of ann until 2023-11-14 22:43 UTC: we know"
    assert desk.say(incident(change="updated"), after=MIN) == [], "what keeps it back is said once"
    assert desk.say(incident("i2", components=("Mail",)))[0].startswith("trigger i2 page!~ > pager")
    desk.take(after=27 * MIN)
    [alert] = [each for each in desk.take(after=MIN) if each.key == "i1"]
    assert (alert.phase, alert.pages, alert.to) == ("trigger", True, ("pager", "ops", "log"))
    assert [told.id for told in alert.of] == ["i1-opened", "i1-updated"]
    assert not desk.state.silences


def test_a_silence_that_is_taken_back_lets_go_at_once() -> None:
    desk = Desk()
    desk.command("silence", key=["i1"], until=until(AT + 30 * MIN))
    assert desk.say(incident()) == [f"trigger i1 page > | {KEPT.format('silence')}"]
    desk.command("silence_end", id=["s1"])
    assert desk.say() == [f"trigger i1 page!~ > {ALL}"]


def test_a_silence_never_keeps_back_a_resolve_nor_a_command() -> None:
    desk = Desk()
    desk.take(incident())
    desk.command("silence", component=["Sign-in"], until=until(AT + 30 * MIN))
    assert desk.say(incident(change="updated")) == [f"update i1 page > | {KEPT.format('silence')}"]
    assert desk.say(failover("command")) == [f"notice regions/command ticket~ > {ALL}"]
    assert desk.say(notice()) == [f"notice n-warning log > | {KEPT.format('silence')}"]
    assert desk.say(incident(change="resolved")) == [f"resolve i1 page > {ALL}"]


def test_what_begins_and_ends_in_a_silence_is_a_log_line() -> None:
    desk = Desk()
    desk.command("silence", severity=["critical"], until=until(AT + 30 * MIN))
    desk.take(incident())
    [alert] = desk.take(incident(change="resolved"), after=MIN)
    assert (alert.phase, alert.tier, alert.to, len(alert.of)) == ("notice", "log", (), 2)
    assert alert.suppressed[0].why.startswith("began and ended meanwhile: silence s1 of ann")
    assert desk.take(after=60 * MIN) == []


@pytest.mark.parametrize(
    "arguments",
    [
        {"until": ["1"], "key": ["i1"]},
        {"until": until(AT + MIN)},
        {"until": ["soon"], "key": ["i1"]},
        {"key": ["i1"]},
        {"until": until(AT + MIN), "tier": ["loud"]},
    ],
)
def test_a_silence_of_nothing_or_for_no_time_is_none(arguments: dict[str, list[str]]) -> None:
    desk = Desk()
    desk.command("silence", **arguments)
    assert not desk.state.silences


def test_silences_are_bounded_in_number_and_span() -> None:
    desk = Desk()
    for _ in range(MAX_SILENCES + 5):
        desk.command("silence", key=["x"], until=until(AT + 400 * 24 * 60 * MIN))
    assert len(desk.state.silences) == MAX_SILENCES
    assert {silence.until for silence in desk.state.silences.values()} == {AT + 30 * 24 * 60 * MIN}
    desk.command("silence_end", id=["nobody"])
    desk.command("incident_note", id=["i1"])
    assert len(desk.state.silences) == MAX_SILENCES


def test_maintenance_defers_and_fires_at_its_end() -> None:
    desk = Desk(plan(maintenance=[window(AT, AT + 30 * MIN)]))
    assert desk.say(incident()) == [f"trigger i1 page > | {KEPT.format('maintenance')}"]
    assert desk.say(failover("command", severity="critical")) == [f"notice regions/command ticket~ > {ALL}"]
    assert desk.say(after=30 * MIN - 1) == []
    assert desk.say(after=1) == [f"trigger i1 page!~ > {ALL}"]


def test_what_begins_and_ends_in_maintenance_is_one_note() -> None:
    desk = Desk(plan(maintenance=[window(AT, AT + 30 * MIN)]))
    desk.take(incident())
    assert desk.say(incident(change="monitoring"), after=MIN) == []
    assert desk.say(incident(change="resolved"), after=MIN) == [f"notice i1 log > | {KEPT.format('maintenance')}"]
    assert desk.say(after=60 * MIN) == []


def test_what_is_over_when_maintenance_ends_is_one_note() -> None:
    desk = Desk(plan(maintenance=[window(AT, AT + 30 * MIN)]))
    desk.take(incident())
    desk.take(incident(change="monitoring"), after=MIN)
    assert desk.say(after=29 * MIN) == [f"notice i1 log > | {KEPT.format('maintenance')}"]
    assert desk.say(incident(change="resolved"), after=MIN) == []


def test_maintenance_of_a_part_defers_nothing_that_is_wider() -> None:
    desk = Desk(plan(maintenance=[window(AT, AT + 30 * MIN)]))
    assert desk.say(incident(components=("Sign-in", "Mail"))) == [f"trigger i1 page!~ > {ALL}"]
    assert desk.say(incident("i2", components=())) == [f"trigger i2 page!~ > {ALL}"]
    both = plan(maintenance=[window(AT, AT + MIN), window(AT, AT + 5 * MIN, "Mail").__class__(
        name="mail", components=["Mail"], start=moment(AT), end=moment(AT + 5 * MIN))])  # fmt: skip
    desk = Desk(both)
    assert "maintenance" in desk.say(incident(components=("Sign-in", "Mail")))[0]
    assert desk.say(after=MIN) == [f"trigger i1 page!~ > {ALL}"], "one of them is over"


def test_a_window_that_the_plan_no_longer_has_lets_go_within_a_minute() -> None:
    desk = Desk(plan(maintenance=[window(AT, AT + 300 * MIN)]))
    desk.take(incident())
    desk.plan = plan()
    assert desk.say(after=MIN) == [f"trigger i1 page!~ > {ALL}"]


def front(name: str = "h1", change: str = "opened", **more: object) -> object:
    domain = FaultDomain(kind="endpoint", name="front", certain=False)
    return incident(name, change, **({"domain": domain} | more))  # type: ignore[arg-type]


def test_a_dns_operators_incident_keeps_back_the_checks_under_it() -> None:
    desk = Desk()
    desk.take(incident())
    [alert] = desk.take(front(), after=10 * NS)  # type: ignore[arg-type]
    assert alert.to == ()
    assert alert.suppressed[0].why == "DNS operator dns-a is dark (i1) explains it"
    assert desk.say(incident(change="monitoring"), after=MIN) == [
        f"update i1 page > {ALL}",
        f"trigger h1 page!~ > {ALL}",
    ], "it is over and the other is not"


def test_what_ends_meanwhile_is_a_log_line() -> None:
    desk = Desk()
    desk.take(incident())
    desk.take(front())  # type: ignore[arg-type]
    assert desk.say(front(change="resolved")) == [  # type: ignore[arg-type]
        f"notice h1 log > | {KEPT.format('inhibition')}"
    ]


@pytest.mark.parametrize(
    ("source", "target", "routes"),
    [
        ({"severity": "warning"}, {}, []),
        ({"domain": FaultDomain(kind="region", name="eu")}, {}, []),
        ({}, {"components": ("Mail",)}, []),
        ({}, {"domain": FaultDomain(kind="endpoint", name="front")}, []),
        ({}, {"domain": FaultDomain(kind="resolver", name="r", certain=False)}, []),
        ({}, {}, [to("pager", cause=["operator"]), to("ops", cause=["endpoint"])]),
    ],
)
def test_nothing_else_is_kept_back(source: dict, target: dict, routes: list) -> None:  # type: ignore[type-arg]
    """A quieter cause, another sort of cause, other components, a place that is certain, somebody who does not know."""
    desk = Desk(plan(*routes))
    desk.take(incident(**source))
    [alert] = desk.take(front(**target), after=NS)  # type: ignore[arg-type]
    assert alert.to


def test_what_was_there_before_is_kept_back_only_by_its_parent() -> None:
    desk = Desk()
    assert desk.say(front())[0].startswith("trigger h1 page!~ > pager")  # type: ignore[arg-type]
    desk.take(incident(), after=NS)
    assert desk.say(front(change="updated"))[0].startswith("update h1 page > pager")  # type: ignore[arg-type]
    kept = desk.say(front(change="updated", parent="i1"))  # type: ignore[arg-type]
    assert kept == [f"update h1 page > | {KEPT.format('inhibition')}"]


def test_what_another_incident_explains_is_told_of_only_if_critical() -> None:
    desk = Desk()
    desk.take(incident(domain=FaultDomain(kind="region", name="eu")))
    child = incident("i2", severity="warning", parent="i1")
    assert desk.say(child) == [f"trigger i2 ticket > | {KEPT.format('parent')}"]
    assert desk.say(incident("i2", "updated", severity="warning", parent="i1")) == []
    assert desk.say(incident("i2", "updated", severity="warning")) == [f"trigger i2 ticket > {ALL}"]
    assert desk.say(incident("i3", parent="i1")) == [f"trigger i3 page!~ > {ALL}"]


RULE = Inhibit(
    name="edge", source=Match(cause=["region"]), target=Match(type=["risk.*", "incident.*"], cause=["endpoint"]),
    equal=["component"],
)  # fmt: skip


def test_the_plans_own_inhibitions() -> None:
    desk = Desk(plan(inhibit=[RULE]))
    desk.take(incident(domain=FaultDomain(kind="region", name="eu")))
    certain = FaultDomain(kind="endpoint", name="front")
    [alert] = desk.take(incident("h1", domain=certain))
    assert alert.suppressed[0].why == "inhibit edge, as DNS operator dns-a is dark (i1)"
    assert desk.say(incident("h2", domain=certain, components=("Mail",)))[0].startswith("trigger h2 page!~ > pager")
    assert desk.say(incident(change="resolved"))[-1] == f"trigger h1 page!~ > {ALL}"


def test_two_that_could_keep_each_other_back_do_not() -> None:
    rule = Inhibit(name="all", source=Match(type=["incident.*"]), target=Match(type=["incident.*"]))
    desk = Desk(plan(inhibit=[rule]))
    desk.take(incident())
    assert desk.say(incident("i2"))[0].startswith("trigger i2 page!~ > pager")


def test_a_group_waits_no_longer_for_what_was_kept_back() -> None:
    desk = Desk(plan(to("team"), group=[TEAM], maintenance=[window(AT, AT + 5 * MIN)]))
    desk.take(incident(severity="warning"))
    assert desk.say(after=5 * MIN) == ["trigger i1 ticket > ops"]
