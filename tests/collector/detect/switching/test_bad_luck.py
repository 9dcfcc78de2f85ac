"""Bad luck: clocks that leap, collectors that stop, plans that change in the middle, and ends that nobody would say."""

import pytest

from collector.events import AlertRouted
from collector.inputs import ClockInput
from parallax.clock import NS, rfc3339
from tests.collector.detect.scenes import fleet
from tests.collector.detect.switching.front import GROUP, REST, Front
from tests.collector.detect.switching.test_switching import AUTO

OPS = """
[[receiver]]
name = "ops"
kind = "webhook"
url = "https://hooks.example/in"
address = "203.0.113.250:443"
key = "secret:OPS"
"""
PLAN = fleet() + REST + GROUP + AUTO + OPS
WITHOUT = fleet() + REST + OPS


def commanded() -> Front:
    front = Front(AUTO + OPS)
    front.prove()
    front.broken["east"] = "http_server_error"
    front.run(40)
    assert len(front.said("command")) == 1
    return front


def open_alerts(front: Front) -> list[str]:
    """Keys of what a receiver was told the beginning of, and not the end."""
    found = dict.fromkeys(
        event.data.key
        for event in front.events
        if isinstance(event.data, AlertRouted) and event.data.phase == "trigger" and event.data.to
    )
    for event in front.events:
        if isinstance(event.data, AlertRouted) and event.data.phase == "resolve" and event.data.to:
            found.pop(event.data.key, None)
    return list(found)


@pytest.mark.parametrize("leap_s", [600, 86400, -3600])
def test_a_command_is_not_late_for_time_in_which_nobody_looked(leap_s: int) -> None:
    front = commanded()
    front.t += leap_s
    front.put(ClockInput(at=front.now))
    front.move("west")
    front.run(60)
    assert front.said("not_effective") == []
    assert len(front.said("command")) == 1
    assert [said.target for said in front.said("effective")] == ["west"]


def test_a_clock_that_leaps_ahead_and_back_forgets_no_failover() -> None:
    front = commanded()
    front.move("west")
    front.run(60)
    before = list(front.memory.decision.moves)
    front.t += 86400
    front.run(60)
    front.t -= 86400
    front.run(60)
    assert front.memory.decision.moves == before


def test_a_group_that_comes_back_goes_on_from_its_epoch() -> None:
    front = commanded()
    front.put_plan(WITHOUT)
    front.run(10)
    front.reload()
    front.put_plan(PLAN)
    front.run(10)
    assert front.memory.decision.epoch == 1, "whoever has seen epoch 1 refuses it again"
    assert front.state.switching.left == {}


def test_a_command_of_a_group_that_the_plan_drops_is_withdrawn() -> None:
    front = commanded()
    front.put_plan(WITHOUT)
    front.run(5)
    (said,) = front.said("withdrawn")
    assert (said.group, said.epoch, said.title) == ("front", 1, "front is no failover group of the plan any more")


def test_a_standby_that_leaves_the_plan_is_not_open_for_ever() -> None:
    for without in (WITHOUT, PLAN.replace('name = "west"', 'name = "occident"')):
        front = Front(AUTO + OPS)
        front.prove()
        front.broken["west"] = "http_server_error"
        front.run(200)
        assert "front/west/ready" in open_alerts(front)
        front.put_plan(without)
        front.run(10)
        assert "front/west/ready" not in open_alerts(front)
        assert front.readiness()[-1].title == "front: west is no standby any more" or without == WITHOUT


def test_an_order_that_was_blocked_ends_with_the_wish() -> None:
    front = Front(AUTO + OPS)
    front.prove()
    front.command("failover_freeze", why="a deploy", until=rfc3339(front.now + 3600 * NS))
    front.command("failover_switch", member="west", why="rack work")
    front.run(20)
    assert len(front.said("blocked")) == 1
    assert open_alerts(front) == ["front/blocked"]
    front.run(130)
    assert [said.title for said in front.said("withdrawn")] == [
        "failover of front from east to west is no longer wanted"
    ]
    assert open_alerts(front) == []
    front.run(200)
    assert len(front.said("withdrawn")) == 1


def test_that_two_serve_ends_when_one_does_again() -> None:
    front = Front(AUTO + OPS)
    front.prove()
    front.move("west", ["fra1", "lon1", "iad1"])
    front.run(400)
    assert len(front.said("both_serving")) == 1
    assert open_alerts(front) == ["front/both_serving"]
    front.move("east")
    front.run(60)
    assert front.said("switched") == []
    assert [said.title for said in front.said("withdrawn")] == ["front: east serves alone again"]
    assert open_alerts(front) == []
