"""All servers of series that the config names, each with a task of its own."""

from collections.abc import Callable, Iterable
from contextlib import suppress

import trio

from collector.history import History, QueryError
from collector.precedence import MakeWay, have_it_all
from collector.series.backfill import BackfillStatus, fill, read_asked
from collector.series.minutes import AGAIN_NS, AT_ONCE, FIGURES, MINUTE_NS
from collector.series.senders import SENDERS
from collector.series.sink import GAUGES_EVERY_S, Sink
from collector.series.sink_status import SinkStatus
from parallax.clock import wall_ns
from parallax.config import CollectorConfig
from parallax.exposition import Point
from parallax.journal import Journal, JournalBusy, JournalError, JournalFull
from parallax.log import get_log

MINUTES_EVERY_S = 60.0
MOST_MINUTES_NS = 60 * MINUTE_NS
"""What a server is behind, it gets an hour at a time."""
MOST_BACKFILLS = 20
_TOLD = ("sink", "state", "records", "observations", "minutes", "why")
_log = get_log(__name__)

Sample = Callable[[int], Iterable[Point]]
"""What is known at a moment (ns), as points."""


class Series:
    """One task runs `run`; the rest may be called from any other."""

    def __init__(
        self,
        config: CollectorConfig,
        inputs: Journal,
        events: Journal,
        history: History,
        *,
        make_way: MakeWay = have_it_all,
        sample: Sample = lambda at: (),
        wall: Callable[[], int] = wall_ns,
    ) -> None:
        journals = {"inputs": inputs, "events": events}
        self.sinks = [
            Sink(server, SENDERS[server.kind](server, config), journals, make_way=make_way) for server in config.series
        ]
        self.backfills: list[BackfillStatus] = []
        """Those that are being written, and the last ones."""
        self._inputs, self._events = inputs, events
        self._asked, self._queue = trio.open_memory_channel[list[BackfillStatus]](1)
        self._history, self._make_way, self._sample, self._wall = history, make_way, sample, wall

    @property
    def status(self) -> list[SinkStatus]:
        """Of every server, in the config's order."""
        return [sink.status for sink in self.sinks]

    async def run(self, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Writes until cancelled."""
        async with trio.open_nursery() as nursery:
            for sink in self.sinks:
                nursery.start_soon(sink.run, name=f"series {sink.name}")
                nursery.start_soon(self._write_minutes, sink)
            if self.sinks:
                nursery.start_soon(self._write_gauges)
            nursery.start_soon(self._fill)
            task_status.started()
            await trio.sleep_forever()

    def backfill(self, body: bytes) -> list[BackfillStatus] | None:
        """Begins to write again what a request asks for; how far it is stands in `backfills`. None where one is being
        written, and one waits. Raises BackfillError."""
        asked = read_asked(body, [sink.name for sink in self.sinks])
        wanted = [
            BackfillStatus(sink=sink.name, since=asked.since, until=asked.until)
            for sink in self.sinks
            if asked.sink in ("", sink.name)
        ]
        try:
            self._asked.send_nowait(wanted)
        except trio.WouldBlock:
            return None
        self.backfills = [*self.backfills, *wanted][-MOST_BACKFILLS:]
        return wanted

    async def _fill(self) -> None:
        sinks = {sink.name: sink for sink in self.sinks}
        async for wanted in self._queue:
            async with trio.open_nursery() as nursery:  # a server that is away holds up no other
                for progress in wanted:
                    nursery.start_soon(self._fill_one, sinks[progress.sink], progress)

    async def _fill_one(self, sink: Sink, progress: BackfillStatus) -> None:
        await fill(sink, self._inputs, self._events, self.write_minutes, self._make_way, progress)
        _log.info("series backfilled", **{name: getattr(progress, name) for name in _TOLD})

    async def write_minutes(
        self, sink: Sink, since: int, until: int, wrote: Callable[[int], None] = lambda number: None
    ) -> int:
        """Writes the minutes that begin in [since, until), as far back as the server keeps them; how many rows, which
        `wrote` is told page by page. Raises QueryError."""
        number = 0
        for figures in FIGURES:
            oldest = self._wall() - sink.ages_ns[figures.place]
            for first, end in figures.spans(max(since, oldest), until):
                offset, rows = 0, AT_ONCE
                while rows == AT_ONCE:
                    began = trio.current_time()
                    table = await self._history.query(figures.sql(first, end, offset), max_rows=AT_ONCE)
                    lines = [sink.encoder.point(figures.point(row)) for row in table.rows]
                    await sink.put(lines, figures.place)
                    rows = len(lines)
                    offset, number = offset + rows, number + rows
                    wrote(number)
                    await self._make_way(trio.current_time() - began)
        return number

    async def _write_gauges(self) -> None:
        while True:
            at = self._wall()
            points = list(self._sample(at))
            for sink in self.sinks:
                sink.add_gauges(points)
            await trio.sleep(GAUGES_EVERY_S)

    async def _write_minutes(self, sink: Sink) -> None:
        """The last minutes, again and again, as some of what belongs to them comes late. What a server misses while it
        is away for longer, it gets once it is back, also after a restart. What the history does not tell is asked for
        again, and less of it each time: it may have taken too long."""
        mark = f"series minutes {sink.name}"
        raw = self._inputs.mark(mark)
        since = int(raw) if raw and raw.isdigit() else self._wall() // MINUTE_NS * MINUTE_NS - AGAIN_NS
        span, caught_up = MOST_MINUTES_NS, True
        while True:
            if caught_up:
                await trio.sleep(MINUTES_EVERY_S)
            now = self._wall()
            until = min(now, since + span)
            try:
                await self.write_minutes(sink, since, until)
            except QueryError as error:
                _log.warning("figures by the minute wait", sink=sink.name, why=str(error))
                span, caught_up = max(span // 2 // MINUTE_NS * MINUTE_NS, MINUTE_NS), True
                continue
            span, caught_up = MOST_MINUTES_NS, until == now
            since = max(since, min(until, now - AGAIN_NS) // MINUTE_NS * MINUTE_NS)
            with suppress(
                JournalBusy, JournalFull, JournalError, trio.ClosedResourceError
            ):  # else they are written again
                await self._inputs.append([], {mark: str(since).encode()})
