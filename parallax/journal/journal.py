"""The journal as the event loop sees it."""

import math
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path

import trio

from parallax.clock import to_ns, wall_ns
from parallax.journal import file
from parallax.journal.bounds import AgeClock, cost
from parallax.journal.opening import Opened, open_files
from parallax.journal.store import Append, Commit, Damage, Register, Request, Room
from parallax.journal.types import Entry, JournalBusy, JournalError, Limits, Record, Salvage, Stats
from parallax.journal.writer import Done, Ended, Outcome, Writer, mark_damaged, size_of
from parallax.log import get_log

CLOSE_S = 0.8
"""How long the end waits for the disk: one that hangs must not keep a program from ending."""
_log = get_log(__name__)


class _Ticket:
    """A request on its way; `outcome` is set before `done`."""

    def __init__(self, size: int) -> None:
        self.size, self.done = size, trio.Event()
        self.outcome: Outcome | None = None


class Journal:
    """One journal in one file. One process writes; `append` and `commit` return once it is durable.

    What the properties and `cursor`, `mark`, `marks` say is durable too."""

    def __init__(self, path: Path, limits: Limits, opened: Opened, wall: Callable[[], int]) -> None:
        """For `open_journal` only."""
        self._path, self._limits, self._wall = path, limits, wall
        self._reader, self._reading = opened.reader, trio.Lock()
        self._totals = opened.store.totals
        self._cursors, self._marks = dict(opened.store.cursors), dict(opened.store.marks)
        self._damaged, self._ballast = opened.store.damaged, opened.ballast.whole
        self._salvaged = opened.salvaged
        self._ages = AgeClock(wall_ns=wall(), last_ns=opened.store.newest_ns, now_s=trio.current_time())
        self._tickets: dict[int, _Ticket] = {}
        self._next_ticket = self._pending = 0
        self._changed, self._ended = trio.Event(), trio.Event()
        self._why: JournalError | None = None
        self._closing = False
        token = trio.lowlevel.current_trio_token()
        room = Room(
            max_bytes=limits.max_bytes,
            max_age_ns=to_ns(limits.max_age_s) if math.isfinite(limits.max_age_s) else 2**62,
            keep_read=limits.keep_read,
            refuse_when_full=limits.refuse_when_full,
        )

        def tell(news: Done | Ended) -> None:
            with suppress(trio.RunFinishedError):  # after a disk that hung at the end
                token.run_sync_soon(self._publish, news)

        self._writer = Writer(path, opened.store, opened.ballast, room, tell)

    async def append(self, entries: Sequence[Entry], marks: Mapping[str, bytes | None] = {}) -> int:
        """Appends all entries and sets the marks (None removes one) in one transaction; returns the last position once
        durable.

        Raises JournalBusy, JournalFull, JournalError. Cancelled: either all of it is in or nothing is; never part of
        it."""
        need = sum(cost(len(entry.body), len(entry.kind.encode())) for entry in entries)
        if need > self._limits.max_bytes:
            raise JournalError(
                f"{self._path}: {need} octets at once, where the whole journal may have "
                f"{self._limits.max_bytes}; raise its size limit"
            )
        now_ns = self._ages.now_ns(wall_ns=self._wall(), now_s=trio.current_time())
        return await self._carry_out(Append(tuple(entries), dict(marks), now_ns))

    async def read(self, after: int, *, max_records: int = 100, max_bytes: int = 8_000_000) -> list[Record]:
        """Records after a position, in order, at least one if there is one; bodies together at most `max_bytes`, but
        for a first one that is larger. A damaged record is left out and counted. Raises JournalError."""
        while True:
            async with self._reading:
                self._check_open()
                records, damaged = await trio.to_thread.run_sync(
                    partial(self._read, max(after, self._totals.first - 1), max_records, max_bytes)
                )
            if damaged:
                _log.warning("journal damaged", journal=str(self._path), positions=damaged[:20], number=len(damaged))
                await self._carry_out(Damage(damaged))
            if records or not damaged:
                return records

    async def commit(self, reader: str, position: int, marks: Mapping[str, bytes | None] = {}) -> None:
        """Moves a reader's cursor (never back), durably, with the marks in the same transaction. A new reader is
        registered by it.

        Raises ValueError for a position that the journal has not reached, JournalFull, JournalError. Once it has
        returned, no start of any program gives this reader anything up to the position again."""
        await self._carry_out(Commit(reader, position, dict(marks)))

    async def register(self, readers: Sequence[str]) -> None:
        """Says who reads: a new reader begins at 0 (with whatever is still there), one left out is forgotten, so that
        it holds nothing back and loses nothing. Raises JournalFull, JournalError."""
        await self._carry_out(Register(tuple(readers)))

    async def wait_beyond(self, position: int) -> None:
        """Returns once there is a record after the position. Raises JournalError when the journal has ended."""
        await trio.lowlevel.checkpoint_if_cancelled()
        while not self._has_beyond(position):
            self._check_open()
            await self._changed.wait()
        await trio.lowlevel.cancel_shielded_checkpoint()

    async def wait_failed(self) -> JournalError:
        """Returns why, once the journal takes no more though nobody closed it: the program must end, since only a start
        mends that."""
        await self._ended.wait()
        if self._why is None:
            await trio.sleep_forever()
        assert self._why is not None
        return self._why

    def cursor(self, reader: str) -> int:
        """The last position that the reader has committed; 0 for a new one."""
        return self._cursors.get(reader, 0)

    @property
    def cursors(self) -> dict[str, int]:
        """Every registered reader's cursor."""
        return dict(self._cursors)

    def mark(self, name: str) -> bytes | None:
        """A small named value that was committed together with an append or a cursor."""
        return self._marks.get(name)

    def marks(self, prefix: str) -> dict[str, bytes]:
        """Every mark whose name begins so, by its whole name."""
        return {name: value for name, value in self._marks.items() if name.startswith(prefix)}

    @property
    def stats(self) -> Stats:
        now = self._totals
        return Stats(
            records=now.records,
            things=now.things,
            bytes=now.bytes,
            first=now.first,
            last=now.last,
            lost=now.lost,
            pending_bytes=self._pending,
            ballast=self._ballast,
        )

    @property
    def salvaged(self) -> Salvage | None:
        """What was found damaged when the journal was opened; None if nothing was."""
        return self._salvaged

    async def _carry_out(self, request: Request) -> int:
        await trio.lowlevel.checkpoint_if_cancelled()
        self._check_open()
        ticket = _Ticket(size_of(request))
        if (
            isinstance(request, Append)
            and self._pending
            and self._pending + ticket.size > self._limits.max_pending_bytes
        ):
            raise JournalBusy(f"{self._path}: {self._pending} octets wait for the disk; try again later")
        self._next_ticket += 1
        self._tickets[self._next_ticket] = ticket
        self._pending += ticket.size
        self._writer.put(self._next_ticket, request)
        await ticket.done.wait()
        if isinstance(ticket.outcome, int):
            return ticket.outcome
        assert ticket.outcome is not None
        raise type(ticket.outcome)(str(ticket.outcome))  # one each: many tasks may fail by the same cause

    def _publish(self, news: Done | Ended) -> None:
        """In the event loop, in the order of the transactions: what became durable is made visible."""
        if isinstance(news, Ended):
            self._why = news.why
            outcomes: list[tuple[int, Outcome]] = [
                (number, news.why or JournalError(f"{self._path}: the journal is closed")) for number in self._tickets
            ]
            self._ended.set()
        else:
            self._totals, self._cursors, self._damaged = news.totals, news.cursors, news.damaged
            self._ballast = news.ballast
            for name, value in news.marks.items():
                if value is None:
                    self._marks.pop(name, None)
                else:
                    self._marks[name] = value
            outcomes = news.outcomes
        for number, outcome in outcomes:
            ticket = self._tickets.pop(number)
            self._pending -= ticket.size
            ticket.outcome = outcome
            ticket.done.set()
        self._changed.set()
        self._changed = trio.Event()

    def _has_beyond(self, position: int) -> bool:
        last = self._totals.last
        while last in self._damaged:
            last -= 1
        return self._totals.records > 0 and last > position

    def _check_open(self) -> None:
        if self._why:
            raise JournalError(str(self._why))
        if self._closing or self._ended.is_set():
            raise trio.ClosedResourceError(f"{self._path}: the journal is closed")

    def _read(self, after: int, max_records: int, max_bytes: int) -> tuple[list[Record], list[int]]:
        last = self._totals.last
        try:
            records, damaged = file.read_records(self._reader, after, last, self._damaged, max_records, max_bytes)
        except sqlite3.Error as error:
            raise JournalError(f"{self._path}: cannot be read ({error}); see to the disk, then restart") from None
        if damaged:
            mark_damaged(self._path)
        # What was committed but not published yet would put its reader ahead of the journal.
        return [record for record in records if record.position <= last], damaged

    async def _close(self, close_files: Callable[[], None]) -> None:
        """All that was handed in is written and the files are closed; or the disk does not answer, and is left."""
        self._closing = True
        self._writer.close()

        def end() -> None:
            self._writer.join()
            close_files()

        if await _done_within(CLOSE_S, end):
            await self._ended.wait()
        else:
            _log.error(
                "the disk does not answer, the journal is left as it is",
                journal=str(self._path),
                waiting=len(self._tickets),
                octets=self._pending,
            )


