"""`parallax series backfill`: what came in between two moments, written to a server again.

Observations and events come from the journals, as far back as those go; figures by the minute from the history, which
goes back 13 months. It is slow where the live writing has something to do, as the two take turns at the server, and
written again a point is the same point: so a backfill that is cut off is simply done again.
"""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Literal

import msgspec
import trio

from collector.history import QueryError
from collector.precedence import MakeWay
from collector.series.records import Lines, event_lines, input_lines, made_of, parted
from collector.series.sink import MOST_OBSERVATIONS, READ_BYTES, READ_RECORDS, Sink
from parallax.journal import Journal, JournalError, Record

MAX_BODY = 4_000
_STEP_BACK_S = 60.0


class BackfillError(ValueError):
    """The request cannot be done; a sentence for whoever asked."""


class Asked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be written again: to this server, or with "" to every one. Moments are ns since the Unix epoch."""

    sink: str = ""
    since: int
    until: int


class BackfillStatus(msgspec.Struct, kw_only=True):
    """How far one is. `state` is `failed` with a `why`."""

    sink: str
    since: int
    until: int
    state: Literal["running", "done", "failed"] = "running"
    records: int = 0
    """Records of both journals."""
    observations: int = 0
    minutes: int = 0
    """Rows of figures by the minute."""
    oldest: int | None = None
    """When the oldest record that the journal still has came in: observations from before it are not written."""
    why: str = ""


def read_asked(body: bytes, sinks: list[str]) -> Asked:
    """The request. Raises BackfillError."""
    try:
        asked = msgspec.json.decode(body, type=Asked)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise BackfillError(f"the body is no request for a backfill: {error}") from None
    if not sinks:
        raise BackfillError("the collector's config names no [[series]]")
    if asked.sink and asked.sink not in sinks:
        raise BackfillError(f"there is no server of series {asked.sink[:40]!r}; there are: {', '.join(sinks)}")
    if not 0 <= asked.since < asked.until < 2**62:
        raise BackfillError("the first moment must be before the last")
    return asked


async def fill(
    sink: Sink,
    inputs: Journal,
    events: Journal,
    write_minutes: Callable[[Sink, int, int, Callable[[int], None]], Awaitable[int]],
    make_way: MakeWay,
    progress: BackfillStatus,
) -> None:
    """Writes all of it, and says so in `progress`."""
    try:
        for journal, make in ((inputs, input_lines), (events, event_lines)):
            await _replay(sink, journal, make, make_way, progress)

        def wrote(number: int) -> None:
            progress.minutes = number

        await write_minutes(sink, progress.since, progress.until, wrote)
    except (JournalError, QueryError) as error:
        progress.state, progress.why = "failed", str(error)
    else:
        progress.state = "done"


async def _replay(
    sink: Sink, journal: Journal, make: Callable[..., Lines], make_way: MakeWay, progress: BackfillStatus
) -> None:
    position = await position_before(journal, progress.since)
    if (oldest := await journal.read(position, max_records=1)) and progress.oldest is None:
        progress.oldest = oldest[0].at_ns
    generation, passed = sink.generation, [(trio.current_time(), position)]
    waiting: list[Record] = []
    while waiting := waiting or await journal.read(position, max_records=READ_RECORDS, max_bytes=READ_BYTES):
        began = trio.current_time()
        records, waiting = parted(waiting, min(MOST_OBSERVATIONS, sink.server.rate))
        wanted = [record for record in records if record.at_ns < progress.until]
        if wanted:
            made = await trio.to_thread.run_sync(partial(made_of, wanted, make, sink.encoder, texts=sink.texts))
            await sink.put(made.lines)
            if generation != sink.generation:  # the server lost the last seconds of it
                generation = sink.generation
                while len(passed) > 1 and passed[-1][0] > began - _STEP_BACK_S:
                    passed.pop()
                position, waiting = passed[-1][1], []
                continue
            progress.records += len(wanted)
            progress.observations += made.observations
            took_s = trio.current_time() - began
            await make_way(took_s)
            await trio.sleep(max(0.0, made.observations / sink.server.rate - took_s))
        if len(wanted) < len(records):
            return
        position = records[-1].position
        passed.append((trio.current_time(), position))
        del passed[:-10_000]


async def position_before(journal: Journal, since: int) -> int:
    """A position after which stands all that came in at or after a moment. Records stand in the order in which they
    came in, but for a clock that was put back: then a little more is written than was asked for."""
    low, high = journal.stats.first - 1, journal.stats.last
    while low < high:
        middle = (low + high) // 2
        records = await journal.read(middle, max_records=1)
        if records and records[0].at_ns < since:
            low = records[0].position
        else:
            high = middle
    return low
