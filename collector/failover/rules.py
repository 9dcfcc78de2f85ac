"""The safety rules: each is asked at every decision, each says what it was judged by, and a person may override each by
name, with a reason and until a time.

For traffic the safe side is to leave it where it is: a rule that cannot tell does not hold.
"""

import math
from collections.abc import Callable, Mapping

from collector.events import RuleOutcome, SafetyRule
from collector.failover.health import well_for
from collector.failover.move import LASTING_NS, Move, is_clean, readiness_of, word_of
from collector.failover.types import CAUSES, Cause, GroupState, Override, Policy, ReadyLine, Situation
from parallax.clock import NS
from parallax.spans import lasting

LEAST_VOTERS = 3
LEAST_NETWORKS = 3
OFTEN: tuple[tuple[int, int], ...] = ((2, 30 * 60 * NS), (4, 6 * 3600 * NS))
"""At most so many failovers within such a span."""
MOST_MOVES = 20
"""Failovers that are remembered for it."""
CURES: Mapping[str, frozenset[Cause]] = {
    "region": frozenset({"region", "app"}),
    "address": frozenset({"region", "app"}),
    "dns-operator": frozenset({"dns"}),
}
"""By the group's kind, the causes that a switch cures."""
_ALIKE = ("checks", "sign-in")
"""Lines that say what a member's standing says: where that is what a move is weighed by, they do not count again."""
_FENCED = "fact:fenced"


def judge(move: Move, state: GroupState, policy: Policy, situation: Situation) -> tuple[RuleOutcome, ...]:
    """What every rule says of a move, in order; overridden where a person said so and it does not hold."""
    return tuple(_overridden(rule(move, state, policy, situation), situation) for rule in RULES.values())


def blocking(outcomes: tuple[RuleOutcome, ...]) -> tuple[RuleOutcome, ...]:
    """Those that forbid it."""
    return tuple(each for each in outcomes if not each.ok and not each.overridden_by)


def ready(move: Move, state: GroupState, policy: Policy, situation: Situation) -> RuleOutcome:
    """S1: the target is ready. Ready means for ten minutes; on the way back the wait is the proof. Who was down himself
    a moment ago has no ten minutes: in trouble the primary need only be well for one and have all else, and the lesser
    evil all else."""
    word, told = word_of(situation, move.target), readiness_of(situation, move.target)
    missing = tuple(line for line in _lines(move, situation) if line.ok is False and line.rule == "S1")
    inputs = {"standing": word.standing, "ready": _yes(told.ready), "since": _ago(told.since, situation.now)}
    inputs |= {line.id: line.why for line in missing[:10]}
    back = move.by_trouble and move.target == policy.primary
    if back or move.wanted == "lesser":
        missing = tuple(line for line in missing if not line.id.startswith(_ALIKE))
    if missing:
        return _no("S1", f"{move.target} is not ready: {_listed(missing)}", inputs)
    if move.wanted == "lesser":
        return _yes_for("S1", f"{move.target} is not well, but far less bad, and all else is ready", inputs)
    if word.standing != "up":
        return _no("S1", f"{move.target} is not ready: it is {_standing(word.standing)}", inputs)
    if back:
        well = well_for(state, situation.now)
        if well < LASTING_NS:
            return _no("S1", f"{move.target} is well again for {lasting(well)} only", inputs)
        return _yes_for("S1", f"{move.target} is well again for {lasting(well)}", inputs)
    if move.wanted == "back":
        # It was well for as long as the group wants it to be, which is the longer or the chosen proof.
        return _yes_for("S1", f"{move.target} has all that it must", inputs)
    if not told.ready and not any(line.ok is False for line in _lines(move, situation)):
        return _no("S1", f"{move.target} is not ready: it has not been for ten minutes yet", inputs)
    return _yes_for("S1", f"{move.target} is ready", inputs)


def never_nobody(move: Move, state: GroupState, policy: Policy, situation: Situation) -> RuleOutcome:
    """S2: somebody serves after it."""
    word = word_of(situation, move.target)
    inputs = {"target": f"{word.standing}, fails for {word.share:.0%}"}
    if move.target not in policy.members:
        return _no("S2", f"{move.target} is no member of the group", inputs)
    if word.standing == "up" or (move.wanted == "lesser" and word.share < 1):
        return _yes_for("S2", f"{move.target} answers", inputs)
    return _no("S2", f"nobody might serve afterwards: {move.target} is {_standing(word.standing)}", inputs)


