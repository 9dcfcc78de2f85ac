"""The spool: every observation gets its identity here, once, and is on disk before it is sent anywhere.

A batch's bytes are made once and appended to the journal together with the mark that holds the stream and its last seq,
in one transaction. So after a crash, a seq either stands in the spool with its content or was never used.
"""

import secrets
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress

import msgspec
import trio

from parallax import wire
from parallax.clock import wall_ns
from parallax.journal import Entry, Journal, JournalBusy, JournalFull
from parallax.log import get_log
from parallax.observation import Observation
from parallax.state import StartError
from probe.cutter import Cutter
from probe.statistics import Counters

MAX_WAITING = 2_000
"""Observations that wait for the disk; more are lost and counted."""
DISK_PAUSE_S = 1.0
KIND = "batch"
_MARK = "stream"
_OWNER = "probe"
"""The mark with the probe's id: batches carry it, and a collector takes them from nobody else."""
_log = get_log(__name__)


class Envelope(msgspec.Struct, frozen=True, kw_only=True):
    """What a batch says beside its observations; see `wire.Batch`."""

    plan: str = ""
    agent: str = ""
    egress: Mapping[str, str] = {}
    clock_sync_age_s: float | None = None


class Spool:
    """Takes observations, cuts batches, appends them. `serve` until `close` was called and all of it is on disk.

    Raises StartError where the journal is another probe's spool."""

    def __init__(self, journal: Journal, probe: str, envelope: Callable[[], Envelope], counters: Counters) -> None:
        self._journal, self._probe, self._envelope, self._counters = journal, probe, envelope, counters
        self._send, self._receive = trio.open_memory_channel[Observation](MAX_WAITING)
        self._cutter = Cutter()
        self._closed = trio.Event()
        self._stuck = False
        owner = (journal.mark(_OWNER) or probe.encode()).decode()
        if owner != probe:
            raise StartError(
                f"the state folder belongs to the probe {owner!r}, and its spool may hold what only that one can ship; "
                f"give {probe!r} a `state` of its own"
            )
        mark = journal.mark(_MARK)
        self.stream, self.last_seq = _parse(mark) if mark else (secrets.token_hex(8), 0)

    def put_nowait(self, observation: Observation) -> None:
        """Takes an observation (its stream and seq are given when its batch is cut), or loses and counts it."""
        try:
            self._send.send_nowait(observation)
        except trio.WouldBlock:
            self._counters.lose("disk_full" if self._stuck else "disk_slow")
        else:
            self._counters.delivered += 1

    def begin_stream(self, conflicting: str) -> None:
        """The collector has other content under this stream's identities: the next batch begins a new stream.
        `conflicting` is the stream it was seen on; a second conflict on the same old stream changes nothing."""
        if self.stream == conflicting:
            self.stream, self.last_seq = secrets.token_hex(8), 0

    def close(self) -> None:
        """No more comes: `serve` appends what it has and returns."""
        self._send.close()

    async def serve(self) -> None:
        """Cuts and appends. A full disk is waited for, while observations gather and then are lost and counted."""
        with self._receive, suppress(trio.EndOfChannel):
            while True:
                observation = await self._next()
                now = trio.current_time()
                await self._append(
                    self._cutter.take(now) if observation is None else self._cutter.add(observation, now)
                )
        await self._append(self._cutter.take(trio.current_time()))
        self._closed.set()

    async def _next(self) -> Observation | None:
        """The next one; None when the open batch is due. Raises trio.EndOfChannel."""
        due_at = float("inf") if self._cutter.due_at is None else self._cutter.due_at
        if trio.current_time() < due_at:
            with suppress(trio.WouldBlock):  # a run's observations come together: only the first is waited for
                return self._receive.receive_nowait()
            with trio.move_on_at(due_at):
                return await self._receive.receive()
        return None

    async def wait_closed(self) -> None:
        """Returns once all that was taken before `close` is on disk."""
        await self._closed.wait()

    async def _append(self, observations: list[Observation] | None) -> None:
        if not observations:
            return
        while True:
            entry, stream, last_seq = self._cut(observations)
            try:
                await self._journal.append(
                    [entry], {_MARK: f"{stream} {last_seq}".encode(), _OWNER: self._probe.encode()}
                )
            except (JournalFull, JournalBusy) as error:
                if not self._stuck:
                    _log.error("the spool cannot be written, observations wait", error=str(error))
                self._stuck = True
                await trio.sleep(DISK_PAUSE_S)
                continue
            if stream == self.stream:
                self.last_seq = last_seq
            self._stuck = False
            return

    def _cut(self, observations: list[Observation]) -> tuple[Entry, str, int]:
        stream, first = self.stream, self.last_seq + 1
        stamped = _stamped(observations, self._probe, stream, first)
        envelope = self._envelope()
        batch = wire.Batch(
            probe=self._probe,
            stream=stream,
            first_seq=first,
            last_seq=stamped[-1].seq,
            cut_at=wall_ns(),
            plan=envelope.plan,
            agent=envelope.agent,
            egress=dict(envelope.egress),
            clock_sync_age_s=envelope.clock_sync_age_s,
            observations=stamped,
        )
        entry = Entry(kind=KIND, body=wire.encode(batch), at_ns=batch.cut_at, count=len(stamped))
        return entry, stream, batch.last_seq


def restamp(batch: wire.Batch) -> bytes:
    """The bytes of a batch under an identity of its own: a stream named by the batch's digest, from seq 1. The same
    batch gives the same bytes, so they may be sent again, and no state is kept of it."""
    stream, count = wire.digest(wire.encode(batch)).hex()[:16], len(batch.observations)
    stamped = _stamped(batch.observations, batch.probe, stream, 1)
    return wire.encode(msgspec.structs.replace(batch, stream=stream, first_seq=1, last_seq=count, observations=stamped))


def _stamped(observations: Iterable[Observation], probe: str, stream: str, first: int) -> list[Observation]:
    return [
        msgspec.structs.replace(o, probe=probe, stream=stream, seq=seq) for seq, o in enumerate(observations, first)
    ]


def _parse(mark: bytes) -> tuple[str, int]:
    stream, seq = mark.decode("ascii").split()
    return stream, int(seq)
