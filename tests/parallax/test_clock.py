"""A simulated host's wall clock, and moments as text."""

import time

import pytest
import trio

from parallax.clock import NS, HostClock, rfc3339, use_host_clock, wall_ns

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


@pytest.mark.parametrize(
    ("at", "text"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (1, "1970-01-01T00:00:00.000Z"),
        (1_700_000_000_123_999_999, "2023-11-14T22:13:20.123Z"),
    ],
)
def test_rfc3339(at: int, text: str) -> None:
    assert rfc3339(at) == text
