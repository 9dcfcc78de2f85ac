"""A flow's run as a waterfall, and how far its runs come as a funnel: history's rows put into what a page draws. Pure.

Widths and places are in per mille of the drawing: CSS scales it.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from collector.history.flows import CLEANUP
from collector.history.types import FlowRun, FunnelCount, StepSeen
from collector.retries.attempts import THROTTLED
from collector.web.words import Tone
from parallax.reasons import REASONS

WIDTH = 1000
PHASES = ("lookup", "connect", "tls", "send", "first_byte", "body", "pause")
"""Those that have a colour of their own; any other is drawn as `other`."""
CADENCES = ("full", "silent", "light", "")
MOST_STEPS = 24
MOST_PARTS = 14
MOST_HOPS = 10
MOST_REASONS = 4
MOST_CADENCES = 4
MOST_SEEN = 3000
"""Characters of all that was seen in one run. What probes make up must not make a page too large to read."""
_MOST_TEXT = 200
_MOST_LISTED = 8
_MOST_NAME = 60
_SHOWN: Mapping[str, str] = {
    "detail": "",
    "title": "page",
    "page": "taken for",
    "form": "form with",
    "pressed": "pressed",
    "alerts": "it says",
    "oauth_error": "OAuth error",
    "oauth_error_description": "described as",
    "status": "status",
    "url": "at",
    "location": "leads to",
    "expected": "expected",
    "found": "found",
    "missing": "missing",
    "claim": "claim",
    "host": "host",
    "retry_after": "Retry-After, s",
    "because": "because",
}
"""Findings that a page shows, in this order, and what it calls them."""

_OF_FAILURES = frozenset({"status", "url", "page"})
"""Those that say something where a step failed, and are only in the way elsewhere."""


class Part(msgspec.Struct, frozen=True):
    """A phase within a step. `shade` is one of PHASES or `other`."""

    name: str
    shade: str
    x: float
    width: float
    duration_ns: int


class Bar(msgspec.Struct, frozen=True, kw_only=True):
    """One step (or its second attempt) as a row."""

    name: str
    again: bool
    """It is a control attempt."""
    tone: Tone
    word: str
    x: float
    width: float
    later_ns: int
    """Since the run's start."""
    duration_ns: int
    parts: tuple[Part, ...]
    spans: tuple[tuple[str, int], ...]
    """The phases added up by name, ns."""
    reason: str | None
    fault: str | None
    seen: tuple[tuple[str, str], ...]
    hops: tuple[str, ...]


class Waterfall(msgspec.Struct, frozen=True, kw_only=True):
    """One run. `stopped` is the step where it stopped; None where it came through."""

    probe: str
    target: str
    cadence: str
    at: int
    duration_ns: int
    tone: Tone
    word: str
    stopped: str | None
    reason: str | None
    planned: int | None
    """How many steps its cadence has, where the probe said it."""
    bars: tuple[Bar, ...]
    hidden: int
    """Steps that are not shown."""


class FunnelRow(msgspec.Struct, frozen=True, kw_only=True):
    """A step: the runs that took it, and those that ended with it."""

    step: str
    runs: int
    width: float
    stopped_width: float
    stopped: tuple[tuple[str, str | None, int], ...]
    """Reason, fault, runs; the most frequent first."""


class Funnel(msgspec.Struct, frozen=True, kw_only=True):
    """How far the runs of one cadence come."""

    cadence: str
    runs: int
    through: int
    """Those that no reason stopped."""
    rows: tuple[FunnelRow, ...]


def waterfalls(runs: Iterable[FlowRun]) -> list[Waterfall]:
    """Whole flows before their lighter parts, by probe: an order that stays while an open page changes."""
    made = [waterfall(run) for run in runs if run.steps]
    return sorted(made, key=lambda one: (_cadence(one.cadence), one.probe, one.target))


def waterfall(run: FlowRun) -> Waterfall:
    """One run, which has steps."""
    steps = sorted(run.steps, key=lambda step: (step.at, step.attempt))
    start, end = steps[0].at, max(step.at + max(step.duration_ns, 0) for step in steps)
    scale = WIDTH / max(end - start, 1)
    last = _last(steps)
    stops = last.reason if _stops(last.reason) else None
    tone, word = _look(stops, last.fault) if stops else _well(steps)
    return Waterfall(
        probe=run.probe,
        target=run.target[:_MOST_TEXT],
        cadence=run.cadence[:_MOST_NAME],
        at=start,
        duration_ns=end - start,
        tone=tone,
        word=word,
        stopped=last.name[:_MOST_NAME] if stops else None,
        reason=stops[:_MOST_NAME] if stops else None,
        planned=next((place for step in steps if (place := _planned(step)) is not None), None),
        bars=_within(tuple(_bar(step, start, scale) for step in steps[:MOST_STEPS])),
        hidden=max(len(steps) - MOST_STEPS, 0),
    )


def funnels(counts: Iterable[FunnelCount]) -> list[Funnel]:
    """One for each cadence, whole flows first."""
    by_cadence: dict[str, list[FunnelCount]] = defaultdict(list)
    for count in counts:
        by_cadence[count.cadence].append(count)
    return [_funnel(cadence, by_cadence[cadence]) for cadence in sorted(by_cadence, key=_cadence)[:MOST_CADENCES]]


