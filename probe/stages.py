"""Shutdown in two stages: what works ends first, what brings its results home outlives it for a moment."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

import trio


@asynccontextmanager
async def outliving(
    tasks: Sequence[Callable[[], Awaitable[None]]], finish: Callable[[], Awaitable[None]], *, at_most_s: float
) -> AsyncIterator[None]:
    """Runs tasks beside the body and past its end: cancellation from outside reaches the body alone. Then `finish` is
    awaited, for `at_most_s` at most, and the tasks are cancelled. One that raises cancels the body."""
    scopes = [trio.CancelScope(shield=True) for _ in tasks]

    async def run(task: Callable[[], Awaitable[None]], scope: trio.CancelScope) -> None:
        with scope:
            await task()

    async with trio.open_nursery() as nursery:
        for task, scope in zip(tasks, scopes, strict=True):
            nursery.start_soon(run, task, scope)
        try:
            yield
        finally:
            with trio.CancelScope(shield=True, deadline=trio.current_time() + at_most_s):
                await finish()
            for scope in scopes:
                scope.cancel()
