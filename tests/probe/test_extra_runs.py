"""What is asked of a probe, and what it grants: on a clock of the test's own."""

import math
import random
from itertools import pairwise

import msgspec
import pytest

from parallax.asks import MAX_ASKS, Ask
from parallax.observation import Observation
from probe.extra_runs import EXTERNAL_FLOOR_S, FLOOR_S, ROOM, SHORTEST_EVERY_S, ExtraRuns, Pace, told
from probe.schedule import Pair

PAIR = Pair("api", "https://192.0.2.7/")
OWN, EXTERNAL = Pace(floor_s=FLOOR_S, period_s=30), Pace(floor_s=EXTERNAL_FLOOR_S, period_s=30)


def ask(id_: str = "1", pair: Pair = PAIR, **more: float) -> Ask:
    return Ask(id=id_, check=pair.check, target=pair.target, why="suspicion", **{"left_s": 45.0, **more})


def extra(pace: Pace = OWN, *pairs: Pair) -> ExtraRuns:
    made = ExtraRuns()
    made.use(dict.fromkeys(pairs or (PAIR,), pace), -EXTERNAL_FLOOR_S)
    return made


def runs(of: ExtraRuns, since: float, until: float, step: float = 0.25) -> list[float]:
    """When it runs, where each run that is due is begun."""
    found, now = [], since
    while now < until:
        for run in of.take(now):
            of.began(run.pair, now, asked=True)
            found.append(now)
        now += step
    return found


def test_an_ask_is_carried_out_once_at_once() -> None:
    made = extra()
    made.replace("c", [ask()], 100.0)
    assert made.next_at() == 100.0
    assert [(run.pair, run.why) for run in made.take(100.0)] == [(PAIR, "suspicion")]
    made.began(PAIR, 100.0, asked=True)
    made.replace("c", [ask()], 101.0)  # the next answer has it still
    assert runs(made, 101.0, 150.0) == []


def test_a_run_of_the_grid_since_the_ask_is_as_good() -> None:
    made = extra()
    made.replace("c", [ask(in_s=5.0)], 100.0)
    made.began(PAIR, 104.0)
    assert made.next_at() == 106.0
    made.began(PAIR, 105.5)
    assert made.next_at() is None


def test_it_goes_on_every_so_often_until_it_is_no_longer_asked() -> None:
    made = extra()
    made.replace("c", [ask(every_s=4.0)], 0.0)
    assert runs(made, 0.0, 10.0) == [0.0, 4.0, 8.0]
    made.replace("c", [], 10.0)
    assert runs(made, 10.0, 60.0) == []


def test_it_ends_by_itself() -> None:
    made = extra()
    made.replace("c", [ask(every_s=4.0, left_s=9.0)], 0.0)
    assert runs(made, 0.0, 100.0) == [0.0, 4.0, 8.0]
    made.replace("c", [ask("late", left_s=1e9)], 100.0)
    assert made.take(161.0) == []  # no ask stands for longer than a minute


def test_what_is_asked_for_later_waits() -> None:
    made = extra()
    made.replace("c", [ask("now"), ask("then", in_s=8.0, every_s=4.0)], 0.0)
    assert runs(made, 0.0, 18.0) == [0.0, 8.0, 12.0, 16.0]


def test_who_has_just_looked_waits_a_moment() -> None:
    made = extra()
    made.began(PAIR, 99.5)
    made.replace("c", [ask()], 100.0)
    assert runs(made, 100.0, 120.0) == [101.5]


@pytest.mark.parametrize("pace", [OWN, EXTERNAL])
def test_a_collector_that_asks_too_fast_is_not_followed(pace: Pace) -> None:
    made, began, now = extra(pace), list[float](), 0.0
    while now < 300:
        made.replace("c", [ask(str(now), every_s=0.01)], now)
        began += runs(made, now, now + 0.25)
        now += 0.25
    assert min(later - earlier for earlier, later in pairwise(began)) >= pace.floor_s


def test_a_series_is_no_faster_than_every_four_seconds() -> None:
    made = extra()
    made.replace("c", [ask(every_s=0.1)], 0.0)
    began = runs(made, 0.0, 44.0)
    assert min(later - earlier for earlier, later in pairwise(began)) >= SHORTEST_EVERY_S


def test_a_day_of_asks_is_a_tenth_more_at_most() -> None:
    made, total, now = extra(), 0, 0.0
    while now < 86_400:
        made.replace("c", [ask(str(now))], now)
        total += len(runs(made, now, now + 2, 2.0))
        now += 2
    assert 200 < total <= 0.1 * 86_400 / 30
    assert made.refused > 0


def test_a_flood_over_many_pairs_is_bounded_too() -> None:
    pairs = [Pair("api", f"https://192.0.2.{n}/") for n in range(200)]
    made = extra(OWN, *pairs)
    for source in range(10):
        made.replace(str(source), [ask(str(n), pair) for n, pair in enumerate(pairs[source * 20 :])], 0.0)
    assert len(made.take(0.0)) == ROOM
    made.replace("c", [ask(str(n), pair) for n, pair in enumerate(pairs)], 0.0)
    assert len(made._standing["c"]) == MAX_ASKS


