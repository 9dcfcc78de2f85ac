"""The journal's file: an SQLite database in WAL mode, its tables, and how rows are written and read. Blocking.

SQLite guards the structure of its pages but not their content, so every row carries a CRC-32 of itself and nothing is
handed out unverified. Totals live in one row that each transaction rewrites: no start ever counts the records. The
position counter lives there too, so a position is never given twice, also after every record was dropped.
"""

import sqlite3
import zlib
from pathlib import Path
from urllib.parse import quote

import msgspec

from parallax.journal.bounds import PAGE
from parallax.journal.types import Record

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