def _funnel(cadence: str, counts: list[FunnelCount]) -> Funnel:
    runs: dict[str, int] = defaultdict(int)
    place: dict[str, float] = {}
    stopped: dict[str, dict[tuple[str, str | None], int]] = defaultdict(lambda: defaultdict(int))
    for count in counts:
        runs[count.step] += count.runs
        place[count.step] = min(place.get(count.step, count.place), count.place)
        if count.stopped is not None and _stops(count.stopped):
            stopped[count.step][count.stopped, count.fault] += count.runs
    every = max(runs.values())
    steps = sorted(runs, key=lambda step: (place[step], -runs[step], step))[:MOST_STEPS]
    rows = tuple(
        FunnelRow(
            step=step[:_MOST_NAME],
            runs=runs[step],
            width=_tenth(runs[step] * WIDTH / every),
            stopped_width=_tenth(sum(stopped[step].values()) * WIDTH / every),
            stopped=tuple(
                (reason[:_MOST_NAME], fault[:_MOST_NAME] if fault else None, number)
                for (reason, fault), number in sorted(stopped[step].items(), key=lambda item: (-item[1], item[0][0]))
            )[:MOST_REASONS],
        )
        for step in steps
    )
    return Funnel(
        cadence=cadence[:_MOST_NAME],
        runs=every,
        through=max(every - sum(sum(reasons.values()) for reasons in stopped.values()), 0),
        rows=rows,
    )


def _bar(step: StepSeen, start: int, scale: float) -> Bar:
    tone, word = _look(step.reason, step.fault)
    spans: dict[str, int] = {}
    for name, _, duration_ns in step.phases:
        spans[name] = spans.get(name, 0) + duration_ns
    return Bar(
        name=step.name[:_MOST_NAME],
        again=step.attempt > 1,
        tone=tone,
        word=word,
        x=_tenth((step.at - start) * scale),
        width=_tenth(max(step.duration_ns * scale, 1)),
        later_ns=step.at - start,
        duration_ns=step.duration_ns,
        parts=tuple(
            Part(
                name[:_MOST_NAME],
                name if name in PHASES else "other",
                _tenth((step.at - start + begun) * scale),
                _tenth(max(duration_ns * scale, 0)),
                duration_ns,
            )
            for name, begun, duration_ns in step.phases[:MOST_PARTS]
        ),
        spans=tuple((name[:_MOST_NAME], span) for name, span in spans.items())[:_MOST_LISTED],
        reason=step.reason[:_MOST_NAME] if step.reason else None,
        fault=step.fault[:_MOST_NAME] if step.fault else None,
        seen=tuple(
            (label, text)
            for key, label in _SHOWN.items()
            if (step.reason is not None or key not in _OF_FAILURES)
            and (text := _text(step.findings.get(key))) is not None
        ),
        hops=tuple(_hop(hop) for hop in _list(step.findings.get("hops"))[-MOST_HOPS:] if isinstance(hop, dict)),
    )


def _within(bars: tuple[Bar, ...]) -> tuple[Bar, ...]:
    """The bars, without what was seen past MOST_SEEN; the last ones, where a run stops, have the first right to it."""
    left, kept = MOST_SEEN, []
    for bar in reversed(bars):
        left -= sum(len(label) + len(text) for label, text in bar.seen) + sum(map(len, bar.hops))
        kept.append(bar if left >= 0 else msgspec.structs.replace(bar, seen=(), hops=()))
    return tuple(reversed(kept))


def _last(steps: Sequence[StepSeen]) -> StepSeen:
    """The step that a run ended with: cleaning up comes after it. Where a control attempt failed as well, the first
    attempt says why."""
    last = next((step for step in reversed(steps) if step.name != CLEANUP), steps[-1])
    if last.reason is None:
        return last
    return next((step for step in steps if step.name == last.name and step.attempt == 1), last)


def _stops(reason: str | None) -> bool:
    """Whether a run that ends with this reason was stopped by it."""
    if reason is None:
        return False
    known = REASONS.get(reason)
    return known is None or not known.soft or reason in THROTTLED


def _look(reason: str | None, fault: str | None) -> tuple[Tone, str]:
    if reason is None:
        return "ok", "ok"
    if not _stops(reason):
        return "soft", "degraded"
    if fault == "blocked":
        return "warn", "throttled" if reason in THROTTLED else "blocked"
    if fault in ("config", "probe"):
        return "none", f"stopped by the {fault}"
    return "bad", "failed"


def _well(steps: Sequence[StepSeen]) -> tuple[Tone, str]:
    return ("soft", "degraded") if any(step.reason is not None for step in steps) else ("ok", "ok")


def _planned(step: StepSeen) -> int | None:
    place = _list(step.findings.get("place"))
    return place[1] if len(place) == 2 and isinstance(place[1], int) else None


def _hop(hop: Mapping[str, Any]) -> str:
    ms = hop.get("ms")
    took = f", {ms:g} ms" if isinstance(ms, int | float) and not isinstance(ms, bool) else ""
    return f"{hop.get('status', '–')} {hop.get('method', '')} {hop.get('url', '')}{took}"[:_MOST_TEXT]


def _text(value: object) -> str | None:
    """A finding as text; None for nothing."""
    if value is None or value == "" or value == [] or isinstance(value, bool):
        return None
    if isinstance(value, list):
        texts = [str(each) for each in value[:_MOST_LISTED] if isinstance(each, str | int | float)]
        return "; ".join(texts)[:_MOST_TEXT] or None
    return str(value)[:_MOST_TEXT] if isinstance(value, str | int | float) else None


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _cadence(name: str) -> tuple[int, str]:
    return (CADENCES.index(name) if name in CADENCES else len(CADENCES)), name


def _tenth(value: float) -> float:
    return round(min(max(value, 0.0), WIDTH), 1)
