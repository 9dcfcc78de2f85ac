"""Fisher's exact test against the hypergeometric distribution in whole numbers."""

from fractions import Fraction
from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.detect.sites.fisher import fisher_greater

TABLE = [
    ((3, 1, 1, 3), 17 / 70),  # Fisher's lady tasting tea, who named three of four cups
    ((4, 0, 0, 4), 1 / 70),
    ((0, 4, 4, 0), 1.0),
    ((10, 0, 0, 70), 1 / comb(80, 10)),
    ((0, 0, 5, 5), 1.0),
    ((0, 7, 0, 9), 1.0),
    ((5, 0, 7, 0), 1.0),
]


@pytest.mark.parametrize(("table", "p"), TABLE)
def test_known_tables(table: tuple[int, int, int, int], p: float) -> None:
    assert fisher_greater(*table) == pytest.approx(p, rel=1e-9)


@given(*[st.integers(0, 40)] * 4)
def test_against_whole_numbers(a: int, b: int, c: int, d: int) -> None:
    exact = sum(
        Fraction(comb(a + b, n) * comb(c + d, a + c - n), comb(a + b + c + d, a + c))
        for n in range(a, min(a + b, a + c) + 1)
    )
    assert fisher_greater(a, b, c, d) == pytest.approx(float(exact), rel=1e-9, abs=1e-300)


def test_large_tables_do_not_overflow() -> None:
    assert fisher_greater(5_000, 5_000, 5_000, 95_000) < 1e-100
