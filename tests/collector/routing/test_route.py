"""Who is told of what, when: tables on the pure core. Every step goes through a snapshot."""

from typing import Any

import pytest

from collector.alerts.notification import Notification
from collector.alerts.wording import words_of
from collector.events import (
    CheckChanged,
    ComponentChanged,
    Event,
    Evidence,
    FaultDomain,
    Human,
    Incident,
    IncidentChanged,
    IncidentNoted,
    Moment,
    ProbeChanged,
)
from collector.routing.state import MAX_ALERTS, NEVER, Silence
from parallax.clock import NS
from parallax.plan.alert_types import Group, Route
from tests.collector.routing.desk import MIN, TEAM, Desk, failover, notice, plan, readiness, to
from tests.fakes.events import AT, incident, risk

ALL = "pager, ops, log"
FAR = AT + 24 * 3600 * NS


def acknowledged(event: Event) -> Event:
    assert isinstance(event.data, IncidentChanged)
    moment = Moment(at=AT, what="acknowledged", actor="ann")
    return Event(id="a1", at=AT, cause=1, data=IncidentNoted(moment=moment, incident=event.data.incident))


@pytest.mark.parametrize(
    ("routes", "names"),
    [
        ([], ALL),
        ([to("log")], "log"),
        ([to("log"), to("pager")], "pager, log"),
        ([to("ops", severity=["warning"])], ""),
        ([to("ops", severity=["warning", "critical"])], "ops"),
        ([to("ops", component=["Mail"])], ""),
        ([to("ops", component=["Mail", "Sign-in"])], "ops"),
        ([to("ops", severity=["critical"], component=["Mail"])], ""),
        ([to("ops", "log", severity=["critical"], component=["Sign-in"])], "ops, log"),
        ([to("ops", cause=["operator"])], "ops"),
        ([to("ops", cause=["region"])], ""),
        ([to("ops", type=["incident.*"])], "ops"),
        ([to("ops", type=["incident.resolved"])], ""),
        ([to("ops", type=["incident.opened"], tier=["page"])], "ops"),
        ([to("ops", tier=["ticket", "log"])], ""),
        ([to("ops", failover=["regions"])], ""),
    ],
)
def test_routes_pick_receivers(routes: list[Route], names: str) -> None:
    [alert] = Desk(plan(*routes)).take(incident())
    assert ", ".join(alert.to) == names


def test_an_incident_without_components_is_for_routes_without_them() -> None:
    [alert] = Desk(plan(to("ops", component=["Sign-in"]), to("log"))).take(incident(components=()))
    assert alert.to == ("log",)


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (incident(), f"trigger i1 page!~ > {ALL}"),
        (incident(severity="warning"), f"trigger i1 ticket > {ALL}"),
        (incident(severity="info"), "trigger i1 log > | pager: tier, ops: tier, log: tier"),
        (risk(), f"trigger r1 page!~ > {ALL}"),
        (risk(expected_at=AT + 3601 * NS), f"trigger r1 ticket > {ALL}"),
        (risk(expected_at=None), f"trigger r1 ticket > {ALL}"),
        (notice(), f"notice n-warning ticket > {ALL}"),
        (notice("critical"), f"notice n-critical ticket > {ALL}"),
        (failover("blocked"), f"trigger regions/blocked page!~ > {ALL}"),
        (failover("failed"), f"trigger regions/failed page!~ > {ALL}"),
        (failover("blocked", direction="failback", severity="warning"), f"trigger regions/blocked ticket > {ALL}"),
        (failover("not_effective", severity="warning"), f"trigger regions/not_effective ticket > {ALL}"),
        (failover("drill_done", severity="warning"), f"notice regions/drill_done ticket > {ALL}"),
        (failover("drill_done", severity="info"), "notice regions/drill_done log >"),
        (failover("recommended"), f"trigger regions/recommended ticket > {ALL}"),
        (failover("command", severity="info"), f"notice regions/command ticket~ > {ALL}"),
        (failover("switched", severity="info"), "notice regions/switched log >"),
        (readiness("lost"), f"trigger regions/us-east/ready ticket > {ALL}"),
    ],
)
def test_tier_lane_and_key(event: Event, line: str) -> None:
    assert Desk().say(event) == [line]


