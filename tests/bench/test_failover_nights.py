"""The figures that a failover group is held to, from the bench's own nights: drawn by seeds, so the same everywhere."""

import random
from itertools import pairwise

import pytest

from bench.switching.figures import COSTS, ours_in_august, ratios, worst
from bench.switching.nights import OVER, STARTS, august
from bench.switching.play import play
from bench.switching.policies import Foreseeing, Mirror, Ours

pytestmark = pytest.mark.slow


def test_the_night_of_august_6() -> None:
    figures = ours_in_august()
    assert figures.switchovers <= 2.7
    assert figures.most <= 4
    assert figures.worst_bad <= 1.5, "minutes in which users fail"
    assert figures.latest_back <= 60, "minutes after the last outage"


def test_the_nights_have_what_is_known() -> None:
    for seed in range(100):
        spans = august(random.Random(seed))
        assert set(STARTS) <= {start for start, _ in spans}
        assert spans[-1][1] <= OVER
        assert all(start < end for start, end in spans)
        assert all(end < start for (_, end), (start, _) in pairwise(spans))


def test_fail_back_is_near_what_hindsight_would_have_done() -> None:
    table = ratios(4)
    assert worst(table["**ours**"]) <= 1.8
    assert worst(table["mirror"]) > 5, "the nights are no easy ones"
    assert min(value for row in table.values() for value in row.values()) >= 0.97, "nobody beats hindsight"


def test_a_drain_takes_a_minute_and_users_fail_meanwhile() -> None:
    night = play([(0.0, 2700.0)], Mirror(), random.Random(1))
    assert len(night.switches) == 2
    assert 30 + 8 <= night.bad <= 30 + 12.3 + 1, "half of the minute, and what the detector takes"


def test_ours_is_the_real_decision() -> None:
    driver = Ours()
    play(august(random.Random(2)), driver, random.Random(2))
    assert driver.state.epoch >= 2
    words = [word for _, word in driver.said]
    assert words[:2] == ["command", "effective"]
    assert "not_effective" not in words


def test_hindsight_goes_back_only_where_it_pays() -> None:
    spans = [(0.0, 300.0), (600.0, 900.0), (4500.0, 4800.0)]
    night = play(spans, Foreseeing(spans, 1800.0), random.Random(1))
    assert [to_standby for _, to_standby in night.switches] == [True, False, True, False]
    assert COSTS[0].of(night) < COSTS[0].of(play(spans, Mirror(), random.Random(1)))
