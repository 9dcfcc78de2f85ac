"""Uplink, event loop and holding back, on virtual time with controls that do as told."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
import trio
import trio.testing

from parallax.clock import NS
from parallax.observation import Observation
from parallax.values import Address, Family
from probe.clocks import ClockSync, Exchange
from probe.health import Health
from probe.lag import Beat
from probe.runner import Span
from tests.fakes.observations import observation

A, B, C = (Address(f"192.0.2.{n}:53") for n in (1, 2, 3))
SIX = Address("[2001:db8::1]:53")
TIMEOUT = observation(reason="connect_timeout", fault="target")
TIMEOUT_ELSEWHERE = observation(reason="connect_timeout", fault="target", subject="192.0.2.99:443")


class Controls:
    """Controls: `up` says what a dial gives after 20 ms; one that is not in it is silent."""

    def __init__(self) -> None:
        self.up: dict[Address, bool | None] = {A: True, B: True, C: True, SIX: True}
        self.dialled: list[tuple[float, Address]] = []

    async def dial(self, control: Address) -> bool | None:
        self.dialled.append((trio.current_time(), control))
        if control not in self.up:
            await trio.sleep_forever()
        await trio.sleep(0.02)
        return self.up[control]


@asynccontextmanager
async def watched(
    controls: Controls, addresses: list[Address], clock_sync: Callable[[], ClockSync] = ClockSync
) -> AsyncIterator[Health]:
    health = Health(controls.dial, clock_sync=clock_sync, wall=lambda: int(trio.current_time() * NS))
    health.use_controls(addresses)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(health.serve)
        await trio.sleep(1)
        yield health
        nursery.cancel_scope.cancel()


def just_ended() -> Span:
    return Span(trio.current_time() - 0.1, trio.current_time())


async def settle(health: Health, made: Observation) -> str | None:
    return (await health.settle([made], just_ended()))[0].abstain


async def test_a_target_is_blamed_while_the_uplink_works(autojump_clock: trio.testing.MockClock) -> None:
    async with watched(Controls(), [A, B, SIX]) as health:
        assert await settle(health, TIMEOUT) is None


async def test_an_uplink_that_died_just_now_is_known_before_the_observation_goes_out(
    autojump_clock: trio.testing.MockClock,
) -> None:
    controls = Controls()
    async with watched(controls, [A, B, C, SIX]) as health:
        controls.up = {SIX: True}
        began = trio.current_time()
        assert await settle(health, TIMEOUT) == "uplink_v4"
        assert trio.current_time() - began <= 1.0
        assert await settle(health, observation(reason="connect_timeout", dims={"family": "6"})) is None


async def test_an_uplink_that_died_right_after_a_check_is_known_too(autojump_clock: trio.testing.MockClock) -> None:
    controls = Controls()
    async with watched(controls, [A, B]) as health:
        await settle(health, TIMEOUT)  # has them checked just now
        controls.up = {}
        assert await settle(health, TIMEOUT_ELSEWHERE) == "uplink_v4"


async def test_a_flap_within_the_run_counts(autojump_clock: trio.testing.MockClock) -> None:
    controls = Controls()
    async with watched(controls, [A]) as health:
        started = trio.current_time()
        controls.up = {}
        health.uplinks[4]._wanted.set()
        await trio.sleep(2)
        controls.up = {A: True}
        await trio.sleep(10)
        span = Span(started, trio.current_time())
        assert (await health.settle([TIMEOUT], span))[0].abstain == "uplink_v4"
        assert await settle(health, TIMEOUT) is None


async def test_one_silent_control_is_no_dead_uplink(autojump_clock: trio.testing.MockClock) -> None:
    controls = Controls()
    controls.up = {B: True}
    async with watched(controls, [A, B]) as health:
        assert health.uplinks[4].up is True


@pytest.mark.parametrize(
    ("up", "abstain"),
    [
        ({A: True, B: True, C: True}, None),
        ({A: True, B: True}, None),
        ({A: True}, "uplink_v4"),
        ({A: True, B: False, C: False}, "uplink_v4"),
        ({A: True, B: None, C: None}, None),  # of those that may be dialled all answer
        ({A: True, B: None}, None),
        ({}, "uplink_v4"),
    ],
)
async def test_two_thirds_of_the_controls_silent_are_a_dead_uplink(
    autojump_clock: trio.testing.MockClock, up: dict[Address, bool | None], abstain: str | None
) -> None:
    """Also where the one that is always asked first goes on to answer."""
    controls = Controls()
    async with watched(controls, [A, B, C, SIX]) as health:
        controls.up = {**up, SIX: True}
        assert await settle(health, TIMEOUT) == abstain
        assert await settle(health, observation(reason="connect_timeout", dims={"family": "6"})) is None


async def test_while_nothing_fails_one_control_is_asked_at_a_time(autojump_clock: trio.testing.MockClock) -> None:
    controls = Controls()
    async with watched(controls, [A, B, C]):
        controls.dialled.clear()
        await trio.sleep(300)
        assert {control for _, control in controls.dialled} == {controls.dialled[0][1]}
        assert len(controls.dialled) == 20


ONE, OTHER = Address("192.0.2.53:53"), Address("198.51.100.53:53")


def looked_up(*tries: tuple[Address, str], found: tuple[str, ...] = ()) -> Observation:
    lookup = [{"resolver": str(resolver), "type": "A", "outcome": outcome} for resolver, outcome in tries]
    reason = None if found else "dns_timeout"
    return observation(reason=reason, fault=reason and "resolver", findings={"lookup": lookup, "addresses": [*found]})


@pytest.mark.parametrize(
    ("observed", "answering", "abstain"),
    [
        (looked_up((ONE, "timeout"), (OTHER, "timeout")), {ONE, OTHER}, None),
        (looked_up((ONE, "timeout"), (OTHER, "timeout")), {OTHER}, None),
        (looked_up((ONE, "timeout"), (OTHER, "timeout")), set(), "resolvers_silent"),
        (looked_up((ONE, "refused")), set(), "resolvers_silent"),
        (looked_up((ONE, "timeout"), (OTHER, "SERVFAIL")), set(), None),
        (looked_up((ONE, "timeout"), (OTHER, "NOERROR"), found=("192.0.2.1",)), set(), None),
        (TIMEOUT, set(), None),  # no lookup: dead resolvers have no part in it
    ],
)
async def test_dead_resolvers_abstain_from_what_needs_them(
    autojump_clock: trio.testing.MockClock, observed: Observation, answering: set[Address], abstain: str | None
) -> None:
    asked: list[Address] = []

    async def ask(resolver: Address) -> bool:
        asked.append(resolver)
        if resolver not in answering:
            await trio.sleep_forever()
        return True

    health = Health(Controls().dial, ask=ask, clock_sync=ClockSync, wall=lambda: int(trio.current_time() * NS))
    began = trio.current_time()
    assert await settle(health, observed) == abstain
    assert trio.current_time() - began <= 1.0
    asked.clear()
    assert await settle(health, observed) == abstain
    assert asked == [], "what it did holds for a moment"


async def test_controls_that_may_not_be_dialled_say_nothing(autojump_clock: trio.testing.MockClock) -> None:
    controls = Controls()
    controls.up = {A: None}
    async with watched(controls, [A]) as health:
        assert health.uplinks[4].up is None
        assert await settle(health, TIMEOUT) is None


async def test_without_controls_nothing_is_held(autojump_clock: trio.testing.MockClock) -> None:
    async with watched(Controls(), []) as health:
        began = trio.current_time()
        assert await settle(health, TIMEOUT) is None
        assert trio.current_time() == began


async def test_a_target_that_is_down_for_hours_does_not_load_the_controls(
    autojump_clock: trio.testing.MockClock,
) -> None:
    controls = Controls()
    async with watched(controls, [A, B]) as health:
        for _ in range(1000):
            await settle(health, TIMEOUT)
            await trio.sleep(0.5)
        assert len(controls.dialled) < 500 / 5 * 1.2


async def test_many_new_failures_at_once_ask_the_controls_at_most_twice_a_second(
    autojump_clock: trio.testing.MockClock,
) -> None:
    controls = Controls()
    async with watched(controls, [A]) as health:
        async with trio.open_nursery() as nursery:
            for n in range(300):
                nursery.start_soon(settle, health, observation(reason="connect_timeout", subject=f"192.0.2.9:{n + 1}"))
                await trio.sleep(0.01)
        assert len(controls.dialled) <= 10


async def test_other_controls_are_used_at_once(autojump_clock: trio.testing.MockClock) -> None:
    controls = Controls()
    controls.up = {B: True}
    async with watched(controls, [A]) as health:
        assert health.uplinks[4].up is False
        health.use_controls([B])
        await trio.sleep(1)
        assert health.uplinks[4].up is True


@pytest.mark.parametrize(
    ("offset_s", "synchronised", "abstain"),
    [
        (None, None, None),
        (None, False, "clock_unsynchronised"),
        (0.3, False, None),  # an exchange vouches for it
        (2.5, True, "clock_skewed"),
        (-2.5, False, "clock_skewed"),
    ],
)
async def test_the_clock(
    autojump_clock: trio.testing.MockClock, offset_s: float | None, synchronised: bool | None, abstain: str | None
) -> None:
    async with watched(Controls(), [], lambda: ClockSync(synchronised)) as health:
        if offset_s is not None:
            health.offsets.add("a", Exchange(offset_s, 0.01), trio.current_time())
        assert await settle(health, observation()) == abstain


class Wall:
    step_s = 0.0

    def __call__(self) -> int:
        return int((1_790_000_000 + trio.current_time() + self.step_s) * NS)


async def test_a_step_of_the_wall_clock_is_seen_once(autojump_clock: trio.testing.MockClock) -> None:
    wall, steps = Wall(), []
    beat = Beat(steps.append, wall)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(beat.serve)
        await trio.sleep(5)
        assert steps == []
        wall.step_s = -30
        await trio.sleep(5)
        nursery.cancel_scope.cancel()
    assert steps == pytest.approx([-30], abs=0.01)


async def test_a_blocked_event_loop_is_seen_also_while_it_lasts(mock_clock: trio.testing.MockClock) -> None:
    beat = Beat(wall=lambda: 0)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(beat.serve)
        await trio.testing.wait_all_tasks_blocked()
        started = trio.current_time()
        mock_clock.jump(0.1)
        await trio.testing.wait_all_tasks_blocked()
        assert beat.worst_since(started) == pytest.approx(0, abs=1e-6)
        mock_clock.jump(0.6)  # nothing could run meanwhile
        assert beat.worst_since(started) == pytest.approx(0.5)
        await trio.testing.wait_all_tasks_blocked()
        assert beat.worst_since(started) == pytest.approx(0.5)
        assert beat.worst_since(trio.current_time() + 0.01) == pytest.approx(0, abs=1e-6)
        nursery.cancel_scope.cancel()


async def test_the_hosts_routes_are_looked_up_for_what_was_unreachable_and_for_nothing_else(
    autojump_clock: trio.testing.MockClock,
) -> None:
    asked: list[float] = []

    def routed() -> frozenset[Family]:
        asked.append(trio.current_time())
        return frozenset({4})

    health = Health(Controls().dial, clock_sync=ClockSync, wall=lambda: int(trio.current_time() * NS), routed=routed)
    assert await settle(health, observation()) is None
    assert await settle(health, observation(reason="connect_refused", dims={"family": "6"})) is None
    assert asked == []
    assert await settle(health, observation(reason="connect_unreachable", dims={"family": "6"})) == "no_family"
    assert len(asked) == 1
