"""Incidents: which fault a subject belongs to.

A subject in trouble joins an open incident with which it shares a place, reopens the one it was in a short while ago,
or opens one. What is said of them is in `telling.py`, the stages that they go through in `stages.py`.
"""

import msgspec

from collector.detect.dns.zones import zone_at
from collector.detect.incidents.stages import RELAPSE_NS
from collector.detect.places import Spot
from collector.detect.state import MAX_MEMBERS, MAX_OPEN, MAX_PLACES, Case, Key, State
from collector.detect.verdicts.departed import UNDELEGATED
from collector.events import Affected, Incident
from parallax.clock import NS
from parallax.reasons import REASONS

FLAPS = 2
"""Relapses after which it is called flapping: it stays open until all has been well for longer and longer, so that
nobody is told of each turn."""
CALM_NS = 60 * NS
"""How long at first; twice as long with each further relapse."""
LONGEST_CALM_NS = 600 * NS
"""And at most. What relapses after more than that does not flap."""
PATIENT_NS = 30 * NS
"""What is seen at an operator directly hurts nobody yet: where the operator's name servers are dark, they are what the
incident is about, and they show within this."""
BORNE_OUT = "it is part of an outage"
_THROTTLED = "http_throttled"
"""What is overloaded answers with it: of an outage it is a relapse like any other."""
_PLACE_OF = {"endpoint": "host", "name_server": "host", "resolver": "host"}
"""The kind of place that a fault domain of another name is."""


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
        _enter(state, found, spot)


def join(state: State, spot: Spot) -> None:
    """Puts a subject in trouble into its incident."""
    key = spot.key
    found = key.incident if key.incident in state.open else _shared(state, spot, kin(key.reason))
    if found is None and (relapsed := _relapsed(state, spot)) is not None:
        found = _reopen(state, relapsed, kin(key.reason))
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
    _enter(state, found, spot)


def _enter(state: State, found: str, spot: Spot) -> None:
    case, key = state.open[found], spot.key
    if key.incident != found:  # else it is among them: with thousands, looking takes long
        case.bad.append(spot.name)
    if spot.name not in case.members and len(case.members) < MAX_MEMBERS:
        case.members[spot.name] = affected(key, spot.check.kind)
    if len(case.places) < MAX_PLACES:
        case.places.update(dict.fromkeys(spot.places, True))
    case.grown = True
    key.incident = key.last_incident = found


def _relapsed(state: State, spot: Spot) -> str | None:
    """The incident of a short while ago that comes back with this: the subject was in it, or it is where the fault
    was. An outage may come back as 429 to everybody, and the reverse: there it has to be the very place."""
    sort, places = kin(spot.key.reason), spot.places
    own = state.recent.get(spot.key.last_incident or "")
    if own is not None and _is_of(own, spot, sort) and _may_relapse(state, own):
        return own.shown.id
    for name, case in reversed(state.recent.items()):
        if not (where := place_of(case)) or where not in places or not _may_relapse(state, case):
            continue
        if case.kin == sort or ({case.kin, sort} == {"failure", _THROTTLED} and not spot.key.blocked):
            return name
    return None


def place_of(case: Case) -> str:
    """The fault domain that it is remembered by, as `Spot.places` has it; "" where it is not sure."""
    domain = case.shown.seen_domain or case.shown.domain
    if domain is None or not domain.certain:
        return ""
    return f"{_PLACE_OF.get(domain.kind, domain.kind)} {domain.name}"


def _is_of(case: Case, spot: Spot, sort: str) -> bool:
    """Whether trouble of this sort at a place of the incident is its own: it is, or was, such. An outage that came back
    as 429 to everybody may be one of errors again."""
    return case.kin == sort or (sort in case.was and not spot.key.blocked)


def _may_relapse(state: State, case: Case) -> bool:
    ended = case.shown.ended_at or 0
    return case.shown.stage == "monitoring" or state.now - ended <= RELAPSE_NS


def _reopen(state: State, name: str, sort: str) -> str:
    case = state.recent.pop(name)
    state.open[name] = case
    if case.kin != sort:
        before = (*case.was, case.kin)
        case.kin, case.was = sort, tuple(each for each in dict.fromkeys(before) if each != sort)
    calm = max(state.now - (case.shown.ended_at or state.now), 0)
    case.pending, case.left = "reopened", ""
    case.relapses = case.relapses + 1 if calm <= LONGEST_CALM_NS else 1
    case.longest_calm_ns = max(case.longest_calm_ns, calm)
    case.calm_at = None
    return name


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
    if case is not None:
        case.thinned = True
        case.left, case.left_at, case.grown = why, state.now, True
        case.deserted |= why == UNDELEGATED
        if name in case.members:
            after = {"state": "up", "reason": None, "since": state.now}
            case.members[name] = msgspec.structs.replace(case.members[name], **after)
    key.incident = None


def thin(state: State, case: Case) -> None:
    """Forgets those that left it: all at once, as many may leave together."""
    if case.thinned:
        own = case.shown.id
        case.bad = [name for name in dict.fromkeys(case.bad) if (key := state.keys.get(name)) and key.incident == own]
        case.thinned = False


def _shared(state: State, spot: Spot, sort: str) -> str | None:
    """The open incident of this sort with which it shares the most telling places; the oldest of those. A refusal is
    another matter than an outage, at the same place or not."""
    places = spot.places
    best, found = 0, None
    for name, case in state.open.items():
        if not case.shown.probes and _is_of(case, spot, sort):
            weight = sum(weight for place, weight in places.items() if place in case.places)
            if weight > best:
                best, found = weight, name
    if found is None and len(state.open) >= MAX_OPEN:
        found = next((name for name in reversed(state.open) if not state.open[name].shown.probes), None)
    return found


def affected(key: Key, kind: str) -> Affected:
    """A subject as it stands."""
    return Affected(
        check=key.check,
        kind=kind,
        target=key.target,
        subject=key.subject,
        state=key.state,
        since=key.since,
        reason=key.reason,
    )
