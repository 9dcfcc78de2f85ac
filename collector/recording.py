"""A stretch of a collector's `inputs` as one file, to keep, to hand on and to play again. Blocking.

The file is one zstd stream of msgpack values, each behind its length (four octets, big-endian): first the header, then
the records as the journal has them, then how many they are. So it is read piece by piece, whatever its size, and one
that was cut off is known for it. There are no tokens and no secrets in it, as `inputs` has none: observations, plans
(which name secrets only), what people commanded, and the addresses of probes.

What began before the stretch is not in it, but for the plan that was in force: detection begins anew with it, and
knows after one period of each check what it needs. From the first record on, nothing is missing, and what is concluded
is what was concluded live, under the same ids.
"""

import os
import sqlite3
import struct
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import msgspec
import zstandard

from collector.inputs import ClockInput, Input, InputError, PlanInput, PlanStateInput, decode_input, encode_input
from parallax.journal import Record
from parallax.journal.file import APPLICATION_ID, FORMAT, connect_reader, read_marks, read_records
from parallax.observation import Int64

if TYPE_CHECKING:
    from collector.detect import State

FORM = "parallax-inputs"
VERSION = 1
MAGIC = b"\x28\xb5\x2f\xfd"
"""How a zstd frame begins (RFC 8878, section 3.1.1)."""
SQLITE = b"SQLite format 3\0"
MAX_RECORD = 20_000_000
"""Octets of one record; the journal's largest are plans, of 8 MB."""
MAX_BYTES = 20_000_000_000
"""Octets of all of them."""
CHUNK_RECORDS, CHUNK_BYTES = 200, 4_000_000
SNAPSHOT = "detect.snapshot"
_LENGTH = struct.Struct(">I")


_Word = Annotated[str, msgspec.Meta(max_length=100)]
_Count = Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """The first value of the file. Times are ns since the Unix epoch; None where the stretch has no such bound."""

    form: str = ""
    version: int = 0
    start: int | None = None
    end: int | None = None
    whole: bool = False
    """It begins with the first record that the collector ever had."""
    seed: _Word = ""
    """Of the ids of events, where it is known."""


class _Row(msgspec.Struct, frozen=True, array_like=True):
    """A record. Fields are only ever added at the end, with a default."""

    position: Int64
    kind: _Word
    at_ns: Int64
    count: _Count
    body: bytes


class _End(msgspec.Struct, frozen=True, kw_only=True):
    """The last value: how many records there are."""

    records: int


class Exported(msgspec.Struct, frozen=True, kw_only=True):
    """What was written."""

    records: int
    observations: int
    first_at: int | None
    last_at: int | None
    damaged: int
    """Records that could not be read, and are left out."""


class RecordingError(Exception):
    """The file or the folder cannot be used. The message is one line that names the place and the way out."""


def inputs_of(place: Path) -> Path:
    """The journal that is meant by a state folder, or by the file itself. Raises RecordingError."""
    for file in (place, place / "inputs.db", place / "collector" / "inputs.db"):
        if file.is_file():
            return file
    raise RecordingError(f"{place}: there is no journal of a collector (inputs.db); name the collector's state folder")


def read_inputs(file: Path, start: int | None = None, end: int | None = None) -> Iterator[Record]:
    """The records of a journal whose time is within the bounds, the oldest first; before them, the plan in force at
    their beginning. The journal may be in use: it is read piece by piece, each in a moment, and never written.

    Raises RecordingError."""
    damaged: list[int] = []
    try:
        with closing(_connect(file)) as db:
            yield from _records(db, start, end, damaged)
    except sqlite3.Error as error:
        raise RecordingError(f"{file}: cannot be read ({error}); is it a collector's inputs.db?") from None


def read_kinds(file: Path, kinds: Sequence[str], most: int) -> Iterator[Record]:
    """The records of these kinds in a journal, the oldest first; of more than `most` the newest. The bodies of others
    are not read. Damaged ones are left out. Raises RecordingError."""
    names = ", ".join("?" * len(kinds))
    newest = f"SELECT position FROM records WHERE kind IN ({names}) ORDER BY position DESC LIMIT ?"  # noqa: S608
    try:
        with closing(_connect(file)) as db:
            rows = db.execute(newest, (*[kind.encode() for kind in kinds], most)).fetchall()
            for (position,) in reversed(rows):
                records, _ = read_records(db, position - 1, position, frozenset(), 1, CHUNK_BYTES)
                yield from (record for record in records if record.position == position)
    except sqlite3.Error as error:
        raise RecordingError(f"{file}: cannot be read ({error}); is it a collector's inputs.db?") from None


