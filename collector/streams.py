"""Which batches of a stream were taken already: the high-water mark of each (probe, stream), and the decision. Pure.

A batch is immutable, and its observations are numbered within its stream. A batch past the mark is new. One at or
below it is a repeat, taken before and answered as such, or another content under a used number, which is refused. The
mark keeps the digests of the last batches to tell the two apart. Older than those, what was cut no later than the
newest batch is taken for what it most likely is, a repeat; what was cut later comes from a copy of the probe's state (a
restored backup, a cloned host), and calling that a repeat would lose it.

A probe has few streams (each reinstallation or conflict begins one), so the marks of a probe stand in a few slots, and
a new stream takes the slot that was quiet for longest: what a probe can fill is bounded.
"""

from collections.abc import Iterable

import msgspec

from collector.reports import Report

KEPT_DIGESTS = 16
SLOTS = 8
"""Streams of one probe that are remembered."""


class Taken(msgspec.Struct, frozen=True, array_like=True):
    """A batch that was taken: its first and last seq, and the digest of its bytes."""

    first_seq: int
    last_seq: int
    digest: bytes


class Mark(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """What is known of one stream. `missing` counts the numbers that were skipped and so never came."""

    version: int = 1
    probe: str
    stream: str
    slot: int
    last_seq: int = 0
    taken: tuple[Taken, ...] = ()
    observations: int = 0
    missing: int = 0
    received_at: int = 0
    cut_at: int = 0
    plan: str = ""
    agent: str = ""

    @property
    def name(self) -> str:
        """The name of the journal's mark that holds it."""
        return f"{PREFIX}{self.probe}/{self.slot}"


PREFIX = "stream/"


class Accept(msgspec.Struct, frozen=True):
    """A new batch; `missing` numbers were skipped before it."""

    missing: int


class Duplicate(msgspec.Struct, frozen=True):
    """Taken before; acknowledge it again."""


class Conflict(msgspec.Struct, frozen=True):
    """Its numbers were used for another content."""

    detail: str


Decision = Accept | Duplicate | Conflict


def decide(mark: Mark, batch: Report, digest: bytes) -> Decision:
    """Whether the batch is new to its stream."""
    if batch.first_seq > mark.last_seq:
        return Accept(missing=batch.first_seq - mark.last_seq - 1)
    same = Taken(batch.first_seq, batch.last_seq, digest)
    if same in mark.taken:
        return Duplicate()
    copied = batch.cut_at > mark.cut_at
    if copied or batch.last_seq > mark.last_seq or any(_overlap(t, same) for t in mark.taken):
        return Conflict(
            f"seq {batch.first_seq} to {batch.last_seq} of stream {batch.stream} were used for other content; "
            "begin a new stream"
        )
    return Duplicate()


def advance(mark: Mark, batch: Report, digest: bytes, missing: int) -> Mark:
    """The mark once the batch is in."""
    return Mark(
        probe=mark.probe,
        stream=mark.stream,
        slot=mark.slot,
        last_seq=batch.last_seq,
        taken=(*mark.taken, Taken(batch.first_seq, batch.last_seq, digest))[-KEPT_DIGESTS:],
        observations=mark.observations + batch.observations,
        missing=mark.missing + missing,
        received_at=batch.at,
        cut_at=batch.cut_at,
        plan=batch.part,
        agent=batch.agent,
    )


def mark_for(marks: Iterable[Mark], probe: str, stream: str) -> Mark:
    """The stream's mark among those of its probe, or a fresh one in the slot to use."""
    slots: dict[int, Mark] = {}
    for mark in marks:
        if mark.stream == stream:
            return mark
        slots[mark.slot] = mark
    free = next((slot for slot in range(SLOTS) if slot not in slots), None)
    quietest = min(slots, key=lambda slot: slots[slot].received_at) if free is None else free
    return Mark(probe=probe, stream=stream, slot=quietest)


def encode_mark(mark: Mark) -> bytes:
    return msgspec.msgpack.encode(mark)


def decode_mark(raw: bytes) -> Mark | None:
    """None for what is no mark of a version known here."""
    try:
        mark = msgspec.msgpack.decode(raw, type=Mark)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return None
    return mark if mark.version == 1 else None


def _overlap(a: Taken, b: Taken) -> bool:
    return a.first_seq <= b.last_seq and b.first_seq <= a.last_seq
