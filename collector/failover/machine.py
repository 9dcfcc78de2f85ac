"""The state machine of a failover group: fast out, slow back. Pure.

Out needs no hold-down: what calls it down is a quorum that a wait would not make surer, and the measured price of
waiting is users (docs/failover.md). The calm lies in the way back: the primary must prove itself for twice the longest
gap between its relapses.

At each look the truth comes first: the member that 80 % of the vantages see serves, whoever switched. Then what is
wanted: out of trouble, back, what a person asks, a drill. Then the rules (rules.py) are asked, all of them, and their
outcomes go with whatever is said. A phase is only what follows from the rest, so that no path leads to a wrong one.

    primary ──(it is bad)──► to_failover ──(80 % see it)──► failover ──(the primary proved well)──► to_primary
       ▲  ▲                       │                                                                  │
       │  └────────(needless)─────┘                                                                  │
       └───────────────────────────────────────(80 % see it)─────────────────────────────────────────┘
    any ──(no member is well)──► hold_both_bad        any ──(nothing can be seen)──► blind

What is said where it is taken in or seen is not said here: switched, both_serving, frozen, thawed, overridden.
"""

from typing import Literal

from collector.events import Severity
from collector.failover import drill
from collector.failover.commanding import begin, command, end, under_way, unhinder, withdraw
from collector.failover.health import note_health
from collector.failover.move import SETTLED, Move, choose, direction_to
from collector.failover.rules import MOST_MOVES, blocking, judge
from collector.failover.saying import act, blocked_key, blocked_title, hush, to_say, told
from collector.failover.types import Decided, GroupState, Phase, Policy, Situation
from collector.failover.wishes import all_bad, asked_key, may_go_back, note_trouble, wanted
from parallax.clock import NS
from parallax.spans import lasting_exactly

TTLS = 3
"""A command that is not seen after so many TTLs is not effective."""
AGAIN_NS = 600 * NS
"""When all actions came to nothing, they are tried again after this long, if the rules still let them."""
NEEDLESS_NS = 60 * NS
"""A move that nobody wants any more for this long is withdrawn."""
NOT_APPLIED = frozenset({"refused", "failed", "expired"})


def decide(state: GroupState, policy: Policy, situation: Situation) -> list[Decided]:
    """Moves the group's state on in place, and says what is to be said and done at this moment. Deciding again in the
    same situation says nothing new."""
    said: list[Decided] = []
    now = situation.now
    _note_plan(state, policy)
    _note_time(state, situation)
    note_health(state, policy, situation)
    if not situation.blind:
        _settle(state, policy, situation, said)
    source = heading(state, policy)
    note_trouble(state, policy, situation, source)
    _note_all_bad(state, policy, situation, source, said)
    drill.watch(state, policy, situation, source, said)
    if state.target and state.commanded:
        _follow(state, policy, situation, source, said)
    else:
        _consider(state, policy, situation, wanted(state, policy, situation, source), said)
    if not state.target and not situation.blind:
        drill.drill(state, policy, situation, said)
    state.looked_at = now
    phase = _phase(state, policy, situation)
    if phase != state.phase or not state.since:
        state.phase, state.since = phase, now
    return said


def heading(state: GroupState, policy: Policy) -> str:
    """The member that serves, or will once the command under way is seen."""
    if state.target and state.commanded and not state.gave_word:
        return state.target
    return state.serving or policy.primary


def _note_plan(state: GroupState, policy: Policy) -> None:
    """What is remembered of members that the plan no longer has, or of another primary, is of no use."""
    if state.serving not in policy.members:
        state.serving = ""
    if state.target and not {state.source, state.target} <= {*policy.members}:
        end(state)
    if state.drill and state.primary != policy.primary:
        state.drill = ""
    if state.primary != policy.primary:
        state.primary, state.well_since, state.longest_gap, state.relapses = policy.primary, 0, 0, []


def _note_time(state: GroupState, situation: Situation) -> None:
    now = situation.now
    state.drilled_at = state.drilled_at or now
    if state.asked and state.asked != asked_key(situation):
        state.asked = ""
    unseen = situation.blind or situation.listens_since > state.looked_at
    if unseen and state.commanded and state.looked_at:
        # What cannot be seen is not late: nor what nobody looked at, as the collector was down or its clock was set.
        state.decided_at = min(state.decided_at + max(now - state.looked_at, 0), now)
    # By number and not by age, as a clock that leaps ahead and is put right again must not forget them.
    state.moves = state.moves[-MOST_MOVES:]