def export(
    file: Path,
    into: Path,
    *,
    start: int | None = None,
    end: int | None = None,
    tell: Callable[[int], None] = lambda records: None,
) -> Exported:
    """Writes a recording of a journal; there is the whole file at the end, or none. Raises RecordingError."""
    if into.exists():
        raise RecordingError(f"{into}: is there already; name another file, or take it away")
    part = into.with_name(f".{into.name}.{os.getpid()}.part")
    records = observations = 0
    first = last = None
    damaged: list[int] = []
    try:
        with closing(_connect(file)) as db, _create(part) as raw:
            head = _header(db, file, start, end)
            with zstandard.ZstdCompressor(level=6).stream_writer(raw, closefd=False) as out:
                _write(out, msgspec.msgpack.encode(head))
                for record in _records(db, start, end, damaged):
                    row = _Row(record.position, record.kind, record.at_ns, record.count, record.body)
                    _write(out, msgspec.msgpack.encode(row))
                    records += 1
                    observations += record.count if record.kind == "batch" else 0
                    first, last = record.at_ns if first is None else first, record.at_ns
                    tell(records)
                _write(out, msgspec.msgpack.encode(_End(records=records)))
            raw.flush()
            os.fsync(raw.fileno())
        if not records:
            raise RecordingError(f"{file}: has no record between these times; see what it has by leaving them out")
        os.link(part, into)  # unlike a rename, it replaces nothing
    except sqlite3.Error as error:
        raise RecordingError(f"{file}: cannot be read ({error}); is it a collector's inputs.db?") from None
    except FileExistsError:
        raise RecordingError(f"{into}: is there already; name another file, or take it away") from None
    except OSError as error:
        raise RecordingError(f"{into}: cannot be written: {error.strerror}; name another place") from None
    finally:
        part.unlink(missing_ok=True)
    return Exported(records=records, observations=observations, first_at=first, last_at=last, damaged=len(damaged))


def read_header(file: Path) -> Header:
    """The head of a recording. Raises RecordingError."""
    with closing(_values(file)) as values:
        return _head(file, values)


def read_recording(file: Path) -> Iterator[Record]:
    """The records of a recording. Raises RecordingError; at a cut-off end, after what was whole."""
    with closing(_values(file)) as values:
        _head(file, values)
        for records, raw in enumerate(values):
            row = _row(file, raw)
            if isinstance(row, _End):
                if row.records != records:
                    raise RecordingError(f"{file}: lacks {row.records - records} records; it is damaged")
                return
            yield Record(position=row.position, kind=row.kind, body=row.body, at_ns=row.at_ns, count=row.count)
        raise RecordingError(f"{file}: has no end; it was cut off")


def form_of(file: Path) -> str:
    """What a file is: "recording", "journal", or "" for neither. Raises RecordingError."""
    try:
        with file.open("rb") as raw:
            begins = raw.read(16)
    except OSError as error:
        raise RecordingError(f"{file}: cannot be read: {error.strerror}") from None
    return "recording" if begins.startswith(MAGIC) else "journal" if begins == SQLITE else ""


def _row(file: Path, raw: bytes) -> _Row | _End:
    try:
        if raw[:1] and 0x80 <= raw[0] <= 0x8F:  # a map
            return msgspec.msgpack.decode(raw, type=_End)
        return msgspec.msgpack.decode(raw, type=_Row)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        raise RecordingError(f"{file}: holds what is no record; it is damaged") from None


