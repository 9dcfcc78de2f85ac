"""Failover groups as people see them. Pure."""

from collections.abc import Mapping

import msgspec

from collector.board import (
    ActionBoard,
    BackBoard,
    FrozenBoard,
    GroupBoard,
    MemberBoard,
    SpokenBoard,
    StandbyFactBoard,
    SwitchBoard,
)
from collector.detect.state import State
from collector.detect.switching.deciding import policy_of, situation_of
from collector.detect.switching.groups import GroupView
from collector.detect.switching.memory import GroupMemory, Ready, Spoken, Switch
from collector.detect.switching.sightings import fresh_sights, points_of, shares_of, wave_of
from collector.detect.switching.standing import case_of, words_of
from collector.detect.view import View
from collector.failover.types import MemberWord
from collector.failover.wishes import back_health

OF_DECISIONS = ("recommended", "command", "blocked", "not_effective", "failed", "both_bad")
"""What is still to be done, or waited for."""
DONE = ("effective", "withdrawn", "switched", "drill_done")
"""What makes it needless."""
EFFECTS = ("effective", "not_effective", "withdrawn")
"""What is seen of a command from outside."""
MAX_SEEN_BY = 100
"""Probes that are named of each member."""


def groups_on(state: State, view: View) -> tuple[GroupBoard, ...]:
    """All of them, in the plan's order."""
    known = state.switching.groups
    return tuple(_board(state, view, group, known.get(name) or GroupMemory()) for name, group in view.groups.items())


def _board(state: State, view: View, group: GroupView, memory: GroupMemory) -> GroupBoard:
    shares = shares_of(memory, group, state.now)
    seen = _seen_by(memory, group, state.now)
    words = words_of(state, view, group, memory)
    decision, frozen = memory.decision, memory.frozen
    return GroupBoard(
        name=group.group.name,
        kind=group.group.kind,
        mode=group.group.mode,
        phase=decision.phase,
        since=decision.since,
        serving=memory.settled,
        serving_since=memory.settled_at,
        epoch=decision.epoch,
        members=tuple(_member(group, memory, words[name], shares.get(name, 0.0), seen) for name in group.members),
        cause=memory.cause,
        moving=_moving(memory, group, shares, state.now),
        target=decision.target,
        now=_now(memory),
        spoken=tuple(_spoken(each) for each in reversed(memory.words)),
        switches=tuple(_switch(each) for each in reversed(memory.switches)),
        frozen=FrozenBoard(actor=frozen.actor, why=frozen.why, since=frozen.since, until=frozen.until)
        if frozen is not None
        else None,
        overrides=tuple(memory.overrides),
        actions=tuple(_action(memory, name) for name in group.group.actions),
        back=_back(state, view, group, memory, words),
        components=group.components,
        incident=memory.incident,
    )


def _seen_by(memory: GroupMemory, group: GroupView, now: int) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for probe, sight in sorted(fresh_sights(memory, group, now).items()):
        for member in sight.members:
            found.setdefault(member, []).append(probe)
    return found


def _member(
    group: GroupView, memory: GroupMemory, word: MemberWord, serves: float, seen: Mapping[str, list[str]]
) -> MemberBoard:
    ready = memory.ready.get(word.name) or Ready()
    return MemberBoard(
        name=word.name,
        standing=word.standing,
        since=word.since,
        share=word.share,
        voters=word.voters,
        failing=word.failing,
        serves=round(serves, 3),
        seen_by=tuple(seen.get(word.name, ())[:MAX_SEEN_BY]),
        primary=word.name == group.group.primary,
        ready=ready.ready,
        ready_since=ready.since,
        lines=ready.lines,
        facts=tuple(
            StandbyFactBoard(name=name, value=pushed.value, at=pushed.at, actor=pushed.actor)
            for name, pushed in memory.facts.get(word.name, {}).items()
        ),
        checks=group.pinned.get(word.name, ()),
    )


def _action(memory: GroupMemory, name: str) -> ActionBoard:
    reached, result, decision = memory.reached.get(name), memory.results.get(name), memory.decision
    epoch = result.epoch if result is not None else 0
    awaited = decision.commanded and name in decision.tried and epoch < decision.epoch
    known = ActionBoard(
        name=name,
        reachable=reached.ok if reached is not None else None,
        looked_at=reached.at if reached is not None else 0,
        why=reached.text if reached is not None else "",
    )
    if awaited:
        return msgspec.structs.replace(known, epoch=decision.epoch, member=decision.target)
    if result is None:
        return known
    seen = [each.said.word for each in memory.words if each.said.epoch == epoch and each.said.word in EFFECTS]
    return msgspec.structs.replace(
        known,
        epoch=epoch,
        member=result.member,
        outcome=result.outcome,
        at=result.at,
        text=result.text,
        effect=seen[-1] if seen and result.outcome == "applied" else "",
    )


def _back(
    state: State, view: View, group: GroupView, memory: GroupMemory, words: Mapping[str, MemberWord]
) -> BackBoard | None:
    decision, primary = memory.decision, group.group.primary
    if memory.settled in ("", primary) or decision.drill:
        return None
    policy = policy_of(view, group)
    situation = situation_of(state, group, memory, words, case_of(state, view, group, memory))
    counted, needed = back_health(decision, policy, situation)
    return BackBoard(
        primary=primary,
        well_since=decision.well_since,
        counted_ns=counted,
        needed_ns=needed,
        longest_gap_ns=decision.longest_gap,
        vendor_open=situation.vendor_open,
        how="person" if decision.by_person else policy.back,
        hours=policy.hours,
    )


def _moving(memory: GroupMemory, group: GroupView, shares: dict[str, float], now: int) -> tuple[tuple[int, int], ...]:
    """The member that most of those see who left the one that serves, and how they came to it."""
    elsewhere = [member for member in shares if member != memory.settled]
    if not memory.settled or not elsewhere:
        return ()
    fresh = fresh_sights(memory, group, now)
    return points_of(wave_of(fresh, elsewhere[0]), len(fresh))


def _now(memory: GroupMemory) -> SpokenBoard | None:
    for each in reversed(memory.words):
        if each.said.word in DONE:
            return None
        if each.said.word in OF_DECISIONS:
            return _spoken(each)
    return None


def _spoken(each: Spoken) -> SpokenBoard:
    return SpokenBoard(at=each.at, said=each.said)


def _switch(each: Switch) -> SwitchBoard:
    return SwitchBoard(
        direction=each.direction,
        source=each.source,
        target=each.target,
        started_at=each.started_at,
        duration_ns=max(each.at - each.started_at, 0),
        dwell_ns=each.dwell_ns,
        hurt=each.hurt,
        flaps=each.flaps,
        incident=each.incident,
        by=each.by,
        points=each.points,
    )
