"""The grid, on no clock at all; the runner, on virtual time."""

import os
import subprocess
import sys
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parallax.clock import NS
from probe.schedule import Grid, Pair, Schedule

T0 = 1_790_000_000 * NS
PAIR = Pair("api", "https://a.example/")


def one(period_s: float = 30.0) -> tuple[Schedule, Counter[str], Grid]:
    skipped: Counter[str] = Counter()
    schedule = Schedule(lambda cause, count: skipped.update({cause: count}))
    grid = Grid.of(PAIR.check, PAIR.target, period_s)
    schedule.replace([(PAIR, grid)], T0)
    return schedule, skipped, grid


@given(st.integers(0, 2**62), st.integers(1, 10**13), st.integers(0, 10**13))
def test_the_next_tick_is_on_the_grid_and_within_a_period(at: int, period: int, phase: int) -> None:
    tick = Grid(period, phase % period).next_after(at)
    assert at < tick <= at + period
    assert (tick - phase % period) % period == 0


@pytest.mark.parametrize("size", [1, 2, 3, 7, 50])
def test_a_fleet_spreads_evenly_over_the_period(size: int) -> None:
    phases = sorted(Grid.of("api", "t", 30, (place, size)).phase_ns for place in range(size))
    gaps = [b - a for a, b in zip(phases, [*phases[1:], phases[0] + 30 * NS], strict=True)]
    assert max(gaps) - min(gaps) <= 2  # whole nanoseconds


def test_targets_of_one_probe_spread_over_the_period() -> None:
    eighths = Counter(Grid.of("api", f"target-{n}", 30).phase_ns * 8 // (30 * NS) for n in range(800))
    assert len(eighths) == 8
    assert min(eighths.values()) > 60


def test_the_grid_is_the_same_in_another_process() -> None:
    code = "from probe.schedule import Grid; print(Grid.of('api', 't', 30, (1, 3)).phase_ns)"
    seeds = ({**os.environ, "PYTHONHASHSEED": seed} for seed in ("1", "2"))
    seen = {
        subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True).stdout for env in seeds
    }
    assert seen == {f"{Grid.of('api', 't', 30, (1, 3)).phase_ns}\n"}


def test_a_tick_is_due_at_its_time_and_once() -> None:
    schedule, skipped, _ = one()
    tick = schedule.next_at()
    assert tick is not None
    assert schedule.take(tick - 1) == []
    assert [due.scheduled_at for due in schedule.take(tick)] == [tick]
    assert schedule.take(tick) == []
    assert schedule.next_at() == tick + 30 * NS
    assert not skipped


def test_a_restart_goes_on_with_the_same_grid() -> None:
    first, _, grid = one()
    again = Schedule()
    again.replace([(PAIR, grid)], T0 + 95 * NS)
    assert first.next_at() is not None
    assert (again.next_at() - first.next_at()) % (30 * NS) == 0  # type: ignore[operator]


@pytest.mark.parametrize(
    ("late_s", "runs", "missed"),
    [(0.0, 1, 0), (0.9, 1, 0), (1.1, 0, 1), (29.0, 0, 1), (30.0, 1, 1), (30.9, 1, 1), (31.5, 0, 2), (3600, 1, 120)],
)
def test_missed_ticks_are_counted_and_not_made_up_for(late_s: float, runs: int, missed: int) -> None:
    schedule, skipped, _ = one()
    tick = schedule.next_at()
    assert tick is not None
    assert len(schedule.take(tick + int(late_s * NS))) == runs
    assert skipped["missed"] == missed
    assert schedule.next_at() == tick + (runs + missed) * 30 * NS


def test_after_a_suspend_no_two_hundred_run_at_once() -> None:
    skipped: Counter[str] = Counter()
    schedule = Schedule(lambda cause, count: skipped.update({cause: count}))
    pairs = [Pair("api", f"t{n}") for n in range(200)]
    schedule.replace([(pair, Grid.of(pair.check, pair.target, 30)) for pair in pairs], T0)
    assert len(schedule.take(T0 + 7200 * NS)) < 20  # those whose own tick is just then
    assert 200 * 240 - 20 < skipped["missed"] <= 200 * 240


def test_a_small_step_back_takes_no_tick_twice() -> None:
    schedule, skipped, _ = one()
    tick = schedule.next_at()
    assert tick is not None
    schedule.take(tick)
    assert schedule.take(tick - NS // 2) == []
    assert schedule.take(tick) == []
    assert schedule.next_at() == tick + 30 * NS
    assert not skipped


def test_a_large_step_back_does_not_silence_the_probe() -> None:
    schedule, _, grid = one()
    back = T0 - 86400 * NS
    assert schedule.take(back) == []
    assert schedule.next_at() == grid.next_after(back)


def test_a_pair_that_stays_keeps_its_next_tick_and_one_that_left_is_not_run() -> None:
    schedule, _, grid = one()
    before = schedule.next_at()
    assert before is not None
    other = Pair("web", "x")
    # read just after the tick's time, before it was taken: the tick must not get lost
    schedule.replace([(PAIR, grid), (other, Grid.of("web", "x", 60))], before + 1)
    assert PAIR in {due.pair for due in schedule.take(before + 1)}
    schedule.replace([(other, Grid.of("web", "x", 60))], before)
    assert {due.pair for due in schedule.take(before + 60 * NS)} <= {other}


def test_two_pairs_at_the_same_moment_both_run() -> None:
    schedule = Schedule()
    schedule.replace([(Pair("a", "t"), Grid(NS, 0)), (Pair("b", "t"), Grid(NS, 0))], T0)
    assert len(schedule.take(T0 + NS)) == 2
