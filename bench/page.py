"""The page with a day of eight probes behind it, in a real browser: octets on the wire, and the time to first paint.

The day is made up: 20 checks of 8 probes every 30 s (460,800 observations), with an outage in it, put into `inputs` as
batches; the collector reads it as it would after a long stop. Prints one line of JSON.
"""

import json
import os
import random
import statistics
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import trio

from collector.main import Running, main
from parallax.clock import NS, wall_ns
from parallax.config import CollectorConfig
from parallax.journal import Entry, Limits, open_journal
from parallax.observation import Observation, Phase
from parallax.values import Address
from tests.fakes.inputs import batch_entry
from tests.parts.browser import Chromium, browser

PROBES, CHECKS, PERIOD_S, HOURS = 8, 20, 30, 24
OUTAGE_H = (10.0, 10.5)
"""When nine in ten runs of the first check failed, hours into the day."""
LOADS = 5
PLAN = "\n".join(
    [
        f'[[probe]]\nid = "probe-{n}"\nregion = "region {n}"\nprovider = "provider {n % 5}"\nasn = {64496 + n % 5}\n'
        f"location = [{-40 + 12 * n}, {-120 + 34 * n}]"
        for n in range(PROBES)
    ]
    + [
        f'[[check]]\nname = "check {n}"\nkind = "http"\ntargets = ["https://host{n}.example/health"]'
        for n in range(CHECKS)
    ]
    + [
        f'[[component]]\nname = "Component {n}"\nchecks = ["check {n}", "check {n + 5}", "check {n + 10}"]'
        for n in range(5)
    ]
)


def day(until: int) -> Iterator[Entry]:
    """Batches of 500, probe after probe by turns, up to a moment (ns)."""
    chance = random.Random(1)
    seqs, waiting = [0] * PROBES, [[] for _ in range(PROBES)]  # type: ignore[var-annotated]
    for turn in range(HOURS * 3600 // PERIOD_S, 0, -1):
        for place in range(PROBES):
            for check in range(CHECKS):
                at = until - turn * PERIOD_S * NS + (check * PROBES + place) * NS // 10
                seqs[place] += 1
                waiting[place].append(_observation(chance, place, check, seqs[place], at, until))
            if len(waiting[place]) >= 480 or turn == 1:
                yield batch_entry(waiting[place], waiting[place][-1].started_at + NS)
                waiting[place] = []


def _observation(chance: random.Random, place: int, check: int, seq: int, at: int, until: int) -> Observation:
    hours = HOURS - (until - at) / NS / 3600
    bad = check == 0 and OUTAGE_H[0] <= hours < OUTAGE_H[1] and chance.random() < 0.9
    first_byte = round((20 + 15 * place + chance.expovariate(0.2)) * 1e6)
    return Observation(
        probe=f"probe-{place}",
        stream=f"{place:016x}",
        seq=seq,
        run=f"{chance.getrandbits(64):016x}",
        check=f"check {check}",
        kind="http",
        target=f"https://host{check}.example/health",
        subject=f"203.0.113.{check + 1}:443",
        dims={"address": f"203.0.113.{check + 1}", "family": "4", "region": "us-east"},
        scheduled_at=at,
        started_at=at,
        duration_ns=first_byte + 3_000_000,
        phases=[Phase("connect", 0, 3_000_000), Phase("first_byte", 3_000_000, first_byte)],
        reason="connect_timeout" if bad else None,
        fault="target" if bad else None,
        findings={"status": 200},
    )


async def measure() -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        state, plan = Path(folder) / "state", Path(folder) / "plan.toml"
        state.mkdir()
        plan.write_text(PLAN)
        config = CollectorConfig(state=str(state), plan=str(plan), listen=Address("127.0.0.1:0"))
        async with trio.open_nursery() as nursery:  # the plan must stand before the day does
            await nursery.start(main, config)
            nursery.cancel_scope.cancel()
        entries = list(day(wall_ns()))
        limits = Limits(max_bytes=config.limits.inputs_size, max_age_s=config.limits.inputs_age)
        async with open_journal(state / "inputs.db", limits) as inputs:
            for start in range(0, len(entries), 100):
                await inputs.append(entries[start : start + 100])
        observations = sum(entry.count for entry in entries)
        del entries
        async with trio.open_nursery() as nursery:
            began = trio.current_time()
            running: Running = await nursery.start(main, config)
            answering_s = trio.current_time() - began
            last = running.inputs.stats.last
            await running.stores.history.wait_position(inputs=last)
            history_s = trio.current_time() - began
            while running.detector.board().position < last:
                await running.detector.wait_changed(running.detector.board())
            caught_up_s = trio.current_time() - began
            async with browser() as chromium:
                pages = await chromium.run(load, running.url)
            size = running.stores.history.status.bytes
            figures = {
                "bench": "The page with a day of eight probes behind it",
                "cores": os.cpu_count(),
                "observations": observations,
                "collector_answers_after_s": round(answering_s, 2),
                "history_caught_up_after_s": round(history_s, 1),
                "detection_caught_up_after_s": round(caught_up_s, 1),
                "history_octets_per_observation": round(size / observations, 1),
                "collector_rss_mb": round(_rss() / 1e6),
                "goal_octets": 100_000,
                "goal_first_paint_s": 0.5,
                **pages,
            }
            nursery.cancel_scope.cancel()
    return figures


def load(chromium: Chromium, url: str) -> dict[str, Any]:
    """In the browser's thread: each page anew, without a cache; the median of some loads."""
    figures: dict[str, Any] = {}
    for name, path in {"overview": "/", "check": "/check/check%200", "probes": "/probes"}.items():
        runs = []
        for _ in range(LOADS):
            with chromium.page(f"{url}{path}") as (page, errors):
                while not page.evaluate("performance.getEntriesByName('first-contentful-paint').length"):
                    page.wait_for_timeout(50)
                runs.append(page.evaluate(_TIMES))
                assert not errors, errors
        figures[name] = {
            "page_octets": runs[0]["page"],
            "with_assets_octets": runs[0]["all"],
            "first_paint_s": round(statistics.median(run["paint"] for run in runs) / 1000, 3),
            "page_answered_s": round(statistics.median(run["answered"] for run in runs) / 1000, 3),
        }
    return figures


_TIMES = """() => {
  const page = performance.getEntriesByType("navigation")[0];
  const assets = performance.getEntriesByType("resource").filter((r) => !r.name.includes("/live"));
  return {
    page: page.transferSize,
    all: page.transferSize + assets.reduce((sum, r) => sum + r.transferSize, 0),
    paint: performance.getEntriesByName("first-contentful-paint")[0].startTime,
    answered: page.responseEnd,
  };
}"""


def _rss() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    print(json.dumps(trio.run(measure)))
