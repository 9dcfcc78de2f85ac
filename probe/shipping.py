"""Ships the spool to one collector: in order, one batch at a time, each until the collector has it.

Every collector has its own shipper, cursor and connection, so one that is down slows neither the other nor the checks.
"""

from collections.abc import Callable
from typing import Protocol

import msgspec
import trio

from parallax import wire
from parallax.clock import to_ns, wall_ns
from parallax.journal import Journal, Record
from parallax.log import get_log
from probe.clocks import Exchange, Offsets
from probe.outcomes import BY_STATUS, Answer, Backoff, Outcome, outcome_of
from probe.spool import Spool, restamp
from probe.statistics import Counters

CHUNK_RECORDS = 32
CHUNK_BYTES = 4_000_000
EMPTY_PAUSE_S = 0.1
LAST_COMMIT_S = 0.3
"""How long the end waits for the cursor to be on disk; without it, batches are sent again and recognised."""
TOKEN_LOOK_S = 2.0
"""While only a person can help, how often it is looked whether the token was changed."""
_log = get_log(__name__)


class Client(Protocol):
    """How a shipper reaches its collector. Never raises but for cancellation; owns its timeouts."""

    async def post_batch(self, body: bytes, headers: dict[str, str]) -> Answer: ...

    def has_new_token(self) -> bool:
        """Whether the token is another one than was last sent."""


class ShippingState(msgspec.Struct):
    """How shipping to one collector goes, for the statistics."""

    position: int
    word: str = ""
    """Why the last sending did not succeed; "" if it did."""
    alarm: bool = False
    """A person must act (see `stop` in probe.outcomes)."""
    batches: int = 0
    dropped: int = 0


