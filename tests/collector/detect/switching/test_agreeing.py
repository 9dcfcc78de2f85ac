"""What two collectors say to each other of groups (S6, S10, epochs)."""

from typing import Any

import pytest

from collector.detect.state import State, initial
from collector.detect.switching.agreeing import agreed, note_epochs
from collector.detect.switching.memory import GroupMemory
from collector.failover.types import GroupState, MemberWord, Standing
from collector.inputs import PeerInput
from collector.peer_word import PeerGroup, PeerWord
from collector.routing.charge import note_peer
from parallax.clock import NS

AT = 1_700_000_000 * NS


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
    ("theirs", "mine", "expected"),
    [
        (group(), "down", True),
        (group(), "degraded", True),
        (group(), "up", False),
        (group(serving="us"), "down", False),
        (group(standings={}), "up", True),
        (group(serving=""), "down", None),
        (group(name="other"), "down", None),
    ],
)
def test_whether_they_see_the_same(theirs: PeerGroup, mine: Standing, expected: bool | None) -> None:
    words = {"eu": MemberWord(name="eu", standing=mine, since=0)}
    assert agreed(state_of(theirs), "regions", "eu", words) is expected
    assert agreed(state_of(theirs, later=31 * NS), "regions", "eu", words) is None
    assert agreed(initial("5eed"), "regions", "eu", words) is None


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
