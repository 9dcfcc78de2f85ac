"""Series in a real InfluxDB 1: what was acknowledged is there, once, whatever happens to the server."""

import os
from pathlib import Path

import msgspec
import pytest
import trio

from collector.events import AlertRouted
from collector.series.gauges import board_points
from collector.series.setup import set_up
from collector.series.sink import Cursor
from dashboards import failover
from dashboards.influxql import expand
from dashboards.preview import ALL
from dashboards.sdk import dashboard
from parallax.clock import NS, wall_ns
from parallax.config import CollectorConfig
from parallax.values import Duration
from tests.collector.detect.switching.front import ACTION, Front
from tests.fakes.events import incident
from tests.fakes.histories import World, world
from tests.fakes.observations import observation
from tests.fakes.series import running, sender, server, settle, until
from tests.parts.influxdb import InfluxDb, influxdb

AUTO = (
    ACTION.replace("[[action]]", 'mode = "auto"\nactions = ["automation"]\n[[action]]')
    + """
[[receiver]]
name = "pager"
kind = "webhook"
url = "https://hooks.example/x"
key = "secret:PAGER"
[[route]]
to = ["pager"]
"""
)
FAILOVER = ("failover.", "failback.", "readiness.")
pytestmark = pytest.mark.slow
CONFIG = CollectorConfig(state="/nowhere", plan="/nowhere")
KILLS = int(os.environ.get("PARALLAX_KILL_ROUNDS", "4"))


def number(of: InfluxDb, measurement: str = "parallax_http") -> int:
    rows = of.rows(f'SELECT count("ok") AS n FROM {measurement}')
    return int(rows[0]["n"]) if rows else 0


async def take(here: World, count: int, *, at: int, probe: str = "p1") -> None:
    """So many observations, a millisecond apart."""
    made = [observation(probe=probe, started_at=at + n * 1_000_000, scheduled_at=at) for n in range(count)]
    await here.take(*made, received_at=at + 3600 * NS)


async def begin_anew(here: World) -> None:
    """The cursor is back at the start."""
    await here.inputs.append([], {"series one": msgspec.msgpack.encode(Cursor())})


async def test_all_that_is_measured_is_there_and_written_again_it_is_the_same(tmp_path: Path):
    now = wall_ns() - 600 * NS
    async with influxdb() as db, world(tmp_path, now=now) as here:
        at = server(db.url)
        await set_up(at, CONFIG)
        async with running(here, at) as sink:
            await take(here, 250, at=now)
            await take(here, 250, at=now + 10 * NS)
            await settle(here, sink)
            assert (sink.status.written, sink.status.behind) == (500, 0)
        assert number(db) == 500
        await begin_anew(here)
        async with running(here, at) as sink:
            await settle(here, sink)
            assert sink.status.written == 500
        assert number(db) == 500
        (row,) = db.rows("SELECT * FROM parallax_http LIMIT 1")
        assert (row["probe"], row["check"], row["ok"], row["duration_seconds"], row["time"]) == (
            "p1", "web", 1, 0.001, now,
        )  # fmt: skip
        assert row["outcome"] == "ok"


async def test_a_server_that_is_killed_again_and_again_has_every_observation(tmp_path: Path):
    now = wall_ns() - 3600 * NS
    async with influxdb() as db, world(tmp_path, now=now) as here:
        at = server(db.url)
        await set_up(at, CONFIG)
        sent = 0
        async with running(here, at) as sink, trio.open_nursery() as nursery:

            async def measure() -> None:
                nonlocal sent
                while True:
                    await take(here, 100, at=now + sent * 1_000_000)
                    sent += 100
                    await trio.sleep(0.005)

            nursery.start_soon(measure)
            for _ in range(KILLS):
                before = sink.status.written
                await until(lambda: sink.status.written >= before + 300, within_s=60)  # noqa: B023
                db.daemon.kill()
                await db.daemon.restart()
            nursery.cancel_scope.cancel()
        async with running(here, at) as sink:
            await settle(here, sink)
        things = here.inputs.stats.things
        assert things >= KILLS * 300
        assert number(db) == things


async def test_an_outage_costs_nothing_and_is_said(tmp_path: Path):
    now = wall_ns() - 600 * NS
    async with influxdb() as db, world(tmp_path, now=now) as here:
        at = server(db.url)
        await set_up(at, CONFIG)
        async with running(here, at) as sink:
            db.daemon.kill()
            for n in range(20):
                await take(here, 100, at=now + n * NS)
            await until(lambda: sink.status.problem is not None)
            assert sink.status.behind >= 20
            assert "refused" in (sink.status.problem or "")
            await db.daemon.restart()
            await settle(here, sink)
            assert sink.status.problem is None
            assert sink.status.behind == 0
        assert number(db) == 2000


