"""What can be read of a damaged journal, into a new file. Blocking.

Nothing is repaired in the damaged file: everything readable is copied beside it, record by record, each verified by its
checksum, and only when the copy is complete and on the disk do the two change places. A kill at any point leaves
either the damaged file (the next start salvages anew) or the complete copy (the next start puts it in place).

The first page is what SQLite rewrites most often and cannot do without. Our tables are always made in the same order,
so the first page of a new journal fits any journal of this format: if it is the bad one, a fresh one is put in its
place in a copy, and the rest is read from there.
"""

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import msgspec

from parallax.journal import file
from parallax.journal.bounds import PAGE, cost
from parallax.journal.file import Totals, find_record
from parallax.journal.types import Record, Salvage

CHECKED_BYTES = 300_000_000
"""Files up to this size are read through at the start: 0.7 s for 250 MB in memory, 2.5 s from a cold disk. Larger
ones are checked where they are read: no record is handed out unverified, so the wait for gigabytes would buy nothing
but an earlier word."""
_MOST_FOUND = 20
_MISSES = 10_000
_IN_ONE_GO = 500
_MOST_GAPS = 100_000
_SPARE = 16_000_000

T = TypeVar("T")


def examine(db: sqlite3.Connection, totals: Totals, check_cancelled: Callable[[], None]) -> list[str]:
    """Reads the whole file; what is wrong with it, at most some lines. Raises sqlite3.Error for anything but damage."""
    found: list[str] = []
    try:
        for (text,) in db.execute(f"PRAGMA quick_check({_MOST_FOUND})"):
            found += [line for line in str(text).splitlines() if line not in ("ok", "*** in database main ***")]
        known = frozenset(int(p) for (p,) in db.execute("SELECT position FROM damaged"))
        position, count = totals.first - 1, 0
        while not found:
            check_cancelled()
            records, damaged = file.read_records(db, position, totals.last, known, _IN_ONE_GO, 8_000_000)
            found += [f"record {p} does not fit its checksum or cannot be read" for p in damaged[:_MOST_FOUND]]
            if not records:
                break
            position, count = records[-1].position, count + len(records)
        if not found and count != totals.records:
            found.append(f"{count} records where {totals.records} were counted")
    except sqlite3.DatabaseError as error:
        if not file.is_damage(error):
            raise
        found.append(str(error))
    return found[:_MOST_FOUND]


def salvage(path: Path, found: Sequence[str], check_cancelled: Callable[[], None]) -> Salvage:
    """Sets the file aside and puts a new one with everything readable in its place.

    Older files set aside go: one at most is kept. `check_cancelled` is called often and may raise. Raises OSError,
    sqlite3.Error; the file is as it was then."""
    copy = path.with_name(path.name + ".salvaging")
    _remove(copy)
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    aside = path.with_name(f"{path.name}.corrupt-{stamp}")
    os.close(os.open(copy, os.O_CREAT | os.O_RDWR, 0o600))
    file.create(copy)
    with _source(path) as source:
        report = _copy(source, copy, found, aside, check_cancelled)
    _sync(copy)
    copy.rename(_complete(path))
    _sync(path.parent)
    finish(path, aside)
    return report


def finish(path: Path, aside: Path | None = None) -> None:
    """Puts a complete copy in place, if there is one: also the end of a salvage that was killed half-way."""
    complete = _complete(path)
    if not complete.exists():
        return
    if path.exists():
        if aside is None:
            aside = path.with_name(f"{path.name}.corrupt-{datetime.now(UTC).strftime('%Y%m%dT%H%M%SZ')}")
        path.rename(aside)
        for old in path.parent.glob(f"{path.name}.corrupt-*"):
            if not old.name.startswith(aside.name):
                old.unlink()
    wal = _beside(path, "-wal")
    if wal.exists():
        if aside is None or not wal.stat().st_size:
            wal.unlink()  # its content is in the copy
        else:
            wal.rename(_beside(aside, "-wal"))
    _beside(path, "-shm").unlink(missing_ok=True)
    complete.rename(path)
    _beside(path, ".damaged").unlink(missing_ok=True)
    _sync(path.parent)


