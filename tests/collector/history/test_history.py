"""The history on real files: what comes out is what went in, once, whatever happened to the file."""

import os
from collections.abc import Sequence
from contextlib import closing, suppress
from functools import partial
from pathlib import Path

import duckdb
import msgspec
import pytest
import trio
import trio.testing

from collector.events import Event, Noticed, NoticeWord
from collector.history import History, QueryError
from collector.history.history import _write
from collector.history.rows import Rows, input_rows, timestamp
from collector.history.store import FILE, Progress, ReadDamaged, open_store
from collector.history.tables import VERSION
from collector.inputs import ClockInput, encode_input
from parallax import wire
from parallax.clock import NS
from parallax.config import CollectorLimits
from parallax.journal import Entry, Limits, Record
from parallax.plan.types import Probe
from parallax.values import Duration
from tests.fakes.events import incident
from tests.fakes.histories import AT, World, some, world
from tests.fakes.observations import observation

MINUTE = 60 * NS


async def count(history: History, table: str = "observation") -> int:
    ((number,),) = (await history.query(f"SELECT count(*) FROM {table}")).rows
    return int(number)


async def test_observations_come_in_with_all_they_say(tmp_path: Path):
    async with world(tmp_path) as here:
        await here.take(
            observation(
                scheduled_at=AT, started_at=AT + 1_234_567, duration_ns=77, reason="http_status", fault="target",
                dims={"family": "4", "region": "eu", "hop": "2"}, site="fra1", findings={"status": 503},
            )
        )  # fmt: skip
        async with here.history(tmp_path / "history") as history:
            table = await history.query(
                "SELECT probe, check_name, scheduled, started, duration_ns, reason, fault, family, region, dims, site, "
                "findings->'status', stream, seq FROM observation"
            )
    assert table.rows == [
        ["p1", "web", "2026-09-21T14:14:00", "2026-09-21T14:14:00.001234", 77, "http_status", "target", "4", "eu",
         '{"hop":"2"}', "fra1", "503", here.stream, 1],
    ]  # fmt: skip


async def test_a_restart_reads_on_where_it_was(tmp_path: Path):
    async with world(tmp_path) as here:
        await here.take(*some())
        async with here.history(tmp_path / "history") as history:
            assert await count(history) == 10
        await here.take(*some(AT + MINUTE))
        async with here.history(tmp_path / "history") as history:
            assert await count(history) == 20
            assert await count(history, "(SELECT DISTINCT seq FROM observation)") == 20
            assert history.status.observations == 20


async def test_what_is_no_batch_and_what_cannot_be_read_moves_the_cursor(tmp_path: Path):
    async with world(tmp_path) as here:
        await here.inputs.append(
            [
                encode_input(ClockInput(at=AT), at_ns=AT),
                Entry(kind="batch", body=os.urandom(50), at_ns=AT),
                Entry(kind="from the future", body=b"", at_ns=AT),
                here.batch(observation(), content_type="text/plain"),
            ]
        )
        await here.events.append([Entry(kind="check.down", body=b"{", at_ns=AT)])
        async with here.history(tmp_path / "history") as history:
            status = history.status
            assert (status.inputs.position, status.events.position) == (4, 1)
            assert (status.inputs.behind, status.events.behind) == (0, 0)
            assert status.unreadable == 2
            assert await count(history) == 1, "msgpack is what a batch is taken for"


async def test_records_that_were_gone_unread_are_counted(tmp_path: Path):
    bounds = Limits(max_bytes=60_000, max_age_s=1e9, ballast_bytes=10_000)
    async with world(tmp_path, limits=bounds) as here:
        for n in range(60):
            await here.take(*some(AT + n * MINUTE, 100))
        first = here.inputs.stats.first
        assert first > 1
        async with here.history(tmp_path / "history") as history:
            assert history.status.inputs.missed == first - 1
            assert await count(history) == (61 - first) * 100
        async with here.history(tmp_path / "history") as history:
            assert history.status.inputs.missed == first - 1


