"""The figures as docs/failover.md shows them: the block between two marks, and its pictures."""

import random
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from bench.switching.figures import COSTS, SEEDS, August, Costs, worst
from bench.switching.nights import REGIMES, august
from bench.switching.picture import bars, timeline
from bench.switching.play import play
from bench.switching.policies import POLICIES

DOCS = Path(__file__).parents[2] / "docs"
PAGE, IMAGES = DOCS / "failover.md", DOCS / "images"
BLOCK = "figures: written by make bench-failover"
END = "<!-- end of figures -->"
GOAL = 1.8
SHOWN_SEED = 2
SHOWN = ("**ours**", "mirror", "back after 10 min")


def write_pages(
    nights: Mapping[str, August],
    untouched: float,
    ratios: Mapping[str, Mapping[str, float]],
    cheap: Mapping[str, Mapping[str, float]],
    patterns: int,
    machine: str,
) -> None:
    """Writes the block and the pictures."""
    lines = [f"Simulated. {machine}; {datetime.now(UTC):%Y-%m-%d %H:%M} UTC.", ""]
    lines += [*august_table(nights, untouched), "", *ratio_table(ratios, patterns), "", *cheap_table(cheap)]
    write_block(BLOCK, lines)
    IMAGES.mkdir(exist_ok=True)
    title = "What fail-back costs at worst, over what hindsight would have paid (simulated)"
    image = bars(title, {name: worst(row) for name, row in ratios.items() if worst(row) < 12}, GOAL)
    (IMAGES / "failover-ratios.svg").write_text(image)
    spans = august(random.Random(SHOWN_SEED))
    played = {name: play(spans, POLICIES[name](), random.Random(SHOWN_SEED)) for name in SHOWN}
    title = "A night of 6 August 2025: traffic at the standby (simulated)"
    (IMAGES / "failover-night.svg").write_text(timeline(title, spans, played, "02:30"))


def write_block(name: str, lines: Sequence[str]) -> None:
    """Lines of the page between the mark of this name and the next end. The page must have both marks."""
    begin = f"<!-- {name} -->"
    head, found, rest = PAGE.read_text().partition(begin)
    _, ended, tail = rest.partition(END)
    if not (found and ended):
        raise ValueError(f"{PAGE.name} has no {begin} with an {END} after it")
    PAGE.write_text("\n".join([head + begin, "", *lines, "", END + tail]))


def august_table(nights: Mapping[str, August], untouched: float) -> list[str]:
    """Over the seeds."""
    lines = [
        f"6 August 2025 over {SEEDS} seeds (minutes; back: after the last outage ended):",
        "",
        "| policy | switchovers, mean (most) | users fail, mean (most) | at the standby | back, mean (latest) |",
        "|---|---|---|---|---|",
        f"| nobody switches | 0 | {untouched:.1f} | 0 | - |",
    ]
    for name, each in nights.items():
        never = "-" if not each.most else f"{each.back:.0f} ({each.latest_back:.0f})"
        lines.append(
            f"| {name} | {each.switchovers:.1f} ({each.most}) | {each.bad:.2f} ({each.worst_bad:.2f}) | "
            f"{each.standby:.0f} | {never} |"
        )
    return lines


def ratio_table(ratios: Mapping[str, Mapping[str, float]], patterns: int) -> list[str]:
    """The worst of the twelve, and the worst costs of each regime."""
    lines = [
        f"Cost over that of the optimum in hindsight, {patterns:,} patterns each; a regime's column has the worst of "
        f"{len(COSTS)} costs ({'; '.join(map(_costs, COSTS))}):",
        "",
        f"| policy | worst of {len(REGIMES) * len(COSTS)} | {' | '.join(REGIMES)} |",
        f"|---|---|{'---|' * len(REGIMES)}",
    ]
    for name, row in ratios.items():
        cells = [max(value for cell, value in row.items() if cell.startswith(regime)) for regime in REGIMES]
        lines.append(f"| {name} | {worst(row):.2f} | {' | '.join(f'{cell:.2f}' for cell in cells)} |")
    return lines


def cheap_table(ratios: Mapping[str, Mapping[str, float]]) -> list[str]:
    """Where a pair of switches costs next to nothing."""
    row = ratios["**ours**"]
    cells = ", ".join(f"{value:.2f} ({cell.rpartition(', ')[0]})" for cell, value in row.items())
    return [
        "Where a switch costs next to nothing (5 min of service by the standby, a minute in which users fail 10), ours "
        f"is at {cells}. Set a shorter `hold` there."
    ]


def _costs(costs: Costs) -> str:
    return f"{costs.name}: a switch {costs.switch:g} min at the standby, a minute in which users fail {costs.bad:g}"
