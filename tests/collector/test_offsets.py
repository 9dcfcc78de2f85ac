from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.offsets import SKEWED_NS, Exchange, Offset, estimate
from parallax.clock import NS

MS = NS // 1000


def exchanges(*rows: tuple[float, float | None], offset: float = 0) -> list[Exchange]:
    """One way and round trip in seconds; the probe's clock is behind by the offset."""
    made = []
    for n, (way, trip) in enumerate(rows):
        sent = n * NS
        made.append(Exchange(sent, round(sent + (way + offset) * NS), None if trip is None else round(trip * NS)))
    return made


@pytest.mark.parametrize(
    ("seen", "offset", "skewed"),
    [
        ([], None, False),
        (exchanges((0.01, 0.02)), 0, False),
        (exchanges((0.01, 0.02), offset=5), 5, True),
        (exchanges((0.01, 0.02), offset=-5), -5, True),
        (exchanges((0.01, 0.02), offset=1.9), 1.9, False),
        (exchanges((0.01, None), offset=-5), -4.99, True),
        (exchanges((3.0, None)), 3.0, False),
        (exchanges((3.0, 0.02), (0.01, 0.02)), 0, False),
        (exchanges((0.01, 6.0)), -2.99, False),
    ],
    ids=[
        "none",
        "right",
        "behind",
        "ahead",
        "within 2 s",
        "ahead, first",
        "slow first",
        "one slow",
        "slow trip before",
    ],
)
def test_offsets(seen: Sequence[Exchange], offset: float | None, skewed: bool) -> None:
    got = estimate(seen)
    assert got.skewed is skewed
    assert got.offset_ns == (None if offset is None else pytest.approx(offset * NS, abs=2 * MS))


@given(
    st.lists(st.tuples(st.integers(0, 10 * NS), st.integers(0, 10 * NS)), min_size=1, max_size=8),
    st.integers(-SKEWED_NS, SKEWED_NS),
)
def test_a_clock_within_the_bound_is_never_called_skewed_however_slow_the_way(
    ways: list[tuple[int, int]], offset: int
) -> None:
    """As long as each round trip is at least its way there."""
    seen = [Exchange(0, way + offset, way + back) for way, back in ways]
    assert not estimate(seen).skewed


def test_nothing_is_known_of_a_silent_probe() -> None:
    assert estimate([]) == Offset(None, skewed=False)
