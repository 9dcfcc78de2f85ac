"""How long each panel's query takes of an InfluxDB that holds ten million rows.

    python -m bench.dashboards [ROWS]

What the lab's eight probes measure in some minutes (tests/parts/lab_series.py), with all that is concluded of it, is
written again and again, each time as much earlier, until so many rows are there: about as many days as there are
million rows, a third of one each. Then every query of every panel is asked as Grafana does when a dashboard is opened:
its three hours, and a day. `CPU` is what the server itself took, as what else runs on a machine is in the rest.
"""

import json
import math
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
import trio

from bench.ingest import cpu_s
from collector.series.labels import escape
from dashboards.build import built
from dashboards.influxdb import asker
from dashboards.influxql import expand
from dashboards.preview import ALL
from dashboards.source import Source
from parallax.clock import NS
from parallax.points import MEASUREMENTS
from tests.parts.influxdb import InfluxDb
from tests.parts.lab_series import EVERY_S, ROUNDS, lab_in_influxdb

ROWS = 10_000_000
LONG = {"parallax_minute", "parallax_check_minute"}
TEXTS = {field.name for of in MEASUREMENTS for field in of.fields if field.text}
SPANS = {"3 h": 3 * 3600, "24 h": 24 * 3600}
TIMES = 3
GOAL_S = 0.5

Row = tuple[str, int]
"""A line up to its time, and the time."""


def rows_of(db: InfluxDb, policy: str, names: list[str]) -> list[Row]:
    """All that a retention policy holds."""
    return [row for name in names for row in _rows(db, policy, name)]


def _rows(db: InfluxDb, policy: str, name: str) -> Iterator[Row]:
    for series in db.ask(f'SELECT * FROM "{policy}"."{name}" GROUP BY *', "parallax"):
        tags = "".join(f",{tag}={escape(value)}" for tag, value in sorted(series.get("tags", {}).items()) if value)
        for at, *values in series["values"]:
            fields = ",".join(
                f"{field}={json.dumps(value) if field in TEXTS else float(value)}"
                for field, value in zip(series["columns"][1:], values, strict=True)
                if value is not None
            )
            yield f"{name}{tags} {fields} ", at


def write(db: InfluxDb, policy: str, rows: list[Row], earlier_ns: int) -> None:
    connection = HTTPConnection(db.address.ip, db.address.port, timeout=120)
    body = "\n".join([f"{line}{at - earlier_ns}" for line, at in rows]).encode()
    connection.request("POST", f"/write?db=parallax&precision=ns&rp={policy}", body)
    answer = connection.getresponse()
    assert answer.status == 204, answer.read()
    connection.close()


def ask_all(db: InfluxDb, until: int, span_s: int) -> list[tuple[float, float, str]]:
    """Seconds, the server's seconds of CPU, and the panel: of each query the least of some times."""
    ask, found = asker(Source(url=db.url)), []
    for name, board in built().items():
        for panel in board["panels"]:
            for target in panel.get("targets", ()):
                query = expand(target["query"], ALL, until - span_s * NS, until, panel)
                least, cpu = math.inf, math.inf
                for _ in range(TIMES):
                    began, its = time.monotonic(), cpu_s(db.daemon.pid)
                    ask(query)
                    least, cpu = min(least, time.monotonic() - began), min(cpu, cpu_s(db.daemon.pid) - its)
                found.append((least, cpu, f"{name}: {panel['title']} {target['refId']}"))
    return sorted(found, reverse=True)


async def measure(number: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        async with lab_in_influxdb(Path(folder)) as filled:
            db, span_ns = filled.db, (sum(ROUNDS.values()) + 1) * EVERY_S * NS
            names = [each.name for each in MEASUREMENTS]
            raw = rows_of(db, "raw", [name for name in names if name not in LONG])
            minutes = rows_of(db, "long", [*LONG])
            copies, began = math.ceil(number / len(raw)), time.monotonic()
            for copy in range(copies, 0, -1):
                await trio.to_thread.run_sync(partial(write, db, "raw", raw, copy * span_ns))
                await trio.to_thread.run_sync(partial(write, db, "long", minutes, copy * span_ns))
            figures: dict[str, Any] = {
                "rows": (copies + 1) * len(raw), "days": round((copies + 1) * span_ns / NS / 86400, 1),
                "seconds to write them": round(time.monotonic() - began),
            }  # fmt: skip
            for name, span_s in SPANS.items():
                found = await trio.to_thread.run_sync(partial(ask_all, db, filled.until, span_s))
                figures[name] = {
                    "queries": len(found),
                    "median ms": round(found[len(found) // 2][0] * 1000),
                    f"over {GOAL_S * 1000:.0f} ms": sum(took > GOAL_S for took, _, _ in found),
                    "slowest": [
                        f"{took * 1000:.0f} ms, CPU {cpu * 1000:.0f} ms: {what}" for took, cpu, what in found[:6]
                    ],
                }
            return figures


def main() -> int:
    number = int(sys.argv[1]) if len(sys.argv) > 1 else ROWS
    figures: dict[str, Any] = {"bench": "panels of dashboards on InfluxDB"}
    try:
        figures |= trio.run(measure, number)
    except* pytest.skip.Exception:
        figures["influxdb"] = "not installed"
    print(json.dumps(figures))
    return 0


if __name__ == "__main__":
    sys.exit(main())
