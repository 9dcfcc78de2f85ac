"""Whatever happens to a group, in any order: what must never be said, and what must always hold."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.failover.machine import decide
from collector.failover.rewinding import rewind
from collector.failover.rules import RULES
from collector.failover.saying import KEPT
from collector.failover.types import GroupState, Override, ReadyLine, Situation
from parallax.clock import NS
from tests.collector.failover.scenes import EAST, SOUTH, START, WEST, a_policy, ready, word

pytestmark = pytest.mark.slow

NAMES = (WEST, EAST, SOUTH)
LINES = (
    ReadyLine(id="checks", ok=False, why="fails"),
    ReadyLine(id="fact:headroom", ok=False, why="too little", rule="S8"),
    ReadyLine(id="fact:fenced", ok=True, why="fenced", rule="S9"),
    ReadyLine(id="parity", ok=None, why="not checked"),
)
STANDINGS = st.sampled_from(("up", "up", "up", "degraded", "down", "unknown"))
WORDS = st.builds(
    lambda standing, share, voters, may: {
        "standing": standing,
        "share": share if standing in ("degraded", "down") else 0.0,
        "voters": voters,
        "failing": 0,
        "may_switch": may and standing == "down",
    },
    STANDINGS,
    st.sampled_from((0.02, 0.24, 0.3, 0.6, 1.0)),
    st.sampled_from((15, 15, 15, 9, 0)),
    st.sampled_from((True, True, False)),
)
SHARES = st.sampled_from(((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0), (0.5, 0.5, 0.0), (0.15, 0.85, 0.0), None))
STEPS = st.fixed_dictionaries(
    {
        "after": st.sampled_from((1, 10, 30, 61, 200, 700, 2000, 4000)),
        "words": st.tuples(WORDS, WORDS, WORDS),
        "serving": SHARES,
        "ready": st.tuples(*[st.sampled_from((0, 0, 0, 1, 2, 3, 4))] * 3),
        "blind": st.sampled_from((False, False, False, False, True)),
        "frozen": st.sampled_from(("", "", "", "ann: release")),
        "cause": st.sampled_from(("region", "region", "unknown", "dns", "shared")),
        "lease": st.sampled_from((True, True, True, False)),
        "asked": st.sampled_from(("", "", "", *NAMES, "nobody")),
        "drill": st.booleans(),
        "outcomes": st.sampled_from(({}, {"webhook": "applied"}, {"webhook": "refused", "dns": "failed"})),
        "vendor_open": st.booleans(),
        "restart": st.booleans(),
    }
)
POLICIES = st.builds(
    lambda mode, back, single, drill: a_policy(
        members=NAMES, mode=mode, back=back, single_writer=single, drill_ns=drill, hours="Mon-Fri 09:00-17:00 UTC"
    ),
    st.sampled_from(("auto", "auto", "recommend", "observe")),
    st.sampled_from(("auto", "auto", "hours", "manual")),
    st.sampled_from((False, False, True)),
    st.sampled_from((None, 3600 * NS)),
)
NIGHTS = st.lists(STEPS, min_size=1, max_size=25)


def situation(step: dict[str, Any], now: int, before: dict[str, float]) -> Situation:
    shares = step["serving"]
    return Situation(
        now=now,
        members={
            name: word(name, each["standing"], since=now, **{key: each[key] for key in each if key != "standing"})
            for name, each in zip(NAMES, step["words"], strict=True)
        },
        ready={
            name: ready(name, *((LINES[which - 1],) if which else ()))
            for name, which in zip(NAMES, step["ready"], strict=True)
        },
        serving=before if shares is None else dict(zip(NAMES, shares, strict=True)),
        blind=step["blind"],
        frozen=step["frozen"],
        cause=step["cause"],
        lease=step["lease"],
        asked=step["asked"],
        drill=step["drill"] and bool(step["asked"]),
        actor="ann" if step["asked"] else "",
        outcomes=step["outcomes"],
        vendor_open=step["vendor_open"],
    )


@settings(max_examples=40, deadline=None)
@given(policy=POLICIES, night=NIGHTS)
def test_whatever_happens(policy: Any, night: list[dict[str, Any]]) -> None:
    state, twin, now, epoch, shares = GroupState(), GroupState(), START, 0, {WEST: 1.0}
    for step in night:
        now += step["after"] * NS
        moment = situation(step, now, shares)
        shares = dict(moment.serving)
        said = decide(state, policy, moment)
        for each in said:
            if each.rules:
                assert tuple(rule.id for rule in each.rules) == tuple(RULES)
            if each.word == "command":
                assert each.epoch > epoch, "the epoch strictly rises"
                epoch = each.epoch
                assert not moment.blind
                assert not moment.frozen
                assert moment.lease
                assert all(rule.ok for rule in each.rules)
                assert moment.members[each.target].standing in ("up", "degraded"), "somebody serves afterwards"
                assert each.source != each.target
                going_on = each.actions != policy.actions or state.drill
                assert policy.mode == "auto" or moment.asked or going_on
                assert each.not_after == now + policy.not_after_ns
                assert each.actions
            if each.word in ("recommended", "blocked") and not moment.asked:
                assert policy.mode != "observe"
            if each.word == "blocked":
                assert any(not rule.ok for rule in each.rules)
        assert sum(each.word == "command" for each in said) <= 1
        assert state.drill in ("", "stay") or state.wanted == "drill"
        assert not decide(state, policy, moment), "the same situation says nothing new"
        if step["restart"]:
            twin = msgspec.msgpack.decode(msgspec.msgpack.encode(twin), type=GroupState)
        assert decide(twin, policy, moment) == said, "a restart changes nothing"
        decide(twin, policy, moment)
        assert twin == state
        assert len(state.heard) <= KEPT
        assert len(msgspec.msgpack.encode(state)) < 4000


@settings(max_examples=40, deadline=None)
@given(policy=POLICIES, night=NIGHTS)
def test_only_an_override_lets_a_rule_that_does_not_hold_pass(policy: Any, night: list[dict[str, Any]]) -> None:
    state, now = GroupState(), START
    for step in night:
        now += step["after"] * NS
        overrides = (Override(rule="S1", actor="ann", why="I know", until=now + 1),) if step["restart"] else ()
        moment = msgspec.structs.replace(situation(step, now, {WEST: 1.0}), overrides=overrides)
        for each in decide(state, policy, moment):
            if each.word == "command":
                missing = [rule for rule in each.rules if not rule.ok]
                assert [rule.id for rule in missing] in ([], ["S1"] if overrides else [])
                assert all(rule.overridden_by == "ann: I know" for rule in missing)


@settings(max_examples=40, deadline=None)
@given(policies=st.lists(POLICIES, min_size=1, max_size=6), night=NIGHTS)
def test_the_plan_may_change(policies: list[Any], night: list[dict[str, Any]]) -> None:
    state, now = GroupState(), START
    for turn, step in enumerate(night):
        policy = policies[turn % len(policies)]
        members = NAMES[turn % 2 :]
        actions = ("webhook", "dns")[: turn % 3]
        policy = msgspec.structs.replace(policy, members=members, primary=members[0], actions=actions)
        now += step["after"] * NS
        moment = situation(step, now, {WEST: 1.0})
        for each in decide(state, policy, moment):
            assert {each.source, each.target} <= {*members} or each.word == "withdrawn"  # of a member that is gone
            assert each.word != "command" or (each.actions and set(each.actions) <= {*actions})
        assert not decide(state, policy, moment)


@settings(max_examples=40, deadline=None)
@given(policy=POLICIES, night=NIGHTS, back_s=st.integers(0, 100_000))
def test_the_clock_may_be_put_back(policy: Any, night: list[dict[str, Any]], back_s: int) -> None:
    state, now = GroupState(), START
    for step in night:
        now += step["after"] * NS
        decide(state, policy, situation(step, now, {WEST: 1.0}))
    now -= back_s * NS
    rewind(state, now)
    flat = msgspec.to_builtins(state)
    flat.pop("longest_gap"), flat.pop("drill_out_ns"), flat.pop("drill_back_ns")
    assert all(at <= now for at in _numbers(flat))
    decide(state, policy, situation(night[-1], now, {WEST: 1.0}))


def _numbers(value: Any) -> list[int]:
    if isinstance(value, dict):
        return [each for inner in value.values() for each in _numbers(inner)]
    if isinstance(value, list | tuple):
        return [each for inner in value for each in _numbers(inner)]
    return [value] if isinstance(value, int) and value > 10**15 else []
