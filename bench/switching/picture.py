"""Pictures as SVG text: what each policy costs at worst, and one night as two of them would have had it."""

from collections.abc import Mapping, Sequence
from html import escape

from bench.switching.nights import MIN, Span
from bench.switching.play import Night

WIDTH, LEFT, RIGHT = 960, 240, 40
INK, GRID, MUTED = "#1f2933", "#e4e7eb", "#616e7c"
OURS, OTHER, DOWN, STANDBY = "#0b7285", "#adb5bd", "#c92a2a", "#74c0fc"
ROW = 26


def bars(title: str, values: Mapping[str, float], goal: float) -> str:
    """One bar a name, the first one being ours; a line at the goal. 1 is the left edge: no worse than hindsight."""
    most = max(values.values())
    height = 60 + ROW * len(values) + 50
    inner = WIDTH - LEFT - RIGHT

    def x(value: float) -> float:
        return LEFT + (value - 1) / (most - 1) * inner

    parts = _open(height, title)
    for place, (name, value) in enumerate(values.items()):
        top = 50 + ROW * place
        parts.append(_text(LEFT - 8, top + 15, name.strip("*"), anchor="end", weight=600 if not place else 400))
        parts.append(_box(LEFT, top + 3, x(value) - LEFT, ROW - 8, OURS if not place else OTHER))
        inside = x(value) > WIDTH - RIGHT - 40
        parts.append(
            _text(x(value) + (-6 if inside else 6), top + 15, f"{value:.2f}", anchor="end" if inside else "start")
        )
    bottom = 50 + ROW * len(values)
    parts.append(f'<path d="M{x(goal):.1f} 46V{bottom}" stroke="{DOWN}" stroke-dasharray="4 3"/>')
    parts.append(_text(x(goal), bottom + 16, f"goal {goal:g}", colour=DOWN, anchor="middle"))
    parts.append(_text(LEFT, bottom + 34, "left edge: 1, as good as hindsight", colour=MUTED))
    return "\n".join([*parts, "</svg>"]) + "\n"


def timeline(title: str, spans: Sequence[Span], nights: Mapping[str, Night], started: str) -> str:
    """When the primary was down, and below it for each policy the share of traffic at the standby."""
    until = max((night.points[-1][0] for night in nights.values() if night.points), default=0.0)
    until = max(until, spans[-1][1]) + 5 * MIN
    height = 70 + 70 * (len(nights) + 1)
    inner = WIDTH - 130 - RIGHT

    def x(at: float) -> float:
        return 130 + min(at, until) / until * inner

    parts = _open(height, title)
    hour, minute = map(int, started.split(":"))
    for at in range(0, int(until / MIN) + 1, 15):
        here = x(at * MIN)
        parts.append(f'<path d="M{here:.1f} 44V{height - 40}" stroke="{GRID}"/>')
        clock = hour * 60 + minute + at
        parts.append(_text(here, height - 22, f"{clock // 60 % 24:02}:{clock % 60:02}", colour=MUTED, anchor="middle"))
    parts.append(_text(122, 74, "primary down", anchor="end"))
    parts += [_box(x(start), 54, x(end) - x(start), 34, DOWN) for start, end in spans]
    for place, (name, night) in enumerate(nights.items()):
        base = 54 + 70 * (place + 1) + 44
        parts.append(_text(122, base - 24, name.strip("*"), anchor="end", weight=600 if not place else 400))
        parts.append(_text(122, base - 8, f"{len(night.switches)} switches", colour=MUTED, anchor="end"))
        line = [(0.0, 0.0), *night.points, (until, night.points[-1][1] if night.points else 0.0)]
        shape = " ".join(f"L{x(at):.1f} {base - 44 * share:.1f}" for at, share in line)
        parts.append(f'<path d="M{x(0):.1f} {base} {shape} L{x(until):.1f} {base}Z" fill="{STANDBY}"/>')
        parts.append(f'<path d="M{x(0):.1f} {base}H{x(until):.1f}" stroke="{INK}"/>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def _open(height: int, title: str) -> list[str]:
    return [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" '
        'font-family="system-ui, sans-serif" font-size="12">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
        _text(20, 24, title, size=15, weight=600),
    ]


def _box(x: float, y: float, width: float, height: float, colour: str) -> str:
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(width, 1):.1f}" height="{height:.1f}" fill="{colour}"/>'


def _text(
    x: float, y: float, words: str, *, colour: str = INK, anchor: str = "start", size: int = 12, weight: int = 400
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" font-weight="{weight}" text-anchor="{anchor}" '
        f'fill="{colour}">{escape(words)}</text>'
    )
