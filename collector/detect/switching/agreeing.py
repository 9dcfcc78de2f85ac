"""What two collectors say to each other of failover groups: who serves, how members stand, which command was last."""

from collections.abc import Mapping

from collector.detect.state import State
from collector.detect.switching.groups import GroupView
from collector.detect.switching.memory import Switching
from collector.detect.switching.standing import words_of
from collector.detect.view import NOTHING, view_of
from collector.failover.types import MemberWord
from collector.inputs import PeerInput
from collector.peer_word import PeerGroup
from collector.routing.charge import peer_is_heard

BAD = ("down", "degraded")


def groups_of(state: State) -> tuple[PeerGroup, ...]:
    """Every group, as it is seen here now."""
    view, found = view_of(state.plan) or NOTHING, []
    for name, group in view.groups.items():
        memory = state.switching.groups.get(name)
        if memory is not None:
            words = words_of(state, view, group, memory)
            standings: dict[str, str] = {member: word.standing for member, word in words.items()}
            decision = memory.decision
            found.append(PeerGroup(name=name, serving=decision.serving, epoch=decision.epoch, standings=standings))
    return tuple(found)


def note_epochs(switching: Switching, value: PeerInput) -> None:
    """Epochs rise over both collectors, so that who takes charge commands with a newer one."""
    for group in value.word.groups if value.word is not None else ():
        memory = switching.groups.get(group.name)
        if memory is not None and not memory.decision.commanded and 0 < group.epoch < 1 << 62:
            memory.decision.epoch = max(memory.decision.epoch, group.epoch)


def agreed(state: State, group: GroupView, serving: str, words: Mapping[str, MemberWord]) -> bool | None:
    """Whether the other collector sees the same of who serves: the same member, and it in trouble or not. While nobody
    can tell who serves, it is asked of the primary. None where there is no other; False where nothing is heard of it,
    or of this group: one alone may page, and not switch."""
    charge, primary = state.routing.charge, group.group.primary
    if not charge.role:
        return None
    if charge.word is None or not peer_is_heard(charge, state.now):
        return False
    theirs = next((each for each in charge.word.groups if each.name == group.group.name), None)
    mine = serving or primary
    if theirs is None or (theirs.serving or primary) != mine or mine not in words:
        return False
    return (words[mine].standing in BAD) == (theirs.standings.get(mine) in BAD)