def enough_voters(move: Move, state: GroupState, policy: Policy, situation: Situation) -> RuleOutcome:
    """S3: enough vantages in enough networks have a word on the member that it is decided by: the one that is in
    trouble, else the target."""
    word = word_of(situation, move.source if move.by_trouble else move.target)
    least = max(LEAST_VOTERS, math.ceil(word.enrolled * 2 / 3))
    inputs = {
        "member": word.name,
        "voters": str(word.voters),
        "enrolled": str(word.enrolled),
        "least": str(least),
        "networks": str(word.networks),
    }
    if situation.blind:
        return _no("S3", "the monitoring is blind", inputs)
    if word.voters < least:
        return _no("S3", f"{word.voters} of {word.enrolled} vantages have a word on {word.name}; {least} must", inputs)
    if word.networks < LEAST_NETWORKS:
        return _no("S3", f"the vantages are in {word.networks} networks; {LEAST_NETWORKS} are needed", inputs)
    if word.standing == "down" and move.by_trouble and not word.may_switch:
        return _no("S3", f"{word.name} is not seen down by enough vantages", inputs)
    return _yes_for("S3", f"{word.voters} of {word.enrolled} vantages in {word.networks} networks", inputs)


def cured(move: Move, state: GroupState, policy: Policy, situation: Situation) -> RuleOutcome:
    """S4: the cause is one that this switch cures, or not known while the target is clean."""
    cause = situation.cause
    inputs = {"cause": cause, "kind": policy.kind}
    if move.wanted in ("back", "drill"):
        return _yes_for("S4", "nothing is to be cured by it", inputs)
    if cause in CURES[policy.kind]:
        return _yes_for("S4", f"the cause is {CAUSES[cause]}", inputs)
    if cause != "unknown":
        return _no("S4", f"the cause is {CAUSES[cause]}, which a switch of {_kind(policy)} does not cure", inputs)
    if move.wanted == "asked":
        return _yes_for("S4", "no cause is known that it would not cure", inputs)
    if policy.kind == "dns-operator":
        return _no("S4", "the cause is not known to be the DNS operator", inputs)
    if move.wanted == "lesser" or is_clean(word_of(situation, move.target)):
        return _yes_for("S4", f"the cause is not known, and {move.target} is clean of it", inputs)
    return _no("S4", f"the cause is not known, and {move.target} has it too", inputs)


def seldom(move: Move, state: GroupState, policy: Policy, situation: Situation) -> RuleOutcome:
    """S5: not too often; past that it takes a person. The way back and drills are not counted."""
    # A further action for the move under way is no further failover.
    moves = state.moves[:-1] if state.left and state.target == move.target else state.moves
    counts = {span: sum(1 for at in moves if situation.now - span < at) for _, span in OFTEN}
    inputs = {f"failovers in {lasting(span)}": str(count) for span, count in counts.items()}
    if move.direction == "failback":
        return _yes_for("S5", "it is the way back", inputs)
    for most, span in OFTEN:
        if counts[span] >= most:
            if move.wanted == "asked":
                return _yes_for("S5", f"a person asks, after {counts[span]} failovers in {lasting(span)}", inputs)
            why = f"{counts[span]} failovers in {lasting(span)} are as many as may be; now it takes a person"
            return _no("S5", why, inputs)
    return _yes_for("S5", "there were few failovers of late", inputs)


def held(move: Move, state: GroupState, policy: Policy, situation: Situation) -> RuleOutcome:
    """S6: this collector is the one that may command."""
    inputs = {"lease": _yes(situation.lease), "epoch": str(state.epoch + 1)}
    if not situation.lease:
        return _no("S6", "another collector holds the lease, or nobody can tell who does", inputs)
    return _yes_for("S6", f"this collector holds the lease, and epoch {state.epoch + 1} is next", inputs)


def open_to_change(move: Move, state: GroupState, policy: Policy, situation: Situation) -> RuleOutcome:
    """S7: nobody froze the group, and no maintenance that freezes it is under way."""
    inputs = {"frozen": situation.frozen or "no", "maintenance": situation.maintenance or "no"}
    if situation.frozen:
        return _no("S7", f"it is frozen: {situation.frozen}", inputs)
    if situation.maintenance:
        return _no("S7", f"the maintenance {situation.maintenance} is under way", inputs)
    return _yes_for("S7", "it is not frozen", inputs)


