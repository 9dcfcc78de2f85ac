"""One moment after another in which exactly one rule forbids a failover."""

from typing import Any

import pytest

from collector.failover.rules import RULES, blocking
from collector.failover.types import ReadyLine
from parallax.clock import NS
from tests.collector.failover.scenes import EAST, MIN, WEST, Group, ready, word


def line(name: str, ok: bool | None, rule: str = "S1") -> ReadyLine:
    return ReadyLine(id=name, ok=ok, why=f"{name}: seen", rule=rule)  # type: ignore[arg-type]


def with_line(*lines: ReadyLine) -> dict[str, Any]:
    return {"ready": {WEST: ready(WEST), EAST: ready(EAST, *lines)}}


TABLE: list[tuple[str, dict[str, Any], dict[str, Any], str]] = [
    ("S1", {}, with_line(line("sign-in", False)), "east is not ready: sign-in: seen"),
    ("S1", {}, {"ready": {EAST: ready(EAST, is_ready=False)}}, "it has not been for ten minutes yet"),
    ("S1", {}, {"ready": {}}, "it has not been for ten minutes yet"),
    ("S3", {}, {"words": {WEST: {"voters": 9}}}, "9 of 15 vantages have a word on west; 10 must"),
    ("S3", {}, {"words": {WEST: {"voters": 2, "enrolled": 2}}}, "2 of 2 vantages have a word on west; 3 must"),
    ("S3", {}, {"words": {WEST: {"networks": 2}}}, "the vantages are in 2 networks; 3 are needed"),
    ("S3", {}, {"words": {WEST: {"may_switch": False}}}, "west is not seen down by enough vantages"),
    ("S4", {}, {"cause": "dns"}, "the cause is in the DNS, which a switch of regions does not cure"),
    ("S4", {"kind": "dns-operator"}, {}, "the cause is not known to be the DNS operator"),
    ("S4", {}, {"words": {EAST: {"standing": "up", "share": 0.1}}}, "the cause is not known, and east has it too"),
    ("S6", {}, {"lease": False}, "another collector holds the lease, or nobody can tell who does"),
    ("S7", {}, {"frozen": "ann: release"}, "it is frozen: ann: release"),
    ("S7", {}, {"maintenance": "database move"}, "the maintenance database move is under way"),
    ("S8", {}, with_line(line("fact:headroom", False, "S8")), "fact:headroom: seen"),
    ("S9", {}, with_line(line("fact:replication_lag_s", False, "S9")), "fact:replication_lag_s: seen"),
    ("S9", {"single_writer": True}, {}, "the writer west is not fenced: nobody pushed that it is"),
    ("S10", {}, {"agreed": False}, "the other collectors do not see the same"),
    (
        "S10",
        {},
        {"agreed": False, "alone": True},
        "nothing is heard of the other collector, and one alone does not switch",
    ),
]


@pytest.mark.parametrize(("rule", "policy", "changes", "why"), TABLE, ids=[f"{row[0]} {row[3][:40]}" for row in TABLE])
def test_one_rule_forbids_it(rule: str, policy: dict[str, Any], changes: dict[str, Any], why: str) -> None:
    group = Group(**policy)
    changes = dict(changes)
    words: dict[str, dict[str, Any]] = {WEST: {"standing": "down"}, EAST: {"standing": "up"}}
    for name, more in changes.pop("words", {}).items():
        words[name] = {**words[name], **more}
    group.look(1, **changes)
    now = group.situation.now + 10 * NS
    members = {name: word(name, since=now, **fields) for name, fields in words.items()}
    [said] = group.look(10, members=members)
    assert said.word == "blocked"
    assert tuple(each.id for each in said.rules) == tuple(RULES)
    assert [each.id for each in blocking(said.rules)] == [rule]
    assert said.title.startswith(f"failover of api from west to east is blocked by {rule}: ")
    assert said.title.endswith(why)


def test_a_fenced_writer_may_be_left_and_lines_that_nobody_checked_block_nothing() -> None:
    group = Group(single_writer=True)
    fenced = line("fact:fenced", True, "S9")
    unknown = [line("parity", None), line("fact:headroom", None, "S8")]
    group.look(1, ready={WEST: ready(WEST, fenced), EAST: ready(EAST, *unknown)})
    assert [each.word for each in group.stands(10, west="down")] == ["command"]


def test_four_in_six_hours_take_a_person() -> None:
    group = Group()
    for minutes in (0, 60, 120, 180):
        group.state.moves.append(group.situation.now + minutes * MIN)
    [said] = group.stands(4 * 3600, west="down")
    assert "blocked by S5: 4 failovers in 6 h" in said.title
    group = Group()
    for minutes in (0, 60, 120, 180):
        group.state.moves.append(group.situation.now + minutes * MIN)
    assert [each.word for each in group.stands(6 * 3600 + 1, west="down")] == ["command"]
