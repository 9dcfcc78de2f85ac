"""What answers mean, and the lanes."""

import pytest

from collector.alerts.outcomes import (
    CAREFUL_S,
    FAST_UNTIL_S,
    GIVE_UP_S,
    SLOW_S,
    Action,
    Outcome,
    outcome_of,
    pause_s,
    timeout_s,
)
from collector.events.alert import Lane
from parallax.dialling.post import Answer


@pytest.mark.parametrize(
    ("status", "action"),
    [
        (200, "deliver"), (201, "deliver"), (202, "deliver"), (204, "deliver"), (299, "deliver"),
        (101, "retry"), (301, "slow"), (302, "slow"), (307, "slow"), (308, "slow"),
        (400, "refuse"), (401, "slow"), (403, "slow"), (404, "slow"), (408, "retry"), (410, "disable"),
        (413, "refuse"), (415, "refuse"), (422, "refuse"), (425, "retry"), (429, "retry"), (451, "slow"),
        (500, "retry"), (501, "retry"), (502, "retry"), (503, "retry"), (504, "retry"), (599, "retry"), (999, "retry"),
    ],
)  # fmt: skip
def test_every_status_means_something(status: int, action: str) -> None:
    assert outcome_of(Answer(status=status)).action == action


@pytest.mark.parametrize("status", [429, 502, 503, 504])
@pytest.mark.parametrize(("asked", "waits"), [(0, 1), (7, 7), (86400, 300), (-5, 1)])
def test_a_receiver_may_ask_for_time_within_bounds(status: int, asked: float, waits: float) -> None:
    outcome = outcome_of(Answer(status=status, retry_after_s=asked))
    assert (outcome.action, pause_s(outcome, 0, "fast")) == ("wait", waits)


def test_others_may_not() -> None:
    assert outcome_of(Answer(status=500, retry_after_s=9)).action == "retry"


@pytest.mark.parametrize(
    ("word", "action"),
    [
        ("certificate", "slow"), ("not_allowed", "slow"), ("not_https", "slow"), ("secret", "slow"),
        ("timeout", "retry"), ("refused", "retry"), ("no_address", "retry"), ("", "retry"), ("a new word", "retry"),
    ],
)  # fmt: skip
def test_every_failure_means_something(word: str, action: str) -> None:
    assert outcome_of(Answer(failure=word)).action == action


def starts(outcome: Outcome, took_s: float, until_s: float, lane: Lane) -> list[float]:
    """When tries start, seconds from the first, if each takes so long."""
    at, found = 0.0, []
    while at < until_s:
        found.append(at)
        at += took_s
        at += pause_s(outcome, at, lane)
    return found


def test_the_fast_lane_then_the_slow_one() -> None:
    found = starts(Outcome("retry"), 0.01, FAST_UNTIL_S + GIVE_UP_S, "fast")
    assert found[:10] == pytest.approx([0, 1, 2, 4, 8, 15, 30, 60, 90, 120])
    fast = [at for at in found if at <= FAST_UNTIL_S]
    assert len(fast) == 7 + 29
    assert found[len(fast) :] == pytest.approx([FAST_UNTIL_S + at for at in SLOW_S[1:-1]])


def test_the_slow_lane_is_75_hours() -> None:
    found = starts(Outcome("retry"), 0.01, SLOW_S[-1] + 1, "slow")
    assert found == pytest.approx([0, 5, 305, 2105, 9305, 27305, 63305, 113705, 185705, 272105])
    assert found[-2] < GIVE_UP_S < found[-1]


def test_tries_that_hang_skip_what_they_overran() -> None:
    assert starts(Outcome("retry"), 5.0, 100, "fast") == [0, 8, 15, 30, 60, 90]
    assert starts(Outcome("retry"), 15.0, 400, "slow") == [0, 305]


@pytest.mark.parametrize("action", ["slow", "refuse"])
def test_where_a_person_must_act_there_is_no_hurry(action: Action) -> None:
    assert starts(Outcome(action), 0.0, 181, "fast") == [0, CAREFUL_S, 2 * CAREFUL_S, 3 * CAREFUL_S]
    assert starts(Outcome(action), 0.0, 2000, "slow") == [0, CAREFUL_S, 305]


@pytest.mark.parametrize("lane", ["fast", "slow"])
def test_a_receiver_that_asks_for_time_is_heard(lane: Lane) -> None:
    assert pause_s(Outcome("wait", "throttled", 17.0), 3.0, lane) == 17


def test_the_slow_lane_has_more_patience_with_one_try() -> None:
    assert (timeout_s(0, "fast"), timeout_s(FAST_UNTIL_S - 1, "fast"), timeout_s(FAST_UNTIL_S, "fast")) == (5, 5, 15)
    assert timeout_s(0, "slow") == 15


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Answer(status=503), "answered 503"),
        (Answer(failure="no_address"), "no address"),
        (Answer(failure="secret", detail="HOOK: it is empty"), "secret: HOOK: it is empty"),
    ],
)
def test_an_answer_has_words(answer: Answer, words: str) -> None:
    assert answer.words == words
