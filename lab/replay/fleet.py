"""The probes of a script: runs on their grids, batches as they are cut and shipped, records as the collector writes
them. No sockets and no clock: what comes next is taken from a heap.

A batch is encoded as a probe encodes it, so that what decodes it is what decodes live ones.
"""

import heapq
from collections.abc import Iterable, Iterator

import msgspec

from collector.detect.asking.asks import Ask
from collector.events import Event, FailoverChanged
from collector.inputs import ActionInput, BatchInput, ClockInput, Input, PlanInput, PlanStateInput, encode_input
from lab.replay.loading import Loaded
from lab.replay.observe import observe
from lab.replay.script import ns_of
from lab.replay.seen import Run
from lab.replay.world import World, rtt_ns, unit
from parallax import wire
from parallax.clock import NS, to_ns
from parallax.journal import Record
from parallax.observation import Observation
from parallax.plan.slots import slots_of
from parallax.plan.types import Check, Probe
from parallax.reasons import REASONS
from probe.schedule import Grid

BATCH_NS, SOON_NS = NS, NS // 20
"""How long a batch stays open: for more of what passes, and once something failed."""
QUIET_NS = 5 * NS
"""After so long without a batch the collector writes that time has passed."""
HEARS_NS = NS // 10
"""From an ask at the collector to its probe's start, beside the way."""
EXTERNAL_NS = 15 * NS
"""What others run is asked no more often."""
LOOKS_NS = 300 * NS
"""How often it is looked whether an action could be carried out."""
OBEYED_NS = NS // 5
"""From a command to its being carried out."""
AGENT = "replay"


class _Tick(msgspec.Struct, frozen=True):
    """A run that is due; `grid` is None for one that was asked for."""

    probe: Probe
    check: Check
    target: str
    grid: Grid | None


class _Done(msgspec.Struct, frozen=True):
    """An observation that is through."""

    probe: Probe
    observation: Observation


class _Cut(msgspec.Struct, frozen=True):
    """The open batch of a probe is to be shipped, if it still is that one."""

    probe: Probe
    first_seq: int


class _Arrival(msgspec.Struct, frozen=True):
    """A batch is at the collector's."""

    batch: wire.Batch


class _Said(msgspec.Struct, frozen=True):
    """Something that is written into `inputs` beside batches."""

    value: ActionInput


class _Open:
    """A probe's stream and the batch that is open in it."""

    def __init__(self, probe: Probe, seed: int) -> None:
        self.stream = f"{int(unit(probe.id, str(seed)) * 2**53):016x}"
        self.seq = 0
        self.observations: list[Observation] = []
        self.cut_at = 0


