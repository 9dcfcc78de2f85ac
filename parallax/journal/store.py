"""What one transaction does to the journal's file. Blocking."""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress

import msgspec

from parallax.journal.bounds import PAGE, Bounds, Drop, Head, cost, plan_drop
from parallax.journal.file import (
    Totals,
    read_cursors,
    read_marks,
    read_totals,
    record_crc,
    write_cursor,
    write_mark,
    write_totals,
)
from parallax.journal.types import Entry


class Append(msgspec.Struct, frozen=True):
    entries: Sequence[Entry]
    marks: Mapping[str, bytes | None]
    now_ns: int
    """For judging age."""


class Commit(msgspec.Struct, frozen=True):
    reader: str
    position: int
    marks: Mapping[str, bytes | None]


class Register(msgspec.Struct, frozen=True):
    readers: Sequence[str]


class Damage(msgspec.Struct, frozen=True):
    """Positions that a reader found unreadable: counted as lost, once."""

    positions: Sequence[int]


Request = Append | Commit | Register | Damage


class Applied(msgspec.Struct, frozen=True):
    """What a transaction came to: an outcome for each request (an append's last position, else 0; a ValueError where a
    cursor is beyond the end), and the marks that changed."""

    outcomes: list[int | ValueError]
    marks: dict[str, bytes | None]


class NoRoom(Exception):
    """The append does not fit, whatever is dropped."""


class Room(msgspec.Struct, frozen=True, kw_only=True):
    """The bounds that a transaction keeps to."""

    max_bytes: int
    max_age_ns: int
    keep_read: bool
    refuse_when_full: bool = False
    full: bool = False

    @property
    def keep_unread(self) -> bool:
        return self.full and self.refuse_when_full


class Store:
    """A writer's connection and what is durable behind it. One thread at a time."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Reads totals, cursors and marks. Raises sqlite3.DatabaseError, also for a wrong checksum (CORRUPT)."""
        self._db = connection
        self.totals = read_totals(connection)
        self.cursors = read_cursors(connection)
        self.marks = read_marks(connection)
        self.damaged = frozenset(int(p) for (p,) in connection.execute("SELECT position FROM damaged"))
        newest = connection.execute("SELECT at_ns FROM records ORDER BY position DESC LIMIT 1").fetchone()
        self.newest_ns = int(newest[0]) if newest else 0
        """The stamp of the newest record at the start, 0 without one."""

    def apply(self, requests: Sequence[Request], room: Room) -> Applied:
        """All the requests in one transaction, durable on return. Raises sqlite3.Error or NoRoom, and then nothing has
        changed."""
        transaction = _Transaction(self._db, self.totals, dict(self.cursors), self.damaged)
        try:
            self._db.execute("BEGIN IMMEDIATE")
            outcomes = [transaction.do(request, room) for request in requests]
            transaction.write_state()
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:
                with suppress(sqlite3.Error):  # what failed first is what the caller must hear
                    self._db.execute("ROLLBACK")
            raise
        self.totals, self.cursors, self.damaged = transaction.totals, transaction.cursors, transaction.damaged
        for name, value in transaction.marks.items():
            if value is None:
                self.marks.pop(name, None)
            else:
                self.marks[name] = value
        return Applied(outcomes, transaction.marks)

    def free_bytes(self) -> int:
        """What the file has within itself for new records."""
        return int(self._db.execute("PRAGMA freelist_count").fetchone()[0]) * PAGE

    def checkpoint(self) -> None:
        """Brings the write-ahead log into the file and gives its space back, as far as no reader is in the way."""
        self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def close(self) -> None:
        self._db.close()


