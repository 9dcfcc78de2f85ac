"""Flows: checks whose subjects are the steps of a run, one after another. Pure.

A run ends at the step that fails, and says nothing of those behind it. Their last words are from before, so they count
no more: such a step is unknown, quietly, until a run gets to it again. What was known to be wrong with it stays wrong
until then, in the incident that it was in.

Not every run has all the steps: cheap ones run every period, dear ones every few minutes. So a step has a place in each
cadence of runs, and its word is fresh for as long as its own next turn takes.
"""

from typing import Any

from collector.detect.numbers import whole
from collector.detect.state import Ends, Key, State, Vote
from collector.detect.view import FRESH_PERIODS, CheckView
from parallax.clock import NS
from parallax.observation import Observation

METADATA = ("discovery", "jwks", "environment")
"""The steps that read what the provider publishes: nobody signs in, and no limit of a user or a sign-in counts them."""
CLEANUP = "cleanup"
"""Comes at the end of a run that failed, too."""
BEHIND = ("userinfo", "refresh", "silent", "logout", "session", "cleanup", "end")
"""The steps at which the user is signed in already."""
MOST_EVERY_NS = 86400 * NS
MAX_CADENCES = 8
MAX_STEPS = 1000
UNREACHED = "no run gets to it, as an earlier step fails; what was last known holds"
LEFT_OUT = "runs do without it"


def turn_ns(check: CheckView, observation: Observation) -> int:
    """When the probe looks at a step again, where that is later than the check's period says; else 0."""
    if not check.of_steps:
        return 0
    every = observation.findings.get("every_s")
    if isinstance(every, bool) or not isinstance(every, int | float) or not every > check.period_ns / NS:
        return 0
    return int(min(every, MOST_EVERY_NS / NS) * NS)


def every_ns(check: CheckView, key: Key) -> int:
    """How often a subject is looked at, by the probe that does so most often."""
    every = check.every_ns(key.subject)
    return max(every, min((vote.every_ns for vote in key.votes.values()), default=0)) if check.of_steps else every


def fresh_ns(check: CheckView, key: Key) -> int:
    """How long a word on a subject is fresh, of the probe that looks at it most often."""
    fresh = check.fresh_for_ns(key.subject)
    return max(fresh, _fresh(check, every_ns(check, key))) if check.of_steps else fresh


def vote_fresh_ns(check: CheckView, subject: str, turn: int) -> int:
    """How long this word is fresh; `turn` is the probe's own next turn, 0 where the check's period says it."""
    return max(check.fresh_for_ns(subject), _fresh(check, turn)) if turn else check.fresh_for_ns(subject)


def note_step(state: State, ends: Ends, probe: str, key: Key, vote: Vote, observation: Observation) -> list[str]:
    """What a word on one step means for the others; the ids of those that it may change."""
    place, of = _place(observation.findings)
    cadence = (observation.dims.get("cadence") or "")[:20]
    if not place or key.subject == CLEANUP:
        return []
    if cadence in key.places or len(key.places) < MAX_CADENCES:
        key.places[cadence] = place
    if place == of and (cadence in ends.whole or len(ends.whole) < MAX_CADENCES):
        ends.whole[cadence] = max(ends.whole.get(cadence, 0), vote.at)
    if vote.reason is None or vote.soft:
        return []
    fails = vote.counts and vote.fault != "blocked"
    touched = []
    for name in ends.keys:
        other = state.keys[name]
        if other.places.get(cadence, 0) <= place:
            continue
        if fails:  # nobody can get there: it is not for want of measuring
            other.spoke_at = max(other.spoke_at, vote.at)
        said = other.votes.get(probe)
        if said is not None and said.at <= vote.at:
            said.unreached = "failed" if fails else "kept"
            touched.append(name)
    return touched


def why_gone(state: State, check: CheckView, ends: Ends | None, key: Key, span_ns: int) -> str | None:
    """Why no run has this step any more, if that is so: runs of its cadence get further without it."""
    if ends is not None and key.subject == CLEANUP and state.now - key.spoke_at > fresh_ns(check, key):
        return LEFT_OUT if state.now - ends.spoke_at <= check.fresh_ns else None  # nothing was left to clean up since
    if ends is None or state.now - key.spoke_at <= span_ns:
        return None
    later = key.spoke_at + every_ns(check, key)
    for cadence, place in key.places.items():
        if ends.whole.get(cadence, 0) > later:
            return LEFT_OUT
        for name in ends.keys:
            other = state.keys[name]
            if other.places.get(cadence, 0) > place and _reached_at(other) > later:
                return LEFT_OUT
    return None


def _reached_at(key: Key) -> int:
    return max((vote.at for vote in key.votes.values() if not vote.unreached), default=0)


def _fresh(check: CheckView, every: int) -> int:
    return min(int(FRESH_PERIODS * every), MOST_EVERY_NS) + check.timeout_ns


def _place(findings: dict[str, Any]) -> tuple[int, int]:
    """The place among the run's steps, from 1, and how many they are; zeros where it is not said."""
    place = findings.get("place")
    if not isinstance(place, list | tuple) or len(place) != 2:
        return 0, 0
    number, of = whole(place[0], MAX_STEPS), whole(place[1], MAX_STEPS)
    return (number, of) if number and of and number <= of else (0, 0)
