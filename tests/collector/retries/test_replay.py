"""Policies replayed over attempts: numbers that were worked out by hand, the shapes that a real SDK was measured to
have, and what must hold of any stream."""

import random
from collections.abc import Iterable, Sequence
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from collector.retries import PATIENCES_S, Attempt, Figures, builtin_policies, report_on
from collector.retries.attempts import Met
from collector.retries.policies import waits
from collector.retries.replay import Stream, Try, judge, play
from parallax.clock import NS
from parallax.plan.types import Retry
from parallax.values import Duration

AT = 1_790_000_000 * NS
MS = 1_000_000
POLICIES = {policy.name: policy for policy in builtin_policies()}
PYTHON, GETS, TOKEN = POLICIES["clerk-python"], POLICIES["clerk-js-get"], POLICIES["clerk-js-token"]


def attempt(at_s: float, met: Met | None = "ok", **more: Any) -> Attempt:
    known: dict[str, Any] = {
        "at": AT + round(at_s * NS),
        "duration_ns": 50 * MS,
        "probe": "p1",
        "target": "t",
        "subject": "s",
        "run": f"{at_s}",
        "attempt": 1,
        "met": met,
    }
    return Attempt(**{**known, **more})


def total(attempts: Iterable[Attempt], *policies: Retry) -> Figures:
    return report_on(list(attempts), policies or builtin_policies()).total


def first(policy: Retry, number: int) -> list[float]:
    waiting = waits(policy)
    return [round(next(waiting), 4) for _ in range(number)]


def test_the_waits_of_the_sdks_at_the_middle_of_their_jitter() -> None:
    assert first(GETS, 6) == [0.15, 1.05, 2.1, 4.2, 5.0, 5.0]
    assert first(PYTHON, 4) == [1.0, 1.25, 1.625, 2.1875]
    assert first(TOKEN, 3) == [3.0, 4.65, 7.2075]
    many = first(PYTHON, 1000)
    assert max(many) == many[-1] == 60


def test_a_wait_has_no_end_and_no_overflow() -> None:
    wild = Retry(name="w", on=["5xx"], factor=10.0, cap=Duration(1e9), initial=Duration(1e9))
    assert first(wild, 1000)[-1] == 1e9


def test_one_call_worked_out_by_hand() -> None:
    """Ends at 0.05 s; retries at 1.05 s (by the control, 503 in 50 ms), 2.35 s (nobody: unknown), 3.975 s (another
    probe's at 4 s, well in 50 ms)."""
    call = attempt(0, "5xx", run="r")
    stream = Stream(
        [
            call,
            attempt(0.15, "5xx", run="r", attempt=2),
            attempt(60, "ok"),
            attempt(3.9, "5xx", probe="p2"),
            attempt(4.0, "ok", probe="p3"),
        ]
    )
    tries = play(call, stream, PYTHON, window_s=1)
    assert tries == [
        Try(0, 50 * MS, False),
        Try(1050 * MS, 1100 * MS, False),
        Try(2350 * MS, 2350 * MS, None),
        Try(3975 * MS, 4025 * MS, True),
    ]
    assert judge(tries, 2).requests == (2, 2)
    assert judge(tries, 2).ok is False
    assert judge(tries, 3).ok is None
    assert judge(tries, 3).requests == (3, 3)
    at_last = judge(tries, 10)
    assert (at_last.ok, at_last.took_ns, at_last.requests) == (True, 4025 * MS, (3, 4))


def test_a_retry_that_ends_too_late_is_sent_and_in_vain() -> None:
    call = attempt(0, "5xx", run="r")
    stream = Stream([call, attempt(0.15, run="r", attempt=2, duration_ns=4 * NS)])
    tries = play(call, stream, PYTHON)
    assert [(judge(tries, s).ok, judge(tries, s).requests) for s in (2, 10)] == [(False, (2, 2)), (True, (2, 2))]


def test_the_same_probes_next_attempt_comes_before_an_earlier_one_of_another() -> None:
    call = attempt(0, "5xx")
    stream = Stream([call, attempt(1.1, "ok", probe="p2"), attempt(5, "4xx")])
    assert [each.ok for each in play(call, stream, PYTHON)] == [False, False]
    alone = Stream([call, attempt(1.1, "ok", probe="p2")])
    assert [each.ok for each in play(call, alone, PYTHON)] == [False, True]


