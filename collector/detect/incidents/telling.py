"""What is said of incidents, when: no more than needed. At once when it begins, grows worse or is over; after a moment
when only its name or place is better known; once more when it has stayed calm and is resolved.
"""

from collections.abc import Collection, Iterable

import msgspec

from collector.detect.incidents.differences import difference
from collector.detect.incidents.domain import in_doubt, infer
from collector.detect.incidents.ending import end, is_over, resolve_calm
from collector.detect.incidents.findings import Finding
from collector.detect.incidents.joining import affected, thin
from collector.detect.incidents.parents import Kinship, kinship_of, parent_of
from collector.detect.incidents.stages import CERTAIN_NATS, next_stage
from collector.detect.incidents.timeline import named, with_moments
from collector.detect.incidents.titles import title_of
from collector.detect.places import spot_of
from collector.detect.state import MAX_MEMBERS, Case, Key, State
from collector.detect.verdicts.components import RANK, is_outage
from collector.detect.verdicts.users import users_hurt
from collector.detect.verdicts.votes import evidence_of, tally
from collector.detect.view import View
from collector.events import (
    Affected,
    ComponentState,
    EventData,
    Evidence,
    Incident,
    IncidentChanged,
    Moment,
    Severity,
)
from parallax.clock import NS

SETTLE_NS = 2 * NS
"""Faults show at one subject after the other: a better name for the incident waits so long for the next."""
DRAW_NS = NS
"""Place and name are drawn from all that is known, so not for each subject anew."""
FIRST_NS = 3 * NS
"""The first subject to turn is seldom all of it: while others beside it begin to fail, nothing is said for so long."""
EARLY_NS = 20 * NS
"""For so long what is in doubt counts for its name."""
WANE_NS = 60 * NS
"""While it ends, what still fails says nothing of what it was, unless it goes on for so long."""
HURT = ("partial_outage", "full_outage")


def restless(state: State, looked_at: Iterable[Key]) -> set[str]:
    """The open incidents for which more has changed than the time: those of the subjects that were just looked at, and
    those of which something is still to be said."""
    found = {key.incident for key in looked_at if key.incident is not None}
    return found | {
        name
        for name, case in state.open.items()
        if case.pending or case.grown or case.thinned or case.dirty_at is not None or not case.bad
    }


def checks_of(state: State, cases: Iterable[str], looked_at: Iterable[Key]) -> set[str]:
    """The checks of these subjects, and of those of these incidents."""
    bad = (state.keys.get(name) for each in cases if each in state.open for name in state.open[each].bad)
    return {key.check for key in (*looked_at, *bad) if key is not None}


def tell_incidents(
    state: State,
    view: View,
    levels: dict[str, ComponentState],
    told: list[EventData],
    only: Collection[str] | None = None,
) -> None:
    """Says what changed in the open incidents, which of them are over, and which stayed calm for so long that they are
    resolved. `levels`: what the subjects of each component say now. `only`: those that are looked at; None for all."""
    found = state.open.items()
    cases = [case for name, case in found if not case.shown.probes and (only is None or name in only)]
    for case in cases:
        thin(state, case)
    quiet = {name for name, line in state.lines.items() if line.state == "under_maintenance"}
    kinship: Kinship | None = None
    for case in cases:
        said, kinship = len(told), kinship or kinship_of(state)
        if case.bad:
            case.calm_at = None
            _tell(state, view, case, levels, quiet, kinship, told)
        elif is_over(state, case):
            end(state, case, told)
        if case.drawn_at == state.now or len(told) > said or case.shown.id not in state.open:
            kinship = None
    resolve_calm(state, told)


def current(state: State, case: Case) -> Incident:
    """An incident as it stands right now."""
    if case.shown.probes or case.shown.over_at is not None:
        return case.shown
    return msgspec.structs.replace(case.shown, checks=tuple(_members(state, case).values()))


def _tell(
    state: State,
    view: View,
    case: Case,
    levels: dict[str, ComponentState],
    quiet: set[str],
    kinship: Kinship,
    told: list[EventData],
) -> None:
    if case.pending or ((case.grown or case.in_doubt) and _may_draw(state, case)):
        bad = [spot for name in case.bad if (spot := spot_of(state, view, name)) and spot.key.state != "unknown"]
        if bad:
            _draw(case, infer(state, view, bad, early=state.now - case.shown.opened_at < EARLY_NS))
        case.grown, case.drawn_at, case.deserted = False, state.now, False
    if len(case.bad) >= case.peak:
        case.peak, case.peak_title, case.peak_domain = len(case.bad), case.title, case.domain
        case.peak_because, case.peak_alternatives = case.because, case.alternatives
    if not case.pending and state.now - case.weighed_at >= DRAW_NS:  # no message for that alone
        case.shown = msgspec.structs.replace(
            case.shown,
            evidence=_most(state, view, case),
            because=case.because,
            alternatives=case.alternatives,
        )
        case.weighed_at = state.now
    draft = _draft(state, view, case, levels, quiet, kinship)
    shown = case.shown
    if case.pending == "opened" and draft.severity != "critical" and _may_be_wider(state, view, case):
        return
    if case.pending:
        what = draft.title if case.pending == "opened" else f"it is back: {draft.title}"
        _emit(state, view, case, draft, what, told)
        return
    same = {"started_at": draft.started_at, "because": draft.because, "alternatives": draft.alternatives}
    if draft == msgspec.structs.replace(shown, **same):
        case.dirty_at = None
        return
    if case.dirty_at is None:
        case.dirty_at = state.now
    if draft.severity != shown.severity or state.now - case.dirty_at >= SETTLE_NS:
        _emit(state, view, case, draft, difference(shown, draft), told)


