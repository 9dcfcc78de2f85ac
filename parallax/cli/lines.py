"""What `parallax up` prints where there is no terminal to draw on: a line for each conclusion of the collector, and a
summary now and then. Pure.

It says what the events say and nothing of its own: there is one place that decides what changed.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from parallax.reasons import REASONS
from parallax.spans import lasting

if TYPE_CHECKING:
    from collector.board import Board
    from collector.events import CheckChanged, Event

_HERE = {"address_not_allowed": "; of `parallax up`: --allow NETWORK"}
"""Where `up` has another word for what a reason says to look at."""
_WORDS = {"up": "ok", "down": "failed"}
_WIDTH = 9


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """How many there are of each state, and the observations since the last summary."""

    subjects: Mapping[str, int]
    components: Mapping[str, int]
    probes: Mapping[str, int]
    incidents: int
    risks: int
    observations: int

    @classmethod
    def of(cls, board: "Board", observations: int) -> "Summary":
        """Of a board, and what came in since the last one."""
        return cls(
            subjects=_counts(subject.state for check in board.checks for subject in check.subjects),
            components=_counts(component.state for component in board.components),
            probes=_counts(probe.state for probe in board.probes),
            incidents=len(board.incidents),
            risks=len(board.risks),
            observations=observations,
        )

    def __str__(self) -> str:
        parts = [
            _listed(self.subjects) or "nothing measured yet",
            f"components: {_listed(self.components)}" if self.components else "",
            f"probes: {_listed(self.probes)}" if len(self.probes) > 1 or sum(self.probes.values()) > 1 else "",
            f"{self.incidents} open incident{'s' * (self.incidents != 1)}" if self.incidents else "",
            f"{self.risks} risk{'s' * (self.risks != 1)}" if self.risks else "",
            f"{self.observations} observations",
        ]
        return "; ".join(filter(None, parts))


def event_line(event: "Event") -> str | None:
    """An event for people, without its time; None for what only prepares another one (a suspicion)."""
    from collector import events
    from collector.web import words

    match event.data:
        case events.CheckChanged() as data:
            return _check_line(data)
        case events.IncidentChanged() as data:
            incident = data.incident
            facts = [data.what or incident.title]
            if data.change in ("opened", "reopened"):
                facts += [f"at {words.domain(incident.domain)}"] if incident.domain else []
                facts += [incident.evidence.words] if incident.evidence else []
                facts += [f"since {words.clock_time(incident.started_at, event.at)}Z"]
            if data.change in ("monitoring", "resolved") and incident.ended_at is not None:
                facts += [f"after {lasting(incident.ended_at - incident.started_at)}"]
            return _line("incident", f"{data.change}: {'; '.join(facts)}")
        case events.IncidentNoted() as data:
            said = f" by {data.moment.actor}" if data.moment.actor else ""
            words_ = f": {data.moment.text}" if data.moment.text else ""
            return _line("incident", f"{data.moment.what.replace('_', ' ')}{said}{words_}; {data.incident.title}")
        case events.RiskChanged() as data:
            due = data.risk.expected_at
            when = f"; users may feel it from {words.clock_time(due, event.at)}Z" if due else ""
            return _line("risk", f"{data.change}: {data.risk.title}{when if data.change != 'cleared' else ''}")
        case events.ProbeChanged() as data:
            return _line("probe", f"{data.probe} is {data.state}" + (f": {data.why}" if data.why else ""))
        case events.ComponentChanged() as data:
            change = f"{data.component}: {words.look(data.state).word}, before: {words.look(data.before).word}"
            return _line("component", change + (f"; {data.why}" if data.why else ""))
        case events.Noticed() as data:
            return _line("notice", data.title + (f"; {data.why}" if data.why else ""))
        case events.FailoverChanged() as data:
            word = f"{data.direction or 'failover'} {data.word.replace('_', ' ')}"
            return _line("failover", f"{data.group}: {word}: {data.title}" + (f"; {data.why}" if data.why else ""))
        case events.ReadinessChanged() as data:
            return _line("failover", data.title + (f"; {data.why}" if data.why else ""))
        case events.AlertRouted():
            return None  # what it says has a line already


def event_fields(event: "Event") -> dict[str, Any]:
    """For `--json`."""
    return {"at": event.at, "what": "event", "id": event.id, "type": event.type, "data": event.data}


def _check_line(data: "CheckChanged") -> str | None:
    if data.state == "suspected" or (data.before in ("suspected", "unknown") and data.state in ("up", "unknown")):
        return None
    place = f"{data.check}  {data.target}"
    if data.subject != data.target:  # two targets may share an address
        place += f" at {data.subject}"
    word = _WORDS.get(data.state, data.state)
    if data.state == "up":
        return _line(word, f"{place}  again")
    known = REASONS.get(data.reason or "")
    meaning = f"{known.meaning} ({data.reason}); look at: {known.look}" if known else data.reason or data.why
    meaning += _HERE.get(data.reason or "", "")
    return _line(word, "  ".join(filter(None, (place, meaning, data.evidence.words))))


def _line(word: str, text: str) -> str:
    return f"{word:<{_WIDTH}} {text}"


def _counts(states: Iterable[str]) -> dict[str, int]:
    return dict(Counter(states).most_common())


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {state.replace('_', ' ')}" for state, count in counts.items())