def _copy(
    source: sqlite3.Connection, copy: Path, found: Sequence[str], aside: Path, check_cancelled: Callable[[], None]
) -> Salvage:
    found = list(found)
    old = _readable(file.read_totals, source)
    cursors, marks = _readable(file.read_cursors, source), _readable(file.read_marks, source)
    known = _readable(_read_damaged, source) or set()
    first, last = _range(source, old, cursors or {})
    budget = _free(copy.parent) - _SPARE
    if old and old.bytes > budget:
        first = _newest(source, first, last or first, budget, check_cancelled)
        found.append(f"the disk had room for records from {first} on only")

    target = sqlite3.connect(copy, isolation_level=None)
    try:
        # What is unfinished is thrown away, so nothing needs to be atomic; _sync makes the whole durable.
        target.execute("PRAGMA journal_mode = OFF").fetchall()
        target.execute("PRAGMA synchronous = OFF")
        target.execute("BEGIN")
        new, missing = Totals(first=0), []
        for position, record in _scan(source, first, last):
            check_cancelled()
            if record is None:
                missing.append(position)
                continue
            kind = record.kind.encode()
            crc = file.record_crc(position, record.at_ns, record.count, kind, record.body)
            row = (position, record.at_ns, record.count, crc, kind, record.body)
            target.execute("INSERT INTO records VALUES (?, ?, ?, ?, ?, ?)", row)
            new = Totals(
                first=new.first or position,
                last=position,
                records=new.records + 1,
                things=new.things + record.count,
                bytes=new.bytes + cost(len(record.body), len(kind)),
            )
        if last is None:  # the end was not known: misses beyond the last find are no losses
            missing = [position for position in missing if position < new.last]
        end = max(new.last, last or 0, *(cursors or {}).values(), 0)
        gone = [position for position in missing if position not in known]
        records_lost = max(old.records - new.records, 0) if old else len(gone)
        things_lost = max(old.things - new.things, 0) if old else len(gone)
        lost = dict(old.lost) if old else {}
        lost["corrupt"] = lost.get("corrupt", 0) + things_lost
        new = msgspec.structs.replace(new, first=new.first or end + 1, last=end, lost=lost)
        file.write_totals(target, new)
        gaps = [(position,) for position in missing if position >= new.first][-_MOST_GAPS:]
        target.executemany("INSERT INTO damaged VALUES (?)", gaps)
        for reader, position in (cursors or {}).items():
            file.write_cursor(target, reader, position)
        for name, value in (marks or {}).items():
            file.write_mark(target, name, value)
        target.execute("COMMIT")
    finally:
        target.close()
    return Salvage(
        aside=str(aside),
        found=tuple(found),
        lost=tuple(_ranges(gone)[:_MOST_FOUND]),
        records_lost=records_lost,
        things_lost=things_lost,
        records_kept=new.records,
        cursors_kept=cursors is not None,
        marks_kept=marks is not None,
    )


@contextmanager
def _source(path: Path) -> Iterator[sqlite3.Connection]:
    """The damaged file, opened so that it can be read at all."""
    db = file.connect_reader(path)
    try:
        db.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        if db.execute("PRAGMA application_id").fetchone() != (file.APPLICATION_ID,):
            raise file.corrupt("the first page is not ours")
    except sqlite3.DatabaseError as error:
        db.close()
        if not file.is_damage(error):
            raise
    else:
        try:
            yield db
        finally:
            db.close()
        return
    graft = path.with_name(path.name + ".graft")
    _graft(path, graft)
    db = file.connect_reader(graft)
    try:
        yield db
    finally:
        db.close()
        _remove(graft)


def _graft(path: Path, graft: Path) -> None:
    """A copy with a fresh first page (file format, section 1.3): in WAL mode, no free list, its size the file's."""
    _remove(graft)
    os.close(os.open(graft, os.O_CREAT | os.O_RDWR, 0o600))
    file.create(graft)
    page = bytearray(graft.read_bytes()[:PAGE])
    shutil.copyfile(path, graft)
    if _beside(path, "-wal").exists():
        shutil.copyfile(_beside(path, "-wal"), _beside(graft, "-wal"))
    pages = max(graft.stat().st_size // PAGE, 1)
    page[18:20] = b"\x02\x02"
    page[28:32] = pages.to_bytes(4, "big")
    page[32:40] = bytes(8)
    with graft.open("r+b") as out:
        out.write(page)


def _range(source: sqlite3.Connection, totals: Totals | None, cursors: dict[str, int]) -> tuple[int, int | None]:
    """The first position to look for, and the last, where it is known."""
    if totals:
        return totals.first, totals.last
    ends: list[int | None] = []
    for way in ("ASC", "DESC"):
        try:
            row = source.execute(f"SELECT position FROM records ORDER BY position {way} LIMIT 1").fetchone()  # noqa: S608
        except sqlite3.DatabaseError as error:
            if not file.is_damage(error):
                raise
            row = None
        ends.append(int(row[0]) if row else None)
    first, last = ends
    if first is None:
        first = min((position + 1 for position in cursors.values()), default=1)
    return first, last


def _scan(source: sqlite3.Connection, first: int, last: int | None) -> Iterator[tuple[int, Record | None]]:
    """Position by position, what is there; ends after the last, or if that is unknown after many misses in a row."""
    position, misses = first, 0
    while position <= last if last is not None else misses < _MISSES:
        record = find_record(source, position)
        misses = 0 if record else misses + 1
        yield position, record
        position += 1


def _newest(source: sqlite3.Connection, first: int, last: int, budget: int, check_cancelled: Callable[[], None]) -> int:
    """From which position on the records fit into the budget of octets."""
    for position in range(last, first - 1, -1):
        check_cancelled()
        record = find_record(source, position)
        budget -= cost(len(record.body), len(record.kind)) if record else 0
        if budget < 0:
            return position + 1
    return first


def _read_damaged(source: sqlite3.Connection) -> set[int]:
    return {int(position) for (position,) in source.execute("SELECT position FROM damaged")}


def _readable(read: Callable[[sqlite3.Connection], T], source: sqlite3.Connection) -> T | None:
    try:
        return read(source)
    except sqlite3.DatabaseError as error:
        if file.is_damage(error) or getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_ERROR:  # no such table
            return None
        raise


def _ranges(positions: Sequence[int]) -> list[tuple[int, int]]:
    ranges: list[tuple[int, int]] = []
    for position in positions:
        if ranges and ranges[-1][1] + 1 == position:
            ranges[-1] = (ranges[-1][0], position)
        else:
            ranges.append((position, position))
    return ranges


def _free(folder: Path) -> int:
    disk = os.statvfs(folder)
    return disk.f_bavail * disk.f_frsize


def _complete(path: Path) -> Path:
    return path.with_name(path.name + ".salvaged")


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)


def _remove(path: Path) -> None:
    for suffix in ("", "-journal", "-wal", "-shm"):
        _beside(path, suffix).unlink(missing_ok=True)


def _sync(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
