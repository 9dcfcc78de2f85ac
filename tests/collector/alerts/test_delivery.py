"""One receiver's delivery in virtual time: order, lanes, giving up, and what a restart says again."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio
from trio.testing import MockClock

from collector.alerts.ahead import MOST_WAITING, READ_RECORDS
from collector.alerts.delivery import Delivery, InForce
from collector.alerts.message import rendered
from collector.alerts.notification import Notification
from collector.alerts.outcomes import FAST_UNTIL_S, GIVE_UP_S
from collector.alerts.saving import SAVE_EVERY_S, reader_of
from collector.alerts.standing import ReceiverStatus
from collector.events import AlertRouted, Event, encode_event
from collector.inputs import DeliveryInput, FactInput
from parallax.clock import NS
from parallax.dialling.post import Answer
from parallax.journal import Entry, JournalFull
from parallax.plan.alert_types import Receiver
from parallax.plan.types import Plan
from tests.fakes.alerts import alert, routed
from tests.fakes.events import AT, risk
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
        self.lines: list[FactInput | DeliveryInput] = []

    def wall(self) -> int:
        return AT + round((trio.current_time() - self.started_at) * NS)

    @property
    def facts(self) -> list[tuple[str, str, str]]:
        return [(line.what, line.incident, line.text) for line in self.lines if isinstance(line, FactInput)]

    @property
    def ledger(self) -> list[tuple[str, str, int]]:
        return [(line.outcome, line.alert, line.tries) for line in self.lines if isinstance(line, DeliveryInput)]

    async def happen(self, *events: Event) -> None:
        await self.events.append([encode_event(event) for event in events])

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        self.delivery = Delivery(
            OPS, self.events, self.sender, lambda: self.in_force, wall=self.wall, write=self.lines.append  # type: ignore[arg-type]
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
    def summary(self) -> str:
        """What the last try said."""
        content = json.loads(rendered(self.sender.tried[-1].notification).body)
        return str(content["data"]["summary"])

    @property
    def times(self) -> list[float]:
        return [round(tried.at - self.sender.tried[0].at, 3) for tried in self.sender.tried]


async def test_alerts_come_in_order_and_each_moves_the_cursor(autojump_clock: MockClock) -> None:
    world = World()
    async with world.serving():
        for number, event in enumerate((alert(), alert("i2"), alert(change="updated")), 1):
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
        await world.happen(alert(), alert(change="updated"), routed(risk()))
        await trio.sleep(20)
        await world.happen(alert(change="monitoring"), alert(change="reopened"), alert("i2"))
        await trio.sleep(20)
        await world.happen(alert(change="resolved"))
        await trio.sleep(1)
        world.sender.answer = answers(DOWN)
        await world.happen(alert("i3"))
        await trio.sleep(1)
        await world.happen(alert("i3", "resolved"))
        await trio.sleep(60)
    assert world.sender.taken[-1] == "i3-resolved"
    assert world.facts == [("paged", "i1", "ops"), ("paged", "i2", "ops")], "of i3 only the end was told"


async def test_a_page_is_tried_by_the_fast_lane_then_the_slow_one_under_one_id(autojump_clock: MockClock) -> None:
    world = World()
    world.sender.answer = answers(then=DOWN)
    async with world.serving():
        await trio.sleep(5000)
        await world.happen(alert(lane="fast"))
        await trio.sleep(2000)
        assert (world.status.state, world.status.waiting, world.status.delivered) == ("failing", 1, 0)
        assert world.status.failing_s == pytest.approx(2000, abs=1)
        assert world.cursor == 0
        world.sender.answer = answers()
        await trio.sleep(1010)
        assert world.status.state == "ok"
    assert world.times[:9] == [0, 1, 2, 4, 8, 15, 30, 60, 90]
    assert world.times[35:] == [870, 900, 905, 1205, 3005][-len(world.times[35:]) :]
    assert world.times[-1] == 3005
    assert {tried.id for tried in world.sender.tried} == {"i1-opened"}
    assert world.sender.taken == ["i1-opened"]


async def test_a_ticket_is_tried_by_the_slow_lane(autojump_clock: MockClock) -> None:
    world = World()
    world.sender.answer = answers(then=DOWN)
    async with world.serving():
        await world.happen(alert())
        await trio.sleep(GIVE_UP_S + 4000)
        assert world.status.given_up == 1
    assert world.times == [0, 5, 305, 2105, 9305, 27305, 63305, 113705, 185705, 272105]


async def test_an_answer_that_never_comes_is_cut_after_five_seconds(autojump_clock: MockClock) -> None:
    world = World()

    async def hang(notification: Notification) -> Answer:
        await trio.sleep_forever()
        raise AssertionError

    world.sender.answer = hang
    async with world.serving():
        await world.happen(alert(lane="fast"))
        await trio.sleep(20)
        assert world.status.last_word == "incident.opened not delivered: timeout: no answer within 5 s"
    assert world.times == [0, 8, 15]


async def test_a_receiver_that_asks_for_time_gets_it(autojump_clock: MockClock) -> None:
    world = World()
    world.sender.answer = answers(Answer(status=429, retry_after_s=40))
    async with world.serving():
        await world.happen(alert())
        await trio.sleep(50)
    assert world.times == [0, 40]


async def test_what_was_over_before_it_could_be_told_is_one_message(autojump_clock: MockClock) -> None:
    world = World()
    world.sender.answer = answers(then=DOWN)
    async with world.serving():
        await world.happen(alert())
        await trio.sleep(100)
        await world.happen(alert(change="updated"), alert(change="resolved"))
        await trio.sleep(100)
        world.sender.answer = answers()
        await trio.sleep(300)
        assert (world.cursor, world.status.waiting) == (3, 0)
    assert world.sender.taken == ["i1-resolved"]
    assert "lasted 4 min" in world.summary


async def test_a_receiver_that_fails_is_tried_for_all_that_waits_and_brings_it_all_once_it_works(
    autojump_clock: MockClock,
) -> None:
    world = World()
    world.sender.answer = answers(then=DOWN)
    async with world.serving():
        for number in range(50):
            await world.happen(alert(f"i{number}"))
        await trio.sleep(4000)
        assert len(world.sender.tried) < 20, "one at a time stands for all"
        tried = len(world.sender.tried)
        await world.happen(alert("news"))
        await trio.sleep(29)
        assert len(world.sender.tried) == tried + 1, "news are tried, not within 30 s of the last try"
        world.sender.answer = answers()
        await world.happen(alert("more"))
        await trio.sleep(40)
        assert (world.status.state, world.status.waiting, world.cursor) == ("ok", 0, 52)
    assert len(set(world.sender.taken)) == 52


async def test_a_page_is_tried_at_once_however_dead_the_receiver(autojump_clock: MockClock) -> None:
    world = World()
    world.sender.answer = answers(then=DOWN)
    async with world.serving():
        for number in range(20):
            await world.happen(alert(f"i{number}"))
        await trio.sleep(3000)
        began = trio.current_time()
        await world.happen(alert("page", lane="fast"))
        await trio.sleep(9)
    tries = [round(tried.at - began) for tried in world.sender.tried if tried.id == "page-opened"]
    assert tries == [0, 1, 2, 4, 8]


async def test_a_backlog_that_hangs_holds_up_no_page(autojump_clock: MockClock) -> None:
    world = World()

    async def hangs_but_for_pages(notification: Notification) -> Answer:
        await trio.sleep(0.01 if notification.key == "page" else 60)
        return TAKEN

    world.sender.answer = hangs_but_for_pages
    async with world.serving():
        for start in range(0, 1000, 100):
            await world.happen(*(alert(f"i{start + n}") for n in range(100)))
        await trio.sleep(5)
        began = trio.current_time()
        await world.happen(alert("page", lane="fast"))
        await trio.sleep(1)
        assert world.sender.taken == ["page-opened"]
        assert world.sender.tried[-1].at == began
        world.sender.answer = answers()
        await trio.sleep(4000)
        assert (world.status.waiting, world.cursor) == (0, 1001)
    assert sorted(world.sender.taken) == sorted([*(f"i{n}-opened" for n in range(1000)), "page-opened"])


async def test_a_page_that_overtook_older_news_of_its_key_is_not_undone_by_them(autojump_clock: MockClock) -> None:
    world = World()
    world.sender.answer = answers(then=DOWN)
    async with world.serving():
        await world.happen(*(alert(f"i{n}") for n in range(2 * MOST_WAITING)))
        await world.happen(alert("late"), alert("late", "updated", lane="fast"), alert("late", "resolved"))
        await trio.sleep(100)
        world.sender.answer = answers()
        await trio.sleep(4000)
        assert (world.status.waiting, world.cursor) == (0, 2 * MOST_WAITING + 3)
    late = [each for each in world.sender.taken if each.startswith("late")]
    assert late == ["late-updated", "late-resolved"]


async def test_news_do_not_shorten_what_the_receiver_asked_for(autojump_clock: MockClock) -> None:
    world = World()
    world.sender.answer = answers(Answer(status=503, retry_after_s=200))
    async with world.serving():
        await world.happen(alert())
        await trio.sleep(100)
        await world.happen(alert("i2"))
        await trio.sleep(101)
    assert world.times == pytest.approx([0, 200, 200], abs=0.01)


async def test_news_for_others_is_not_tried(autojump_clock: MockClock) -> None:
    world = World()
    async with world.serving():
        await world.happen(alert("i1", "opened", "others"), alert("i2", "opened", "others", "ops"))
        await trio.sleep(100)
        assert (world.status.waiting, world.cursor) == (0, 2)
    assert world.sender.taken == ["i2-opened"]


async def test_after_75_hours_an_alert_is_given_up_and_counted_and_its_end_still_told(
    autojump_clock: MockClock,
) -> None:
    world = World()
    world.sender.answer = answers(then=DOWN)
    async with world.serving():
        await world.happen(alert())
        await trio.sleep(GIVE_UP_S - 10)
        assert world.status.given_up == 0
        await trio.sleep(3200)
        assert (world.status.given_up, world.cursor, world.status.waiting) == (1, 1, 0)
        assert world.status.last_word == "incident.opened given up: it is too old"
        world.sender.answer = answers()
        await world.happen(alert(change="resolved", at=world.wall()))
        await trio.sleep(1)
    assert world.sender.taken == ["i1-resolved"]


async def test_what_is_too_old_is_tried_once_after_a_long_absence(autojump_clock: MockClock) -> None:
    world = World()
    await world.happen(alert(at=AT - round(80 * 3600 * NS)))
    async with world.serving():
        await trio.sleep(1)
    assert world.sender.taken == ["i1-opened"]


async def test_a_receiver_that_is_gone_is_left_alone_until_the_plan_changes(autojump_clock: MockClock) -> None:
    world = World()
    world.sender.answer = answers(Answer(status=410))
    async with world.serving():
        await world.happen(alert())
        await trio.sleep(1)
        assert (world.status.state, world.status.given_up) == ("disabled", 1)
        await world.happen(alert("i2"))
        await trio.sleep(1000)
        assert (world.status.given_up, world.cursor) == (2, 2)
    async with world.serving():  # after a restart too
        await world.happen(alert("i3"))
        await trio.sleep(1000)
        assert (len(world.sender.tried), world.status.state) == (1, "disabled")
        world.in_force = InForce("plan-2", PLAN)
        await world.happen(alert("i4"))
        await trio.sleep(1)
        assert world.status.state == "ok"
    assert world.sender.taken == ["i4-opened"]


async def test_a_receiver_that_was_reached_by_a_test_is_enabled_again(autojump_clock: MockClock) -> None:
    world = World()
    world.sender.answer = answers(Answer(status=410))
    async with world.serving():
        await world.happen(alert())
        await trio.sleep(1)
        await world.delivery.enable()
        await world.happen(alert("i2"))
        await trio.sleep(1)
    assert world.sender.taken == ["i2-opened"]


async def test_an_alert_that_alone_is_refused_is_given_up_for_the_others(autojump_clock: MockClock) -> None:
    world = World()

    async def picky(notification: Notification) -> Answer:
        await trio.lowlevel.checkpoint()
        return Answer(status=422) if notification.id == "i1-opened" else TAKEN

    world.sender.answer = picky
    async with world.serving():
        await world.happen(alert(lane="fast"), alert("i2"), alert("i3"))
        await trio.sleep(FAST_UNTIL_S - 100)
        assert (sorted(world.sender.taken), world.status.given_up, world.cursor) == (["i2-opened", "i3-opened"], 0, 0)
        await trio.sleep(400)
        assert (len(world.sender.taken), world.status.given_up, world.cursor) == (2, 1, 3)
        await world.happen(alert(change="resolved"))
        await trio.sleep(1)
        assert "lasted 4 min" in world.summary
    assert world.sender.taken[2:] == ["i1-resolved"]
    assert [line for line in world.ledger if line[1] == "i1-opened"] == [
        ("retried", "i1-opened", 1),
        ("given_up", "i1-opened", 16),
    ]


async def test_a_receiver_that_refuses_everything_costs_no_alert(autojump_clock: MockClock) -> None:
    world = World()
    world.sender.answer = answers(then=Answer(status=400))
    async with world.serving():
        await world.happen(alert(), alert("i2"))
        await trio.sleep(3600)
        assert (world.status.waiting, world.status.given_up) == (2, 0)
        world.sender.answer = answers()
        await trio.sleep(7201)
    assert world.sender.taken == ["i1-opened", "i2-opened"]


async def test_a_restart_says_nothing_twice_to_who_has_answered(autojump_clock: MockClock) -> None:
    world = World()
    async with world.serving():
        await world.happen(alert())
        await trio.sleep(1)
    async with world.serving():
        await trio.sleep(100)
        await world.happen(alert(change="resolved", severity="info"))
        await trio.sleep(1)
    assert world.sender.taken == ["i1-opened", "i1-resolved"]
    assert "lasted" not in world.summary


async def test_what_was_taken_and_not_noted_is_said_again_under_the_same_id(autojump_clock: MockClock) -> None:
    world = World()
    full = False

    async def disk() -> None:
        await trio.lowlevel.checkpoint()
        if full:
            raise JournalFull

    world.events.hold = disk
    async with world.serving():
        await world.happen(alert())
        full = True
        await trio.sleep(1)
        assert world.status.delivered == 1  # and goes on without a cursor
    full = False
    async with world.serving():
        await trio.sleep(1)
    assert world.sender.taken == ["i1-opened", "i1-opened"]


async def test_memory_is_bounded_whatever_waits(autojump_clock: MockClock) -> None:
    world = World()
    world.sender.answer = answers(then=DOWN)
    async with world.serving():
        for start in range(0, 2000, 100):
            await world.happen(*(alert(f"i{start + n}") for n in range(100)))
        await trio.sleep(100)
        assert world.delivery._ahead.number <= MOST_WAITING + READ_RECORDS
        world.sender.answer = answers()
        await trio.sleep(400)
    assert sorted(world.sender.taken) == sorted(f"i{n}-opened" for n in range(2000))


async def test_events_that_are_no_alerts_move_the_cursor_now_and_then(autojump_clock: MockClock) -> None:
    world = World()
    other = Entry(kind="check.down", body=b"not an event", at_ns=AT)
    async with world.serving():
        await world.events.append([other, Entry(kind="alert.trigger", body=b"not an event", at_ns=AT)])
        await trio.sleep(SAVE_EVERY_S / 2)
        assert world.cursor == 0
        await trio.sleep(SAVE_EVERY_S)
        assert world.cursor == 2
    assert world.sender.tried == []


@pytest.mark.parametrize("after_s", [0.0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 1.0, 7.5])
async def test_a_cancellation_anywhere_loses_nothing(after_s: float, autojump_clock: MockClock) -> None:
    world = World()

    async def slow(notification: Notification) -> Answer:
        await trio.sleep(0.1)
        return TAKEN if trio.current_time() - world.started_at > 5 else DOWN

    async def disk() -> None:
        await trio.sleep(0.01)

    world.sender.answer, world.events.hold = slow, disk
    await world.happen(alert(), alert("i2"))
    with trio.move_on_after(after_s):
        async with world.serving():
            await trio.sleep_forever()
    await trio.sleep(10)
    async with world.serving():
        await trio.sleep(20)
        assert world.cursor == 2
    assert sorted(set(world.sender.taken)) == ["i1-opened", "i2-opened"]


async def test_what_must_be_mended_first_is_said_before_any_alert(autojump_clock: MockClock) -> None:
    world = World()
    world.sender.problem = "HOOK: the file is empty"
    async with world.serving():
        await trio.sleep(0.1)
        assert world.status.last_word == "HOOK: the file is empty"


async def test_a_bug_that_one_alert_brings_out_ends_nothing_and_costs_that_alert_only(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    async def answer(notification: Notification) -> Answer:
        await trio.lowlevel.checkpoint()
        if notification.id == "i1-opened":
            raise ZeroDivisionError
        return TAKEN

    world = World()
    world.sender = FakeSender(answer)
    async with world.serving():
        await world.happen(alert(lane="fast"))
        await trio.sleep(5)
        assert world.status.last_word == "incident.opened not delivered: bug: ZeroDivisionError; the log has more"
        await world.happen(alert("i2"))
        await trio.sleep(FAST_UNTIL_S + 400)
        assert world.sender.taken == ["i2-opened"]
        assert world.status.given_up == 1
        assert world.cursor == 2
    assert "an alert met a bug" in caplog.text


def beat(at: int) -> Event:
    data = AlertRouted(
        key="watchdog", about="watchdog", phase="notice", tier="log", severity="info", lane="fast", of=(), to=("ops",)
    )
    return Event(id=f"beat-{at}", at=at, cause=1, data=data)


async def test_a_heartbeat_that_is_late_is_passed_over(autojump_clock: MockClock) -> None:
    world = World()
    await world.happen(beat(AT - 61 * NS), beat(AT - 30 * NS), beat(AT - 5 * NS))
    async with world.serving():
        await trio.sleep(1)
        assert [tried.notification.id for tried in world.sender.tried] == [f"beat-{AT - 5 * NS}"]
        world.sender.answer = answers(then=DOWN)
        await world.happen(beat(world.wall()))
        await trio.sleep(59)
        tries = len(world.sender.tried)
        assert tries > 3
        await trio.sleep(60)
        assert len(world.sender.tried) - tries <= 1
        assert (world.status.waiting, world.status.given_up) == (0, 0)
