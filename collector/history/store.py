"""The history's file, and the one module that imports DuckDB. Blocking: everything here runs in worker threads.

Theory. An appender only buffers: what is not flushed before the commit is not part of it, silently, while the cursor in
the same transaction moves on. So `write` flushes each appender before it commits, and nothing else in the collector
appends. DuckDB lets one process at a time open a file; so whoever wants to read it asks the collector.

Whatever fails with a DuckDB error leaves the connection in doubt (after some, DuckDB refuses all further work on the
database): the caller closes the store and opens it anew. The cursor says what is in.
"""

import errno
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import msgspec

from collector.history.rows import MINUTE_NS, Row, Rows, nanoseconds, timestamp, vantage_labels
from collector.history.tables import VERSION, missing_tables, statements
from parallax.log import get_log
from parallax.plan.types import Probe

FILE = "history.duckdb"
MEMORY = "96MB"
APPEND_AT_ONCE = 200
"""Rows per call of the appender, which holds the interpreter for the whole call: about 3 ms."""
MINUTES_AT_ONCE = 30
PRUNE_AT_ONCE = 50_000
_FULL_WORDS = ("No space left", "Disk quota", "File too large", "not enough disk space", "Could not write")
_DAMAGED_WORDS = ("Corrupt database file", "Could not read enough bytes")
_ZONED = "TIMESTAMP WITH TIME ZONE"
_MINUTE = timedelta(minutes=1)
_log = get_log(__name__)


class StoreError(Exception):
    """The file cannot be used right now. The message is one line that names it and the way out."""


class StoreDamaged(StoreError):
    """What stands there is no history, or is damaged."""


class StoreFull(StoreError):
    """The disk has no room."""


class StoreBusy(StoreError):
    """A query holds the memory that this would take; the store is whole, and later there is room."""


class _OtherLayout(Exception):
    """The file is sound, and of this other layout."""


class Interrupted(Exception):
    """The read was interrupted."""


class ReadError(Exception):
    """DuckDB refuses or fails the statement; the message is DuckDB's."""


class ReadDamaged(ReadError):
    """The file is damaged, which DuckDB only sees where it reads: the statement is not at fault."""


class Progress(msgspec.Struct, kw_only=True):
    """A journal's cursor and counts, as in the table `cursor`."""

    position: int
    missed: int
    unreadable: int


class Reading:
    """One connection for one read. `interrupt` may be called from any thread."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._db = connection

    def close(self) -> None:
        self._db.close()

    def interrupt(self) -> None:
        self._db.interrupt()

    def kinds(self, sql: str) -> list[tuple[str, str]]:
        """Each statement of a text: its type in DuckDB's words, and the statement alone. Raises ReadError."""
        with _read_errors():
            return [(s.type.name, s.query) for s in self._db.extract_statements(sql)]

    def run(self, sql: str, parameters: Sequence[object] = (), *, most: int) -> tuple[list[tuple[str, str]], list[Row]]:
        """Column names and types, and at most so many rows, in a transaction that cannot write: a SELECT may hold an
        INSERT. Raises ReadError, Interrupted."""
        with _read_errors():
            self._db.execute("BEGIN TRANSACTION READ ONLY").fetchall()
            try:
                columns = self._start(sql, parameters)
                if any(_ZONED in kind for _, kind in columns):  # Python's side of it needs a package that is not here
                    self._db.abort()
                    self._start(_without_zones(sql, columns), parameters)
                rows = self._db.fetchmany(most)
                self._db.abort()
            finally:
                with suppress(duckdb.Error):
                    self._db.execute("ROLLBACK").fetchall()
            return columns, rows

    def _start(self, sql: str, parameters: Sequence[object]) -> list[tuple[str, str]]:
        self._db.execute(sql, list(parameters))
        return [(str(item[0]), str(item[1])) for item in self._db.description or ()]


