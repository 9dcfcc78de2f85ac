"""Incidents: which fault a subject belongs to, and what is said of it.

A subject in trouble joins an open incident with which it shares a place, reopens the one it was in a short while ago,
or opens one. What is said is no more than needed: at once when it grows worse, after a moment when only its name or
place is better known, and once when all is well.
"""

import msgspec

from collector.detect.components import RANK, keys_by_check, raw_state
from collector.detect.departed import UNDELEGATED
from collector.detect.domain import in_doubt, infer
from collector.detect.places import Spot, spot_of
from collector.detect.state import MAX_MEMBERS, MAX_OPEN, MAX_PLACES, MAX_RECENT, Case, Key, State
from collector.detect.titles import title_of
from collector.detect.view import View
from collector.detect.votes import evidence_of, tally
from collector.detect.zones import zone_at
from collector.events import (
    Affected,
    ComponentState,
    EventData,
    Evidence,
    FaultDomain,
    Incident,
    IncidentChanged,
    Severity,
)
from parallax.clock import NS
from parallax.reasons import REASONS

FLAPS = 2
"""Relapses after which it is called flapping: it stays open until all has been well for longer and longer, so that
nobody is told of each turn."""
CALM_NS = 60 * NS
"""How long at first; twice as long with each further relapse."""
RELAPSE_NS = 600 * NS
"""A subject that fails again within this was not mended: it is the same incident."""
SETTLE_NS = 2 * NS
"""Faults show at one subject after the other: a better name for the incident waits so long for the next."""
DRAW_NS = NS
"""Place and name are drawn from all that is known, so not for each subject anew."""
FIRST_NS = 3 * NS
"""The first subject to turn is seldom all of it: while others beside it begin to fail, nothing is said for so long."""
EARLY_NS = 20 * NS
"""For so long what is in doubt counts for its name."""
PATIENT_NS = 30 * NS
"""What is seen at an operator directly hurts nobody yet: where the operator's name servers are dark, they are what the
incident is about, and they show within this."""
WANE_NS = 60 * NS
"""While it ends, what still fails says nothing of what it was, unless it goes on for so long."""
BORNE_OUT = "it is part of an outage"
HURT = ("partial_outage", "full_outage")


def next_incident_id(state: State) -> str:
    """Deterministic, and unlike those of another installation."""
    state.incidents += 1
    return f"{state.seed[:8]}-{state.incidents}"


def kin(reason: str | None) -> str:
    """Refusals (429, 403, a bot wall) are each a matter of their own; all else is the failure of something."""
    known = REASONS.get(reason or "")
    return (reason or "") if known and known.fault == "blocked" else "failure"


def merge(state: State, spot: Spot) -> None:
    """Puts a refusal that an outage beside it bears out into that one's incident, if there is one."""
    found = _shared(state, spot, "failure")
    if found is not None and found != spot.key.incident:
        leave(state, spot.name, BORNE_OUT)
        spot.key.incident = found


def join(state: State, spot: Spot) -> None:
    """Puts a subject in trouble into its incident."""
    key = spot.key
    found = key.incident if key.incident in state.open else _shared(state, spot, kin(key.reason))
    if found is None and key.last_incident in state.recent:
        case = state.recent[key.last_incident]
        if state.now - (case.shown.resolved_at or 0) <= RELAPSE_NS and case.kin == kin(key.reason):
            found = key.last_incident
            state.open[found] = state.recent.pop(found)
            case.pending, case.left = "reopened", ""
            case.relapses += 1
    if found is None and _waits(state, spot):
        return
    if found is None:
        found = next_incident_id(state)
        shown = Incident(
            id=found,
            title="",
            severity="warning",
            domain=None,
            started_at=key.since,
            opened_at=state.now,
            updated_at=state.now,
        )
        state.open[found] = Case(shown=shown, kin=kin(key.reason), pending="opened")
    case = state.open[found]
    if spot.name not in case.bad:
        case.bad.append(spot.name)
    if spot.name not in case.members and len(case.members) < MAX_MEMBERS:
        case.members[spot.name] = _affected(spot.key, spot.check.kind)
    if len(case.places) < MAX_PLACES:
        case.places.update(dict.fromkeys(spot.places, True))
    case.grown = True
    key.incident = key.last_incident = found


