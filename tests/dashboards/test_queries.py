"""Every query of every panel, annotation, variable and alert rule, as Grafana sends it, at a real InfluxDB."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from dashboards.build import built
from dashboards.influxql import expand
from tests.parts.lab_series import lab_in_influxdb

pytestmark = pytest.mark.slow


async def test_x(tmp_path: Path):
    t=time.time()
    async with lab_in_influxdb(tmp_path) as filled:
        print("filled", time.time()-t)
        for name, board in built().items():
            for panel in board["panels"]:
                for target in panel.get("targets", []):
                    text = expand(target["query"], {"objective": ["99.9"], "signin_objective": ["99"]} | {n: [] for n in ("component","region","probe","target")}, filled.since, filled.until)
                    try:
                        t=time.time()
                        rows = filled.db.ask(text, "parallax")
                        n=sum(len(s["values"]) for s in rows)
                        print(name, panel["title"], "series", len(rows), "rows", n, round(time.time()-t,3), "" if n else "EMPTY "+text, (rows[0].get("tags"), rows[0]["columns"], rows[0]["values"][-1]) if rows else "")
                    except AssertionError as e:
                        print(name, panel["title"], "ERROR", e, text)