def _draw(case: Case, finding: Finding) -> None:
    case.domain, case.title, case.in_doubt = finding.domain, title_of(finding), finding.in_doubt > 0
    case.because, case.alternatives = finding.because, finding.alternatives
    sure = finding.domain.certain or finding.margin >= CERTAIN_NATS
    case.located = sure and not case.in_doubt


def _may_be_wider(state: State, view: View, case: Case) -> bool:
    """Whether other name servers of its operator may be failing too, and there is still time to wait for them."""
    if state.now - case.shown.opened_at >= FIRST_NS:
        return False
    spots = [spot for name in case.bad if (spot := spot_of(state, view, name)) is not None and spot.server]
    return bool(spots) and bool(in_doubt(state, view, spots))


def _may_draw(state: State, case: Case) -> bool:
    """Whether place and name may be drawn anew."""
    if len(case.bad) >= case.peak:
        return state.now - case.drawn_at >= DRAW_NS
    if case.deserted:
        return state.now - case.left_at >= DRAW_NS
    calm = state.now - max(case.drawn_at, case.left_at)
    return calm >= WANE_NS or state.now - case.drawn_at >= 5 * WANE_NS


def _most(state: State, view: View, case: Case) -> Evidence | None:
    """The evidence where most failed since it began: what opened it is often the first two of many, and who mends
    first does not take it back."""
    now, before = worst_evidence(state, view, case), None if case.pending else case.shown.evidence
    if now is None or before is None or now.failing > before.failing:
        return now or before
    if now.failing == before.failing and now.extent is not None:  # that gets surer with each run
        return msgspec.structs.replace(before, extent=now.extent, users=now.users or before.users)
    return before


def _draft(
    state: State, view: View, case: Case, levels: dict[str, ComponentState], quiet: set[str], kinship: Kinship
) -> Incident:
    """The incident as it stands; components and impact are the worst that it did."""
    hurting = [state.keys[name] for name in case.bad if not state.keys[name].blocked]
    shown = case.shown
    components, impact = list(shown.components), shown.impact
    failing = {key.check for key in hurting}
    for number in sorted({number for check in failing for number in view.standing.get(check, ())}):
        component = view.components[number]
        level = levels[component.name]
        own = [key for key in hurting if key.check in component.checks]
        if level in HURT and not is_outage(state, view, own):
            level = "degraded_performance"  # what is worse there is another incident's doing
        if RANK[level] >= RANK["degraded_performance"]:
            if component.name not in components:
                components.append(component.name)
            if component.name not in quiet and RANK[level] > RANK[impact]:
                impact = level
    severity: Severity = "critical" if impact in HURT else "warning"
    started_at = min([shown.started_at, *(state.keys[name].since for name in case.bad if case.pending == "opened")])
    stage = next_stage(shown.stage, "fails") if case.pending == "reopened" else shown.stage
    draft = msgspec.structs.replace(
        shown,
        severity=severity,
        started_at=started_at,
        components=tuple(components),
        impact=impact,
        stage=next_stage(stage, "located") if case.located else stage,
        parent=parent_of(state, view, case, kinship),
        because=case.because,
        alternatives=case.alternatives,
    )
    return named(draft, case.title, case.domain)


def _emit(state: State, view: View, case: Case, draft: Incident, what: str, told: list[EventData]) -> None:
    case.members = _members(state, case)
    change = case.pending or "updated"
    shown = msgspec.structs.replace(
        draft,
        updated_at=state.now,
        resolved_at=None,
        over_at=None,
        checks=tuple(case.members.values()),
        evidence=_most(state, view, case),
    )
    case.shown = with_moments(shown, *_moments(state, case.shown, draft, case.pending))
    case.pending, case.dirty_at = "", None
    told.append(IncidentChanged(change=change, what=what, incident=case.shown))


def _moments(state: State, before: Incident, draft: Incident, pending: str) -> list[Moment]:
    """What the timeline gets by it. What it is called while it is being mended is no news of where it is."""
    found = []
    if pending == "opened":
        found.append(Moment(at=draft.started_at, what="began"))
        found.append(Moment(at=state.now, what="detected", text=draft.title))
    elif pending == "reopened":
        found.append(Moment(at=state.now, what="reopened", text=draft.title))
    seen = draft.seen_domain or draft.domain
    if draft.stage != "identified" or draft.human.domain is not None or seen is None:
        return found
    if before.stage != "identified" or str(before.domain) != str(seen):
        why = f": {draft.because[0]}" if draft.because else ""
        found.append(Moment(at=state.now, what="identified", text=f"{seen}{why}"))
    return found


def _members(state: State, case: Case) -> dict[str, Affected]:
    """Its subjects as they stand now."""
    now = {
        name: affected(key, case.members[name].kind)
        for name in case.bad
        if name in case.members and (key := state.keys.get(name)) is not None and key.incident == case.shown.id
    }
    return {**case.members, **now}


def worst_evidence(state: State, view: View, case: Case) -> Evidence | None:
    """That of the subject where most fail."""
    keys = [key for name in case.bad[:MAX_MEMBERS] if (key := state.keys.get(name)) and key.check in view.checks]
    worst = max(keys, key=lambda key: (key.failing, key.voters), default=None)
    if worst is None:
        return case.shown.evidence
    evidence = evidence_of(tally(state, view, view.checks[worst.check], worst), worst.extent)
    users = users_hurt(state, view, keys)
    return evidence if users is None else msgspec.structs.replace(evidence, users=users)
