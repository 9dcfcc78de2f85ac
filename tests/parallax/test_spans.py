import pytest

from parallax.clock import NS as S
from parallax.spans import lasting, lasting_exactly, measured

M, H, D = 60 * S, 3600 * S, 86400 * S


@pytest.mark.parametrize(
    ("ns", "text"),
    [
        (-5 * S, "0 s"),
        (0, "0 s"),
        (59 * S + 999_999_999, "59 s"),
        (60 * S, "1 min"),
        (3599 * S, "59 min"),
        (H, "1 h"),
        (2 * H + 5 * M, "2 h 5 min"),
        (D, "1 d"),
        (3 * D + 4 * H + 59 * M, "3 d 4 h"),
    ],
)
def test_lasting(ns: int, text: str) -> None:
    assert lasting(ns) == text


@pytest.mark.parametrize(
    ("ns", "text"),
    [(9 * S, "9 s"), (634 * S, "10 min 34 s"), (2 * H + 5 * S, "2 h 0 min 5 s"), (-1, "0 s")],
)
def test_lasting_exactly(ns: int, text: str) -> None:
    assert lasting_exactly(ns) == text


@pytest.mark.parametrize(
    ("ns", "text"),
    [
        (0, "0.0 ms"),
        (812_345, "0.8 ms"),
        (8_440_000, "8.4 ms"),
        (229_600_000, "230 ms"),
        (1_250_000_000, "1.25 s"),
        (5 * S, "5.00 s"),
        (12_345_000_000, "12.3 s"),
    ],
)
def test_measured(ns: int, text: str) -> None:
    assert measured(ns) == text