class Store:
    """The open file. One thread at a time may call it, but for `reading`, which any may."""

    def __init__(self, path: Path, connection: duckdb.DuckDBPyConnection) -> None:
        self.path, self._db = path, connection
        self.progress: dict[str, Progress] = {
            name: Progress(position=position, missed=missed, unreadable=unreadable)
            for name, position, missed, unreadable in self._all("SELECT name, position, missed, unreadable FROM cursor")
        }
        self._due: set[int] = {_minute_of(minute) for (minute,) in self._all("SELECT minute FROM due")}
        labels = self._all("SELECT * EXCLUDE since FROM vantage ORDER BY since")
        self._labels: dict[str, Row] = {row[0]: tuple(row[1:]) for row in labels}
        self.observations: int = self._all("SELECT count(*) FROM observation")[0][0]

    def reading(self) -> Reading:
        """Another connection to the same file. Raises StoreError."""
        with _store_errors(self.path):
            return Reading(self._db.cursor())

    def write(self, name: str, rows: Rows, missed: int = 0) -> None:
        """The rows of one chunk of a journal and its cursor, in one transaction. Raises StoreError."""
        before = self.progress[name]
        after = Progress(
            position=rows.position,
            missed=before.missed + missed,
            unreadable=before.unreadable + rows.unreadable,
        )
        due = rows.minutes - self._due
        with _store_errors(self.path), self._transaction():
            self._append("observation", rows.observations)
            self._append("probe_health", rows.health)
            self._append("event", rows.events)
            self._append("delivery", rows.deliveries)
            self._append("due", [(timestamp(minute * MINUTE_NS),) for minute in due])
            if rows.incidents:
                self._all("DELETE FROM incident WHERE id IN (SELECT unnest(?::VARCHAR[]))", [list(rows.incidents)])
                self._append("incident", list(rows.incidents.values()))
            self._all(
                "UPDATE cursor SET position = ?, missed = ?, unreadable = ? WHERE name = ?",
                [after.position, after.missed, after.unreadable, name],
            )
        self.progress[name] = after
        self._due |= due
        self.observations += len(rows.observations)

    def move(self, name: str, position: int) -> None:
        """Sets a cursor, where the journal is another one than it was. Raises StoreError."""
        with _store_errors(self.path), self._transaction():
            self._all("UPDATE cursor SET position = ? WHERE name = ?", [position, name])
        self.progress[name].position = position

    def make_minutes(self, before_ns: int, oldest_ns: int) -> bool:
        """Makes the figures of some minutes that ended by `before_ns`; whether more of them wait. Those that are older
        than what is kept of observations stay as they are. Raises StoreError."""
        ended = sorted(minute for minute in self._due if (minute + 1) * MINUTE_NS <= before_ns)
        old = [minute for minute in ended if minute * MINUTE_NS < oldest_ns]
        made = ended[len(old) :][:MINUTES_AT_ONCE]
        if not old and not made:
            return False
        with _store_errors(self.path), self._transaction():
            if made:
                wanted = [timestamp(minute * MINUTE_NS) for minute in made]
                span = (wanted[0], wanted[-1] + _MINUTE)  # what lies outside of it is then not even looked at
                self._all(
                    "DELETE FROM minute WHERE minute >= ? AND minute < ? AND minute IN (SELECT unnest(?::TIMESTAMP[]))",
                    [*span, wanted],
                )
                self._all(_MAKE_MINUTES, [*span, wanted])
            gone = [timestamp(minute * MINUTE_NS) for minute in old + made]
            self._all("DELETE FROM due WHERE minute IN (SELECT unnest(?::TIMESTAMP[]))", [gone])
        self._due.difference_update(old, made)
        return len(old) + len(made) < len(ended)

    def label(self, probes: Sequence[Probe], at_ns: int, oldest_ns: int) -> None:
        """Notes the labels of probes where they are others than before, and drops those that no observation since
        `oldest_ns` had. Raises StoreError."""
        rows = [
            (probe.id, timestamp(at_ns if probe.id in self._labels else 0), *vantage_labels(probe))
            for probe in probes
            if self._labels.get(probe.id) != vantage_labels(probe)
        ]
        if not rows:
            return
        with _store_errors(self.path), self._transaction():
            self._append("vantage", rows)
            self._all(
                "DELETE FROM vantage WHERE EXISTS (FROM vantage AS later WHERE later.probe = vantage.probe"
                " AND later.since > vantage.since AND later.since <= ?)",
                [timestamp(oldest_ns)],
            )
        self._labels |= {row[0]: row[2:] for row in rows}

    def prune(self, table: str, column: str, before_ns: int) -> bool:
        """Deletes some of a table's oldest rows from before a moment; whether more of them wait. Raises StoreError."""
        horizon = timestamp(before_ns)
        with _store_errors(self.path), self._transaction():
            ((last, number),) = self._all(
                f"SELECT max(t), count(*) FROM (SELECT {column} AS t FROM {table} WHERE {column} < ?"  # noqa: S608
                f" ORDER BY 1 LIMIT {PRUNE_AT_ONCE})",
                [horizon],
            )
            if not number:
                return False
            ((deleted,),) = self._all(f"DELETE FROM {table} WHERE {column} <= ?", [last])  # noqa: S608
        if table == "observation":
            self.observations -= deleted
        return bool(number == PRUNE_AT_ONCE)

    def bytes(self) -> int:
        """What the file and its write-ahead log take, octets."""
        return sum(path.stat().st_size for path in (self.path, _log_of(self.path)) if path.exists())

    def close(self) -> None:
        with suppress(duckdb.Error):
            self._db.close()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.begin()
        try:
            yield
        except BaseException:
            with suppress(duckdb.Error):
                self._db.rollback()
            raise
        self._db.commit()

    def _append(self, table: str, rows: Sequence[Row]) -> None:
        if not rows:
            return
        appender = self._db.appender(table)
        for first in range(0, len(rows), APPEND_AT_ONCE):
            appender.append_rows(rows[first : first + APPEND_AT_ONCE])
        appender.flush()

    def _all(self, sql: str, parameters: Sequence[object] = ()) -> list[Any]:
        return self._db.execute(sql, list(parameters)).fetchall()


