"""Who serves whom, and switchovers, whoever did them."""

import pytest

from collector.detect.switching.groups import GroupView
from collector.detect.switching.memory import MAX_SEEN, MAX_SWITCHES, GroupMemory, Switch
from collector.detect.switching.sightings import (
    MAX_POINTS,
    keep_switch,
    note_sight,
    points_of,
    settle,
    shares_of,
    wave_of,
)
from parallax.clock import NS
from parallax.plan.failover_types import Failover, Member
from parallax.values import Duration
from tests.collector.detect.scenes import T0
from tests.collector.detect.switching.front import PROBES, Front

GROUP = GroupView(
    group=Failover(
        name="front",
        kind="region",
        check="api",
        members=[Member(name="a"), Member(name="b")],
        primary="a",
        ttl=Duration(60),
    ),
    members=("a", "b"),
    pinned={},
    period_ns=15 * NS,
    timeout_ns=5 * NS,
    ttl_ns=60 * NS,
)


def seen(memory: GroupMemory, probe: str, members: tuple[str, ...], s: float, *, run: str = "", failed: bool = False):
    note_sight(memory, probe, run or f"{probe}{s}", members, int(s * NS), failed=failed, enrolled=True)


def shares(memory: GroupMemory, s: float) -> dict[str, float]:
    return shares_of(memory, GROUP, int(s * NS))


def test_a_vantage_is_where_its_newest_run_showed():
    memory = GroupMemory()
    for probe in "12345":
        seen(memory, probe, ("a",), 1)
    assert shares(memory, 2) == {"a": 1.0}
    seen(memory, "1", ("b",), 3)
    seen(memory, "1", ("a",), 2)  # it comes late, and is older
    assert shares(memory, 4) == {"a": 0.8, "b": 0.2}
    assert shares(memory, 60) == {}, "nobody has a fresh word any more"


def test_who_fails_without_telling_stays_where_it_was_for_three_ttls():
    memory = GroupMemory()
    for second in range(0, 400, 15):
        seen(memory, "1", ("a",) if second == 0 else (), second, failed=second > 0)
        seen(memory, "2", ("b",), second)
    assert shares(memory, 200) == {"a": 0.5, "b": 0.5}
    assert shares(memory, 400) == {"b": 1.0}


def test_a_name_that_leads_to_several_is_served_by_each_in_part():
    memory = GroupMemory()
    for second in (0, 15, 30, 45):
        for member in ("a", "b"):
            seen(memory, "1", (member,), second, run=f"r{second}")
            if second:
                assert shares(memory, second) == {"a": 0.5, "b": 0.5}, "a run tells address by address"
    seen(memory, "1", ("b",), 60, run="r60")
    seen(memory, "1", ("b",), 75, run="r75")
    assert shares(memory, 76) == {"b": 1.0}
    assert memory.seen["1"].since == 60 * NS


def test_a_member_that_the_plan_no_longer_has_serves_nobody():
    memory = GroupMemory()
    seen(memory, "1", ("gone",), 1)
    assert shares(memory, 2) == {}


def test_a_switchover_is_of_those_who_moved_with_the_others():
    memory = GroupMemory()
    seen(memory, "always", ("b",), 0)
    for number in range(9):
        seen(memory, f"p{number}", ("a",), 1)
    assert settle(memory, GROUP, shares(memory, 22), 22 * NS) is None
    assert memory.settled == "a"
    for second in range(15, 3000, 15):
        seen(memory, "always", ("b",), second)
        for number in range(9):
            seen(memory, f"p{number}", ("a",), second)
    for number in range(9):
        seen(memory, f"p{number}", ("b",), 3000 + 5 * number, failed=number < 3)
    seen(memory, "always", ("b",), 3000)
    switch = settle(memory, GROUP, shares(memory, 3041), 3041 * NS)
    assert switch is not None
    assert (switch.source, switch.target, switch.direction) == ("a", "b", "failover")
    assert switch.started_at == 3000 * NS, "who has always been there began nothing"
    assert switch.at == 3035 * NS, "when eight of ten were there"
    assert switch.dwell_ns == 2978 * NS
    assert switch.hurt == 3
    assert switch.points[0] == (3000 * NS, 100)
    assert settle(memory, GROUP, shares(memory, 3041), 3041 * NS) is None, "said once"


@pytest.mark.parametrize(("moved", "switched"), [(7, False), (8, True)])
def test_four_fifths_are_a_switchover(moved: int, switched: bool):
    memory = GroupMemory()
    for number in range(10):
        seen(memory, f"p{number}", ("a",), 1)
    settle(memory, GROUP, shares(memory, 22), 22 * NS)
    for number in range(moved):
        seen(memory, f"p{number}", ("b",), 25)
    assert (settle(memory, GROUP, shares(memory, 26), 26 * NS) is not None) is switched


