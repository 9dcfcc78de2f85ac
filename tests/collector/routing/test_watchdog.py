"""Heartbeats, and who is never told of anything."""

from collector.events import AlertRouted
from collector.routing.rehearsal import counts_of, rehearse
from collector.routing.sinks import Sink, route_sinks
from collector.routing.watchdog import BEAT_NS, rewind_heartbeat, route_heartbeat
from parallax.clock import NS
from parallax.plan.alert_types import Receiver
from parallax.plan.types import Plan
from tests.collector.routing.desk import Desk
from tests.fakes.events import AT, incident

PLAN = Plan(receiver=[Receiver(name="ops", kind="webhook"), Receiver(name="beat", kind="heartbeat")])


def beats(desk: Desk, *moments: int) -> list[AlertRouted]:
    return [each for at in moments for each in route_heartbeat(desk.state, desk.plan, AT + at * NS)]


def test_one_a_minute_whatever_the_records_pace_is() -> None:
    desk = Desk(PLAN)
    assert len(beats(desk, *range(0, 601, 5))) == 11
    assert len(beats(desk, *range(601, 661))) == 1
    [beat] = beats(desk, 724)
    assert (beat.to, beat.lane, beat.tier, beat.phase, beat.about) == (("beat",), "fast", "log", "notice", "watchdog")


def test_after_a_gap_the_minutes_go_on_from_there() -> None:
    desk = Desk(PLAN)
    assert len(beats(desk, 0, 3600, 3601, 3659)) == 2
    assert len(beats(desk, 3660)) == 1


def test_none_without_a_receiver_that_wants_it_and_one_at_once_when_the_clock_went_back() -> None:
    assert not beats(Desk(), 0, 60, 120)
    desk = Desk(PLAN)
    beats(desk, 0)
    rewind_heartbeat(desk.state, AT - 5 * BEAT_NS)
    assert len(beats(desk, -300)) == 1


def test_a_heartbeat_is_told_of_nothing() -> None:
    desk = Desk(PLAN)
    assert desk.say(incident()) == ["trigger i1 page!~ > ops"]
    sinks = {"ops": Sink(failing_since=AT, why="refused")}
    assert [each.to for each in route_sinks(sinks, PLAN, AT + BEAT_NS * 3)] == [()]
    counts = counts_of(PLAN, rehearse(PLAN, [incident()], AT + BEAT_NS))
    assert [(each.receiver, each.pages) for each in counts] == [("ops", 1)]


def test_one_that_fails_is_told_through_the_others() -> None:
    sinks = {"beat": Sink(failing_since=AT, why="refused")}
    assert [(each.key, each.to) for each in route_sinks(sinks, PLAN, AT + BEAT_NS * 3)] == [("sink/beat", ("ops",))]