_MAKE_MINUTES = """
INSERT INTO minute
SELECT date_trunc('minute', started) AS minute, check_name, kind, target, subject, probe,
       count(*),
       count(*) FILTER (reason IS NOT NULL AND abstain IS NULL),
       count(*) FILTER (abstain IS NOT NULL),
       quantile_disc(duration_ns, 0.5) FILTER (reason IS NULL AND abstain IS NULL),
       quantile_disc(duration_ns, 0.95) FILTER (reason IS NULL AND abstain IS NULL)
FROM observation
WHERE started >= ? AND started < ? AND date_trunc('minute', started) IN (SELECT unnest(?::TIMESTAMP[]))
GROUP BY 1, 2, 3, 4, 5, 6
"""


def open_store(folder: Path) -> Store:
    """Opens or makes the file, in a folder of its own (mode 0700, as DuckDB makes files that all may read). Raises
    StoreError, StoreFull, StoreDamaged."""
    path, temporary = folder / FILE, folder / "tmp"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        folder.chmod(0o700)
        temporary.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        kind = StoreFull if error.errno in (errno.ENOSPC, errno.EDQUOT) else StoreError
        raise kind(f"{folder}: cannot be written ({error.strerror}); see to the disk and the permissions") from None
    with _store_errors(path, opening=True):
        try:
            return _open(path, temporary)
        except _OtherLayout as other:
            _exchange(path, int(str(other)))
            return _open(path, temporary)


def _open(path: Path, temporary: Path) -> Store:
    db = duckdb.connect(
        str(path),
        config={
            "threads": 2,
            "memory_limit": MEMORY,
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
        },
    )
    try:
        for setting in (
            f"temp_directory = '{str(temporary).replace(chr(39), chr(39) * 2)}'",
            "max_temp_directory_size = '500MB'",
            "TimeZone = 'UTC'",
            "python_enable_replacements = false",
            "enable_external_access = false",
            "lock_configuration = true",
        ):
            db.execute(f"SET {setting}").fetchall()
        for name in (path, _log_of(path)):
            with suppress(FileNotFoundError):
                name.chmod(0o600)
        _make_tables(path, db)
        return Store(path, db)
    except BaseException:
        db.close()
        raise


