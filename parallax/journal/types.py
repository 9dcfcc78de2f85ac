"""The journal's words: what goes in, what stands in it, its limits, and how it can fail."""

from collections.abc import Mapping

import msgspec


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds of one journal; enforced before anything is written."""

    max_bytes: int
    """What the records may occupy on the disk, octets. The write-ahead log comes on top of it: a few MB."""
    max_age_s: float
    """Records older than this (by their `at_ns`) go at the next append."""
    keep_read: bool = True
    """False (a spool): a record goes as soon as every registered reader has committed it."""
    ballast_bytes: int = 4_000_000
    """Kept free on the disk for the moment when it is full; 0 for none."""
    refuse_when_full: bool = False
    """What a full disk costs. False (a spool): the oldest records make way for new ones, and are counted as lost. True:
    nothing goes but what every registered reader has committed; new records are refused with JournalFull, so that
    whoever sends them keeps them."""
    max_pending_bytes: int = 32_000_000
    """What may wait in memory for the disk; one append may exceed it when nothing else waits."""


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """What is appended. `count` is how many things it holds (observations in a batch), for the figures.
    `at_ns` is wall time, nanoseconds since the Unix epoch; age counts from it."""

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
    """What the journal holds now. `bytes` is what counts against `max_bytes`."""

    records: int
    things: int
    bytes: int
    first: int
    """The oldest position that is still there; last + 1 if there is none."""
    last: int
    """The last position ever given; 0 if none was."""
    lost: Mapping[str, int]
    """Things lost by cause, over the journal's whole life: "size", "age", "disk_full" (dropped before every registered
    reader had committed them) and "corrupt"."""
    pending_bytes: int = 0
    """What waits for the disk."""
    ballast: bool = True
    """False while the disk is (or was just) full: the ballast is released, and the journal grows no more."""


class Salvage(msgspec.Struct, frozen=True, kw_only=True):
    """What was found damaged at the start and what came of it."""

    aside: str
    """Where the damaged file is now."""
    found: tuple[str, ...]
    """The findings, in SQLite's words where it has them (pages), else ours; at most 20."""
    lost: tuple[tuple[int, int], ...]
    """Ranges of positions that could not be read, both ends included; at most 20."""
    records_lost: int
    things_lost: int
    records_kept: int
    cursors_kept: bool
    marks_kept: bool

    def __str__(self) -> str:
        gone = ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in self.lost) or "none"
        also = "".join(
            f"; the {what} could not be read and begin anew"
            for what, kept in (("cursors", self.cursors_kept), ("marks", self.marks_kept))
            if not kept
        )
        return (
            f"the journal was damaged ({'; '.join(self.found)}); it is set aside as {self.aside}; {self.records_kept} "
            f"records were read from it, {self.records_lost} lost ({self.things_lost} things; positions: {gone}){also}"
        )


class JournalFull(Exception):
    """The disk has no room, also after the ballast was released and old records were dropped. Nothing was taken."""


class JournalBusy(Exception):
    """More than `max_pending_bytes` wait for the disk; try again later. Nothing was taken."""


class JournalError(Exception):
    """The journal cannot be opened or written; the message is one line that says what to do. When `append` or
    `commit` raise it, whether the request is in is unknown, the journal takes no more, and a restart is the way out
    (a damaged file is salvaged then)."""
