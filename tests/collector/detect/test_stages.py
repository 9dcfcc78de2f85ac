"""The table of stages, in full, and how long an incident is watched."""

from typing import get_args

import pytest

from collector.detect.incidents.stages import RELAPSE_NS, TRANSITIONS, WATCH_NS, Signal, next_stage, watch_ns
from collector.events import Stage
from parallax.clock import NS

# located, named, effective, passes, gone, calm, fails
N, D, M, R, A = "investigating", "identified", "monitoring", "resolved", "reopened"
TABLE = {
    N: (D, D, M, M, R, N, N),
    D: (D, D, M, M, R, D, D),
    M: (M, M, M, M, R, R, A),
    R: (R, R, R, R, R, R, A),
    A: (D, D, M, M, R, A, A),
}
SIGNALS: tuple[Signal, ...] = ("located", "named", "effective", "passes", "gone", "calm", "fails")


def test_the_table_is_whole() -> None:
    assert set(TABLE) == set(TRANSITIONS) == set(get_args(Stage))
    assert set(SIGNALS) == set(get_args(Signal))
    assert all(row.keys() == set(SIGNALS) for row in TRANSITIONS.values())


@pytest.mark.parametrize("stage", TABLE)
def test_what_follows_on_what(stage: Stage) -> None:
    assert tuple(next_stage(stage, signal) for signal in SIGNALS) == TABLE[stage]


@pytest.mark.parametrize(
    ("calm_s", "watched_s"), [(0, 900), (60, 900), (450, 900), (600, 1200), (1800, 3600), (10_000, 3600)]
)
def test_what_relapsed_is_watched_for_longer(calm_s: int, watched_s: int) -> None:
    assert watch_ns(calm_s * NS) == watched_s * NS
    assert WATCH_NS <= watch_ns(calm_s * NS) <= RELAPSE_NS
