"""What failing over costs users, and what failing back costs at worst: the real `decide` beside other policies.

    python -m bench.failover [--patterns N] [--pages]

The night of 6 August 2025 over 100 seeds, and four regimes of outages at three costs against the optimum in hindsight.
`make bench-failover` runs the full number of patterns and writes docs/failover.md (`--pages`). All of it is drawn by
seeds: the same on every machine.
"""

import argparse
import json

from bench.report import machine
from bench.switching.figures import CHEAP, august_figures, ratios, untouched, worst
from bench.switching.pages import write_pages

CHEAP_PATTERNS = 200


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--patterns", type=int, default=100)
    parser.add_argument("--pages", action="store_true")
    options = parser.parse_args()
    nights = august_figures()
    table = ratios(options.patterns)
    if options.pages:
        cheap = ratios(min(options.patterns, CHEAP_PATTERNS), (CHEAP,))
        write_pages(nights, untouched(), table, cheap, options.patterns, machine())
    ours = nights["**ours**"]
    figures: dict[str, object] = {
        "bench": "failover policies (simulated)",
        "6 august": {
            "switchovers": ours.switchovers,
            "most switchovers": ours.most,
            "bad minutes": ours.bad,
            "most bad minutes": ours.worst_bad,
            "back after min": ours.back,
            "latest back after min": ours.latest_back,
            "mirror, switchovers": nights["mirror"].switchovers,
            "mirror, bad minutes": nights["mirror"].bad,
        },
        "patterns": options.patterns,
        "worst ratio to hindsight": {name.strip("*"): worst(row) for name, row in table.items()},
    }
    print(json.dumps(figures))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
