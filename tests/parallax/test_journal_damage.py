"""Damaged files: named, set aside, and the rest read; and damage met while the journal is in use."""

import os
import random
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
import trio

from parallax.clock import NS
from parallax.journal import Entry, Journal, JournalError, Limits, Record, open_journal
from parallax.journal import salvage as salvaging
from parallax.journal.bounds import PAGE

AT = 1_800_000_000 * NS
LIMITS = Limits(max_bytes=50_000_000, max_age_s=1e6, ballast_bytes=100_000)
NUMBER = 200


def body_of(position: int) -> bytes:
    return random.Random(position).randbytes(200 + position * 50)


async def fill(path: Path, number: int = NUMBER) -> None:
    """A journal of `number` records of 7 things with a cursor at 50 and two marks, closed cleanly."""
    async with open_journal(path, LIMITS, wall=lambda: AT) as journal:
        for position in range(1, number + 1, 10):
            batch = [Entry(kind="batch", body=body_of(p), at_ns=AT, count=7) for p in range(position, position + 10)]
            await journal.append(batch, {"stream": b"s", "last": b"%d" % (position + 9)})
        await journal.commit("reader", 50)


async def read_all(journal: Journal) -> list[Record]:
    records: list[Record] = []
    while more := await journal.read(records[-1].position if records else 0):
        records += more
    return records


def page_of(path: Path, position: int) -> int:
    """The number of a page (from 0) in which the record's body lies, found by its content."""
    return path.read_bytes().index(body_of(position)[-300:]) // PAGE


def root_of(path: Path, table: str) -> int:
    """The number (from 0) of a table's root page."""
    with closing(sqlite3.connect(path)) as db:
        return int(db.execute("SELECT rootpage FROM sqlite_schema WHERE name = ?", (table,)).fetchone()[0]) - 1


def overwrite(path: Path, page: int, content: bytes = b"\xa5" * PAGE) -> None:
    with path.open("r+b") as file:
        file.seek(page * PAGE)
        file.write(content)


def asides(path: Path) -> list[Path]:
    return sorted(path.parent.glob(f"{path.name}.corrupt-*"))


