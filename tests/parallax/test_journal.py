"""What the journal promises a caller, on a real file."""

import os
import sqlite3
import sys
import tempfile
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest
import trio
import trio.testing

from parallax.clock import NS
from parallax.journal import Entry, JournalBusy, JournalError, Limits, open_journal
from parallax.journal.file import record_crc
from tests.fakes.steps import cancelled_at_step

AT = 1_800_000_000 * NS
DAY = 86_400


class Wall:
    """A wall clock that stands where it is put."""

    def __init__(self, at_ns: int = AT) -> None:
        self.at_ns = at_ns

    def __call__(self) -> int:
        return self.at_ns


def limits(**changes: object) -> Limits:
    return Limits(**({"max_bytes": 4_000_000, "max_age_s": 7 * DAY, "ballast_bytes": 100_000} | changes))  # type: ignore[arg-type]


def entry(body: bytes = b"body", *, at_ns: int = AT, count: int = 1) -> Entry:
    return Entry(kind="batch", body=body, at_ns=at_ns, count=count)


def journal_at(path: Path, wall: Wall | None = None, **changes: object):
    return open_journal(path, limits(**changes), wall=wall or Wall())


@asynccontextmanager
async def stuck_disk(path: Path) -> AsyncIterator[None]:
    """Nothing can be written while this is open: another connection has the write lock."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield


async def test_what_is_appended_is_read_back_in_order(tmp_path: Path) -> None:
    async with journal_at(tmp_path / "j") as journal:
        entries = [Entry(kind="plan", body=bytes([n]) * n, at_ns=AT + n, count=n) for n in range(1, 6)]
        assert await journal.append(entries[:2]) == 2
        assert await journal.append(entries[2:]) == 5
        records = await journal.read(0)
        assert [(r.kind, r.body, r.at_ns, r.count) for r in records] == [
            (e.kind, e.body, e.at_ns, e.count) for e in entries
        ]
        assert [r.position for r in records] == [1, 2, 3, 4, 5]
        assert [r.position for r in await journal.read(3)] == [4, 5]
        assert await journal.read(5) == []
        assert (journal.stats.records, journal.stats.things, journal.stats.last) == (5, 15, 5)


async def test_a_read_is_bounded_by_records_and_octets_but_never_empty(tmp_path: Path) -> None:
    async with journal_at(tmp_path / "j") as journal:
        await journal.append([entry(bytes(1000)) for _ in range(10)])
        assert len(await journal.read(0, max_records=3)) == 3
        assert len(await journal.read(0, max_bytes=2500)) == 2
        assert len(await journal.read(0, max_bytes=1)) == 1


async def test_everything_is_there_after_a_restart(tmp_path: Path) -> None:
    async with journal_at(tmp_path / "j") as journal:
        await journal.append([entry(b"1"), entry(b"2")], {"stream": b"s", "gone": b"x"})
        await journal.append([entry(b"3")], {"gone": None})
        await journal.commit("reader", 2, {"seen": b"2"})
        before = journal.stats
    async with journal_at(tmp_path / "j") as journal:
        assert journal.stats == before
        assert journal.cursor("reader") == 2
        assert journal.cursor("other") == 0
        assert (journal.mark("stream"), journal.mark("seen"), journal.mark("gone")) == (b"s", b"2", None)
        assert journal.marks("s") == {"stream": b"s", "seen": b"2"}
        assert [r.body for r in await journal.read(journal.cursor("reader"))] == [b"3"]
        assert journal.salvaged is None


async def test_a_cursor_never_moves_back_nor_beyond_the_end(tmp_path: Path) -> None:
    async with journal_at(tmp_path / "j") as journal:
        await journal.append([entry(), entry()])
        await journal.commit("reader", 2)
        await journal.commit("reader", 1)
        assert journal.cursor("reader") == 2
        with pytest.raises(ValueError, match=r"position 3 is not within the journal \(0 to 2\)"):
            await journal.commit("reader", 3)


async def test_a_bad_commit_does_not_take_its_group_along(tmp_path: Path) -> None:
    path = tmp_path / "j"
    failed: list[str] = []
    async with journal_at(path) as journal, trio.open_nursery() as nursery:

        async def beyond() -> None:
            try:
                await journal.commit("reader", 99)
            except ValueError as error:
                failed.append(str(error))

        async with stuck_disk(path):
            nursery.start_soon(journal.append, [entry()])
            await trio.testing.wait_all_tasks_blocked()
            nursery.start_soon(beyond)
            nursery.start_soon(journal.append, [entry()])
            await trio.testing.wait_all_tasks_blocked()
    assert len(failed) == 1
    assert journal.stats.last == 2


async def test_a_waiting_reader_wakes_for_a_record(tmp_path: Path) -> None:
    async with journal_at(tmp_path / "j") as journal:
        woken: list[int] = []

        async def wait() -> None:
            await journal.wait_beyond(1)
            woken.append(journal.stats.last)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(wait)
            await journal.append([entry()])
            await trio.testing.wait_all_tasks_blocked()
            assert woken == []
            await journal.append([entry()])
        assert woken == [2]


async def test_a_reader_does_not_wake_for_what_was_dropped(tmp_path: Path) -> None:
    """Else it would spin: told of a record beyond its position, and given none."""
    async with journal_at(tmp_path / "j", keep_read=False) as journal:
        await journal.append([entry()])
        await journal.commit("reader", 1)
        assert journal.stats.records == 0
        with trio.CancelScope() as scope:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(journal.wait_beyond, 0)
                await trio.testing.wait_all_tasks_blocked()
                scope.cancel()
        assert scope.cancelled_caught


async def test_nobody_reads_what_is_written_but_not_published(tmp_path: Path) -> None:
    async with journal_at(tmp_path / "j") as journal:
        await journal.append([entry()])
        with closing(sqlite3.connect(tmp_path / "j", isolation_level=None)) as db:  # as the writer, a moment before
            row = (2, AT, 1, record_crc(2, AT, 1, b"batch", b"body"), b"batch", b"body")
            db.execute("INSERT INTO records VALUES (?, ?, ?, ?, ?, ?)", row)
        assert [record.position for record in await journal.read(0)] == [1]
        assert await journal.read(1) == []


async def test_many_appends_share_a_transaction(tmp_path: Path) -> None:
    path = tmp_path / "j"
    positions: list[int] = []
    async with journal_at(path) as journal, trio.open_nursery() as nursery:

        async def one(n: int) -> None:
            positions.append(await journal.append([entry(b"%d" % n)], {"n": b"%d" % n}))

        async with stuck_disk(path):
            for n in range(50):
                nursery.start_soon(one, n)
            await trio.testing.wait_all_tasks_blocked()
            assert positions == []
            assert journal.stats.pending_bytes > 0
    assert sorted(positions) == list(range(1, 51))
    assert journal.stats.pending_bytes == 0


async def test_memory_is_bounded_while_the_disk_is_stuck(tmp_path: Path) -> None:
    path = tmp_path / "j"
    outcomes: list[str] = []
    async with journal_at(path, max_pending_bytes=100_000) as journal, trio.open_nursery() as nursery:

        async def one() -> None:
            try:
                await journal.append([entry(bytes(30_000))])
                outcomes.append("in")
            except JournalBusy:
                outcomes.append("busy")

        async with stuck_disk(path):
            for _ in range(20):
                nursery.start_soon(one)
            await trio.testing.wait_all_tasks_blocked()
            assert outcomes == ["busy"] * 17
            assert journal.stats.pending_bytes <= 100_000
    assert outcomes.count("in") == 3
    assert journal.stats.last == 3  # nothing of the refused ones was taken


async def test_more_at_once_than_the_journal_may_hold_is_an_error(tmp_path: Path) -> None:
    async with journal_at(tmp_path / "j", max_bytes=100_000) as journal:
        with pytest.raises(JournalError, match=r"octets at once, where the whole journal may have 100000; raise"):
            await journal.append([entry(bytes(200_000))])
        assert await journal.append([entry()]) == 1


async def test_old_records_make_room_and_what_was_unread_is_counted(tmp_path: Path) -> None:
    async with journal_at(tmp_path / "j", max_bytes=100_000) as journal:
        await journal.register(["slow", "quick"])
        for n in range(1, 31):
            await journal.append([entry(bytes(10_000), count=500)])
            assert journal.stats.bytes <= 100_000
            await journal.commit("quick", n)
            if n <= 4:
                await journal.commit("slow", n)
        stats = journal.stats
        assert stats.first > 5
        assert stats.records == stats.last - stats.first + 1
        assert stats.lost == {"size": (stats.first - 5) * 500}  # 1-4 had been read by both
        assert [r.position for r in await journal.read(0)] == list(range(stats.first, 31))
    async with journal_at(tmp_path / "j", max_bytes=100_000) as journal:
        assert journal.stats == stats


async def test_without_readers_nothing_counts_as_lost(tmp_path: Path) -> None:
    async with journal_at(tmp_path / "j", max_bytes=100_000) as journal:
        for _ in range(30):
            await journal.append([entry(bytes(10_000))])
        assert journal.stats.lost == {}
        assert journal.stats.first > 1


async def test_a_forgotten_reader_holds_nothing_back(tmp_path: Path) -> None:
    async with journal_at(tmp_path / "j", keep_read=False) as journal:
        await journal.register(["a", "b"])
        await journal.append([entry(), entry()])
        await journal.commit("a", 2)
        assert journal.stats.records == 2
        await journal.register(["a", "c"])
        assert journal.cursors == {"a": 2, "c": 0}
        await journal.commit("c", 1)
        assert (journal.stats.first, journal.stats.records, journal.stats.lost) == (2, 1, {})
    async with journal_at(tmp_path / "j", keep_read=False) as journal:
        assert journal.cursors == {"a": 2, "c": 1}


async def test_a_spool_without_readers_keeps_everything(tmp_path: Path) -> None:
    async with journal_at(tmp_path / "j", keep_read=False) as journal:
        await journal.append([entry()])
        await journal.append([entry()])
        assert journal.stats.records == 2


async def test_old_age_goes_at_the_next_append(tmp_path: Path) -> None:
    wall = Wall()
    async with journal_at(tmp_path / "j", wall, max_age_s=100) as journal:
        await journal.register(["reader"])
        await journal.append([entry(at_ns=AT), entry(at_ns=AT + 50 * NS, count=7)])
    wall.at_ns = AT + 120 * NS
    async with journal_at(tmp_path / "j", wall, max_age_s=100) as journal:
        await journal.append([entry(at_ns=wall.at_ns)])
        assert [r.position for r in await journal.read(0)] == [2, 3]
        assert journal.stats.lost == {"age": 1}


async def test_a_wall_clock_that_steps_ages_nothing(tmp_path: Path) -> None:
    """A host that boots in 1970 and then learns the time; and one whose clock is set back."""
    wall = Wall(at_ns=0)
    async with journal_at(tmp_path / "j", wall, max_age_s=100) as journal:
        await journal.append([entry(at_ns=0)])
        wall.at_ns = AT
        await journal.append([entry(at_ns=AT)])
        wall.at_ns = AT - 1000 * NS
        await journal.append([entry(at_ns=wall.at_ns)])
        wall.at_ns = AT
        await journal.append([entry(at_ns=AT)])
        assert [r.position for r in await journal.read(0)] == [1, 2, 3, 4]


async def test_one_record_with_an_early_stamp_does_not_take_younger_ones_before_it_along(tmp_path: Path) -> None:
    async with journal_at(tmp_path / "j", max_age_s=100) as journal:
        await journal.append([entry(at_ns=AT), entry(at_ns=0), entry(at_ns=AT)])
        await journal.append([entry()])
        assert journal.stats.records == 4


async def test_positions_are_never_given_twice(tmp_path: Path) -> None:
    async with journal_at(tmp_path / "j", keep_read=False) as journal:
        await journal.append([entry(), entry(), entry()])
        await journal.commit("reader", 3)
        assert journal.stats.records == 0
        assert (journal.stats.first, journal.stats.last) == (4, 3)
    async with journal_at(tmp_path / "j", keep_read=False) as journal:
        assert await journal.append([entry()]) == 4
        assert [r.position for r in await journal.read(journal.cursor("reader"))] == [4]


@pytest.mark.slow
async def test_the_file_stays_near_its_bound(tmp_path: Path) -> None:
    """`cost` is an estimate; here is how good it is, for bodies from hundreds to tens of thousands of octets."""
    for size in (100, 900, 2_100, 4_500, 25_000, 60_000):
        path = tmp_path / f"j{size}"
        async with journal_at(path, max_bytes=2_000_000) as journal:
            each = max(1, 20_000 // size)
            for _ in range(6_000_000 // (size * each)):
                await journal.append([entry(bytes(size)) for _ in range(each)])
        assert 0.8 * 2_000_000 < path.stat().st_size < 1.1 * 2_000_000 + 100_000, size


@pytest.mark.parametrize("number", range(6))
async def test_a_cancelled_append_is_in_or_not_never_half(tmp_path: Path, number: int) -> None:
    async with journal_at(tmp_path / "j") as journal:
        cancelled = await cancelled_at_step(number, lambda: journal.append([entry(), entry()], {"m": b"1"}))
        after = await journal.append([entry()])
        assert after in ((1,) if number == 0 else (1, 3) if cancelled else (3,))
        assert (journal.mark("m") == b"1") == (after == 3)


@pytest.mark.parametrize("number", range(8))
async def test_a_cancelled_read_leaves_the_journal_usable(tmp_path: Path, number: int) -> None:
    async with journal_at(tmp_path / "j") as journal:
        await journal.append([entry()])
        await cancelled_at_step(number, lambda: journal.read(0))
        await cancelled_at_step(number % 2, lambda: journal.wait_beyond(1))
        assert len(await journal.read(0)) == 1
        await journal.commit("reader", 1)


async def test_an_append_whose_waiter_was_cancelled_goes_in_and_wakes_readers(tmp_path: Path) -> None:
    path = tmp_path / "j"
    async with journal_at(path) as journal, trio.open_nursery() as nursery, stuck_disk(path):
        with trio.CancelScope() as scope:
            async with trio.open_nursery() as inner:
                inner.start_soon(journal.append, [entry()])
                await trio.testing.wait_all_tasks_blocked()
                scope.cancel()
        nursery.start_soon(journal.wait_beyond, 0)
        await trio.testing.wait_all_tasks_blocked()
    assert journal.stats.last == 1
    assert journal.stats.pending_bytes == 0


async def test_closing_writes_what_was_handed_in_and_ends_the_thread(tmp_path: Path) -> None:
    path = tmp_path / "j"
    threads = threading.active_count()
    async with journal_at(path) as journal:
        with trio.CancelScope() as scope:
            async with trio.open_nursery() as nursery:
                for _ in range(20):
                    nursery.start_soon(journal.append, [entry()])
                await trio.testing.wait_all_tasks_blocked(0)
                scope.cancel()
    assert [t.name for t in threading.enumerate() if t.name.startswith("journal ")] == []
    assert threading.active_count() <= threads + 5  # trio keeps idle workers for a while
    assert not (tmp_path / "j-wal").exists()
    async with journal_at(path) as again:
        assert again.stats.last == 20
    with pytest.raises(trio.ClosedResourceError):
        await journal.append([entry()])
    with pytest.raises(trio.ClosedResourceError):
        await journal.read(0)


async def test_opening_cancelled_at_any_step_leaves_no_lock(tmp_path: Path) -> None:
    path = tmp_path / "j"

    async def use() -> None:
        async with journal_at(path) as journal:
            await journal.append([entry()])

    for number in range(12):
        await cancelled_at_step(number, use)
    async with journal_at(path) as journal:
        assert journal.stats.records == journal.stats.last


async def test_the_file_is_private(tmp_path: Path) -> None:
    path = tmp_path / "j"
    path.touch(mode=0o644)
    async with journal_at(path) as journal:
        await journal.append([entry()])
        for file in tmp_path.iterdir():
            assert file.stat().st_mode & 0o777 == 0o600, file


async def test_a_second_process_is_refused(tmp_path: Path) -> None:
    async with journal_at(tmp_path / "j"):
        with pytest.raises(JournalError, match="j: another process has this journal open; stop it first"):
            async with journal_at(tmp_path / "j"):
                pass


async def _refused(path: Path) -> str:
    with pytest.raises(JournalError) as caught:
        async with journal_at(path):
            pass
    assert "\n" not in str(caught.value)
    return str(caught.value)


async def test_every_bad_path_is_one_clear_line(tmp_path: Path) -> None:
    missing = tmp_path / "none" / "j"
    assert await _refused(missing) == f"{missing}: there is no folder {tmp_path}/none; make it"
    folder = tmp_path / "folder"
    folder.mkdir()
    assert await _refused(folder) == f"{folder}: is not a file; choose another path"
    foreign = tmp_path / "foreign"
    with closing(sqlite3.connect(foreign)) as db:
        db.execute("CREATE TABLE t (x)")
    assert await _refused(foreign) == f"{foreign}: is another program's SQLite file; choose another path"
    later = tmp_path / "later"
    async with journal_at(later):
        pass
    with closing(sqlite3.connect(later)) as db:
        db.execute("PRAGMA user_version = 2")
    assert await _refused(later) == f"{later}: is a journal of format 2, this version knows 1; upgrade, or move it away"


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to drop to a user who may not write")
async def test_a_folder_that_is_not_writable_is_one_clear_line(tmp_path: Path) -> None:
    program = (
        "import os, sys, trio; from pathlib import Path; from parallax.journal import *\n"
        "os.setgid(65534); os.setuid(65534)\n"
        "async def main():\n"
        "    async with open_journal(Path(sys.argv[1]), Limits(max_bytes=10**6, max_age_s=1)): pass\n"
        "try: trio.run(main)\n"
        "except JournalError as error: print(error)\n"
    )
    for folder in (tmp_path, *tmp_path.parents[:3]):  # one more in a worker's own folder
        if folder == Path(tempfile.gettempdir()):
            break
        folder.chmod(0o755)
    done = await trio.run_process([sys.executable, "-c", program, str(tmp_path / "j")], capture_stdout=True)
    assert done.stdout.decode().strip() == (
        f"{tmp_path}/j: the folder {tmp_path} is not writable for this user; change its owner or mode"
    )


async def test_marks_alone_can_be_set_with_an_empty_append(tmp_path: Path) -> None:
    async with journal_at(tmp_path / "j") as journal:
        assert await journal.append([], {"stream": b"1"}) == 0
        assert journal.mark("stream") == b"1"
        assert await journal.append([entry()]) == 1


@pytest.mark.parametrize("suffix", ["", "-wal"])
@pytest.mark.parametrize("replaced", [False, True])
async def test_what_goes_into_a_removed_file_is_not_called_durable(tmp_path: Path, suffix: str, replaced: bool) -> None:
    path = tmp_path / "j"
    async with journal_at(path) as journal:
        assert await journal.append([entry()]) == 1
        gone = path.with_name(path.name + suffix)
        gone.unlink()
        if replaced:
            gone.write_bytes(b"")
        with pytest.raises(JournalError, match="removed or replaced while in use"):
            await journal.append([entry()])
        assert "removed or replaced" in str(await journal.wait_failed())
        assert journal.stats.last == 1


async def test_a_closed_journal_has_not_failed(tmp_path: Path, autojump_clock: trio.testing.MockClock) -> None:
    async with journal_at(tmp_path / "j") as journal:
        pass
    with trio.move_on_after(1) as scope:
        await journal.wait_failed()
    assert scope.cancelled_caught


@pytest.mark.slow
async def test_the_end_does_not_wait_for_a_disk_that_hangs(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "j"
    with closing(sqlite3.connect(path, isolation_level=None)) as hang:  # who holds the lock stands for the disk
        with trio.fail_after(60):
            async with journal_at(path) as journal, trio.open_nursery() as nursery:
                hang.execute("BEGIN IMMEDIATE")
                nursery.start_soon(journal.append, [entry()])
                await trio.testing.wait_all_tasks_blocked()
                nursery.cancel_scope.cancel()
        hang.execute("ROLLBACK")
    for thread in threading.enumerate():
        if thread.name.startswith("journal"):
            thread.join(10)
    (said,) = [record for record in caplog.records if record.levelname == "ERROR"]
    assert "does not answer" in said.getMessage()
