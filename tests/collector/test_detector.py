"""Detection live: what it concluded, its snapshot and its position are one, through kill -9 and a full disk."""

import itertools
import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
import trio

from collector.detect import State, decode_state, initial, step
from collector.detector import SNAPSHOT, Detector
from collector.engine import Here
from collector.events import Event, IncidentChanged, Noticed, Risk, RiskChanged, decode_event, encode_event
from collector.inputs import ClockInput, Input, PlanInput, PlanStateInput, decode_input, encode_input
from parallax.clock import NS
from parallax.journal import Entry, Journal, JournalFull, Limits, Record, open_journal
from parallax.observation import Observation
from parallax.plan.source import PlanSource
from tests.fakes.inputs import MemoryInputs, batch_entry
from tests.fakes.steps import cancelled_at_step

ROOT = Path(__file__).parents[2]
ROUNDS = int(os.environ.get("PARALLAX_SOAK_ROUNDS", "15"))
LIMITS = Limits(max_bytes=10**9, max_age_s=10**9, ballast_bytes=0)
START = 1_760_000_000 * NS
PERIOD = 5
PROBES = [f"p{number}" for number in range(5)]
PLAN = "\n".join(
    [f'[[probe]]\nid = "{probe}"\nasn = {64496 + number}' for number, probe in enumerate(PROBES)]
    + [
        '[[check]]\nname = "api"\nkind = "tls"\ntargets = ["192.0.2.1:443"]',
        f'external = false\nperiod = "{PERIOD}s"\ntimeout = "2s"',
        '[[component]]\nname = "Sign-in"\nchecks = ["api"]',
    ]
)


def entries(rounds: int) -> Iterator[Entry]:
    """A plan, then `rounds` rounds of every probe's word on one check; bad for 40 s, good for a while, and again."""

    def entry(at: int, value: Input) -> Entry:
        return encode_input(value, at_ns=at)

    source = PlanSource({"plan.toml": PLAN})
    yield entry(START, PlanInput(at=START, digest=source.hash, hash="h", files=source.files))
    yield entry(START, PlanStateInput(at=START, change="promoted", digest=source.hash, hash="h"))
    seqs = dict.fromkeys(PROBES, 0)
    for turn in range(rounds):
        for place, probe in enumerate(PROBES):
            at = START + (turn * PERIOD + place) * NS
            seqs[probe] += 1
            reason = "connect_refused" if turn // 8 % 3 == 1 else None
            observation = Observation(
                probe=probe,
                stream=f"{place:016x}",
                seq=seqs[probe],
                run=f"{turn:016x}",
                check="api",
                kind="tls",
                target="192.0.2.1:443",
                subject="192.0.2.1:443",
                dims={"family": "4"},
                scheduled_at=at - NS // 10,
                started_at=at - NS // 10,
                duration_ns=10_000_000,
                phases=[],
                reason=reason,
                fault="target" if reason else None,
            )
            yield batch_entry([observation], at)


def straight(seed: str, records: list[Record]) -> list[Event]:
    """What the same records come to without any restart."""
    state, events = initial(seed), []
    for record in records:
        state, more = step(state, record)
        events += more
    return events


async def all_of(journal: Journal) -> list[Record]:
    return await journal.read(0, max_records=10**6, max_bytes=10**9)


