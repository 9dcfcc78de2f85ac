"""A whole collector that writes series to a real InfluxDB 1: what probes send, what is concluded, what is known now."""

import re
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing
from click.testing import CliRunner

from collector.history import QueryError, Table
from collector.precedence import have_it_all
from collector.series import Series
from collector.series.backfill import BackfillError, BackfillStatus, _replay, position_before, read_asked
from collector.series.minutes import FIGURES, MINUTE_NS
from collector.series.records import input_lines
from collector.series.setup import set_up
from collector.series.sink import Sink
from collector.tokens import add_token
from parallax import wire
from parallax.cli import parallax
from parallax.clock import NS, rfc3339, wall_ns
from parallax.config import CollectorConfig
from tests.collector.serving import batch, collector
from tests.fakes.histories import AT, some, world
from tests.fakes.inputs import MemoryInputs
from tests.fakes.series import FakeSender, server, until_there
from tests.parts.influxdb import influxdb
from tests.parts.program import Program

CONFIG = CollectorConfig(state="/nowhere", plan="/nowhere")


@pytest.mark.slow
async def test_a_collector_writes_what_it_takes_and_what_it_knows(tmp_path: Path):
    now = wall_ns()
    async with influxdb() as db:
        at = server(db.url)
        await set_up(at, CONFIG)
        async with collector(tmp_path, series=[at]) as served, served.client() as client:
            token, owner = served.token(), served.running.token
            for first in (1, 101):
                sent = batch(first, 100, at=now - 30 * NS + first * 1000)
                assert (await client.post(token, wire.encode(sent))).status == 200

            every = 'SELECT "ok" FROM parallax_tls'
            assert len(await until_there(lambda: db.rows(every), 200)) == 200, "of one moment, and still 200"
            await until_there(lambda: db.rows("SELECT * FROM parallax_collector"))
            of_incidents = await until_there(lambda: db.rows("SELECT * FROM parallax_incidents"))
            assert {row["severity"] for row in of_incidents} >= {"critical", "warning"}

            status = (await client.request("GET", "/v1/status", token=owner)).json
            (sink,) = status["series"]
            assert (sink["name"], sink["problem"], sink["rejected"]) == ("one", None, 0)
            assert sink["written"] >= 200

            text = (await client.request("GET", "/metrics", token=owner)).body.decode()
            assert 'parallax_series_failing{sink="one"} 0.0' in text.splitlines()
            viewer = add_token(served.state, "viewer", "grafana")
            assert (await client.request("GET", "/metrics", token=viewer)).status == 200
            assert (await client.request("GET", "/metrics", token=token)).status == 403
            assert (await client.request("GET", "/metrics")).status == 401

            db.ask("DROP DATABASE parallax")
            await set_up(at, CONFIG)
            db.daemon.kill()
            since = rfc3339(now - 3600 * NS)
            command = Program("series", "backfill", "--state", str(served.state), "--from", since, state_home=tmp_path)
            with closing(command):
                waits = await trio.to_thread.run_sync(command.wait_line, "waits for its server: (.*)")
                assert "Ctrl-C" in waits[1]
                await db.daemon.restart()
                await trio.to_thread.run_sync(command.wait_line, "^one: 200 observations, 0 rows")
                assert await trio.to_thread.run_sync(command.process.wait, 60) == 0
            assert len(db.rows(every)) == 200
            wrong = await client.request("POST", "/v1/series/backfill", token=owner, body=b'{"sink": "two"}')
            assert wrong.status == 400


