"""History as the event loop sees it.

Two tasks read the journals, one makes the minutes' figures and clears away what is too old; a lock lets one of them at
a time into the store, in a worker thread. History is derived: whatever happens to its file, the collector goes on, and
the journals fill a new one. It is no registered reader of theirs, so that it never holds back what they may drop.
"""

import math
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TypeVar

import msgspec
import trio

from collector.events import Event, Incident
from collector.history.asking import answer
from collector.history.flows import read_flow, read_retried
from collector.history.readers import Readers
from collector.history.reads import read_alerts, read_incident, read_incidents, read_notices, read_points
from collector.history.rows import MINUTE_NS, Rows, event_rows, input_rows
from collector.history.store import (
    ReadDamaged,
    Reading,
    Store,
    StoreBusy,
    StoreDamaged,
    StoreError,
    StoreFull,
    open_store,
    set_aside,
)
from collector.history.types import (
    Flow,
    HistoryStatus,
    IncidentStory,
    Point,
    QueryError,
    ReaderStatus,
    Retried,
    Table,
)
from collector.lives import Life
from collector.precedence import MakeWay, have_it_all
from parallax.clock import NS, to_ns, wall_ns
from parallax.config import CollectorLimits
from parallax.journal import Journal, JournalError, Record
from parallax.log import get_log
from parallax.plan.types import Probe, Retry

READ_RECORDS = 100
READ_BYTES = 300_000
"""About 6,000 observations: what one transaction takes in, and what is in memory at once."""
GRACE_NS = 3 * NS
"""How long after its end a minute's figures are made: most of what belongs to it has arrived by then."""
PAGE_TIMEOUT_S = 5.0
MAX_FAILURES = 3
MEMORY_BYTES = 300_000_000
"""How much the process may grow while a query runs."""
_log = get_log(__name__)

T = TypeVar("T")


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """How often the history does what. Seconds."""

    gather_s: float = 1.0
    """How long records may gather before they are written together."""
    retry_s: float = 2.0
    """How long after a failure the file is tried again."""
    minutes_every_s: float = 5.0
    label_every_s: float = 5.0
    prune_every_s: float = 600.0


PACE = Pace()


