"""A request that waits: for news, for its time to run out, for its client to leave, for the collector to end, and for
the end of what lets it in."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, TypeVar

import trio

LOOK_S = 4.0
"""How often it is looked whether what came with the request still holds: who is shut out is told within 5 s."""
T = TypeVar("T")
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]


async def hold(
    wait: Callable[[], Awaitable[None]],
    most_s: float,
    *,
    receive: Receive,
    stop: trio.Event,
    refused: Callable[[], T | None],
) -> T | None:
    """Waits for this, `most_s` at most. What `refused` gives where the request must not be answered any more, None
    where it may. `receive` is the request's (ASGI)."""

    async def wait_stop() -> None:
        await stop.wait()
        nursery.cancel_scope.cancel()

    async def wait_gone() -> None:
        while (await receive())["type"] == "http.request":
            pass
        nursery.cancel_scope.cancel()

    async def wait_refused() -> None:
        while refused() is None:  # noqa: ASYNC110  a file says so, and tells nobody
            await trio.sleep(LOOK_S)
        nursery.cancel_scope.cancel()

    with trio.move_on_after(most_s):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(wait_stop)
            nursery.start_soon(wait_gone)
            nursery.start_soon(wait_refused)
            await wait()
            nursery.cancel_scope.cancel()
    return refused()
