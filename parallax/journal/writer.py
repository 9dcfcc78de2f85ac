"""The one writer thread: group commit.

Whatever has gathered while the last transaction was on its way to the disk becomes the next one, so the disk's sync
rate bounds the delay, not the throughput. A request that was taken is carried out whether or not anyone still waits.

The full disk. A transaction that finds no room is undone; the ballast is released, and from then on the journal keeps
to the room that it has: old records make way for new ones within the file (counted as "disk_full"), or with
`refuse_when_full` only those that were read. It grows again as soon as the disk has room for the ballast and some more.
Only what does not fit in even so is refused.

Damage. A transaction that meets a damaged page leaves a marker file and ends the thread: everything waiting fails with
JournalError, and the next start salvages. One place repairs, and it does so before anyone depends on it.

A file that was removed or replaced while it is open still takes every write, and all of it is lost with the process. So
each transaction looks whether the path still leads to the open file, before anyone hears that it is durable.
"""

import sqlite3
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from parallax.journal.ballast import Ballast, group_bytes
from parallax.journal.bounds import cost
from parallax.journal.file import Totals, is_damage, is_full
from parallax.journal.store import Append, NoRoom, Request, Room, Store
from parallax.journal.types import JournalError, JournalFull

_SPARE = 4_000_000
_SLACK = 64 * 1024
"""Room within the file that is left unused while the disk is full: pages fill less well than `cost` has it."""

Outcome = int | ValueError | JournalFull | JournalError


class Done(msgspec.Struct, frozen=True):
    """What a transaction did, for the event loop: outcomes by ticket, and what is durable now."""

    outcomes: list[tuple[int, Outcome]]
    totals: Totals
    cursors: dict[str, int]
    marks: dict[str, bytes | None]
    damaged: frozenset[int]
    ballast: bool


class _Removed(Exception):
    """The path leads to another file than the open one, or to none."""


class Ended(msgspec.Struct, frozen=True):
    """The thread's last word. `why` is None when it was asked to close."""

    why: JournalError | None


class Writer:
    """The thread, its queue, and the room it may use. `report` is called in the thread."""

    def __init__(
        self, path: Path, store: Store, ballast: Ballast, room: Room, report: Callable[[Done | Ended], None]
    ) -> None:
        self._path, self._store, self._ballast, self._limits, self._report = path, store, ballast, room, report
        self._wake = threading.Condition()
        self._queue: list[tuple[int, Request]] = []
        self._closing, self._group_bytes = False, group_bytes(ballast.size)
        self._squeezed = not ballast.whole
        self._opened = self._identity()
        self._thread = threading.Thread(target=self._run, name=f"journal {path.name}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def put(self, ticket: int, request: Request) -> None:
        with self._wake:
            self._queue.append((ticket, request))
            self._wake.notify()

    def close(self) -> None:
        """Asks the thread to end once the queue is empty; `Ended` is reported then."""
        with self._wake:
            self._closing = True
            self._wake.notify()

    def join(self) -> None:
        self._thread.join()

    def _run(self) -> None:
        why: JournalError | None = JournalError(f"{self._path}: the journal's writer ended by a bug; please report it")
        try:
            while group := self._take():
                self._report(self._write(group))
            why = None
        except sqlite3.Error as error:
            why = self._give_up(error)
        except _Removed:
            why = JournalError(
                f"{self._path}: the file was removed or replaced while in use, what was in it is lost; restart"
            )
        finally:
            self._report(Ended(why))

    def _take(self) -> list[tuple[int, Request]]:
        """The next group, in order; empty when the journal closes and nothing waits."""
        with self._wake:
            while not self._queue and not self._closing:
                self._wake.wait()
            octets = taken = 0
            for _, request in self._queue:
                octets += size_of(request)
                if taken and octets > self._group_bytes:
                    break
                taken += 1
            group, self._queue = self._queue[:taken], self._queue[taken:]
            return group

    def _write(self, group: list[tuple[int, Request]]) -> Done:
        if self._squeezed and self._ballast.refill(_SPARE):
            self._squeezed = False
        requests = [request for _, request in group]
        try:
            outcomes, marks = self._apply(requests)
        except (sqlite3.Error, NoRoom) as error:
            if isinstance(error, sqlite3.Error) and not is_full(error):
                raise
            self._make_room()
            outcomes, marks = self._apply_each(requests)
        if self._identity() != self._opened:
            raise _Removed
        store = self._store
        tickets = [ticket for ticket, _ in group]
        return Done(
            list(zip(tickets, outcomes, strict=True)),
            store.totals,
            store.cursors,
            marks,
            store.damaged,
            not self._squeezed,
        )

    def _apply(self, requests: Sequence[Request]) -> tuple[list[Outcome], dict[str, bytes | None]]:
        applied = self._store.apply(requests, self._room())
        return list(applied.outcomes), applied.marks

    def _apply_each(self, requests: Sequence[Request]) -> tuple[list[Outcome], dict[str, bytes | None]]:
        """Together once more, now that there is more room; if that fails too, one by one, so that what fits gets in."""
        outcomes: list[Outcome] = []
        marks: dict[str, bytes | None] = {}
        groups = [requests, *([request] for request in requests)] if len(requests) > 1 else [requests]
        for group in groups:
            try:
                done, changed = self._apply(group)
            except (sqlite3.Error, NoRoom) as error:
                if isinstance(error, sqlite3.Error) and not is_full(error):
                    raise
                if group is not requests or len(groups) == 1:
                    outcomes.append(JournalFull(f"{self._path}: the disk is full; free some room on it"))
                continue
            outcomes += done
            marks |= changed
            if group is requests:
                break
        return outcomes, marks

    def _identity(self) -> list[tuple[int, int] | None]:
        """Which files the path and its write-ahead log lead to: device and inode, None where nothing is there."""
        found: list[tuple[int, int] | None] = []
        for name in (self._path, self._path.with_name(self._path.name + "-wal")):
            try:
                stat = name.stat()
            except OSError:
                found.append(None)
            else:
                found.append((stat.st_dev, stat.st_ino))
        return found

    def _room(self) -> Room:
        if not self._squeezed:
            return self._limits
        own = self._store.totals.bytes + self._store.free_bytes() - _SLACK
        if own >= self._limits.max_bytes:
            return self._limits
        return msgspec.structs.replace(self._limits, max_bytes=own, full=True)

    def _make_room(self) -> None:
        self._squeezed = True
        self._ballast.release()
        try:
            self._store.checkpoint()
        except sqlite3.Error as error:
            if not is_full(error):
                raise

    def _give_up(self, error: sqlite3.Error) -> JournalError:
        if is_damage(error):
            mark_damaged(self._path)
            return JournalError(f"{self._path}: the journal is damaged ({error}); restart, it is salvaged at the start")
        return JournalError(f"{self._path}: the journal cannot be written ({error}); see to the disk, then restart")


def size_of(request: Request) -> int:
    """What a request holds in memory and will take on the disk, octets, near enough."""
    marks = 0
    if not isinstance(request, Append):
        return 64
    for name, value in request.marks.items():
        marks += len(name) + len(value or b"")
    return marks + sum(cost(len(entry.body), len(entry.kind)) for entry in request.entries)


def marker_of(path: Path) -> Path:
    return path.with_name(path.name + ".damaged")


def mark_damaged(path: Path) -> None:
    """Leaves word for the next start that the file must be salvaged. On a disk without room the damage must be found
    again."""
    try:
        marker_of(path).touch()
    except OSError:
        return
