"""The shipper on virtual time, with a collector and a journal in memory."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio
import trio.testing

from parallax import wire
from probe.clocks import Offsets
from probe.outcomes import Answer, Backoff
from probe.shipping import Shipper
from probe.spool import Envelope, Spool
from probe.statistics import Counters
from tests.fakes.client import FakeClient
from tests.fakes.journal import FakeJournal
from tests.fakes.observations import observation

BAD = observation(reason="connect_timeout", fault="target")


class Bench:
    """A spool and two collectors."""

    def __init__(self, journal: FakeJournal | None = None) -> None:
        self.journal, self.counters, self.offsets = journal or FakeJournal(), Counters(), Offsets()
        self.spool = Spool(self.journal, "p1", Envelope, self.counters)
        self.clients = {"a": FakeClient(), "b": FakeClient()}
        self.shippers = {
            name: Shipper(
                name,
                client,
                self.journal,
                self.spool,
                self.offsets,
                self.counters,
                backoff=Backoff(0.5, 30, jitter=lambda: 1.0),
            )
            for name, client in self.clients.items()
        }

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self.spool.serve)
            for shipper in self.shippers.values():
                nursery.start_soon(shipper.serve)
            yield
            nursery.cancel_scope.cancel()

    async def put(self, number: int = 1) -> None:
        """That many batches of one observation."""
        for _ in range(number):
            self.spool.put_nowait(BAD)
            await trio.sleep(0.06)


async def test_everything_arrives_at_both_in_order(autojump_clock: trio.testing.MockClock) -> None:
    bench = Bench()
    async with bench.running():
        await bench.put(100)
        await trio.sleep(1)
    assert bench.clients["a"].seqs == bench.clients["b"].seqs == list(range(1, 101))
    assert bench.journal.cursors == {"a": 100, "b": 100}


async def test_one_that_is_down_slows_nobody_and_gets_all_later(autojump_clock: trio.testing.MockClock) -> None:
    bench = Bench()
    down = bench.clients["a"]

    async def hangs_then_fails(batch: wire.Batch) -> Answer:
        await trio.sleep(20)
        return Answer(failure="timeout")

    down.answer = hangs_then_fails
    async with bench.running():
        await bench.put(50)
        await trio.sleep(0.5)
        assert len(bench.clients["b"].seqs) == 50
        assert down.seqs == []
        await trio.sleep(3600)
        assert bench.shippers["a"].state.word == "timeout"
        down.answer = down.take
        await trio.sleep(60)
    assert down.seqs == list(range(1, 51))
    assert not bench.counters.lost


@pytest.mark.parametrize(
    ("answer", "at"),
    [
        (Answer(failure="refused"), [0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5, 61.5, 91.5]),
        (Answer(status=503, retry_after_s=20.0), [0, 20, 40, 60, 80]),
        (Answer(status=401), [0, 60]),
        (Answer(status=422), [0, 60]),
    ],
    ids=["refused", "busy", "token", "schema"],
)
async def test_how_often_it_is_tried_again(
    autojump_clock: trio.testing.MockClock, answer: Answer, at: list[float]
) -> None:
    bench = Bench()
    client = bench.clients["a"]

    async def refuse(batch: wire.Batch) -> Answer:
        return answer

    client.answer = refuse
    async with bench.running():
        await bench.put()
        await trio.sleep(99)
        assert [t - client.asked[0] for t in client.asked] == pytest.approx(at)
        assert bench.shippers["a"].state.alarm == (answer.status in (401, 422))
        assert not bench.counters.lost
        client.answer = client.take
        await trio.sleep(61)
        assert client.seqs == [1]
        assert not bench.shippers["a"].state.alarm


@pytest.mark.parametrize("status", [400, 413, 415])
async def test_a_batch_that_is_refused_for_good_is_counted_and_the_next_is_sent(
    autojump_clock: trio.testing.MockClock, status: int
) -> None:
    bench = Bench()
    client = bench.clients["a"]

    async def refuse_the_second(batch: wire.Batch) -> Answer:
        return Answer(status=status) if batch.first_seq == 2 else await client.take(batch)

    client.answer = refuse_the_second
    async with bench.running():
        await bench.put(3)
        await trio.sleep(1)
    assert client.seqs == [1, 3]
    assert sum(bench.counters.lost.values()) == 1
    assert bench.clients["b"].seqs == [1, 2, 3]


async def test_what_conflicts_is_sent_under_an_identity_of_its_own_and_a_new_stream_begins(
    autojump_clock: trio.testing.MockClock,
) -> None:
    bench = Bench()
    client, old = bench.clients["a"], bench.spool.stream

    async def conflict(batch: wire.Batch) -> Answer:
        return Answer(status=409) if batch.stream == old else await client.take(batch)

    client.answer = conflict
    async with bench.running():
        await bench.put(3)
        await trio.sleep(1)
    assert [(b.stream == bench.spool.stream, b.first_seq) for b in client.taken] == [(False, 1), (True, 1), (True, 2)]
    assert [b.stream == old for b in bench.clients["b"].taken] == [True, False, False], "it has them as they were"
    assert client.taken[0].observations[0].run == bench.clients["b"].taken[0].observations[0].run
    assert not bench.counters.lost


async def test_a_conflicting_batch_is_sent_again_with_the_same_bytes(autojump_clock: trio.testing.MockClock) -> None:
    bench = Bench()
    client, old, came = bench.clients["a"], bench.spool.stream, list[wire.Batch]()

    async def conflict_and_lose_the_answer(batch: wire.Batch) -> Answer:
        if batch.stream == old:
            return Answer(status=409)
        came.append(batch)
        return Answer(failure="timeout") if len(came) < 3 else await client.take(batch)

    client.answer = conflict_and_lose_the_answer
    async with bench.running():
        await bench.put()
        await trio.sleep(10)
    assert len(came) == 3
    assert came[0] == came[1] == came[2] == client.taken[0]


async def test_what_conflicts_twice_is_dropped_and_counted(autojump_clock: trio.testing.MockClock) -> None:
    bench = Bench()
    client = bench.clients["a"]

    async def conflict(batch: wire.Batch) -> Answer:
        return Answer(status=409)

    client.answer = conflict
    async with bench.running():
        await bench.put()
        await trio.sleep(1)
    assert len(client.asked) == 2
    assert bench.counters.lost == {"conflict": 1}


async def test_what_cannot_be_a_repeat_is_not_taken_for_one(autojump_clock: trio.testing.MockClock) -> None:
    """The state folder is an older copy of itself: the collector knows the numbers that are given again."""
    bench = Bench()
    async with bench.running():
        await bench.put(2)
        await trio.sleep(1)
    bench.journal.cursors.clear()  # the copy was made before these were acknowledged
    again = Bench(bench.journal)
    client, old = again.clients["a"], again.spool.stream

    async def knows_more(batch: wire.Batch) -> Answer:
        if batch.stream == old:
            client.taken.append(batch)
            return Answer(status=200, ack=wire.Ack(last_seq=5000, received_at=1, answered_at=1))
        return await client.take(batch)

    client.answer = knows_more
    async with again.running():
        again.spool.put_nowait(BAD)
        await again.put(2)
        await trio.sleep(1)
    streams = [(b.stream == old, b.first_seq) for b in client.taken]
    assert streams[:2] == [(True, 1), (True, 2)], "repeats of an earlier life, taken as such"
    assert all(b.first_seq > 2 for b in client.taken[2:] if b.stream == old)
    new = [o for b in client.taken if b.stream != old for o in b.observations]
    assert len(new) == 3, "each of this life's, once"
    assert again.spool.stream != old
    assert not again.counters.lost


async def test_a_changed_token_is_tried_at_once(autojump_clock: trio.testing.MockClock) -> None:
    bench = Bench()
    client = bench.clients["a"]

    async def refuse(batch: wire.Batch) -> Answer:
        return Answer(status=401)

    client.answer = refuse
    async with bench.running():
        await bench.put()
        await trio.sleep(10)
        assert len(client.asked) == 1
        client.answer, client.new_token = client.take, True
        await trio.sleep(3)
        assert client.seqs == [1]


async def test_a_restart_goes_on_at_the_cursor(autojump_clock: trio.testing.MockClock) -> None:
    bench = Bench()
    async with bench.running():
        await bench.put(3)
        await trio.sleep(1)
    again = Bench(bench.journal)
    async with again.running():
        await again.put(2)
        await trio.sleep(1)
    assert again.clients["a"].seqs == again.clients["b"].seqs == [4, 5]


@pytest.mark.parametrize("steps", range(1, 30))
async def test_cancelled_anywhere_the_cursor_is_never_past_what_was_taken(steps: int) -> None:
    bench = Bench()
    async with bench.running():
        for _ in range(3):
            bench.spool.put_nowait(BAD)
        for _ in range(steps):
            await trio.lowlevel.checkpoint()
    for name, client in bench.clients.items():
        positions = bench.journal.cursor(name)
        sent = sum(record.count for record in bench.journal.records[:positions])
        assert len(set(client.seqs)) >= sent


async def test_the_end_waits_for_what_can_be_shipped_and_not_for_what_cannot(
    autojump_clock: trio.testing.MockClock,
) -> None:
    bench = Bench()

    async def refuse(batch: wire.Batch) -> Answer:
        return Answer(failure="refused")

    bench.clients["b"].answer = refuse
    async with bench.running():
        bench.spool.put_nowait(BAD)
        bench.spool.close()
        await bench.spool.wait_closed()
        with trio.fail_after(1):
            for shipper in bench.shippers.values():
                await shipper.wait_shipped()
        assert bench.clients["a"].seqs == [1]


async def test_the_clock_is_vouched_for_by_exchanges(autojump_clock: trio.testing.MockClock) -> None:
    bench = Bench()
    async with bench.running():
        await bench.put(2)
        await trio.sleep(1)
        offset_s = bench.offsets.offset_s(trio.current_time())
        assert offset_s is not None
        assert abs(offset_s) < 1
    assert wire.SENT_AT in bench.clients["a"].headers[0]
    assert wire.ROUND_TRIP in bench.clients["a"].headers[1]


async def test_a_disk_that_hangs_does_not_keep_shipping_from_ending(autojump_clock: trio.testing.MockClock) -> None:
    bench = Bench()

    async def hang_from_now(batch: wire.Batch) -> Answer:
        bench.journal.on_write = trio.sleep_forever
        return await bench.clients["a"].take(batch)

    bench.clients["a"].answer = hang_from_now
    with trio.fail_after(3):
        async with bench.running():
            await bench.put()
            await trio.sleep(1)
    assert bench.clients["a"].seqs == [1]
