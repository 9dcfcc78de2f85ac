"""The runner on virtual time: ticks at their times, bounds, steps of the wall clock, change of work."""

from collections.abc import Awaitable, Callable

import pytest
import trio
import trio.testing

from parallax.clock import NS
from parallax.observation import Observation
from parallax.values import Endpoint
from probe.admission import Admission
from probe.runner import Job, Runner, Span
from probe.schedule import Grid, Pair
from probe.statistics import Counters

BASE = 1_790_000_000 * NS


class Wall:
    """A wall clock that goes with trio's, and can step."""

    def __init__(self) -> None:
        self.step_s = 0.0

    def __call__(self) -> int:
        return BASE + int((trio.current_time() + self.step_s) * NS)


class Bench:
    """A runner whose jobs sleep, and what came of them."""

    def __init__(self, admission: Admission | None = None) -> None:
        self.wall, self.counters = Wall(), Counters()
        self.ticks: list[tuple[float, int]] = []
        self.spans: list[Span] = []
        self.runner = Runner(self._deliver, self.counters, wall=self.wall, admission=admission)

    async def _deliver(self, observations: list[Observation], span: Span) -> None:
        self.spans.append(span)

    def job(self, period_s: float, takes_s: float, phase_s: float = 0.0, endpoint: Endpoint | None = None) -> Job:
        async def run(scheduled_at: int) -> list[Observation]:
            self.ticks.append((trio.current_time(), scheduled_at))
            await trio.sleep(takes_s)
            return []

        return Job(Grid(int(period_s * NS), int(phase_s * NS)), endpoint, run)


async def during(seconds: float, serve: Callable[[], Awaitable[None]]) -> None:
    with trio.move_on_after(seconds):
        await serve()


async def test_it_runs_at_the_ticks_without_drift(autojump_clock: trio.testing.MockClock) -> None:
    bench = Bench()
    bench.runner.assign({Pair("a", "t"): bench.job(30, 4.3)})
    await during(3600.5, bench.runner.serve)
    assert len(bench.ticks) == 120
    assert all(BASE + int(at * NS) - scheduled < NS // 1000 for at, scheduled in bench.ticks)
    assert len(bench.spans) == 120
    assert bench.counters.skipped == {}


async def test_a_tick_is_skipped_while_the_last_run_goes_on(autojump_clock: trio.testing.MockClock) -> None:
    bench = Bench()
    bench.runner.assign({Pair("a", "t"): bench.job(10, 25), Pair("b", "t"): bench.job(10, 1)})
    await during(60.5, bench.runner.serve)
    assert bench.counters.skipped == {"running": 4}
    assert len(bench.ticks) == 2 + 6


async def test_beyond_the_bound_ticks_are_skipped(autojump_clock: trio.testing.MockClock) -> None:
    bench = Bench(Admission(max_running=3))
    bench.runner.assign({Pair("a", f"t{n}"): bench.job(10, 5) for n in range(5)})
    await during(10.5, bench.runner.serve)
    assert len(bench.ticks) == 3
    assert bench.counters.skipped == {"overload": 2}


async def test_a_slow_endpoint_is_not_loaded_by_many_checks_at_once(
    autojump_clock: trio.testing.MockClock,
) -> None:
    bench = Bench()
    slow, other = Endpoint("auth.acme.test:443"), Endpoint("auth.acme.test:80")
    bench.runner.assign(
        {Pair(f"c{n}", "t"): bench.job(30, 25, n, slow) for n in range(6)}
        | {Pair("d", "t"): bench.job(30, 25, 7, other)}
    )
    await during(30, bench.runner.serve)
    assert bench.counters.skipped == {"target_busy": 2}
    assert len(bench.ticks) == 5
    await during(30, bench.runner.serve)
    assert len(bench.ticks) == 10


@pytest.mark.parametrize("step_s", [7200.0, -7200.0])
async def test_a_step_of_the_wall_clock_makes_no_burst_and_no_silence(
    autojump_clock: trio.testing.MockClock, step_s: float
) -> None:
    bench = Bench()
    bench.runner.assign({Pair("a", f"t{n}"): bench.job(30, 1, n / 4) for n in range(100)})
    async with trio.open_nursery() as nursery:
        nursery.start_soon(bench.runner.serve)
        await trio.sleep(60.1)
        before = len(bench.ticks)
        bench.wall.step_s = step_s
        await trio.sleep(1)
        assert len(bench.ticks) - before <= 12  # four a second, and those whose own second this is
        await trio.sleep(40)
        assert len(bench.ticks) - before >= 100
        nursery.cancel_scope.cancel()
    if step_s > 0:
        assert bench.counters.skipped["missed"] >= 100 * 239


async def test_the_step_is_seen_in_the_span(autojump_clock: trio.testing.MockClock) -> None:
    bench = Bench()
    bench.runner.assign({Pair("a", "t"): bench.job(30, 5)})
    async with trio.open_nursery() as nursery:
        nursery.start_soon(bench.runner.serve)
        await trio.sleep(12)  # the tick is at 10
        bench.wall.step_s = -3.0
        await trio.sleep(10)
        nursery.cancel_scope.cancel()
    assert bench.spans[0].stepped_s == pytest.approx(-3.0, abs=0.01)


async def test_other_work_is_taken_up_at_once(autojump_clock: trio.testing.MockClock) -> None:
    bench = Bench()
    async with trio.open_nursery() as nursery:
        await nursery.start(bench.runner.serve)
        await trio.sleep(0.1)
        bench.runner.assign({Pair("a", "t"): bench.job(2, 0.5)})
        await trio.sleep(4)
        assert [at for at, _ in bench.ticks] == pytest.approx([2.0, 4.0], abs=0.01)
        bench.runner.assign({})
        await trio.sleep(60)
        assert len(bench.ticks) == 2
        nursery.cancel_scope.cancel()
    assert bench.runner.running == 0
