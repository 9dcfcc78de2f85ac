"""The probes themselves: silent, unhealthy, well.

Silence is nobody's outage: it takes a probe's words out of every count, and is an incident of its own. When all are
silent at once, or too few are left to vote, it is monitoring that is blind, and that is one incident.
"""

from collections import Counter
from typing import Literal, cast

import msgspec

from collector.detect.incidents.joining import CALM_NS, FLAPS, LONGEST_CALM_NS, next_incident_id
from collector.detect.incidents.timeline import with_moments
from collector.detect.probes.astray import compare_words
from collector.detect.probes.lacks import lacks_in, not_run_in
from collector.detect.probes.quorum import lost_quorum, quorum_words, voting, watch_quorum
from collector.detect.state import Case, Member, Spell, State
from collector.detect.view import View
from collector.events import EventData, FaultDomain, Incident, IncidentChanged, Moment, ProbeChanged, Severity
from collector.inputs import BatchInput
from parallax.clock import NS
from parallax.observation import PENDING, Observation
from parallax.wire import Batch

SKEWED_BATCHES = 2
RESULTS = 10
"""So many results at least are looked at for abstentions: half of them is too many, below a fifth is well again."""
SPAN_NS = 20 * NS
"""And those of so long at least: a busy probe has ten of them within a second, and a hiccup is no trouble."""
LASTING_NS = SPAN_NS // 2
"""From the first to the last that abstains: a probe that has just started abstains until somebody vouches for its
clock."""
ITS_PLAN = ("over_budget",)
"""Words to abstain with that are the plan's doing, not the probe's trouble."""
MAX_WORDS = 8
"""Different words to abstain with, of one second."""
CLONED_NS = 60 * NS
"""Two streams that took turns: it is two hosts until they have not for so long."""
HEALTH = "probe.health"
PLANNED = frozenset({"no_family"})
"""Abstentions that the plan intends."""
OWN = ("local_error", "probe_error", "overrun")
"""Reasons that lie with the probe's host: no file descriptors, no memory, a bug."""
WHY = {
    "overload": "its host is overloaded",
    "uplink_v4": "its IPv4 uplink is down",
    "uplink_v6": "its IPv6 uplink is down",
    "network_down": "no resolver answers it",
    "resolvers_silent": "its own resolvers do not answer",
    "local_error": "its host has no room for connections",
    "probe_error": "its own program fails",
    "overrun": "its runs do not end in time",
    "clock_stepped": "its clock jumps",
    "clock_skewed": "its clock is wrong",
    "clock_unsynchronised": "nothing keeps its clock right",
}
BLIND = "No probe is heard: monitoring is blind"
FEW = "Monitoring is blind: {}"


def hear(state: State, record: BatchInput, batch: Batch) -> Member:
    """A batch came: what it says of its probe."""
    member = state.probes.get(record.probe)
    if member is None:
        member = state.probes[record.probe] = Member(
            first_at=state.now, heard_at=record.received_at, since=state.now, state="healthy"
        )
    member.heard_at = record.received_at
    member.agent, member.plan = batch.agent[:100], batch.plan[:100]
    member.offset_ns = record.offset_ns
    member.lag_ns = record.received_at - batch.cut_at - (record.offset_ns or 0)
    member.skewed = max(member.skewed, 0) + 1 if record.skewed else max(min(member.skewed, SKEWED_BATCHES) - 1, 0)
    if member.lag_ns <= SPAN_NS:  # a backlog says how the probe was, not how it is
        _note(
            member,
            state.now,
            [_word(o) for o in batch.observations if o.kind != HEALTH and o.abstain != PENDING],
        )
    for observation in batch.observations:
        if observation.kind == HEALTH:
            member.lacks, member.not_run = lacks_in(observation.findings), not_run_in(observation.findings)
    if not member.streams or member.streams[-1] != batch.stream:
        if batch.stream in member.streams:
            member.cloned_at = state.now
        member.streams = [*member.streams, batch.stream][-2:]
    return member


def _word(observation: Observation) -> str | None:
    """What a result says of its probe's own trouble: why it abstains, or that the probe failed and nothing else."""
    if observation.abstain in ITS_PLAN:
        return None
    own = observation.fault == "probe" and observation.reason in OWN
    return observation.abstain or (observation.reason if own else None)


