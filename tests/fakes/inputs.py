"""The collector's journal in memory, for tests whose subject is what stands around it. `hold` is the hook: it runs
before a commit, and may wait (a slow disk) or raise (a full one)."""

from collections.abc import Awaitable, Callable, Mapping, Sequence

import trio

from collector.inputs import BatchInput, encode_input
from parallax import wire
from parallax.journal import Entry, JournalBusy, JournalError, Record, Stats
from parallax.observation import Observation


async def _at_once() -> None:
    await trio.lowlevel.checkpoint()


class MemoryInputs:
    """Appends are durable once `hold` returns, one after the other; `pending` bodies past the bound are refused."""

    def __init__(self, hold: Callable[[], Awaitable[None]] = _at_once, max_pending_bytes: int = 32_000_000) -> None:
        self.hold = hold
        self.records: list[Record] = []
        self.dropped = 0
        self.ballast = True
        self._appended = trio.Event()
        self.pending = 0
        self.most_pending = 0
        self._max_pending = max_pending_bytes
        self._marks: dict[str, bytes] = {}
        self._cursors: dict[str, int] = {}
        self._disk = trio.Lock()
        self.failed = trio.Event()

    async def append(self, entries: Sequence[Entry], marks: Mapping[str, bytes] = {}) -> int:
        octets = sum(len(entry.body) for entry in entries)
        if self.pending + octets > self._max_pending:
            raise JournalBusy
        self.pending += octets
        self.most_pending = max(self.most_pending, self.pending)
        try:
            async with self._disk:
                await self.hold()
                for e in entries:
                    position = self.dropped + len(self.records) + 1
                    self.records.append(
                        Record(position=position, kind=e.kind, body=e.body, at_ns=e.at_ns, count=e.count)
                    )
                self._marks.update(marks)
                self._appended.set()
                self._appended = trio.Event()
        finally:
            self.pending -= octets
        return self.dropped + len(self.records)

    def drop(self) -> None:
        """All records go, as by age; the positions go on."""
        self.dropped += len(self.records)
        self.records.clear()

    async def read(self, after: int, *, max_records: int = 100, max_bytes: int = 8_000_000) -> list[Record]:
        await trio.lowlevel.checkpoint()
        return [record for record in self.records if record.position > after][:max_records]

    async def wait_beyond(self, position: int) -> None:
        await trio.lowlevel.checkpoint()
        while not self.records or self.records[-1].position <= position:
            await self._appended.wait()

    async def commit(self, reader: str, position: int, marks: Mapping[str, bytes | None] = {}) -> None:
        await self.hold()
        self._cursors[reader] = max(position, self.cursor(reader))
        self._marks.update({name: value for name, value in marks.items() if value is not None})

    async def register(self, readers: Sequence[str]) -> None:
        await self.hold()
        self._cursors = {reader: self.cursor(reader) for reader in readers}

    @property
    def cursors(self) -> dict[str, int]:
        return dict(self._cursors)

    async def wait_failed(self) -> JournalError:
        await self.failed.wait()
        return JournalError("the journal takes no more")

    def cursor(self, reader: str) -> int:
        return self._cursors.get(reader, 0)

    def mark(self, name: str) -> bytes | None:
        return self._marks.get(name)

    def marks(self, prefix: str) -> dict[str, bytes]:
        return {name: value for name, value in self._marks.items() if name.startswith(prefix)}

    @property
    def stats(self) -> Stats:
        return Stats(
            records=len(self.records),
            things=sum(record.count for record in self.records),
            bytes=sum(len(record.body) for record in self.records),
            first=self.dropped + 1,
            last=self.dropped + len(self.records),
            lost={},
            ballast=self.ballast,
        )


def batch_entry(observations: Sequence[Observation], at: int) -> Entry:
    """The record of one batch that was cut and received at a moment (ns), with these observations of one stream."""
    first, last = observations[0], observations[-1]
    batch = wire.Batch(
        probe=first.probe,
        stream=first.stream,
        first_seq=first.seq,
        last_seq=last.seq,
        cut_at=at,
        observations=list(observations),
    )
    body = wire.encode(batch)
    value = BatchInput(
        probe=first.probe,
        received_at=at,
        sent_at=at,
        round_trip=None,
        offset_ns=0,
        skewed=False,
        peer="127.0.0.1",
        missing=0,
        digest=wire.digest(body),
        content_type=wire.MSGPACK,
        encoding=wire.ZSTD,
        body=body,
    )
    return encode_input(value, at_ns=at, count=len(observations))