@pytest.mark.parametrize("damage", ["foreign", "cut", "overwritten", "no layout"])
async def test_a_damaged_file_is_set_aside_and_made_anew(tmp_path: Path, damage: str, caplog: pytest.LogCaptureFixture):
    path = tmp_path / "history" / FILE
    async with world(tmp_path) as here:
        await here.take(*some(number=400))
        await here.conclude(incident(at=AT))
        async with here.history(tmp_path / "history"):
            pass
        if damage == "foreign":
            path.write_text("a letter to somebody\n" * 1000)
        elif damage == "cut":
            os.truncate(path, path.stat().st_size // 2)
        elif damage == "overwritten":
            with path.open("r+b") as file:
                file.seek(4096)
                file.write(os.urandom(path.stat().st_size - 4096))
        else:
            path.unlink()
            with duckdb.connect(path) as db:
                db.execute("CREATE VIEW layout AS SELECT 'two' AS version").fetchall()
        async with here.history(tmp_path / "history") as history:
            # damage in the middle is only found by reading it, and then the query that found it has no answer
            with trio.fail_after(60):
                while not await _known(history):
                    await trio.lowlevel.checkpoint()
            await until(history, "SELECT count(DISTINCT seq) + count(*) FROM observation", 800)
            assert history.status.problem is None
    assert [record.message for record in caplog.records if record.levelname == "ERROR"] == [
        "history damaged; it is made anew from the journals"
    ]
    assert len(list((tmp_path / "history").glob(f"{FILE}.damaged-2*Z"))) == 1


async def test_an_upgrade_and_the_way_back_keep_both_histories(tmp_path: Path):
    folder = tmp_path / "history"
    async with world(tmp_path) as here:
        await here.take(*some())
        async with here.history(folder) as history:
            assert await count(history) == 10
        later = _of_a_later_release(folder / FILE)
        await here.take(*some(AT + MINUTE))
        async with here.history(folder) as history:
            assert await count(history) == 20, "there was no file of our own: it is made from the journals"
            assert history.status.problem is None
        assert _layout(folder / f"{FILE}.layout-{later}") == later

        (folder / FILE).replace(folder / f"{FILE}.layout-{VERSION}")
        (folder / f"{FILE}.layout-{later}").replace(folder / FILE)
        await here.take(*some(AT + 2 * MINUTE))
        async with here.history(folder) as history:
            await until(history, "SELECT count(*) FROM observation", 30)
            assert history.status.observations == 30
            assert await count(history, "(SELECT DISTINCT seq FROM observation)") == 30, "it reads on where it was"
        assert sorted(path.name for path in folder.glob(f"{FILE}*")) == [FILE, f"{FILE}.layout-{later}"]


def _of_a_later_release(path: Path) -> int:
    """Makes the file one that a later release would have written."""
    with duckdb.connect(path) as db:
        db.execute(f"CREATE OR REPLACE VIEW layout AS SELECT {VERSION + 1} AS version").fetchall()
    return VERSION + 1


def _layout(path: Path) -> int:
    with duckdb.connect(path, read_only=True) as db:
        return int(db.execute("SELECT version FROM layout").fetchall()[0][0])


async def test_damage_found_while_nothing_new_comes_is_mended_all_the_same(tmp_path: Path):
    async with world(tmp_path) as here:
        await here.take(*some(number=40))
        await here.conclude(incident(at=AT))
        async with here.history(tmp_path / "history") as history:
            await until(history, "SELECT count(*) FROM observation", 40)
            await until(history, "SELECT count(*) FROM event", 1)
            while len(history._waiting) < 2:
                await trio.lowlevel.checkpoint()
            assert history._store is not None
            await history._give_up_damaged(history._store, ReadDamaged("a page is no page"))
            await until(history, "SELECT count(*) FROM observation", 40)
            await until(history, "SELECT count(*) FROM event", 1)
            assert await history.incidents() != []


async def _known(history: History) -> bool:
    try:
        return await history.incidents() != []
    except QueryError:
        return False


async def test_nobody_else_may_read_the_files(tmp_path: Path):
    async with world(tmp_path) as here:
        await here.take(*some())
        async with here.history(tmp_path / "history"):
            assert (tmp_path / "history").stat().st_mode & 0o777 == 0o700
            assert (tmp_path / "history" / FILE).stat().st_mode & 0o777 == 0o600


async def test_a_journal_that_began_anew_is_read_on_from_its_end(tmp_path: Path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    async with world(tmp_path / "a") as here:
        for _ in range(5):
            await here.take(observation())
        async with here.history(tmp_path / "history"):
            pass
    async with world(tmp_path / "b") as here:
        await here.take(observation())
        async with here.running(tmp_path / "history") as history:
            with trio.fail_after(60):
                while history.status.inputs.position != 1:
                    await trio.lowlevel.checkpoint()
            await here.take(observation())
            await here.settle(history)
            assert await count(history) == 6


async def test_a_folder_that_cannot_be_written_keeps_nobody_from_starting(tmp_path: Path):
    (tmp_path / "history").write_text("in the way")
    async with world(tmp_path) as here:
        await here.take(*some())
        async with here.running(tmp_path / "history") as history:
            assert "cannot be written" in (history.status.problem or "")
            for ask in (
                partial(history.points, "web", since=0, until=AT),
                history.incidents,
                partial(history.incident, "i1"),
            ):
                with pytest.raises(QueryError, match=r"^the history cannot be read now: .* cannot be written"):
                    await ask()
            (tmp_path / "history").unlink()
            await here.settle(history)
            assert history.status.problem is None
            assert await count(history) == 10


async def test_the_minutes_figures(tmp_path: Path):
    async with world(tmp_path) as here:
        await here.take(*some(number=20))  # the 13th begins the next minute
        await here.take(
            observation(started_at=AT + NS, duration_ns=10**12, reason="timeout"),
            observation(started_at=AT + NS, duration_ns=10**12, reason="timeout", abstain="uplink_down"),
            observation(started_at=AT + NS, duration_ns=10**12, abstain="uplink_down"),
        )
        async with here.history(tmp_path / "history") as history:
            await minutes_made(history)
            table = await history.query(
                "SELECT minute, probe, total, failed, abstained, p50_ns, p95_ns FROM minute ORDER BY minute"
            )
            assert table.rows == [
                ["2026-09-21T14:14:00", "p1", 15, 1, 2, 6_000_000, 12_000_000],
                ["2026-09-21T14:15:00", "p1", 8, 0, 0, 16_000_000, 20_000_000],
            ]


async def test_a_late_observation_remakes_its_minute(tmp_path: Path):
    async with world(tmp_path) as here:
        await here.take(*some(number=3))
        async with here.history(tmp_path / "history") as history:
            await minutes_made(history)
            await here.take(*some(number=2, probe="p1"))
            await here.settle(history)
            await minutes_made(history)
            assert (await history.query("SELECT total FROM minute")).rows == [[5]]


async def test_an_unfinished_minute_waits_but_is_among_the_points(tmp_path: Path):
    async with world(tmp_path, now=AT + 30 * NS) as here:
        await here.take(*some(number=4))
        async with here.history(tmp_path / "history") as history:
            with trio.move_on_after(0.2):
                await minutes_made(history)
            assert await count(history, "minute") == 0
            (point,) = await history.points("web", since=AT, until=AT + MINUTE)
            assert (point.at, point.total, point.p50_ns) == (AT, 4, 2_000_000)


@pytest.mark.parametrize(("step_s", "steps"), [(60, 10), (120, 5), (600, 2)])
async def test_points_by_step(tmp_path: Path, step_s: int, steps: int):
    async with world(tmp_path) as here:
        await here.take(*some(number=120))
        await here.take(*some(number=120, probe="p2", subject="192.0.2.2:443", target="other"))
        async with here.history(tmp_path / "history") as history:
            await minutes_made(history)
            points = await history.points("web", since=AT, until=AT + 10 * MINUTE, step_s=step_s)
            mine = [point for point in points if point.probe == "p1"]
            assert len(points) == 2 * len(mine) == 2 * steps
            assert sum(point.total for point in mine) == 120
            assert all(point.at % (step_s * NS) == 0 for point in mine)
            assert [p.at for p in points] == sorted(p.at for p in points)
            assert (
                len(await history.points("web", since=AT, until=AT + 10 * MINUTE, step_s=step_s, target="other"))
                == steps
            )
            assert await history.points("none", since=AT, until=AT + 10 * MINUTE, step_s=step_s) == []
            assert await history.points("web'; DROP TABLE minute; --", since=AT, until=2 * AT) == []


async def test_what_is_too_old_goes_and_its_minutes_stay(tmp_path: Path):
    async with world(tmp_path, now=AT + 3600 * NS) as here:
        await here.take(*some(AT, 12))
        await here.take(*some(AT + 30 * MINUTE, 12))
        await here.conclude(incident(at=AT), incident("i2", at=AT), incident(change="resolved", at=AT))
        async with here.history(tmp_path / "history") as history:
            await minutes_made(history)
        limits = CollectorLimits(raw_age=Duration(45 * 60), minutes_age=Duration(50 * 60))
        async with here.history(tmp_path / "history", limits) as history:
            await until(history, "SELECT (SELECT count(*) FROM incident) + (SELECT count(*) FROM event)", 1)
            assert await count(history) == history.status.observations == 12
            assert [p.total for p in await history.points("web", since=AT, until=here.now)] == [12]
            assert [i.id for i in await history.incidents()] == ["i2"], "an open one stays"
            await here.take(*some(AT, 1))  # late, and older than what is kept: it must not remake a minute
            await here.settle(history)
            assert await count(history, "minute") == 1


async def test_a_clock_that_is_ahead_puts_nothing_into_the_future(tmp_path: Path):
    async with world(tmp_path, now=AT) as here:
        await here.take(observation(started_at=AT + 10**9 * NS, scheduled_at=AT), received_at=AT)
        await here.take(observation(started_at=AT + 3600 * NS), received_at=AT, offset_ns=-3601 * NS, skewed=True)
        async with here.history(tmp_path / "history") as history:
            table = await history.query("SELECT started FROM observation ORDER BY seq")
            assert table.rows == [["2026-09-21T14:14:00"], ["2026-09-21T14:13:59"]]


async def test_incidents_as_last_known(tmp_path: Path):
    async with world(tmp_path) as here:
        await here.conclude(*(incident(f"i{n}", at=AT + n * NS) for n in range(5)))
        async with here.history(tmp_path / "history") as history:
            await here.conclude(incident("i3", "resolved", at=AT + 3 * NS), incident("i3", "reopened", at=AT + 3 * NS))
            await here.settle(history)
            assert [i.id for i in await history.incidents(limit=2)] == ["i4", "i3"]
            assert [i.id for i in await history.incidents(limit=9, before=AT + 3 * NS)] == ["i2", "i1", "i0"]
            story = await history.incident("i3")
            assert story is not None
            assert [event.id for event in story.events] == ["i3-opened", "i3-resolved", "i3-reopened"]
            assert story.incident.resolved_at is None
            assert await history.incident("none") is None


async def test_notices_the_latest_first(tmp_path: Path):
    def noticed(n: int, word: NoticeWord) -> Event:
        return Event(id=f"n{n}", at=AT + n * NS, cause=n, data=Noticed(word=word, title="x"))

    async with world(tmp_path) as here, here.history(tmp_path / "history") as history:
        assert await history.notices() == []
        await here.conclude(
            noticed(1, "site_lost"), incident("i1", at=AT), noticed(2, "move_started"), noticed(3, "move_done")
        )
        await here.settle(history)
        assert [event.data.type for event in await history.notices(limit=2)] == [
            "notice.move_done",
            "notice.move_started",
        ]


async def test_latest_is_each_probes_last_word(tmp_path: Path):
    async with world(tmp_path, now=AT + MINUTE) as here:
        await here.take(*some(number=3), observation(started_at=AT + 20 * NS, reason="timeout"))
        await here.take(*some(number=3, probe="p2", reason="timeout"), observation(probe="p2", started_at=AT + 20 * NS))
        async with here.history(tmp_path / "history") as history:
            table = await history.query("SELECT probe, reason FROM latest ORDER BY probe")
            assert table.rows == [["p1", "timeout"], ["p2", None]]


async def test_what_probes_say_of_themselves_is_no_observation(tmp_path: Path):
    found = {"lag_s": 0.5, "rss": 7, "spool": {"records": 3, "bytes": 9}, "agent": "0.1.0", "running": "many"}
    async with world(tmp_path) as here:
        await here.take(observation(kind="probe.health", started_at=AT, findings=found))
        async with here.history(tmp_path / "history") as history:
            assert await count(history) == 0
            table = await history.query("SELECT probe, lag_s, rss, spool_records, agent, running FROM probe_health")
            assert table.rows == [["p1", 0.5, 7, 3, "0.1.0", None]]


async def until(history: History, sql: str, wanted: object) -> None:
    """Waits for a query's one value; while the file is made anew there is none."""
    with trio.fail_after(60):
        found: object = None
        while found != wanted:
            with suppress(QueryError):
                ((found,),) = (await history.query(sql)).rows


async def minutes_made(history: History) -> None:
    """Waits until no ended minute waits for its figures."""
    await until(history, "SELECT count(*) FROM due", 0)


async def test_a_cancelled_query_leaves_nothing_behind(tmp_path: Path):
    async with world(tmp_path) as here, here.history(tmp_path / "history") as history:
        for _ in range(5):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(history.query, "SELECT count(*) FROM range(1000000) a, range(1000000) b")
                while not history._readers._readings:
                    await trio.lowlevel.checkpoint()
                nursery.cancel_scope.cancel()
        assert (await history.query("SELECT 1", timeout_s=60)).rows == [[1]]  # however slow the machine is


async def test_garbage_never_stops_the_reader(tmp_path: Path):
    async with world(tmp_path) as here:
        hostile = World.batch(here, observation(check="\x00\x1b[31m", target="\U0001f600" * 50, dims={"x\x00": "\x00"}))
        await here.inputs.append([hostile, here.batch(observation(run="", attempt=-(2**63), duration_ns=-(2**63)))])
        async with here.history(tmp_path / "history") as history:
            assert await count(history) == 2


async def test_a_number_of_json_that_no_float_holds_is_none(tmp_path: Path):
    async with world(tmp_path) as here:
        health = observation(kind="probe.health", seq=1, findings={"lag_s": "HUGE", "rss": "HUGE"})
        batch = wire.Batch(
            probe=health.probe, stream=health.stream, first_seq=1, last_seq=1, cut_at=0, observations=[health]
        )
        body = msgspec.json.encode(batch).replace(b'"HUGE"', b"1" + b"0" * 400)
        await here.inputs.append([here.batch(health, content_type=wire.JSON, encoding="", body=body)])
        async with here.history(tmp_path / "history") as history:
            assert (await history.query("SELECT lag_s, rss FROM probe_health")).rows == [[None, None]]


async def test_a_record_that_the_history_cannot_take_is_left_out_and_costs_no_other(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    def make(records: Sequence[Record]) -> Rows:
        if any(record.position in (2, 5) for record in records):
            raise ZeroDivisionError
        return input_rows(records)

    store = open_store(tmp_path / "history")
    async with world(tmp_path) as here:
        await here.take(observation())
        for _ in range(5):
            await here.take(observation())
        records = await here.inputs.read(0)
    _write(store, "inputs", 0, records, make)
    assert store.observations == 4
    assert store.progress["inputs"] == Progress(position=6, missed=0, unreadable=2)
    _write(store, "inputs", 0, records, make)  # a second time, as after a commit of which nobody heard
    assert store.observations == 4
    store.close()
    assert [record.levelname for record in caplog.records] == ["ERROR", "ERROR"]


async def test_observations_have_the_labels_that_their_probe_had_then(tmp_path: Path):
    day, at = 86400 * NS, AT
    here, there = (
        Probe(id="p1", region="eu", provider="a", asn=64500, location=(50.11, 8.68)),
        Probe(id="p1", region="us"),
    )
    ask = "SELECT DISTINCT probe_region, probe_provider, probe_asn, probe_latitude FROM observed ORDER BY 1"
    async with world(tmp_path) as given:
        await given.take(*some(at))
        await given.take(*some(at + day), received_at=at + 2 * day)
        async with given.history(tmp_path / "history"):
            pass
        with closing(open_store(tmp_path / "history")) as store:
            for probe, when in ((here, at), (here, at + 1), (there, at + day - NS), (Probe(id="p2"), at)):
                store.label([probe], when, at - day)
            with closing(store.reading()) as reading:
                assert reading.run(ask, most=10)[1] == [("eu", "a", 64500, 50.11), ("us", "", None, None)]
                assert reading.run("SELECT probe, since FROM vantage ORDER BY ALL", most=10)[1] == [
                    ("p1", timestamp(0)), ("p1", timestamp(at + day - NS)), ("p2", timestamp(0)),
                ]  # fmt: skip
        with closing(open_store(tmp_path / "history")) as store:
            store.label([there], at + 2 * day, at + 2 * day)
            store.label([here], at + 3 * day, at + 2 * day)
            with closing(store.reading()) as reading:
                kept = reading.run("SELECT since FROM vantage WHERE probe = 'p1' ORDER BY 1", most=10)[1]
            assert kept == [(timestamp(at + day - NS),), (timestamp(at + 3 * day),)], "what nobody has any more is gone"


async def test_a_file_of_an_earlier_version_gets_what_is_new(tmp_path: Path):
    async with world(tmp_path) as here:
        await here.take(*some())
        async with here.history(tmp_path / "history") as history:
            before = await count(history)
        with duckdb.connect(str(tmp_path / "history" / FILE)) as db:
            db.execute("DROP VIEW observed").fetchall()
            db.execute("DROP TABLE vantage").fetchall()
        async with here.history(tmp_path / "history") as history:
            assert (await count(history, "observed"), await count(history, "vantage")) == (before, 0)