@pytest.mark.parametrize("content", [b"\xa5" * PAGE, bytes(PAGE), random.Random(1).randbytes(PAGE)])
async def test_a_bad_body_page_costs_its_record_only(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "j"
    await fill(path)
    overwrite(path, page_of(path, 150), content)
    damaged = path.read_bytes()
    async with open_journal(path, LIMITS, wall=lambda: AT) as journal:
        report = journal.salvaged
        assert report is not None
        assert report.found
        assert report.records_lost <= 2  # a page may hold the ends of two
        assert 150 in [p for a, b in report.lost for p in range(a, b + 1)]
        assert report.things_lost == 7 * report.records_lost
        assert report.cursors_kept
        assert report.marks_kept
        assert str(report).startswith("the journal was damaged (")
        assert "\n" not in str(report)
        records = await read_all(journal)
        assert len(records) == NUMBER - report.records_lost
        assert all(r.body == body_of(r.position) and r.count == 7 for r in records)
        assert journal.stats.lost == {"corrupt": report.things_lost}
        assert (journal.cursor("reader"), journal.mark("stream"), journal.mark("last")) == (50, b"s", b"200")
        assert await journal.append([Entry(kind="batch", body=b"new", at_ns=AT)]) == NUMBER + 1
        stats = journal.stats
    assert asides(path) == [Path(report.aside)]
    assert asides(path)[0].read_bytes() == damaged
    assert asides(path)[0].stat().st_mode & 0o777 == 0o600
    async with open_journal(path, LIMITS, wall=lambda: AT) as journal:  # sound from now on, and nothing counted twice
        assert journal.salvaged is None
        assert journal.stats == stats


@pytest.mark.slow
async def test_any_page_may_be_bad(tmp_path: Path) -> None:
    """Every page of the file in turn: it opens, says so, and what it hands out is what was written."""
    original = tmp_path / "original"
    await fill(original, 60)
    whole = original.read_bytes()
    kept: list[int] = []
    for page in range(len(whole) // PAGE):
        folder = tmp_path / str(page)
        folder.mkdir()
        path = folder / "j"
        path.write_bytes(whole)
        overwrite(path, page, random.Random(page).randbytes(PAGE))
        async with open_journal(path, LIMITS, wall=lambda: AT) as journal:
            records = await read_all(journal)
            assert all(r.body == body_of(r.position) for r in records)
            assert journal.stats.records == len(records)
            assert journal.salvaged is not None or len(records) == 60
            last = await journal.append([Entry(kind="batch", body=b"new", at_ns=AT)])
            assert last > max((r.position for r in records), default=0)
            kept.append(len(records))
    # The root of the records is the one page that holds them all together.
    assert sorted(kept)[1] >= 40, sorted(kept)[:5]


@pytest.mark.parametrize("table", ["cursors", "marks", "state"])
async def test_a_bad_small_table_costs_no_record(tmp_path: Path, table: str) -> None:
    path = tmp_path / "j"
    await fill(path)
    overwrite(path, root_of(path, table))
    async with open_journal(path, LIMITS, wall=lambda: AT) as journal:
        report = journal.salvaged
        assert report is not None
        assert (report.cursors_kept, report.marks_kept) == (table != "cursors", table != "marks")
        assert ("begin anew" in str(report)) == (table != "state")
        assert len(await read_all(journal)) == NUMBER
        assert journal.stats.records == NUMBER
        assert journal.stats.things == 7 * NUMBER
        assert journal.cursor("reader") == (0 if table == "cursors" else 50)
        assert journal.stats.last == NUMBER


async def test_the_first_page_is_not_the_end(tmp_path: Path) -> None:
    path = tmp_path / "j"
    await fill(path)
    overwrite(path, 0)
    async with open_journal(path, LIMITS, wall=lambda: AT) as journal:
        assert journal.salvaged is not None
        assert journal.salvaged.records_lost == 0
        assert len(await read_all(journal)) == NUMBER
        assert journal.mark("stream") == b"s"
    assert sorted(p.name for p in tmp_path.iterdir() if "corrupt" not in p.name) == ["j", "j.ballast"]


@pytest.mark.parametrize("content", [b"not a database at all\n" * 500, b"x", bytes(100_000)])
async def test_a_file_that_is_no_journal_is_set_aside(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "j"
    path.write_bytes(content)
    async with open_journal(path, LIMITS) as journal:
        assert journal.salvaged is not None
        assert journal.salvaged.records_kept == 0
        assert await journal.append([Entry(kind="batch", body=b"", at_ns=AT)]) == 1
    assert [aside.read_bytes() for aside in asides(path)] == [content]


async def test_a_file_cut_short_keeps_its_head(tmp_path: Path) -> None:
    path = tmp_path / "j"
    await fill(path)
    os.truncate(path, path.stat().st_size // 2)
    async with open_journal(path, LIMITS, wall=lambda: AT) as journal:
        records = await read_all(journal)
        assert 50 < len(records) < NUMBER
        assert all(r.body == body_of(r.position) for r in records)
        assert journal.stats.lost == {"corrupt": 7 * (NUMBER - len(records))}
        assert await journal.append([Entry(kind="batch", body=b"", at_ns=AT)]) == NUMBER + 1


async def test_damage_met_while_reading_stops_no_reader(tmp_path: Path) -> None:
    path = tmp_path / "j"
    await fill(path)
    bad = page_of(path, 150)
    async with open_journal(path, LIMITS, wall=lambda: AT) as journal:
        overwrite(path, bad)
        records = await read_all(journal)
        gone = sorted(set(range(1, NUMBER + 1)) - {r.position for r in records})
        assert 150 in gone
        assert len(gone) <= 2
        assert all(r.body == body_of(r.position) for r in records)
        assert journal.stats.lost == {"corrupt": 7 * len(gone)}
        assert journal.stats.records == len(records)
        assert await read_all(journal) == records  # counted once
        assert journal.stats.lost == {"corrupt": 7 * len(gone)}
        await journal.commit("reader", NUMBER)
    async with open_journal(path, LIMITS, wall=lambda: AT) as journal:
        assert journal.salvaged is not None
        assert journal.salvaged.found == ("damage was met while it was in use",)
        assert journal.stats.lost == {"corrupt": 7 * len(gone)}
        assert await read_all(journal) == records
        assert journal.cursor("reader") == NUMBER


async def test_a_damaged_last_record_does_not_make_a_reader_spin(tmp_path: Path) -> None:
    path = tmp_path / "j"
    await fill(path)
    bad = page_of(path, NUMBER)
    async with open_journal(path, LIMITS, wall=lambda: AT) as journal:
        overwrite(path, bad)
        last = (await read_all(journal))[-1].position
        assert last < NUMBER
        with trio.CancelScope() as scope:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(journal.wait_beyond, last)
                await trio.testing.wait_all_tasks_blocked()
                scope.cancel()
        assert scope.cancelled_caught


async def test_a_writer_that_meets_damage_says_so_and_the_restart_heals(tmp_path: Path) -> None:
    path = tmp_path / "j"
    await fill(path)
    async with open_journal(path, LIMITS, wall=lambda: AT) as journal:
        bad = root_of(path, "records")
        overwrite(path, bad)
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("CREATE TABLE t (x)")  # so that the writer must read its pages anew
            other.execute("DROP TABLE t")
        with pytest.raises(JournalError, match=r"the journal is damaged .*; restart, it is salvaged at the start"):
            await journal.append([Entry(kind="batch", body=b"new", at_ns=AT)])
        with pytest.raises(JournalError):
            await journal.append([])
        with pytest.raises(JournalError):
            await journal.wait_beyond(10**9)
    async with open_journal(path, LIMITS, wall=lambda: AT) as journal:
        assert journal.salvaged is not None
        await journal.append([Entry(kind="batch", body=b"", at_ns=AT)])


async def test_one_file_set_aside_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "j"
    await fill(path)
    older = tmp_path / "j.corrupt-20200101T000000Z"
    older.write_bytes(b"older")
    (tmp_path / "j.corrupt-20200101T000000Z-wal").write_bytes(b"older")
    overwrite(path, 3)
    async with open_journal(path, LIMITS, wall=lambda: AT) as journal:
        assert journal.salvaged is not None
        assert asides(path) == [Path(journal.salvaged.aside)]


class Killed(BaseException):
    """Stands for the end of the process."""


@pytest.mark.parametrize("after", [1, 60])
async def test_a_salvage_that_is_cut_off_is_done_again(tmp_path: Path, after: int) -> None:
    path = tmp_path / "j"
    await fill(path)
    overwrite(path, page_of(path, 150))
    calls = 0

    def kill() -> None:
        nonlocal calls
        calls += 1
        if calls == after:
            raise Killed

    with pytest.raises(Killed):
        salvaging.salvage(path, ["bad"], kill)
    async with open_journal(path, LIMITS, wall=lambda: AT) as journal:
        assert len(await read_all(journal)) >= NUMBER - 2
    assert sorted(p.name for p in tmp_path.iterdir() if "corrupt" not in p.name) == ["j", "j.ballast"]


def _nothing_moved(path: Path) -> None:
    pass


def _file_moved(path: Path) -> None:
    path.rename(path.with_name("j.corrupt-20200101T000000Z"))


def _log_moved(path: Path) -> None:
    _file_moved(path)
    path.with_name("j-wal").unlink(missing_ok=True)


@pytest.mark.parametrize("state", [_nothing_moved, _file_moved, _log_moved])
async def test_a_salvage_that_is_cut_off_while_the_files_change_places_is_finished(
    tmp_path: Path, state: Callable[[Path], None]
) -> None:
    path, complete = tmp_path / "j", tmp_path / "j.salvaged"
    await fill(path)
    path.rename(complete)
    path.write_bytes(b"damaged")
    path.with_name("j-wal").write_bytes(b"stale")
    state(path)
    async with open_journal(path, LIMITS, wall=lambda: AT) as journal:
        assert len(await read_all(journal)) == NUMBER
    assert len([aside for aside in asides(path) if not aside.name.endswith("-wal")]) == 1
    assert not complete.exists()


async def test_a_file_too_large_to_check_is_checked_where_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "j"
    await fill(path)
    overwrite(path, page_of(path, 150))
    os.truncate(path, salvaging.CHECKED_BYTES + PAGE)  # a sparse tail: SQLite goes by the size in its header
    async with open_journal(path, LIMITS, wall=lambda: AT) as journal:
        assert journal.salvaged is None
        assert len(await read_all(journal)) >= NUMBER - 2
        assert journal.stats.lost["corrupt"] in (7, 14)
    os.truncate(path, 10**7)
    async with open_journal(path, LIMITS, wall=lambda: AT) as journal:
        assert journal.salvaged is not None
