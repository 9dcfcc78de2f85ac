"""One static page with what every dashboard shows: the queries of the JSON that is deployed, asked for real. uPlot
draws the lines; the rest is plain HTML. It is no Grafana: variables stand at All, and nothing can be clicked.

uPlot (MIT) is what the collector's own page uses; its files and the world's outline are handed in.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from html import escape
from importlib.resources import files
from typing import Any

import msgspec

from dashboards.figures import Line, Look, Panel, lines_of, look_of, rows_of
from dashboards.frame import CHOICES, NUMBERS
from dashboards.influxdb import Ask, Series
from dashboards.influxql import expand

NS_PER_MS = 1_000_000
MOST_ROWS = 40
MOST_LABELS = 4
"""One below the other."""
GLYPH, LINE = 6.5, 15.0
"""How wide a letter is, and how high a line, in units of the map."""
Box = tuple[float, float, float]
"""A line of the map: where it begins, its base line, its width."""
MOST_LINES = 30
ALL: dict[str, list[str]] = {name: [] for name in CHOICES} | {
    name: [f"{start:g}"] for name, (_, _, start) in NUMBERS.items()
}
"""Variables as a dashboard begins with them."""
COLOURS = {
    "green": "#3d9a5b", "yellow": "#d9a514", "orange": "#e07b1f", "red": "#d33f3f", "blue": "#3b7dd8",
    "text": "#8a94a3", "purple": "#8f5bd1",
}  # fmt: skip
"""Grafana's names."""
LINES = ("#3b7dd8", "#e07b1f", "#3d9a5b", "#8f5bd1", "#d33f3f", "#1f9fa8", "#b5651d", "#c2478f", "#6b7a1f", "#5a6b8c")
_OWN = files("dashboards") / "page"
"""The page's own style and script."""


class World(msgspec.Struct, frozen=True):
    """A map of the world: the land as an SVG element, its size, and what makes (x, y) of latitude and longitude."""

    land: str
    width: float
    height: float
    project: Callable[[float, float], tuple[float, float]]


class Assets(msgspec.Struct, frozen=True):
    """What the page is made with: uPlot's script and style, and the world."""

    script: str
    style: str
    world: World


