"""Bodies on virtual time, from a made-up server."""

import math
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import trio

from collector.answers import ANSWERS, Refusal, Word
from collector.bodies import BODY_S, DRAIN_S, Room, announced, drain, read_body
from parallax.wire import MAX_COMPRESSED


def drip(size: int, every_s: float, number: float = math.inf) -> Callable[[], Awaitable[dict[str, Any]]]:
    """A client that sends a part now and then."""
    sent = 0

    async def receive() -> dict[str, Any]:
        nonlocal sent
        await trio.sleep(every_s)
        sent += 1
        return {"type": "http.request", "body": bytes(size), "more_body": sent < number}

    return receive


async def test_a_body_in_parts(autojump_clock: trio.testing.MockClock) -> None:
    assert await read_body(drip(10, 1, 5)) == bytes(50)


async def test_a_slow_body_is_given_up(autojump_clock: trio.testing.MockClock) -> None:
    began = trio.current_time()
    assert await read_body(drip(1, 1)) == Refusal("too_slow")
    assert trio.current_time() - began == pytest.approx(BODY_S)


async def test_a_large_body_is_given_up_at_its_bound(autojump_clock: trio.testing.MockClock) -> None:
    assert await read_body(drip(65536, 0)) == Refusal("too_large")


async def test_draining_ends(autojump_clock: trio.testing.MockClock) -> None:
    began = trio.current_time()
    await drain(drip(1, 1))
    assert trio.current_time() - began == pytest.approx(DRAIN_S)
    await drain(drip(65536, 0))
    assert trio.current_time() - began == pytest.approx(DRAIN_S)


def test_room_is_bounded_in_all_and_by_sender() -> None:
    room = Room(octets=100, per_sender=2)
    with room.hold("a", 40) as one, room.hold("a", 40) as two:
        assert (one, two) == (None, None)
        with room.hold("a", 1) as three, room.hold("b", 30) as four, room.hold("b", 20) as five:
            assert three == Refusal("too_many")
            assert four == Refusal("busy")
            assert five is None
    assert room.free == 100
    assert room.refused == {"busy": 1, "too_many": 1}


def test_announced_lengths() -> None:
    assert announced(None) == MAX_COMPRESSED
    assert announced("12") == 12
    assert announced(str(MAX_COMPRESSED + 1)) == Refusal("too_large")
    assert announced("9" * 500) == Refusal("too_large")


def test_every_answer_has_a_status_of_its_own() -> None:
    assert ANSWERS.keys() == set(Word.__args__)  # type: ignore[attr-defined]
    assert len({answer.status for answer in ANSWERS.values()}) == len(ANSWERS)
    for word, answer in ANSWERS.items():
        assert (answer.retry_after_s is not None) == (answer.then == "wait"), word
