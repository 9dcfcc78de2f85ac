"""Regular expressions on hostile text are stopped, also those that the plan's lint lets through."""

import time

import pytest
import trio

from probe.http.patterns import MAX_TEXT, search


@pytest.mark.parametrize("pattern", ["(a|a)*b", "a*a*a*b", "a*b", "(?:aa?)*b", ".*x.*y.*z$", r"(\w+\s?)*!"])
def test_a_hostile_text_costs_a_bounded_time(pattern: str) -> None:
    before = time.process_time()
    search(pattern, "a" * 10_000_000)
    assert time.process_time() - before < 5


def test_what_was_given_up_says_so() -> None:
    assert search("(a|a)*b", "a" * 1000) is None
    assert search("a+b", "aab") is True
    assert search("a+b", "aa") is False


def test_only_the_beginning_is_looked_at() -> None:
    assert search("b", "a" * (MAX_TEXT - 1) + "b") is True
    assert search("b", "a" * MAX_TEXT + "b") is False


async def test_elsewhere_than_in_the_main_thread_it_works_too() -> None:
    assert await trio.to_thread.run_sync(search, "a+b", "aab") is True
