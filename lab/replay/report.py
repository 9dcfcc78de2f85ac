"""What came of playing, as people and machines read it. Pure.

The timeline has what really happened and what Parallax says side by side, by time. For machines it is one JSON object:
`events` as the journal `events` has them, each with its `type`, and `expectations`, each with `name`, `expected`,
`observed` and `met`.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from collector.events import Event
from collector.routing.facts import key_of
from lab.replay.expectations import Outcome, Played
from lab.replay.playing import Performance
from lab.replay.script import Script, ns_of
from lab.replay.words import words_of
from parallax.clock import NS, rfc3339
from parallax.spans import lasting

MOST_LINES = 200
"""Of the timeline; what opens and closes stays, and the rest is counted."""


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the timeline: one of the two sides, or both."""

    at: int
    after: str
    """Since the start of the window: "+14 s"; "-4 min" before it."""
    real: str = ""
    said: str = ""


def timeline(script: Script | None, played: Played) -> list[Line]:
    """By time; at one moment what really happened comes first."""
    lines = [
        Line(at=at, after=after_text(at, played), real=fact.what)
        for fact in (script.fact if script is not None else ())
        for at in [ns_of(fact.at)]
    ]
    pages = {(told.at, told.key, told.type): told.receiver for told in played.told}
    for event in played.events:
        words = words_of(event)
        if words:
            lines.append(Line(at=event.at, after=after_text(event.at, played), said=words + _to(event, pages)))
    lines.sort(key=lambda line: (line.at, not line.real))
    return _bounded(lines)


def after_text(at: int, played: Played) -> str:
    """How long after the start."""
    gone = at - played.start
    if abs(gone) < 120 * NS:
        return f"{gone / NS:+.0f} s"
    return ("+" if gone >= 0 else "-") + lasting(abs(gone))


def outcome_lines(outcomes: Sequence[Outcome]) -> list[tuple[str, str, str, str]]:
    """(met or missed; name; expected; observed)."""
    words = {True: "met", False: "MISSED"}
    return [(words[each.met], each.name, value_text(each.expected), value_text(each.observed)) for each in outcomes]


def over_seeds(performances: Sequence[Performance]) -> list[Outcome]:
    """One outcome for all seeds: met where each of them is met. Of figures: the median and the worst."""
    found = []
    for number, first in enumerate(performances[0].outcomes):
        every = [performance.outcomes[number] for performance in performances]
        met = all(each.met for each in every)
        if len(performances) == 1:
            found.append(first)
            continue
        good = sum(each.met for each in every)
        text = f"{good} of {len(every)} seeds"
        figures = sorted(each.observed for each in every if isinstance(each.observed, int | float))
        if len(figures) == len(every) and not isinstance(first.observed, bool):
            text += f"; median {figures[len(figures) // 2]:g}, worst {figures[-1]:g}"
        missed = [str(performance.seed) for performance in performances if not performance.outcomes[number].met]
        if missed:
            text += f"; missed with seed {', '.join(missed[:5])}" + (" and more" if len(missed) > 5 else "")
        found.append(Outcome(name=first.name, expected=first.expected, observed=text, met=met))
    return found


def as_json(performances: Sequence[Performance]) -> dict[str, Any]:
    """For machines. The events are those of the first seed."""
    played = performances[0].played
    return {
        "events": [{"type": event.type, **msgspec.to_builtins(event)} for event in played.events],
        "expectations": [msgspec.to_builtins(outcome) for outcome in over_seeds(performances)],
        "messages": [msgspec.to_builtins(told) for told in played.told],
        "records": played.records,
        "observations": played.observations,
        "seeds": [performance.seed for performance in performances],
    }


def clock_text(at: int) -> str:
    """The time of day."""
    return rfc3339(at)[11:19]


def value_text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _to(event: Event, pages: dict[tuple[int, str, str], str]) -> str:
    receiver = pages.get((event.at, key_of(event), event.type))
    return f" -> {receiver}" if receiver else ""


def _bounded(lines: list[Line]) -> list[Line]:
    if len(lines) <= MOST_LINES:
        return lines
    kept = [line for line in lines if line.real or not line.said.startswith("incident updated")]
    left = len(lines) - len(kept[:MOST_LINES])
    last = kept[:MOST_LINES][-1]
    more = Line(at=last.at, after="", said=f"... and {left} more lines; --json has them all")
    return [*kept[:MOST_LINES], more]
