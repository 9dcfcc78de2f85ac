"""Several things at the same time."""

from collections.abc import Awaitable, Callable, Collection
from typing import TypeVar

import trio

Item = TypeVar("Item")


async def side_by_side(one: Callable[[Item], Awaitable[object]], items: Collection[Item]) -> None:
    """Calls it with each of the items, all at the same time, and returns once all are done; how many there may be is
    the caller's to bound. A single one is not worth a task, which costs a good part of what a query does."""
    if len(items) == 1:
        for item in items:
            await one(item)
    elif items:
        async with trio.open_nursery() as nursery:
            for item in items:
                nursery.start_soon(one, item)