def test_one_attempt_is_evidence_for_one_try_only() -> None:
    """A control that is 503 says nothing of the second retry."""
    call = attempt(0, "5xx", run="r")
    tries = play(call, Stream([call, attempt(0.15, "5xx", run="r", attempt=2)]), PYTHON)
    assert [each.ok for each in tries[:4]] == [False, False, None, None]


def test_what_a_policy_does_not_try_again_after_stays_as_it_is() -> None:
    for met in ("429", "4xx", "other"):
        call = attempt(0, met)
        assert len(play(call, Stream([call, attempt(1.1)]), PYTHON)) == 1
    post = attempt(0, "network", method="POST")
    assert len(play(post, Stream([post, attempt(1.1)]), GETS)) == 1
    assert len(play(post, Stream([post, attempt(1.1)]), PYTHON)) == 2


def test_retry_after_is_waited_for_where_it_is_honoured() -> None:
    call = attempt(0, "5xx", retry_after_s=7.0)
    stream = Stream([call, attempt(7.5, "ok")])
    assert [each.began_ns for each in play(call, stream, PYTHON)] == [0, 7050 * MS]
    assert play(call, stream, TOKEN)[1].began_ns == 3050 * MS
    absurd = attempt(0, "5xx", retry_after_s=1e300)
    assert len(play(absurd, stream, PYTHON)) == 1


def test_a_first_attempt_that_is_slow_and_well_was_waited_for() -> None:
    figures = total([attempt(0, duration_ns=4 * NS)])
    assert {each.available for each in figures.policies} == {(1.0, 1.0)}


def test_without_evidence_a_share_is_an_interval() -> None:
    figures = total([attempt(0, "5xx"), attempt(100), attempt(200), attempt(300)])
    cell = figures.of("clerk-python", 2)
    assert (cell.ok, cell.unknown, cell.failed) == (3, 1, 0)
    assert cell.available == (0.75, 1.0)
    assert cell.amplification == (1.25, 1.25)
    assert figures.of("clerk-python", 10).amplification == (1.25, 2.25)  # at 1.05, 2.3, 3.925, 6.11, 8.9 s
    assert figures.of("clerk-js-get", 2).available == (0.75, 0.75)


def test_thirty_per_cent_of_503_are_hidden_by_an_sdk_as_measured() -> None:
    """A real clerk-backend-api against a server with 30 % of 503, 25 calls: 72 % at first, 100 % after retries, p95
    2.46 s. Here one probe calls once a minute, with a control where it fails; four others ask every ten seconds."""
    chance = random.Random(1)

    def draw() -> Met:
        return "5xx" if chance.random() < 0.3 else "ok"

    found = []
    for number in range(25):
        met: Met = "5xx" if number % 4 == 1 or number == 12 else "ok"
        found.append(attempt(60 * number, met, run=f"r{number}"))
        if met == "5xx":
            found.append(attempt(60 * number + 0.15, draw(), run=f"r{number}", attempt=2))
    for probe in range(4):
        found += [attempt(10 * n + 2.5 * probe + 0.3, draw(), probe=f"q{probe}") for n in range(150)]
    one = next(each for each in report_on(found, [PYTHON]).by_probe if each.probe == "p1")
    assert (one.calls, one.available_first) == (25, 0.72)
    cell = one.of("clerk-python", 30)
    assert cell.available == (1.0, 1.0)
    assert cell.p50_ns == 50 * MS
    assert cell.p95_ns is not None
    assert NS < cell.p95_ns < 6 * NS
    assert cell.amplification is not None
    assert 1.28 <= cell.amplification[0] == cell.amplification[1] < 1.7


def test_thirty_per_cent_of_429_are_not_hidden() -> None:
    """The same SDK against 40 % of 429 in the draw: 60 % at first, and 60 % after."""
    outcomes: list[Met] = ["ok", "ok", "ok", "429", "429"] * 5
    found = [attempt(60 * n, met, retry_after_s=30.0 if met == "429" else None) for n, met in enumerate(outcomes)]
    figures = total(found)
    assert figures.available_first == figures.of("clerk-python", 30).available[0] == 0.6  # type: ignore[index]
    assert figures.of("clerk-python", 30).available == (0.6, 0.6)
    assert figures.throttling.rate == 0.4
    assert (figures.throttling.retry_after, figures.throttling.retry_after_p50_s) == (10, 30.0)