class Page:
    """One page in the making."""

    def __init__(self, ask: Ask, since: int, until: int, world: World) -> None:
        self._ask, self._since, self._until, self._world = ask, since, until, world
        self.plots: list[dict[str, Any]] = []
        self.empty: list[str] = []
        """Panels whose queries gave nothing."""

    def board(self, name: str, board: Mapping[str, Any]) -> str:
        cells = "".join(self._cell(board, panel) for panel in board["panels"])
        return (
            f'<section id="{escape(name)}"><h2>{escape(board["title"])}</h2><p>{escape(board["description"])}</p>'
            f'<div class="grid">{cells}</div></section>'
        )

    def _cell(self, board: Mapping[str, Any], panel: Panel) -> str:
        at = panel["gridPos"]
        place = f"grid-area:{at['y'] + 1}/{at['x'] + 1}/span {at['h']}/span {at['w']}"
        if panel["type"] == "row":
            return f'<div class="row" style="{place}">{escape(panel["title"])}</div>'
        answers = [
            self._ask(expand(target["query"], ALL, self._since, self._until, panel)) for target in panel["targets"]
        ]
        if not any(answers):
            self.empty.append(f"{board['title']}: {panel['title']}")
            body = '<div class="none">nothing in this time</div>'
        else:
            body = _DRAW[panel["type"]](self, panel, answers)
        why = escape(panel["description"])
        return (
            f'<div class="panel" style="{place}" title="{why}"><h3>{escape(panel["title"])}</h3>'
            f'<div class="body">{body}</div></div>'
        )

    def _lines(self, panel: Panel, answers: list[Series]) -> list[Line]:
        made = [
            line for target, found in zip(panel["targets"], answers, strict=True) for line in lines_of(target, found)
        ]
        return [line for line in made if line.last is not None]

    def plot(self, panel: Panel, answers: list[Series]) -> str:
        lines = self._lines(panel, answers)[:MOST_LINES]
        defaults = panel["fieldConfig"]["defaults"]
        custom = defaults.get("custom", {})
        moments = sorted({at for line in lines for at, _ in line.points})
        values: list[list[Any]] = []
        for line in lines:
            by_moment = dict(line.points)
            values.append([by_moment.get(moment) for moment in moments])
        stacked = custom.get("stacking", {}).get("mode") == "normal"
        if stacked:
            values = _stacked(values)
        order = list(reversed(range(len(lines)))) if stacked else list(range(len(lines)))
        names = [_last_word(panel, lines[n]) for n in order]
        self.plots.append(
            {
                "range": [self._since / 1e9, self._until / 1e9],
                "x": [moment / 1000 for moment in moments], "values": [values[n] for n in order], "names": names,
                "colours": [LINES[n % len(LINES)] for n in order], "unit": defaults.get("unit", ""),
                "low": defaults.get("min"), "high": defaults.get("max"), "stacked": stacked,
                "bars": custom.get("drawStyle") == "bars",
                "steps": [
                    [step["value"], COLOURS.get(step["color"], "#888")]
                    for step in defaults.get("thresholds", {}).get("steps", []) if step.get("value") is not None
                ],
            }
        )  # fmt: skip
        return f'<div data-plot="{len(self.plots) - 1}" style="height:100%"></div>'

    def stats(self, panel: Panel, answers: list[Series]) -> str:
        cells = []
        for line in self._lines(panel, answers):
            look = look_of(panel, line.last)
            name = "" if line.name == panel["title"] else f"<small>{escape(line.name)}</small>"
            cells.append(f'<div style="color:{_css(look)}">{escape(look.text)}{name}</div>')
        return f'<div class="stats">{"".join(cells)}</div>'

    def bars(self, panel: Panel, answers: list[Series]) -> str:
        defaults = panel["fieldConfig"]["defaults"]
        lines = self._lines(panel, answers)
        low = defaults.get("min", 0)
        high = defaults.get("max") or max((line.last for line in lines), default=1) or 1
        made = []
        for line in lines:
            look = look_of(panel, line.last)
            width = min(max((line.last - low) / (high - low), 0), 1) * 100
            made.append(
                f'<div class="bar"><span>{escape(line.name)} '
                f'<b style="color:{_css(look)}">{escape(look.text)}</b></span>'
                f'<div><i style="width:{width:.1f}%;background:{_css(look)}"></i></div></div>'
            )
        return "".join(made)

    def lanes(self, panel: Panel, answers: list[Series]) -> str:
        since, until = self._since // NS_PER_MS, self._until // NS_PER_MS
        made = []
        for line in self._lines(panel, answers):
            known = [(at, look_of(panel, value)) for at, value in line.points if value is not None]
            parts = []
            for first, last, look in _merged(known, until):
                first = max(first, since)  # a minute begins before the time shown
                left, width = ((first - since) / (until - since) * 100, (last - first) / (until - since) * 100)
                text = escape(look.text) if width > 6 else ""
                parts.append(
                    f'<i style="left:{left:.2f}%;width:{width:.2f}%;background:{_css(look)}" '
                    f'title="{escape(look.text)}">{text}</i>'
                )
            name = escape(line.name)
            made.append(f'<div class="lane"><span title="{name}">{name}</span><div>{"".join(parts)}</div></div>')
        return "".join(made)

    def table(self, panel: Panel, answers: list[Series]) -> str:
        (found,) = answers
        columns, rows = rows_of(panel, found)
        head = "".join(f"<th>{escape(column)}</th>" for column in columns)
        body = "".join(
            "<tr>"
            + "".join(_table_cell(panel, column, value) for column, value in zip(columns, row, strict=True))
            + "</tr>"
            for row in rows[:MOST_ROWS]
        )
        more = f"<p>and {len(rows) - MOST_ROWS} rows more</p>" if len(rows) > MOST_ROWS else ""
        return f"<table><tr>{head}</tr>{body}</table>{more}"

    def world(self, panel: Panel, answers: list[Series]) -> str:
        columns, rows = rows_of(panel, answers[0])
        shown = panel["options"]["layers"][0]["config"]["style"]["color"]["field"]
        cells = [dict(zip(columns, row, strict=True)) for row in rows]
        spots = [
            (*self._world.project(cell["latitude"], cell["longitude"]), cell)
            for cell in cells
            if cell.get("latitude") is not None and cell.get("longitude") is not None
        ]
        drawn: list[str] = []
        taken: list[Box] = []
        for (x, y), cell in {(x, y): cell for x, y, cell in reversed(spots)}.items():  # the first of each place
            look = look_of(panel, cell.get(shown))
            drawn.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="9" fill="{_css(look)}" opacity=".85"/>')
            taken.append((x - 9, y + 5, 18))
        for x, y, cell in spots:
            text = f"{cell.get('site', '')} {look_of(panel, cell.get(shown)).text}"
            if label := free_label(x + 13, y + 5, text, taken):
                taken.append(label)
                drawn.append(f'<text x="{label[0]:.1f}" y="{label[1]:.1f}">{escape(text)}</text>')
        box = f"0 0 {self._world.width:g} {self._world.height:g}"
        return f'<svg viewBox="{box}" preserveAspectRatio="xMidYMid meet">{self._world.land}{"".join(drawn)}</svg>'


