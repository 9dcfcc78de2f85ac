"""A collector as a shipper sees it, without a network: takes batches, or answers what the hook says."""

import time
from collections.abc import Awaitable, Callable

import trio

from parallax import wire
from probe.outcomes import Answer


class FakeClient:
    def __init__(self) -> None:
        self.taken: list[wire.Batch] = []
        self.asked: list[float] = []
        self.headers: list[dict[str, str]] = []
        self.new_token = False
        self.answer: Callable[[wire.Batch], Awaitable[Answer]] = self.take

    def has_new_token(self) -> bool:
        return self.new_token

    async def post_batch(self, body: bytes, headers: dict[str, str]) -> Answer:
        self.asked.append(trio.current_time())
        self.headers.append(headers)
        await trio.lowlevel.checkpoint()
        return await self.answer(wire.decode(body))

    async def take(self, batch: wire.Batch) -> Answer:
        self.taken.append(batch)
        now = time.time_ns()
        return Answer(status=200, ack=wire.Ack(last_seq=batch.last_seq, received_at=now, answered_at=now))

    @property
    def seqs(self) -> list[int]:
        return [o.seq for batch in self.taken for o in batch.observations]
