"""What an answer means, as a table; and what a sink makes of it."""

from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing

from collector.series.encode import Encoder
from collector.series.outcomes import Answer, Outcome, outcome_of, retry_s
from collector.series.records import Lines, made_of, parted
from collector.series.sink import Cursor, Sink
from parallax.clock import NS
from parallax.journal import Entry, JournalError, Record
from tests.fakes.events import incident
from tests.fakes.histories import AT, some, world
from tests.fakes.inputs import MemoryInputs, batch_entry
from tests.fakes.observations import observation
from tests.fakes.series import FakeSender, running, server, settle, until

PARTIAL = b'{"error":"partial write: field type conflict: input field \\"x\\" dropped=3"}'
OLD = b'{"error":"partial write: points beyond retention policy dropped=3"}'
PARSE = b"{\"error\":\"partial write: unable to parse 'a b': missing\\nunable to parse 'c d': missing\"}"
THIRD = b'{"error":"partial write of line protocol occurred","data":[{"line_number":2},{"line_number":5}]}'


@pytest.mark.parametrize(
    ("answer", "lines", "outcome"),
    [
        (Answer(status=204), 5, Outcome("done")),
        (Answer(status=200), 5, Outcome("done")),
        (Answer(failure="reset"), 5, Outcome("retry")),
        (Answer(status=500), 5, Outcome("retry")),
        (Answer(status=503), 5, Outcome("retry")),
        (Answer(status=429), 5, Outcome("retry")),
        (Answer(status=400, body=PARTIAL), 5, Outcome("done", 3, hides_old=True)),
        (Answer(status=400, body=PARTIAL), 2, Outcome("done", 2, hides_old=True)),
        (Answer(status=400, body=OLD), 5, Outcome("done", 3)),
        (Answer(status=400, body=PARSE), 5, Outcome("done", 2)),
        (Answer(status=400, body=THIRD), 5, Outcome("done", 2)),
        (Answer(status=400, body=b'{"error":"field type conflict"}'), 5, Outcome("split")),
        (Answer(status=400, body=b'{"error":"field type conflict"}'), 1, Outcome("done", 1)),
        (Answer(status=422, body=b'{"code":"unprocessable entity","message":"too old"}'), 4, Outcome("split")),
        (Answer(status=413), 5, Outcome("split")),
        (Answer(status=413), 1, Outcome("done", 1)),
    ],
)
def test_outcomes(answer: Answer, lines: int, outcome: Outcome):
    assert outcome_of(answer, lines) == outcome


@pytest.mark.parametrize("status", [400, 401, 403, 404, 301, 405])
def test_what_is_no_verdict_on_the_lines_costs_none(status: int):
    outcome = outcome_of(Answer(status=status, body=b"<html>Bad Request</html>"), 5)
    assert (outcome.action, outcome.rejected) == ("wait", 0)
    assert outcome.way_out


def test_waits_grow_and_heed_the_server():
    assert [retry_s(n, Answer()) for n in (1, 2, 3, 9, 99)] == [1.0, 2.0, 4.0, 30.0, 30.0]
    assert retry_s(9, Answer(status=429, retry_after_s=2.5)) == 2.5
    assert retry_s(1, Answer(status=429, retry_after_s=1e9)) == 300.0


async def test_one_bad_line_costs_one_line(tmp_path: Path):
    by = FakeSender(
        lambda body: Answer(status=400, body=b'{"error":"field type conflict"}') if b"bad" in body else None
    )
    async with world(tmp_path) as here, running(here, server(), by) as sink:
        await here.take(*some(AT, 40), observation(check="bad", started_at=AT), *some(AT + 10**12, 40))
        await settle(here, sink)
        assert (sink.status.written, sink.status.rejected) == (80, 1)
        assert sink.status.why == ['1 points: answered 400: {"error":"field type conflict"}']
    assert len(by.taken) == 80
    assert by.closed


async def test_what_cannot_be_read_is_counted_and_passed(tmp_path: Path):
    by = FakeSender()
    async with world(tmp_path) as here, running(here, server(), by) as sink:
        await here.inputs.append(
            [Entry(kind="batch", body=b"nothing", at_ns=AT), Entry(kind="new", body=b"", at_ns=AT)]
        )
        await here.take(observation(started_at=AT))
        await here.conclude(incident("i1", at=AT))
        await settle(here, sink)
        assert sink.status.unreadable == 1
    assert [line.partition(",")[0] for line in sorted(by.taken)] == ["parallax_annotation", "parallax_http"]


async def test_the_cursor_moves_only_after_the_acknowledgement(tmp_path: Path):
    down = True
    by = FakeSender(lambda body: Answer(failure="refused") if down else None)
    async with world(tmp_path) as here:
        async with running(here, server(), by) as sink:
            await here.take(*some())
            await until(lambda: sink.status.problem is not None)
            assert sink.status.inputs == 0
            assert sink.status.behind == 1
        async with running(here, server(), by) as sink:
            assert sink.status.inputs == 0, "a restart begins where it was"
            down = False
            await settle(here, sink)
        async with running(here, server(), by) as sink:
            assert sink.status.behind == 0
    assert len(by.taken) == 10