def _note(member: Member, now: int, words: list[str | None]) -> None:
    """Results that came now, and their `abstain`."""
    second = now // NS * NS
    if not member.spells or member.spells[-1].at != second:
        member.spells.append(Spell(at=second))
    spell = member.spells[-1]
    for word in words:
        if word in PLANNED:
            continue
        spell.total += 1
        if word is not None and (word[:40] in spell.abstaining or len(spell.abstaining) < MAX_WORDS):
            spell.abstaining[word[:40]] = spell.abstaining.get(word[:40], 0) + 1
    if not spell.total:
        member.spells.pop()
    total = sum(each.total for each in member.spells)
    while member.spells and member.spells[0].at < now - SPAN_NS and total - member.spells[0].total >= RESULTS:
        total -= member.spells.pop(0).total


def tell_probes(state: State, view: View, told: list[EventData]) -> bool:
    """Says which probes turned; True if the words of any count otherwise now."""
    gone = [name for name in state.probes if view.probe(name) is None]
    for name in gone:
        _remove(state, name, told)
    turns: list[tuple[str, Member, str | None]] = []
    incidents: list[EventData] = []
    compare_words(state, view)
    for name, member in state.probes.items():
        if member.cloned_at and state.now - member.cloned_at > CLONED_NS:
            member.cloned_at = 0
        new, why = _judge(state, view, name, member)
        if new == member.state:
            if new == "healthy" and state.now - member.since >= CALM_NS:
                _leave(state, member, member.why, incidents)
            continue
        turns.append((name, member, member.incident))
        member.since = member.heard_at if new == "silent" else state.now
        member.state, member.why = new, why
        if not _flaps(state, member):
            _leave(state, member, why, incidents)
        if new == "unhealthy" and member.incident is None:
            _open(state, name, member, incidents)
    watch_quorum(state, view)
    blind = state.blind
    _tell_silence(state, view, incidents)
    _tell_parents(state, incidents)
    for name, member, before in turns:
        incident = member.incident or before
        state_word = cast("Literal['silent', 'unhealthy', 'healthy']", member.state)
        told.append(ProbeChanged(probe=name, state=state_word, since=member.since, why=member.why, incident=incident))
    told += incidents
    return bool(gone or turns or blind != state.blind)


def _flaps(state: State, member: Member) -> bool:
    """Whether it has just been in trouble often: then its incident stays open until it has been well for a while."""
    recent = [at for at in member.turned_at if 0 <= state.now - at < LONGEST_CALM_NS]
    if member.state != "healthy":
        recent.append(state.now)
    member.turned_at = recent[-(FLAPS + 1) :]
    return len(member.turned_at) > FLAPS


def _leave(state: State, member: Member, why: str, told: list[EventData]) -> None:
    """Closes the incident of its own, if it has one."""
    if member.incident is not None and member.incident != state.blind:
        _close(state, member.incident, why or "it is well again", told)
        member.incident = None


def _remove(state: State, name: str, told: list[EventData]) -> None:
    """The plan no longer has it."""
    member = state.probes.pop(name)
    why = "the plan no longer has it"
    if member.state != "healthy":
        told.append(ProbeChanged(probe=name, state="healthy", since=state.now, why=why, incident=member.incident))
    _leave(state, member, why, told)


def _judge(state: State, view: View, name: str, member: Member) -> tuple[str, str]:
    if _quiet_ns(state, member) > view.silent_after_ns(name):
        span = (state.now - member.heard_at) // NS
        return "silent", f"nothing was heard of it for {span} s"
    if member.cloned_at:
        return "unhealthy", "probe cloned: two hosts report under its name"
    if member.skewed >= SKEWED_BATCHES or (member.skewed and member.state == "unhealthy"):
        off_s = abs(member.offset_ns or 0) / NS
        way = "behind" if (member.offset_ns or 0) > 0 else "ahead"
        return "unhealthy", f"its clock is {off_s:.0f} s {way}"
    if view.measures(name) and (trouble := _trouble(member) or member.astray):
        return "unhealthy", trouble
    return (
        "healthy",
        "" if member.state == "healthy" else f"it is {'heard' if member.state == 'silent' else 'well'} again",
    )