def test_what_was_a_warning_pages_once_it_hurts() -> None:
    desk = Desk()
    desk.say(failover("blocked", direction="failback", severity="warning"))
    assert desk.say(failover("blocked"), after=MIN) == [f"update regions/blocked page!~ > {ALL}"]
    assert desk.say(failover("blocked"), after=MIN) == [f"update regions/blocked page > {ALL}"]


def test_a_warning_of_its_failover_wakes_nobody_again_for_an_incident() -> None:
    desk = Desk()
    desk.say(incident())
    lines = desk.say(failover("not_effective", incident="i1", severity="warning"), after=MIN)
    assert lines[0] == f"update i1 page > {ALL}"


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
    assert Desk().take(Event(id="e", at=AT, cause=1, data=data)) == []
    assert Desk().take(notice("info")) == []


def test_without_receivers_nothing_is_routed_and_nothing_kept() -> None:
    desk = Desk(plan().__class__())
    assert desk.take(incident()) == []
    assert not desk.state.alerts
    assert desk.state.due == NEVER


def test_from_trigger_to_resolve() -> None:
    desk = Desk()
    assert desk.say(incident()) == [f"trigger i1 page!~ > {ALL}"]
    assert desk.say(incident(change="updated"), after=MIN) == [f"update i1 page > {ALL}"]
    assert desk.say(incident(change="monitoring"), after=MIN) == [f"update i1 page > {ALL}"]
    assert desk.say(incident(change="resolved"), after=MIN) == [f"resolve i1 page > {ALL}"]
    assert desk.say(after=61 * MIN) == []
    assert not desk.state.alerts


def test_what_changed_within_one_record_is_one_alert() -> None:
    [alert] = Desk().take(incident(), incident(change="updated"))
    assert [told.id for told in alert.of] == ["i1-opened", "i1-updated"]
    [alert] = Desk().take(incident(), incident(change="resolved"))
    assert (alert.phase, [told.type for told in alert.of]) == ("notice", ["incident.opened", "incident.resolved"])


def test_the_end_of_what_nobody_was_told_of_is_not_told() -> None:
    assert Desk().take(incident(change="resolved")) == []
    assert Desk().take(incident(change="monitoring")) == []


def test_who_was_told_is_told_the_end_whatever_the_routes_say() -> None:
    desk = Desk(plan(to("ops", severity=["critical"])))
    desk.take(incident())
    assert desk.say(incident(change="updated", severity="info"), after=MIN) == ["update i1 log > ops"]
    desk.plan = plan(to("log"))
    assert desk.say(incident(change="resolved", severity="info"), after=MIN) == ["resolve i1 log > ops"]


def test_an_incident_that_gets_worse_reaches_who_wants_only_the_worst() -> None:
    desk = Desk(plan(to("ops"), to("pager", tier=["page"])))
    assert desk.say(incident(severity="warning")) == ["trigger i1 ticket > ops"]
    assert desk.say(incident(change="updated"), after=MIN) == [
        "trigger i1 page!~ > pager",
        "update i1 page!~ > ops",
    ]
    assert desk.say(incident(change="resolved"), after=MIN) == ["resolve i1 page > pager, ops"]


def test_one_page_however_it_flaps() -> None:
    desk, lines = Desk(), desk_lines()
    desk.take(incident())
    for _ in range(5):
        lines += desk.take(incident(change="monitoring"), after=6 * MIN)
        lines += desk.take(incident(change="resolved"), after=15 * MIN)
        lines += desk.take(incident(change="reopened"), after=5 * MIN)
    assert not any(alert.pages for alert in lines)
    assert {alert.phase for alert in lines} == {"update", "resolve"}
    back = [alert for alert in lines if alert.about == "incident.reopened"]
    assert all(alert.to and alert.suppressed[0].by == "flap" for alert in back)
    assert back[0].suppressed[0].why == "paged 26 min ago, and back within an hour of its end: an update and no page"


