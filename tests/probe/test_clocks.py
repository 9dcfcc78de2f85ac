"""What exchanges say about the clock; what the kernel says is looked at for its form only."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parallax.clock import NS
from probe.clocks import KEPT, VOUCHED_S, Exchange, Offsets, read_clock_sync


@given(st.floats(-1e6, 1e6), st.floats(0, 10), st.floats(0, 10), st.floats(0, 100))
def test_the_offset_is_wrong_by_half_the_round_trip_at_most(off: float, up: float, down: float, inside: float) -> None:
    sent = 1_790_000_000 * NS
    received = sent + int((up + off) * NS)
    answered = received + int(inside * NS)
    arrived = answered + int((down - off) * NS)
    exchange = Exchange.of(sent, received, answered, arrived)
    assert abs(exchange.offset_s - off) <= exchange.round_trip_s / 2 + 1e-6
    assert exchange.round_trip_s == pytest.approx(up + down, abs=1e-6)


def test_of_the_last_exchanges_the_shortest_round_trip_counts() -> None:
    offsets = Offsets()
    for n in range(KEPT):
        offsets.add("a", Exchange(5.0, 0.9 if n else 0.01), 0.0)
    offsets.add("a", Exchange(1.0, 0.02), 1.0)  # pushes the one with 0.01 out
    assert offsets.offset_s(1.0) == 1.0


def test_one_collector_with_a_wrong_clock_does_not_silence_the_probe() -> None:
    offsets = Offsets()
    offsets.add("a", Exchange(900.0, 0.01), 0.0)
    assert offsets.offset_s(0.0) == 900.0
    offsets.add("b", Exchange(-0.2, 0.05), 0.0)
    assert offsets.offset_s(0.0) == -0.2


def test_what_was_measured_ages_and_is_forgotten_after_a_step() -> None:
    offsets = Offsets()
    offsets.add("a", Exchange(0.1, 0.01), 0.0)
    assert offsets.offset_s(VOUCHED_S) == 0.1
    assert offsets.offset_s(VOUCHED_S + 1) is None
    offsets.forget()
    assert offsets.offset_s(0.0) is None


def test_the_kernel_says_something_sane() -> None:
    sync = read_clock_sync()
    if sync.age_s is not None:
        assert sync.synchronised
        assert 0 <= sync.age_s <= 32_001
