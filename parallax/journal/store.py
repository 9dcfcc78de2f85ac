"""The journal's file: an SQLite database in WAL mode, and what one transaction does to it. Blocking.

SQLite guards the structure of its pages but not their content, so every row carries a CRC-32 of itself and nothing is
handed out unverified. Totals live in one row that each transaction rewrites: no start ever counts the records. The
position counter lives there too, so a position is never given twice, also after every record was dropped.
"""

import sqlite3
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

import msgspec

from parallax.journal.bounds import PAGE, Bounds, Drop, Head, cost, plan_drop
from parallax.journal.types import Entry, Record

APPLICATION_ID = 0x50584A4C
FORMAT = 1
_TABLES = (
    "CREATE TABLE records (position INTEGER PRIMARY KEY, at_ns INTEGER NOT NULL, count INTEGER NOT NULL,"
    " crc INTEGER NOT NULL, kind BLOB NOT NULL, body BLOB NOT NULL)",
    "CREATE TABLE damaged (position INTEGER PRIMARY KEY)",
    "CREATE TABLE cursors (reader TEXT PRIMARY KEY, position INTEGER NOT NULL, crc INTEGER NOT NULL) WITHOUT ROWID",
    "CREATE TABLE marks (name TEXT PRIMARY KEY, value BLOB NOT NULL, crc INTEGER NOT NULL) WITHOUT ROWID",
    "CREATE TABLE state (id INTEGER PRIMARY KEY, body BLOB NOT NULL, crc INTEGER NOT NULL)",
)
_ROW = "SELECT position, at_ns, count, crc, kind, body FROM records "
_SEARCH_AT_ONCE = 10_000

Row = tuple[object, ...]


class Totals(msgspec.Struct, frozen=True, kw_only=True):
    """The state row. `first` is last + 1 while there are no records."""

    first: int = 1
    last: int = 0
    records: int = 0
    things: int = 0
    bytes: int = 0
    lost: dict[str, int] = {}


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
    full: bool = False


class Store:
    """A writer's connection and what is durable behind it. One thread at a time."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Reads totals, cursors and marks. Raises sqlite3.DatabaseError, also for a wrong checksum (CORRUPT)."""
        self._db = connection
        self.totals = read_totals(connection)
        self.cursors = read_cursors(connection)
        self.marks = read_marks(connection)
        self._damaged = {int(p) for (p,) in connection.execute("SELECT position FROM damaged")}
        newest = connection.execute("SELECT at_ns FROM records ORDER BY position DESC LIMIT 1").fetchone()
        self.newest_ns = int(newest[0]) if newest else 0
        """The stamp of the newest record at the start, 0 without one."""

    @property
    def damaged(self) -> frozenset[int]:
        return frozenset(self._damaged)

    def apply(self, requests: Sequence[Request], room: Room) -> Applied:
        """All the requests in one transaction, durable on return. Raises sqlite3.Error or NoRoom, and then nothing has
        changed."""
        transaction = _Transaction(self._db, self.totals, dict(self.cursors), set(self._damaged))
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
        self.totals, self.cursors, self._damaged = transaction.totals, transaction.cursors, transaction.damaged
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

    def __init__(self, db: sqlite3.Connection, totals: Totals, cursors: dict[str, int], damaged: set[int]) -> None:
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
        for position in positions:
            if position in self.damaged or not self.totals.first <= position <= self.totals.last:
                continue
            count, octets = self._guess(position)
            self._db.execute("INSERT INTO damaged VALUES (?)", (position,))
            self.damaged.add(position)
            self._subtract(records=1, things=count, octets=octets, lost={"corrupt": count})

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
        bounds = Bounds(max_bytes=room.max_bytes, before_ns=before_ns, keep_read=keep_read, full=room.full)
        read_upto = min(self.cursors.values(), default=self.totals.last)
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
            self.damaged = {position for position in self.damaged if position > drop.upto}
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


def create(path: Path) -> None:
    """Makes the tables in an empty file, in one transaction. Raises sqlite3.Error."""
    db = sqlite3.connect(path, isolation_level=None)
    try:
        db.execute(f"PRAGMA page_size = {PAGE}")
        db.execute("PRAGMA synchronous = FULL")
        db.execute("BEGIN IMMEDIATE")
        for statement in _TABLES:
            db.execute(statement)
        write_totals(db, Totals())
        db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        db.execute(f"PRAGMA user_version = {FORMAT}")
        db.execute("COMMIT")
    finally:
        db.close()


def connect_writer(path: Path, log_bytes: int) -> sqlite3.Connection:
    """`log_bytes`: from which size on the write-ahead log is brought into the file. Raises sqlite3.Error."""
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=30, cached_statements=64)
    try:
        db.execute("PRAGMA journal_mode = WAL").fetchall()
        db.execute("PRAGMA synchronous = FULL")
        db.execute("PRAGMA secure_delete = OFF")  # Debian's default zeroes what is deleted: twice the writes
        db.execute("PRAGMA cache_size = -8000")
        db.execute(f"PRAGMA wal_autocheckpoint = {max(log_bytes // PAGE, 1)}").fetchall()
        db.execute("PRAGMA journal_size_limit = 8000000").fetchall()
    except BaseException:
        db.close()
        raise
    return db


