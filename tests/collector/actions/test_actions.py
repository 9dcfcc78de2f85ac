"""Commands from `events` to actions, in virtual time: order, expiry, groups apart, restarts, and looks."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
import trio
from trio.testing import MockClock

from collector.actions.actions import LOOK_EVERY_S, READER, Actions
from collector.actions.actor import Command, Result, Standing
from collector.actions.carrying import TRY_S, pause
from collector.events import Event, FailoverChanged, encode_event
from collector.inputs import ActionInput, decode_input
from parallax.clock import NS
from parallax.config import CollectorConfig
from parallax.journal import JournalFull
from parallax.plan.failover_types import Action, Failover, Member
from parallax.plan.types import Plan
from tests.fakes.inputs import MemoryInputs

AT = 1_700_000_000 * NS
APPLIED = Result(outcome="applied", text="answered 204")
DOWN = Result(outcome="failed", then="again", text="refused", sent=False)
HUNG = Result(outcome="failed", then="again", text="no answer")
STALE = Result(outcome="refused", then="stop", text="answered 409")
UNGRANTED = Result(outcome="refused", then="next", text="no grant")
REACHABLE = Result(outcome="reachable", text="it would")
Hook = Callable[[Command], Awaitable[Result]]


def says(*results: Result) -> Hook:
    """Each in turn, the last one for ever."""
    left = list(results)

    async def hook(command: Command) -> Result:
        await trio.lowlevel.checkpoint()
        return left.pop(0) if len(left) > 1 else left[0]

    return hook


class FakeActor:
    """`hook` is what a try comes to; `look_hook` a look."""

    def __init__(self, hook: Hook) -> None:
        self.hook, self.found = hook, REACHABLE
        self.tried: list[tuple[str, float]] = []
        self.looked: list[tuple[Standing, float]] = []

    async def prepare(self) -> str:
        return ""

    async def look(self, group: str, standing: Standing) -> Result:
        self.looked.append((standing, trio.current_time()))
        await trio.lowlevel.checkpoint()
        return self.found

    async def carry_out(self, command: Command) -> Result:
        self.tried.append((command.id, trio.current_time()))
        return await self.hook(command)


def group(name: str, *actions: str) -> Failover:
    members = [Member(name="east"), Member(name="west")]
    return Failover(name=name, kind="region", check="api", members=members, primary="east", actions=list(actions))


class World:
    """Journals that outlive the executors."""

    def __init__(self) -> None:
        self.events, self.inputs = MemoryInputs(), MemoryInputs()
        self.actors = {"one": FakeActor(says(APPLIED)), "two": FakeActor(says(APPLIED))}
        self.plan = Plan(
            action=[Action(name=name, kind="command") for name in self.actors],
            failover=[group("api", "one", "two"), group("mail", "two")],
        )
        self.serving = {"api": ("east", 4)}
        self.started_at = trio.current_time()
        self.actions: Actions

    def wall(self) -> int:
        return AT + round((trio.current_time() - self.started_at) * NS)

    @asynccontextmanager
    async def serving_(self) -> AsyncIterator[None]:
        self.actions = Actions(
            self.events,  # type: ignore[arg-type]
            self.inputs,  # type: ignore[arg-type]
            lambda: self.plan,
            CollectorConfig(state="", plan=""),
            lambda name: self.serving.get(name, ("", 0)),
            kinds={"command": lambda action, config, look_up: self.actors[action.name]},
            wall=self.wall,
        )
        async with trio.open_nursery() as nursery:
            await nursery.start(self.actions.run)
            yield
            nursery.cancel_scope.cancel()

    async def command(
        self,
        id: str,  # noqa: A002
        *actions: str,
        of: str = "api",
        word: str = "command",
        good_s: float | None = 60,
    ) -> None:
        data = FailoverChanged(
            word=word,  # type: ignore[arg-type]
            group=of,
            direction="failover",
            source="east",
            target="west",
            title="",
            epoch=5,
            actions=actions or ("one", "two"),
            not_after=None if good_s is None else self.wall() + round(good_s * NS),
        )
        await self.events.append([encode_event(Event(id=id, at=self.wall(), cause=1, data=data))])

    @property
    def came(self) -> list[ActionInput]:
        """What came of commands."""
        found = [decode_input(record) for record in self.inputs.records]
        return [each for each in found if isinstance(each, ActionInput) and each.epoch]

    def tries(self, action: str) -> list[int]:
        """When it was tried, seconds from the start."""
        return [round(at - self.started_at) for _, at in self.actors[action].tried]

    @property
    def words(self) -> list[tuple[str, str, str]]:
        return [(each.group, each.action, each.outcome) for each in self.came]


@pytest.fixture
async def world() -> World:
    return World()


async def test_the_first_action_that_carries_it_out_is_the_last_one_tried(autojump_clock: MockClock, world: World):
    async with world.serving_():
        await world.command("e1")
        await trio.sleep(1)
    assert world.words == [("api", "one", "applied")]
    assert world.actors["two"].tried == []
    assert (world.came[0].member, world.came[0].epoch) == ("west", 5)


async def test_what_one_may_not_the_next_does(autojump_clock: MockClock, world: World):
    world.actors["one"].hook = says(UNGRANTED)
    async with world.serving_():
        await world.command("e1")
        await trio.sleep(1)
    assert world.words == [("api", "one", "refused"), ("api", "two", "applied")]


async def test_a_command_that_another_has_overtaken_is_not_carried_out_by_anything(
    autojump_clock: MockClock, world: World
):
    world.actors["one"].hook = says(STALE)
    async with world.serving_():
        await world.command("e1")
        await trio.sleep(1)
    assert world.words == [("api", "one", "refused")]
    assert world.actors["two"].tried == []


async def test_tries_are_those_of_the_fast_lane_and_the_next_action_has_half_of_the_time(
    autojump_clock: MockClock, world: World
):
    world.actors["one"].hook = says(DOWN)
    world.actors["two"].hook = says(DOWN, DOWN, APPLIED)
    async with world.serving_():
        await world.command("e1")
        await trio.sleep(60)
    assert world.tries("one") == [0, 1, 2, 4, 8, 15]
    assert world.tries("two") == [15, 16, 17]
    assert world.words == [("api", "one", "failed"), ("api", "two", "applied")]


@pytest.mark.parametrize(("result", "outcome"), [(DOWN, "expired"), (HUNG, "failed")])
async def test_what_could_not_be_sent_in_time_expires_and_what_may_have_arrived_fails(
    autojump_clock: MockClock, world: World, result: Result, outcome: str
):
    """Failed says that nobody knows."""
    world.actors["one"].hook = says(result)
    async with world.serving_():
        await world.command("e1", "one")
        await trio.sleep(59)
        assert world.words == [("api", "one", outcome)]
        await trio.sleep(600)
    assert len(world.actors["one"].tried) == 7
    assert result.text in world.came[0].text


async def test_a_try_that_hangs_is_ended_and_tried_again(autojump_clock: MockClock, world: World):
    async def hang_once(command: Command) -> Result:
        if len(world.actors["one"].tried) == 1:
            await trio.sleep_forever()
        return APPLIED

    world.actors["one"].hook = hang_once
    async with world.serving_():
        await world.command("e1")
        await trio.sleep(30)
    assert world.tries("one") == [0, 8]
    assert TRY_S < 8
    assert world.words == [("api", "one", "applied")]


async def test_a_dead_action_holds_up_no_other_group(autojump_clock: MockClock, world: World):
    world.actors["one"].hook = says(HUNG)
    async with world.serving_():
        await world.command("e1", "one")
        await world.command("e2", "two", of="mail")
        await trio.sleep(0.5)
        assert world.words == [("mail", "two", "applied")]


async def test_what_is_too_old_after_a_restart_is_not_sent(autojump_clock: MockClock, world: World):
    async with world.serving_():
        await trio.sleep(1)
    await world.command("e1", good_s=60)
    await world.command("e2", of="mail", good_s=600)
    await trio.sleep(61)
    async with world.serving_():
        await trio.sleep(1)
    assert sorted(world.words) == [("api", "one", "expired"), ("mail", "one", "applied")]
    assert [id_ for id_, _ in world.actors["one"].tried] == ["e2"]


async def test_a_restart_goes_on_with_what_was_under_way_and_does_nothing_twice(
    autojump_clock: MockClock, world: World
):
    world.actors["one"].hook = says(HUNG)
    async with world.serving_():
        await world.command("e1", "one")
        await world.command("e2", "two", of="mail")
        await trio.sleep(3)
    assert world.words == [("mail", "two", "applied")]  # of the other one nothing is claimed
    world.actors["one"].hook = says(APPLIED)
    async with world.serving_():
        await trio.sleep(1)
    assert world.words == [("mail", "two", "applied"), ("api", "one", "applied")]
    assert [id_ for id_, _ in world.actors["two"].tried] == ["e2"]
    async with world.serving_():
        await trio.sleep(1)
    assert len(world.words) == 2
    assert world.events.cursor(READER) == 2


async def test_a_crash_before_the_cursor_is_on_disk_carries_it_out_once_more(autojump_clock: MockClock, world: World):
    async def full() -> None:
        raise JournalFull("the disk is full")

    async with world.serving_():
        await world.command("e1", "one")
        world.events.hold = full
        await trio.sleep(1)
    world.events.hold = trio.lowlevel.checkpoint
    async with world.serving_():
        await trio.sleep(1)
    assert [id_ for id_, _ in world.actors["one"].tried] == ["e1", "e1"]


async def test_a_collector_that_is_new_begins_with_what_is_yet_to_come(autojump_clock: MockClock, world: World):
    await world.command("e1")
    async with world.serving_():
        await trio.sleep(1)
    assert world.words == []


@pytest.mark.parametrize("word", ["command", "withdrawn"])
async def test_a_later_word_breaks_the_earlier_command_off(autojump_clock: MockClock, world: World, word: str):
    world.actors["one"].hook = says(HUNG)
    async with world.serving_():
        await world.command("e1", "one")
        await trio.sleep(3)
        await world.command("e2", "two", word=word)
        await trio.sleep(30)
    assert world.words[0] == ("api", "one", "failed")
    assert "broken off" in world.came[0].text
    assert world.words[1:] == [("api", "two", "applied")] * (word == "command")
    assert len(world.actors["one"].tried) == 3


async def test_what_the_plan_has_no_action_for_fails_and_says_so(autojump_clock: MockClock, world: World):
    async with world.serving_():
        await world.command("e1", "three")
        await trio.sleep(1)
    assert world.words == [("api", "three", "failed")]
    assert "no such action" in world.came[0].text


async def test_a_bug_of_one_action_ends_nothing(
    autojump_clock: MockClock, world: World, caplog: pytest.LogCaptureFixture
):
    async def bug(command: Command) -> Result:
        raise ZeroDivisionError

    world.actors["one"].hook = bug
    async with world.serving_():
        await world.command("e1")
        await trio.sleep(1)
    assert world.words == [("api", "one", "failed"), ("api", "two", "applied")]


async def test_outcomes_wait_for_a_full_disk(autojump_clock: MockClock, world: World):
    full = True

    async def hold() -> None:
        await trio.lowlevel.checkpoint()
        if full:
            raise JournalFull("the disk is full")

    world.inputs.hold = hold
    async with world.serving_():
        await world.command("e1")
        await trio.sleep(5)
        full = False
        await trio.sleep(5)
        assert world.words == [("api", "one", "applied")]
        assert world.actions.lost == 0
        full = True
        await world.command("e2")
        await trio.sleep(60)
        assert world.actions.lost >= 1


async def test_every_action_is_looked_at_from_where_the_group_stands(autojump_clock: MockClock, world: World):
    world.actors["two"].found = Result(outcome="unreachable", text="refused")
    async with world.serving_():
        assert [each.state for each in world.actions.status] == ["unknown"] * 3
        await trio.sleep(10)
        assert [each.state for each in world.actions.status] == ["ok", "failing", "failing"]
        world.serving["api"] = "west", 5
        await trio.sleep(LOOK_EVERY_S + 10)
    standings = [standing for standing, _ in world.actors["one"].looked]
    assert standings == [
        Standing(serving="east", target="west", epoch=4),
        Standing(serving="west", target="east", epoch=5),
    ]
    looks = [decode_input(record) for record in world.inputs.records]
    first = [(look.group, look.action, look.outcome, look.epoch) for look in looks[:3] if isinstance(look, ActionInput)]
    assert sorted(first) == [
        ("api", "one", "reachable", 0), ("api", "two", "unreachable", 0), ("mail", "two", "unreachable", 0)
    ]  # fmt: skip


async def test_another_plan_is_looked_at_soon(autojump_clock: MockClock, world: World):
    async with world.serving_():
        await trio.sleep(10)
        world.plan = Plan(action=world.plan.action, failover=[group("api", "two")])
        await trio.sleep(10)
        assert [(each.name, each.group) for each in world.actions.status] == [("two", "api")]
        assert len(world.actors["two"].looked) == 3


@pytest.mark.parametrize(("since_s", "at_s"), [(0.1, 1), (0.6, 2), (5, 8), (14.6, 30), (29, 30), (30, 60), (61, 90)])
def test_the_pauses(since_s: float, at_s: float):
    assert since_s + pause(since_s) == pytest.approx(at_s)