async def test_good_points_land_and_bad_ones_are_counted_and_named(tmp_path: Path):
    now = wall_ns() - 600 * NS
    async with influxdb() as db, world(tmp_path, now=now) as here:
        at = server(db.url)
        await set_up(at, CONFIG)
        hand = sender(at)
        made = await hand.write(f'parallax_http,probe=p0 duration_seconds="slow" {now}'.encode(), "raw")
        assert made.status == 204, "somebody else made the field a text"
        await begin_anew(here)
        await take(here, 50, at=now)  # all in one write, whose answer names one cause alone
        await here.take(observation(kind="dns", check="d", started_at=now), received_at=now)
        await here.take(observation(kind="dns", check="d", started_at=now - 20 * 86400 * NS), received_at=now)
        await here.take(observation(kind="dns", check="d", started_at=now + 1), received_at=now + 1)
        async with running(here, at) as sink:
            await settle(here, sink)
            status = sink.status
        assert number(db, "parallax_dns") == 2
        assert status.rejected == 51
        assert status.written == 2
        assert any("field type conflict" in why for why in status.why)
        assert any("beyond retention" in why for why in status.why)
        hand.close()


async def test_a_missing_database_is_waited_for_and_the_way_out_is_said(tmp_path: Path):
    now = wall_ns() - 600 * NS
    async with influxdb() as db, world(tmp_path, now=now) as here:
        at = server(db.url)
        async with running(here, at) as sink:
            await take(here, 5, at=now)
            await until(lambda: sink.status.problem is not None)
            assert "parallax series setup" in (sink.status.problem or "")
            assert sink.status.rejected == 0


async def test_incidents_are_annotations(tmp_path: Path):
    now = wall_ns() - 600 * NS
    async with influxdb() as db, world(tmp_path, now=now) as here:
        at = server(db.url)
        await set_up(at, CONFIG)
        async with running(here, at) as sink:
            await here.conclude(incident("i1", "opened", at=now), incident("i1", "resolved", at=now))
            await settle(here, sink)
        rows = db.rows("SELECT * FROM parallax_annotation")
        assert {row["type"] for row in rows} == {"incident.opened", "incident.resolved"}
        assert all(row["title"] for row in rows)


async def test_a_switchover_as_detection_decides_it_is_on_the_dashboards(tmp_path: Path):
    """What detection, switching and routing make of a region that dies, by the writer, as the dashboards ask for it."""
    front = Front(AUTO)
    front.prove()
    front.broken["east"] = "http_server_error"
    front.run(40)
    front.act("applied", epoch=1)
    front.move("west")
    front.run(40)
    standby = Front(AUTO)
    standby.prove()
    standby.broken["west"] = "http_server_error"
    standby.run(120)
    now = wall_ns()
    shift = now - 60 * NS - front.now
    events = [msgspec.structs.replace(event, at=event.at + shift) for each in (front, standby) for event in each.events]
    async with influxdb() as db, world(tmp_path, now=now) as here:
        at = server(db.url)
        await set_up(at, CONFIG)
        async with running(here, at) as sink:
            await here.conclude(*events)
            gauges = [line for point in board_points(front.board, now) if (line := sink.encoder.point(point))]
            await sink.put(gauges)
            await settle(here, sink)
            assert (sink.status.rejected, sink.status.unreadable, sink.status.folded) == (0, 0, 0)

        def asked(panel: dashboard.Panel) -> list[dict[str, object]]:
            (target,) = panel.targets or ()
            return db.rows(expand(target.query, ALL, now - 3600 * NS, now + NS))

        (switched,) = asked(failover.switchovers_table())
        assert (switched["group"], switched["direction"]) == ("front", "failover")
        assert all(isinstance(switched[name], int | float) for name in ("duration_seconds", "dwell_seconds", "hurt"))
        serving = {row["member"]: row["last"] for row in asked(failover.serving_timeline())}
        assert serving == {"east": 0, "west": 1}
        assert {row["last"] for row in asked(failover.readiness_timeline()) if row["member"] == "west"} >= {0, 1}
        assert [row["type"] for row in asked(failover.words_table())][::-1] == [
            event.type for event in sorted(events, key=lambda event: event.at) if event.type.startswith(FAILOVER)
        ]
        routed = [event.data for event in events if isinstance(event.data, AlertRouted)]
        assert routed
        told = sum(row["sum"] for row in db.rows('SELECT sum("told") FROM parallax_alert'))
        assert told == sum(len(alert.to) for alert in routed)


async def test_set_up_again_changes_nothing_and_says_so():
    async with influxdb() as db:
        at = server(db.url)
        assert await set_up(at, CONFIG) == [
            "made the database parallax, which keeps every observation for 14 d",
            "made the retention policy long: figures by the minute, for 400 d",
        ]
        assert await set_up(at, CONFIG) == ["the database parallax is as it should be"]
        assert await set_up(server(db.url, raw_age=Duration(7 * 86400)), CONFIG) == [
            "changed the retention policy raw: 7 d, where it was 14 d"
        ]
        policies = {row["name"]: row for row in db.rows("SHOW RETENTION POLICIES ON parallax", "")}
        assert policies["raw"]["duration"] == "168h0m0s"
        assert policies["raw"]["default"] is True
        assert policies["long"]["duration"] == "9600h0m0s"
