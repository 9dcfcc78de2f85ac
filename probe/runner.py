"""Starts runs when they are due, within bounds, and hands on what they saw. Waits on trio's clock, schedules on the
wall clock, which is read anew at every turn."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Self

import msgspec
import trio

from parallax.asks import Ask
from parallax.clock import NS, to_ns, wall_ns
from parallax.observation import Observation
from parallax.values import Endpoint
from probe.admission import Admission
from probe.extra_runs import ExtraRuns, Pace
from probe.schedule import Due, Grid, Pair, Schedule
from probe.statistics import Counters

LONGEST_WAIT_S = 5.0
"""The wall clock is read at least this often, so that a step is seen."""


class Job(msgspec.Struct, frozen=True):
    """What to run for a pair, when, and where it goes. `run` gets the tick's wall time (ns), where it was asked for the
    word why, too, and never raises but for cancellation; without an `endpoint` it goes nowhere, and without a `pace`
    collectors may not ask for it. `needs`: words of probe.capabilities."""

    grid: Grid
    endpoint: Endpoint | None
    run: Callable[..., Awaitable[list[Observation]]]
    pace: Pace | None = None
    needs: frozenset[str] = frozenset()


class Span(msgspec.Struct, frozen=True):
    """When a run took place: trio's clock, seconds; and how far the wall clock ran away from it meanwhile, seconds."""

    started: float
    ended: float
    stepped_s: float = 0.0


class Begun(msgspec.Struct, frozen=True):
    """When something began, by both clocks."""

    started: float
    at_ns: int

    @classmethod
    def now(cls, wall: Callable[[], int] = wall_ns) -> Self:
        return cls(trio.current_time(), wall())

    def until_now(self, wall: Callable[[], int] = wall_ns) -> Span:
        """The span from then on."""
        ended = trio.current_time()
        stepped_ns = wall() - self.at_ns - to_ns(ended - self.started)
        return Span(self.started, ended, stepped_ns / NS)


Deliver = Callable[[list[Observation], Span], Awaitable[None]]


class Runner:
    """Runs jobs on their grids, and when collectors ask for them, as far as `admission` lets it; a tick beyond is
    skipped and counted by its word."""

    def __init__(
        self,
        deliver: Deliver,
        counters: Counters,
        *,
        wall: Callable[[], int] = wall_ns,
        admission: Admission | None = None,
        extra: ExtraRuns | None = None,
    ) -> None:
        self._deliver, self.counters, self._wall = deliver, counters, wall
        self._admission = admission or Admission()
        self._extra = extra or ExtraRuns()
        self._schedule = Schedule(counters.skip)
        self._jobs: Mapping[Pair, Job] = {}
        self.lacks: Collection[str] = ()
        """What this host lacks: jobs that need one of these are not run."""
        self._changed = trio.Event()

    @property
    def running(self) -> int:
        """How many runs are under way."""
        return self._admission.running

    def assign(self, jobs: Mapping[Pair, Job]) -> None:
        """Puts other jobs in force; runs under way go on to their end."""
        self._jobs = dict(jobs)
        paces = {pair: job.pace for pair, job in jobs.items() if job.pace is not None}
        self._extra.use(paces, trio.current_time())
        self._schedule.replace(((pair, job.grid) for pair, job in jobs.items()), self._wall())
        self._changed.set()

    def heed(self, collector: str, asks: Sequence[Ask]) -> None:
        """Takes all that a collector asks for now."""
        self._extra.replace(collector, asks, trio.current_time())
        self._changed.set()

    async def serve(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Runs until cancelled, which ends the runs under way too."""
        async with trio.open_nursery() as nursery:
            task_status.started()
            while True:
                now = trio.current_time()
                for due in self._schedule.take(self._wall()):
                    if self._lacks(due.pair):
                        continue
                    if self._extra.puts_off(due.pair, now):
                        self.counters.skip("asked")
                    elif skipped := self._admission.enter(due.pair, self._jobs[due.pair].endpoint):
                        self.counters.skip(skipped)
                    else:
                        self._extra.began(due.pair, now)
                        nursery.start_soon(self._run, due, self._jobs[due.pair])
                for run in self._extra.take(now):
                    job = self._jobs[run.pair]
                    if self._lacks(run.pair):
                        self._extra.began(run.pair, now, asked=True)
                    elif self._admission.enter(run.pair, job.endpoint):
                        self._extra.wait_a_moment(run.pair, now)
                    else:
                        self._extra.began(run.pair, now, asked=True)
                        self.counters.asked += bool(run.why)
                        nursery.start_soon(self._run, Due(run.pair, self._wall()), job, run.why)
                await self._wait_next()

    def _lacks(self, pair: Pair) -> bool:
        """Whether the job cannot be run here; counted under the first word of what is lacking."""
        needs = self._jobs[pair].needs
        lacking = min((need for need in needs if need in self.lacks), default=None) if needs and self.lacks else None
        if lacking is not None:
            self.counters.not_run[lacking] += 1
        return lacking is not None

    async def _wait_next(self) -> None:
        next_at = self._schedule.next_at()
        wait_s = LONGEST_WAIT_S if next_at is None else min((next_at - self._wall()) / NS, LONGEST_WAIT_S)
        asked_at = self._extra.next_at()
        if asked_at is not None:
            wait_s = min(wait_s, asked_at - trio.current_time())
        self._changed = trio.Event()
        with trio.move_on_after(max(wait_s, 0)):
            await self._changed.wait()

    async def _run(self, due: Due, job: Job, why: str = "") -> None:
        begun = Begun.now(self._wall)
        try:
            observations = await (job.run(due.scheduled_at, why) if why else job.run(due.scheduled_at))
        finally:
            self._admission.leave(due.pair)
        await self._deliver(observations, begun.until_now(self._wall))