@pytest.mark.slow
async def test_kill_9_in_the_middle_of_incidents_says_nothing_twice_and_leaves_nothing_out(tmp_path: Path) -> None:
    made = list(entries(200))
    async with open_journal(tmp_path / "inputs.db", LIMITS) as inputs:
        await inputs.append(made)
    choice, kills, position = random.Random(1), 0, 0
    while position < len(made) and kills < ROUNDS * 10:
        worker = subprocess.Popen(
            [sys.executable, "-m", "tests.parts.detector_worker", str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE
        )
        assert worker.stdout is not None
        for _ in range(choice.randrange(1, 3)):
            position = int(worker.stdout.readline())
            if position >= len(made):
                break
        worker.send_signal(signal.SIGKILL)
        worker.wait()
        worker.stdout.close()
        kills += 1
    async with (
        open_journal(tmp_path / "inputs.db", LIMITS) as inputs,
        open_journal(tmp_path / "events.db", LIMITS) as events,
    ):
        detector = Detector(inputs, events)
        async with trio.open_nursery() as nursery:
            await nursery.start(detector.run)
            while detector.board().position < inputs.stats.last or inputs.stats.last < len(made):
                await detector.wait_changed(detector.board())
            nursery.cancel_scope.cancel()
        raw = events.mark(SNAPSHOT)
        assert raw is not None
        said = [decode_event(record) for record in await all_of(events)]
        state = decode_state(raw)
        expected = straight(state.seed, await all_of(inputs))
    assert kills >= 3
    assert [event.id for event in said] == [event.id for event in expected]
    assert said == expected
    opened = [e for e in said if isinstance(e.data, IncidentChanged) and e.data.change in ("opened", "reopened")]
    closed = [e for e in said if isinstance(e.data, IncidentChanged) and e.data.change == "monitoring"]
    assert len(opened) >= 5
    assert len(opened) - len(closed) in (0, 1)


async def test_a_full_disk_delays_what_was_concluded_and_loses_nothing(autojump_clock: trio.testing.MockClock) -> None:
    full = True

    async def hold() -> None:
        await trio.lowlevel.checkpoint()
        if full:
            raise JournalFull

    inputs, events = MemoryInputs(), MemoryInputs(hold)
    await inputs.append(list(entries(20)))
    detector = Detector(inputs, events)  # type: ignore[arg-type]
    async with trio.open_nursery() as nursery:
        await nursery.start(detector.run)
        await trio.sleep(30)
        assert events.records == []
        full = False
        await trio.sleep(30)
        nursery.cancel_scope.cancel()
    said = [decode_event(record) for record in events.records]
    raw = events.mark(SNAPSHOT)
    assert raw is not None
    assert said
    assert said == straight(decode_state(raw).seed, inputs.records)[: len(said)]
    assert len({event.id for event in said}) == len(said)


@pytest.mark.slow
async def test_cancelled_at_any_step_it_goes_on_as_if_nothing_had_been(autojump_clock: trio.testing.MockClock) -> None:
    async def disk() -> None:
        await trio.sleep(0.01)

    made = list(entries(12))
    for n in itertools.count():
        inputs, events = MemoryInputs(disk), MemoryInputs(disk)
        await inputs.append(made)
        cut = await cancelled_at_step(n, partial(_take_all, inputs, events, len(made)))
        await _take_all(inputs, events, inputs.stats.last)
        said = [decode_event(record) for record in events.records]
        raw = events.mark(SNAPSHOT)
        assert raw is not None
        seed, upto = decode_state(raw).seed, decode_state(raw).position
        assert said == straight(seed, [record for record in inputs.records if record.position <= upto]), n
        assert any(event.type == "incident.opened" for event in said)
        if not cut:
            assert n > 40, "it had that many checkpoints"
            return


async def _take_all(inputs: MemoryInputs, events: MemoryInputs, position: int) -> None:
    """A detector from its start until it has taken and saved what led to something."""
    detector = Detector(inputs, events)  # type: ignore[arg-type]
    async with trio.open_nursery() as nursery:

        async def watch() -> None:
            while (board := detector.board()).position < position:
                await detector.wait_changed(board)
            nursery.cancel_scope.cancel()

        nursery.start_soon(watch)
        await detector.run()


async def test_time_is_told_at_the_start_and_while_nothing_comes(autojump_clock: trio.testing.MockClock) -> None:
    inputs = MemoryInputs()
    async with trio.open_nursery() as nursery:
        await nursery.start(Detector(inputs, MemoryInputs()).run)  # type: ignore[arg-type]
        await trio.sleep(21)
        nursery.cancel_scope.cancel()
    clocks = [decode_input(record) for record in inputs.records]
    assert all(isinstance(value, ClockInput) for value in clocks)
    assert [value.started for value in clocks if isinstance(value, ClockInput)] == [True, False, False, False, False]


async def test_a_snapshot_of_another_version_begins_anew_at_the_end(autojump_clock: trio.testing.MockClock) -> None:
    inputs, events = MemoryInputs(), MemoryInputs()
    await inputs.append(list(entries(20)))
    await events.append([], {SNAPSHOT: b"\xc1 no snapshot"})
    detector = Detector(inputs, events)  # type: ignore[arg-type]
    assert detector.board().position == len(inputs.records)


async def test_what_a_lost_snapshot_leaves_open_is_closed_once(autojump_clock: trio.testing.MockClock) -> None:
    inputs, events = MemoryInputs(), MemoryInputs()
    state, told = initial("0" * 16), list[Event]()
    for record in await _appended(inputs, list(entries(12))):  # ends in the middle of an incident
        state, more = step(state, record)
        told += more
    risk = Risk(id="r1", title="it ends", check="api", components=(), since=START)
    told.append(Event(id="r", at=START, cause=1, data=RiskChanged(change="raised", risk=risk)))
    await events.append([encode_event(event) for event in told], {SNAPSHOT: b"\xc1 of another version"})
    for _ in range(3):
        async with trio.open_nursery() as nursery:
            await nursery.start(Detector(inputs, events).run)  # type: ignore[arg-type]
            await trio.sleep(20)
            nursery.cancel_scope.cancel()
    new = [decode_event(record) for record in events.records[len(told) :]]
    assert [event.type for event in new] == ["incident.resolved", "risk.cleared"]
    [opened] = [e.data for e in told if e.type == "incident.opened"]
    resolved = new[0].data
    assert isinstance(opened, IncidentChanged)
    assert isinstance(resolved, IncidentChanged)
    assert resolved.incident.id == opened.incident.id
    assert resolved.incident.resolved_at == new[0].at
    assert not {event.id for event in new} & {event.id for event in told}


async def _appended(inputs: MemoryInputs, made: list[Entry]) -> list[Record]:
    await inputs.append(made)
    return inputs.records


class Poisoned:
    """Detection with a bug: it cannot take some records. `spoils`: it takes them, and what it then knows is no
    "snapshot", or what it says is no "event" that could be written. A failing step leaves the state half changed, as a
    bug would."""

    def __init__(self, positions: set[int], *, spoils: str = "") -> None:
        self.positions, self.spoils = positions, spoils

    def __call__(self, state: State, record: Record) -> tuple[State, list[Event]]:
        if record.position in self.positions:
            state.seed = "half changed"
            state.probes.clear()
            state.events += 1000
            if not self.spoils:
                raise ZeroDivisionError
            if self.spoils == "event":
                data = Noticed(word="weekly_test", title="\ud800")
                return state, [Event(id="1", at=record.at_ns, cause=record.position, data=data)]
            state.risks_raised = 2**70
            return state, []
        return step(state, record)


@pytest.mark.parametrize("spoils", ["", "snapshot", "event"])
async def test_a_record_that_detection_cannot_take_is_left_out_and_costs_nothing_else(
    spoils: str, autojump_clock: trio.testing.MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    poison = {3, 30, 31, 77}
    inputs, events = MemoryInputs(), MemoryInputs()
    await inputs.append(list(entries(20)))
    for _ in range(2):  # a restart meets what was not yet behind the snapshot again, and goes on as well
        detector = Detector(inputs, events, Here(step=Poisoned(poison, spoils=spoils)))  # type: ignore[arg-type]
        async with trio.open_nursery() as nursery:
            await nursery.start(detector.run)
            await trio.sleep(30)
            nursery.cancel_scope.cancel()
        assert detector.board().position == len(inputs.records)
    said = [decode_event(record) for record in events.records]
    raw = events.mark(SNAPSHOT)
    assert raw is not None
    expected = straight(decode_state(raw).seed, [r for r in inputs.records if r.position not in poison])
    assert said == expected
    left_out = [record for record in caplog.records if "leaves a record out" in record.getMessage()]
    assert len(left_out) == len(poison)


async def test_the_records_left_out_are_counted(autojump_clock: trio.testing.MockClock) -> None:
    inputs, events = MemoryInputs(), MemoryInputs()
    await inputs.append(list(entries(5)))
    detector = Detector(inputs, events, Here(step=Poisoned({5, 9})))  # type: ignore[arg-type]
    async with trio.open_nursery() as nursery:
        await nursery.start(detector.run)
        while detector.board().position < 20:
            await detector.wait_changed(detector.board())
        nursery.cancel_scope.cancel()
    assert detector.left_out == 2


async def test_what_was_concluded_does_not_wait_while_detection_makes_way(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async def make_way(worked_s: float) -> None:
        await trio.sleep(1)

    inputs, events = MemoryInputs(), MemoryInputs()
    await inputs.append(list(entries(20)))
    detector = Detector(inputs, events, Here(make_way=make_way))  # type: ignore[arg-type]
    async with trio.open_nursery() as nursery:
        await nursery.start(detector.run)
        with trio.fail_after(60):
            await events.wait_beyond(0)
        assert detector.board().position < len(inputs.records)
        nursery.cancel_scope.cancel()