_DRAW = {
    "timeseries": Page.plot,
    "stat": Page.stats,
    "bargauge": Page.bars,
    "state-timeline": Page.lanes,
    "table": Page.table,
    "geomap": Page.world,
}
"""By the panel's type."""


def free_label(x: float, y: float, text: str, taken: Sequence[Box]) -> Box | None:
    """Where a label stands: right there or below, where none of these overlaps it; None where all is taken."""
    wide = len(text) * GLYPH
    for at in (y + step * LINE for step in range(MOST_LABELS)):
        if not any(abs(at - up) < LINE and x < left + width and left < x + wide for left, up, width in taken):
            return x, at, wide
    return None


def page_of(
    boards: Mapping[str, Mapping[str, Any]], ask: Ask, since: int, until: int, assets: Assets
) -> tuple[str, list[str]]:
    """The whole page, and the panels that show nothing. Times are ns since the Unix epoch. Raises what `ask` does."""
    style, script = ((_OWN / name).read_text() for name in ("preview.css", "preview.js"))
    page = Page(ask, since, until, assets.world)
    sections = "".join(page.board(name, board) for name, board in boards.items())
    links = "".join(f'<a href="#{escape(name)}">{escape(board["title"])}</a>' for name, board in boards.items())
    said = f"{_moment(since // NS_PER_MS)} to {_moment(until // NS_PER_MS)} UTC"
    data = json.dumps(page.plots, separators=(",", ":")).replace("</", "<\\/")
    whole = (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>Parallax dashboards, a preview</title><style>{assets.style}{style}</style>"
        f"<h1>Dashboards, a preview</h1><p>What Grafana would show of {escape(said)}, drawn without Grafana.</p>"
        f"<nav>{links}</nav>{sections}"
        f'<script type="application/json" id="data">{data}</script>'
        f"<script>{assets.script}</script><script>{script}</script></html>\n"
    )
    return whole, page.empty


def _stacked(values: list[list[Any]]) -> list[list[Any]]:
    total = [0.0] * (len(values[0]) if values else 0)
    made = []
    for line in values:
        total = [before + (value or 0) for before, value in zip(total, line, strict=True)]
        made.append(list(total))
    return made


def _last_word(panel: Panel, line: Line) -> str:
    return f"{line.name} {look_of(panel, line.last).text}"


def _merged(known: list[tuple[int, Look]], until: int) -> list[tuple[int, int, Look]]:
    """Spans in which a line looks the same."""
    spans: list[tuple[int, int, Look]] = []
    for place, (at, look) in enumerate(known):
        end = known[place + 1][0] if place + 1 < len(known) else until
        if spans and spans[-1][2].colour == look.colour:
            spans[-1] = (spans[-1][0], end, look)
        else:
            spans.append((at, end, look))
    return spans


def _table_cell(panel: Panel, column: str, value: Any) -> str:
    if column == "Time" and isinstance(value, int):
        return f"<td>{_moment(value)}</td>"
    look = look_of(panel, value, column)
    colour = f' style="color:{_css(look)}"' if look.colour else ""
    return f"<td{colour}>{escape(look.text)}</td>"


def _css(look: Look) -> str:
    return COLOURS.get(look.colour, "currentcolor")


def _moment(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")