@pytest.mark.slow
async def test_figures_by_the_minute_go_where_they_are_kept(tmp_path: Path):
    now = wall_ns() // (60 * NS) * 60 * NS
    async with influxdb() as db, world(tmp_path, now=now) as here:
        at = server(db.url)
        await set_up(at, CONFIG)
        await here.take(*some(now - 300 * NS), received_at=now)
        async with here.history(tmp_path / "history") as history:
            with trio.fail_after(60):
                while not (await history.query("SELECT * FROM minute")).rows:
                    await trio.lowlevel.checkpoint()
            series = Series(
                CollectorConfig(state="s", plan="p", series=[at]), here.inputs, here.events, history, wall=here.wall
            )
            (sink,) = series.sinks
            wrote: list[int] = []
            assert await series.write_minutes(sink, now - 600 * NS, now, wrote.append) == 3
            assert await series.write_minutes(sink, now - 600 * NS, now) == 3
            assert wrote == [1, 2, 3]
            sink._sender.close()
        (row,) = db.rows('SELECT * FROM "long".parallax_minute')
        assert (row["total"], row["failed"], row["p50_seconds"], row["time"]) == (10, 0, 0.005, now - 300 * NS)
        assert row["well"] == 1
        (row,) = db.rows('SELECT * FROM "long".parallax_check_minute')
        assert (row["total"], row["failed"], row["counted"], row["time"]) == (10, 0, 10, now - 300 * NS)
        (row,) = db.rows("SELECT * FROM parallax_answer_minute")
        assert (row["kind"], row["counted"], row["p95_seconds"], row["time"]) == ("http", 10, 0.01, now - 300 * NS)


async def test_where_a_moment_stands_in_a_journal(tmp_path: Path):
    async with world(tmp_path) as here:
        assert await position_before(here.inputs, AT) == 0
        for n in range(20):
            await here.take(*some(), received_at=AT + n * NS)
        assert await position_before(here.inputs, AT) == 0
        assert await position_before(here.inputs, AT + 7 * NS) == 7
        assert await position_before(here.inputs, AT + 999 * NS) == 20


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"{", "no request"),
        (b'{"since": 1}', "until"),
        (b'{"since": 2, "until": 1}', "before"),
        (b'{"since": 1, "until": 2, "sink": "x"}', "there are: one"),
        (b'{"since": 1, "until": 2, "more": 1}', "more"),
    ],
)
def test_a_wrong_backfill_is_refused(body: bytes, words: str):
    with pytest.raises(BackfillError, match=words):
        read_asked(body, ["one"])


async def test_a_backfill_writes_no_more_at_once_than_the_server_is_to_take_in_a_second(
    tmp_path: Path, autojump_clock: trio.testing.MockClock
) -> None:
    bodies: list[int] = []
    inputs: Any = MemoryInputs()
    async with world(tmp_path) as here:
        await inputs.append([here.batch(*some(number=400)) for _ in range(5)])
    sink = Sink(
        server(rate=1000),
        FakeSender(lambda body: bodies.append(body.count(b"\n") + 1)),
        {"inputs": inputs, "events": inputs},
    )
    progress = BackfillStatus(sink="one", since=0, until=2**62)
    began = trio.current_time()
    await _replay(sink, inputs, input_lines, have_it_all, progress)
    assert (progress.records, progress.observations) == (5, 2000)
    assert [round(lines / bodies[-1]) for lines in bodies] == [2, 2, 1]
    assert trio.current_time() - began >= 2.0


@pytest.mark.slow
async def test_the_command_sets_up_once(tmp_path: Path):
    async with influxdb() as db:
        config = tmp_path / "collector.toml"
        config.write_text(f'state = "s"\nplan = "p"\n[[series]]\nname = "one"\nkind = "influxdb1"\nurl = "{db.url}"\n')
        command = ["series", "setup", "--config", str(config)]
        first = await trio.to_thread.run_sync(CliRunner().invoke, parallax, command)
        assert first.exit_code == 0, first.output
        assert "one: made the database parallax" in first.output
        second = await trio.to_thread.run_sync(CliRunner().invoke, parallax, command)
        assert second.output == "one: the database parallax is as it should be\n"
    third = await trio.to_thread.run_sync(CliRunner().invoke, parallax, command)
    assert third.exit_code == 1
    assert "is it running?" in third.output