@asynccontextmanager
async def open_journal(path: Path, limits: Limits, *, wall: Callable[[], int] = wall_ns) -> AsyncIterator[Journal]:
    """Opens (or makes) the journal; salvages what can be read of a damaged file, logs so, and keeps the report in
    `salvaged`. Beside the file stand `.ballast` (room to release; also the lock), SQLite's `-wal` and `-shm`, and at
    most one `.corrupt-<time>`. At the end everything that was handed in is written, if the disk takes it within
    CLOSE_S. Raises JournalError."""
    opened = await trio.to_thread.run_sync(open_files, path, limits, trio.from_thread.check_cancelled)
    journal = Journal(path, limits, opened, wall)
    if opened.salvaged:
        _log.warning("journal salvaged", journal=str(path), report=str(opened.salvaged))
    journal._writer.start()  # noqa: SLF001
    try:
        yield journal
    finally:
        with trio.CancelScope(shield=True):
            await journal._close(opened.close)  # noqa: SLF001


async def _done_within(seconds: float, work: Callable[[], None]) -> bool:
    """Whether blocking work came to its end in time; if not, its thread is left behind. Raises what the work raises.

    A daemon thread of its own, as the interpreter must not wait for it either; and its clock, not trio's, as nothing
    but a disk is waited for."""
    failed: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:  # carried over to the waiting task
            failed.append(error)

    thread = threading.Thread(target=run, name="journal's end", daemon=True)
    thread.start()
    await trio.to_thread.run_sync(thread.join, seconds)
    if failed:
        raise failed[0]
    return not thread.is_alive()
