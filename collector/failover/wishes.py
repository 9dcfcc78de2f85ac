"""Which move is wanted at a moment: out of trouble at once, back when the primary proved well. No rule is asked
here."""

from collector.failover.health import hold, well_for
from collector.failover.move import (
    APART,
    LASTING_NS,
    LEAVE,
    Move,
    choose,
    direction_to,
    is_clean,
    least_bad,
    readiness_of,
    share_text,
    word_of,
)
from collector.failover.types import GroupState, MemberWord, Policy, Situation, Wanted
from parallax.clock import NS
from parallax.plan.hours import parse_hours
from parallax.spans import lasting

CALM_NS = 3600 * NS
"""A drill waits until the group has been well for so long."""


def note_trouble(state: GroupState, policy: Policy, situation: Situation, source: str) -> None:
    """Keeps since when the serving member fails for many though it is not down, and since when another is far less
    bad."""
    now = situation.now
    if situation.blind:
        state.worse_since = state.apart_since = 0
        return
    word = word_of(situation, source)
    worse = word.standing == "degraded" and word.share >= LEAVE
    state.worse_since = (state.worse_since or now) if worse else 0
    apart = False
    if worse or word.standing == "down":
        other = least_bad(policy, situation, source)
        apart = bool(other) and word.share - word_of(situation, other).share >= APART
    state.apart_since = (state.apart_since or now) if apart else 0


def is_bad(state: GroupState, situation: Situation, source: str) -> bool:
    """The serving member is to be left if there is a better one."""
    word = word_of(situation, source)
    return word.standing == "down" or bool(state.worse_since and situation.now - state.worse_since >= LASTING_NS)


def all_bad(state: GroupState, policy: Policy, situation: Situation, source: str) -> bool:
    """None is well: the serving member is bad, and every other one is measured and not up."""
    if situation.blind or not is_bad(state, situation, source):
        return False
    return all(word_of(situation, name).standing in ("degraded", "down") for name in policy.members if name != source)


def wanted(state: GroupState, policy: Policy, situation: Situation, source: str) -> Move | None:
    """The move that is wanted now, if any. A person's word goes first; then trouble, in which nothing waits; then the
    way back."""
    asked = situation.asked
    if asked in policy.members and asked not in (source, state.asked) and not situation.drill:
        return _move(policy, source, asked, "asked", f"{situation.actor or 'somebody'} asks for it")
    if not situation.blind and is_bad(state, situation, source):
        return _out(state, policy, situation, source)
    if source != policy.primary and not state.drill and word_of(situation, policy.primary).standing == "up":
        well, needed = back_health(state, policy, situation)
        if state.well_since and well >= needed and not situation.blind:
            why = f"{policy.primary} has been well for {lasting(well)}; it takes {lasting(needed)}"
            return _move(policy, source, policy.primary, "back", why)
    return None


def back_health(state: GroupState, policy: Policy, situation: Situation) -> tuple[int, int]:
    """While another than the primary serves: how long the primary's health counts by now, and how long it must before
    traffic goes back, ns. Where a person sent it away, it counts from then."""
    well, needed = well_for(state, situation.now), hold(state, policy, situation)
    return (min(well, situation.now - state.away_since) if state.by_person else well), needed


def may_go_back(policy: Policy, now: int) -> bool:
    """Whether traffic may go back by itself at this time."""
    return policy.back == "auto" or (policy.back == "hours" and in_hours(policy, now))


def in_hours(policy: Policy, now: int) -> bool:
    """Within the group's working hours; at any time where it has none that can be read."""
    try:
        return not policy.hours or parse_hours(policy.hours).has(now)
    except ValueError:
        return True


def drill_wanted(state: GroupState, policy: Policy, situation: Situation, source: str) -> Move | None:
    """The way out of a drill, when one is due or a person asks for one, and all is well."""
    asked = situation.drill and situation.asked in policy.members and situation.asked != policy.primary
    if not asked and (policy.mode != "auto" or policy.drill_ns is None or not policy.actions):
        return None
    if source != policy.primary or situation.blind or situation.incident is not None or state.target:
        return None
    now = situation.now
    if asked:
        if state.asked == _drill_key(situation):
            return None
    elif (
        now - state.drilled_at < (policy.drill_ns or 0)
        or not in_hours(policy, now)
        or not _calm(state, policy, situation)
    ):
        return None
    target = situation.asked if asked else choose(policy, situation, source)
    why = f"{situation.actor or 'somebody'} asks for a drill" if asked else "a drill is due"
    return _move(policy, source, target, "drill", why)


def asked_key(situation: Situation) -> str:
    """What is asked, so that it is done once."""
    return _drill_key(situation) if situation.drill else situation.asked


def _calm(state: GroupState, policy: Policy, situation: Situation) -> bool:
    """All members are well, the primary for an hour."""
    return well_for(state, situation.now) >= CALM_NS and all(
        is_clean(word_of(situation, name)) and readiness_of(situation, name).ready for name in policy.members
    )


def _drill_key(situation: Situation) -> str:
    return f"drill {situation.asked}"


def _out(state: GroupState, policy: Policy, situation: Situation, source: str) -> Move | None:
    now, word = situation.now, word_of(situation, source)
    why = f"{source} is {word.standing} for {share_text(word)}"
    lasts = bool(state.apart_since) and now - state.apart_since >= LASTING_NS
    target = choose(policy, situation, source)
    other = word_of(situation, target)
    if other.standing == "up":
        if target == policy.primary and well_for(state, now) < LASTING_NS:
            return None
        if word.standing == "down" or is_clean(other):
            return _move(policy, source, target, "down" if word.standing == "down" else "degraded", why)
    if lasts:
        better: MemberWord = word_of(situation, least_bad(policy, situation, source))
        why = f"{why}, {better.name} for {share_text(better)}"
        return _move(policy, source, better.name, "lesser", why)
    if other.standing == "up":
        return None
    return _move(policy, source, target, "down" if word.standing == "down" else "degraded", why)


def _move(policy: Policy, source: str, target: str, wanted: Wanted, why: str) -> Move:
    return Move(source=source, target=target, wanted=wanted, why=why, direction=direction_to(policy, target))
