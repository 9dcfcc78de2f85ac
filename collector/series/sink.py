"""One server of series, with its cursor: reads both journals, writes lines, and moves on once they are acknowledged.

The cursor is a mark in `inputs`, so that it goes with the journal that it is about. It is durable a moment after the
acknowledgement: what lies between is written again after kill -9, as the same points. A sink is no registered reader
of the journals: a server of series that is gone for a week must not keep ingest from taking what is new. What the
journals drop before it is read is counted (`missed`).

A server that loses what it has acknowledged when it is killed (VictoriaMetrics keeps the last seconds in memory) is
written the last REPLAY_S again whenever another process of it answers; at a start too, as nobody knows what happened
meanwhile.
"""

import math
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial

import msgspec
import trio

from collector.precedence import MakeWay, have_it_all
from collector.series.bodies import halves, older, size
from collector.series.encode import Encoder
from collector.series.outcomes import WAIT_S, Answer, Outcome, outcome_of, retry_s
from collector.series.records import Lines, event_lines, input_lines, made_of, parted
from collector.series.senders import REPLAY_S, TEXTS, Place, Sender
from collector.series.sink_status import SinkStatus
from parallax.clock import NS, wall_ns
from parallax.exposition import Point
from parallax.journal import Journal, JournalBusy, JournalError, JournalFull, Record
from parallax.log import get_log
from parallax.series_config import SeriesServer

READ_RECORDS, READ_BYTES = 100, 300_000
MOST_OBSERVATIONS = 10_000
"""What one write takes, if `rate` allows for so many a second. Two such are in memory at once."""
GATHER_S = 1.0
"""How long records may gather before they are written together."""
WRITE_TIMEOUT_S = 10.0
SAVE_EVERY_S = 1.0
MOST_GAUGES = 240
"""Samples of what is known now that wait for the server: an hour of them."""
GAUGES_EVERY_S = 15.0
MOST_WORDS = 10
_log = get_log(__name__)

Journals = dict[str, Journal]


class Cursor(msgspec.Struct, frozen=True):
    """Positions in both journals."""

    inputs: int = 0
    events: int = 0


class _Part(msgspec.Struct, frozen=True, kw_only=True):
    """Records that are written together, up to the position `final`."""

    final: int
    missed: int
    last: int
    """The journal's last record when they were read."""
    read_at: float
    body: bytes
    observations: int
    unreadable: int
    generation: int


