"""Series in a real VictoriaMetrics, which loses the last seconds of what it acknowledged when it is killed."""

import os
from pathlib import Path

import msgspec
import pytest
import trio

from collector.series.setup import set_up
from collector.series.sink import Cursor
from parallax.clock import NS, wall_ns
from parallax.config import CollectorConfig
from tests.fakes.events import incident
from tests.fakes.histories import World, world
from tests.fakes.observations import observation
from tests.fakes.series import running, server, settle, until
from tests.parts.victoria_metrics import VictoriaMetrics, victoria_metrics

pytestmark = pytest.mark.slow
KILLS = int(os.environ.get("PARALLAX_KILL_ROUNDS", "4"))
DEDUP = "-dedup.minScrapeInterval=1ms"


def moments(of: VictoriaMetrics, name: str = "parallax_http_ok") -> list[int]:
    """The times of a series' samples, ms; each once, as a query with the server's option has them."""
    return sorted({at for series in of.export(name) for at in series["timestamps"]})


async def take(here: World, count: int, *, at: int) -> None:
    made = [observation(started_at=at + n * 1_000_000, scheduled_at=at) for n in range(count)]
    await here.take(*made, received_at=at + 3600 * NS)


async def test_all_that_is_measured_is_there_and_written_again_it_is_the_same(tmp_path: Path):
    now = wall_ns() // NS * NS - 600 * NS
    async with victoria_metrics(DEDUP) as db, world(tmp_path, now=now) as here:
        at = server(db.url, "victoriametrics")
        async with running(here, at) as sink:
            await take(here, 200, at=now)
            await here.conclude(incident("i1", "opened", at=now))
            await settle(here, sink)
        await here.inputs.append([], {"series one": msgspec.msgpack.encode(Cursor())})
        async with running(here, at) as sink:
            await settle(here, sink)
        (row,) = db.query("count_over_time(parallax_http_ok[1h])", wall_ns() / NS)
        assert row["value"][1] == "200"
        assert row["metric"]["outcome"] == "ok"
        assert {series["metric"]["__name__"] for series in db.export('{__name__=~"parallax_annotation.*"}')} == {
            "parallax_annotation_value"
        }, "texts would be 0"


async def test_a_server_that_is_killed_again_and_again_has_every_observation(tmp_path: Path):
    now = wall_ns() // NS * NS - 3600 * NS
    async with victoria_metrics(DEDUP) as db, world(tmp_path, now=now) as here:
        at = server(db.url, "victoriametrics")
        sent = 0
        async with running(here, at) as sink, trio.open_nursery() as nursery:

            async def measure() -> None:
                nonlocal sent
                while True:
                    await take(here, 100, at=now + sent * 1_000_000)
                    sent += 100
                    await trio.sleep(0.01)

            nursery.start_soon(measure)
            for _ in range(KILLS):
                before = sink.status.inputs
                await until(lambda: sink.status.inputs >= before + 10, within_s=60)  # noqa: B023
                db.daemon.kill()
                await db.restart()
            nursery.cancel_scope.cancel()
        assert sink.status.replays >= 1
        async with running(here, at) as sink:
            await settle(here, sink)
            things = here.inputs.stats.things
            wanted = [(now + n * 1_000_000) // 1_000_000 for n in range(things)]
            assert moments(db) == wanted


async def test_a_kill_that_no_write_met_is_seen_too(tmp_path: Path):
    """The connection was idle; the server is another process by the next write, and lost what it had."""
    now = wall_ns() // NS * NS - 3600 * NS
    async with victoria_metrics(DEDUP) as db, world(tmp_path, now=now) as here:
        at = server(db.url, "victoriametrics")
        async with running(here, at) as sink:
            await take(here, 100, at=now)
            await settle(here, sink)
            db.daemon.kill()
            await db.restart()
            assert len(moments(db)) < 100, "this server does lose what it acknowledged"
            await take(here, 1, at=now + NS)
            await until(lambda: sink.status.replays >= 2)
            await settle(here, sink)
            assert len(moments(db)) == 101


async def test_set_up_says_what_the_server_must_be_started_with():
    async with victoria_metrics() as db:
        said = await set_up(server(db.url, "victoriametrics"), CollectorConfig(state="/nowhere", plan="/nowhere"))
    assert any("-retentionPeriod=400d" in line for line in said)
    assert any("-dedup.minScrapeInterval=1ms" in line for line in said)