def connect_reader(path: Path) -> sqlite3.Connection:
    """A connection that cannot write, nor bring the write-ahead log into the file. Raises sqlite3.Error."""
    return sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True, isolation_level=None, check_same_thread=False)


def read_records(
    db: sqlite3.Connection, after: int, last: int, known: frozenset[int], max_records: int, max_bytes: int
) -> tuple[list[Record], list[int]]:
    """Records after a position and the damaged positions between them; `known` are skipped unseen. If both lists are
    empty, nothing is there. Raises sqlite3.Error for anything but damage."""
    records: list[Record] = []
    damaged: list[int] = []
    octets, position = 0, after
    while len(records) < max_records and len(damaged) < _SEARCH_AT_ONCE:
        while position + 1 in known:
            position += 1
        try:
            for row in db.execute(_ROW + "WHERE position > ? ORDER BY position LIMIT ?", (position, max_records)):
                record = verified(row)
                if record is None:
                    break
                octets += len(record.body)
                if records and (octets > max_bytes or len(records) >= max_records):
                    return records, damaged
                records.append(record)
                position = record.position
            else:
                return records, damaged
        except sqlite3.DatabaseError as error:
            if not is_damage(error):
                raise
        if position >= last:
            return records, damaged
        # One by one past the bad spot: the first after `position` that can be read ends it.
        while position < last and len(damaged) < _SEARCH_AT_ONCE and find_record(db, position + 1) is None:
            position += 1
            if position not in known:
                damaged.append(position)
    return records, damaged


def find_record(db: sqlite3.Connection, position: int) -> Record | None:
    """The record at a position; None if it is not there or damaged."""
    try:
        row = db.execute(_ROW + "WHERE position = ?", (position,)).fetchone()
    except sqlite3.DatabaseError as error:
        if not is_damage(error):
            raise
        return None
    return verified(row) if row else None


def verified(row: Row) -> Record | None:
    """The record of a row as read, if it is what was written."""
    match row:
        case (int(position), int(at_ns), int(count), int(crc), bytes(kind), bytes(body)):
            if record_crc(position, at_ns, count, kind, body) == crc:
                return Record(position=position, kind=kind.decode(), body=body, at_ns=at_ns, count=count)
    return None


def is_damage(error: sqlite3.Error) -> bool:
    """Whether the file is at fault, not the request or the host."""
    code = getattr(error, "sqlite_errorcode", 0)
    return code & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB) or code in (
        sqlite3.SQLITE_IOERR_READ,
        sqlite3.SQLITE_IOERR_SHORT_READ,
    )


def is_full(error: sqlite3.Error) -> bool:
    """Whether room on the disk (or a quota, or a file size limit) is what is missing."""
    return getattr(error, "sqlite_errorcode", 0) in (
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR_WRITE,
        sqlite3.SQLITE_IOERR_SHMSIZE,
        sqlite3.SQLITE_IOERR_SHMMAP,
    )


def record_crc(position: int, at_ns: int, count: int, kind: bytes, body: bytes) -> int:
    return zlib.crc32(body, zlib.crc32(b"%d %d %d %d " % (position, at_ns, count, len(kind)) + kind))


def write_totals(db: sqlite3.Connection, totals: Totals) -> None:
    body = msgspec.json.encode(totals)
    db.execute("INSERT OR REPLACE INTO state VALUES (1, ?, ?)", (body, zlib.crc32(body)))


def write_cursor(db: sqlite3.Connection, reader: str, position: int) -> None:
    db.execute("INSERT OR REPLACE INTO cursors VALUES (?, ?, ?)", (reader, position, _crc(reader, b"%d" % position)))


def write_mark(db: sqlite3.Connection, name: str, value: bytes) -> None:
    db.execute("INSERT OR REPLACE INTO marks VALUES (?, ?, ?)", (name, value, _crc(name, value)))


def read_totals(db: sqlite3.Connection) -> Totals:
    """Raises sqlite3.DatabaseError."""
    row = db.execute("SELECT body, crc FROM state WHERE id = 1").fetchone()
    if row is None or not isinstance(row[0], bytes) or zlib.crc32(row[0]) != row[1]:
        raise corrupt("the totals do not fit their checksum")
    return msgspec.json.decode(row[0], type=Totals)


def read_cursors(db: sqlite3.Connection) -> dict[str, int]:
    """Raises sqlite3.DatabaseError."""
    cursors = {}
    for reader, position, crc in db.execute("SELECT reader, position, crc FROM cursors"):
        if not isinstance(reader, str) or not isinstance(position, int) or _crc(reader, b"%d" % position) != crc:
            raise corrupt("a cursor does not fit its checksum")
        cursors[reader] = position
    return cursors


def read_marks(db: sqlite3.Connection) -> dict[str, bytes]:
    """Raises sqlite3.DatabaseError."""
    marks = {}
    for name, value, crc in db.execute("SELECT name, value, crc FROM marks"):
        if not isinstance(name, str) or not isinstance(value, bytes) or _crc(name, value) != crc:
            raise corrupt("a mark does not fit its checksum")
        marks[name] = value
    return marks


def corrupt(message: str) -> sqlite3.DatabaseError:
    """Damage that SQLite itself did not see, in the form in which it reports its own."""
    error = sqlite3.DatabaseError(message)
    error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
    return error


def _crc(name: str, value: bytes) -> int:
    return zlib.crc32(value, zlib.crc32(name.encode()))
