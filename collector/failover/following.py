"""A command that is under way: whether it came about, what is tried next, and what else is wanted meanwhile. Pure."""

from typing import Literal

from collector.events import Severity
from collector.failover import drill
from collector.failover.commanding import command, end, under_way
from collector.failover.considering import consider, is_commanded, needless
from collector.failover.move import Move
from collector.failover.rules import blocking, judge
from collector.failover.saying import act, blocked_key, blocked_title, to_say, told
from collector.failover.types import Decided, GroupState, Policy, Situation
from collector.failover.wishes import asked_key, wanted
from parallax.clock import NS
from parallax.spans import lasting_exactly

TTLS = 3
"""A command that is not seen after so many TTLs is not effective."""
AGAIN_NS = 600 * NS
"""When all actions came to nothing, they are tried again after this long, if the rules still let them."""
NOT_APPLIED = frozenset({"refused", "failed", "expired"})


def follow(state: GroupState, policy: Policy, situation: Situation, source: str, said: list[Decided]) -> None:
    """A command is under way: whether it came about, and what is tried next."""
    now = situation.now
    if not state.gave_word:
        if situation.blind:
            return
        came = [situation.outcomes.get(action) for action in state.tried]
        if now > state.decided_at and came and all(outcome in NOT_APPLIED for outcome in came):
            _give_word(state, policy, situation, "failed", said)
        elif now - state.decided_at >= TTLS * policy.ttl_ns:
            _give_word(state, policy, situation, "not_effective", said)
        else:
            # It went somewhere that turns out to be bad as well: there is no need to see it arrive first.
            move = wanted(state, policy, situation, source)
            if move is not None and (move.by_trouble or move.wanted == "asked"):
                _turn(state, policy, situation, move, said)
            return
    if state.drill:
        if not _next(state, policy, situation, under_way(state, policy), said):
            drill.failed(state, policy, situation, said)
            end(state)
        return
    move = wanted(state, policy, situation, state.serving or policy.primary)
    if move is None and state.wanted == "asked":
        if not _next(state, policy, situation, under_way(state, policy), said):
            end(state)
    elif move is None:
        needless(state, policy, situation, said)
    elif move.target != state.target:
        _turn(state, policy, situation, move, said)
    else:
        state.needless_since = 0
        if not _next(state, policy, situation, move, said):
            end(state)


def _give_word(
    state: GroupState,
    policy: Policy,
    situation: Situation,
    word: Literal["failed", "not_effective"],
    said: list[Decided],
) -> None:
    move = under_way(state, policy)
    applied = next((each for each in state.tried if situation.outcomes.get(each) == "applied"), state.tried[0])
    state.gave_word = word
    # What was tried and refused was tried; those after one that was applied were not.
    state.left = () if word == "failed" else state.tried[state.tried.index(applied) + 1 :]
    if word == "failed":
        title = f"{act(move, policy)} could not be carried out: no action was applied"
    else:
        after = lasting_exactly(situation.now - state.decided_at)
        share = situation.serving.get(move.target, 0.0)
        title = f"{act(move, policy)} by {applied} is not effective: {share:.0%} of the vantages see it after {after}"
    severity: Severity = "warning" if state.drill else "critical"
    said.append(told(word, move, policy, situation, title, severity=severity, epoch=state.epoch, actions=state.tried))


def _next(state: GroupState, policy: Policy, situation: Situation, move: Move, said: list[Decided]) -> bool:
    """Tries the actions that are left, or all of them again after a while. False: there is nothing left to try."""
    actions = tuple(action for action in state.left if action in policy.actions)
    if not actions and (move.wanted in ("asked", "drill") or not is_commanded(state, policy, move, situation.now)):
        return False
    if not actions and situation.now - state.decided_at < AGAIN_NS:
        return True
    rules = judge(move, state, policy, situation)
    blocked = blocking(rules)
    if blocked:
        if to_say(state, blocked_key(state, move, blocked), situation.now):
            severity: Severity = "critical" if move.by_trouble else "warning"
            title = blocked_title(move, policy, blocked)
            said.append(told("blocked", move, policy, situation, title, severity=severity, rules=rules))
        return True
    said.append(command(state, policy, situation, move, actions or policy.actions, rules))
    return True


def _turn(state: GroupState, policy: Policy, situation: Situation, move: Move, said: list[Decided]) -> None:
    """Something else is wanted than what is under way."""
    if not is_commanded(state, policy, move, situation.now):
        # What is on its way will be seen, or be late: people are told then.
        if state.gave_word:
            end(state)
            consider(state, policy, situation, move, said)
        return
    rules = judge(move, state, policy, situation)
    blocked = blocking(rules)
    if not blocked:
        said.append(command(state, policy, situation, move, policy.actions, rules))
        if move.wanted == "asked":
            state.asked = asked_key(situation)
    elif to_say(state, blocked_key(state, move, blocked), situation.now):
        severity: Severity = "critical" if move.by_trouble else "warning"
        title = blocked_title(move, policy, blocked)
        said.append(told("blocked", move, policy, situation, title, severity=severity, rules=rules))