def room(move: Move, state: GroupState, policy: Policy, situation: Situation) -> RuleOutcome:
    """S8: the target has room for the load, as far as its owner's systems say."""
    return _pushed("S8", move, situation)


def data(move: Move, state: GroupState, policy: Policy, situation: Situation) -> RuleOutcome:
    """S9: the target's data is fresh, and with a single writer the old one is fenced before another serves."""
    if not policy.single_writer:
        return _pushed("S9", move, situation)
    lines = readiness_of(situation, move.source).lines
    fenced = next((line for line in lines if line.id == _FENCED), None)
    if fenced is None or fenced.ok is not True:
        why = fenced.why if fenced is not None and fenced.why else "nobody pushed that it is"
        return _no("S9", f"the writer {move.source} is not fenced: {why}", {_FENCED: why})
    return _pushed("S9", move, situation)


def agreed(move: Move, state: GroupState, policy: Policy, situation: Situation) -> RuleOutcome:
    """S10: the other collectors see the same, where there are any. One that hears nothing of the other may page, and
    not switch: where the network is parted, each would be in charge."""
    if situation.agreed is None:
        return _yes_for("S10", "there is no other collector", {"agreed": "nobody to ask"})
    if situation.alone:
        return _no(
            "S10", "nothing is heard of the other collector, and one alone does not switch", {"agreed": "unheard"}
        )
    if not situation.agreed:
        return _no("S10", "the other collectors do not see the same", {"agreed": "no"})
    return _yes_for("S10", "the other collectors see the same", {"agreed": "yes"})


Rule = Callable[[Move, GroupState, Policy, Situation], RuleOutcome]

RULES: dict[SafetyRule, Rule] = {
    "S1": ready,
    "S2": never_nobody,
    "S3": enough_voters,
    "S4": cured,
    "S5": seldom,
    "S6": held,
    "S7": open_to_change,
    "S8": room,
    "S9": data,
    "S10": agreed,
}


def _pushed(rule: SafetyRule, move: Move, situation: Situation) -> RuleOutcome:
    lines = tuple(line for line in _lines(move, situation) if line.rule == rule)
    inputs = {line.id: line.why for line in lines[:10]}
    missing = tuple(line for line in lines if line.ok is False)
    if missing:
        return _no(rule, _listed(missing), inputs)
    if not any(line.ok for line in lines):
        return _yes_for(rule, "not checked", inputs)
    return _yes_for(rule, f"what was pushed of {move.target} holds", inputs)


def _lines(move: Move, situation: Situation) -> tuple[ReadyLine, ...]:
    """The target's; whether it is fenced is asked of the member that is left, never of the one that is to serve."""
    return tuple(line for line in readiness_of(situation, move.target).lines if line.id != _FENCED)


def _overridden(outcome: RuleOutcome, situation: Situation) -> RuleOutcome:
    if outcome.ok:
        return outcome
    said = next((each for each in situation.overrides if _counts(each, outcome.id, situation.now)), None)
    if said is None:
        return outcome
    return RuleOutcome(
        id=outcome.id, ok=False, why=outcome.why, inputs=outcome.inputs, overridden_by=f"{said.actor}: {said.why}"
    )


def _counts(override: Override, rule: SafetyRule, now: int) -> bool:
    return override.rule == rule and now < override.until


def _yes_for(rule: SafetyRule, why: str, inputs: Mapping[str, str]) -> RuleOutcome:
    return RuleOutcome(id=rule, ok=True, why=why, inputs=inputs)


def _no(rule: SafetyRule, why: str, inputs: Mapping[str, str]) -> RuleOutcome:
    return RuleOutcome(id=rule, ok=False, why=why, inputs=inputs)


def _listed(lines: tuple[ReadyLine, ...]) -> str:
    more = f"; and {len(lines) - 3} more" if len(lines) > 3 else ""
    return "; ".join(line.why for line in lines[:3]) + more


def _standing(standing: str) -> str:
    return "not measured" if standing == "unknown" else standing


def _kind(policy: Policy) -> str:
    return _KINDS[policy.kind]


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def _ago(at: int, now: int) -> str:
    return lasting(now - at) if at else "unknown"


_KINDS = {"region": "regions", "address": "addresses", "dns-operator": "DNS operators"}
