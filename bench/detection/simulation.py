"""A fleet whose probes look again when asked, and a detector that hears what they see: discrete events on a heap.

While every run passes nothing is simulated: the next run that fails or is slow is known from the world. A lone one is
settled at once, with the looks that it leads to, if all of those pass and nothing else is wrong near it; in every other
case each run of every probe is stepped until all is calm again. Both give the detector the same words.

How a probe is asked is a value (`Asking`). A probe has one run of a target under way at a time: who hangs is asked when
its run ends, and a run of the grid that falls due meanwhile is skipped.
"""

import heapq
from bisect import bisect_left
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from math import log, log1p
from typing import Literal, Protocol

from bench.detection.rivals import Span
from bench.detection.world import DAY, OK_S, SLOW_S, TIMEOUT_S, Run, World
from collector.detect.asking import asks, voters
from collector.detect.verdicts import charts
from parallax.clock import NS
from probe import extra_runs

State = Literal["up", "degraded", "down"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """How the fleet is asked to look again."""

    first: int = voters.OTHERS
    """Voters in other networks that are asked beside the suspect."""
    more: int = voters.MORE
    """That many, where it is not the first failure of late."""
    pace_s: float = asks.EVERY_NS / NS
    """Everyone again, no sooner than that, once two networks show evidence."""
    until_s: float = asks.LONGEST_NS / NS
    rest_s: float = asks.FIRST_REST_NS / NS
    """A suspicion that came to nothing is let be for so long."""
    gap_s: float = 0.0
    """A target's etiquette: a probe does not begin a run sooner after its last."""
    way_s: float = 0.5
    """From a word at the collector to the run that it leads to."""
    ship_s: float = 0.2
    """From the end of a run to its word at the collector."""
    pending_s: float = 2.0
    """A probe's own p99: it says then that a run still waits."""
    hold_s: float = charts.TAU_NS / NS
    """A last round begins so long after the first failing run began, for persistence; 0: none does."""
    bucket: float = extra_runs.SHARE
    """Runs that a probe makes because it is asked are no more than this share of its grid's, and as much of a day's at
    once."""
    on: bool = True


class Detector(Protocol):
    """What is asked of a detector of one target. Times are seconds; `launched` is when the run began."""

    def settle(self, now: float) -> None:
        """All runs of the grid that ended before passed, but for those that were told of."""

    def begin_steps(self, now: float) -> None:
        """From now on every run that is made is told of, also one that passes: what is not told was not made."""

    def end_steps(self, now: float) -> None:
        """Until the next begin, runs of the grid from now on pass where nothing is told."""

    def hear(self, now: float, probe: int, launched: float, *, failed: bool, abstains: bool) -> None: ...

    def wait(self, now: float, probe: int, launched: float) -> None:
        """A run still waits at the probe's own p99."""

    def state(self, now: float) -> State:
        """What it concludes."""

    def is_calm(self) -> bool:
        """Nobody's newest word is a failure, nothing is pending, and the state is up."""

    def remembers(self) -> Iterable[int]:
        """The probes of which some failure of late still weighs."""

    def is_near(self) -> bool:
        """Whether what was heard might be enough for another state."""


@dataclass(slots=True)
class Heard:
    """What a detector said over a stretch."""

    down: list[Span] = field(default_factory=list)
    hurt: list[Span] = field(default_factory=list)
    """Down or degraded."""
    extra: int = 0
    """Runs that the grid would not have made."""


LOOKS_S = TIMEOUT_S + 4.0
"""A lone failure, and the looks that it leads to, are over by then."""
_GRID, _ASK, _RESULT, _WAIT, _ROUND = range(5)


class Simulation:
    """One target, one fleet, one detector. `run()` plays the whole stretch."""

    def __init__(self, world: World, detector: Detector, asking: Asking, *, watch: Callable[[str], None] | None = None):
        self.world, self.detector, self.asking, self.watch = world, detector, asking, watch
        self.groups = world.fleet.groups
        size = world.fleet.size
        self.heard = Heard()
        self.heap: list[tuple[float, int, int, int, float, Run | None]] = []
        self.number = 0
        self.busy = [0.0] * size
        self.last = [-1e9] * size
        self.asked = [0.0] * size
        self.everyone = range(size)
        self.others = [
            [other for other in self.everyone if self.groups[other] != self.groups[probe]] for probe in self.everyone
        ]
        self.suspects: dict[int, float] = {}
        self.passing: set[int] = set()
        self.begun: float | None = None
        self.opened = self.rounds_at = 0.0
        self.wide = False
        self.said: State = "up"
        self.down_at = self.hurt_at = 0.0
        self.slow = [self._slow(probe) for probe in range(size)]
        self.special = sorted(
            [(run.at, run.probe, run.place) for each in world.failing for run in each.values()]
            + [(world.at(probe, place), probe, place) for probe in range(size) for place in self.slow[probe]]
        )
        self.grid_a_day = DAY / world.fleet.period_s
        self.tokens = [asking.bucket * self.grid_a_day] * size
        self.filled = [0.0] * size
        self.turn = 0
        self.refused = 0
        self.quiet_pass = (1.0 - world.noise.fails) * (1.0 - world.noise.slow)

    def run(self) -> Heard:
        """Plays the stretch."""
        index, special = 0, self.special
        world, detector = self.world, self.detector
        while index < len(special):
            at, probe, place = special[index]
            run = world.failing[probe].get(place)
            if run is not None and run.abstains:
                detector.hear(run.ends, probe, at, failed=True, abstains=True)
                index += 1
                continue
            following = special[index + 1][0] if index + 1 < len(special) else 1e18
            looks = LOOKS_S if run is None or run.late else LOOKS_S - TIMEOUT_S + OK_S
            if following > at + looks and detector.is_calm() and self._settled_alone(at, probe, run, following):
                index += 1
                continue
            ended = self._step(at)
            detector.end_steps(ended)
            index = bisect_left(special, (ended, -1, -1), index)
        self._say("up", world.length)
        return self.heard

    def _may_look(self, probe: int, at: float) -> bool:
        """Takes one of the runs that a probe may make because it is asked."""
        self._refill(probe, at)
        if self.tokens[probe] < 1.0:
            self.refused += 1
            return False
        self.tokens[probe] -= 1.0
        self.heard.extra += 1
        return True

    def _refill(self, probe: int, at: float) -> None:
        most = self.asking.bucket * self.grid_a_day
        self.tokens[probe] = min(most, self.tokens[probe] + (at - self.filled[probe]) / DAY * most)
        self.filled[probe] = at

    def _unasked(self, at: float, probe: int, run: Run | None, following: float) -> bool:
        """The same where nobody may look: what fails is told until the grid's next run of that probe passes."""
        if run is None:
            return True
        again = at + self.world.fleet.period_s + OK_S
        if following <= again + LOOKS_S or not self.world.is_calm(at - 1.0, again + LOOKS_S):
            return False
        self.detector.hear(run.ends, probe, at, failed=True, abstains=False)
        if self.detector.is_near():
            self._say(self.detector.state(run.ends), run.ends)
        self.detector.settle(again + 0.1)
        if self.said != "up":
            self._say(self.detector.state(again), again)
        return True

    def _settled_alone(self, at: float, probe: int, run: Run | None, following: float) -> bool:
        """Deals with a lone failure, or a lone slow run, whose second looks all pass. False: it must be stepped."""
        world, rng, detector, asking = self.world, self.world.rng, self.detector, self.asking
        size = len(self.groups)
        if not asking.on or asking.gap_s or size < 2 or not world.is_calm(at - 1.0, at + LOOKS_S):
            return False
        self.turn += 1
        others = self.others[probe]
        looks = [others[(self.turn + step) % len(others)] for step in range(min(asking.first, len(others)))]
        if run is not None:
            looks.append(probe)
        for each in looks:
            self._refill(each, at)
        dry = sum(self.tokens[each] < 1.0 for each in looks)
        if dry == len(looks):
            return self._unasked(at, probe, run, following)
        if dry:
            return False
        if rng.random() >= self.quiet_pass ** len(looks):
            return False
        for each in looks:
            self._may_look(each, at)
        if run is None:
            return True  # it passed, as the grid's runs do of which nothing is told
        again = run.ends + asking.ship_s + asking.way_s
        detector.hear(run.ends, probe, at, failed=True, abstains=False)
        if detector.is_near():
            self._say(detector.state(again), again)
        detector.hear(again + OK_S, probe, again, failed=False, abstains=False)
        if self.said != "up":
            self._say(detector.state(again + OK_S), again + OK_S)
        return True

    def _slow(self, probe: int) -> set[int]:
        """The runs of a probe's grid that pass, and take long."""
        world, share = self.world, self.world.noise.slow
        found: set[int] = set()
        if share <= 0:
            return found
        scale = 1.0 / log1p(-share)
        last = int((world.length - world.phases[probe]) // world.fleet.period_s)
        place = int(log(1.0 - world.rng.random()) * scale)
        while place <= last:
            if place not in world.failing[probe]:
                found.add(place)
            place += 1 + int(log(1.0 - world.rng.random()) * scale)
        return found

    # the stepped part

    def _push(self, at: float, kind: int, probe: int, launched: float = 0.0, run: Run | None = None) -> None:
        self.number += 1
        heapq.heappush(self.heap, (at, kind, self.number, probe, launched, run))

    def _step(self, start: float) -> float:
        """Steps every run from a moment on until all is calm; returns when that was."""
        world, detector, size = self.world, self.detector, len(self.groups)
        self.heap.clear()
        detector.begin_steps(start)
        for probe in range(size):
            place = world.next_place(probe, start - 1e-6)
            self.last[probe] = world.at(probe, place - 1)
            self.busy[probe] = self.asked[probe] = 0.0
            self._push(world.at(probe, place), _GRID, probe, place)
        self.begun, self.wide = None, False
        self.suspects.clear()
        self.passing = set(self.everyone)
        flying = 0
        while self.heap:
            at, kind, _, probe, value, run = heapq.heappop(self.heap)
            if at > world.length:
                return world.length
            if kind == _GRID:
                place = int(value)
                if (
                    not flying
                    and detector.is_calm()
                    and self.begun is None
                    and at > start
                    and place not in world.failing[probe]
                    and place not in self.slow[probe]
                ):
                    return at
                self._push(world.at(probe, place + 1), _GRID, probe, place + 1)
                if self.busy[probe] <= at:
                    flying += self._launch(at, probe, world.failing[probe].get(place), place)
            elif kind == _ASK:
                if self.asked[probe] != value or self.last[probe] >= value - self.asking.way_s:
                    continue  # another ask came since, or it has looked since
                free = max(self.busy[probe], self.last[probe] + self.asking.gap_s)
                if free > at:
                    self._push(free + 1e-3, _ASK, probe, value)
                    continue
                if not self._may_look(probe, at):
                    continue
                flying += self._launch(at, probe, world.run_at(probe, at), -1)
            elif kind == _RESULT:
                flying -= 1
                abstains = run is not None and run.abstains
                if run is None or abstains:
                    self.suspects.pop(probe, None)
                detector.hear(at, probe, value, failed=run is not None, abstains=abstains)
                self._follow(at, probe, value, failed=run is not None and not abstains, pending=False)
            elif kind == _WAIT:
                if self.busy[probe] > at - self.asking.ship_s and self.last[probe] == value:
                    detector.wait(at, probe, value)
                    self._follow(at, probe, value, failed=True, pending=True)
            else:
                self._round(at, value)
        return world.length

    def _launch(self, at: float, probe: int, run: Run | None, place: int) -> int:
        if run is not None:
            takes = TIMEOUT_S if run.late else OK_S
        elif place >= 0:
            takes = self.world.rng.uniform(*SLOW_S) if place in self.slow[probe] else OK_S
        else:
            takes = self.world.passes_in()
        self.busy[probe], self.last[probe] = at + takes, at
        self._push(at + takes + self.asking.ship_s, _RESULT, probe, at, run)
        if takes > self.asking.pending_s and not (run is not None and run.abstains):
            self._push(at + self.asking.pending_s + self.asking.ship_s, _WAIT, probe, at)
        return 1

    def _follow(self, at: float, probe: int, launched: float, *, failed: bool, pending: bool) -> None:
        """What a word leads to: the state, and who is asked."""
        state = self.detector.state(at)
        if self.watch is not None:
            word = "pending" if pending else "fails" if failed else "passes"
            self.watch(f"{at:9.2f} probe {probe} launched {launched:9.2f} {word}: {state}")
        self._say(state, at)
        asking = self.asking
        if not asking.on:
            return
        if failed:
            self.passing.discard(probe)
            if state != "down":
                self._suspect(at, probe, launched, pending=pending)
        else:
            if state != "up" and probe not in self.passing:
                self._ask(at, [other for other in self.everyone if other not in self.passing], since=launched)
            self.passing.add(probe)
            if self.begun is not None and not self.suspects and self.detector.is_calm():
                self.begun = None
        if state == "down":
            self.begun = None

    def _suspect(self, at: float, probe: int, launched: float, *, pending: bool) -> None:
        """A failure, or a run that waits, where it is not known to be down."""
        asking = self.asking
        new = probe not in self.suspects
        self.suspects[probe] = min(self.suspects.get(probe, launched), launched)
        if self.begun is not None and at > self.opened + asking.until_s:
            if at < self.opened + asking.until_s + asking.rest_s and not new:
                return
            self.begun = None
        if self.begun is None:
            self.begun, self.opened, self.wide = min(self.suspects.values()), at, False
            others = [other for other in self.everyone if self.groups[other] != self.groups[probe]]
            others.sort(key=lambda other: self.last[other])
            known = {self.groups[each] for each in self.detector.remembers()} - {self.groups[probe]}
            first = asking.more if known and not asking.gap_s else asking.first
            self._ask(at, [*([] if pending else [probe]), *others[:first]], since=launched)
        elif not self.wide and len({self.groups[each] for each in self.suspects}) >= min(2, len(set(self.groups))):
            self.wide = True
            self._ask(at, self.everyone, since=min(self.suspects.values()) + 0.1)
            begins = at + asking.way_s + asking.pace_s
            if asking.hold_s:
                begins = max(min(self.suspects.values()) + asking.hold_s + asks.HOLD_NS / NS, at + asking.way_s)
            self._push(begins - asking.way_s, _ROUND, -1, self.begun)
        elif not self.wide and not pending:
            self._ask(at, [probe], since=launched)

    def _round(self, at: float, begun: float) -> None:
        """Everyone again, while it is undecided."""
        if self.begun != begun or at > self.opened + self.asking.until_s:
            return
        self._ask(at, self.everyone, since=at - self.asking.pace_s / 2)
        self._push(at + max(self.asking.pace_s, self.asking.gap_s), _ROUND, -1, begun)

    def _ask(self, at: float, probes: Iterable[int], since: float) -> None:
        """Asks those that have not looked since a moment."""
        for probe in probes:
            if self.last[probe] <= since:
                begins = at + self.asking.way_s
                self.asked[probe] = begins
                self._push(begins, _ASK, probe, begins)

    def _say(self, state: State, at: float) -> None:
        if state == self.said:
            return
        if state == "down":
            self.down_at = at
        elif self.said == "down":
            self.heard.down.append(Span(self.down_at, at))
        if self.said == "up":
            self.hurt_at = at
        elif state == "up":
            self.heard.hurt.append(Span(self.hurt_at, at))
        self.said = state
