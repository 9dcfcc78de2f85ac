"""How an incident ends: the all-clear when nothing of it fails any more, and once it has stayed calm, its last word."""

import msgspec

from collector.detect.incidents.joining import CALM_NS, FLAPS, LONGEST_CALM_NS
from collector.detect.incidents.stages import next_stage, watch_ns
from collector.detect.incidents.timeline import named, with_moments
from collector.detect.state import MAX_RECENT, Case, State
from collector.events import EventData, IncidentChanged, Moment
from parallax.spans import lasting


def is_over(state: State, case: Case) -> bool:
    """Whether it ends, now that nothing of it is bad: at once, unless it was reopened again and again."""
    if case.calm_at is None:
        case.calm_at = state.now
    if case.left or case.relapses <= FLAPS or case.pending:
        return True
    return state.now - case.calm_at >= min(CALM_NS << min(case.relapses - FLAPS - 1, 8), LONGEST_CALM_NS)


def end(state: State, case: Case, told: list[EventData]) -> None:
    """Nothing of it fails any more: the all-clear, or the end where nothing is left that could fail again."""
    shown = case.shown
    del state.open[shown.id]
    if case.pending == "opened":  # it opened and ended within one record: nobody heard of it
        return
    if case.pending == "reopened":  # nor of this
        case.pending, state.recent[shown.id] = "", case
        return
    members = tuple(case.members.values())
    number = len(members)
    what = case.left or (f"all {number} subjects pass again" if number > 1 else "it passes again")
    because, alternatives = shown.because, shown.alternatives
    if case.peak_because:
        because, alternatives = case.peak_because, case.peak_alternatives
    shown = msgspec.structs.replace(  # it is remembered by what it was when it was largest
        shown,
        updated_at=state.now,
        over_at=case.calm_at if case.calm_at is not None else state.now,
        checks=members,
        because=because,
        alternatives=alternatives,
    )
    shown = named(shown, case.peak_title or case.title, case.peak_domain or case.domain)
    case.shown = msgspec.structs.replace(shown, stage=next_stage(shown.stage, "passes"))
    case.pending, case.dirty_at = "", None
    state.recent[shown.id] = case
    if case.left:
        _resolve(state, case, what, told)
        return
    case.shown = with_moments(case.shown, Moment(at=state.now, what="monitoring", text=what))
    watched = lasting(watch_ns(case.longest_calm_ns))
    what = f"{what}; watched until it has been calm for {watched}"
    told.append(IncidentChanged(change="monitoring", what=what, incident=case.shown))


def resolve_calm(state: State, told: list[EventData]) -> None:
    """Resolves what stayed calm while somebody looked. What is forgotten is resolved first: what opened is closed."""
    for case in state.recent.values():
        shown = case.shown
        if shown.stage != "monitoring":
            continue
        if shown.over_at is None or shown.over_at > state.now:  # the clock was put back
            case.shown = shown = msgspec.structs.replace(shown, over_at=state.now)
        calm = state.now - max(shown.over_at or 0, state.started_at)
        if state.blind is None and calm >= watch_ns(case.longest_calm_ns):
            _resolve(state, case, f"it stayed calm for {lasting(calm)}", told)
    while len(state.recent) > MAX_RECENT:
        first = next((name for name, case in state.recent.items() if case.shown.probes), next(iter(state.recent)))
        oldest = state.recent.pop(first)
        if oldest.shown.stage == "monitoring":
            _resolve(state, oldest, "too many others ended since: it is watched no more", told)


def _resolve(state: State, case: Case, why: str, told: list[EventData]) -> None:
    shown = msgspec.structs.replace(case.shown, stage="resolved", updated_at=state.now, resolved_at=state.now)
    case.shown = with_moments(shown, Moment(at=state.now, what="resolved", text=why))
    told.append(IncidentChanged(change="resolved", what=why, incident=case.shown))
