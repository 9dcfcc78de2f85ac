"""What people order, what is decided, and what the page and the incident have of it."""

import msgspec
import pytest

from collector.board import BackBoard
from collector.detect import decode_state, encode_state
from collector.detect.switching.memory import MAX_NEWS, GroupMemory, Spoken, Switch
from collector.detect.switching.switching import _decided_by
from collector.events import FailoverChanged
from parallax.clock import NS, rfc3339
from tests.collector.detect.switching.front import ACTION, PROBES, Front

AUTO = ACTION.replace("[[action]]", 'mode = "auto"\nactions = ["automation"]\n[[action]]')


def test_a_region_that_dies_is_left_by_command_and_seen_to_be():
    front = Front(AUTO)
    front.prove()
    front.broken["east"] = "http_server_error"
    front.run(40)
    (command,) = front.said("command")
    assert (command.source, command.target, command.expected_current) == ("east", "west", "east")
    assert (command.epoch, command.actions, command.dry_run) == (1, ("automation",), False)
    assert {each.check for each in front.said()} == {"api"}
    assert command.not_after is not None
    assert all(rule.ok for rule in command.rules)
    (opened,) = front.incidents()
    assert command.incident in (None, opened.id), "the member's own check may be first"
    (action,) = front.group.actions
    assert (action.epoch, action.member, action.outcome) == (1, "west", ""), "sent, and not answered"
    assert front.group.back is None, "the primary serves yet"
    front.act("applied", epoch=1, text="serial 43")
    (action,) = front.group.actions
    assert (action.outcome, action.text, action.at, action.effect) == ("applied", "serial 43", front.now, "")
    front.move("west")
    front.run(40)
    (action,) = front.group.actions
    assert (action.epoch, action.outcome, action.effect) == (1, "applied", "effective")
    assert front.group.back == BackBoard(
        primary="east", well_since=0, counted_ns=0, needed_ns=1800 * NS, how="auto", hours="Mon-Fri 09:00-17:00 UTC"
    )
    (switched,) = front.said("switched")
    assert (switched.severity, switched.why, switched.incident) == ("info", "", opened.id)
    (effective,) = front.said("effective")
    assert effective.target == "west"
    assert front.group.switches[0].by == "command"
    assert (front.group.phase, front.group.serving, front.group.now) == ("failover", "west", None)
    incident = next(i for i in (*front.board.incidents, *front.board.watched) if i.id == opened.id)
    assert [moment.what for moment in incident.timeline if moment.what in ("switched", "effective")] == [
        "switched",
        "effective",
    ]
    assert front.component("Sign-in") == "operational"
    front.broken.clear()
    front.run(60)
    back = front.group.back
    assert back is not None
    assert 0 < back.counted_ns == front.now - back.well_since <= 60 * NS


def test_who_is_served_by_whom_is_told_by_name():
    front = Front()
    front.prove()
    front.move("west", PROBES[5:])
    front.run(20)
    assert front.member("east").seen_by == tuple(sorted(PROBES[:5]))
    assert front.member("west").seen_by == tuple(sorted(PROBES[5:]))


def test_what_is_blocked_says_by_which_rule_and_stays_on_the_page():
    front = Front(AUTO)
    front.run(60)
    front.broken["east"] = "http_server_error"
    front.run(40)
    assert front.said("command") == []
    (blocked,) = front.said("blocked")
    assert [rule.id for rule in blocked.rules if not rule.ok] == ["S1"]
    assert front.group.now is not None
    assert front.group.now.said == blocked
    assert front.group.cause == "app"


def test_all_members_that_fail_alike_are_a_cause_that_no_switch_cures():
    front = Front(AUTO)
    front.prove()
    front.broken |= {"east": "http_server_error", "west": "http_server_error"}
    front.run(60)
    assert front.said("command") == []
    assert front.group.cause == "shared"
    assert {member.name: member.standing for member in front.group.members} == {"east": "down", "west": "down"}


def test_whom_nearly_everybody_refuses_is_down():
    front = Front(AUTO)
    front.prove()
    front.broken["east"] = "http_throttled"
    front.run(60)
    assert front.member("east").standing == "down"
    assert len(front.said("command")) == 1


def test_a_freeze_holds_until_it_is_thawed_or_over():
    front = Front(AUTO)
    front.prove()
    front.command("failover_freeze", why="a deploy", until=rfc3339(front.now + 100 * NS))
    front.broken["east"] = "http_server_error"
    front.run(50)
    (frozen,) = front.said("frozen")
    assert (frozen.actor, frozen.why) == ("ann", "a deploy")
    assert front.group.frozen is not None
    assert [rule.id for rule in front.said("blocked")[0].rules if not rule.ok] == ["S7"]
    front.reload()
    front.run(60)
    assert front.group.frozen is None
    assert len(front.said("thawed")) == 1
    assert len(front.said("command")) == 1


def test_an_override_lets_one_rule_go():
    front = Front(AUTO)
    front.prove()
    front.command("failover_freeze", why="a deploy")
    front.broken["east"] = "http_server_error"
    front.run(30)
    front.command("failover_override", rule="S7", why="it burns", until=rfc3339(front.now + 3600 * NS))
    front.run(30)
    assert [each.rule for each in front.group.overrides] == ["S7"]
    (command,) = front.said("command")
    assert [rule.id for rule in command.rules if rule.overridden_by] == ["S7"]
    assert front.said("overridden")[0].actor == "ann"
    front.memory.overrides = [msgspec.structs.replace(each, until=front.now) for each in front.memory.overrides]
    front.run(2)
    assert front.group.overrides == (), "its time is over"


