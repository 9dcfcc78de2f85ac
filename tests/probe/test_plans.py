"""The plan client on virtual time: saved, fetched, broken, fallen back."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
import trio
import trio.testing

from parallax.clock import NS
from parallax.state import write_private
from probe.client import PlanAnswer
from probe.outcomes import Backoff
from probe.plans import PlanClient, PlanInForce, read_plan
from probe.schedule import Pair
from probe.work import jobs_of
from tests.fakes.probes import part, tcp_check

ONE = part(tcp_check("http://192.0.2.1/"))
TWO = part(tcp_check("http://192.0.2.1/", "http://192.0.2.2/"))


class Source:
    """A collector that serves a part, with long polls."""

    def __init__(self, served: tuple[bytes, str]) -> None:
        self.served = served
        self.asked: list[tuple[float, str]] = []
        self.answer: Callable[[str], Awaitable[PlanAnswer]] = self.usual

    async def get_plan(self, etag: str) -> PlanAnswer:
        self.asked.append((trio.current_time(), etag))
        return await self.answer(etag)

    async def usual(self, etag: str) -> PlanAnswer:
        with trio.move_on_after(25):
            while self.served[1] == etag:  # noqa: ASYNC110 virtual time, and tests set `served` as they like
                await trio.sleep(0.1)
            return PlanAnswer(status=200, body=self.served[0], etag=self.served[1])
        return PlanAnswer(status=304)

    async def refused(self, etag: str) -> PlanAnswer:
        await trio.lowlevel.checkpoint()
        return PlanAnswer(failure="refused")


async def save(path: Path, body: bytes) -> None:
    """In the event loop: virtual time does not wait for threads."""
    await trio.lowlevel.checkpoint()
    write_private(path, body)


class Bench:
    def __init__(self, folder: Path, *sources: Source) -> None:
        self.applied: list[PlanInForce] = []
        self.offsets: list[float] = []
        self.client = PlanClient(
            folder / "plan.json",
            [(str(n), source) for n, source in enumerate(sources)],
            self.applied.append,
            lambda collector, offset_s, within_s: self.offsets.append(offset_s),
            backoff=Backoff(0.5, 30, jitter=lambda: 1.0),
            save=save,
            wall=lambda: int(trio.current_time() * NS),
        )

    async def during(self, seconds: float) -> None:
        with trio.move_on_after(seconds):
            await self.client.serve()

    @property
    def hashes(self) -> list[str]:
        return [plan.hash for plan in self.applied]


async def test_a_plan_is_fetched_saved_and_changed(tmp_path: Path, autojump_clock: trio.testing.MockClock) -> None:
    source = Source(ONE)
    bench = Bench(tmp_path, source)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(bench.client.serve)
        await trio.sleep(60)
        assert bench.hashes == [ONE[1]]
        assert len(source.asked) <= 4
        source.served = TWO
        await trio.sleep(1)
        assert bench.hashes == [ONE[1], TWO[1]]
        nursery.cancel_scope.cancel()
    path = tmp_path / "plan.json"
    assert path.read_bytes() == TWO[0]
    assert path.stat().st_mode & 0o777 == 0o600


async def test_the_saved_plan_works_without_a_collector(tmp_path: Path, autojump_clock: trio.testing.MockClock) -> None:
    await Bench(tmp_path, Source(ONE)).during(5)
    source = Source(TWO)
    source.answer = source.refused
    bench = Bench(tmp_path, source)
    bench.client.load_saved()
    await bench.during(3600)
    assert bench.hashes == [ONE[1]]
    assert bench.client.words == {"0": "refused"}
    assert 100 < len(source.asked) < 140  # backed off to every 30 s


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"schema": 99}', b"[" * 100_000, b"\xff", ONE[0][:-5]])
async def test_an_answer_that_cannot_be_read_changes_nothing(
    tmp_path: Path, autojump_clock: trio.testing.MockClock, body: bytes
) -> None:
    source = Source(ONE)
    bench = Bench(tmp_path, source)
    await bench.during(5)
    source.served = (body, "new")
    await bench.during(60)
    assert bench.hashes == [ONE[1]]
    assert bench.client.words == {"0": "unreadable"}
    assert (tmp_path / "plan.json").read_bytes() == ONE[0]
    assert len(source.asked) < 20


@pytest.mark.parametrize("saved", [b"", b"{}", b"\0" * 100])
async def test_a_broken_saved_plan_is_passed_over(
    tmp_path: Path, autojump_clock: trio.testing.MockClock, saved: bytes
) -> None:
    (tmp_path / "plan.json").write_bytes(saved)
    bench = Bench(tmp_path, Source(ONE))
    bench.client.load_saved()
    assert bench.hashes == []
    await bench.during(5)
    assert bench.hashes == [ONE[1]]


async def test_the_other_collector_is_asked_when_one_does_not_answer(
    tmp_path: Path, autojump_clock: trio.testing.MockClock
) -> None:
    first, second = Source(ONE), Source(ONE)
    bench = Bench(tmp_path, first, second)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(bench.client.serve)
        await trio.sleep(10)
        assert second.asked == []
        first.answer = first.refused
        await trio.sleep(30)
        second.served = TWO
        await trio.sleep(1)
        assert bench.hashes == [ONE[1], TWO[1]]
        nursery.cancel_scope.cancel()


async def test_an_unwritable_disk_does_not_keep_a_plan_from_use(
    tmp_path: Path, autojump_clock: trio.testing.MockClock
) -> None:
    (tmp_path / "plan.json").mkdir()
    bench = Bench(tmp_path, Source(ONE))
    bench.client.load_saved()
    await bench.during(5)
    assert bench.hashes == [ONE[1]]


async def test_the_date_of_an_answer_says_something_of_the_clock(
    tmp_path: Path, autojump_clock: trio.testing.MockClock
) -> None:
    source = Source(ONE)

    async def answer(etag: str) -> PlanAnswer:
        await trio.lowlevel.checkpoint()
        return PlanAnswer(status=304, date_s=100.0)

    source.answer = answer
    bench = Bench(tmp_path, source)
    await bench.during(0.5)
    assert bench.offsets == [100.5]


async def test_what_a_probe_does_not_know_it_says_once_a_period() -> None:
    plan = read_plan(part(tcp_check("http://192.0.2.1/"), {"name": "new", "kind": "tea", "targets": ["pot"]})[0])

    async def run(*_: object) -> list[object]:
        return []

    jobs = jobs_of(plan, "p1", run)  # type: ignore[arg-type]
    assert set(jobs) == {Pair("front", "http://192.0.2.1/"), Pair("new", "")}
    job = jobs[Pair("new", "")]
    assert job.grid.period_ns == 30 * NS
    [said] = await job.run(5)
    assert (said.check, said.kind, said.target, said.reason, said.fault) == (
        "new",
        "tea",
        "pot",
        "unsupported",
        "config",
    )
    assert "tea" in said.findings["detail"]