def _waits(state: State, spot: Spot) -> bool:
    """Whether it may well be part of an incident that its zone's name servers are about to open."""
    if not spot.key.apart and spot.check.kind != "dns.chain":
        return False
    watched = zone_at(state.zones, spot.key.zone or spot.host) != ""
    return watched and state.now < spot.key.since + PATIENT_NS


def leave(state: State, name: str, why: str) -> None:
    """Takes a subject out of its incident; `why` where it did not pass."""
    key = state.keys[name]
    case = state.open.get(key.incident) if key.incident else None
    if case is not None and name in case.bad:
        case.bad.remove(name)
        case.left, case.left_at, case.grown = why, state.now, True
        case.deserted |= why == UNDELEGATED
        if name in case.members:
            after = {"state": "up", "reason": None, "since": state.now}
            case.members[name] = msgspec.structs.replace(case.members[name], **after)
    key.incident = None


def tell_incidents(state: State, view: View, told: list[EventData]) -> None:
    """Says what changed in the open incidents, and closes those that nothing is left of."""
    cases = [case for case in state.open.values() if not case.shown.probes]
    if not cases:
        return
    keys = keys_by_check(state)
    levels = {c.name: raw_state(c, view, keys)[0] for c in view.components}
    quiet = {name for name, line in state.lines.items() if line.state == "under_maintenance"}
    for case in cases:
        if case.bad:
            case.calm_at = None
            _tell(state, view, case, levels, quiet, told)
        elif _is_over(state, case):
            _resolve(state, case, told)
    while len(state.recent) > MAX_RECENT:
        del state.recent[next(iter(state.recent))]


def _is_over(state: State, case: Case) -> bool:
    """Whether it ends, now that nothing of it is bad: at once, unless it was reopened again and again."""
    if case.left or case.relapses <= FLAPS or case.pending:
        return True
    if case.calm_at is None:
        case.calm_at = state.now
    return state.now - case.calm_at >= min(CALM_NS << min(case.relapses - FLAPS - 1, 8), RELAPSE_NS)


def _shared(state: State, spot: Spot, sort: str) -> str | None:
    """The open incident of this sort with which it shares the most telling places; the oldest of those. A refusal is
    another matter than an outage, at the same place or not."""
    places = spot.places
    best, found = 0, None
    for name, case in state.open.items():
        if not case.shown.probes and case.kin == sort:
            weight = sum(weight for place, weight in places.items() if place in case.places)
            if weight > best:
                best, found = weight, name
    if found is None and len(state.open) >= MAX_OPEN:
        found = next((name for name in reversed(state.open) if not state.open[name].shown.probes), None)
    return found


def _tell(
    state: State, view: View, case: Case, levels: dict[str, ComponentState], quiet: set[str], told: list[EventData]
) -> None:
    if case.pending or ((case.grown or case.in_doubt) and _may_draw(state, case)):
        bad = [spot for name in case.bad if (spot := spot_of(state, view, name)) and spot.key.state != "unknown"]
        if bad:
            finding = infer(state, view, bad, early=state.now - case.shown.opened_at < EARLY_NS)
            case.domain, case.title, case.in_doubt = finding.domain, title_of(finding), finding.in_doubt > 0
        case.grown, case.drawn_at, case.deserted = False, state.now, False
    if len(case.bad) >= case.peak:
        case.peak, case.peak_title, case.peak_domain = len(case.bad), case.title, case.domain
    if not case.pending and state.now - case.weighed_at >= DRAW_NS:  # no message for that alone
        case.shown, case.weighed_at = msgspec.structs.replace(case.shown, evidence=_most(state, view, case)), state.now
    draft = _draft(state, view, case, levels, quiet)
    shown = case.shown
    if case.pending == "opened" and draft.severity != "critical" and _may_be_wider(state, view, case):
        return
    if case.pending:
        what = draft.title if case.pending == "opened" else f"it is back: {draft.title}"
        _emit(state, view, case, draft, what, told)
        return
    if draft == msgspec.structs.replace(shown, started_at=draft.started_at):
        case.dirty_at = None
        return
    if case.dirty_at is None:
        case.dirty_at = state.now
    if draft.severity != shown.severity or state.now - case.dirty_at >= SETTLE_NS:
        _emit(state, view, case, draft, _difference(shown, draft), told)


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
    return before if now is None or (before is not None and now.failing <= before.failing) else now


