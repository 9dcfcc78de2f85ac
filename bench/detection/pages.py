"""The figures as a page shows them: the block of docs/detection.md between two marks, and its pictures."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from bench.detection.curves import Dot, Line, Panel, picture
from bench.detection.figures import Figures
from bench.detection.rivals import RIVALS, TUNED
from bench.detection.scores import lorden_bound_s
from bench.detection.trials import OURS, TARGETS, title
from bench.detection.world import NOISES

DOCS = Path(__file__).parents[2] / "docs"
PAGE, IMAGES = DOCS / "detection.md", DOCS / "images"
BEGIN, END = "<!-- figures: written by make bench-detect -->", "<!-- end of figures -->"
GOALS = {"nominal": 0.02, "stress": 0.15}
YEARS_S = 10 * 365.25 * 86_400
FASTER_ROWS = {5: "5 probes", 15: "15 probes"}


def write_pages(figures: Figures, machine: str) -> None:
    """Writes the block and the pictures. The page must have both marks."""
    text = PAGE.read_text()
    head, _, rest = text.partition(BEGIN)
    _, _, tail = rest.partition(END)
    PAGE.write_text("\n".join([head + BEGIN, *block(figures, machine), END + tail]))
    IMAGES.mkdir(exist_ok=True)
    for probes, row in FASTER_ROWS.items():
        rivals = [name for name, (_, size, _, _) in RIVALS.items() if (size >= 15) == (probes == 15)]
        text = picture(f"Hard outage, {probes} probes (simulated)", _panels(figures, row, rivals, 0.98), most_s=100)
        (IMAGES / f"detection-hard-{probes}.svg").write_text(text)
    text = picture("30 % of runs fail, 15 probes (simulated)", _panels(figures, "15 probes", [], 0.3), most_s=200)
    (IMAGES / "detection-partial-15.svg").write_text(text)


def block(figures: Figures, machine: str) -> list[str]:
    """Tables, as lines of Markdown."""
    lines = ["", f"Simulated; real: not yet measured. {machine}; {datetime.now(UTC):%Y-%m-%d %H:%M} UTC.", ""]
    lines += [
        "| rule | false alarms a month, nominal | stress | delay, median / p95 s | seen within 20 s | recovery s |",
        "|---|---|---|---|---|---|",
    ]
    for row in OURS:
        if figures.delay(row.name, "ours"):
            lines.append(_row(figures, f"**ours, {row.name}**", row.name, "ours"))
    for name, (_, probes, period_s, _) in RIVALS.items():
        if figures.delay(name, "rival"):
            lines.append(_row(figures, f"{name}: {probes} every {period_s:g} s", name, "rival"))
    for row_name in FASTER_ROWS.values():
        for noise, budget in GOALS.items():
            if rule := figures.best_tuned(row_name, budget, noise):
                lines.append(_row(figures, f"{row_name}, {rule}: best within {budget} {noise}", row_name, rule))
    lines += ["", "Part of the runs fail (median / p95 s; missed in ten minutes):", ""]
    lines += ["| rule | 30 % | 10 % | false a month, nominal | stress |", "|---|---|---|---|---|"]
    for row_name in FASTER_ROWS.values():
        if figures.delay(row_name, "ours hurt", 0.3):
            lines.append(_part(figures, f"**ours, {row_name}**, degraded or down", row_name, "ours hurt", hurt="ours"))
            if rule := figures.best_tuned(row_name, 0.2, "nominal", 0.3):
                lines.append(_part(figures, f"{row_name}, {rule}: best within 0.2 nominal", row_name, rule))
    for name in RIVALS:
        if figures.delay(name, "rival", 0.3):
            lines.append(_part(figures, name, name, "rival"))
    lines += ["", "What it costs, and how close it is to what can be reached:", ""]
    lines += [
        "| fleet | asked runs over the grid, nominal | stress | floor s | floor / median | Lorden's bound s |",
        "|---|---|---|---|---|---|",
    ]
    for row in OURS:
        delay = figures.delay(row.name, "ours")
        if delay and delay[0]:
            floor = figures.floor(row.name)
            bound = lorden_bound_s(row.probes, row.period_s, 0.005, 0.98, YEARS_S)
            costs = " | ".join(_percent(figures.cost(row.name, noise)) for noise in NOISES)
            lines.append(f"| {row.name} | {costs} | {floor:.1f} | {floor / delay[0]:.2f} | {bound:.0f} |")
    if figures.fleets:
        lines += ["", f"One fleet of 5 probes with {TARGETS} targets, which share its weather:", ""]
        lines += [
            "| weather | months | false alarms a month, all targets together | a month and target |",
            "|---|---|---|---|",
        ]
        for noise, tally in figures.fleets.items():
            rate = tally.down / tally.months
            lines.append(f"| {noise} | {tally.months:g} | {rate:.2f} | {rate / TARGETS:.4f} |")
    return [*lines, ""]


def _row(figures: Figures, label: str, row: str, rule: str) -> str:
    rates = " | ".join(_rate(figures.rate(row, rule, noise)) for noise in NOISES)
    soon, recovery = figures.soon(row, rule), figures.recovery(row, rule)
    return (
        f"| {label} | {rates} | {_delay(figures.delay(row, rule))} | {_percent(soon)} | "
        f"{'-' if recovery is None else f'{recovery:.0f}'} |"
    )


def _part(figures: Figures, label: str, row: str, rule: str, *, hurt: str = "") -> str:
    cells = []
    for share in (0.3, 0.1):
        missed = figures.missed(row, rule, share)
        cells.append(f"{_delay(figures.delay(row, rule, share))} ({_percent(missed)})")
    rates = [figures.rate(row, hurt or rule, noise, hurt=bool(hurt)) for noise in NOISES]
    return f"| {label} | {' | '.join(cells)} | {' | '.join(map(_rate, rates))} |"


def _rate(rate: tuple[float, float, float] | None) -> str:
    if rate is None:
        return "-"
    return f"{rate[0]:.2g} (<= {rate[1]:.2g}; {rate[2]:g} months)"


def _delay(delay: tuple[float | None, float | None] | None) -> str:
    if delay is None:
        return "-"
    return " / ".join("missed" if each is None else f"{each:.1f}" for each in delay)


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f} %".replace(".0 %", " %")


def _panels(figures: Figures, row: str, rivals: Sequence[str], share: float) -> list[Panel]:
    panels = []
    for noise in NOISES:
        lines = []
        for fails in (1, 2, 3):
            rules = [title(rule) for rule in TUNED if rule.fails == fails]
            dots = [dot for rule in rules if (dot := _dot(figures, row, rule, noise, share, rule))]
            lines.append(Line(f"staggered share of latest, {fails} in a row", str(fails), dots))
        dots = [dot for name in rivals if (dot := _dot(figures, name, "rival", noise, share, name))]
        lines += [Line(dot.label, "rival", [dot], labelled=True) for dot in dots]
        hurt = share < 0.9
        own = _dot(figures, row, "ours hurt" if hurt else "ours", noise, share, "ours", hurt=hurt)
        lines.append(Line("ours", "ours", [own] if own else [], labelled=True))
        panels.append(Panel(f"{noise} weather", lines, 0.2 if hurt else GOALS[noise]))
    return panels


def _dot(
    figures: Figures, row: str, rule: str, noise: str, share: float, label: str, *, hurt: bool = False
) -> Dot | None:
    rate = figures.rate(row, "ours" if hurt else rule, noise, hurt=hurt)
    delay = figures.delay(row, rule, share)
    if rate is None or delay is None or delay[0] is None:
        return None
    return Dot(label, rate[0], rate[1], delay[0])