def desk_lines() -> list[Any]:
    return []


def test_what_is_back_after_more_than_an_hour_pages() -> None:
    desk = Desk()
    desk.take(incident())
    desk.take(incident(change="resolved"))
    assert desk.say(incident(change="reopened"), after=61 * MIN) == [f"trigger i1 page!~ > {ALL}"]


def test_a_page_that_nobody_acknowledges_is_said_once_more() -> None:
    desk = Desk()
    desk.take(incident())
    assert desk.state.due == AT + 10 * MIN
    assert desk.say(after=10 * MIN - 1) == []
    assert desk.say(after=1) == [f"update i1 page! > {ALL}"]
    assert desk.say(after=600 * MIN) == []


def test_an_acknowledged_page_is_not() -> None:
    desk = Desk(plan(to("team"), group=[TEAM]))
    event = incident()
    assert desk.say(event) == ["trigger i1 page!~ > ops"]
    assert desk.take(acknowledged(event), after=MIN) == []
    assert desk.take(after=3000 * MIN) == []
    assert desk.state.due == NEVER


def test_what_is_acknowledged_already_when_routing_meets_it_is_not_repeated() -> None:
    desk = Desk()
    desk.take(incident(change="updated", human=Human(acknowledged_at=AT, acknowledged_by="ann")))
    assert desk.take(after=600 * MIN) == []


def test_a_group_waits_spaces_and_repeats() -> None:
    desk = Desk(plan(to("team"), group=[TEAM]))
    assert desk.say(incident(severity="warning")) == []
    assert desk.say(incident(change="updated", severity="warning"), after=10 * NS) == []
    [alert] = desk.take(after=20 * NS)
    assert (alert.phase, alert.to, [told.type for told in alert.of]) == (
        "trigger", ("ops",), ["incident.opened", "incident.updated"],
    )  # fmt: skip
    assert desk.say(incident(change="updated", severity="warning"), after=MIN) == []
    assert desk.say(after=4 * MIN) == ["update i1 ticket > ops"]
    assert desk.say(after=239 * MIN) == []
    assert desk.say(after=MIN) == ["update i1 ticket > ops"], "it is still open after four hours"
    assert desk.say(incident(change="resolved", severity="warning"), after=1) == ["resolve i1 ticket > ops"]


def test_a_group_does_not_hold_up_a_page_nor_what_is_said_of_failover() -> None:
    desk = Desk(plan(to("team"), group=[TEAM]))
    assert desk.say(incident()) == ["trigger i1 page!~ > ops"]
    assert desk.say(failover("recommended")) == ["trigger regions/recommended ticket > ops"]


def test_what_begins_and_ends_while_a_group_waits_is_one_notice() -> None:
    desk = Desk(plan(to("team"), group=[TEAM]))
    assert desk.say(incident(severity="warning")) == []
    [alert] = desk.take(incident(change="resolved", severity="warning"), after=10 * NS)
    assert (alert.phase, len(alert.of), alert.to) == ("notice", 2, ("ops",))
    desk = Desk(plan(to("team"), group=[TEAM]))
    desk.take(incident(severity="warning"))
    assert desk.say(incident(change="monitoring", severity="warning"), after=10 * NS) == []
    assert desk.say(after=20 * NS) == ["notice i1 ticket > ops"]
    assert desk.say(incident(change="resolved", severity="warning"), after=20 * MIN) == []


def test_a_group_takes_only_its_severities_and_types() -> None:
    group = Group(name="team", receivers=["ops"], severity=["critical"], type=["failover.*", "incident.*"])
    desk = Desk(plan(to("team", "log"), group=[group]))
    assert desk.say(incident(severity="warning")) == ["trigger i1 ticket > log"]
    assert desk.say(incident("i2")) == ["trigger i2 page!~ > ops, log"]
    assert desk.say(risk()) == ["trigger r1 page!~ > log"]


