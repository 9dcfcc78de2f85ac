"""Ingest: a probe's batch from its bytes to the journal. The answer comes after the journal's commit.

One batch of a probe is decided at a time, from reading its mark to the commit that moves it: two requests with the
same numbers cannot both pass. The commit is out of reach of cancellation, else the mark in memory could fall behind
the one on disk.
"""

import re
from collections.abc import Callable

import msgspec
import trio

from collector.answers import Refusal, journal_refusal
from collector.bodies import Room
from collector.fleet import Fleet, Member
from collector.inputs import BatchInput, encode_input
from collector.reports import Report, report_of
from collector.streams import PREFIX, Conflict, Duplicate, Mark, advance, decide, decode_mark, encode_mark, mark_for
from parallax import wire
from parallax.clock import wall_ns
from parallax.journal import Entry, Journal, JournalBusy, JournalError, JournalFull
from parallax.log import get_log

_STREAM = re.compile(r"[0-9a-f]{16}")
_TYPES = (wire.MSGPACK, wire.JSON)
_ENCODINGS = ("", "identity", wire.ZSTD)
_log = get_log(__name__)


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """What came with a body. Wall clocks in ns since the Unix epoch; None where the probe did not say."""

    probe: str
    peer: str
    content_type: str
    encoding: str
    received_at: int
    sent_at: int | None
    round_trip: int | None


SLOW_DISK_S = 0.05
"""A commit that takes longer waits for the disk, not for the interpreter."""


class Ingest:
    """Takes batches into the journal. `report` is told of each new batch, without waiting."""

    def __init__(self, inputs: Journal, fleet: Fleet, report: Callable[[Report], None]) -> None:
        self.room = Room()
        self._inputs = inputs
        self._fleet = fleet
        self._report = report
        self._marks: dict[str, dict[int, Mark]] = {}
        self._locks: dict[str, trio.Lock] = {}
        self._shielded = True
        self._commits: dict[trio.CancelScope, float] = {}
        for mark in stored_marks(inputs):
            self._marks.setdefault(mark.probe, {})[mark.slot] = mark

    async def take(self, delivery: Delivery, body: bytes) -> wire.Ack | Refusal:
        """The acknowledgement once the batch is durable, or why it was not taken."""
        member = self._fleet.member(delivery.probe)
        answer = await self._take(delivery, body, member)
        if isinstance(answer, Refusal):
            member.refused += 1
            log = _log.warning if answer.word not in ("busy", "too_many") else _log.info
            log("batch refused", probe=delivery.probe, why=answer.word, detail=answer.message)
        return answer

    async def _take(self, delivery: Delivery, body: bytes, member: Member) -> wire.Ack | Refusal:
        batch = _decode(delivery, body)
        if isinstance(batch, Refusal):
            return batch
        digest = wire.digest(body)
        async with self._locks.setdefault(delivery.probe, trio.Lock()):
            marks = self._marks.setdefault(delivery.probe, {})
            mark = mark_for(marks.values(), delivery.probe, batch.stream)
            decision = decide(mark, batch, digest)
            if isinstance(decision, Conflict):
                member.conflicts += 1
                return Refusal("conflict", decision.detail)
            if isinstance(decision, Duplicate):
                member.repeats += 1
                return _ack(mark, delivery)
            moved = advance(mark, batch, digest, decision.missing)
            entry = self._entry(delivery, batch, body, digest, decision.missing)
            refusal = await self._commit(entry, moved)
            if refusal:
                return refusal
            marks[moved.slot] = moved
        _note(member, moved, batch.observations, decision.missing)
        self._report(batch)
        return _ack(moved, delivery)

    @property
    def pressing(self) -> int:
        """Batches that want the interpreter now: those under way, but for what waits for a slow disk."""
        since = trio.current_time() - SLOW_DISK_S
        return self.room.under_way - sum(began < since for began in self._commits.values())

    def let_go(self) -> None:
        """At the end of the process: commits that the disk does not finish may be cancelled from now on."""
        self._shielded = False
        for scope in self._commits:
            scope.shield = False

    async def _commit(self, entry: Entry, moved: Mark) -> Refusal | None:
        with trio.CancelScope(shield=self._shielded) as scope:
            self._commits[scope] = trio.current_time()
            try:
                await self._inputs.append([entry], {moved.name: encode_mark(moved)})
            except (JournalBusy, JournalFull, JournalError) as error:
                if isinstance(error, JournalError):
                    _log.error("the journal takes nothing", error=str(error))
                return journal_refusal(error)
            finally:
                del self._commits[scope]
        return None

    def _entry(self, delivery: Delivery, batch: Report, body: bytes, digest: bytes, missing: int) -> Entry:
        member = self._fleet.member(delivery.probe)
        return encode_input(
            BatchInput(
                probe=delivery.probe,
                received_at=delivery.received_at,
                sent_at=delivery.sent_at,
                round_trip=delivery.round_trip,
                offset_ns=member.offset.offset_ns,
                skewed=member.offset.skewed,
                peer=delivery.peer,
                missing=missing,
                digest=digest,
                content_type=delivery.content_type,
                encoding=delivery.encoding,
                body=body,
            ),
            at_ns=delivery.received_at,
            count=batch.observations,
        )


def stored_marks(inputs: Journal) -> list[Mark]:
    """The streams' marks that the journal holds."""
    marks = (decode_mark(raw) for raw in inputs.marks(PREFIX).values())
    return [mark for mark in marks if mark]


def _decode(delivery: Delivery, body: bytes) -> Report | Refusal:
    """In the event loop: msgspec keeps the interpreter's lock while it decodes, so a thread would free nobody."""
    if delivery.content_type not in _TYPES or delivery.encoding not in _ENCODINGS:
        return Refusal("wrong_type")
    try:
        batch = wire.decode(body, content_type=delivery.content_type, encoding=delivery.encoding)
    except wire.UnknownSchema as error:
        return Refusal("unknown_schema", str(error))
    except wire.WireError as error:
        return Refusal("bad_batch", str(error)[:300])
    return _check(delivery, batch) or report_of(batch, delivery.received_at)


def _check(delivery: Delivery, batch: wire.Batch) -> Refusal | None:
    if batch.probe != delivery.probe:
        return Refusal("forbidden", f"the token is of probe {delivery.probe}; it may not send the batches of another")
    if not _STREAM.fullmatch(batch.stream):
        return Refusal("bad_batch", "a stream is 16 hex digits")
    return None


def _note(member: Member, mark: Mark, observations: int, missing: int) -> None:
    member.batch_at = mark.received_at
    member.lag_ns = mark.received_at - mark.cut_at
    member.plan, member.agent = mark.plan, mark.agent
    member.observations += observations
    member.missing += missing


def _ack(mark: Mark, delivery: Delivery) -> wire.Ack:
    return wire.Ack(last_seq=mark.last_seq, received_at=delivery.received_at, answered_at=wall_ns(), peer=delivery.peer)
