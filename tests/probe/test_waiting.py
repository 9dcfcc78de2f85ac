"""Runs that wait: from when on they are told as pending, and that no outcome is waited for longer than it takes."""

from typing import Any

import pytest
import trio
import trio.testing

from parallax.clock import NS
from parallax.dialling.route import EVERYWHERE, Routes
from parallax.dialling.tls import Trust
from parallax.observation import PENDING, Observation
from parallax.plan.specs import HttpSpec, TlsSpec
from parallax.plan.types import Check
from parallax.values import Address, Duration
from probe.cutter import LONGEST_OPEN_S, Cutter
from probe.kind import Subject
from probe.runs import Vantage, _Start, _watch, run_target
from probe.tools import Tools
from probe.waiting import DEFAULT_S, ENOUGH, FLOOR_S, KEPT, Waiting, Waits
from tests.fakes.http_server import Behaviour, Peer, http_server
from tests.fakes.observations import observation
from tests.probe.test_health import A, B, C, Controls, watched

PLACE = ("web", "https://a.example/", "192.0.2.1:443")


def taught(*spans_s: float) -> Waiting:
    made = Waiting()
    for span in spans_s:
        made.note(observation(duration_ns=int(span * NS)))
    return made


@pytest.mark.parametrize(
    ("spans", "after"),
    [
        ((), DEFAULT_S),
        ((9.0,) * (ENOUGH - 1), DEFAULT_S),
        ((0.02,) * ENOUGH, FLOOR_S),
        ((3.0,) * ENOUGH, 3.0),
        ((0.1,) * 196 + (1.5, 2.5, 4.0, 8.0), 2.5),
        ((9.0,) * KEPT + (1.5,) * KEPT, 1.5),
    ],
)
def test_it_is_the_probe_s_own_99th_percentile(spans: tuple[float, ...], after: float) -> None:
    assert taught(*spans).after_s(*PLACE) == pytest.approx(after)


def test_only_passes_teach() -> None:
    made = Waiting()
    for _ in range(ENOUGH):
        for more in ({"reason": "connect_timeout"}, {"abstain": "overload"}, {"attempt": 2}):
            made.note(observation(duration_ns=9 * NS, **more))
    assert made.after_s(*PLACE) == DEFAULT_S


def test_each_subject_has_its_own_and_a_name_that_of_all() -> None:
    made = taught(*(3.0,) * ENOUGH)
    assert made.after_s(*PLACE[:2], "192.0.2.2:443") == DEFAULT_S
    assert made.after_s(*PLACE[:2]) == pytest.approx(3.0)


def test_it_is_bounded() -> None:
    made = Waiting(most=10)
    for number in range(1000):
        made.note(observation(subject=str(number)))
    assert len(made._passes) == 10


def test_what_is_pending_closes_the_batch() -> None:
    cutter = Cutter()
    cutter.add(observation(), 10.0)
    assert cutter.due_at == 10.0 + LONGEST_OPEN_S
    cutter.add(observation(abstain=PENDING), 10.2)
    assert cutter.due_at == 10.2


class Told:
    """What a run says while it goes on."""

    def __init__(self, after_s: float) -> None:
        self.after, self.pending, self.first = after_s, list[Observation](), list[Observation]()
        self.asked: list[tuple[str, str, str]] = []
        self.came = trio.Event()

    def after_s(self, check: str, target: str, subject: str = "") -> float:
        self.asked.append((check, target, subject))
        return self.after

    def tell(self, made: Observation) -> None:
        self.pending.append(made)
        self.came.set()

    async def run(self, behaviour: Behaviour, *, timeout_s: float = 0.6, **tools: Any) -> list[Observation]:
        async with http_server(behaviour) as server:
            target = f"http://{server.address}/"
            check = Check(
                name="c", kind="http", targets=[target], period=Duration(30), timeout=Duration(timeout_s),
                external=True, probes=[], spec=HttpSpec(),
            )  # fmt: skip
            means = Tools(
                routes=Routes.of(allow=EVERYWHERE),
                trust=Trust(),
                resolvers=(),
                waits=Waits(self.after_s, self.tell),
                on_first=self.first.extend,
                **tools,
            )
            return await run_target(check, target, Vantage(probe="p", families=(4,)), means, scheduled_at=7)


async def silent(peer: Peer) -> None:
    await peer.until_gone()


