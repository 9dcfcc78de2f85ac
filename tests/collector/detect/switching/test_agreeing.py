"""What two collectors say to each other of groups (S6, S10, epochs)."""

from typing import Any

import pytest

from collector.detect.state import State, initial
from collector.detect.switching.agreeing import agreed, note_epochs
from collector.detect.switching.deciding import situation_of
from collector.detect.switching.groups import GroupView
from collector.detect.switching.memory import GroupMemory
from collector.failover.types import GroupState, MemberWord, Standing
from collector.inputs import PeerInput
from collector.peer_word import PeerGroup, PeerWord
from collector.routing.charge import note_peer
from parallax.clock import NS
from parallax.plan.failover_types import Failover, Member

AT = 1_700_000_000 * NS
REGIONS = GroupView(
    group=Failover(
        name="regions", kind="region", check="api", members=[Member(name="eu"), Member(name="us")], primary="eu"
    ),
    members=("eu", "us"),
    pinned={},
)


def heard(*groups: PeerGroup, at: int = AT) -> PeerInput:
    word = PeerWord(role="second", ready=True, at=at, groups=groups)
    return PeerInput(at=at, role="first", peer="b", silent_ns=30 * NS, word=word)


def state_of(*groups: PeerGroup, later: int = 0) -> State:
    state = initial("5eed")
    note_peer(state.routing, heard(*groups), AT)
    state.now = AT + later
    return state


def group(**more: Any) -> PeerGroup:
    return PeerGroup(**({"name": "regions", "serving": "eu", "standings": {"eu": "down", "us": "up"}} | more))


@pytest.mark.parametrize(
    ("theirs", "serving", "mine", "expected"),
    [
        (group(), "eu", "down", True),
        (group(), "eu", "degraded", True),
        (group(), "eu", "up", False),
        (group(), "", "down", True),
        (group(serving="us"), "eu", "down", False),
        (group(serving="us"), "", "down", False),
        (group(standings={}), "eu", "up", True),
        (group(serving=""), "eu", "down", True),
        (group(serving=""), "us", "down", False),
        (group(name="other"), "eu", "down", False),
    ],
)
def test_whether_they_see_the_same(theirs: PeerGroup, serving: str, mine: Standing, expected: bool) -> None:
    words = {name: MemberWord(name=name, standing=mine, since=0) for name in ("eu", "us")}
    assert agreed(state_of(theirs), REGIONS, serving, words) is expected
    assert agreed(state_of(theirs, later=31 * NS), REGIONS, serving, words) is False
    assert agreed(initial("5eed"), REGIONS, serving, words) is None


def test_one_that_hears_nothing_of_the_other_is_alone() -> None:
    memory = GroupMemory()
    assert not situation_of(initial("5eed"), REGIONS, memory, {}, None).alone
    assert not situation_of(state_of(), REGIONS, memory, {}, None).alone
    assert situation_of(state_of(later=31 * NS), REGIONS, memory, {}, None).alone


def test_epochs_rise_over_both_but_not_under_a_command() -> None:
    state = state_of()
    mine = state.switching.groups["regions"] = GroupMemory(decision=GroupState(epoch=3))
    note_epochs(state.switching, heard(group(epoch=7)))
    assert mine.decision.epoch == 7
    note_epochs(state.switching, heard(group(epoch=5)))
    assert mine.decision.epoch == 7
    mine.decision.commanded = True
    note_epochs(state.switching, heard(group(epoch=9)))
    assert mine.decision.epoch == 7
