"""How long a person waits: `parallax --help` to its end, and `parallax check` until it begins to measure.

Beside them an empty Python program, which is what starting costs whatever one does. Prints one line of JSON.
"""

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

RUNS = 15
PYTHON = sys.executable
CHECK = [PYTHON, "-m", "parallax", "check", "http", "http://127.0.0.1:9/", "--json"]


def main() -> None:
    empty = median(lambda: whole([PYTHON, "-c", "pass"]))
    shown = median(lambda: whole([PYTHON, "-m", "parallax", "--help"]))
    begun = median(until_measuring)
    print(
        json.dumps(
            {
                "bench": "Starting",
                "runs_each": RUNS,
                "help_s_median": round(shown, 3),
                "help_s_goal": 0.15,
                "check_until_measuring_s_median": round(begun, 3),
                "check_until_measuring_s_goal": 0.4,
                "rival": {"name": "an empty Python program", "s_median": round(empty, 3)},
                "ratio": round(shown / empty, 2),
            }
        )
    )


def median(measure: Callable[[], float]) -> float:
    measure()  # the first one fills the page cache
    return statistics.median(measure() for _ in range(RUNS))


def whole(command: list[str]) -> float:
    began = time.monotonic()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - began


def until_measuring() -> float:
    """From the start of the process to the observation's own `started_at` (both wall clock), seconds. Nothing listens
    there, so the check fails at once, with exit status 1."""
    began_at = time.time_ns()
    done = subprocess.run(CHECK, check=False, stdout=subprocess.PIPE)
    return float(json.loads(done.stdout)["started_at"] - began_at) / 1e9


if __name__ == "__main__":
    main()