async def test_minutes_that_a_server_missed_are_written_after_a_restart(
    tmp_path: Path, autojump_clock: trio.testing.MockClock
):
    asked: list[str] = []

    class Minutes:
        """A history without rows, that keeps what it was asked."""

        async def query(self, sql: str, *, max_rows: int) -> Table:
            asked.append(sql)
            return Table(columns=(), rows=[])

    inputs: Any = MemoryInputs()
    for now in (AT, AT + 3600 * NS):
        config = CollectorConfig(state="s", plan="p", series=[server()])
        with trio.move_on_after(70):
            await Series(config, inputs, inputs, Minutes(), wall=lambda now=now: now).run()  # type: ignore[arg-type, misc]
    *whole, answers = FIGURES
    since, quarter = AT - 600 * NS, 900 * NS
    hour = since + 4 * quarter
    assert asked == [
        *(figures.sql(since, AT, 0) for figures in FIGURES),
        *(figures.sql(since, hour, 0) for figures in whole),
        *(answers.sql(since + n * quarter, since + (n + 1) * quarter, 0) for n in range(4)),
        *(figures.sql(hour, AT + 3600 * NS, 0) for figures in FIGURES),
    ]


async def test_a_backfill_tells_no_minute_in_part_and_nothing_that_the_server_keeps_no_more(
    tmp_path: Path, autojump_clock: trio.testing.MockClock
):
    asked: list[tuple[int, int]] = []

    class Minutes:
        async def query(self, sql: str, *, max_rows: int) -> Table:
            if "quantile" in sql:
                first, end = re.findall(r"make_timestamp\((\d+)\)", sql)
                asked.append((int(first) * 1000, int(end) * 1000))
            return Table(columns=(), rows=[])

    inputs: Any = MemoryInputs()
    config = CollectorConfig(state="s", plan="p", series=[server(raw_age=3600.0)])
    series = Series(config, inputs, inputs, Minutes(), wall=lambda: AT)  # type: ignore[arg-type]
    await series.write_minutes(series.sinks[0], AT - 2400 * NS - 1, AT - 1)
    minute = -(-(AT - 2400 * NS - 1) // MINUTE_NS) * MINUTE_NS
    assert asked[0][0] == minute
    assert asked[-1][1] == (AT - 1) // MINUTE_NS * MINUTE_NS
    assert [end for _, end in asked[:-1]] == [first for first, _ in asked[1:]], "one goes on where the other ends"
    assert all(moment % MINUTE_NS == 0 for span in asked for moment in span)
    asked.clear()
    await series.write_minutes(series.sinks[0], 0, AT)
    assert AT - 3600 * NS <= asked[0][0] < AT - 3600 * NS + MINUTE_NS
    asked.clear()
    await series.write_minutes(series.sinks[0], AT - 7300 * NS, AT - 7200 * NS)
    assert asked == []


async def test_what_the_history_does_not_tell_is_asked_for_again_within_bounds(
    autojump_clock: trio.testing.MockClock,
) -> None:
    asked: list[tuple[int, int]] = []
    broken = True

    class Minutes:
        async def query(self, sql: str, *, max_rows: int) -> Table:
            first, end = re.findall(r"make_timestamp\((\d+)\)", sql)[:2]
            asked.append((int(first) * 1000, int(end) * 1000))
            await trio.lowlevel.checkpoint()
            if broken:
                raise QueryError("the history cannot be read now")
            return Table(columns=(), rows=[])

    start = AT // MINUTE_NS * MINUTE_NS
    inputs: Any = MemoryInputs()
    await inputs.append([], {"series minutes one": str(start - 86_400 * NS).encode()})
    config = CollectorConfig(state="s", plan="p", series=[server()])
    series = Series(config, inputs, inputs, Minutes(), wall=lambda: start + round(trio.current_time() * NS))  # type: ignore[arg-type]
    async with trio.open_nursery() as nursery:
        await nursery.start(series.run)
        await trio.sleep(3600)
        assert 59 <= len(asked) <= 60, "once a minute"
        spans = [end - first for first, end in asked]
        assert spans[0] == 3600 * NS
        assert spans == sorted(spans, reverse=True)
        assert spans[-1] == MINUTE_NS, "little by little, and no more as time goes on"
        assert {first for first, _ in asked} == {start - 86_400 * NS}
        broken = False
        asked.clear()
        await trio.sleep(120)
        assert max(end - first for first, end in asked) == 3600 * NS, "a day is caught up with at once, by the hour"
        covered = start - 86_400 * NS
        for first, end in asked:
            assert first <= covered
            covered = max(covered, end)
        assert covered >= start + 3600 * NS
        nursery.cancel_scope.cancel()
