"""A drill: traffic goes to the standby, stays for some minutes, and comes back, to prove that all of it works. It
begins only when every rule holds by itself, and ends at the first sign of trouble."""

import msgspec

from collector.failover.commanding import command
from collector.failover.health import well_for
from collector.failover.move import Move, readiness_of, word_of
from collector.failover.rules import blocking, judge
from collector.failover.saying import blocked_key, blocked_title, to_say, told
from collector.failover.types import Decided, GroupState, Policy, Situation
from collector.failover.wishes import asked_key, drill_wanted
from parallax.clock import NS
from parallax.spans import lasting_exactly

STAY_NS = 300 * NS
"""How long the standby serves in a drill."""


def drill(state: GroupState, policy: Policy, situation: Situation, said: list[Decided]) -> None:
    """Begins one that is due, or brings one back. Called when nothing else is under way."""
    if state.drill == "":
        _start(state, policy, situation, said)
    elif state.drill == "stay" and situation.now - state.drill_stay_at >= STAY_NS:
        _back(state, policy, situation, said)


def effective(state: GroupState, policy: Policy, situation: Situation, took: int, said: list[Decided]) -> None:
    """A move of the drill is seen by most."""
    now = situation.now
    if state.drill == "out" and state.serving != policy.primary:
        state.drill, state.drill_stay_at, state.drill_out_ns = "stay", now, took
    elif state.drill == "back" and state.serving == policy.primary:
        state.drill_back_ns = took
        out, back = lasting_exactly(state.drill_out_ns), lasting_exactly(took)
        _done(state, policy, situation, f"drill of {policy.name} is done: there in {out}, back in {back}", said)


def watch(state: GroupState, policy: Policy, situation: Situation, source: str, said: list[Decided]) -> None:
    """Ends a drill in which something goes wrong; what is then wanted is decided as ever."""
    if not state.drill or situation.blind:
        return
    if state.drill != "stay" and state.wanted != "drill":
        title = f"drill of {policy.name} ended: something else was switched meanwhile"
        _done(state, policy, situation, title, said, failed=True)
        return
    if state.drill == "stay" and source == policy.primary:
        _done(state, policy, situation, f"drill of {policy.name} ended: somebody switched it back", said, failed=True)
        return
    for name in policy.members if state.drill == "stay" else ():
        if word_of(situation, name).standing == "down" and name in (source, policy.primary):
            title = f"drill of {policy.name} ended: {name} is down"
            _done(state, policy, situation, title, said, failed=True)
            return


def failed(state: GroupState, policy: Policy, situation: Situation, said: list[Decided]) -> None:
    """A move of the drill was not seen, whatever was tried."""
    way = "there" if state.drill == "out" else "back"
    title = f"drill of {policy.name} failed: the way {way} is not effective"
    _done(state, policy, situation, title, said, failed=True)


def _start(state: GroupState, policy: Policy, situation: Situation, said: list[Decided]) -> None:
    source = state.serving or policy.primary
    move = drill_wanted(state, policy, situation, source)
    if move is None:
        return
    rules = judge(move, state, policy, situation)
    # Nothing that a person overrides in trouble is overridden to try things out.
    blocked = tuple(each for each in rules if not each.ok)
    if blocked or not policy.actions:
        if (
            situation.drill
            and blocked
            and to_say(state, f"drill {' '.join(each.id for each in blocked)}", situation.now)
        ):
            title = blocked_title(move, policy, blocked)
            said.append(told("blocked", move, policy, situation, title, severity="warning", rules=rules))
        return
    now = situation.now
    state.drill, state.drill_started_at, state.drilled_at = "out", now, now
    state.drill_out_ns = state.drill_back_ns = state.drill_stay_at = 0
    title = f"drill of {policy.name} begins: {move.source} to {move.target} and back"
    said.append(told("drill_started", move, policy, situation, title, severity="info", rules=rules))
    said.append(command(state, policy, situation, move, policy.actions, rules))
    if situation.drill:
        state.asked = asked_key(situation)


def _back(state: GroupState, policy: Policy, situation: Situation, said: list[Decided]) -> None:
    if not readiness_of(situation, policy.primary).ready or not well_for(state, situation.now):
        return
    if not policy.actions:
        title = f"drill of {policy.name} ended: no action is left that could bring it back"
        _done(state, policy, situation, title, said, failed=True)
        return
    move = _move(state, policy)
    rules = judge(move, state, policy, situation)
    blocked = blocking(rules)
    if blocked:
        if to_say(state, blocked_key(state, move, blocked), situation.now):
            title = blocked_title(move, policy, blocked)
            said.append(told("blocked", move, policy, situation, title, severity="warning", rules=rules))
        return
    state.drill = "back"
    said.append(command(state, policy, situation, move, policy.actions, rules))


def _done(
    state: GroupState, policy: Policy, situation: Situation, title: str, said: list[Decided], *, failed: bool = False
) -> None:
    now = situation.now
    move = _move(state, policy)
    done = told("drill_done", move, policy, situation, title, severity="warning" if failed else "info")
    report = {
        "result": "failed" if failed else "done",
        "there_s": str(state.drill_out_ns // NS),
        "back_s": str(state.drill_back_ns // NS),
        "took_s": str((now - state.drill_started_at) // NS),
    }
    said.append(msgspec.structs.replace(done, evidence={**done.evidence, **report}))
    state.drill = ""


def _move(state: GroupState, policy: Policy) -> Move:
    return Move(
        source=state.serving or policy.primary,
        target=policy.primary,
        wanted="drill",
        why="the drill is over",
        direction="failback",
    )
