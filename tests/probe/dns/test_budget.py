"""The budget of an operator, and stores that are bounded."""

import pytest

from probe.bounded import Bounded
from probe.dns.budget import BURST_S, SMALLEST_BURST, Budget
from probe.dns.memory import MOST_NAMES, Memory


def limited(per_minute: float) -> Budget:
    budget = Budget()
    budget.limit(per_minute)
    budget.belongs("192.0.2.1:53", "A")
    budget.belongs("192.0.2.2:53", "A")
    budget.belongs("192.0.2.3:53", "B")
    return budget


def sent(budget: Budget, address: str, seconds: int, *, per_second: int = 100) -> int:
    return sum(budget.take(address, second) for second in range(seconds) for _ in range(per_second))


@pytest.mark.parametrize("per_minute", [60.0, 600.0, 1200.0])
def test_over_minutes_no_more_is_sent_than_the_share(per_minute: float) -> None:
    burst = max(SMALLEST_BURST, per_minute * BURST_S / 60)
    went = sent(limited(per_minute), "192.0.2.1:53", 600)
    assert per_minute * 9.9 <= went <= per_minute * 10 + burst


def test_all_servers_of_an_operator_share_and_others_do_not() -> None:
    budget = limited(60)
    first = [budget.take("192.0.2.1:53", 0) for _ in range(50)]
    assert (sum(first), budget.refused) == (30, {"A": 20})
    assert not budget.take("192.0.2.2:53", 0)
    assert budget.take("192.0.2.3:53", 0)
    assert budget.take("203.0.113.53:53", 0), "a resolver is nobody's server"
    assert budget.sent == 32
    assert budget.take("192.0.2.2:53", 1)


def test_without_a_limit_everything_goes() -> None:
    budget = limited(60)
    budget.limit(None)
    assert sent(budget, "192.0.2.1:53", 1, per_second=1000) == 1000


def test_a_clock_that_stands_still_gives_nothing() -> None:
    budget = limited(60)
    assert sum(budget.take("192.0.2.1:53", 5.0) for _ in range(1000)) == 30


def test_what_is_kept_is_good_for_its_time_and_bounded() -> None:
    kept: Bounded[int] = Bounded(3)
    for number in range(5):
        kept.put(str(number), number, until=10 + number)
    assert (len(kept), kept.lost) == (3, 2)
    assert (kept.get("2", 11.9), kept.get("2", 12.0), kept.stale("2")) == (2, None, 2)
    kept.put("5", 5, until=20)
    assert kept.stale("3") is None, "what was used last stays"
    assert kept.stale("2") == 2
    kept.drop("2")
    assert kept.stale("2") is None


def test_names_are_remembered_by_zone_and_bounded() -> None:
    memory = Memory()
    for number in range(MOST_NAMES + 10):
        memory.names.note(f"n{number}.a.test")
    memory.names.note("a.test")
    memory.names.note("xa.test")
    under = memory.names.under("a.test")
    assert under[-1] == "a.test"
    assert "xa.test" not in under
    assert len(under) == MOST_NAMES - 1


def test_turns_count_each_for_itself() -> None:
    memory = Memory()
    assert [memory.turn("a"), memory.turn("a"), memory.turn("b"), memory.turn("a")] == [0, 1, 0, 2]
