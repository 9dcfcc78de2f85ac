"""The client of asks on virtual time, and the runner that carries them out."""

from collections.abc import Sequence
from itertools import pairwise

import pytest
import trio
import trio.testing

from parallax.asks import Ask, Asks
from parallax.clock import NS
from parallax.observation import Observation
from parallax.values import Endpoint
from probe.admission import Admission
from probe.asks import AskClient, AsksAnswer
from probe.extra_runs import EXTERNAL_FLOOR_S, FLOOR_S, ExtraRuns, Pace
from probe.outcomes import Backoff
from probe.runner import Job, Runner, Span
from probe.schedule import Grid, Pair
from probe.statistics import Counters

BASE = 1_790_000_000 * NS
"""The runner's ticks are 10 s after it, and every 30 s."""
PAIR = Pair("api", "t")


def ask(id_: str = "1", **more: float) -> Ask:
    return Ask(id=id_, check="api", target="t", why="suspicion", **{"left_s": 45.0, **more})


class Source:
    """A collector that says what it is told to say, with long polls."""

    def __init__(self) -> None:
        self.asked: list[tuple[float, str]] = []
        self.now = Asks()
        self.down = ""
        self.status = 200
        self.changed = trio.Event()

    def say(self, version: str, *asks: Ask) -> None:
        self.now = Asks(version=version, asks=list(asks))
        self.changed.set()
        self.changed = trio.Event()

    def cut(self, failure: str) -> None:
        self.down = failure
        self.changed.set()
        self.changed = trio.Event()

    async def get_asks(self, after: str) -> AsksAnswer:
        self.asked.append((trio.current_time(), after))
        with trio.move_on_after(25):
            while not self.down and self.status == 200 and self.now.version == after:
                await self.changed.wait()
        if self.down:
            await trio.lowlevel.checkpoint()
            return AsksAnswer(failure=self.down)
        if self.status != 200:
            await trio.lowlevel.checkpoint()
            return AsksAnswer(status=self.status)
        return AsksAnswer(status=200, asks=self.now)


class Bench:
    def __init__(self) -> None:
        self.source, self.heard = Source(), list[tuple[float, list[str]]]()
        self.client = AskClient("c", self.source, self.heed, backoff=Backoff(0.5, 30, jitter=lambda: 1.0))

    def heed(self, collector: str, asks: Sequence[Ask]) -> None:
        self.heard.append((trio.current_time(), [ask.id for ask in asks]))


async def test_an_ask_is_heard_at_once_and_so_is_its_end(autojump_clock: trio.testing.MockClock) -> None:
    bench = Bench()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(bench.client.serve)
        await trio.sleep(60)
        bench.source.say("v1", ask())
        await trio.sleep(1)
        assert bench.heard[-1] == (60, ["1"])
        bench.source.say("")
        await trio.sleep(1)
        assert bench.heard[-1] == (61, [])
        nursery.cancel_scope.cancel()
    assert len(bench.source.asked) < 10


async def test_a_channel_that_is_cut_is_tried_again_and_what_stands_is_not_forgotten(
    autojump_clock: trio.testing.MockClock,
) -> None:
    bench = Bench()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(bench.client.serve)
        await trio.sleep(1)
        bench.source.say("v1", ask())
        await trio.sleep(1)
        bench.source.cut("closed")
        await trio.sleep(300)
        assert bench.client.word == "closed"
        assert bench.heard[-1][1] == ["1"]  # nobody said that it is over: it runs out by itself
        assert len(bench.source.asked) < 25
        bench.source.down = ""
        bench.source.say("v2", ask("2"))
        await trio.sleep(31)
        assert bench.heard[-1][1] == ["2"]
        assert bench.client.word == ""
        nursery.cancel_scope.cancel()


async def test_a_collector_from_before_there_were_asks_is_asked_seldom(autojump_clock: trio.testing.MockClock) -> None:
    bench = Bench()
    bench.source.status = 404
    with trio.move_on_after(3600):
        await bench.client.serve()
    assert len(bench.source.asked) <= 61
    assert bench.heard == []


async def test_a_collector_that_answers_at_once_makes_no_storm(autojump_clock: trio.testing.MockClock) -> None:
    bench = Bench()
    bench.source.say("v")

    class Restless(Source):
        async def get_asks(self, after: str) -> AsksAnswer:
            self.asked.append((trio.current_time(), after))
            await trio.lowlevel.checkpoint()
            return AsksAnswer(status=200, asks=Asks(version="same"))

    restless = Restless()
    with trio.move_on_after(10):
        await AskClient("c", restless, bench.heed).serve()
    assert len(restless.asked) <= 51