def _trouble(member: Member) -> str:
    """Why its last results abstain, if so many do that it cannot be trusted."""
    spells = [spell for spell in member.spells if spell.abstaining]
    if not spells:
        return ""
    total = sum(spell.total for spell in member.spells)
    words: Counter[str] = Counter()
    for spell in spells:
        words.update(spell.abstaining)
    abstaining = words.total()
    if member.state == "unhealthy":
        over = 5 * abstaining >= total
    else:
        over = 2 * abstaining >= max(total, RESULTS) and spells[-1].at - spells[0].at >= LASTING_NS
    word = max(words, key=lambda each: (words[each], each))
    return f"{WHY.get(word, word)} ({abstaining} of its last {total} results abstain)" if over else ""


def _quiet_ns(state: State, member: Member) -> int:
    """How long it said nothing while somebody listened."""
    return state.now - max(member.heard_at, member.first_at, state.started_at)


def _tell_silence(state: State, view: View, told: list[EventData]) -> None:
    """Opens and closes the incidents of silence."""
    silent = [name for name, member in state.probes.items() if member.state == "silent"]
    all_silent = bool(silent) and len(silent) == len(state.probes)
    if state.blind is not None and not all_silent and not (state.had_quorum and state.blind_since):
        for member in state.probes.values():
            member.incident = None if member.incident == state.blind else member.incident
        _close(state, state.blind, "probes are heard again" if state.probes else "the plan has no such probe", told)
        state.blind = None
    if state.blind is None and not all_silent and lost_quorum(state):
        state.blind = next_incident_id(state)
        mute = tuple(name for name in state.probes if name not in voting(state, view))
        title = FEW.format(quorum_words(state, view))
        _begin(state, state.blind, title, "critical", None, state.blind_since, mute, told)
    alone = [name for name in silent if state.probes[name].incident is None]
    if not alone:
        return
    if all_silent:
        if state.blind is None:
            state.blind = next_incident_id(state)
            since = max(member.heard_at for member in state.probes.values())
            _begin(state, state.blind, BLIND, "critical", None, since, tuple(silent), told)
        for name in alone:
            state.probes[name].incident = state.blind
        return
    for name in alone:
        # While all the others are quiet too, it may be the collector's own network: wait who is silent next.
        others = [m for other, m in state.probes.items() if other != name and m.state != "silent"]
        if any(_quiet_ns(state, other) <= view.silent_after_ns(name) // 2 for other in others):
            _open(state, name, state.probes[name], told)


def _tell_parents(state: State, told: list[EventData]) -> None:
    """While monitoring is blind that explains the trouble of single probes, and nobody need be told of each; who is in
    trouble still once it sees again is told of by itself."""
    parent = state.blind or ""
    for member in state.probes.values():
        case = state.open.get(member.incident or "")
        if case is None or member.incident == state.blind or case.shown.parent == parent:
            continue
        what = f"part of incident {parent}" if parent else "monitoring sees again, and this goes on"
        case.shown = msgspec.structs.replace(case.shown, parent=parent, updated_at=state.now)
        told.append(IncidentChanged(change="updated", what=what, incident=case.shown))


def _open(state: State, name: str, member: Member, told: list[EventData]) -> None:
    member.incident = next_incident_id(state)
    what = "is silent" if member.state == "silent" else "cannot be trusted"
    title = f"Probe {name} {what}: {member.why}"
    domain = FaultDomain(kind="probe", name=name)
    _begin(state, member.incident, title, "warning", domain, member.since, (name,), told)


def _begin(
    state: State,
    incident: str,
    title: str,
    severity: Severity,
    domain: FaultDomain | None,
    since: int,
    probes: tuple[str, ...],
    told: list[EventData],
) -> None:
    shown = Incident(
        id=incident,
        title=title,
        severity=severity,
        domain=domain,
        started_at=since,
        opened_at=state.now,
        updated_at=state.now,
        probes=probes,
        stage="identified" if domain is not None else "investigating",
    )
    shown = with_moments(shown, Moment(at=since, what="began"), Moment(at=state.now, what="detected", text=title))
    state.open[incident] = Case(shown=shown)
    told.append(IncidentChanged(change="opened", what=title, incident=shown))


def _close(state: State, incident: str | None, why: str, told: list[EventData]) -> None:
    case = state.open.pop(incident, None) if incident else None
    if case is not None and incident is not None:
        shown = msgspec.structs.replace(
            case.shown, stage="resolved", updated_at=state.now, over_at=state.now, resolved_at=state.now
        )
        case.shown = with_moments(shown, Moment(at=state.now, what="resolved", text=why))
        state.recent[incident] = case  # for people to write on; no subject reopens it
        told.append(IncidentChanged(change="resolved", what=why, incident=case.shown))
