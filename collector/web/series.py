"""A check's figures, as its chart and its table want them: which spans and steps there are, and history's points put
in columns. Pure.

Times are wall clock, ns since the Unix epoch; what goes to the browser is seconds and milliseconds.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

import msgspec

from collector.history import Point
from parallax.clock import NS

Measure = Literal["p50", "p95"]
_MS = 1_000_000
_STEPS_S = (60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400)
MOST_STEPS = 2000
"""Of one answer, whatever is asked for."""
MOST_POINTS = 25_000
"""Of one question to history: half of what it gives at most, as it may know subjects that the board has no more."""


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """How far back a chart goes. The chart's step is fine, the table's is one that a person can read."""

    words: str
    length_s: int
    chart_s: int
    table_s: int


SPANS: Mapping[str, Span] = {
    "1h": Span(words="1 hour", length_s=3600, chart_s=60, table_s=300),
    "6h": Span(words="6 hours", length_s=21_600, chart_s=60, table_s=1800),
    "24h": Span(words="24 hours", length_s=86_400, chart_s=120, table_s=3600),
    "7d": Span(words="7 days", length_s=604_800, chart_s=900, table_s=21_600),
}
USUAL_SPAN = "1h"
MEASURES: Mapping[Measure, str] = {"p50": "median", "p95": "95th percentile"}


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """From when to when, in whole steps, the last of which is not over yet."""

    since: int
    until: int
    step_s: int

    @property
    def steps(self) -> int:
        return (self.until - self.since) // (self.step_s * NS)


def window(now: int, length_s: int, step_s: int, period_s: float, lines: int = 1) -> Window:
    """The steps that cover the last `length_s` seconds. A check whose period is long gets longer steps: where a step
    holds less than one run, a line would be all gaps. So does one of many `lines` (probe and subject), to stay within
    what history gives."""
    least = max(step_s, 1.5 * period_s, length_s * lines / MOST_POINTS)
    step_s = next((step for step in _STEPS_S if step >= least), _STEPS_S[-1])
    step = step_s * NS
    until = -(-now // step) * step
    count = min(max(math.ceil(length_s / step_s), 1), MOST_STEPS)
    return Window(since=until - count * step, until=until, step_s=step_s)


def tail(whole: Window, since_s: float) -> Window:
    """The part of the window that begins with the step in which `since_s` (seconds since the epoch) lies."""
    step = whole.step_s * NS
    since = math.floor(min(max(since_s, 0), whole.until / NS) / whole.step_s) * step
    return Window(since=min(max(since, whole.since), whole.until - step), until=whole.until, step_s=whole.step_s)


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One probe's columns; a list has an entry for each step, None where nothing passed."""

    probe: str
    p50_ms: list[float | None]
    p95_ms: list[float | None]
    failed: list[tuple[int, int, int]]
    """(number of the step, failed, of how many that count); only steps in which something failed."""


class Chart(msgspec.Struct, frozen=True, kw_only=True):
    """What the browser draws. Seconds since the Unix epoch, milliseconds."""

    since_s: int
    until_s: int
    step_s: int
    lines: list[Line]
    """By probe."""


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    """One probe's figures in one step, over the chosen subjects: the slowest one's times, everyone's counts."""

    total: int
    failed: int
    abstained: int
    p50_ns: int | None
    p95_ns: int | None

    @property
    def counted(self) -> int:
        """The runs that say anything of the target."""
        return self.total - self.abstained


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One step of the table; a cell for each probe, None where it said nothing."""

    at: int
    cells: tuple[Cell | None, ...]


def chart(points: Iterable[Point], wanted: Window, subject: str | None = None) -> Chart:
    """The points as columns, one line a probe."""
    step = wanted.step_s * NS
    lines = []
    for probe, cells in sorted(_cells(points, wanted, subject).items()):
        p50: list[float | None] = [None] * wanted.steps
        p95: list[float | None] = [None] * wanted.steps
        failed = []
        for at, cell in sorted(cells.items()):
            place = (at - wanted.since) // step
            p50[place], p95[place] = _ms(cell.p50_ns), _ms(cell.p95_ns)
            if cell.failed:
                failed.append((place, cell.failed, cell.counted))
        lines.append(Line(probe=probe, p50_ms=p50, p95_ms=p95, failed=failed))
    return Chart(since_s=wanted.since // NS, until_s=wanted.until // NS, step_s=wanted.step_s, lines=lines)


def table(points: Iterable[Point], wanted: Window, subject: str | None = None) -> tuple[Sequence[str], Sequence[Row]]:
    """The probes' ids, and a row for each step in which one of them said something, the latest first."""
    cells = _cells(points, wanted, subject)
    probes = tuple(sorted(cells))
    times = sorted({at for of_probe in cells.values() for at in of_probe}, reverse=True)
    return probes, [Row(at=at, cells=tuple(cells[probe].get(at) for probe in probes)) for at in times]


def _cells(points: Iterable[Point], wanted: Window, subject: str | None) -> dict[str, dict[int, Cell]]:
    """By probe and step. A step that history begins elsewhere goes to the one it lies in."""
    step = wanted.step_s * NS
    found: dict[str, dict[int, Cell]] = {}
    for point in points:
        if not wanted.since <= point.at < wanted.until or (subject is not None and point.subject != subject):
            continue
        at = wanted.since + (point.at - wanted.since) // step * step
        cells = found.setdefault(point.probe, {})
        before = cells.get(at)
        cells[at] = Cell(
            total=point.total + (before.total if before else 0),
            failed=point.failed + (before.failed if before else 0),
            abstained=point.abstained + (before.abstained if before else 0),
            p50_ns=_slower(point.p50_ns, before.p50_ns if before else None),
            p95_ns=_slower(point.p95_ns, before.p95_ns if before else None),
        )
    return found


def _slower(one: int | None, other: int | None) -> int | None:
    return max((value for value in (one, other) if value is not None), default=None)


def _ms(ns: int | None) -> float | None:
    """To a tenth of a millisecond below 100, else whole: as a chart can show it."""
    if ns is None:
        return None
    ms = ns / _MS
    return round(ms, 2) if ms < 10 else round(ms, 1) if ms < 100 else round(ms)
