"""The journal: durable, append-only, bounded, with named cursors. Interface only so far; see the docstrings."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    max_bytes: int
    max_age_s: float
    ballast_bytes: int = 4_000_000
    max_pending_bytes: int = 32_000_000


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """What is appended. `count` is how many things it holds (observations in a batch), for the figures."""

    kind: str
    body: bytes
    at_ns: int
    count: int = 1


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """An entry as it stands in the journal, at its position (from 1, without gaps but for what was lost)."""

    position: int
    kind: str
    body: bytes
    at_ns: int
    count: int = 1


class Stats(msgspec.Struct, frozen=True, kw_only=True):
    records: int
    things: int
    bytes: int
    first: int
    last: int
    lost: Mapping[str, int]
    """Things lost by cause: "size", "age", "disk_full", "corrupt"."""


class JournalFull(Exception):
    """The disk has no room, also after the ballast was released and old records were dropped."""


class JournalBusy(Exception):
    """More than `max_pending_bytes` wait for the disk; try again later. Nothing was taken."""


class JournalError(Exception):
    """The journal cannot be opened or written; the message is one line that says what to do."""


class Journal:
    """One journal in one file. One process writes; `append` and `commit` return once it is durable."""

    async def append(self, entries: Sequence[Entry], marks: Mapping[str, bytes] = {}) -> int:
        """Appends all entries and sets the marks in one transaction; returns the last position once durable.

        Raises JournalBusy, JournalFull. Cancelled: either all of it is in or nothing is; never part of it."""
        raise NotImplementedError

    async def read(self, after: int, *, max_records: int = 100, max_bytes: int = 8_000_000) -> list[Record]:
        """Records after a position, in order, at least one if there is one."""
        raise NotImplementedError

    async def commit(self, reader: str, position: int, marks: Mapping[str, bytes] = {}) -> None:
        """Moves a reader's cursor (never back), durably, with the marks in the same transaction."""
        raise NotImplementedError

    async def wait_beyond(self, position: int) -> None:
        """Returns once there is a record after the position."""
        raise NotImplementedError

    def cursor(self, reader: str) -> int:
        """The last position that the reader has committed; 0 for a new one."""
        raise NotImplementedError

    def mark(self, name: str) -> bytes | None:
        """A small named value that was committed together with an append or a cursor."""
        raise NotImplementedError

    def marks(self, prefix: str) -> dict[str, bytes]:
        raise NotImplementedError

    @property
    def stats(self) -> Stats:
        raise NotImplementedError


@asynccontextmanager
async def open_journal(path: Path, limits: Limits) -> AsyncIterator[Journal]:
    """Opens (or makes) the journal; salvages what can be read of a corrupt file and says so. Raises JournalError."""
    raise NotImplementedError
    yield Journal()
