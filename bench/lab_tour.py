"""Breaks everything in the lab, one thing after the other, and shows what was said of it beside the truth:

    .venv/bin/python -m bench.lab_tour [FAULT ...]

Half an hour for all of them. Run it on a machine that does nothing else: the probes share it with the world, and
abstain where it is busy. The lab's state stays in a folder that is named at the end, for `parallax lab report --state`.
"""

import json
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

from lab.faults import FAULTS
from lab.report import report_of, report_table
from lab.told import read_events
from lab.truth import read_truth

BROKEN_S, LONG_S = 40.0, 75.0
"""How long a fault stays; the second where caches, moves or whole sign-ins take their time."""
LONG = ("operator-dark", "zone-emptied", "sign-in-broken", "keys-lost", "captcha", "site-withdrawn", "delegation-moved",
        "fallback-completed")  # fmt: skip
CALM_S = 180.0
"""How long all may take to be well again."""


def main(names: list[str]) -> None:
    """Runs the tour of these faults, or of all."""
    state = Path(tempfile.mkdtemp(prefix="parallax-tour-"))
    up = subprocess.Popen(
        [sys.executable, "-m", "parallax", "up", "--listen", "127.0.0.1:0", "--json", "--state", str(state)],
        stdout=(state / "up.log").open("wb"),
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
    )
    try:
        _wait_well(state)
        time.sleep(20)
        for name in names or list(FAULTS):
            print(f"{time.strftime('%X')} {name}", flush=True)
            _order(state, "break", name)
            time.sleep(LONG_S if name in LONG else BROKEN_S)
            _order(state, "mend", name)
            time.sleep(3)
            _wait_well(state)
            time.sleep(5)
    finally:
        up.terminate()
        up.wait(20)
        events = read_events(state / "collector" / "events.db")
        print("\n".join(report_table(report_of(read_truth(state / "world" / "faults.jsonl"), events))))
        print(f"\nstate: {state}")


def _order(state: Path, do: str, name: str) -> None:
    subprocess.run(
        [sys.executable, "-m", "parallax", "lab", do, name, "--state", str(state)],
        check=True,
        stdout=subprocess.DEVNULL,
    )


def _wait_well(state: Path) -> None:
    until = time.monotonic() + CALM_S
    while time.monotonic() < until and not _is_well(state):
        time.sleep(1)


def _is_well(state: Path) -> bool:
    try:
        way = json.loads((state / "collector" / "owner.json").read_bytes())
        asked = urllib.request.Request(f"{way['url']}/v1/board", headers={"Authorization": f"Bearer {way['token']}"})
        board: dict[str, Any] = json.load(urllib.request.urlopen(asked, timeout=10))
    except (OSError, ValueError):
        return False
    probes = [probe["state"] for probe in board["probes"]]
    return (
        len(probes) == 8
        and set(probes) == {"healthy"}
        and all(incident["stage"] == "monitoring" for incident in board["incidents"])
    )


if __name__ == "__main__":
    main(sys.argv[1:])