def test_few_with_a_fresh_word_are_no_switchover():
    memory = GroupMemory()
    for number in range(10):
        seen(memory, f"p{number}", ("a",), 1)
    settle(memory, GROUP, shares(memory, 22), 22 * NS)
    for number in range(4):
        seen(memory, f"p{number}", ("b",), 100)
    assert shares(memory, 101) == {"b": 1.0}
    assert settle(memory, GROUP, shares(memory, 101), 101 * NS) is None
    seen(memory, "p4", ("b",), 101)
    assert settle(memory, GROUP, shares(memory, 102), 102 * NS) is not None


def test_what_is_kept_is_bounded():
    memory = GroupMemory()
    for number in range(MAX_SEEN + 10):
        seen(memory, f"p{number}", ("a",), 1 + number * 10, failed=True)
    assert len(memory.seen) == MAX_SEEN
    assert len(memory.fails) <= 240
    for number in range(MAX_SWITCHES + 5):
        keep_switch(memory, Switch(direction="failover", source="a", target="b", started_at=number, at=number))
    assert [memory.switches[0].at, len(memory.switches)] == [5, MAX_SWITCHES]
    points = points_of(list(range(1000)), 1000)
    assert len(points) <= MAX_POINTS + 1
    assert points[-1] == (999, 1000)
    assert wave_of({}, "a") == []


def test_a_probe_that_the_plan_does_not_have_is_no_vantage():
    memory = GroupMemory()
    note_sight(memory, "x", "r", ("a",), 1, failed=False, enrolled=False)
    assert memory.seen == {}


def test_a_switchover_is_seen_whoever_did_it():
    front = Front()
    front.run(60)
    assert (front.group.serving, front.said("switched")) == ("east", [])
    began = front.t
    for number in range(0, 8, 2):
        front.move("west", PROBES[number : number + 2])
        front.run(15)
    front.run(15)
    (said,) = front.said("switched")
    assert (said.direction, said.source, said.target, said.flaps) == ("failover", "east", "west", 1)
    assert said.components == ("Sign-in",)
    assert said.started_at is not None
    assert 0 <= said.started_at - T0 - began * NS <= 16 * NS
    assert 30 * NS <= said.duration_ns <= 62 * NS
    assert said.title.startswith("front: west serves instead of east, 80 % of vantages after ")
    assert said.severity == "warning", "nobody asked for it"
    front.move("east")
    front.run(30)
    back = front.said("switched")[1]
    assert (back.direction, back.source, back.target, back.flaps) == ("failback", "west", "east", 2)
    strip = front.group.switches
    assert [each.target for each in strip] == ["east", "west"]
    assert strip[0].dwell_ns == back.dwell_ns > 0
    front.reload()
    assert front.group.switches == strip


def test_a_move_under_way_is_shown_with_its_points():
    front = Front()
    front.run(60)
    front.move("west", PROBES[:4])
    front.run(20)
    assert {member.name: member.serves for member in front.group.members} == {"east": 0.5, "west": 0.5}
    assert [share for _, share in front.group.moving] == [125, 250, 375, 500]
    assert front.group.serving == "east"


def test_two_that_serve_side_by_side_are_told_once():
    front = Front()
    front.run(60)
    front.move("west", PROBES[:4])
    front.run(180)
    assert front.said("both_serving") == []
    front.run(80)
    (said,) = front.said("both_serving")
    assert said.why == "of vantages: east 50%, west 50%; one should serve"
    front.move("east")
    front.run(30)
    front.move("west", PROBES[:4])
    front.run(260)
    assert len(front.said("both_serving")) == 2


def test_several_may_serve_where_the_plan_says_so():
    front = Front("several = true\n")
    front.run(60)
    front.move("west", PROBES[:4])
    front.run(300)
    assert front.said("both_serving") == []


def test_where_two_have_always_served_that_is_no_news():
    front = Front()
    front.move("west", PROBES[:4])
    front.run(280)
    assert (front.group.serving, front.said("both_serving")) == ("", [])


def test_what_abstains_or_is_old_tells_nothing():
    front = Front()
    front.run(60)
    front.rule(lambda probe, check, target, subject, t: {"dims": {"region": "west"}, "abstain": "uplink_down"})
    front.run(30)
    assert {member.name: member.serves for member in front.group.members} == {"east": 1.0, "west": 0.0}
    late = [
        front.observe(name, "api", "https://auth.example/v1/health", "203.0.113.1:443", dims={"region": "west"})
        for name in PROBES
    ]
    fresh = Front()
    fresh.run(120)
    for name, observation in zip(PROBES, late, strict=True):
        fresh.say(name, [observation])
    fresh.run(1)
    assert fresh.said("switched") == []