def test_a_risk_becomes_a_page_as_its_time_comes_near() -> None:
    desk = Desk()
    assert desk.say(risk(expected_at=AT + 180 * MIN)) == [f"trigger r1 ticket > {ALL}"]
    assert desk.say(after=119 * MIN) == []
    assert desk.say(after=MIN) == [f"update r1 page!~ > {ALL}"]
    assert desk.say(risk(change="cleared"), after=MIN)[0].startswith("resolve r1")


def test_a_failover_groups_words_end_each_other() -> None:
    desk = Desk()
    assert desk.say(failover("blocked")) == [f"trigger regions/blocked page!~ > {ALL}"]
    assert desk.say(failover("blocked"), after=MIN) == [f"update regions/blocked page > {ALL}"]
    assert desk.say(failover("recommended"), after=MIN) == [
        f"resolve regions/blocked page > {ALL}",
        f"trigger regions/recommended ticket > {ALL}",
    ]
    lines = desk.say(failover("effective"), after=MIN)
    assert lines[0] == f"resolve regions/recommended ticket > {ALL}"
    assert lines[1:] == ["notice regions/effective ticket >"], "they know by the resolve"


def test_an_incidents_failover_is_told_under_the_incidents_key_and_wakes_again_where_it_is_blocked() -> None:
    desk = Desk()
    assert desk.say(incident()) == [f"trigger i1 page!~ > {ALL}"]
    assert desk.say(failover("recommended", incident="i1"), after=MIN)[0] == f"update i1 page > {ALL}"
    blocked = desk.say(failover("blocked", incident="i1"), after=MIN)
    assert blocked[0] == f"update i1 page!~ > {ALL}"
    assert "pager: parent" in blocked[1], "its own key says nothing to those who know the incident"
    assert desk.say(incident(change="resolved"), after=MIN)[0] == f"resolve i1 page > {ALL}"


def test_what_blocks_an_incidents_failover_again_and_again_wakes_once() -> None:
    desk = Desk()
    desk.take(incident())
    lines = [desk.say(failover("blocked", incident="i1"), after=10 * MIN)[0] for _ in range(4)]
    desk.take(incident(change="resolved"), after=MIN)
    desk.take(incident(change="reopened"), after=MIN)
    lines.append(desk.say(failover("blocked", incident="i1"), after=MIN)[0])
    assert [("!" in each) for each in lines] == [True, True, False, False, False], "one of them as nobody acknowledged"
    assert "!" in desk.say(failover("not_effective", incident="i1"), after=MIN)[0]


def test_an_incidents_failover_is_told_to_those_who_know_nothing_of_the_incident() -> None:
    desk = Desk(plan(to("pager", component=["Sign-in"], type=["incident.*"]), to("ops", type=["failover.*"])))
    desk.take(incident())
    lines = desk.say(failover("blocked", incident="i1"), after=MIN)
    assert lines == ["update i1 page!~ > pager", "trigger regions/blocked page!~ > ops"]
    assert desk.say(incident(change="resolved"), after=MIN) == [
        "resolve i1 page > pager",
        "resolve regions/blocked page > ops",
    ]


def test_a_command_has_an_alert_of_its_own_at_once() -> None:
    desk = Desk()
    desk.take(incident())
    lines = desk.say(failover("command", incident="i1"), after=1)
    assert lines == [f"notice regions/command ticket~ > {ALL}"]


def test_readiness_that_was_lost_is_restored() -> None:
    desk = Desk()
    desk.take(readiness("lost"))
    assert desk.say(readiness("restored")) == [f"resolve regions/us-east/ready ticket > {ALL}"]


