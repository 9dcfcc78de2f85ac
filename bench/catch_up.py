"""A collector at work whose server of time series comes back: how fast is it written what waits, and does detection
wait for it?

    python -m bench.catch_up [OBSERVATIONS] [OBSERVATIONS_PER_S] [influxdb1|victoriametrics]

The collector is the real program in a process of its own; fifteen probes send it so many observations a second over
kept-alive connections, all the time. The server is down while so many observations pile up in the journal, until
detection and history have taken them; then it starts again, on the same machine. What is said of detection is of some
seconds before, and of the time until nothing waits but what came of late. The collector tries a server that is down
every 30 s at most, which is not in `seconds`. Servers are found on PATH, and left out where they are missing.
"""

import json
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest
import trio

from bench.detect_cost import ADDRESSES, PROBES
from bench.detect_cost import plan as checks_plan
from bench.ingest import ask, cpu_s, wait_for
from bench.series import Server
from bench.sustained import bodies, lags, send
from collector.series.setup import set_up
from collector.tokens import add_token
from parallax.clock import NS
from parallax.config import CollectorConfig
from parallax.series_config import SeriesServer
from parallax.values import Url
from tests.parts.influxdb import influxdb
from tests.parts.ports import free_port
from tests.parts.victoria_metrics import VictoriaMetrics, victoria_metrics

SERVERS: dict[str, Callable[[], AbstractAsyncContextManager[Server]]] = {
    "influxdb1": influxdb,
    "victoriametrics": lambda: victoria_metrics("-dedup.minScrapeInterval=1ms"),
}
BEFORE_S, AFTER_S = 10.0, 150.0
"""How long is measured while the server is down, and for how long at most while it is written."""
SETTLE_S = 300.0
"""What detection and history may take for all that came while the server was down."""
LATELY = 5 * PROBES
"""Records that came within some seconds: nothing else waits."""
EVERY_S = 0.25
RATE = 1_000_000


class Taken(msgspec.Struct):
    """Samples of how many records detection and history were behind."""

    detection: list[int] = []
    history: list[int] = []

    def add(self, detection: int, history: int) -> None:
        self.detection.append(detection)
        self.history.append(history)

    def figures(self) -> dict[str, float]:
        return {
            "records that detection was behind, mean": round(sum(self.detection) / len(self.detection), 1),
            "records that detection was behind, most": max(self.detection),
            "records that history was behind, most": max(self.history),
        }


async def measure(kind: str, backlog: int, per_s: int, folder: Path) -> dict[str, Any]:
    state, port = folder / "state", free_port()
    each = max(per_s // PROBES // ADDRESSES, 1)  # checks that a probe runs in a second
    per_s = each * PROBES * ADDRESSES
    async with SERVERS[kind]() as db:
        server = SeriesServer(name="one", kind=kind, url=Url(db.url), rate=RATE)  # type: ignore[arg-type]
        await set_up(server, CollectorConfig(state="/nowhere", plan="/nowhere"))
        (folder / "plan.toml").write_text(checks_plan(each))
        (folder / "collector.toml").write_text(
            f'state = "{state}"\nplan = "{folder}/plan.toml"\nlisten = "127.0.0.1:{port}"\n'
            f'[[series]]\nname = "one"\nkind = "{kind}"\nurl = "{db.url}"\nrate = {RATE}\n'
        )
        tokens = {number: add_token(state, "probe", f"p{number}") for number in range(PROBES)}
        seconds = backlog // per_s
        start = time.time_ns() - seconds * NS
        made = partial(bodies, checks=each, seconds=seconds + round(SETTLE_S + BEFORE_S + AFTER_S), start=start)
        loads = {number: made(number) for number in range(PROBES)}
        db.daemon.kill()
        command = [sys.executable, "-m", "parallax", "collector", "--config", str(folder / "collector.toml")]
        collector = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        try:
            token = wait_for(state / "owner.json")["token"]
            for number, load in loads.items():
                threading.Thread(target=_send, args=(port, tokens[number], load), daemon=True).start()
            return await _measured(db, partial(ask, port, token), partial(lags, port, token), collector.pid, backlog)
        finally:
            collector.send_signal(signal.SIGTERM)
            collector.wait()


def _send(port: int, token: str, load: list[tuple[int, bytes]]) -> None:
    with suppress(ConnectionError):  # it has more than is waited for: the collector ends first
        send(port, token, load, [])


async def _measured(
    db: Server, status: Callable[[], Any], behind: Callable[[], tuple[int, int]], pid: int, backlog: int
) -> dict[str, Any]:
    async def sample(into: Taken) -> Any:
        await trio.sleep(EVERY_S)
        into.add(*await trio.to_thread.run_sync(behind))
        return (await trio.to_thread.run_sync(status))["series"][0]

    with trio.fail_after(SETTLE_S):
        while max(await trio.to_thread.run_sync(behind)) > LATELY or (  # noqa: ASYNC110
            (await trio.to_thread.run_sync(status))["inputs"]["things"] < backlog
        ):
            await trio.sleep(EVERY_S)
    before, during = Taken(), Taken()
    with trio.move_on_after(BEFORE_S):
        while True:
            waits = await sample(before)
    await (db.restart() if isinstance(db, VictoriaMetrics) else db.daemon.restart())
    things = (await trio.to_thread.run_sync(status))["inputs"]["things"]
    began = first = time.monotonic()
    busy, its = cpu_s(pid), cpu_s(db.daemon.pid)
    while waits["behind"] > LATELY and time.monotonic() < began + AFTER_S:
        waits = await sample(during)
        if not waits["written"]:
            first = time.monotonic()
    ended = time.monotonic()
    return {
        "observations that waited": things,
        "caught up": waits["behind"] <= LATELY,
        "seconds": round(ended - first, 1),
        "seconds with what was waited for the next try": round(ended - began, 1),
        "points written a s": round(waits["written"] / (ended - first)),
        "rejected": waits["rejected"],
        "collector cores": round((cpu_s(pid) - busy) / (ended - began), 2),
        "server cores": round((cpu_s(db.daemon.pid) - its) / (ended - began), 2),
        "before": before.figures(),
        "meanwhile": during.figures(),
    }


def main() -> int:
    backlog = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    per_s = int(sys.argv[2]) if len(sys.argv) > 2 else 2_000
    wanted = sys.argv[3:] or list(SERVERS)
    figures: dict[str, Any] = {
        "bench": "a server of time series comes back",
        "observations a s that probes send": per_s,
    }
    for kind in wanted:
        try:
            with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
                figures[kind] = trio.run(measure, kind, backlog, per_s, Path(folder))
        except* pytest.skip.Exception:
            figures[kind] = "not installed"
    print(json.dumps(figures))
    return 0


if __name__ == "__main__":
    sys.exit(main())