async def prompt(peer: Peer) -> None:
    await peer.request()
    await peer.send(b"HTTP/1.1 200 X\r\nContent-Length: 2\r\n\r\nok")


async def test_a_run_that_hangs_is_told_once_and_its_outcome_follows() -> None:
    told = Told(0.05)
    last = await told.run(silent)
    (pending,) = told.pending
    (first,) = told.first
    assert [o.attempt for o in last] == [2]
    assert (pending.reason, pending.abstain, pending.phases, pending.findings) == (None, PENDING, [], {})
    assert (first.reason, first.abstain) == ("first_byte_timeout", None)
    same = ("run", "check", "kind", "target", "subject", "scheduled_at", "started_at", "attempt", "probe")
    assert [getattr(pending, name) for name in same] == [getattr(first, name) for name in same]
    assert pending.dims.items() <= first.dims.items()
    assert 50_000_000 <= pending.duration_ns < first.duration_ns


async def test_a_run_that_is_over_in_time_says_nothing_more() -> None:
    told = Told(5.0)
    (only,) = await told.run(prompt, timeout_s=10.0)
    assert (only.reason, told.pending, told.first) == (None, [], [])


async def test_where_the_timeout_is_as_near_nothing_is_told() -> None:
    told = Told(0.3)
    await told.run(silent, timeout_s=0.3)
    assert told.pending == []


async def test_a_run_that_was_asked_for_has_no_control_attempt() -> None:
    told = Told(5.0)
    (only,) = await told.run(silent, timeout_s=0.2, asked=True)
    assert (only.attempt, only.reason, told.first) == (1, "first_byte_timeout", [])


async def test_a_lookup_that_hangs_is_told_at_the_name() -> None:
    told = Told(0.05)
    with trio.socket.socket(type=trio.socket.SOCK_DGRAM) as mute:
        await mute.bind(("127.0.0.1", 0))
        check = Check(
            name="c", kind="tls", targets=["www.acme.example:443"], period=Duration(30), timeout=Duration(0.4),
            external=True, probes=[], spec=TlsSpec(),
        )  # fmt: skip
        tools = Tools(
            routes=Routes.of(allow=EVERYWHERE),
            trust=Trust(),
            resolvers=(Address.of("127.0.0.1", mute.getsockname()[1]),),
            waits=Waits(told.after_s, told.tell),
        )
        vantage = Vantage(probe="p", families=(4,))
        (found,) = await run_target(check, "www.acme.example:443", vantage, tools, scheduled_at=0)
    (pending,) = told.pending
    assert pending.subject == found.subject == "www.acme.example:443"
    assert (pending.abstain, found.reason) == (PENDING, "dns_timeout")


async def test_a_run_that_is_cancelled_leaves_nothing_behind() -> None:
    told = Told(0.05)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(told.run, silent)
        await told.came.wait()
        nursery.cancel_scope.cancel()
    assert (len(told.pending), told.first) == (1, [])


async def test_a_probe_that_is_in_trouble_itself_says_nothing_of_what_waits(
    autojump_clock: trio.testing.MockClock,
) -> None:
    controls = Controls()
    pending = observation(abstain=PENDING, duration_ns=2 * NS)
    async with watched(controls, [A, B, C]) as health:
        await trio.sleep(60)
        assert health.vouches_for(pending)
        controls.up.clear()
        await trio.sleep(60)
        assert not health.vouches_for(pending)
        assert health.vouches_for(observation(abstain=PENDING, duration_ns=2 * NS, dims={"family": "6"}))


async def test_of_several_only_those_that_are_not_over_are_told(autojump_clock: trio.testing.MockClock) -> None:
    told = Told(0.05)
    check = Check(
        name="c", kind="tls", targets=["t"], period=Duration(30), timeout=Duration(5),
        external=True, probes=[], spec=TlsSpec(),
    )  # fmt: skip
    start = _Start(check, "t", Vantage(probe="p", families=(4,)), "r", 0, 0, trio.current_time())
    subjects = [Subject(target="t", host="h", address=Address(f"192.0.2.{n}:443")) for n in range(1, 4)]
    waits = Waits(told.after_s, told.tell)
    await _watch(start, waits, subjects, trio.current_time(), lambda place: place == 1)
    assert [o.subject for o in told.pending] == ["192.0.2.1:443", "192.0.2.3:443"]