def test_a_receiver_that_the_plan_no_longer_has_is_forgotten_and_a_new_one_is_told() -> None:
    desk = Desk(plan(to("ops")))
    desk.take(incident())
    desk.plan = plan(to("log"), to("ops", component=["Mail"]))
    assert desk.say(incident(change="updated"), after=MIN) == ["update i1 page > ops", "trigger i1 page!~ > log"]
    desk.plan = plan(to("log")).__class__(receiver=[r for r in plan().receiver if r.name != "ops"])
    assert desk.say(incident(change="resolved"), after=MIN) == ["resolve i1 page > log"]


def test_alerts_are_bounded_and_those_that_go_are_ended() -> None:
    desk = Desk()
    desk.take(*(incident(f"i{number}") for number in range(MAX_ALERTS)))
    desk.take(incident("i7", "resolved"))
    assert desk.say(incident("x1")) == [f"trigger x1 page!~ > {ALL}"], "one that ended makes room"
    assert desk.say(incident("x2")) == [f"trigger x2 page!~ > {ALL}", f"resolve i0 page > {ALL}"]
    assert len(desk.state.alerts) == MAX_ALERTS


def test_what_is_followed_no_longer_is_not_said_to_be_over() -> None:
    desk = Desk()
    desk.take(*(incident(f"i{number}") for number in range(MAX_ALERTS)))
    [end] = [each for each in desk.take(incident("x1"), after=MIN) if each.phase == "resolve"]
    [told] = end.of
    words = words_of(Notification(id="a", at=told.at, phase="resolve", alert=end, key=end.key, receiver="ops"))
    assert (end.key, end.incident, words.status) == ("i0", "i0", "resolved")
    assert words.line == (
        "No longer followed, as over 1000 alerts are open: DNS operator dns-a is dark (Sign-in); it may go on: the "
        "page has what becomes of it"
    )


def test_what_nobody_was_told_of_goes_before_what_somebody_was() -> None:
    desk = Desk(plan(to("ops", tier=["page"])))
    desk.take(*(incident(f"i{number}") for number in range(MAX_ALERTS - 1)))
    desk.state.silences["s1"] = Silence(id="s1", keys=("held",), author="ann", since=AT, until=AT + 60 * MIN)
    desk.take(incident("held"))
    assert len(desk.state.alerts) == MAX_ALERTS
    assert desk.say(incident("x1")) == ["trigger x1 page!~ > ops"]
    assert "held" not in desk.state.alerts
    assert desk.say(incident("x2")) == ["trigger x2 page!~ > ops", "resolve i0 page > ops"]


def test_a_clock_that_is_put_back_repeats_nothing_and_loses_nothing() -> None:
    desk = Desk(plan(to("team"), group=[TEAM]))
    desk.take(incident(severity="warning"))
    desk.rewind(AT - 3600 * NS)
    assert desk.say(after=29 * NS) == []
    assert desk.say(after=1 * NS) == ["trigger i1 ticket > ops"]
    desk.rewind(AT - 7200 * NS)
    assert desk.say() == []
    assert desk.say(incident(change="resolved", severity="warning")) == ["resolve i1 ticket > ops"]
    assert desk.say(after=61 * MIN) == []
    assert not desk.state.alerts


def test_monitoring_that_is_blind_is_a_page() -> None:
    blind = Incident(
        id="b1", title="No probe is heard: monitoring is blind", severity="critical", domain=None, started_at=AT,
        opened_at=AT, updated_at=AT, probes=("fra1",),
    )  # fmt: skip
    event = Event(id="b", at=AT, cause=1, data=IncidentChanged(change="opened", what="", incident=blind))
    assert Desk().say(event) == [f"trigger b1 page!~ > {ALL}"]


def test_what_a_dns_operator_is_cause_of_counts_as_such() -> None:
    zone = incident(domain=FaultDomain(kind="zone", name="example"))
    [alert] = Desk(plan(to("ops", cause=["operator", "zone"]))).take(zone)
    assert alert.to == ("ops",)
