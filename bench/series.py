"""Time series: encoding, and writing to InfluxDB 1 and VictoriaMetrics, on this machine.

    python -m bench.series [OBSERVATIONS]

Encoding is CPU time of one core over observations as the golden vectors have them, of batches of 500 that were just
decoded: of each batch the least of many rounds, as what else runs on a machine takes of its caches. Writing is a sink
of the collector's own that catches up with a journal of so many observations, beside the server it writes to: what both
take of this machine is in it. Servers are found on PATH, and left out where they are missing.
"""

import gc
import json
import math
import sys
import tempfile
import time
from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest
import trio

from bench.ingest import cpu_s
from collector.series.encode import Encoder
from collector.series.measured import read_batch
from collector.series.setup import set_up
from collector.series.sink import Cursor, Sink
from parallax import wire
from parallax.clock import NS, wall_ns
from parallax.config import CollectorConfig
from parallax.observation import Observation
from parallax.series_config import SeriesServer
from parallax.values import Url
from tests.fakes.histories import LIMITS, World, world
from tests.fakes.series import sender
from tests.parts.influxdb import InfluxDb, influxdb
from tests.parts.victoria_metrics import VictoriaMetrics, victoria_metrics

KINDS = ("dns", "dns.zone", "dns.resolve", "tls", "http")
SUBJECTS = 200
BATCH = 500
ROUNDS = 20
CONFIG = CollectorConfig(state="/nowhere", plan="/nowhere")
Server = InfluxDb | VictoriaMetrics


def vectors() -> list[Observation]:
    """One observation that is well of each kind that is measured all the time."""
    found = (
        msgspec.msgpack.decode((Path("tests/vectors") / f"observation-{kind}-1.msgpack").read_bytes(), type=Observation)
        for kind in KINDS
    )
    return list(found)


def made(number: int, at: int) -> list[list[Observation]]:
    """Batches, of observations a tenth of a millisecond apart."""
    kinds = vectors()
    every = [
        msgspec.structs.replace(
            kinds[n % len(kinds)], probe="p1", stream="00000000000000aa",
            subject=f"192.0.2.{n // len(kinds) % SUBJECTS}",
            scheduled_at=at + n * 100_000, started_at=at + n * 100_000,
        )
        for n in range(number)
    ]  # fmt: skip
    return [every[first : first + BATCH] for first in range(0, number, BATCH)]


def encoding() -> dict[str, Any]:
    """Observations a second of one core: lines alone, and with what decoding a batch takes."""
    gc.set_threshold(100_000, 20, 50)  # as the collector has it
    bodies = [wire.encode(_batch(each, 1)) for each in made(20 * BATCH, wall_ns())]
    encoder, octets = Encoder(), 0
    alone, whole = [math.inf] * len(bodies), [math.inf] * len(bodies)
    for _ in range(ROUNDS):
        octets = 0
        for place, body in enumerate(bodies):
            began = time.process_time()
            observations = read_batch(body, content_type=wire.MSGPACK, encoding=wire.ZSTD)
            start = time.process_time()
            octets += len("\n".join(encoder.observations(observations, 0, 2**62)).encode())
            end = time.process_time()
            alone[place], whole[place] = min(alone[place], end - start), min(whole[place], end - began)
    number = len(bodies) * BATCH
    return {
        "encoded observations a s per core": round(number / sum(alone)),
        "decoded and encoded a s per core": round(number / sum(whole)),
        "octets a line": round(octets / number),
    }


def _batch(observations: list[Observation], first: int) -> wire.Batch:
    numbered = [msgspec.structs.replace(o, seq=first + n) for n, o in enumerate(observations)]
    return wire.Batch(
        probe="p1", stream="00000000000000aa", first_seq=first, last_seq=first + len(numbered) - 1, cut_at=0,
        observations=numbered,
    )  # fmt: skip


async def fill(here: World, number: int) -> None:
    for each in made(number, here.now - 1800 * NS):
        await here.take(*each)


async def writing(kind: str, start: AbstractAsyncContextManager[Server], number: int) -> dict[str, Any]:
    """Observations a second that a sink writes while it catches up."""
    limits = msgspec.structs.replace(LIMITS, max_bytes=10**10)
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        async with start as db, world(Path(folder), now=wall_ns(), limits=limits) as here:
            server = SeriesServer(name="one", kind=kind, url=Url(db.url), rate=1_000_000)  # type: ignore[arg-type]
            await set_up(server, CONFIG)
            await fill(here, number)
            await here.inputs.append([], {"series one": msgspec.msgpack.encode(Cursor())})
            sink = Sink(server, sender(server), {"inputs": here.inputs, "events": here.events})
            began, cpu, its = time.monotonic(), time.process_time(), cpu_s(db.daemon.pid)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(sink.run)
                await sink.wait_position(inputs=here.inputs.stats.last)
                took, busy = time.monotonic() - began, time.process_time() - cpu
                its = cpu_s(db.daemon.pid) - its
                nursery.cancel_scope.cancel()
            return {
                "observations a s": round(number / took),
                "seconds": round(took, 1),
                "us of the writer's CPU each": round(busy / number * 1e6, 1),
                "us of the server's CPU each": round(its / number * 1e6, 1),
                "points written": sink.status.written,
                "rejected": sink.status.rejected,
            }


def main() -> int:
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 300_000
    figures: dict[str, Any] = {"bench": "time series", **encoding(), "backlog": number}
    for kind, start in (("influxdb1", influxdb), ("victoriametrics", victoria_metrics)):
        try:
            figures[kind] = trio.run(partial(writing, kind, start(), number))
        except* pytest.skip.Exception:
            figures[kind] = "not installed"
    print(json.dumps(figures))
    return 0


if __name__ == "__main__":
    sys.exit(main())
