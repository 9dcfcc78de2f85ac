"""A journal in memory, for virtual time. `on_write` may wait or raise, as a slow or full disk does. What it has in
common with the real one is tested on both in tests/probe/test_spool.py."""

from collections.abc import Awaitable, Callable, Mapping, Sequence

import trio

from parallax.journal import Entry, Record, Stats


class FakeJournal:
    def __init__(self) -> None:
        self.records: list[Record] = []
        self.cursors: dict[str, int] = {}
        self._marks: dict[str, bytes] = {}
        self._changed = trio.Event()
        self.on_write: Callable[[], Awaitable[None]] = trio.lowlevel.checkpoint

    async def append(self, entries: Sequence[Entry], marks: Mapping[str, bytes | None] = {}) -> int:
        await self.on_write()
        for e in entries:
            self.records.append(
                Record(position=len(self.records) + 1, kind=e.kind, body=e.body, at_ns=e.at_ns, count=e.count)
            )
        self._set(marks)
        changed, self._changed = self._changed, trio.Event()
        changed.set()
        return len(self.records)

    async def read(self, after: int, *, max_records: int = 100, max_bytes: int = 8_000_000) -> list[Record]:
        await trio.lowlevel.checkpoint()
        return self.records[after : after + max_records]

    async def commit(self, reader: str, position: int, marks: Mapping[str, bytes | None] = {}) -> None:
        await self.on_write()
        self.cursors[reader] = max(position, self.cursor(reader))
        self._set(marks)

    async def wait_beyond(self, position: int) -> None:
        await trio.lowlevel.checkpoint()
        while len(self.records) <= position:
            await self._changed.wait()

    def cursor(self, reader: str) -> int:
        return self.cursors.get(reader, 0)

    def mark(self, name: str) -> bytes | None:
        return self._marks.get(name)

    def _set(self, marks: Mapping[str, bytes | None]) -> None:
        self._marks.update({name: value for name, value in marks.items() if value is not None})

    @property
    def stats(self) -> Stats:
        n = len(self.records)
        return Stats(records=n, things=n, bytes=sum(len(r.body) for r in self.records), first=1, last=n, lost={})
