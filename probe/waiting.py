"""How long an attempt usually waits for its end, by what is measured: from when on one that goes on is worth a word.

A run that hangs says nothing until its timeout. But one that still waits where ninety-nine of a hundred had passed is
evidence already: an observation that is censored (Cox 1972), and taken back when the answer comes. So it is told once,
as pending: no outcome, no vote, only that it still waits.
"""

from array import array
from collections.abc import Callable
from math import ceil

import msgspec

from parallax.clock import NS
from parallax.observation import Observation
from probe.bounded import Bounded

QUANTILE = 0.99
FLOOR_S = 1.0
"""Sooner nobody is told: what is much faster than this has other ways to be found slow."""
DEFAULT_S = 2.0
"""Until enough have passed."""
ENOUGH, KEPT = 50, 200
EVERY = 8
"""So many passes more, and the quantile is found anew."""
MOST = 2_000
"""Subjects that are known; the one that passed least recently is forgotten first."""
_FOREVER = float("inf")


class _Passes:
    """The durations of the last passes, seconds, and their quantile."""

    __slots__ = ("after_s", "at", "count", "spans")

    def __init__(self) -> None:
        self.spans, self.at, self.count, self.after_s = array("f"), 0, 0, DEFAULT_S

    def note(self, span_s: float) -> None:
        if len(self.spans) < KEPT:
            self.spans.append(span_s)
        else:
            self.spans[self.at] = span_s
            self.at = (self.at + 1) % KEPT
        self.count += 1
        if self.count >= ENOUGH and (self.count == ENOUGH or self.count % EVERY == 0):
            ordered = sorted(self.spans)
            self.after_s = max(ordered[ceil(QUANTILE * len(ordered)) - 1], FLOOR_S)


class Waiting:
    """The usual durations. `note` takes every observation, `after_s` says when a subject has waited for long."""

    def __init__(self, most: int = MOST) -> None:
        self._passes: Bounded[_Passes] = Bounded(most)

    def note(self, observation: Observation) -> None:
        """A pass is remembered, at its subject and, for lookups, at its target."""
        if observation.reason is not None or observation.abstain is not None or observation.attempt > 1:
            return
        span_s = observation.duration_ns / NS
        for subject in (observation.subject, ""):
            key = _key(observation.check, observation.target, subject)
            passes = self._passes.stale(key) or _Passes()
            passes.note(span_s)
            self._passes.put(key, passes, _FOREVER)

    def after_s(self, check: str, target: str, subject: str = "") -> float:
        """When an attempt that is not over has waited for long, seconds since its start. Without a subject: that no
        address of the target's name is known yet."""
        passes = self._passes.stale(_key(check, target, subject))
        return DEFAULT_S if passes is None else passes.after_s


class Waits(msgspec.Struct, frozen=True):
    """What a run uses of it: when, given check, target and subject; and who takes what is pending."""

    after_s: Callable[[str, str, str], float]
    tell: Callable[[Observation], None]


def _key(check: str, target: str, subject: str) -> str:
    return f"{check}\x1f{target}\x1f{subject}"