def set_aside(folder: Path, when: str) -> Path:
    """Moves the file out of the way, so that the next `open_store` makes a new one; where it is now. Only the latest
    of such files stays. Raises StoreError."""
    path = folder / FILE
    aside = path.with_name(f"{FILE}.damaged-{when}")
    try:
        for older in folder.glob(f"{FILE}.damaged-*"):
            older.unlink()
        for name, to in ((_log_of(path), _log_of(aside)), (path, aside)):
            with suppress(FileNotFoundError):
                name.replace(to)
    except OSError as error:
        raise StoreError(f"{path}: cannot be moved out of the way ({error.strerror}); see to the folder") from None
    return aside


def _exchange(path: Path, found: int) -> None:
    """Another release's file goes beside, and our own comes back from there if it was exchanged before: with its
    cursors, so that it takes from the journals what came since. So one can upgrade and go back, and loses neither.
    Only the latest file of another layout stays."""
    aside, own = (path.with_name(f"{FILE}.layout-{layout}") for layout in (found, VERSION))
    for older in path.parent.glob(f"{FILE}.layout-*"):
        if older.name.removesuffix(".wal") != own.name:
            older.unlink()
    for here, to in ((path, aside), (own, path)):
        for name, target in ((_log_of(here), _log_of(to)), (here, to)):
            with suppress(FileNotFoundError):
                name.replace(target)
    _log.warning("the history is another release's; it is kept beside", layout=found, own=VERSION, aside=str(aside))


def _make_tables(path: Path, db: duckdb.DuckDBPyConnection) -> None:
    found = {name for (name,) in db.execute("SELECT table_name FROM information_schema.tables").fetchall()}
    if not found:
        db.begin()
        for statement in statements():
            db.execute(statement).fetchall()
        db.commit()
        return
    version = db.execute("SELECT version FROM layout").fetchall() if "layout" in found else []
    if len(version) != 1 or not isinstance(version[0][0], int):
        raise StoreDamaged(f"{path}: is no history")
    if version != [(VERSION,)]:
        raise _OtherLayout(version[0][0])
    for statement in missing_tables(found):
        db.execute(statement).fetchall()


@contextmanager
def _store_errors(path: Path, *, opening: bool = False) -> Iterator[None]:
    """DuckDB's errors as ours."""
    try:
        yield
    except duckdb.OutOfMemoryException as error:
        raise StoreBusy(f"{path}: {_line(error)}") from None
    except duckdb.Error as error:
        text = _line(error)
        if any(words in text for words in _FULL_WORDS):
            raise StoreFull(f"{path}: the disk is full ({text}); free some room on it") from None
        if "Could not set lock" in text:
            raise StoreError(f"{path}: another program has it open, end that one ({text})") from None
        damaged = any(words in text for words in _DAMAGED_WORDS)
        if damaged or (opening and "Permission denied" not in text):
            raise StoreDamaged(f"{path}: cannot be read ({text})") from None
        raise StoreError(f"{path}: {text}") from None


def _without_zones(sql: str, columns: Sequence[tuple[str, str]]) -> str:
    """The same SELECT with its times in UTC without a zone."""
    names = [f"c{number}" for number in range(len(columns))]
    shown = [f"{name}::TIMESTAMP" if kind == _ZONED else name for name, (_, kind) in zip(names, columns, strict=True)]
    return f"SELECT {', '.join(shown)} FROM ({sql}\n) AS q({', '.join(names)})"  # noqa: S608


@contextmanager
def _read_errors() -> Iterator[None]:
    try:
        yield
    except duckdb.InterruptException:
        raise Interrupted from None
    except (duckdb.Error, OverflowError, ValueError) as error:
        text = _line(error)
        raise (ReadDamaged if any(words in text for words in _DAMAGED_WORDS) else ReadError)(text) from None


def _line(error: Exception) -> str:
    """The error's first paragraph, in one line."""
    return " ".join(str(error).strip().partition("\n\n")[0].split())


def _log_of(path: Path) -> Path:
    return path.with_name(path.name + ".wal")


def _minute_of(minute: datetime) -> int:
    return nanoseconds(minute) // MINUTE_NS
