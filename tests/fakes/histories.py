"""A history on real files, and what it is made of, for tests."""

import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import trio

from collector.events import Event, encode_event
from collector.history import History, Pace, open_history
from collector.inputs import BatchInput, encode_input
from parallax import wire
from parallax.clock import NS
from parallax.config import CollectorLimits
from parallax.journal import Entry, Journal, Limits, open_journal
from parallax.observation import Observation
from tests.fakes.observations import observation

AT = 1_790_000_040 * NS
"""The beginning of a minute: 2026-09-21 14:14 UTC."""
PACE = Pace(gather_s=0, retry_s=0.01, minutes_every_s=0.01, prune_every_s=0.01)
LIMITS = Limits(max_bytes=10**9, max_age_s=1e9, ballast_bytes=100_000)


class World:
    """Both journals and the history that reads them. The clock stands at `now` until it is moved."""

    def __init__(self, inputs: Journal, events: Journal, now: int) -> None:
        self.inputs, self.events, self.now = inputs, events, now
        self.stream, self._seq = secrets.token_hex(8), 0

    def wall(self) -> int:
        return self.now

    def batch(self, *observations: Observation, received_at: int | None = None, **more: Any) -> Entry:
        """A batch as received, of one probe's observations, numbered on."""
        probe, first = observations[0].probe, self._seq + 1
        numbered = []
        for o in observations:
            self._seq += 1
            fields = {name: getattr(o, name) for name in o.__struct_fields__}
            numbered.append(Observation(**(fields | {"stream": self.stream, "seq": self._seq})))
        batch = wire.Batch(
            probe=probe, stream=self.stream, first_seq=first, last_seq=self._seq, cut_at=0, observations=numbered
        )
        at = self.now if received_at is None else received_at
        fields = {
            "probe": probe, "received_at": at, "sent_at": None, "round_trip": None, "offset_ns": None, "skewed": False,
            "peer": "", "missing": 0, "digest": b"", "content_type": wire.MSGPACK, "encoding": wire.ZSTD,
        }  # fmt: skip
        value = BatchInput(**(fields | {"body": wire.encode(batch)} | more))
        return encode_input(value, at_ns=at, count=len(numbered))

    async def take(self, *observations: Observation, **more: Any) -> None:
        await self.inputs.append([self.batch(*observations, **more)])

    async def conclude(self, *events: Event) -> None:
        await self.events.append([encode_event(event) for event in events])

    @asynccontextmanager
    async def running(self, folder: Path, limits: CollectorLimits | None = None) -> AsyncIterator[History]:
        """A history at work."""
        async with (
            open_history(folder, limits or CollectorLimits(), pace=PACE, wall=self.wall) as history,
            trio.open_nursery() as nursery,
        ):
            await nursery.start(history.run, self.inputs, self.events)
            yield history
            nursery.cancel_scope.cancel()

    @asynccontextmanager
    async def history(self, folder: Path, limits: CollectorLimits | None = None) -> AsyncIterator[History]:
        """The same, once it has read all that is in the journals."""
        async with self.running(folder, limits) as history:
            await self.settle(history)
            yield history

    async def settle(self, history: History) -> None:
        with trio.fail_after(90):
            await history.wait_position(inputs=self.inputs.stats.last, events=self.events.stats.last)


@asynccontextmanager
async def world(folder: Path, now: int = AT + 3600 * NS, limits: Limits = LIMITS) -> AsyncIterator[World]:
    async with (
        open_journal(folder / "inputs.db", limits, wall=lambda: now) as inputs,
        open_journal(folder / "events.db", limits, wall=lambda: now) as events,
    ):
        yield World(inputs, events, now)


def some(at: int = AT, number: int = 10, *, every_ns: int = 5 * NS, **changes: Any) -> Sequence[Observation]:
    """Observations one after the other; the n-th took n+1 ms."""
    return [
        observation(
            scheduled_at=at + n * every_ns, started_at=at + n * every_ns, duration_ns=(n + 1) * 1_000_000, **changes
        )
        for n in range(number)
    ]
