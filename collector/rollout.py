"""How a changed plan comes into force: first on one probe, the canary, then on all. Pure.

    step(state, event) -> (state, changes)

The first plan ever goes to all at once: there is nothing to fall back to. A changed one becomes the candidate. One
connected probe whose part of the plan changes is served the candidate, and counts for a whole period (the longest of
its checks) by the times of its own observations. An `unsupported` or fault=config among them refuses the candidate;
else all get it. What the canary was still running under the old plan does not count: counting begins at the cut of
the first batch that names the new part, and looks only at observations scheduled after that. A canary that says
nothing for two periods is replaced by the next probe.

A refused or rolled back version is remembered by the digest of its files, and is not tried again until they change.
"""

from collections.abc import Callable, Iterable

import msgspec

from collector.inputs import PlanChange
from collector.reports import Report
from parallax.clock import NS

KEPT_VERSIONS = 5
"""Versions that one can roll back through."""
SILENT_PERIODS = 2
SHORTEST_PATIENCE_NS = 10 * NS
"""A canary needs a moment to fetch the plan and to ship what it saw, however short its periods are."""


class PartInfo(msgspec.Struct, frozen=True):
    """One probe's part of a version: its hash, and the longest period of its checks in ns."""

    hash: str
    period_ns: int


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """A version of the plan. `digest` is of its files, `hash` of what they say. `fleet` are the probes that it names;
    none means that it is for whoever asks. `part` gives a probe's part, None for a probe that it does not have."""

    digest: str
    hash: str
    fleet: tuple[str, ...]
    part: Callable[[str], PartInfo | None]


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """The version on trial. `counted_from` is the probe's clock, the other times are the collector's, ns."""

    version: Version
    canary: str | None = None
    heard_at: int = 0
    """When the canary was chosen, or last reported with the new part."""
    counted_from: int | None = None
    tried: tuple[str, ...] = ()
    """Canaries that stayed silent."""


class Rollout(msgspec.Struct, frozen=True, kw_only=True):
    """The state: the version in force, those before it (newest first), the one on trial, and the digest of the files
    that are not to be tried again."""

    in_force: Version | None = None
    previous: tuple[Version, ...] = ()
    candidate: Candidate | None = None
    refused: str | None = None

    def version_for(self, probe: str) -> Version | None:
        """The version that a probe is served."""
        if self.candidate and self.candidate.canary == probe:
            return self.candidate.version
        return self.in_force


class Loaded(msgspec.Struct, frozen=True, kw_only=True):
    """The files hold this version. `connected` are the probes heard of late, the most recent first."""

    version: Version
    connected: tuple[str, ...]
    at: int


class Heard(msgspec.Struct, frozen=True, kw_only=True):
    """A batch came."""

    report: Report


class Tick(msgspec.Struct, frozen=True, kw_only=True):
    """Time has passed."""

    connected: tuple[str, ...]
    at: int


class RollBack(msgspec.Struct, frozen=True, kw_only=True):
    """A person wants the version before this one."""

    actor: str
    at: int


