"""How fast outages are seen, and how often there is none: our detector and the rules of others in one simulated world.

    python -m bench.detect [--months N] [--outages N] [--row NAME ...] [--keep FILE] [--pages]

Everything is simulated, from seeds: two kinds of weather, outages of all runs and of a share of them
(bench/detection/world.py), and each rule on the same runs. Without options it is the quick mode, minutes on one core;
`make bench-detect` is the long one, which also writes the figures and curves of docs/detection.md (`--pages`). Figures
are kept in FILE as they come, and what is there already is not done again. Prints one line of JSON, last.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench.detection.figures import figures_of
from bench.detection.pages import write_pages
from bench.detection.rivals import RIVALS
from bench.detection.trials import (
    LENGTHS_S,
    OURS,
    Tally,
    fleet_month,
    outage,
    quiet_month,
    rival_month,
    rival_outage,
)
from bench.detection.world import NOISES
from bench.report import machine

CHUNK = 6
"""Months that one job does."""
OUTAGES = 50
PARTS = ("5 probes", "15 probes")
"""Rows whose outages of a share of runs are looked at, too."""
FULL_WEATHER = ("1 probe", "3 probes", "5 probes", "15 probes")
"""Rows whose false alarms are counted: how probes are asked changes those little."""
FLEETS = 60
"""One in so many months is also done with many targets."""

Job = tuple[str, str, str, int, int]
"""What, which row or rule, noise or share, from, to."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench.detect")
    parser.add_argument("--months", type=int, default=6)
    parser.add_argument("--outages", type=int, default=100)
    parser.add_argument("--row", action="append", default=[])
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--pages", action="store_true")
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)))
    options = parser.parse_args()
    kept: dict[str, Any] = {}
    if options.keep and options.keep.exists():
        kept = json.loads(options.keep.read_text())
    jobs = [job for job in _jobs(options.months, options.outages) if not options.row or job[1] in options.row]
    todo = [job for job in jobs if _name(job) not in kept]
    print(f"bench.detect: {options.months} months, {options.outages} outages, {len(todo)} jobs", file=sys.stderr)
    began = time.monotonic()
    with ProcessPoolExecutor(options.workers) as pool:
        under_way = {pool.submit(_work, job): job for job in todo}
        for number, done in enumerate(as_completed(under_way), start=1):
            kept[_name(under_way[done])] = done.result()
            if options.keep:
                options.keep.write_text(json.dumps(kept))
            if number % 20 == 0 or number == len(todo):
                print(f"  {number} of {len(todo)}, {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    figures = figures_of({name: kept[name] for name in map(_name, jobs) if name in kept})
    if options.pages:
        write_pages(figures, machine())
    print(json.dumps({"bench": "Detection (simulated)", "months": options.months, **figures.brief()}))
    return 0


def _jobs(months: int, outages: int) -> Iterator[Job]:
    for start in range(0, outages, OUTAGES):
        end = min(start + OUTAGES, outages)
        for row in OURS:
            for share in LENGTHS_S if row.name in PARTS else (0.98,):
                yield "outage", row.name, str(share), start, end
        for name in RIVALS:
            for share in LENGTHS_S:
                yield "rival outage", name, str(share), start, end
    for start in range(0, months, CHUNK):
        end = min(start + CHUNK, months)
        for noise in NOISES:
            for name in RIVALS:
                yield "rival month", name, noise, start, end
            for row in OURS:
                if row.name in FULL_WEATHER:
                    yield "month", row.name, noise, start, end
    for start in range(months // FLEETS):
        for noise in NOISES:
            yield "fleet month", "5 probes", noise, start, start + 1


def _name(job: Job) -> str:
    return "/".join(map(str, job))


def _work(job: Job) -> dict[str, Any]:
    """The sums of one job, by rule, as JSON."""
    what, row, kind, start, end = job
    if what.endswith("outage"):
        found: dict[str, list[Any]] = {}
        for number in range(start, end):
            each = (outage if what == "outage" else rival_outage)(row, float(kind), number)
            for rule, words in each.items():
                found.setdefault(rule, []).extend(words)
        return found
    tallies: dict[str, Tally] = {}
    of = {"month": quiet_month, "rival month": rival_month, "fleet month": fleet_month}[what]
    for number in range(start, end):
        for rule, tally in of(row, kind, number).items():
            tallies.setdefault(rule, Tally()).add(tally)
    return {rule: asdict(tally) for rule, tally in tallies.items()}


if __name__ == "__main__":
    sys.exit(main())