@pytest.mark.parametrize(
    ("word", "arguments"),
    [
        ("failover_freeze", {}),
        ("failover_freeze", {"why": "x", "until": "2020-01-01T00:00:00Z"}),
        ("failover_freeze", {"why": "x", "until": "soon"}),
        ("failover_freeze", {"why": "x", "group": "none"}),
        ("failover_thaw", {}),
        ("failover_override", {"rule": "S1", "why": "x"}),
        ("failover_override", {"rule": "S1", "why": "x", "until": "2099-01-01T00:00:00Z"}),
        ("failover_override", {"rule": "S11", "why": "x", "until": "IN AN HOUR"}),
        ("failover_override", {"rule": "S1", "until": "IN AN HOUR"}),
        ("failover_drill", {"member": "east"}),
        ("failover_switch", {"member": "north", "why": "x"}),
        ("failover_switch", {"member": "west"}),
        ("standby_fact", {"member": "north", "name": "fenced", "value": "1"}),
        ("standby_fact", {"member": "west", "name": "unplanned", "value": "1"}),
        ("standby_fact", {"member": "west", "name": "fenced", "value": ""}),
        ("failover_dance", {"member": "west"}),
    ],
)
def test_an_order_that_is_none_changes_nothing(word: str, arguments: dict[str, str]):
    front = Front(AUTO)
    front.run(60)
    before = encode_state(front.state)
    memory = front.memory
    kept = (memory.frozen, list(memory.overrides), memory.asked, dict(memory.facts.get("west", {})), memory.news)
    until = {"until": rfc3339(front.now + 3600 * NS)} if arguments.get("until") == "IN AN HOUR" else {}
    front.command(word, **(arguments | until))
    memory = front.memory
    assert kept == (memory.frozen, memory.overrides, memory.asked, memory.facts.get("west", {}), memory.news)
    assert decode_state(before) is not None


def test_a_person_may_switch_and_is_named():
    front = Front(AUTO)
    front.prove()
    front.command("failover_switch", actor="bob", member="west", why="rack work")
    front.run(5)
    (command,) = front.said("command")
    assert (command.actor, command.target) == ("bob", "west")


def test_orders_in_great_number_are_bounded():
    front = Front(AUTO)
    front.run(30)
    for _ in range(3):
        front.command("failover_freeze", why="x")
        front.command("failover_thaw")
    assert len(front.memory.news) <= MAX_NEWS
    assert len(front.memory.words) <= 20


def test_a_group_that_the_plan_no_longer_has_is_forgotten():
    front = Front(AUTO)
    front.run(60)
    from tests.collector.detect.scenes import fleet
    from tests.collector.detect.switching.front import REST

    front.put_plan(fleet() + REST)
    front.run(20)
    assert front.state.switching.groups == {}
    assert front.board.groups == ()


def test_a_clock_that_is_put_back_leaves_nothing_in_the_future():
    front = Front(AUTO)
    front.prove()
    ready = front.member("west").ready
    front.t -= 300
    front.run(60)
    assert ready
    assert front.memory.looked_at <= front.now
    assert all(sight.at <= front.now for sight in front.memory.seen.values())
    assert front.group.serving == "east"


def test_a_restart_in_the_middle_says_nothing_twice():
    def played(reload: bool) -> list[str]:
        front = Front(AUTO)
        front.prove()
        front.broken["east"] = "http_server_error"
        for _ in range(20):
            front.run(4)
            if reload:
                front.reload()
            if front.said("command"):
                front.move("west")
        return [event.type for event in front.events]

    assert played(reload=True) == played(reload=False)


@pytest.mark.parametrize(
    ("words", "by"),
    [
        ("", ""),
        ("command", "command"),
        ("command effective", "command"),
        ("recommended", "recommendation"),
        ("recommended withdrawn", ""),
        ("command failed", "recommendation"),
        ("command not_effective command", "command"),
        ("command effective switched", ""),
        ("blocked frozen", ""),
    ],
)
def test_who_decided_a_switchover_is_found_in_what_was_said(words: str, by: str):
    said = [FailoverChanged(word=word, group="g", target="west", title="t") for word in words.split()]  # type: ignore[arg-type]
    memory = GroupMemory(words=tuple(Spoken(at=1, said=each) for each in said))
    assert _decided_by(memory, Switch(direction="failover", source="east", target="west", started_at=1, at=2)) == by
    assert _decided_by(memory, Switch(direction="failback", source="west", target="east", started_at=1, at=2)) == ""


def test_an_incident_that_reopens_goes_on_counting_its_switchovers():
    front = Front(AUTO)
    front.prove()
    front.broken["east"] = "http_server_error"
    front.run(40)
    known = front.memory.incident
    assert known
    front.memory.switches = [
        Switch(direction="failover", source="east", target="west", started_at=1, at=2, flaps=flaps, incident=incident)
        for flaps, incident in ((3, known), (7, "another"))
    ]
    front.memory.incident, front.memory.flaps = None, 0  # as while it was over
    front.run(5)
    assert (front.memory.flaps, front.memory.incident) == (3, known)