def test_a_tick_too_soon_after_an_asked_run_is_put_off_and_not_lost() -> None:
    made = extra(EXTERNAL)
    made.began(PAIR, 0.0)
    made.replace("c", [ask(left_s=20.0)], 5.0)
    assert runs(made, 5.0, 29.0) == [15.0]
    assert not made.puts_off(PAIR, 30.0)
    made.began(PAIR, 30.0)
    made.replace("c", [ask("2", left_s=30.0)], 40.0)
    assert runs(made, 40.0, 59.0) == [45.0]
    made.began(PAIR, 46.0, asked=True)
    assert made.puts_off(PAIR, 60.0)
    assert made.next_at() == 61.0
    assert [run.why for run in made.take(61.0)] == [""]
    made.began(PAIR, 61.0, asked=True)
    assert made.take(200.0) == []


def test_own_targets_ticks_are_never_put_off() -> None:
    made = extra()
    made.began(PAIR, 29.0, asked=True)
    assert not made.puts_off(PAIR, 30.0)


def test_a_run_without_room_is_thought_of_again() -> None:
    made = extra()
    made.replace("c", [ask()], 0.0)
    assert len(made.take(0.0)) == 1
    made.wait_a_moment(PAIR, 0.0)
    assert made.take(0.5) == []
    assert len(made.take(1.0)) == 1


def test_a_put_off_tick_without_room_does_not_spin() -> None:
    made = extra(EXTERNAL)
    made.began(PAIR, 0.0, asked=True)
    assert made.puts_off(PAIR, 10.0)
    assert len(made.take(15.0)) == 1
    made.wait_a_moment(PAIR, 15.0)
    assert made.next_at() == 16.0


def test_only_what_the_plan_has_is_run() -> None:
    made = extra()
    other = Pair("api", "https://198.51.100.1/")
    made.replace("c", [ask(pair=other)], 0.0)
    assert made.take(0.0) == []
    made.use({other: OWN}, 100.0)
    assert [run.pair for run in made.take(1.0)] == [other]
    made.use({}, 100.0)
    assert made.take(2.0) == []


def test_two_collectors_that_ask_the_same_have_it_once() -> None:
    made = extra()
    made.replace("a", [ask("a1")], 0.0)
    made.replace("b", [ask("b1")], 0.2)
    assert len(made.take(0.3)) == 1
    made.began(PAIR, 0.3, asked=True)
    assert made.take(10.0) == []


def test_hostile_numbers_do_nothing() -> None:
    made, odd = extra(), [math.nan, math.inf, -math.inf, -1.0, 0.0, 1e308]
    choice = random.Random(1)
    for n in range(500):
        made.replace(
            "c", [ask(str(n), in_s=choice.choice(odd), every_s=choice.choice(odd), left_s=choice.choice(odd))], n
        )
        for run in made.take(float(n)):
            made.began(run.pair, float(n), asked=True)
        next_at = made.next_at()
        assert next_at is None or math.isfinite(next_at)


def test_what_was_asked_for_says_so_and_what_it_cannot_afford_says_nothing() -> None:
    base = Observation(
        probe="p", stream="", seq=0, run="r", check="api", kind="http", target="t", subject="s", dims={},
        scheduled_at=1, started_at=1, duration_ns=1, phases=[], findings={"status": 200},
    )  # fmt: skip
    spent = msgspec.structs.replace(base, abstain="over_budget")
    (only,) = told([base, spent], "suspicion")
    assert only.findings == {"status": 200, "asked": "suspicion"}
    assert base.findings == {"status": 200}


def test_what_others_run_is_not_asked_right_after_a_start() -> None:
    """A run may have gone there just before, asked for or not."""
    made = ExtraRuns()
    made.use({PAIR: EXTERNAL}, 100.0)
    made.replace("c", [ask()], 101.0)
    assert made.next_at() == 115.0
    assert runs(made, 101.0, 140.0) == [115.0]
    own = ExtraRuns()
    own.use({PAIR: OWN}, 100.0)
    own.replace("c", [ask()], 101.0)
    assert own.next_at() == 101.0


def test_a_plan_that_comes_and_goes_gets_nobody_around_the_floor() -> None:
    made, found = extra(EXTERNAL), []
    for tick in range(4 * 300):
        now = 100.0 + tick / 4
        made.use({} if tick % 70 < 4 else {PAIR: EXTERNAL}, now)
        made.replace("c", [ask(str(tick))], now)
        for run in made.take(now):
            made.began(run.pair, now, asked=True)
            found.append(now)
    assert len(found) >= 2
    assert min(later - sooner for sooner, later in pairwise(found)) >= EXTERNAL_FLOOR_S
    made.use({}, found[-1] + 1)
    made.use({PAIR: EXTERNAL}, found[-1] + 2)
    assert made.puts_off(PAIR, found[-1] + 3), "nor does a tick of the grid"


def test_a_collectors_own_words_are_not_passed_on() -> None:
    made = extra()
    made.replace("c", [msgspec.structs.replace(ask(), why="x" * 200_000)], 100.0)
    assert [run.why for run in made.take(100.0)] == ["asked"]
