"""Ingest comes first: what reads the journals makes way while batches wait for their answers.

They share one interpreter. A reader that lags catches up later, at the cost of its own delay; a probe whose batch is
not answered sends it again, and so makes more of the load that it waits for.
"""

from collections.abc import Awaitable, Callable

import trio

PRESSED = 4
"""Batches under way at once that are a crowd: a fleet that is calm has fewer, but for moments."""
MOMENT_S = 0.005
"""A crowd that is gone by then was a moment's: committing a batch takes a millisecond or two."""
LAGGING = 50
"""Records that detection has yet to take at which it is late: about as many as come within a second or two."""
SHARE = 0.05
"""Of the time, for each reader, while ingest is pressed."""
LONGEST_S = 10.0
SLICE_S = 0.02
"""How long a crowd may be gone before a reader goes on."""

MakeWay = Callable[[float], Awaitable[None]]
"""Called by a reader after a piece of work, with the seconds that it took."""


class Precedence:
    """`under_way` tells how many batches wait for their answers and want the interpreter for it."""

    def __init__(self, under_way: Callable[[], int]) -> None:
        self._under_way = under_way

    async def make_way(self, worked_s: float) -> None:
        """Waits for as long as leaves ingest its share; not at all where nothing waits."""
        await trio.lowlevel.checkpoint()
        if self._under_way() < PRESSED:
            return
        await trio.sleep(MOMENT_S)
        until = trio.current_time() + min(worked_s / SHARE - worked_s, LONGEST_S)
        # The crowd is a number that nobody announces.
        while self._under_way() >= PRESSED and (left_s := until - trio.current_time()) > 0:  # noqa: ASYNC110
            await trio.sleep(min(left_s, SLICE_S))

    def behind(self, waiting: Callable[[], int]) -> "MakeWay":
        """For a reader that comes after detection too: `waiting` tells how many records that has yet to take."""

        async def make_way(worked_s: float) -> None:
            await self.make_way(worked_s)
            if waiting() > LAGGING:
                await trio.sleep(min(worked_s / SHARE - worked_s, LONGEST_S))

        return make_way


async def have_it_all(worked_s: float) -> None:
    """Where nobody else wants anything."""
    await trio.lowlevel.checkpoint()
