"""Pictures of delay against false alarms, as SVG text. No library: a few lines, dots and words.

The horizontal axis is logarithmic. A rule that gave no false alarm stands at the left edge as a ring, and a thin line
leads to the bound up to which that is known.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from math import floor, log10

WIDTH, PANEL_H, LEFT, RIGHT, TOP, BOTTOM = 960, 330, 64, 24, 56, 50
GAP = 60
INK, GRID, MUTED = "#1f2933", "#e4e7eb", "#616e7c"
COLOURS = {"ours": "#0b7285", "1": "#c92a2a", "2": "#e67700", "3": "#862e9c", "rival": "#495057"}
LEAST = 0.002


@dataclass(frozen=True, slots=True)
class Dot:
    """A rule: its false alarms a month, their upper bound, its median delay in seconds."""

    label: str
    rate: float
    bound: float
    delay: float


@dataclass(frozen=True, slots=True)
class Line:
    """Rules of one kind, from the most eager to the most patient. `key` is its colour."""

    name: str
    key: str
    dots: Sequence[Dot]
    labelled: bool = False


@dataclass(frozen=True, slots=True)
class Panel:
    """One kind of weather."""

    title: str
    lines: Sequence[Line]
    goal: float | None = None
    """False alarms a month that are accepted."""


def picture(title: str, panels: Sequence[Panel], *, most_s: float) -> str:
    """Panels side by side under one title; delays go from 0 to `most_s`."""
    height = TOP + PANEL_H + BOTTOM + 40
    each_w = (WIDTH - LEFT - RIGHT - GAP * (len(panels) - 1)) / len(panels)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" '
        'font-family="system-ui, sans-serif" font-size="12">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
        _text(LEFT, 22, title, size=15, weight=600),
    ]
    for number, panel in enumerate(panels):
        parts += _panel(panel, LEFT + number * (each_w + GAP), each_w, most_s)
    named: dict[str, Line] = {line.name: line for panel in panels for line in panel.lines if line.dots}
    x = float(LEFT)
    for line in named.values():
        colour = COLOURS[line.key]
        parts.append(f'<circle cx="{x + 5:.1f}" cy="{height - 16}" r="4.5" fill="{colour}"/>')
        parts.append(_text(x + 14, height - 12, line.name))
        x += 30 + 6.6 * len(line.name)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _panel(panel: Panel, left: float, width: float, most_s: float) -> list[str]:
    most = max([1.0, *(dot.rate for line in panel.lines for dot in line.dots)])
    decades = (floor(log10(LEAST)), floor(log10(most)) + 1)
    low, high = log10(LEAST), float(decades[1])

    def at(rate: float) -> float:
        return left + (log10(max(rate, LEAST)) - low) / (high - low) * width

    def up(delay: float) -> float:
        return TOP + PANEL_H - min(delay, most_s) / most_s * PANEL_H

    parts = [_text(left, TOP - 10, panel.title, weight=600)]
    step = next(s for s in (5, 10, 20, 25, 50, 100) if most_s / s <= 10)
    for second in range(0, int(most_s) + 1, step):
        parts.append(_line(left, up(second), left + width, up(second), GRID))
        parts.append(_text(left - 8, up(second) + 4, str(second), anchor="end", colour=MUTED))
    for decade in range(decades[0] + 1, decades[1] + 1):
        x = at(10.0**decade)
        parts.append(_line(x, TOP, x, TOP + PANEL_H, GRID))
        parts.append(_text(x, TOP + PANEL_H + 18, f"{10.0**decade:g}", anchor="middle", colour=MUTED))
    parts.append(_text(at(LEAST), TOP + PANEL_H + 18, "none", anchor="middle", colour=MUTED))
    parts.append(
        _text(left + width / 2, TOP + PANEL_H + 38, "false alarms a month and target", anchor="middle", colour=MUTED)
    )
    parts.append(_text(left, TOP + 14, " s, median delay", colour=MUTED))
    if panel.goal is not None:
        x = at(panel.goal)
        parts.append(
            f'<line x1="{x:.1f}" y1="{TOP}" x2="{x:.1f}" y2="{TOP + PANEL_H}" stroke="{COLOURS["ours"]}" '
            'stroke-width="1" stroke-dasharray="4 4"/>'
        )
    for line in panel.lines:
        parts += _series(line, at, up, most_s, left + width)
    return parts


def _series(line: Line, at, up, most_s: float, right: float) -> list[str]:  # type: ignore[no-untyped-def]
    colour = COLOURS[line.key]
    shown = [dot for dot in line.dots if dot.delay <= most_s]
    parts = []
    if len(shown) > 1:
        points = " ".join(f"{at(dot.rate):.1f},{up(dot.delay):.1f}" for dot in shown)
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.5" opacity="0.55"/>')
    for dot in shown:
        x, y = at(dot.rate), up(dot.delay)
        if not dot.rate:
            parts.append(_line(x, y, at(dot.bound), y, colour, opacity=0.35))
        fill = colour if dot.rate else "#ffffff"
        radius = 6 if line.key == "ours" else 4
        parts.append(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius}" fill="{fill}" stroke="{colour}" stroke-width="2">'
            f"<title>{escape(dot.label)}: {dot.delay:.1f} s, {dot.rate:.3g} a month, at most {dot.bound:.2g}</title>"
            "</circle>"
        )
        if line.labelled:
            end = x > right - 110
            parts.append(
                _text(x + (-10 if end else 10), y - 8, dot.label, anchor="end" if end else "start", colour=colour)
            )
    return parts


def _text(
    x: float, y: float, words: str, *, size: int = 12, weight: int = 400, anchor: str = "start", colour: str = INK
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" font-weight="{weight}" text-anchor="{anchor}" '
        f'fill="{colour}">{escape(words)}</text>'
    )


def _line(x1: float, y1: float, x2: float, y2: float, colour: str, *, opacity: float = 1.0) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}" opacity="{opacity}"/>'
