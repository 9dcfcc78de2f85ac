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

from collector.failover import drill
from collector.failover.commanding import end, lose, under_way
from collector.failover.considering import consider
from collector.failover.following import AGAIN_NS, follow
from collector.failover.health import note_health
from collector.failover.move import SETTLED, Move, choose, direction_to
from collector.failover.rules import MOST_MOVES, judge
from collector.failover.saying import hush, told
from collector.failover.types import Decided, GroupState, Phase, Policy, Situation
from collector.failover.wishes import all_bad, asked_key, note_trouble, wanted
from parallax.spans import lasting_exactly


def decide(state: GroupState, policy: Policy, situation: Situation) -> list[Decided]:
    """Moves the group's state on in place, and says what is to be said and done at this moment. Deciding again in the
    same situation says nothing new."""
    said: list[Decided] = []
    now = situation.now
    _note_plan(state, policy, said)
    _note_time(state, situation)
    note_health(state, policy, situation)
    if not situation.blind:
        _settle(state, policy, situation, said)
    source = heading(state, policy)
    note_trouble(state, policy, situation, source)
    _note_all_bad(state, policy, situation, source, said)
    drill.watch(state, policy, situation, source, said)
    if state.target and state.commanded:
        follow(state, policy, situation, source, said)
    else:
        consider(state, policy, situation, wanted(state, policy, situation, source), said)
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


def _note_plan(state: GroupState, policy: Policy, said: list[Decided]) -> None:
    """What is remembered of members that the plan no longer has, or of another primary, is of no use."""
    if state.serving not in policy.members:
        state.serving = ""
    if state.target and not {state.source, state.target} <= {*policy.members}:
        said.append(lose(state, policy))
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


def _phase(state: GroupState, policy: Policy, situation: Situation) -> Phase:
    if situation.blind:
        return "blind"
    if state.target:
        return "to_primary" if state.target == policy.primary else "to_failover"
    if state.both_bad:
        return "hold_both_bad"
    return "primary" if (state.serving or policy.primary) == policy.primary else "failover"
