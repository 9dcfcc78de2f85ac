"""A request that waits ends with what lets it in, within 5 s. In virtual time."""

from collections.abc import MutableMapping
from functools import partial
from typing import Any

import pytest
import trio
import trio.testing

from collector.long_polls import LOOK_S, hold

Clock = trio.testing.MockClock


class Client:
    """A client that stays until it is told to leave."""

    def __init__(self) -> None:
        self.left = trio.Event()
        self.body = [{"type": "http.request"}]

    async def receive(self) -> MutableMapping[str, Any]:
        if self.body:
            return self.body.pop()
        await self.left.wait()
        return {"type": "http.disconnect"}


async def held(
    client: Client, stop: trio.Event, ends_at: float = 1e9, news_at: float = 1e9
) -> tuple[str | None, float]:
    """What came of waiting for 30 s, and how long that took; let in until `ends_at`."""
    began = trio.current_time()

    def refused() -> str | None:
        return "no" if trio.current_time() >= began + ends_at else None

    said = await hold(partial(trio.sleep, news_at), 30, receive=client.receive, stop=stop, refused=refused)
    return said, trio.current_time() - began


@pytest.mark.parametrize("ends_at", [0.0, 0.1, LOOK_S, 17.3, 29.9])
async def test_who_is_shut_out_is_told_within_five_seconds(ends_at: float, autojump_clock: Clock) -> None:
    said, took = await held(Client(), trio.Event(), ends_at=ends_at)
    assert said == "no"
    assert ends_at <= took < ends_at + 5


@pytest.mark.parametrize(("news_at", "took"), [(0.0, 0), (7.0, 7), (100.0, 30)])
async def test_news_and_the_time_end_it(news_at: float, took: float, autojump_clock: Clock) -> None:
    assert await held(Client(), trio.Event(), news_at=news_at) == (None, took)


async def test_news_go_to_nobody_who_was_shut_out_meanwhile(autojump_clock: Clock) -> None:
    assert await held(Client(), trio.Event(), ends_at=1, news_at=2) == ("no", 2)


@pytest.mark.parametrize("how", ["stop", "left"])
async def test_the_end_of_the_collector_or_of_the_client_ends_it(how: str, autojump_clock: Clock) -> None:
    client, stop = Client(), trio.Event()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_later, 3, stop if how == "stop" else client.left)
        assert await held(client, stop) == (None, 3)


async def _later(seconds: float, event: trio.Event) -> None:
    await trio.sleep(seconds)
    event.set()
