"""Whether a member could be switched to, line by line. Pure.

A member is ready when no line has been False for ten minutes without a break. Time in which monitoring is blind, or in
which the collector did not listen, is no part of the ten minutes; a member that was ready stays so through it, as
nothing was seen to be wrong. What nobody can see from outside and nobody pushed is "not checked" and blocks nothing;
what was pushed once and is stale does.
"""

import msgspec

from collector.board import FallbackBoard
from collector.detect.state import State
from collector.detect.switching.groups import GroupView
from collector.detect.switching.memory import GroupMemory, Ready
from collector.detect.switching.ready_lines import FENCE_LINE, lines_of, look_ttl
from collector.detect.view import View
from collector.events import EventData, ReadinessChanged
from collector.failover.types import Readiness, ReadyLine
from parallax.clock import NS

READY_NS = 600 * NS
CALM_NS = 60 * NS
"""What is said of readiness must have been so for this long."""
STEP_NS = 30 * NS
"""Between two looks no more than this counts: what lies beyond, nobody saw."""
LONG_NS = 2 * READY_NS
"""What flickers for so long is lost."""
MAX_WHY = 300


def look_ready(state: State, view: View, group: GroupView, memory: GroupMemory, boards: list[FallbackBoard]) -> None:
    """Moves on how ready each member is."""
    look_ttl(state, group, memory)
    for member in group.members:
        known = memory.ready.setdefault(member, Ready(since=state.now))
        if state.blind is not None:
            known.looked_at = state.now
            continue
        lines = tuple(_kept(known, line, state.now) for line in lines_of(state, view, group, memory, member, boards))
        _move(known, lines, state.now, started_at=state.started_at)


def readiness_of(memory: GroupMemory) -> dict[str, Readiness]:
    """By member, as decisions look at it."""
    return {
        member: Readiness(member=member, ready=known.ready, since=known.since, lines=known.lines)
        for member, known in memory.ready.items()
    }


def tell_ready(group: GroupView, memory: GroupMemory, now: int, told: list[EventData]) -> None:
    """Says which standby was lost, or is back, once that has lasted a minute. The member that serves is no standby, nor
    is the primary while another serves: if they fail, that is said elsewhere."""
    for gone in [member for member in memory.ready if member not in group.members]:
        if memory.ready.pop(gone).told is False:
            told.append(left(group.group.name, gone))
    for member, known in memory.ready.items():
        if member in (memory.settled, group.group.primary):
            known.other_since = 0
            continue
        if known.told is None and known.ready:
            known.told = True  # a standby that gets ready for the first time is no news
        word = _word_now(known, now)
        if word is None or word == known.told:
            known.other_since = 0
            continue
        known.other_since = known.other_since or now
        if word is False and now - known.since < LONG_NS and now - known.other_since < CALM_NS:
            continue
        known.told, known.other_since = word, 0
        told.append(changed(group, member, known))


def left(group: str, member: str) -> ReadinessChanged:
    """What ends the word that a standby is not ready, where the plan no longer has it."""
    title = f"{group}: {member} is no standby any more"
    return ReadinessChanged(word="restored", group=group, member=member, title=title)


def _word_now(known: Ready, now: int) -> bool | None:
    """What is to be said of it now: back once it is ready, lost while a line does not hold. What flickers is neither,
    until it has not been ready for long. None: nothing."""
    if known.ready:
        return True
    if known.told is None and now - known.since < READY_NS:
        return None  # it has not had its time yet
    return False if missing_of(known) or (known.told and now - known.since >= LONG_NS) else None


def changed(group: GroupView, member: str, known: Ready) -> ReadinessChanged:
    """What is said of it."""
    name = group.group.name
    if known.ready:
        title, why = f"{name}: {member} could be switched to again", ""
    else:
        why = because_of(known)
        title = f"{name}: failover to {member} would be blocked" + (f", because {why}" if why else "")
    return ReadinessChanged(
        word="restored" if known.ready else "lost",
        group=name,
        member=member,
        title=title[:200],
        why=why,
        components=group.components,
        check=next(iter(group.pinned.get(member, ())), ""),
    )


def because_of(known: Ready) -> str:
    """The lines that do not hold, in short."""
    return "; ".join(line.why for line in missing_of(known))[:MAX_WHY]


def missing_of(known: Ready) -> list[ReadyLine]:
    """The lines that do not hold. Whether the old writer is fenced is a matter of the moment when it is left (S9)."""
    return [line for line in known.lines if line.ok is False and line.id != FENCE_LINE]


def _kept(known: Ready, line: ReadyLine, now: int) -> ReadyLine:
    """With the time since when it is as it is."""
    before = [each for each in known.lines if each.id == line.id and _about(each) == _about(line)]
    since = before[0].since if before and before[0].ok == line.ok else now
    return msgspec.structs.replace(line, since=since, why=line.why[:MAX_WHY])


def _about(line: ReadyLine) -> str:
    return line.why.partition(": ")[0]


def _move(known: Ready, lines: tuple[ReadyLine, ...], now: int, *, started_at: int) -> None:
    passed = min(max(now - max(known.looked_at, started_at), 0), STEP_NS) if known.looked_at else 0
    known.looked_at, known.lines = now, lines
    if any(line.ok is False for line in lines if line.id != FENCE_LINE):
        known.well_ns = 0
    else:
        known.well_ns = min(known.well_ns + passed, READY_NS)
    ready = known.well_ns >= READY_NS
    if ready != known.ready:
        known.ready, known.since = ready, now