def test_what_the_probes_own_rate_may_have_caused_is_left_out() -> None:
    """Three a minute are granted, and four are asked for."""
    limited: list[Met] = ["ok", "ok", "ok", "429"] * 5
    figures = total([attempt(15 * n, met) for n, met in enumerate(limited)])
    assert (figures.calls, figures.throttling.own, figures.throttling.throttled) == (15, 5, 5)
    assert figures.available_first == 1
    assert figures.throttling.rate == 0.25


def test_a_storm_of_429_counts_against_the_target_once_nothing_is_granted() -> None:
    found = [attempt(15 * n) for n in range(20)] + [attempt(15 * n, "429") for n in range(20, 40)]
    figures = total(found)
    assert (figures.met, figures.throttling.own) == ({"429": 18, "ok": 20}, 2)
    quiet = total([attempt(60 * n, "429") for n in range(5)])
    assert (quiet.calls, quiet.throttling.own, quiet.available_first) == (5, 0, 0)


def test_what_another_probe_was_granted_is_not_this_ones_doing() -> None:
    found = [attempt(n, probe="p2") for n in range(50)] + [attempt(50, "429")]
    assert total(found).met["429"] == 1


def test_a_grey_failure_shows_apart_what_is_refused_at_once_and_what_is_slow() -> None:
    storm = [attempt(30 * n, "429", duration_ns=8 * MS) for n in range(18)]
    slow = [attempt(700 + 100 * n, duration_ns=(1600 + 100 * n) * MS) for n in range(2)]
    found = [(each.met, each.calls, each.p50_ns, each.p95_ns) for each in total([*storm, *slow]).answers]
    assert found == [("ok", 2, 1600 * MS, 1700 * MS), ("429", 18, 8 * MS, 8 * MS)]
    assert total([]).answers == ()


def test_what_says_nothing_of_the_target_is_no_call() -> None:
    figures = total([attempt(0, None), attempt(1)])
    assert (figures.calls, figures.left_out, figures.attempts) == (1, 1, 1)


def test_nothing_at_all_has_figures_without_shares() -> None:
    figures = total([])
    assert figures.available_first is None
    assert {each.available for each in figures.policies} == {None}


def test_steps_come_in_the_order_of_a_run() -> None:
    found = [attempt(n * 60 + late, run=f"{n}", subject=step) for n in range(3) for late, step in ((0, "z"), (1, "a"))]
    report = report_on(found, [PYTHON])
    assert [each.subject for each in report.by_subject] == ["z", "a"]
    assert [each.calls for each in report.by_subject] == [3, 3]


streams = st.lists(
    st.builds(
        attempt,
        st.integers(0, 600).map(lambda tenths: tenths / 10),
        st.sampled_from(["ok", "network", "timeout", "5xx", "429", "4xx", "other", None]),
        probe=st.sampled_from(["p1", "p2"]),
        run=st.sampled_from(["a", "b", "c", "d"]),
        attempt=st.integers(1, 2),
        duration_ns=st.integers(0, 5 * NS),
        retry_after_s=st.none() | st.floats(0, 1e9),
    ),
    max_size=30,
)


def shares(figures: Figures) -> Sequence[tuple[float, float]]:
    return [each.available for each in figures.policies if each.available is not None]


@given(streams)
def test_what_holds_of_any_stream(attempts: list[Attempt]) -> None:
    report = report_on(attempts, builtin_policies())
    if len({(a.at, a.probe, a.run, a.attempt) for a in attempts}) == len(attempts):
        assert report == report_on(attempts[::-1], builtin_policies())
    for figures in (report.total, *report.by_subject, *report.by_probe):
        assert figures.calls == sum(figures.met.values())
        none = figures.of("none", 0)
        for low, high in shares(figures):
            assert figures.available_first is not None
            assert figures.available_first <= low <= high <= 1
        if none.available is not None:
            assert none.available == (figures.available_first, figures.available_first)
            assert none.amplification == (1.0, 1.0)
        for name in POLICIES:
            cells = [figures.of(name, patience_s) for patience_s in PATIENCES_S]
            assert all(each.ok + each.unknown + each.failed == figures.calls for each in cells)
            assert [each.ok for each in cells] == sorted(each.ok for each in cells)
            if figures.calls:
                assert all(each.amplification and 1 <= each.amplification[0] <= each.amplification[1] for each in cells)
    assert sum(each.calls for each in report.by_probe) == report.total.calls
