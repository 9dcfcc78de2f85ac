"""Servers of series that misbehave on demand, and sinks around two real journals."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import trio

from collector.series.http_sender import HttpSender
from collector.series.outcomes import Answer
from collector.series.sink import Sink
from parallax.config import CollectorConfig
from parallax.series_config import SeriesServer
from parallax.values import Url
from tests.fakes.histories import World

Rows = list[dict[str, Any]]


class FakeSender:
    """Takes every line; `answer` is the hook: what it says to a body, or None for 204."""

    def __init__(self, answer: Callable[[bytes], Answer | None] = lambda body: None) -> None:
        self.answer = answer
        self.taken: list[str] = []
        self.places: list[str] = []
        self.closed = False

    async def write(self, body: bytes, place: str) -> Answer:
        await trio.lowlevel.checkpoint()
        said = self.answer(body) or Answer(status=204)
        if said.status is not None and 200 <= said.status < 300:
            self.taken += body.decode().split("\n")
            self.places.append(place)
        return said

    def close(self) -> None:
        self.closed = True


def server(url: str = "http://127.0.0.1:1", kind: str = "influxdb1", **more: Any) -> SeriesServer:
    return SeriesServer(**({"name": "one", "kind": kind, "url": Url(url), "rate": 1_000_000} | more))


def sender(at: SeriesServer) -> HttpSender:
    return HttpSender(at, CollectorConfig(state="/nowhere", plan="/nowhere"))


@asynccontextmanager
async def running(here: World, at: SeriesServer, by: Any = None) -> AsyncIterator[Sink]:
    """A sink at work until the end of the block."""
    sink = Sink(at, by or sender(at), {"inputs": here.inputs, "events": here.events}, gather_s=0.0)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(sink.run)
        yield sink
        nursery.cancel_scope.cancel()


async def settle(here: World, sink: Sink, within_s: float = 60.0) -> None:
    """Waits until all of the journals is acknowledged."""
    with trio.fail_after(within_s):
        await sink.wait_position(inputs=here.inputs.stats.last, events=here.events.stats.last)


async def until(condition: Callable[[], bool], within_s: float = 60.0) -> None:
    """Waits for something that other tasks or threads bring about."""
    with trio.fail_after(within_s):
        while not condition():  # noqa: ASYNC110
            await trio.sleep(0.01)


async def until_there(ask: Callable[[], Rows], number: int = 1, within_s: float = 60.0) -> Rows:
    """The rows that a real server answers with, once there are so many. Others run meanwhile."""
    with trio.fail_after(within_s):
        while len(rows := await trio.to_thread.run_sync(ask)) < number:
            await trio.lowlevel.checkpoint()
    return rows
