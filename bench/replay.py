"""The night of 6 August 2025 played by whole replay: detection, incidents, failover and routing, over many seeds.

    python -m bench.replay [--seeds N] [--pages]

What is played is what runs live (lab/replay); chance is drawn by the seed, so a seed is the same night everywhere.
`make bench-replay` plays a hundred and writes its table into docs/failover.md (`--pages`). Exit status 1 where a seed
misses an expectation of the script.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime

from bench.report import machine
from bench.switching.pages import write_block
from lab.replay.playing import INCIDENTS, Performance, open_piece
from lab.replay.seeds import perform_seeds

NIGHT = "2025-08-06-region-flapping"
BLOCK = "replayed: written by make bench-replay"
ROWS = {
    "first_down_s": "first outage seen, s after it began",
    "hazard_named_s": "the region is named, s after it failed",
    "pages": "pages",
    "switchovers_max": "switchovers",
    "user_bad_minutes_max": "users fail, min",
    "back_on_primary_within_minutes": "back on the primary, min after the last outage",
}
"""By expectation of the script: what its row says."""


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--pages", action="store_true")
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)))
    options = parser.parse_args()
    piece, began, done = open_piece(INCIDENTS / f"{NIGHT}.toml"), time.monotonic(), []
    for performance in perform_seeds(piece, range(options.seeds), lambda record, player: None, options.workers):
        done.append(performance)
        print(f"  seed {performance.seed}: {_line(performance)}", file=sys.stderr, flush=True)
    missed = sum(bool(performance.missed) for performance in done)
    if options.pages:
        write_block(
            BLOCK,
            [f"Simulated, {len(done)} seeds. {machine()}; {datetime.now(UTC):%Y-%m-%d %H:%M} UTC.", "", *table(done)],
        )
    figures = {
        "bench": "6 August 2025 by whole replay (simulated)",
        "seeds": len(done),
        "seeds that miss an expectation": missed,
        "minutes": round((time.monotonic() - began) / 60, 1),
        **{name: dict(zip(("mean", "most"), _figures(done, key), strict=True)) for key, name in ROWS.items()},
    }
    print(json.dumps(figures))
    return int(missed > 0)


def table(done: Sequence[Performance]) -> list[str]:
    """A row an expectation: the mean, the most, what was to be reached, and with how many seeds it was."""
    lines = ["| 6 August 2025, replayed | mean | most | expected | met |", "|---|---|---|---|---|"]
    for key, name in ROWS.items():
        mean, most = _figures(done, key)
        outcomes = [outcome for performance in done for outcome in performance.outcomes if outcome.name == key]
        met = sum(outcome.met for outcome in outcomes)
        at_most = "" if key == "pages" else "at most "
        lines.append(
            f"| {name} | {mean:.2f} | {most:g} | {at_most}{outcomes[0].expected:g} | {met} of {len(outcomes)} |"
        )
    return lines


def _figures(done: Sequence[Performance], key: str) -> tuple[float, float]:
    """Of what is no figure ("never") nothing is left out: it counts as infinite."""
    found = [
        outcome.observed if isinstance(outcome.observed, int | float) else float("inf")
        for performance in done
        for outcome in performance.outcomes
        if outcome.name == key
    ]
    return round(sum(found) / len(found), 2), max(found)


def _line(performance: Performance) -> str:
    return ", ".join(f"{outcome.name} {outcome.observed}" for outcome in performance.outcomes)


if __name__ == "__main__":
    raise SystemExit(main())
