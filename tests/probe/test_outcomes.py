"""Every answer of a collector to what the probe does next."""

import pytest

from parallax.wire import Ack
from probe.outcomes import BY_STATUS, LONGEST_WAIT_S, STOP_PAUSE_S, Answer, Backoff, outcome_of

ACK = Ack(last_seq=1, received_at=1, answered_at=2)


@pytest.mark.parametrize(
    ("answer", "action", "wait_s"),
    [
        (Answer(status=200, ack=ACK), "done", 0),
        (Answer(status=200), "retry", 0),  # a captive portal
        (Answer(status=204), "retry", 0),
        (Answer(status=301), "stop", STOP_PAUSE_S),
        (Answer(status=400), "drop", 0),
        (Answer(status=401), "stop", STOP_PAUSE_S),
        (Answer(status=403), "stop", STOP_PAUSE_S),
        (Answer(status=404), "stop", STOP_PAUSE_S),
        (Answer(status=408), "retry", 0),
        (Answer(status=409), "restamp", 0),
        (Answer(status=413), "drop", 0),
        (Answer(status=415), "drop", 0),
        (Answer(status=418), "stop", STOP_PAUSE_S),
        (Answer(status=422), "stop", STOP_PAUSE_S),
        (Answer(status=429, retry_after_s=7.0), "wait", 7),
        (Answer(status=429), "retry", 0),
        (Answer(status=500), "retry", 0),
        (Answer(status=503, retry_after_s=1.0), "wait", 1),
        (Answer(status=503, retry_after_s=999999.0), "wait", LONGEST_WAIT_S),
        (Answer(status=503, retry_after_s=0.0), "wait", 0.05),
        (Answer(status=507, retry_after_s=30.0), "wait", 30),
        (Answer(status=599), "retry", 0),
        (Answer(status=999), "retry", 0),
        (Answer(failure="timeout"), "retry", 0),
        (Answer(failure="refused"), "retry", 0),
        (Answer(failure="malformed"), "retry", 0),
        (Answer(failure="bug"), "retry", 0),
        (Answer(failure="certificate"), "stop", STOP_PAUSE_S),
        (Answer(failure="token"), "stop", STOP_PAUSE_S),
        (Answer(), "retry", 0),
    ],
    ids=str,
)
def test_what_is_done_next(answer: Answer, action: str, wait_s: float) -> None:
    outcome = outcome_of(answer)
    assert (outcome.action, outcome.wait_s) == (action, wait_s)
    assert bool(outcome.word) == (action != "done")


def test_only_what_can_never_be_taken_leaves_the_spool() -> None:
    left = [status for status in range(100, 600) if outcome_of(Answer(status=status)).action in ("done", "drop")]
    assert left == [400, 413, 415]


def test_a_table_entry_that_stops_says_when_to_look_again() -> None:
    assert all(outcome.wait_s > 0 for outcome in BY_STATUS.values() if outcome.action == "stop")


def test_the_backoff_doubles_to_its_cap_and_begins_anew() -> None:
    backoff = Backoff(0.5, 4.0, jitter=lambda: 1.0)
    assert [backoff.next_s() for _ in range(6)] == [0.5, 1, 2, 4, 4, 4]
    backoff.reset()
    assert backoff.next_s() == 0.5
    assert Backoff(1.0, 4.0, jitter=lambda: 0.0).next_s() == 0.5