def _settle(state: GroupState, policy: Policy, situation: Situation, said: list[Decided]) -> None:
    """Takes who serves as it is seen, whoever did it."""
    shares = situation.serving
    serving = next((name for name in policy.members if shares.get(name, 0.0) >= SETTLED), "")
    if not serving or serving == state.serving:
        return
    state.hindered = ""
    before, state.serving = state.serving, serving
    commanded = state.commanded and state.target == serving
    _note_away(state, policy, situation.now)
    if state.target == serving:
        _say_effective(state, policy, situation, said)
    elif state.target:
        end(state)
    state.worse_since = state.apart_since = 0
    if before == policy.primary and not commanded:
        state.moves = [*state.moves, situation.now]


def _note_away(state: GroupState, policy: Policy, now: int) -> None:
    """Whose will it is that another than the primary serves."""
    if state.serving == policy.primary:
        state.away_since, state.by_person = 0, False
        return
    state.away_since = state.away_since or now
    if state.target == state.serving:
        state.by_person = state.wanted == "asked"
    elif state.well_since:
        state.by_person = True


def _say_effective(state: GroupState, policy: Policy, situation: Situation, said: list[Decided]) -> None:
    move, took = under_way(state, policy), max(situation.now - state.decided_at, 0)
    verb, decided = "is back at" if move.direction == "failback" else "serves from", "commanded"
    if not state.commanded:
        decided = "recommended"
    title = f"{policy.name} {verb} {move.target}, {lasting_exactly(took)} after it was {decided}"
    said.append(told("effective", move, policy, situation, title, severity="info", epoch=state.epoch))
    end(state)
    hush(state, situation.now)
    drill.effective(state, policy, situation, took, said)


def _note_all_bad(state: GroupState, policy: Policy, situation: Situation, source: str, said: list[Decided]) -> None:
    if situation.blind:
        return
    now, before = situation.now, state.both_bad
    state.both_bad = all_bad(state, policy, situation, source)
    if not state.both_bad:
        return
    calm = not state.both_bad_at or now - state.both_bad_at >= AGAIN_NS
    state.both_bad_at = now
    if before or not calm:
        return
    target = choose(policy, situation, source)
    why = "none of its members is well"
    move = Move(source=source, target=target, wanted="down", why=why, direction=direction_to(policy, target))
    title = f"{policy.name} has no member that is well: traffic stays at {source}"
    rules = judge(move, state, policy, situation)
    said.append(told("both_bad", move, policy, situation, title, severity="critical", rules=rules))


def _consider(state: GroupState, policy: Policy, situation: Situation, move: Move | None, said: list[Decided]) -> None:
    """A move that is wanted, while none is commanded: command it, recommend it, or say what forbids it."""
    now = situation.now
    if move is None or (move.wanted == "back" and policy.back == "hours" and not may_go_back(policy, now)):
        _needless(state, policy, situation, said)
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
    if _is_commanded(state, policy, move, now):
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


def _is_commanded(state: GroupState, policy: Policy, move: Move, now: int) -> bool:
    """Whether a move that no rule forbids is carried out, not only recommended."""
    if not policy.actions or move.wanted == "asked":
        return bool(policy.actions)
    if move.wanted == "back" and (state.by_person or not may_go_back(policy, now)):
        return False
    return policy.mode == "auto"


def _needless(state: GroupState, policy: Policy, situation: Situation, said: list[Decided]) -> None:
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


def _follow(state: GroupState, policy: Policy, situation: Situation, source: str, said: list[Decided]) -> None:
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
        _needless(state, policy, situation, said)
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
    if not actions and (move.wanted in ("asked", "drill") or not _is_commanded(state, policy, move, situation.now)):
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
    if not _is_commanded(state, policy, move, situation.now):
        # What is on its way will be seen, or be late: people are told then.
        if state.gave_word:
            end(state)
            _consider(state, policy, situation, move, said)
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


def _phase(state: GroupState, policy: Policy, situation: Situation) -> Phase:
    if situation.blind:
        return "blind"
    if state.target:
        return "to_primary" if state.target == policy.primary else "to_failover"
    if state.both_bad:
        return "hold_both_bad"
    return "primary" if (state.serving or policy.primary) == policy.primary else "failover"