class Shipper:
    """`name` names the cursor in the spool, and the collector in logs and statistics."""

    def __init__(
        self,
        name: str,
        client: Client,
        journal: Journal,
        spool: Spool,
        offsets: Offsets,
        counters: Counters,
        *,
        backoff: Backoff | None = None,
        wall: Callable[[], int] = wall_ns,
    ) -> None:
        self.name = name
        self._client, self._journal, self._spool = client, journal, spool
        self._offsets, self._counters, self._wall = offsets, counters, wall
        self._backoff = backoff or Backoff()
        self._round_trip_ns: int | None = None
        self._turn = trio.Event()
        self._before = journal.stats.last
        """The last record of earlier lives of this process: what of it was sent is not known."""
        self.state = ShippingState(position=journal.cursor(name))

    async def serve(self) -> None:
        """Ships until cancelled."""
        while True:
            await self._journal.wait_beyond(self.state.position)
            pause_s = await self._ship_chunk()
            turn, self._turn = self._turn, trio.Event()
            turn.set()
            if pause_s:
                await self._pause(trio.current_time() + pause_s)

    async def wait_shipped(self) -> None:
        """Returns once all that is in the spool is shipped, or shipping fails; for the end of the process."""
        while self._journal.stats.last > self.state.position and not self.state.word:
            await self._turn.wait()

    async def _ship_chunk(self) -> float:
        """Ships records from the cursor on up to the first that must wait; the pause before the next try, seconds.

        The cursor is committed once a chunk: a crash before it sends batches again, which the collector recognises."""
        position = self.state.position
        records = await self._journal.read(position, max_records=CHUNK_RECORDS, max_bytes=CHUNK_BYTES)
        pause_s = 0.0 if records else EMPTY_PAUSE_S  # what was there has just been dropped by the spool's bounds
        try:
            for record in records:
                pause_s = await self._ship(record)
                if pause_s:
                    break
                self.state.position = record.position
        finally:
            if self.state.position > position:
                await self._commit()
        return pause_s

    async def _commit(self) -> None:
        try:
            await self._journal.commit(self.name, self.state.position)
        except trio.Cancelled:
            with trio.move_on_after(LAST_COMMIT_S, shield=True):  # the disk may hang
                await self._journal.commit(self.name, self.state.position)
            raise

    async def _pause(self, until: float) -> None:
        """Waits; not to the end if a person has changed the token meanwhile."""
        while (left_s := until - trio.current_time()) > 0:
            await trio.sleep(min(left_s, TOKEN_LOOK_S) if self.state.alarm else left_s)
            if self.state.alarm and self._client.has_new_token():
                return

    async def _ship(self, record: Record) -> float:
        """Sends one record; the pause before it is sent again, 0 for the next one."""
        answer, outcome = await self._send(record.body)
        if answer.ack is not None and self._is_other_content(record, answer.ack):
            outcome = BY_STATUS[409]
        if outcome.action == "restamp":
            answer, outcome = await self._send_restamped(record, answer)
        return self._heed(outcome, record, answer)

    async def _send(self, body: bytes) -> tuple[Answer, Outcome]:
        sent_at, started = self._wall(), trio.current_time()
        answer = await self._client.post_batch(body, self._headers(sent_at))
        outcome = outcome_of(answer)
        if outcome.action == "done" and answer.ack is not None:
            took_ns = to_ns(trio.current_time() - started)
            exchange = Exchange.of(sent_at, answer.ack.received_at, answer.ack.answered_at, sent_at + took_ns)
            self._round_trip_ns = to_ns(exchange.round_trip_s)
            self._offsets.add(self.name, exchange, trio.current_time())
            self.state.batches += 1
        return answer, outcome

    def _is_other_content(self, record: Record, ack: wire.Ack) -> bool:
        """Whether the collector took the batch for a repeat, and it can be none.

        A collector that has more of our stream than we ever cut has seen the future of this state folder: it is an
        older copy of itself (a restored backup). A batch of this life that it took for a repeat was none; one of
        earlier lives most likely was."""
        if ack.last_seq <= self._spool.last_seq:
            return False
        batch = _decoded(record)
        if batch is None or ack.last_seq <= batch.last_seq:
            return False
        self._begin_stream(batch.stream)
        return record.position > self._before

    async def _send_restamped(self, record: Record, answer: Answer) -> tuple[Answer, Outcome]:
        """The spool still has what conflicts, so it is sent under an identity of its own. Only this collector is
        concerned: others may have it as it was."""
        batch = _decoded(record)
        if batch is None:
            return answer, Outcome("drop", "conflict")
        self._begin_stream(batch.stream)
        answer, outcome = await self._send(restamp(batch))
        return answer, Outcome("drop", "conflict") if outcome.action == "restamp" else outcome

    def _begin_stream(self, conflicting: str) -> None:
        if self._spool.stream == conflicting:
            _log.error("the collector has other content for this stream, a new one begins", stream=conflicting)
            self._spool.begin_stream(conflicting)

    def _heed(self, outcome: Outcome, record: Record, answer: Answer) -> float:
        """Acts on an outcome; the pause before the same batch is sent again, 0 for the next batch."""
        if outcome.word != self.state.word and outcome.word:
            (_log.error if outcome.action == "stop" else _log.warning)(
                "shipping",
                collector=self.name,
                outcome=outcome.action,
                word=outcome.word,
                status=answer.status,
                detail=answer.detail,
            )
        elif self.state.word and not outcome.word:
            _log.info("shipping goes on", collector=self.name)
        self.state.word, self.state.alarm = outcome.word, outcome.action == "stop"
        if outcome.action == "retry":
            return self._backoff.next_s()
        self._backoff.reset()
        if outcome.action == "drop":
            self.state.dropped += 1
            self._counters.lose(outcome.word, record.count)
        return outcome.wait_s

    def _headers(self, sent_at: int) -> dict[str, str]:
        headers = {wire.SENT_AT: str(sent_at)}
        if self._round_trip_ns is not None:
            headers[wire.ROUND_TRIP] = str(self._round_trip_ns)
        return headers


def _decoded(record: Record) -> wire.Batch | None:
    try:
        return wire.decode(record.body)
    except wire.WireError as error:  # cannot be, as we cut it; a disk can
        _log.error("a spooled batch does not decode", position=record.position, error=str(error))
        return None
