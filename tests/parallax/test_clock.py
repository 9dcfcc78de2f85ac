"""A simulated host's wall clock."""

import time

import trio

from parallax.clock import NS, HostClock, use_host_clock, wall_ns

AHEAD_NS = 90 * NS


def ahead_s() -> float:
    """How far wall_ns is ahead of the true time."""
    return (wall_ns() - time.time_ns()) / NS


async def test_tasks_and_threads_have_the_clock_of_the_host_that_started_them():
    clock = HostClock()
    seen: dict[str, float] = {}

    async def look(name: str) -> None:
        seen[name] = ahead_s()
        seen[f"{name}, thread"] = await trio.to_thread.run_sync(ahead_s)

    async def host() -> None:
        use_host_clock(clock)
        clock.ahead_ns = AHEAD_NS
        async with trio.open_nursery() as inner:
            inner.start_soon(look, "wrong")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(host)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(look, "right")
    assert {name: round(value) for name, value in seen.items()} == {
        "wrong": 90,
        "wrong, thread": 90,
        "right": 0,
        "right, thread": 0,
    }


async def test_it_can_be_set_right_while_the_host_runs():
    clock = HostClock(AHEAD_NS)
    use_host_clock(clock)
    assert round(ahead_s()) == 90
    clock.ahead_ns = 0
    assert round(ahead_s()) == 0
