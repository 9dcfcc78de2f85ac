import msgspec
from hypothesis import given
from hypothesis import strategies as st

from collector.history.types import Point
from collector.web.series import MOST_STEPS, SPANS, Cell, Window, chart, table, tail, window
from parallax.clock import NS

T0 = 1_770_742_800 * NS
"""17:00:00 UTC, a whole hour."""


def point(minute: int, probe: str = "fra1", *, failed: int = 0, p50_ms: float | None = 20, subject: str = "a") -> Point:
    p50 = None if p50_ms is None else int(p50_ms * 1e6)
    return Point(
        at=T0 + minute * 60 * NS,
        probe=probe,
        subject=subject,
        total=2,
        failed=failed,
        abstained=0,
        p50_ns=p50,
        p95_ns=None if p50 is None else p50 * 2,
    )


FIVE = Window(since=T0, until=T0 + 300 * NS, step_s=60)


def test_a_window_is_whole_steps_and_covers_now() -> None:
    now = T0 + 90 * NS
    found = window(now, 3600, 60, 30)
    assert found.step_s == 60
    assert found.until == T0 + 120 * NS
    assert found.steps == 60
    assert found.since % (60 * NS) == 0


@given(st.integers(0, 2**62), st.sampled_from(sorted(SPANS)), st.floats(1, 86_400))
def test_no_window_is_past_the_bound(now: int, span: str, period_s: float) -> None:
    for step_s in (SPANS[span].chart_s, SPANS[span].table_s):
        found = window(now, SPANS[span].length_s, step_s, period_s)
        assert 1 <= found.steps <= MOST_STEPS
        assert found.until - found.step_s * NS < now <= found.until or now == found.until
        assert found.step_s >= step_s


def test_a_slow_check_has_longer_steps() -> None:
    assert window(T0, 3600, 60, 60).step_s == 120
    assert window(T0, 3600, 60, 300).step_s == 600
    assert window(T0, 3600, 60, 86_400).step_s == 86_400


def test_many_lines_have_longer_steps() -> None:
    for lines in (8, 160, 5000):
        found = window(T0, 86_400, 120, 30, lines)
        assert found.steps * lines <= 25_000 or found.step_s == 86_400
    assert window(T0, 86_400, 120, 30, 8).step_s == 120


def test_the_tail_begins_with_the_step_that_was_asked_for() -> None:
    whole = window(T0, 3600, 60, 30)
    assert tail(whole, (T0 - 90 * NS) / NS).since == T0 - 120 * NS
    assert tail(whole, 0) == whole
    assert tail(whole, 1e300).steps == 1


def test_columns_have_a_place_for_each_step() -> None:
    found = chart([point(1), point(3, p50_ms=None, failed=2), point(4, failed=1), point(2, "iad1")], FIVE)
    fra, iad = found.lines
    assert (found.since_s, found.until_s, found.step_s) == (T0 // NS, T0 // NS + 300, 60)
    assert fra.probe == "fra1"
    assert fra.p50_ms == [None, 20, None, None, 20]
    assert fra.p95_ms == [None, 40, None, None, 40]
    assert fra.failed == [(3, 2, 2), (4, 1, 2)]
    assert iad.p50_ms == [None, None, 20, None, None]
    assert iad.failed == []


def test_points_out_of_the_window_are_left_out() -> None:
    assert chart([point(-1), point(5), point(500)], FIVE).lines == []
    assert chart([], FIVE).lines == []


def test_of_several_subjects_the_slowest_counts_and_all_failures_do() -> None:
    some = [point(0, p50_ms=20), point(0, p50_ms=90, subject="b"), point(0, p50_ms=None, failed=2, subject="c")]
    [line] = chart(some, FIVE).lines
    assert line.p50_ms[0] == 90
    assert line.failed == [(0, 2, 6)]
    [line] = chart(some, FIVE, subject="a").lines
    assert line.p50_ms[0] == 20
    assert line.failed == []


def test_runs_that_abstained_count_for_nothing() -> None:
    [line] = chart([msgspec.structs.replace(point(0, failed=1, p50_ms=None), abstained=1)], FIVE).lines
    assert line.failed == [(0, 1, 1)]


def test_milliseconds_have_the_digits_that_can_be_seen() -> None:
    [line] = chart([point(n, p50_ms=ms) for n, ms in enumerate((1.23456, 23.456, 2345.6))], FIVE).lines
    assert line.p50_ms == [1.23, 23.5, 2346, None, None]


def test_the_table_has_a_row_for_each_step_the_latest_first() -> None:
    probes, rows = table([point(1), point(2, "iad1", failed=2, p50_ms=None), point(2)], FIVE)
    assert probes == ("fra1", "iad1")
    assert [row.at for row in rows] == [T0 + 120 * NS, T0 + 60 * NS]
    assert rows[0].cells[1] == Cell(total=2, failed=2, abstained=0, p50_ns=None, p95_ns=None)
    assert rows[1].cells[1] is None