Event = Loaded | Heard | Tick | RollBack


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a version."""

    change: PlanChange
    version: Version
    at: int
    canary: str = ""
    actor: str = ""
    why: str = ""


Stepped = tuple[Rollout, list[Change]]


def step(state: Rollout, event: Event) -> Stepped:
    """The state after an event, and what changed."""
    match event:
        case Loaded():
            return _loaded(state, event)
        case Heard():
            return _heard(state, event.report)
        case Tick():
            return _ticked(state, event)
        case RollBack():
            return _rolled_back(state, event)


def _loaded(state: Rollout, event: Loaded) -> Stepped:
    version, in_force = event.version, state.in_force
    if in_force is None:
        return _promote(_with(state, Candidate(version=version)), event.at, "the first plan")
    if version.digest == state.refused:
        return state, []
    state = msgspec.structs.replace(state, refused=None)
    trial = state.candidate
    if trial and trial.version.digest == version.digest:
        return state, []
    changes: list[Change] = []
    if trial:
        why = "its files were changed again"
        changes.append(Change(change="withdrawn", version=trial.version, at=event.at, why=why))
        state = msgspec.structs.replace(state, candidate=None)
    if version.digest == in_force.digest:
        return state, changes
    changes.append(Change(change="candidate", version=version, at=event.at))
    state = _with(state, Candidate(version=version))
    kept = (trial.canary,) if trial and trial.canary in event.connected else ()
    state, more = _begin_trial(state, (*kept, *event.connected), event.at)
    return state, changes + more


def _heard(state: Rollout, report: Report) -> Stepped:
    trial = state.candidate
    if trial is None or report.probe != trial.canary:
        return state, []
    part = trial.version.part(report.probe)
    if part is None or part.hash != report.part:
        return state, []
    counted_from = report.cut_at if trial.counted_from is None else trial.counted_from
    fault = next((f for f in report.faults if f.scheduled_at >= counted_from), None)
    if fault:
        why = f"{report.probe} reports {fault.reason} for the check {fault.check!r}"
        return _refuse(state, "rejected", report.at, why=why)
    trial = msgspec.structs.replace(trial, counted_from=counted_from, heard_at=report.at)
    state = _with(state, trial)
    if report.latest - counted_from >= part.period_ns:
        return _promote(state, report.at, f"{report.probe} ran it for a full period")
    return state, []


def _ticked(state: Rollout, event: Tick) -> Stepped:
    trial = state.candidate
    if trial is None:
        return state, []
    if trial.canary is None:
        return _begin_trial(state, event.connected, event.at)
    part = trial.version.part(trial.canary)
    patience = max(SILENT_PERIODS * part.period_ns if part else 0, SHORTEST_PATIENCE_NS)
    if abs(event.at - trial.heard_at) <= patience:  # a clock put back must not lengthen the wait
        return state, []
    tried = (*trial.tried, trial.canary)
    if not set(event.connected) - set(tried):
        tried = ()  # all were silent: begin anew
    return _begin_trial(_with(state, Candidate(version=trial.version, tried=tried)), event.connected, event.at)


def _rolled_back(state: Rollout, event: RollBack) -> Stepped:
    if state.candidate:
        return _refuse(state, "rolled_back", event.at, actor=event.actor)
    if state.in_force is None or not state.previous:
        return state, []
    left, (version, *rest) = state.in_force, state.previous
    after = Rollout(in_force=version, previous=tuple(rest), refused=left.digest)
    return after, [
        Change(change="rolled_back", version=left, at=event.at, actor=event.actor),
        Change(change="promoted", version=version, at=event.at, actor=event.actor, why="rolled back to it"),
    ]


def _begin_trial(state: Rollout, connected: Iterable[str], at: int) -> Stepped:
    """Chooses a canary where one can be had; promotes at once where no probe's part would be another."""
    trial = state.candidate
    assert trial is not None
    assert state.in_force is not None
    version, old, connected = trial.version, state.in_force, tuple(connected)
    known = {*connected, *version.fleet, *old.fleet}
    touched = {probe for probe in known if (part := version.part(probe)) and part != old.part(probe)}
    if known and not touched:
        return _promote(state, at, "no probe's part of it is changed")
    canary = next((probe for probe in connected if probe in touched and probe not in trial.tried), None)
    if canary is None:
        return state, []
    state = _with(state, msgspec.structs.replace(trial, canary=canary, heard_at=at, counted_from=None))
    return state, [Change(change="canary", version=version, at=at, canary=canary)]


def _promote(state: Rollout, at: int, why: str) -> Stepped:
    trial = state.candidate
    assert trial is not None
    left, previous = state.in_force, state.previous
    if left and left.hash != trial.version.hash:  # else a comment was changed: no step to roll back
        previous = (left, *previous)[:KEPT_VERSIONS]
    after = Rollout(in_force=trial.version, previous=previous)
    return after, [Change(change="promoted", version=trial.version, at=at, canary=trial.canary or "", why=why)]


def _refuse(state: Rollout, change: PlanChange, at: int, *, why: str = "", actor: str = "") -> Stepped:
    """Ends the trial; the old version stays."""
    trial = state.candidate
    assert trial is not None
    after = msgspec.structs.replace(state, candidate=None, refused=trial.version.digest)
    ended = Change(change=change, version=trial.version, at=at, canary=trial.canary or "", actor=actor, why=why)
    return after, [ended]


def _with(state: Rollout, candidate: Candidate) -> Rollout:
    return msgspec.structs.replace(state, candidate=candidate)
