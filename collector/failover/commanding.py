"""A move begins, is commanded, and ends: what the state keeps of it."""

from collector.events import RuleOutcome
from collector.failover.move import Move, direction_to
from collector.failover.saying import act, told
from collector.failover.types import Decided, GroupState, Policy, Situation


def begin(state: GroupState, move: Move, now: int) -> None:
    """From here on it is under way: recommended, until it is commanded."""
    end(state)
    state.source, state.target, state.wanted, state.why = move.source, move.target, move.wanted, move.why
    state.decided_at = now


def end(state: GroupState) -> None:
    """Nothing is under way."""
    state.source = state.target = state.why = state.gave_word = ""
    state.wanted = None
    state.commanded = False
    state.decided_at = state.needless_since = 0
    state.left = state.tried = ()


def command(
    state: GroupState,
    policy: Policy,
    situation: Situation,
    move: Move,
    actions: tuple[str, ...],
    rules: tuple[RuleOutcome, ...],
) -> Decided:
    """Commands a move by these actions, under the next epoch. A further try of a move is not counted as another
    failover."""
    now = situation.now
    same = bool(state.left) and state.target == move.target
    begin(state, move, now)
    state.commanded, state.tried = True, actions
    state.epoch += 1
    state.said = state.pending = state.hindered = ""
    state.worse_since = state.apart_since = 0
    if move.direction == "failover" and move.wanted != "drill" and not same:
        state.moves = [*state.moves, now]
    title = f"{act(move, policy)} is commanded: {move.why}"
    return told(
        "command",
        move,
        policy,
        situation,
        title,
        severity="critical" if move.by_trouble else "info",
        epoch=state.epoch,
        not_after=now + policy.not_after_ns,
        rules=rules,
        actions=actions,
    )


def under_way(state: GroupState, policy: Policy) -> Move:
    """The move that the state remembers."""
    return Move(
        source=state.source,
        target=state.target,
        wanted=state.wanted or "asked",
        why=state.why,
        direction=direction_to(policy, state.target),
    )


def withdraw(state: GroupState, policy: Policy, situation: Situation) -> Decided:
    """What was recommended, or commanded and never seen, is wanted no more."""
    move = under_way(state, policy)
    title = f"{act(move, policy)} is no longer needed"
    end(state)
    state.said = state.pending = ""
    return told("withdrawn", move, policy, situation, title, severity="info", epoch=state.epoch)


def lose(state: GroupState, policy: Policy) -> Decided:
    """The plan no longer has a member of the move under way, as when it was renamed: nobody can see that move through.
    A command that is out may be carried out all the same, so it is a warning then."""
    move = under_way(state, policy)
    gone = " and ".join(name for name in (move.source, move.target) if name not in policy.members)
    said = Decided(
        word="withdrawn",
        direction=move.direction,
        source=move.source,
        target=move.target,
        title=f"{act(move, policy)} is followed no longer: the plan has no member {gone} any more",
        why=move.why,
        severity="warning" if state.commanded else "info",
        epoch=state.epoch,
    )
    end(state)
    state.said = state.pending = ""
    return said


def unhinder(state: GroupState, policy: Policy, situation: Situation) -> Decided:
    """A move that was forbidden is wanted no more."""
    source = state.serving or policy.primary
    target = state.hindered if state.hindered in policy.members else source
    state.hindered = ""
    move = Move(source=source, target=target, wanted="asked", why="", direction=direction_to(policy, target))
    title = f"{act(move, policy)} is no longer wanted"
    if target == source:
        title = f"the switch of {policy.name} that was blocked is no longer wanted"
    return told("withdrawn", move, policy, situation, title, severity="info", epoch=state.epoch)