def _draft(state: State, view: View, case: Case, levels: dict[str, ComponentState], quiet: set[str]) -> Incident:
    """The incident as it stands; components and impact are the worst that it did."""
    hurting = [state.keys[name] for name in case.bad if not state.keys[name].blocked]
    shown = case.shown
    components, impact = list(shown.components), shown.impact
    for component in view.components:
        level = levels[component.name]
        own = [key for key in hurting if key.check in component.checks]
        if level in HURT and not any(key.state == "down" or key.held == "down" or key.throttled for key in own):
            level = "degraded_performance"  # what is worse there is another incident's doing
        if own and RANK[level] >= RANK["degraded_performance"]:
            if component.name not in components:
                components.append(component.name)
            if component.name not in quiet and RANK[level] > RANK[impact]:
                impact = level
    severity: Severity = "critical" if impact in HURT else "warning"
    started_at = min([shown.started_at, *(state.keys[name].since for name in case.bad if case.pending == "opened")])
    return msgspec.structs.replace(
        shown,
        title=case.title,
        severity=severity,
        domain=case.domain,
        started_at=started_at,
        components=tuple(components),
        impact=impact,
    )


def _emit(state: State, view: View, case: Case, draft: Incident, what: str, told: list[EventData]) -> None:
    case.members = _members(state, case)
    case.shown = msgspec.structs.replace(
        draft,
        updated_at=state.now,
        resolved_at=None,
        checks=tuple(case.members.values()),
        evidence=_most(state, view, case),
    )
    change = case.pending or "updated"
    case.pending, case.dirty_at = "", None
    told.append(IncidentChanged(change=change, what=what, incident=case.shown))


def _members(state: State, case: Case) -> dict[str, Affected]:
    """Its subjects as they stand now."""
    now = {name: _affected(state.keys[name], case.members[name].kind) for name in case.bad if name in case.members}
    return {**case.members, **now}


def _affected(key: Key, kind: str) -> Affected:
    return Affected(
        check=key.check,
        kind=kind,
        target=key.target,
        subject=key.subject,
        state=key.state,
        since=key.since,
        reason=key.reason,
    )


def worst_evidence(state: State, view: View, case: Case) -> Evidence | None:
    """That of the subject where most fail."""
    found = [
        evidence_of(tally(state, view, view.checks[state.keys[name].check], state.keys[name]))
        for name in case.bad[:MAX_MEMBERS]
        if name in state.keys and state.keys[name].check in view.checks
    ]
    return max(found, key=lambda evidence: (evidence.failing, evidence.voters), default=case.shown.evidence)


def current(state: State, case: Case) -> Incident:
    """An open incident as it stands right now."""
    if case.shown.probes:
        return case.shown
    return msgspec.structs.replace(case.shown, checks=tuple(_members(state, case).values()))


def _resolve(state: State, case: Case, told: list[EventData]) -> None:
    shown = case.shown
    del state.open[shown.id]
    if case.pending == "opened":  # it opened and ended within one record: nobody heard of it
        return
    members = tuple(case.members.values())
    case.shown = msgspec.structs.replace(  # it is remembered by what it was when it was largest
        shown,
        title=case.peak_title or shown.title,
        domain=case.peak_domain or shown.domain,
        updated_at=state.now,
        resolved_at=state.now,
        checks=members,
    )
    case.pending, case.dirty_at = "", None
    state.recent[shown.id] = case
    number = len(members)
    what = case.left or (f"all {number} subjects pass again" if number > 1 else "it passes again")
    told.append(IncidentChanged(change="resolved", what=what, incident=case.shown))


def _difference(before: Incident, after: Incident) -> str:
    """What an update says, in one line."""
    parts = [after.title] if after.title != before.title else []
    if RANK[after.impact] > RANK[before.impact]:
        parts.append(f"impact: {after.impact.replace('_', ' ')}")
    new = [name for name in after.components if name not in before.components]
    if new:
        parts.append(f"hurts {', '.join(new)}")
    if after.domain != before.domain and after.domain is not None and not (parts and after.domain.name in parts[0]):
        parts.append(_domain_words(before.domain, after.domain))
    return "; ".join(parts) or f"severity: {after.severity}"


def _domain_words(before: FaultDomain | None, after: FaultDomain) -> str:
    sure = "" if after.certain else ", though another place would explain it too"
    return f"at {after}{sure}" if before is None or str(before) == str(after) else f"not {before} but {after}{sure}"