class History:
    """One file, one writer; a reader of both journals."""

    def __init__(
        self,
        folder: Path,
        limits: CollectorLimits,
        *,
        pace: Pace = PACE,
        memory_bytes: int = MEMORY_BYTES,
        wall: Callable[[], int] = wall_ns,
    ) -> None:
        """For `open_history` only."""
        self._folder, self._limits, self._pace, self._wall = folder, limits, pace, wall
        self._store: Store | None = None
        self._problem: str | None = None
        self._failures = 0
        self._writing = trio.Lock()
        self._readers, self._written = Readers(memory_bytes), trio.Event()
        self._for_page, self._for_queries = trio.CapacityLimiter(2), trio.CapacityLimiter(2)
        self._journals: dict[str, Journal] = {}
        self._waiting: set[trio.CancelScope] = set()
        self._make_way: MakeWay = have_it_all

    async def run(
        self,
        inputs: Journal,
        events: Journal,
        make_way: MakeWay = have_it_all,
        *,
        probes: Callable[[], Sequence[Probe]] = tuple,
        task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """Reads on until cancelled. `probes`: those of the plan in force, whose labels are noted as they change."""
        self._journals, self._make_way = {"inputs": inputs, "events": events}, make_way
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._follow, "inputs", inputs, input_rows)
            nursery.start_soon(self._follow, "events", events, event_rows)
            nursery.start_soon(self._make_minutes)
            nursery.start_soon(self._prune)
            nursery.start_soon(self._label, probes)
            task_status.started()

    async def query(self, sql: str, *, max_rows: int = 10_000, timeout_s: float = 10.0) -> Table:
        """What a SELECT gives. Raises QueryError: no SELECT, no such column, too slow, ..."""
        return await self._read(self._for_queries, timeout_s, partial(answer, sql=sql, max_rows=max_rows))

    async def points(
        self, check: str, *, since: int, until: int, step_s: int = 60, target: str | None = None
    ) -> list[Point]:
        """A check's figures in steps, by time, probe and subject. Raises QueryError: the history cannot be read now."""
        raw_since = self._wall() - _age_ns(self._limits.raw_age)
        work = partial(
            read_points, check=check, target=target, since=since, until=until, step_s=step_s, raw_since=raw_since
        )
        return await self._read_for_page(work)

    async def retried(self, check: str, policies: Sequence[Retry], *, since: int, until: int) -> Retried:
        """A check's attempts that began in this time, and what each policy would have made of them; of too many, the
        latest. Raises QueryError: the history cannot be read now."""
        return await self._read_for_page(
            partial(read_retried, check=check, policies=policies, since=since, until=until)
        )

    async def flow(self, check: str, *, since: int, until: int, runs_since: int) -> Flow:
        """How far a flow's runs came in this time, and each probe's latest run since `runs_since`. Raises QueryError:
        the history cannot be read now."""
        return await self._read_for_page(
            partial(read_flow, check=check, since=since, until=until, runs_since=runs_since)
        )

    async def incidents(self, *, limit: int = 50, before: int | None = None) -> list[Incident]:
        """Incidents as last known, the latest opened first; `before` pages back (opened_at). Raises QueryError: the
        history cannot be read now."""
        return await self._read_for_page(partial(read_incidents, limit=limit, before=before))

    async def notices(self, *, limit: int = 20) -> list[Event]:
        """What was noticed, the latest first. Raises QueryError: the history cannot be read now."""
        return await self._read_for_page(partial(read_notices, limit=limit))

    async def incident(self, id: str) -> IncidentStory | None:  # noqa: A002
        """None where it is not known. Raises QueryError: the history cannot be read now."""
        return await self._read_for_page(partial(read_incident, name=id))

    async def alerts(
        self, *, incident: str | None = None, about: str | None = None, limit: int = 200
    ) -> tuple[Life, ...]:
        """The lives of the last alerts, oldest first: of an incident; or `about` an alert's id, a key or an incident;
        or all. Raises QueryError: the history cannot be read now."""
        return await self._read_for_page(partial(read_alerts, incident=incident, about=about, limit=limit))

    @property
    def status(self) -> HistoryStatus:
        """Right now; what the store last said while it cannot be used."""
        store = self._store
        return HistoryStatus(
            inputs=self._reader_status("inputs"),
            events=self._reader_status("events"),
            observations=store.observations if store else 0,
            bytes=store.bytes() if store else 0,
            unreadable=sum(progress.unreadable for progress in store.progress.values()) if store else 0,
            problem=self._problem,
        )

    async def wait_position(self, *, inputs: int = 0, events: int = 0) -> None:
        """Returns once the journals' records up to these positions are in the file."""
        wanted = {"inputs": inputs, "events": events}
        while self._store is None or any(self._store.progress[n].position < p for n, p in wanted.items()):
            await self._written.wait()

    async def open(self) -> None:
        """For `open_history` only: tries once; `run` goes on trying."""
        async with self._writing:
            await self._open()

    async def close(self) -> None:
        """For `open_history` only."""
        async with self._writing:
            store, self._store = self._store, None  # nobody begins to read any more
            if store is not None:
                await self._readers.stop()
                await trio.to_thread.run_sync(store.close)

    async def _follow(self, name: str, journal: Journal, make: Callable[[Sequence[Record]], Rows]) -> None:
        try:
            while True:
                after = await self._do(lambda store: store.progress[name].position)
                if after > journal.stats.last:
                    _log.error("the journal is older than the history, which goes on at its end", journal=name)
                    await self._do(partial(Store.move, name=name, position=journal.stats.last))
                    continue
                with trio.CancelScope() as waiting:
                    self._waiting.add(waiting)
                    try:
                        await journal.wait_beyond(after)
                    finally:
                        self._waiting.discard(waiting)
                if waiting.cancel_called:  # another file, and so another position
                    continue
                records = await journal.read(after, max_records=READ_RECORDS, max_bytes=READ_BYTES)
                if not records:
                    continue
                began = trio.current_time()
                await self._do(partial(_write, name=name, after=after, records=records, make=make))
                written, self._written = self._written, trio.Event()
                written.set()
                await self._make_way(trio.current_time() - began)
                if records[-1].position >= journal.stats.last:
                    await trio.sleep(self._pace.gather_s)
        except (JournalError, trio.ClosedResourceError) as error:
            # whoever runs the journals ends the program for this; the history has nothing left to do
            _log.warning("the history reads no more", journal=name, why=str(error))
            await trio.sleep_forever()

    async def _make_minutes(self) -> None:
        while True:
            now = self._wall()
            oldest = now - _age_ns(self._limits.raw_age)
            work = partial(Store.make_minutes, before_ns=now - GRACE_NS, oldest_ns=oldest)
            while await self._do(work):
                await trio.lowlevel.checkpoint()
            await trio.sleep(self._pace.minutes_every_s)

    async def _label(self, probes: Callable[[], Sequence[Probe]]) -> None:
        while True:
            now = self._wall()
            oldest = now - _age_ns(self._limits.raw_age)
            await self._do(partial(Store.label, probes=probes(), at_ns=now, oldest_ns=oldest))
            await trio.sleep(self._pace.label_every_s)

    async def _prune(self) -> None:
        while True:
            for table, column, age in (
                ("observation", "started", self._limits.raw_age),
                ("probe_health", "started", self._limits.raw_age),
                ("minute", "minute", self._limits.minutes_age),
                ("event", "happened", self._limits.minutes_age),
                ("delivery", "happened", self._limits.minutes_age),
                ("incident", "resolved", self._limits.minutes_age),
            ):
                # whole minutes: a minute whose observations are gone in part could not be made again
                before = (self._wall() - _age_ns(age)) // MINUTE_NS * MINUTE_NS
                while await self._do(partial(Store.prune, table=table, column=column, before_ns=before)):
                    await trio.lowlevel.checkpoint()
            await trio.sleep(self._pace.prune_every_s)

    async def _do(self, work: Callable[[Store], T]) -> T:
        """The work's result; waits and tries again, on a store opened anew, for as long as it takes. A failed
        transaction may yet be in the file, so work that appends looks at the cursor first."""
        while True:
            async with self._writing:
                store = self._store or await self._open()
                if store is not None:
                    try:
                        result = await trio.to_thread.run_sync(work, store)
                    except StoreBusy as error:
                        _log.warning("history waits for memory", why=str(error))
                    except StoreError as error:
                        await self._give_up(store, error)
                    else:
                        self._failures = 0
                        return result
            await trio.sleep(self._pace.retry_s)

    async def _open(self) -> Store | None:
        """The open store, or None and a problem."""
        try:
            try:
                store = await trio.to_thread.run_sync(open_store, self._folder)
            except StoreDamaged as error:
                store = await self._begin_anew(error)
        except StoreError as error:
            self._say(error)
            return None
        if self._problem is not None:
            _log.info("history is written again")
        self._store, self._problem = store, None
        return store

    async def _begin_anew(self, why: StoreError) -> Store:
        when = datetime.fromtimestamp(self._wall() / NS, UTC).strftime("%Y%m%dT%H%M%SZ")
        aside = await trio.to_thread.run_sync(set_aside, self._folder, when)
        _log.error("history damaged; it is made anew from the journals", why=str(why), aside=str(aside))
        self._failures = 0
        return await trio.to_thread.run_sync(open_store, self._folder)

    async def _give_up_damaged(self, store: Store, damage: ReadDamaged) -> None:
        async with self._writing:
            if self._store is store:
                await self._give_up(store, StoreDamaged(f"{store.path}: cannot be read ({damage})"))

    async def _give_up(self, store: Store, error: StoreError) -> None:
        """Closes the store after an error; sets its file aside where it is damaged, or opening it anew did not help."""
        if not isinstance(error, StoreDamaged):
            self._say(error)
        self._store = None
        for waiting in self._waiting:  # what they wait behind may be gone with the file
            waiting.cancel()
        await self._readers.stop()
        await trio.to_thread.run_sync(store.close)
        if isinstance(error, StoreFull):
            return
        self._failures += 1
        if isinstance(error, StoreDamaged) or self._failures >= MAX_FAILURES:
            try:
                self._store, self._problem = await self._begin_anew(error), None
            except StoreError as again:
                self._say(again)

    def _say(self, error: StoreError) -> None:
        if self._problem is None:
            _log.error("history waits", why=str(error))
        self._problem = str(error)

    async def _read_for_page(self, work: Callable[[Reading], T]) -> T:
        try:
            return await self._read(self._for_page, PAGE_TIMEOUT_S, work)
        except QueryError as error:
            _log.warning("the page does without the history", why=str(error))
            raise

    async def _read(self, slots: trio.CapacityLimiter, timeout_s: float, work: Callable[[Reading], T]) -> T:
        """The work's result, from a reading and a thread of its own. Raises QueryError."""
        with trio.move_on_after(timeout_s):
            async with slots:
                return await self._read_now(work)
        raise QueryError(f"the query took more than {timeout_s:g} s and was stopped: ask for less time or fewer rows")

    async def _read_now(self, work: Callable[[Reading], T]) -> T:
        store = self._store
        if store is None:
            raise QueryError(f"the history cannot be read now: {self._problem or 'it is not open yet'}")
        try:
            return await self._readers.read(store, work)
        except ReadDamaged as damage:
            with trio.CancelScope(shield=True):
                await self._give_up_damaged(store, damage)
            raise QueryError("the history's file is damaged; it is made anew, ask again in a while") from None

    def _reader_status(self, name: str) -> ReaderStatus:
        journal, store = self._journals.get(name), self._store
        if store is None:
            return ReaderStatus(position=0, behind=journal.stats.records if journal else 0, missed=0)
        progress = store.progress[name]
        last = journal.stats.last if journal else progress.position
        return ReaderStatus(position=progress.position, behind=max(last - progress.position, 0), missed=progress.missed)