def _head(file: Path, values: Iterator[bytes]) -> Header:
    try:
        header = msgspec.msgpack.decode(next(values), type=Header)
    except (StopIteration, msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        header = Header(form="")
    if header.form != FORM:
        raise RecordingError(f"{file}: is no recording of a journal; make one by: parallax journal export")
    if header.version != VERSION:
        raise RecordingError(
            f"{file}: is a recording of version {header.version}, this program reads {VERSION}; upgrade it"
        )
    return header


def _values(file: Path) -> Generator[bytes]:
    """What stands in the stream, value by value."""
    total = 0
    try:
        with file.open("rb") as raw, zstandard.ZstdDecompressor(max_window_size=2**27).stream_reader(raw) as stream:
            while head := _exactly(stream, _LENGTH.size):
                (length,) = _LENGTH.unpack(head)
                total += length
                if length > MAX_RECORD or total > MAX_BYTES:
                    raise RecordingError(f"{file}: is larger than any recording; it is damaged")
                body = _exactly(stream, length)
                if len(body) < length:
                    raise EOFError
                yield body
    except EOFError:
        raise RecordingError(f"{file}: ends in the middle of a record; it was cut off") from None
    except (zstandard.ZstdError, MemoryError) as error:
        raise RecordingError(f"{file}: cannot be read ({error}); it is damaged, or no recording") from None
    except OSError as error:
        raise RecordingError(f"{file}: cannot be read: {error.strerror}") from None


def _exactly(stream: zstandard.ZstdDecompressionReader, number: int) -> bytes:
    """So many octets; fewer at the end only. Raises EOFError where the length of a value is cut."""
    found = b""
    while len(found) < number:
        more = stream.read(min(number - len(found), 1_000_000))
        if not more:
            break
        found += more
    if found and len(found) < number:
        raise EOFError
    return found


def _write(out: zstandard.ZstdCompressionWriter, value: bytes) -> None:
    out.write(_LENGTH.pack(len(value)) + value)


def _create(path: Path) -> BinaryIO:
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb")


def _connect(file: Path) -> sqlite3.Connection:
    """Raises RecordingError, sqlite3.Error."""
    db = connect_reader(file)
    try:
        db.execute("PRAGMA query_only = ON")
        if db.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
            raise RecordingError(f"{file}: is no journal; name a collector's state folder, or its inputs.db")
        if db.execute("PRAGMA user_version").fetchone()[0] > FORMAT:
            raise RecordingError(f"{file}: is a journal of a later version; upgrade this program")
    except BaseException:
        db.close()
        raise
    return db


def _header(db: sqlite3.Connection, file: Path, start: int | None, end: int | None) -> Header:
    first = db.execute("SELECT position FROM records ORDER BY position LIMIT 1").fetchone()
    whole = start is None and first is not None and first[0] == 1
    return Header(
        form=FORM,
        version=VERSION,
        start=start,
        end=end,
        whole=whole,
        seed=concluded.seed if whole and (concluded := last_state(file.with_name("events.db"))) is not None else "",
    )


def last_state(events: Path) -> "State | None":
    """Detection's last snapshot in a collector's `events`; None where it cannot be had."""
    from collector.detect import decode_state
    from collector.detect.state import StateError

    if not events.is_file():
        return None
    with suppress(sqlite3.Error, StateError), closing(connect_reader(events)) as db:
        snapshot = read_marks(db).get(SNAPSHOT)
        return decode_state(snapshot) if snapshot else None
    return None


def _records(db: sqlite3.Connection, start: int | None, end: int | None, damaged: list[int]) -> Iterator[Record]:
    first, last = db.execute("SELECT min(position), max(position) FROM records").fetchone()
    if last is None:
        return
    after = first - 1
    if start is not None:
        row = db.execute("SELECT min(position) FROM records WHERE at_ns >= ?", (start,)).fetchone()
        if row[0] is None:
            return
        after = row[0] - 1
        yield from _plan_before(db, row[0], start)
    known: frozenset[int] = frozenset()
    while after < last:
        records, bad = read_records(db, after, last, known, CHUNK_RECORDS, CHUNK_BYTES)
        damaged += bad
        known |= frozenset(bad)
        if not records and not bad:
            return
        for record in records:
            after = record.position
            if end is not None and record.at_ns > end:
                return
            yield record


def _plan_before(db: sqlite3.Connection, first: int, at: int) -> Iterator[Record]:
    """The plan that was in force before the first record of the stretch, as three records of that moment."""
    rows = db.execute(
        "SELECT position FROM records WHERE position < ? AND kind IN (?, ?) ORDER BY position DESC LIMIT 1000",
        (first, b"plan", b"plan_state"),
    ).fetchall()
    wanted: PlanStateInput | None = None
    for (position,) in rows:
        records, _ = read_records(db, position - 1, position, frozenset(), 1, CHUNK_BYTES)
        with suppress(InputError):
            value = decode_input(records[0]) if records else None
            if isinstance(value, PlanStateInput) and value.change == "promoted" and wanted is None:
                wanted = value
            elif isinstance(value, PlanInput) and wanted is not None and value.digest == wanted.digest:
                again: tuple[Input, ...] = (
                    ClockInput(at=at, started=True),
                    msgspec.structs.replace(value, at=at),
                    msgspec.structs.replace(wanted, at=at),
                )
                for number, each in enumerate(again):
                    entry = encode_input(each, at_ns=at)
                    yield Record(
                        position=max(first - 3 + number, 0), kind=entry.kind, body=entry.body, at_ns=at, count=1
                    )
                return
