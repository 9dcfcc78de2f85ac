"""Readers make way for ingest while it is pressed, and only then."""

import pytest
import trio
import trio.testing

from collector.precedence import LAGGING, LONGEST_S, MOMENT_S, PRESSED, SHARE, Precedence


@pytest.mark.parametrize("under_way", [0, PRESSED - 1])
async def test_a_calm_fleet_delays_no_reader(autojump_clock: trio.testing.MockClock, under_way: int) -> None:
    began = trio.current_time()
    await Precedence(lambda: under_way).make_way(1.0)
    assert trio.current_time() == began


async def test_a_crowd_leaves_a_reader_its_share(autojump_clock: trio.testing.MockClock) -> None:
    began = trio.current_time()
    await Precedence(lambda: PRESSED).make_way(0.1)
    waited = trio.current_time() - began - MOMENT_S
    assert 0.1 / (0.1 + waited) == pytest.approx(SHARE)


async def test_a_moment_s_crowd_is_none(autojump_clock: trio.testing.MockClock) -> None:
    counts = iter([PRESSED, 0])
    began = trio.current_time()
    await Precedence(lambda: next(counts)).make_way(1.0)
    assert trio.current_time() - began == pytest.approx(MOMENT_S)


async def test_a_reader_always_goes_on(autojump_clock: trio.testing.MockClock) -> None:
    began = trio.current_time()
    await Precedence(lambda: 10**6).make_way(3600.0)
    assert trio.current_time() - began <= LONGEST_S + MOMENT_S


async def test_a_reader_behind_detection_waits_while_that_is_late(autojump_clock: trio.testing.MockClock) -> None:
    late = LAGGING + 1
    make_way = Precedence(lambda: 0).behind(lambda: late)
    began = trio.current_time()
    await make_way(0.1)
    waited = trio.current_time() - began
    assert 0.1 / (0.1 + waited) == pytest.approx(SHARE)
    late = LAGGING
    await make_way(0.1)
    assert trio.current_time() - began == waited


async def test_who_makes_way_goes_on_once_the_crowd_is_gone(autojump_clock: trio.testing.MockClock) -> None:
    under_way = PRESSED
    began = trio.current_time()

    async def leave() -> None:
        nonlocal under_way
        await trio.sleep(0.5)
        under_way = 0

    async with trio.open_nursery() as nursery:
        nursery.start_soon(leave)
        await Precedence(lambda: under_way).make_way(1.0)
    assert 0.5 <= trio.current_time() - began < 0.6
