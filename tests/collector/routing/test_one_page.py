"""Several conclusions on one trouble are one page, and told once."""

from collector.events import Runway
from tests.collector.routing.desk import MIN, Desk, failover, plan, to
from tests.fakes.events import AT, incident, risk

CARRIED = Runway(names=("api.example",), earliest_at=AT + MIN, latest_at=AT + 5 * MIN, sampled=3, expired=0)


def on_call() -> Desk:
    return Desk(plan(to("pager")))


def test_nobody_is_well_and_what_blocks_the_way_out_are_one_page_and_both_stay_open() -> None:
    desk = on_call()
    said = desk.say(failover("both_bad", severity="critical"), failover("blocked", severity="critical"))
    assert said == [
        "trigger regions/both_bad page!~ > pager",
        "trigger regions/blocked page > pager | pager: flap",
    ]
    said = desk.say(failover("withdrawn", severity="info"), after=MIN)
    assert said[:2] == ["resolve regions/both_bad page > pager", "resolve regions/blocked page > pager"]


def test_a_risk_that_says_no_more_than_its_incident_is_not_told_beside_it() -> None:
    desk = on_call()
    desk.say(incident())
    raised = risk(expected_at=None, incident="i1")
    assert desk.say(raised, after=3000) == ["trigger r1 ticket > | pager: parent"]
    assert desk.say(risk(change="cleared", incident="i1"), after=MIN) == ["notice r1 log > | pager: parent"]


def test_a_risk_that_is_louder_than_its_incident_is_told() -> None:
    desk = on_call()
    desk.say(incident(severity="warning"))
    assert desk.say(risk(incident="i1"), after=3000) == ["trigger r1 page!~ > pager"]


def test_for_how_long_caches_carry_it_is_told_but_wakes_nobody_who_was_just_woken() -> None:
    desk = on_call()
    desk.say(incident(severity="warning"))
    desk.say(failover("blocked", severity="critical", incident="i1"), after=1000)
    assert desk.say(risk(incident="i1", runway=CARRIED), after=3000) == ["trigger r1 page > pager | pager: flap"]
    late = on_call()
    late.say(incident(severity="warning"))
    late.say(failover("blocked", severity="critical", incident="i1"), after=1000)
    assert late.say(risk(incident="i1", runway=CARRIED), after=15 * MIN) == ["trigger r1 page!~ > pager"]


def test_the_risk_of_a_standby_is_told_by_its_readiness() -> None:
    desk = on_call()
    assert desk.say(risk(failover="regions", expected_at=None)) == []