class Fleet:
    """Iterates over the records; `ask` may be called between two of them."""

    def __init__(self, loaded: Loaded, seed: int) -> None:
        assert loaded.plan is not None
        assert loaded.source is not None
        script = loaded.script
        self.world = World(script, loaded.plan, seed)
        self.start = ns_of(script.window.start) - to_ns(script.before)
        self.end = ns_of(script.window.end) + to_ns(script.after)
        self._source = loaded.source
        self._digest = loaded.source.hash
        self._heap: list[tuple[int, int, _Tick | _Done | _Cut | _Arrival | _Said]] = []
        self._pushed = self._position = self._runs = 0
        self._open = {probe.id: _Open(probe, seed) for probe in loaded.plan.probe}
        self._probes = {probe.id: probe for probe in loaded.plan.probe}
        self._checks = {check.name: check for check in loaded.plan.check}
        self._asked: dict[tuple[str, str, str], int] = {}
        self._heeded: dict[tuple[str, str], int] = {}
        self._groups = {group.name: group for group in loaded.plan.failover}
        for group in loaded.plan.failover:
            for action in group.actions:
                for at in range(self.start + LOOKS_NS, self.end, LOOKS_NS):
                    self._push(at, _Said(ActionInput(at=at, group=group.name, action=action, outcome="reachable")))
        slots = slots_of(loaded.plan.probe)
        for check in loaded.plan.check:
            chosen = [p for p in loaded.plan.probe if not check.probes or p.id in check.probes]
            own = slots_of(chosen) if check.probes else slots
            for probe in chosen:
                for target in check.targets:
                    grid = Grid.of(check.name, str(target), check.period, own[probe.id])
                    tick = _Tick(probe, check, str(target), grid)
                    self._push(grid.next_after(self.start), tick)

    def __iter__(self) -> Iterator[Record]:
        yield from self._first()
        spoke = self.start
        while self._heap:
            at, _, what = heapq.heappop(self._heap)
            while at - spoke > QUIET_NS and spoke + QUIET_NS < self.end:
                spoke += QUIET_NS
                yield self._record(ClockInput(at=spoke), spoke)
            if at >= self.end:
                return
            match what:
                case _Tick():
                    self._run(at, what)
                case _Done():
                    self._gather(at, what)
                case _Cut():
                    self._cut(at, what)
                case _Arrival():
                    spoke = at
                    yield self._record(_received(what.batch, at), at, len(what.batch.observations))
                case _Said():
                    spoke = at
                    yield self._record(what.value, at)

    def heed(self, asks: Iterable[Ask], at: int) -> None:
        """Does what the collector asks for now, as soon as a probe that polls hears of it."""
        stand: dict[tuple[str, str], int] = {}
        for ask in asks:
            key = (ask.id, ask.probe)
            due = self._heeded.get(key, at)
            if due <= at:
                travels = rtt_ns(self._probes[ask.probe], "collector") if ask.probe in self._probes else 0
                self.ask(ask.probe, ask.check, ask.target, at + travels + HEARS_NS)
                due = at + ask.every_ns if ask.every_ns else self.end
            stand[key] = due
        self._heeded = stand

    def obey(self, events: Iterable[Event], at: int) -> None:
        """Moves traffic as groups command, or recommend: people follow at once."""
        for event in events:
            said = event.data
            if not isinstance(said, FailoverChanged) or said.word not in ("command", "recommended") or said.dry_run:
                continue
            group = self._groups.get(said.group)
            member = next((each for each in group.members if each.name == said.target), None) if group else None
            if member is None or member.connect_to is None:
                continue
            done_at = at + OBEYED_NS
            moved = self.world.switch(said.group, member.connect_to.ip, done_at)
            if moved and said.actions:
                applied = ActionInput(
                    at=done_at,
                    group=said.group,
                    action=said.actions[0],
                    outcome="applied",
                    epoch=said.epoch,
                    member=said.target,
                    took_ns=OBEYED_NS,
                )
                self._push(done_at, _Said(applied))

    def ask(self, probe: str, check: str, target: str, at: int) -> bool:
        """One more run, at the probe from `at` on; False for what the plan does not have. Where the target is run by
        others, it is no sooner than 15 s after the last run."""
        found, of = self._probes.get(probe), self._checks.get(check)
        if found is None or of is None or target not in map(str, of.targets) or (of.probes and probe not in of.probes):
            return False
        least = EXTERNAL_NS if of.external else NS
        at = max(at, self._asked.get((probe, check, target), 0) + least)
        if at >= self.end:
            return False
        self._asked[probe, check, target] = at
        self._push(at, _Tick(found, of, target, None))
        return True

    def _push(self, at: int, what: _Tick | _Done | _Cut | _Arrival | _Said) -> None:
        self._pushed += 1
        heapq.heappush(self._heap, (at, self._pushed, what))

    def _first(self) -> Iterator[Record]:
        at, source = self.start, self._source
        yield self._record(ClockInput(at=at, started=True), at)
        yield self._record(PlanInput(at=at, digest=source.hash, hash=source.hash, files=source.files), at)
        yield self._record(PlanStateInput(at=at, change="promoted", digest=source.hash, hash=source.hash), at)

    def _record(self, value: Input, at: int, count: int = 1) -> Record:
        self._position += 1
        entry = encode_input(value, at_ns=at, count=count)
        return Record(position=self._position, kind=entry.kind, body=entry.body, at_ns=at, count=count)

    def _run(self, at: int, tick: _Tick) -> None:
        """A run, as far as it goes before anything of it is shipped."""
        if tick.grid is not None:
            self._push(tick.grid.next_after(at), tick)
        self._asked[tick.probe.id, tick.check.name, tick.target] = at
        if self.world.mode("probe", tick.probe.id, at) == "silent":
            return
        self._runs += 1
        turn = at // to_ns(tick.check.period)
        run_id = f"{self._runs:016x}"
        for seen in observe(Run(self.world, tick.probe, tick.check, tick.target, at, turn)):
            fault = seen.fault or (REASONS[seen.reason].fault if seen.reason is not None else None)
            began = at + seen.after_ns
            observation = Observation(
                probe=tick.probe.id,
                stream=self._open[tick.probe.id].stream,
                seq=1,
                run=run_id,
                check=tick.check.name,
                kind=tick.check.kind,
                target=tick.target,
                subject=seen.subject,
                dims=seen.dims,
                scheduled_at=at,
                started_at=began,
                duration_ns=seen.duration_ns,
                phases=list(seen.phases),
                reason=seen.reason,
                fault=fault,  # type: ignore[arg-type]
                findings=seen.findings,
            )
            self._push(began + seen.duration_ns, _Done(tick.probe, observation))

    def _gather(self, at: int, done: _Done) -> None:
        into = self._open[done.probe.id]
        into.observations.append(done.observation)
        due = at + (SOON_NS if done.observation.reason is not None else BATCH_NS)
        full = len(into.observations) >= wire.MAX_OBSERVATIONS
        if full:
            self._cut(at, _Cut(done.probe, into.seq + 1))
        elif len(into.observations) == 1 or due < into.cut_at:
            into.cut_at = due
            self._push(due, _Cut(done.probe, into.seq + 1))

    def _cut(self, at: int, cut: _Cut) -> None:
        into = self._open[cut.probe.id]
        if not into.observations or cut.first_seq != into.seq + 1:
            return  # it went out earlier
        count = len(into.observations)
        batch = wire.Batch(
            probe=cut.probe.id,
            stream=into.stream,
            first_seq=into.seq + 1,
            last_seq=into.seq + count,
            cut_at=at,
            plan=self._digest,
            agent=AGENT,
            observations=[
                msgspec.structs.replace(observation, seq=into.seq + number)
                for number, observation in enumerate(into.observations, 1)
            ],
        )
        into.seq += count
        into.observations = []
        travels = rtt_ns(cut.probe, "collector") // 2 + to_ns(0.005)
        self._push(at + travels, _Arrival(batch))


def _received(batch: wire.Batch, at: int) -> BatchInput:
    body = wire.encode(batch)
    return BatchInput(
        probe=batch.probe,
        received_at=at,
        sent_at=batch.cut_at,
        round_trip=None,
        offset_ns=0,
        skewed=False,
        peer="",
        missing=0,
        digest=wire.digest(body),
        content_type=wire.MSGPACK,
        encoding=wire.ZSTD,
        body=body,
    )