class _Transaction:
    """The working copy of one transaction."""

    def __init__(
        self, db: sqlite3.Connection, totals: Totals, cursors: dict[str, int], damaged: frozenset[int]
    ) -> None:
        self._db, self.totals, self.cursors, self.damaged = db, totals, cursors, damaged
        self.marks: dict[str, bytes | None] = {}

    def do(self, request: Request, room: Room) -> int | ValueError:
        match request:
            case Append():
                return self._append(request, room)
            case Commit():
                return self._commit(request, room)
            case Register():
                self._register(request.readers)
            case Damage():
                self._note_damage(request.positions)
        return 0

    def _append(self, request: Append, room: Room) -> int:
        costs = [cost(len(entry.body), len(entry.kind.encode())) for entry in request.entries]
        need = sum(costs)
        if need > room.max_bytes:
            raise NoRoom
        self._drop(room, before_ns=request.now_ns - room.max_age_ns, need=need)
        if room.keep_unread and self.totals.bytes + need > room.max_bytes:
            raise NoRoom
        position, rows = self.totals.last, []
        for entry in request.entries:
            position, kind = position + 1, entry.kind.encode()
            crc = record_crc(position, entry.at_ns, entry.count, kind, entry.body)
            rows.append((position, entry.at_ns, entry.count, crc, kind, entry.body))
        self._db.executemany("INSERT INTO records VALUES (?, ?, ?, ?, ?, ?)", rows)
        old = self.totals
        self.totals = msgspec.structs.replace(
            old,
            last=position,
            records=old.records + len(rows),
            things=old.things + sum(entry.count for entry in request.entries),
            bytes=old.bytes + need,
        )
        self._mark(request.marks)
        return position

    def _commit(self, request: Commit, room: Room) -> int | ValueError:
        if not 0 <= request.position <= self.totals.last:
            return ValueError(f"position {request.position} is not within the journal (0 to {self.totals.last})")
        self._set_cursor(request.reader, max(request.position, self.cursors.get(request.reader, 0)))
        self._mark(request.marks)
        if not room.keep_read:
            self._drop(room, before_ns=-(2**63), need=0)
        return 0

    def _register(self, readers: Sequence[str]) -> None:
        for reader in self.cursors.keys() - set(readers):
            self._db.execute("DELETE FROM cursors WHERE reader = ?", (reader,))
            del self.cursors[reader]
        for reader in readers:
            if reader not in self.cursors:
                self._set_cursor(reader, 0)

    def _note_damage(self, positions: Sequence[int]) -> None:
        fresh = {p for p in positions if self.totals.first <= p <= self.totals.last} - self.damaged
        for position in sorted(fresh):
            count, octets = self._guess(position)
            self._db.execute("INSERT INTO damaged VALUES (?)", (position,))
            self._subtract(records=1, things=count, octets=octets, lost={"corrupt": count})
        self.damaged |= fresh

    def _guess(self, position: int) -> tuple[int, int]:
        """Count and cost of a damaged record, as far as its row can still be read."""
        with suppress(sqlite3.DatabaseError):
            query = "SELECT position, at_ns, count, length(kind), length(body) FROM records WHERE position = ?"
            row = self._db.execute(query, (position,)).fetchone()
            if row and all(isinstance(value, int) for value in row) and 0 <= row[2] <= self.totals.things:
                return row[2], cost(row[4], row[3])
        return 1, self.totals.bytes // max(self.totals.records, 1)

    def _drop(self, room: Room, *, before_ns: int, need: int) -> None:
        if not self.totals.records and not self.damaged:
            return
        keep_read = room.keep_read or not self.cursors  # nobody registered has not read everything
        bounds = Bounds(
            max_bytes=room.max_bytes,
            before_ns=before_ns,
            keep_read=keep_read,
            full=room.full,
            keep_unread=room.keep_unread,
        )
        read_upto = min(self.cursors.values(), default=0 if room.keep_unread else self.totals.last)
        drop = plan_drop(self._heads(), bounds, held=self.totals.bytes, need=need, read_upto=read_upto)
        if drop:
            self._delete(drop)

    def _heads(self) -> Iterator[Head]:
        query = "SELECT position, at_ns, count, length(kind), length(body) FROM records ORDER BY position"
        for position, at_ns, count, kind, body in self._db.execute(query):
            if position in self.damaged:  # no longer in the totals; goes with its neighbours
                yield Head(position, at_ns, 0, 0, records=0)
            else:
                yield Head(position, at_ns, count, cost(body, kind))

    def _delete(self, drop: Drop) -> None:
        self._db.execute("DELETE FROM records WHERE position <= ?", (drop.upto,))
        if self.damaged:
            self._db.execute("DELETE FROM damaged WHERE position <= ?", (drop.upto,))
            self.damaged = frozenset(position for position in self.damaged if position > drop.upto)
        self._subtract(records=drop.records, things=drop.things, octets=drop.bytes, lost=drop.lost)
        row = self._db.execute("SELECT position FROM records ORDER BY position LIMIT 1").fetchone()
        self.totals = msgspec.structs.replace(self.totals, first=int(row[0]) if row else self.totals.last + 1)

    def _subtract(self, *, records: int, things: int, octets: int, lost: Mapping[str, int]) -> None:
        old = self.totals
        self.totals = msgspec.structs.replace(
            old,
            records=max(old.records - records, 0),
            things=max(old.things - things, 0),
            bytes=max(old.bytes - octets, 0),
            lost={cause: old.lost.get(cause, 0) + lost.get(cause, 0) for cause in old.lost.keys() | lost.keys()},
        )

    def _set_cursor(self, reader: str, position: int) -> None:
        self.cursors[reader] = position
        write_cursor(self._db, reader, position)

    def _mark(self, marks: Mapping[str, bytes | None]) -> None:
        for name, value in marks.items():
            self.marks[name] = value
            if value is None:
                self._db.execute("DELETE FROM marks WHERE name = ?", (name,))
            else:
                write_mark(self._db, name, value)

    def write_state(self) -> None:
        write_totals(self._db, self.totals)
