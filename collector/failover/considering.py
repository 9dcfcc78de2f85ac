"""What becomes of a move that is wanted: commanded, recommended or blocked; and when it is wanted no more. Pure."""

from collector.events import Severity
from collector.failover.commanding import begin, command, end, unhinder, withdraw
from collector.failover.move import Move
from collector.failover.rules import blocking, judge
from collector.failover.saying import blocked_key, blocked_title, hush, to_say, told
from collector.failover.types import Decided, GroupState, Policy, Situation
from collector.failover.wishes import asked_key, may_go_back
from parallax.clock import NS

NEEDLESS_NS = 60 * NS
"""A move that nobody wants any more for this long is withdrawn."""


def consider(state: GroupState, policy: Policy, situation: Situation, move: Move | None, said: list[Decided]) -> None:
    """A move that is wanted, while none is commanded: command it, recommend it, or say what forbids it."""
    now = situation.now
    if move is None or (move.wanted == "back" and policy.back == "hours" and not may_go_back(policy, now)):
        needless(state, policy, situation, said)
        return
    state.needless_since = 0
    asked = move.wanted == "asked"
    if policy.mode == "observe" and not asked:
        return
    rules = judge(move, state, policy, situation)
    blocked = blocking(rules)
    if blocked:
        end(state)
        if to_say(state, blocked_key(state, move, blocked), now):
            severity: Severity = "critical" if move.by_trouble else "warning"
            title = blocked_title(move, policy, blocked)
            said.append(told("blocked", move, policy, situation, title, severity=severity, rules=rules))
            state.hindered = move.target if situation.incident is None else ""
        state.hindered_until = now
        return
    if is_commanded(state, policy, move, now):
        said.append(command(state, policy, situation, move, policy.actions, rules))
        if asked:
            state.asked = asked_key(situation)
        return
    if (state.target, state.wanted) != (move.target, move.wanted):
        begin(state, move, now)
    if to_say(state, f"recommended {move.target}", now):
        severity = "critical" if move.by_trouble else "warning"
        title = f"switch {policy.name} from {move.source} to {move.target}: {move.why}"
        said.append(told("recommended", move, policy, situation, title, severity=severity, rules=rules))


def is_commanded(state: GroupState, policy: Policy, move: Move, now: int) -> bool:
    """Whether a move that no rule forbids is carried out, not only recommended."""
    if not policy.actions or move.wanted == "asked":
        return bool(policy.actions)
    if move.wanted == "back" and (state.by_person or not may_go_back(policy, now)):
        return False
    return policy.mode == "auto"


def needless(state: GroupState, policy: Policy, situation: Situation, said: list[Decided]) -> None:
    """Nothing is wanted. What was recommended is withdrawn once that has lasted; nobody can tell while it is blind."""
    now = situation.now
    if not state.target:
        hush(state, now)
        if state.hindered and not situation.blind and now - state.hindered_until >= NEEDLESS_NS:
            said.append(unhinder(state, policy, situation))
        return
    if situation.blind:
        return
    state.needless_since = state.needless_since or now
    if now - state.needless_since >= NEEDLESS_NS:
        said.append(withdraw(state, policy, situation))