@asynccontextmanager
async def open_history(
    folder: Path,
    limits: CollectorLimits,
    *,
    pace: Pace = PACE,
    memory_bytes: int = MEMORY_BYTES,
    wall: Callable[[], int] = wall_ns,
) -> AsyncIterator[History]:
    """Opens or makes the history in a folder of its own. A file that cannot be opened is no reason not to start: `run`
    tries again, and `status` says so. `memory_bytes`: how much the process may grow while a query runs."""
    history = History(folder, limits, pace=pace, memory_bytes=memory_bytes, wall=wall)
    await history.open()
    try:
        yield history
    finally:
        with trio.CancelScope(shield=True):
            await history.close()


def _write(
    store: Store, name: str, after: int, records: Sequence[Record], make: Callable[[Sequence[Record]], Rows]
) -> None:
    if store.progress[name].position != after:
        return  # it was in the file after all, or the file is a new one
    try:
        rows = make(records)
        store.write(name, rows, missed=rows.position - after - len(records))
    except StoreError:
        raise
    except Exception:  # history's one place: a record that it cannot take (a bug) must not end the collector
        if len(records) > 1:
            for record in records:
                _write(store, name, store.progress[name].position, [record], make)
            return
        (record,) = records
        _log.exception("the history leaves a record out (a bug)", journal=name, position=record.position)
        store.write(name, Rows(position=record.position, unreadable=1), missed=record.position - after - 1)


def _age_ns(age_s: float) -> int:
    return to_ns(age_s) if math.isfinite(age_s) else 2**62
