"""What `parallax up` says of a stream of observations: a line when a subject turns between ok and not ok. Pure.

This is no detection: no persistence, no quorum, one vantage. It tells a person at a terminal what their probe sees.
"""

from collections import Counter, OrderedDict
from typing import Any

import msgspec

from parallax.cli.grades import WORST_FIRST, Grade, grade
from parallax.clock import NS
from parallax.observation import Observation
from parallax.reasons import REASONS, Fault

MAX_SUBJECTS = 20_000
"""Beyond this the subject that was silent longest is forgotten: addresses of a large operator change for ever."""


_HERE = {"address_not_allowed": "; of `parallax up`: --allow NETWORK"}
"""Where `up` has another word for what a reason says to look at."""


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """A subject of a check turned. `lasted_ns` is how long it had been the other way, None when it is seen first."""

    at: int
    check: str
    target: str
    subject: str
    grade: Grade
    reason: str | None
    fault: Fault | None
    lasted_ns: int | None

    def __str__(self) -> str:
        place = f"{self.check}  {self.target}"
        if self.subject != self.target:  # two targets may share an address
            place += f" at {self.subject}"
        if self.reason is None:
            return f"ok        {place}" + (f"  again, after {lasting(self.lasted_ns)}" if self.lasted_ns else "")
        known = REASONS.get(self.reason)
        meaning = f"{known.meaning} ({self.reason}); look at: {known.look}" if known else self.reason
        meaning += _HERE.get(self.reason, "")
        return f"{self.grade:<8}  {place}  {meaning}"


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """How many subjects there are of each grade, and the observations since the last summary."""

    subjects: dict[Grade, int]
    observations: int
    abstained: int

    def __str__(self) -> str:
        counts = ", ".join(f"{count} {word}" for word, count in self.subjects.items())
        text = f"{counts or 'nothing measured yet'}; {self.observations} observations"
        return text + (f", {self.abstained} of them abstain" if self.abstained else "")


class _Seen(msgspec.Struct):
    grade: Grade
    since: int


class Changes:
    """Remembers what each (check, target, subject) last was."""

    def __init__(self) -> None:
        self._seen: OrderedDict[tuple[str, str, str], _Seen] = OrderedDict()
        self._observations = 0
        self._abstained = 0

    def take(self, observation: Observation) -> Change | None:
        """The change that an observation is, if it is one: abstentions and the probe's own statistics are none, and a
        first sight that is ok is left to the summary."""
        if observation.kind.startswith("probe."):
            return None
        self._observations += 1
        if observation.abstain is not None:
            self._abstained += 1
            return None
        key = (observation.check, observation.target, observation.subject)
        word = grade(observation)
        before = self._seen.get(key)
        turned = before is None or (before.grade == "ok") != (word == "ok")
        since = observation.started_at if before is None or turned else before.since
        self._seen[key] = _Seen(word, since)
        self._seen.move_to_end(key)
        if len(self._seen) > MAX_SUBJECTS:
            self._seen.popitem(last=False)
        if not turned or (before is None and word == "ok"):
            return None
        return Change(
            at=observation.started_at,
            check=observation.check,
            target=observation.target,
            subject=observation.subject,
            grade=word,
            reason=observation.reason,
            fault=observation.fault,
            lasted_ns=observation.started_at - before.since if before else None,
        )

    def summary(self) -> Summary:
        """The state of all subjects; begins a new count of observations."""
        counts = Counter(seen.grade for seen in self._seen.values())
        result = Summary(
            subjects={word: counts[word] for word in WORST_FIRST if counts[word]},
            observations=self._observations,
            abstained=self._abstained,
        )
        self._observations = self._abstained = 0
        return result


def lasting(ns: int | None) -> str:
    """A span for people: 40 s, 12 min, 3.5 h."""
    seconds = (ns or 0) / NS
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def plain(value: Change | Summary) -> dict[str, Any]:
    """For `--json`."""
    name = "change" if isinstance(value, Change) else "summary"
    return {"what": name, **msgspec.structs.asdict(value)}