async def test_a_backlog_is_caught_up_in_order_and_no_faster_than_asked(autojump_clock: trio.testing.MockClock):
    by, down = FakeSender(lambda body: Answer(failure="refused") if down else None), True
    inputs: Any = MemoryInputs()
    events: Any = MemoryInputs()
    for n in range(100):
        await inputs.append(
            [batch_entry([observation(started_at=AT - (100 - n) * NS + k, seq=k + 1) for k in range(100)], AT)]
        )
    sink = Sink(server(rate=1000), by, {"inputs": inputs, "events": events})
    sink._at = Cursor()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(sink.run)
        await trio.sleep(20)
        assert (sink.status.behind, sink.status.behind_s) == (100, 20.0)
        down, began = False, trio.current_time()
        await sink.wait_position(inputs=100)
        took = trio.current_time() - began
        assert 6 <= took < 60, "10,000 at 1,000 a second, 2,000 at once; the first and the last wait for nothing"
        times = [int(line.rpartition(" ")[2]) for line in by.taken]
        assert len(times) == 10_000
        assert times == sorted(times)
        await trio.sleep(10)
        assert (sink.status.behind, sink.status.behind_s) == (0, 0.0)
        nursery.cancel_scope.cancel()


async def test_a_stream_without_a_pause_is_not_said_to_be_ever_further_behind(
    autojump_clock: trio.testing.MockClock,
):
    inputs: Any = MemoryInputs()
    events: Any = MemoryInputs()

    class Feeding(FakeSender):
        """While it writes, more comes in."""

        async def write(self, body: bytes, place: str) -> Answer:
            await inputs.append([batch_entry([observation(started_at=AT + inputs.stats.last, seq=1)], AT)])
            await trio.sleep(1)
            return await super().write(body, place)

    sink = Sink(server(), Feeding(), {"inputs": inputs, "events": events})
    async with trio.open_nursery() as nursery:
        nursery.start_soon(sink.run)
        await trio.testing.wait_all_tasks_blocked()
        await inputs.append([batch_entry([observation(started_at=AT, seq=1)], AT)])
        await sink.wait_position(inputs=30)
        assert trio.current_time() >= 25
        assert sink.status.behind == 1
        assert sink.status.behind_s <= 2
        nursery.cancel_scope.cancel()


def test_a_record_that_meets_a_bug_is_left_out_alone():
    def make(records: list[Record], encoder: Encoder, *, texts: bool) -> Lines:
        if any(record.position == 2 for record in records):
            raise KeyError("a bug")
        return Lines(lines=[str(record.position) for record in records], observations=1)

    records = [Record(position=n, kind="batch", body=b"", at_ns=AT) for n in (1, 2, 3)]
    made = made_of(records, make, Encoder(), texts=True)
    assert (made.lines, made.observations, made.unreadable) == (["1", "3"], 2, 1)


def test_records_are_written_together_up_to_a_number_of_observations():
    counts = [3, 3, 3, 50, 1]
    rest = [Record(position=n, kind="batch", body=b"", at_ns=AT, count=c) for n, c in enumerate(counts, 1)]
    taken = []
    while rest:
        now, rest = parted(rest, 6)
        taken.append([record.position for record in now])
    assert taken == [[1, 2], [3], [4], [5]]


async def test_a_server_that_is_another_process_is_written_what_it_may_have_lost_in_order(
    autojump_clock: trio.testing.MockClock,
):
    """While it answers, the next lines are made already: those come again, too, and behind the others."""
    inputs: Any = MemoryInputs()
    events: Any = MemoryInputs()
    for n in range(6):
        await inputs.append(
            [batch_entry([observation(started_at=AT + n * NS + k, seq=k + 1) for k in range(600)], AT + 60 * NS)]
        )
    bodies: list[list[int]] = []

    class Another(FakeSender):
        async def write(self, body: bytes, place: str) -> Answer:
            said = await super().write(body, place)
            bodies.append([int(line.rpartition(b" ")[2]) // NS for line in body.split(b"\n")])
            return Answer(status=said.status, fresh=len(bodies) == 3)

    sink = Sink(server(rate=1000, kind="victoriametrics"), Another(), {"inputs": inputs, "events": events}, gather_s=0)
    sink._at = Cursor()
    sink._past[0] = (sink._past[0][0], Cursor())
    async with trio.open_nursery() as nursery:
        nursery.start_soon(sink.run)
        await sink.wait_position(inputs=6)
        nursery.cancel_scope.cancel()
    second = AT // NS
    assert [body[0] - second for body in bodies] == [0, 1, 2, 0, 1, 2, 3, 4, 5]
    assert all(len(set(body)) == 1 for body in bodies)
    assert sink.status.replays == 1


async def test_where_nothing_has_to_come_again_nothing_waits(autojump_clock: trio.testing.MockClock):
    """The first answer is another process's: of `events`, which are empty, nothing is behind for it."""
    inputs: Any = MemoryInputs()
    events: Any = MemoryInputs()
    behind: list[float] = []

    class Another(FakeSender):
        async def write(self, body: bytes, place: str) -> Answer:
            said = await super().write(body, place)
            behind.append(sink.status.behind_s)
            return Answer(status=said.status, fresh=len(behind) == 1)

    sink = Sink(server(kind="victoriametrics"), Another(), {"inputs": inputs, "events": events}, gather_s=0)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(sink.run)
        await inputs.append([batch_entry([observation(started_at=AT)], AT)])
        await sink.wait_position(inputs=1)
        await trio.sleep(3600)
        await inputs.append([batch_entry([observation(started_at=AT + NS, seq=2)], AT + NS)])
        await sink.wait_position(inputs=2)
        nursery.cancel_scope.cancel()
    assert sink.status.replays == 1
    assert behind == [0.0, 0.0, 0.0]


@pytest.mark.parametrize("error", [JournalError("the disk is gone"), trio.ClosedResourceError("closed")])
async def test_a_journal_that_ends_is_for_others_to_say(error: Exception, autojump_clock: trio.testing.MockClock):
    class Ending(MemoryInputs):
        async def wait_beyond(self, position: int) -> None:
            await trio.sleep(1)
            raise error

    ends: Any = Ending()
    sink = Sink(server(), FakeSender(), {"inputs": ends, "events": ends})
    with trio.move_on_after(60) as scope:
        await sink.run()
    assert scope.cancelled_caught