class Carried:
    """A runner and what it ran."""

    def __init__(self, pace: Pace, takes_s: float = 0.5, admission: Admission | None = None) -> None:
        self.counters, self.step_s = Counters(), 0.0
        self.ran: list[tuple[float, float, str]] = []
        self.takes_s = takes_s
        self.extra = ExtraRuns()
        self.runner = Runner(self.deliver, self.counters, wall=self.wall, admission=admission, extra=self.extra)
        self.runner.assign({PAIR: Job(Grid(30 * NS, 0), Endpoint("auth.acme.test:443"), self.run, pace)})

    def wall(self) -> int:
        return BASE + int((trio.current_time() + self.step_s) * NS)

    async def deliver(self, observations: list[Observation], span: Span) -> None:
        await trio.lowlevel.checkpoint()

    async def run(self, scheduled_at: int, why: str = "") -> list[Observation]:
        self.ran.append((trio.current_time(), (scheduled_at - BASE) / NS, why))
        await trio.sleep(self.takes_s)
        return []


OWN, EXTERNAL = Pace(floor_s=FLOOR_S, period_s=30), Pace(floor_s=EXTERNAL_FLOOR_S, period_s=30)


async def test_the_runner_does_what_is_asked_between_its_ticks(autojump_clock: trio.testing.MockClock) -> None:
    carried = Carried(OWN)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(carried.runner.serve)
        await trio.sleep(45)
        carried.runner.heed("c", [ask(every_s=4.0, left_s=11.0)])
        await trio.sleep(60)
        nursery.cancel_scope.cancel()
    at = [round(each[0], 3) for each in carried.ran]
    grid = [each for each in carried.ran if not each[2]]
    assert [each for each in at if 41 < each < 60] == pytest.approx([45, 49, 53])
    assert [round(each[0] % 30, 3) % 30 for each in grid] == pytest.approx([grid[0][0] % 30] * len(grid), abs=0.01)
    assert carried.counters.asked == 3
    assert carried.counters.skipped == {}
    assert all(abs(scheduled - ran) < 0.01 for ran, scheduled, _ in carried.ran)


async def test_external_targets_keep_their_distance_and_lose_no_tick(autojump_clock: trio.testing.MockClock) -> None:
    carried = Carried(EXTERNAL)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(carried.runner.serve)
        await trio.sleep(58)
        carried.runner.heed("c", [ask(every_s=4.0, left_s=45.0)])
        await trio.sleep(200)
        nursery.cancel_scope.cancel()
    at = [each[0] for each in carried.ran]
    gaps = [later - earlier for earlier, later in pairwise(at)]
    assert min(gaps) >= EXTERNAL_FLOOR_S - 1e-6
    assert max(gaps) <= 30.01
    assert carried.counters.skipped["asked"] >= 1


async def test_a_pair_that_is_under_way_is_asked_again_when_it_is_over(autojump_clock: trio.testing.MockClock) -> None:
    carried = Carried(OWN, takes_s=5)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(carried.runner.serve)
        await trio.sleep(10.5)
        began = carried.ran[0][0]
        await trio.sleep_until(began + 1)
        carried.runner.heed("c", [ask()])
        await trio.sleep(12)
        nursery.cancel_scope.cancel()
    assert [round(each[0] - began, 1) for each in carried.ran] in ([0, 5], [0, 6], [0, 5.1])
    assert carried.counters.skipped == {}


async def test_a_full_probe_asks_nothing_more_of_itself(autojump_clock: trio.testing.MockClock) -> None:
    carried = Carried(OWN, admission=Admission(max_running=0))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(carried.runner.serve)
        carried.runner.heed("c", [ask(every_s=4.0, left_s=20)])
        await trio.sleep(60)
        nursery.cancel_scope.cancel()
    assert carried.ran == []
    assert carried.extra.refused == 0  # it tried once a second, and no more


async def test_a_plan_without_the_pair_ends_what_was_asked(autojump_clock: trio.testing.MockClock) -> None:
    carried = Carried(OWN)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(carried.runner.serve)
        await trio.sleep(40)
        carried.runner.heed("c", [ask(in_s=2.0, every_s=4.0)])
        await trio.sleep(1)
        carried.runner.assign({})
        await trio.sleep(100)
        nursery.cancel_scope.cancel()
    assert [each for each in carried.ran if each[2]] == []


@pytest.mark.parametrize("step_s", [7200.0, -7200.0])
async def test_a_step_of_the_wall_clock_moves_no_ask(autojump_clock: trio.testing.MockClock, step_s: float) -> None:
    carried = Carried(OWN)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(carried.runner.serve)
        await trio.sleep(45)
        carried.runner.heed("c", [ask(every_s=4.0, left_s=11.0)])
        await trio.sleep(2)
        carried.step_s = step_s
        await trio.sleep(100)
        nursery.cancel_scope.cancel()
    assert [round(each[0]) for each in carried.ran if each[2]] == [45, 49, 53]
