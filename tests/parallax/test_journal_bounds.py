"""The bounds' arithmetic, without a file."""

import pytest

from parallax.clock import NS
from parallax.journal.bounds import DROPS_AT_ONCE, AgeClock, Bounds, Drop, Head, plan_drop


def bounds(max_bytes: int = 1000, before_ns: int = -1, *, keep_read: bool = True, **more: bool) -> Bounds:
    return Bounds(max_bytes=max_bytes, before_ns=before_ns, keep_read=keep_read, **more)


def heads(number: int, at_ns: int = 10) -> list[Head]:
    return [Head(position, at_ns, 5, 100) for position in range(1, number + 1)]


@pytest.mark.parametrize(
    ("rule", "held", "need", "read_upto", "expected"),
    [
        (bounds(), 400, 100, 4, None),
        (bounds(), 1000, 100, 4, Drop(upto=1, records=1, things=5, bytes=100, lost={})),
        (bounds(), 1000, 101, 0, Drop(upto=2, records=2, things=10, bytes=200, lost={"size": 10})),
        (bounds(full=True), 1000, 1, 0, Drop(upto=1, records=1, things=5, bytes=100, lost={"disk_full": 5})),
        (bounds(full=True, keep_unread=True), 1000, 1, 0, None),
        (
            bounds(full=True, keep_unread=True),
            1000,
            200,
            1,
            Drop(upto=1, records=1, things=5, bytes=100, lost={}),
        ),
        (bounds(before_ns=10), 400, 0, 2, Drop(upto=4, records=4, things=20, bytes=400, lost={"age": 10})),
        (bounds(before_ns=9), 400, 0, 2, None),
        (bounds(keep_read=False), 400, 0, 3, Drop(upto=3, records=3, things=15, bytes=300, lost={})),
        (
            bounds(keep_read=False, before_ns=10),
            400,
            0,
            3,
            Drop(upto=4, records=4, things=20, bytes=400, lost={"age": 5}),
        ),
    ],
)
def test_what_must_go(rule: Bounds, held: int, need: int, read_upto: int, expected: Drop | None) -> None:
    assert plan_drop(heads(4), rule, held=held, need=need, read_upto=read_upto) == expected


def test_age_and_readers_clear_away_in_portions_but_size_as_much_as_it_needs() -> None:
    many = heads(DROPS_AT_ONCE * 2)
    held = len(many) * 100
    by_age = plan_drop(many, bounds(held, before_ns=10), held=held, need=0, read_upto=0)
    by_size = plan_drop(many, bounds(1000), held=held, need=0, read_upto=0)
    assert by_age is not None
    assert by_size is not None
    assert by_age.records == DROPS_AT_ONCE
    assert held - by_size.bytes == 1000


def test_a_damaged_record_goes_along_without_being_counted_again() -> None:
    rows = [Head(1, 10, 0, 0, records=0), Head(2, 10, 5, 100)]
    drop = plan_drop(rows, bounds(50), held=100, need=0, read_upto=0)
    assert drop == Drop(upto=2, records=1, things=5, bytes=100, lost={"size": 5})


@pytest.mark.parametrize(
    ("wall_at_start_s", "newest_s", "wall_now_s", "passed_s", "expected_s"),
    [
        (1000, 990, 1005, 5, 1005),
        (0, 0, 1000, 5, 5),  # booted in 1970, then learnt the time
        (0, 990, 1000, 5, 995),  # the same with records from before
        (1000, 990, 400, 5, 400),  # set back
        (1000, 5000, 1005, 5, 1005),  # a record from a wrong future
    ],
)
def test_now_for_ages(wall_at_start_s: int, newest_s: int, wall_now_s: int, passed_s: int, expected_s: int) -> None:
    ages = AgeClock(wall_ns=wall_at_start_s * NS, last_ns=newest_s * NS, now_s=77.0)
    assert ages.now_ns(wall_ns=wall_now_s * NS, now_s=77.0 + passed_s) == expected_s * NS
