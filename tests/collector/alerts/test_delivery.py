"""One receiver's delivery in virtual time: order, lanes, giving up, and what a restart says again."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio
from trio.testing import MockClock

from collector.alerts.ahead import MOST_WAITING
from collector.alerts.delivery import SAVE_EVERY_S, Delivery, InForce, ReceiverStatus, reader_of
from collector.alerts.message import Message
from collector.alerts.outcomes import FAST_UNTIL_S, GIVE_UP_S, Answer
from collector.events import Event, encode_event
from collector.inputs import FactInput
from parallax.clock import NS
from parallax.journal import Entry, JournalFull
from parallax.plan.alert_types import Match, Receiver, Route
from parallax.plan.types import Plan
from tests.fakes.events import AT, incident, risk
from tests.fakes.inputs import MemoryInputs
from tests.fakes.sender import TAKEN, FakeSender, answers

OPS = Receiver(name="ops", kind="webhook")
PLAN = Plan(receiver=[OPS])
DOWN = Answer(failure="refused")


class World:
    """A journal that outlives the deliveries that read it."""

    def __init__(self) -> None:
        self.events = MemoryInputs()
        self.sender = FakeSender()
        self.in_force = InForce("plan-1", PLAN)
        self.delivery: Delivery
        self.started_at = trio.current_time()
        self.facts: list[tuple[str, str, str]] = []

    def wall(self) -> int:
        return AT + round((trio.current_time() - self.started_at) * NS)

    async def write_fact(self, fact: FactInput) -> None:
        self.facts.append((fact.what, fact.incident, fact.text))

    async def happen(self, *events: Event) -> None:
        await self.events.append([encode_event(event) for event in events])

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        self.delivery = Delivery(
            OPS, self.events, self.sender, lambda: self.in_force, wall=self.wall, write_fact=self.write_fact  # type: ignore[arg-type]
        )  # fmt: skip
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self.delivery.serve)
            yield
            nursery.cancel_scope.cancel()

    @property
    def status(self) -> ReceiverStatus:
        return self.delivery.status

    @property
    def cursor(self) -> int:
        return self.events.cursor(reader_of("ops"))

    @property
    def times(self) -> list[float]:
        return [round(tried.at - self.sender.tried[0].at, 3) for tried in self.sender.tried]


async def test_alerts_come_in_order_and_each_moves_the_cursor(autojump_clock: MockClock) -> None:
    world = World()
    async with world.serving():
        for number, event in enumerate((incident(), incident("i2"), incident(change="updated")), 1):
            await world.happen(event)
            await trio.sleep(0.1)
            assert world.cursor == number
    assert world.sender.taken == ["i1-opened", "i2-opened", "i1-updated"]
    assert (world.status.delivered, world.status.waiting, world.status.state) == (3, 0, "ok")
    assert world.status.last_word == "incident.updated delivered: answered 204"


async def test_who_was_paged_is_a_fact_once(autojump_clock: MockClock) -> None:
    world = World()
    world.sender.answer = answers(DOWN, DOWN)
    async with world.serving():
        await world.happen(incident(), incident(change="updated"), risk())
        await trio.sleep(10)
        await world.happen(incident(change="monitoring"), incident(change="reopened"), incident("i2"))
        await trio.sleep(10)
        await world.happen(incident(change="resolved"), incident("i3"), incident("i3", "resolved"))
        await trio.sleep(10)
    assert world.sender.taken[-1] == "i3-resolved"
    assert world.facts == [("paged", "i1", "ops"), ("paged", "i2", "ops")], "of i3 only the end was told"


async def test_a_dead_receiver_is_tried_by_the_lanes_under_one_id(autojump_clock: MockClock) -> None:
    world = World()
    world.sender.answer = answers(then=DOWN)
    async with world.serving():
        await trio.sleep(5000)
        await world.happen(incident())
        await trio.sleep(2000)
        assert (world.status.state, world.status.waiting, world.status.delivered) == ("failing", 1, 0)
        assert world.status.failing_s == pytest.approx(2000, abs=1)
        assert world.cursor == 0
        world.sender.answer = answers()
        await trio.sleep(301)
        assert world.status.state == "ok"
    assert world.times[:9] == [0, 1, 2, 4, 8, 15, 30, 60, 90]
    assert world.times[35:38] == [900, 1200, 1500]
    assert {tried.id for tried in world.sender.tried} == {"i1-opened"}
    assert world.sender.taken == ["i1-opened"]


async def test_an_answer_that_never_comes_is_cut_after_five_seconds(autojump_clock: MockClock) -> None:
    world = World()

    async def hang(message: Message) -> Answer:
        await trio.sleep_forever()
        raise AssertionError

    world.sender.answer = hang
    async with world.serving():
        await world.happen(incident())
        await trio.sleep(20)
        assert world.status.last_word == "incident.opened not delivered: timeout: no answer within 5 s"
    assert world.times == [0, 8, 15]


async def test_a_receiver_that_asks_for_time_gets_it(autojump_clock: MockClock) -> None:
    world = World()
    world.sender.answer = answers(Answer(status=429, retry_after_s=40))
    async with world.serving():
        await world.happen(incident())
        await trio.sleep(50)
    assert world.times == [0, 40]


async def test_what_was_over_before_it_could_be_told_is_one_message(autojump_clock: MockClock) -> None:
    world = World()
    world.sender.answer = answers(then=DOWN)
    async with world.serving():
        await world.happen(incident())
        await trio.sleep(100)
        await world.happen(incident(change="updated"), incident(change="resolved"))
        await trio.sleep(100)
        world.sender.answer = answers()
        await trio.sleep(300)
        assert (world.cursor, world.status.waiting) == (3, 0)
    assert world.sender.taken == ["i1-resolved"]
    assert "lasted 4 min" in json.loads(world.sender.tried[-1].message.body)["data"]["summary"]


async def test_news_shortens_the_wait_of_the_slow_lane(autojump_clock: MockClock) -> None:
    world = World()
    world.sender.answer = answers(then=DOWN)
    async with world.serving():
        await world.happen(incident())
        await trio.sleep(FAST_UNTIL_S + 400)  # a try at 1200
        await world.happen(incident("i2"))
        await trio.sleep(1)
        assert world.times[-2:] == [1200, 1300]
        await world.happen(incident("i3"))
        await trio.sleep(1)
        assert world.times[-1] == 1300  # not within 30 s of the last try
        await trio.sleep(30)
        assert world.times[-1] == 1330
        assert world.status.waiting == 3


async def test_news_do_not_shorten_what_the_receiver_asked_for(autojump_clock: MockClock) -> None:
    world = World()
    world.sender.answer = answers(Answer(status=503, retry_after_s=200))
    async with world.serving():
        await world.happen(incident())
        await trio.sleep(100)
        await world.happen(incident("i2"))
        await trio.sleep(101)
    assert world.times == pytest.approx([0, 200, 200], abs=0.01)


async def test_news_for_others_does_not(autojump_clock: MockClock) -> None:
    world = World()
    world.in_force = InForce("p", Plan(receiver=[OPS], route=[Route(to=["ops"], match=Match(severity=["critical"]))]))
    world.sender.answer = answers(then=DOWN)
    async with world.serving():
        await world.happen(incident())
        await trio.sleep(FAST_UNTIL_S + 400)
        await world.happen(incident("i2", severity="info"))
        await trio.sleep(100)
        assert world.times[-1] == 1200
        assert world.status.waiting == 1


async def test_after_75_hours_an_alert_is_given_up_and_counted_and_its_end_still_told(
    autojump_clock: MockClock,
) -> None:
    world = World()
    world.sender.answer = answers(then=DOWN)
    async with world.serving():
        await world.happen(incident())
        await trio.sleep(GIVE_UP_S - 10)
        assert world.status.given_up == 0
        await trio.sleep(320)
        assert (world.status.given_up, world.cursor, world.status.waiting) == (1, 1, 0)
        assert world.status.last_word == "incident.opened given up: it is too old"
        world.sender.answer = answers()
        await world.happen(incident(change="resolved", at=world.wall()))
        await trio.sleep(1)
    assert world.sender.taken == ["i1-resolved"]


async def test_what_is_too_old_is_tried_once_after_a_long_absence(autojump_clock: MockClock) -> None:
    world = World()
    await world.happen(incident(at=AT - round(80 * 3600 * NS)))
    async with world.serving():
        await trio.sleep(1)
    assert world.sender.taken == ["i1-opened"]


async def test_a_receiver_that_is_gone_is_left_alone_until_the_plan_changes(autojump_clock: MockClock) -> None:
    world = World()
    world.sender.answer = answers(Answer(status=410))
    async with world.serving():
        await world.happen(incident())
        await trio.sleep(1)
        assert (world.status.state, world.status.given_up) == ("disabled", 1)
        await world.happen(incident("i2"))
        await trio.sleep(1000)
        assert (world.status.given_up, world.cursor) == (2, 2)
    async with world.serving():  # after a restart too
        await world.happen(incident("i3"))
        await trio.sleep(1000)
        assert (len(world.sender.tried), world.status.state) == (1, "disabled")
        world.in_force = InForce("plan-2", PLAN)
        await world.happen(incident("i4"))
        await trio.sleep(1)
        assert world.status.state == "ok"
    assert world.sender.taken == ["i4-opened"]


async def test_a_receiver_that_was_reached_by_a_test_is_enabled_again(autojump_clock: MockClock) -> None:
    world = World()
    world.sender.answer = answers(Answer(status=410))
    async with world.serving():
        await world.happen(incident())
        await trio.sleep(1)
        await world.delivery.enable()
        await world.happen(incident("i2"))
        await trio.sleep(1)
    assert world.sender.taken == ["i2-opened"]


async def test_an_alert_that_alone_is_refused_is_given_up_for_the_others(autojump_clock: MockClock) -> None:
    world = World()

    async def picky(message: Message) -> Answer:
        await trio.lowlevel.checkpoint()
        return Answer(status=422) if message.id == "i1-opened" else TAKEN

    world.sender.answer = picky
    async with world.serving():
        await world.happen(incident(), incident("i2"), incident("i3"))
        await trio.sleep(FAST_UNTIL_S - 1)
        assert (world.sender.taken, world.status.given_up) == ([], 0)
        await trio.sleep(400)
        assert (world.sender.taken, world.status.given_up, world.cursor) == (["i2-opened", "i3-opened"], 1, 3)
        await world.happen(incident(change="resolved"))
        await trio.sleep(1)
    assert world.sender.taken[2:] == ["i1-resolved"]


async def test_a_receiver_that_refuses_everything_costs_no_alert(autojump_clock: MockClock) -> None:
    world = World()
    world.sender.answer = answers(then=Answer(status=400))
    async with world.serving():
        await world.happen(incident(), incident("i2"))
        await trio.sleep(3600)
        assert (world.status.waiting, world.status.given_up) == (2, 0)
        world.sender.answer = answers()
        await trio.sleep(301)
    assert world.sender.taken == ["i1-opened", "i2-opened"]


async def test_a_restart_says_nothing_twice_to_who_has_answered(autojump_clock: MockClock) -> None:
    world = World()
    async with world.serving():
        await world.happen(incident())
        await trio.sleep(1)
    async with world.serving():
        await trio.sleep(100)
        await world.happen(incident(change="resolved", severity="info"))
        await trio.sleep(1)
    assert world.sender.taken == ["i1-opened", "i1-resolved"]
    assert "lasted" not in json.loads(world.sender.tried[-1].message.body)["data"]["summary"]


async def test_what_was_taken_and_not_noted_is_said_again_under_the_same_id(autojump_clock: MockClock) -> None:
    world = World()
    full = False

    async def disk() -> None:
        await trio.lowlevel.checkpoint()
        if full:
            raise JournalFull

    world.events.hold = disk
    async with world.serving():
        await world.happen(incident())
        full = True
        await trio.sleep(1)
        assert world.status.delivered == 1  # and goes on without a cursor
    full = False
    async with world.serving():
        await trio.sleep(1)
    assert world.sender.taken == ["i1-opened", "i1-opened"]


async def test_the_plan_may_change_while_an_alert_waits(autojump_clock: MockClock) -> None:
    world = World()
    world.sender.answer = answers(then=DOWN)
    async with world.serving():
        await world.happen(incident(), incident("i2", severity="info"))
        await trio.sleep(3)
        world.in_force = InForce("p2", Plan(receiver=[OPS], route=[Route(to=["ops"], match=Match(severity=["info"]))]))
        world.sender.answer = answers()
        await trio.sleep(60)
    assert world.sender.taken == ["i2-opened"]


async def test_memory_is_bounded_whatever_waits(autojump_clock: MockClock) -> None:
    world = World()
    world.sender.answer = answers(then=DOWN)
    async with world.serving():
        for start in range(0, 2000, 100):
            await world.happen(*(incident(f"i{start + n}") for n in range(100)))
        await trio.sleep(100)
        assert len(world.delivery._ahead.waiting) < 2 * MOST_WAITING
        world.sender.answer = answers()
        await trio.sleep(100)
    assert world.sender.taken == [f"i{n}-opened" for n in range(2000)]


async def test_events_that_are_no_alerts_move_the_cursor_now_and_then(autojump_clock: MockClock) -> None:
    world = World()
    other = Entry(kind="check.down", body=b"not an event", at_ns=AT)
    async with world.serving():
        await world.events.append([other])
        await trio.sleep(0.1)
        assert world.cursor == 1
        await world.events.append([other])
        await trio.sleep(SAVE_EVERY_S / 2)
        assert world.cursor == 1
        await trio.sleep(SAVE_EVERY_S)
        await world.events.append([other])
        await trio.sleep(0.1)
        assert world.cursor == 3
    assert world.sender.tried == []


@pytest.mark.parametrize("after_s", [0.0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 1.0, 7.5])
async def test_a_cancellation_anywhere_loses_nothing(after_s: float, autojump_clock: MockClock) -> None:
    world = World()

    async def slow(message: Message) -> Answer:
        await trio.sleep(0.1)
        return TAKEN if trio.current_time() - world.started_at > 5 else DOWN

    async def disk() -> None:
        await trio.sleep(0.01)

    world.sender.answer, world.events.hold = slow, disk
    await world.happen(incident(), incident("i2"))
    with trio.move_on_after(after_s):
        async with world.serving():
            await trio.sleep_forever()
    await trio.sleep(10)
    async with world.serving():
        await trio.sleep(20)
        assert world.cursor == 2
    assert sorted(set(world.sender.taken)) == ["i1-opened", "i2-opened"]
    assert world.sender.taken[-1] == "i2-opened"


async def test_what_must_be_mended_first_is_said_before_any_alert(autojump_clock: MockClock) -> None:
    world = World()
    world.sender.problem = "HOOK: the file is empty"
    async with world.serving():
        await trio.sleep(0.1)
        assert world.status.last_word == "HOOK: the file is empty"


async def test_a_bug_that_one_alert_brings_out_ends_nothing_and_costs_that_alert_only(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    async def answer(message: Message) -> Answer:
        await trio.lowlevel.checkpoint()
        if message.id == "i1-opened":
            raise ZeroDivisionError
        return TAKEN

    world = World()
    world.sender = FakeSender(answer)
    async with world.serving():
        await world.happen(incident(), incident("i2"))
        await trio.sleep(5)
        assert world.status.last_word == "incident.opened not delivered: bug: ZeroDivisionError; the log has more"
        await trio.sleep(FAST_UNTIL_S + 400)
        assert world.sender.taken == ["i2-opened"]
        assert world.status.given_up == 1
        assert world.cursor == 2
    assert "an alert met a bug" in caplog.text
