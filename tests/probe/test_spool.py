"""Cutting, and the spool on a journal in memory (virtual time) and on the real one."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing

from parallax import wire
from parallax.journal import Entry, JournalFull, Limits, open_journal
from parallax.state import StartError
from probe.cutter import MAX_RAW, Cutter
from probe.spool import MAX_WAITING, Envelope, Spool
from probe.statistics import Counters
from tests.fakes.journal import FakeJournal
from tests.fakes.observations import observation

OK = observation()
BAD = observation(reason="connect_timeout", fault="target")


def spool_on(journal: Any, counters: Counters | None = None) -> Spool:
    return Spool(journal, "p1", lambda: Envelope(plan="abc"), counters or Counters())


@asynccontextmanager
async def serving(spool: Spool) -> AsyncIterator[None]:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(spool.serve)
        yield
        spool.close()


def batches(journal: FakeJournal) -> list[wire.Batch]:
    return [wire.decode(record.body) for record in journal.records]


def test_a_batch_is_cut_after_a_second() -> None:
    cutter = Cutter()
    cutter.add(OK, 10.0)
    cutter.add(OK, 10.9)
    assert cutter.due_at == 11.0
    assert len(cutter.take(11.0)) == 2
    assert cutter.due_at is None


def test_a_reason_closes_it_at_once_but_at_most_every_50_ms() -> None:
    cutter = Cutter()
    cutter.add(OK, 10.0)
    cutter.add(BAD, 10.2)
    assert cutter.due_at == 10.2
    cutter.take(10.2)
    cutter.add(BAD, 10.21)
    assert cutter.due_at == pytest.approx(10.25)
    cutter.add(BAD, 10.22)
    assert cutter.due_at == pytest.approx(10.25)


def test_five_hundred_are_a_batch() -> None:
    cutter = Cutter()
    for _ in range(499):
        cutter.add(OK, 10.0)
    assert cutter.due_at == 11.0
    cutter.add(OK, 10.0)
    assert cutter.due_at == 10.0


def test_no_batch_is_larger_than_the_wire_takes() -> None:
    cutter = Cutter()
    large = observation(findings={"body": "x" * 300_000})
    assert [cutter.add(large, 1.0) for _ in range(2)] == [None, None]
    assert len(cutter.add(large, 1.0) or []) == 2
    huge = observation(findings={"body": "x" * MAX_RAW})
    cutter.add(huge, 1.0)
    assert "dropped_octets" in cutter.take(1.0)[-1].findings


async def test_seqs_count_up_over_batches_and_restarts(autojump_clock: trio.testing.MockClock) -> None:
    journal = FakeJournal()
    for _ in range(3):
        spool = spool_on(journal)
        async with serving(spool):
            for _ in range(700):
                spool.put_nowait(OK)
            await trio.sleep(1.5)
    cut = batches(journal)
    assert [o.seq for b in cut for o in b.observations] == list(range(1, 2101))
    assert len({b.stream for b in cut}) == 1
    assert {b.plan for b in cut} == {"abc"}
    assert max(len(b.observations) for b in cut) == 500


async def test_closing_puts_the_open_batch_on_disk(autojump_clock: trio.testing.MockClock) -> None:
    journal = FakeJournal()
    spool = spool_on(journal)
    async with serving(spool):
        spool.put_nowait(OK)
        await trio.testing.wait_all_tasks_blocked()
        assert not journal.records
    await spool.wait_closed()
    assert len(batches(journal)[0].observations) == 1


async def test_a_slow_disk_costs_a_bounded_memory_and_every_loss_is_counted(
    autojump_clock: trio.testing.MockClock,
) -> None:
    journal, counters = FakeJournal(), Counters()
    release = trio.Event()
    journal.on_write = release.wait
    spool = spool_on(journal, counters)
    async with serving(spool):
        for _ in range(10):
            for _ in range(1000):
                spool.put_nowait(BAD)
            await trio.sleep(0.1)
        assert counters.lost["disk_slow"] >= 10_000 - MAX_WAITING - 2 * wire.MAX_OBSERVATIONS - 10
        release.set()
    kept = sum(len(b.observations) for b in batches(journal))
    assert kept + counters.lost["disk_slow"] == 10_000
    assert kept >= MAX_WAITING


async def test_a_full_disk_is_waited_for_and_no_seq_is_skipped(autojump_clock: trio.testing.MockClock) -> None:
    journal, counters = FakeJournal(), Counters()
    full = True

    async def on_write() -> None:
        await trio.lowlevel.checkpoint()
        if full:
            raise JournalFull("no room")

    journal.on_write = on_write
    spool = spool_on(journal, counters)
    async with serving(spool):
        for _ in range(20):
            spool.put_nowait(OK)
            await trio.sleep(1)
        full = False
        await trio.sleep(3)
    seqs = [o.seq for b in batches(journal) for o in b.observations]
    assert seqs == list(range(1, 21))
    assert not counters.lost


async def test_a_new_stream_begins_with_the_next_batch_and_only_once(autojump_clock: trio.testing.MockClock) -> None:
    journal = FakeJournal()
    spool = spool_on(journal)
    old = spool.stream
    async with serving(spool):
        spool.put_nowait(BAD)
        await trio.sleep(1)
        spool.begin_stream(old)
        new = spool.stream
        spool.begin_stream(old)
        spool.put_nowait(BAD)
        await trio.sleep(1)
    assert new != old
    assert [(b.stream, b.first_seq) for b in batches(journal)] == [(old, 1), (new, 1)]
    assert spool_on(journal).stream == new


@pytest.mark.parametrize("steps", range(1, 12))
async def test_cancelled_anywhere_no_seq_is_used_twice(steps: int) -> None:
    journal = FakeJournal()
    for _ in range(2):
        spool = spool_on(journal)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(spool.serve)
            for _ in range(3):
                spool.put_nowait(BAD)
            for _ in range(steps):
                await trio.lowlevel.checkpoint()
            nursery.cancel_scope.cancel()
    seqs = [o.seq for b in batches(journal) for o in b.observations]
    assert seqs == list(range(1, len(seqs) + 1))


async def test_on_a_real_journal_a_restart_goes_on(tmp_path: Path) -> None:
    limits = Limits(max_bytes=10_000_000, max_age_s=1e6, keep_read=False, ballast_bytes=0)
    streams, seqs = set(), []
    for _ in range(2):
        async with open_journal(tmp_path / "spool.db", limits) as journal:
            await journal.register(["reader"])
            spool = spool_on(journal)
            async with serving(spool):
                for _ in range(5):
                    spool.put_nowait(BAD)
            await spool.wait_closed()
            streams.add(spool.stream)
            seqs = [o.seq for r in await journal.read(0) for o in wire.decode(r.body).observations]
    assert seqs == list(range(1, 11))
    assert len(streams) == 1


@pytest.mark.parametrize("real", [False, True], ids=["in memory", "real"])
async def test_both_journals_do_what_the_spool_and_the_shipper_need(tmp_path: Path, real: bool) -> None:
    async with AsyncExitStack() as stack:
        limits = Limits(max_bytes=10_000_000, max_age_s=1e12, keep_read=True, ballast_bytes=0)
        journal: Any = (
            await stack.enter_async_context(open_journal(tmp_path / "j.db", limits)) if real else FakeJournal()
        )
        assert (journal.mark("m"), journal.cursor("r"), journal.stats.last) == (None, 0, 0)
        entries = [Entry(kind="batch", body=bytes([n]), at_ns=n + 1, count=n + 1) for n in range(3)]
        assert await journal.append(entries, {"m": b"1"}) == 3
        assert journal.mark("m") == b"1"
        await journal.wait_beyond(2)
        assert [(r.position, r.body, r.count) for r in await journal.read(1)] == [(2, b"\1", 2), (3, b"\2", 3)]
        assert len(await journal.read(0, max_records=1)) == 1
        assert await journal.read(3) == []
        await journal.commit("r", 2)
        await journal.commit("r", 1)
        assert (journal.cursor("r"), journal.stats.last) == (2, 3)
        with trio.move_on_after(0) as waited:
            await journal.wait_beyond(3)
        assert waited.cancelled_caught


async def test_another_probes_spool_is_refused_before_anything_is_lost(tmp_path: Path) -> None:
    async with open_journal(tmp_path / "spool.db", Limits(max_bytes=10**6, max_age_s=1e6)) as journal:
        spool = spool_on(journal)
        async with serving(spool):
            spool.put_nowait(OK)
        with pytest.raises(StartError, match=r"belongs to the probe 'p1'.*give 'p2' a `state` of its own"):
            Spool(journal, "p2", Envelope, Counters())
        assert spool_on(journal).stream == spool.stream