class Sink:
    """One server. `run` follows; the rest may be called from any task."""

    def __init__(
        self,
        server: SeriesServer,
        sender: Sender,
        journals: Journals,
        *,
        make_way: MakeWay = have_it_all,
        gather_s: float = GATHER_S,
    ) -> None:
        self.server, self._sender, self._journals, self._make_way = server, sender, journals, make_way
        self._gather_s = gather_s
        self.encoder = Encoder()
        self.texts = TEXTS.get(server.kind, True)
        self._replay_s = REPLAY_S.get(server.kind, 0.0)
        self.ages_ns: dict[Place, int] = {"raw": round(server.raw_age * NS), "long": round(server.minutes_age * NS)}
        """How long it keeps what it is written."""
        self._writing = trio.Lock()
        raw = journals["inputs"].mark(self._mark)
        self._at = self._start(raw)
        self._past: deque[tuple[float, Cursor]] = deque([(-math.inf, self._at)])
        self.generation = 0
        """Rises when what was acknowledged of late is written again."""
        self._saved, self._saved_at = raw, -math.inf
        self._gauges: deque[bytes] = deque(maxlen=MOST_GAUGES)
        self._sent_gauges: deque[tuple[float, bytes]] = deque(maxlen=MOST_GAUGES)
        self._gauge_came = trio.Event()
        self._written = self._rejected = self._missed = self._unreadable = self._replays = self._gauges_lost = 0
        self._why: dict[str, int] = {}
        self._problem: str | None = None
        self._failing_since = 0.0
        self._behind_since: dict[str, float] = {}
        """By journal: since when something of it waits; not there where nothing does."""
        self._moved = trio.Event()

    @property
    def name(self) -> str:
        return self.server.name

    @property
    def status(self) -> SinkStatus:
        """Right now."""
        behind = sum(max(journal.stats.last - getattr(self._at, name), 0) for name, journal in self._journals.items())
        now = trio.current_time()
        return SinkStatus(
            name=self.name,
            kind=self.server.kind,
            inputs=self._at.inputs,
            events=self._at.events,
            behind=behind,
            behind_s=round(now - min(self._behind_since.values(), default=now), 1) if behind else 0.0,
            written=self._written,
            rejected=self._rejected,
            why=[f"{number} points: {words}" for words, number in self._why.items()],
            missed=self._missed,
            unreadable=self._unreadable,
            folded=self.encoder.labels.folded,
            replays=self._replays,
            gauges_lost=self._gauges_lost,
            problem=self._problem,
            failing_s=None if self._problem is None else round(now - self._failing_since, 1),
        )

    async def run(self) -> None:
        """Writes until cancelled."""
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._follow, "inputs", input_lines)
                nursery.start_soon(self._follow, "events", event_lines)
                nursery.start_soon(self._write_gauges)
        finally:
            self._sender.close()
            with trio.move_on_after(0.5, shield=True):
                await self._save()

    def add_gauges(self, points: Sequence[Point]) -> None:
        """What is known now; the oldest goes where an hour of it waits."""
        lines = [line for point in points if (line := self.encoder.point(point, texts=self.texts))]
        if lines:
            self._gauges_lost += len(self._gauges) == MOST_GAUGES
            self._gauges.append("\n".join(lines).encode())
            self._gauge_came.set()

    async def put(self, lines: Sequence[str], place: Place = "raw") -> None:
        """Returns once the server has these lines, or refused them for good; tries for as long as it takes."""
        if lines:
            await self._deliver("\n".join(lines).encode(), place)

    async def wait_position(self, *, inputs: int = 0, events: int = 0) -> None:
        """Returns once the server has acknowledged what the journals have up to there."""
        while self._at.inputs < inputs or self._at.events < events:
            await self._moved.wait()

    async def _follow(self, name: str, make: Callable[..., Lines]) -> None:
        """What comes next is read and made into lines while the server takes what was made before."""
        give, take = trio.open_memory_channel[_Part](0)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._read, name, make, give)
            with take:
                async for part in take:
                    await self._write_part(name, part)

    async def _read(self, name: str, make: Callable[..., Lines], give: trio.MemorySendChannel[_Part]) -> None:
        journal, generation, after = self._journals[name], self.generation, getattr(self._at, name)
        waiting: list[Record] = []
        try:
            while True:
                if generation != self.generation:
                    generation, after, waiting = self.generation, getattr(self._at, name), []
                last = journal.stats.last
                if after >= last:
                    await self._wait_beyond(journal, after)
                    continue
                self._behind_since.setdefault(name, trio.current_time())
                waiting = waiting or await journal.read(after, max_records=READ_RECORDS, max_bytes=READ_BYTES)
                if not waiting:
                    await trio.sleep(self._gather_s)
                    continue
                records, waiting = parted(waiting, min(MOST_OBSERVATIONS, self.server.rate))
                began = trio.current_time()
                made, body = await trio.to_thread.run_sync(partial(self._made, records, make))
                worked_s = trio.current_time() - began
                part = _Part(
                    final=records[-1].position, missed=records[0].position - after - 1,
                    last=last, read_at=began, body=body, observations=made.observations, unreadable=made.unreadable,
                    generation=generation,
                )  # fmt: skip
                after = part.final
                await give.send(part)
                await self._make_way(worked_s)
                if after >= journal.stats.last:
                    await trio.sleep(self._gather_s)
        except (JournalError, trio.ClosedResourceError) as error:
            # whoever runs the journals ends the program for this
            _log.warning("series are written no more", sink=self.name, journal=name, why=str(error))
            await trio.sleep_forever()

    def _made(self, records: Sequence[Record], make: Callable[..., Lines]) -> tuple[Lines, bytes]:
        made = made_of(records, make, self.encoder, texts=self.texts)
        return made, "\n".join(made.lines).encode()

    async def _write_part(self, name: str, part: _Part) -> None:
        if part.generation != self.generation:
            return  # the reader has gone back, too
        began = trio.current_time()
        if part.body:
            await self._deliver(part.body, "raw")
        if part.generation == self.generation:
            self._missed += part.missed
            self._unreadable += part.unreadable
            self._move(name, part.final)
            if part.final >= self._journals[name].stats.last:
                self._behind_since.pop(name, None)
            elif part.final >= part.last:  # what waits now came since
                self._behind_since[name] = part.read_at
        await self._save_now_and_then()
        await trio.sleep(max(0.0, part.observations / self.server.rate - (trio.current_time() - began)))

    async def _wait_beyond(self, journal: Journal, after: int) -> None:
        """Waits for a record, or for the cursor to be set back. Raises what the journal
        does, in no group."""
        generation, ended = self.generation, list[Exception]()

        async def wait_back() -> None:
            while self.generation == generation:
                await self._moved.wait()
            nursery.cancel_scope.cancel()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(wait_back)
            try:
                await journal.wait_beyond(after)
            except (JournalError, trio.ClosedResourceError) as error:
                ended.append(error)
            nursery.cancel_scope.cancel()
        if ended:
            raise ended[0]

    async def _write_gauges(self) -> None:
        while True:
            while not self._gauges:
                self._gauge_came = trio.Event()
                await self._gauge_came.wait()
            body = self._gauges.popleft()
            await self._deliver(body, "raw")
            if self._replay_s:
                self._sent_gauges.append((trio.current_time(), body))

    async def _deliver(self, body: bytes, place: Place) -> None:
        tries, lines = 0, size(body)
        async with self._writing:
            while True:
                answer = await self._write_once(body, place)
                outcome = outcome_of(answer, lines)
                if outcome.action in ("done", "split"):
                    break
                tries += 1
                self._say(answer, outcome.way_out)
                await trio.sleep(WAIT_S if outcome.action == "wait" else retry_s(tries, answer))
            self._say(None)
            if answer.fresh and self._replay_s:
                self._set_back()
            again = halves(body) if outcome.action == "split" else self._hidden(body, place, outcome)
            if outcome.action == "done":
                named = lines - sum(map(size, again))
                self._count(named - min(outcome.rejected, named), min(outcome.rejected, named), answer)
        for part in again:
            await self._deliver(part, place)

    def _hidden(self, body: bytes, place: Place, outcome: Outcome) -> tuple[bytes, ...]:
        """What is written alone, to hear of it: points that are too old, of which the answer to all may be silent."""
        if not outcome.hides_old:
            return ()
        old = older(body, wall_ns() - self.ages_ns[place])
        return (old,) if 0 < size(old) < size(body) else ()

    async def _write_once(self, body: bytes, place: Place) -> Answer:
        answer = Answer(failure="timeout", detail=f"no answer within {WRITE_TIMEOUT_S:.0f} s")
        with trio.move_on_after(WRITE_TIMEOUT_S) as scope:
            answer = await self._sender.write(body, place)
        if scope.cancelled_caught:
            self._sender.close()
        return answer

    def _count(self, written: int, rejected: int, answer: Answer) -> None:
        self._written += written
        if not rejected:
            return
        self._rejected += rejected
        words = answer.words
        if words not in self._why:
            _log.error("points refused", sink=self.name, number=rejected, why=words)
            if len(self._why) >= MOST_WORDS:
                words = "other reasons"
        self._why[words] = self._why.get(words, 0) + rejected

    def _say(self, answer: Answer | None, way_out: str = "") -> None:
        """The same trouble is logged once."""
        if answer is None:
            if self._problem is not None:
                _log.info("series are written again", sink=self.name)
            self._problem = None
            return
        if self._problem is None:
            self._failing_since = trio.current_time()
            _log.error("series wait", sink=self.name, why=answer.words, way_out=way_out)
        self._problem = f"{answer.words}; {way_out}" if way_out else answer.words

    def _move(self, name: str, position: int) -> None:
        self._at = msgspec.structs.replace(self._at, **{name: position})
        now = trio.current_time()
        self._past.append((now, self._at))
        while len(self._past) > 1 and self._past[1][0] <= now - self._replay_s:
            self._past.popleft()
        while self._sent_gauges and self._sent_gauges[0][0] <= now - self._replay_s:
            self._sent_gauges.popleft()
        self._tell()

    def _set_back(self) -> None:
        """To where the cursor was REPLAY_S ago; what is under way then counts for nothing."""
        _, safe = self._past[0]
        self._past = deque([(trio.current_time(), safe)])
        self._at = safe
        self._gauges.extendleft(body for _, body in reversed(self._sent_gauges))
        self._sent_gauges.clear()
        self._gauge_came.set()
        self.generation += 1
        self._replays += 1
        _log.info("series are written again from a while ago: the server is another process", sink=self.name)
        self._tell()

    def _tell(self) -> None:
        moved, self._moved = self._moved, trio.Event()
        moved.set()

    @property
    def _mark(self) -> str:
        return f"series {self.name}"

    def _start(self, raw: bytes | None) -> Cursor:
        """Where a start goes on; a new sink begins with what is yet to come, and `backfill` brings the rest."""
        ends = Cursor(*(self._journals[name].stats.last for name in ("inputs", "events")))
        if raw is None:
            return ends
        try:
            at = msgspec.msgpack.decode(raw, type=Cursor)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
            _log.error("the cursor of a server of series does not decode: it goes on at the end", sink=self.name)
            return ends
        if at.inputs > ends.inputs or at.events > ends.events:
            _log.error("a journal is older than the cursor of a server of series, which goes on there", sink=self.name)
        return Cursor(min(at.inputs, ends.inputs), min(at.events, ends.events))

    async def _save_now_and_then(self) -> None:
        if trio.current_time() - self._saved_at >= SAVE_EVERY_S:
            await self._save()

    async def _save(self) -> None:
        """What is safe: of a server that may lose what it has acknowledged, as it was a while ago."""
        raw = msgspec.msgpack.encode(self._past[0][1] if self._replay_s else self._at)
        if raw == self._saved:
            return
        try:
            await self._journals["inputs"].append([], {self._mark: raw})
        except (JournalBusy, JournalFull, JournalError, trio.ClosedResourceError):
            return  # after a restart it is written again, as the same points
        self._saved, self._saved_at = raw, trio.current_time()
