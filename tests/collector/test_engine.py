"""Detection in a process of its own says what it says in the collector's, and its loss costs nothing but time."""

import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio

from collector import detector
from collector.detect import decode_state, initial, step
from collector.detect.asking.asks import asks_of
from collector.detect.view import NOTHING, view_of
from collector.detector import SNAPSHOT, Detector
from collector.engine import Apart, Core, EngineLost, Here, apart
from collector.engine.messages import HEAD, Answer, decode_answer, frame
from collector.events import Event, decode_event
from collector.main import Running, main
from collector.tokens import add_token
from lab.replay.fleet import Fleet
from lab.replay.player import Player
from lab.replay.playing import INCIDENTS, heed, incidents, open_piece
from parallax import wire
from parallax.config import CollectorConfig
from parallax.values import Address
from tests.collector.serving import PLAN, Client, batch
from tests.collector.test_detector import entries, straight
from tests.fakes.inputs import MemoryInputs

slow = pytest.mark.slow
PATIENCE_S = 120
ROOT = Path(__file__).parents[2]


@asynccontextmanager
async def detecting(inputs: MemoryInputs, events: MemoryInputs, engine: Apart) -> AsyncIterator[Detector]:
    found = Detector(inputs, events, engine)  # type: ignore[arg-type]
    with trio.fail_after(PATIENCE_S):
        async with trio.open_nursery() as nursery:
            await nursery.start(found.run)
            yield found
            nursery.cancel_scope.cancel()


async def shown_up_to(found: Detector, position: int) -> None:
    while (board := found.board()).position < position:
        await found.wait_changed(board)


def process_of(engine: Apart) -> int:
    assert engine._process is not None
    return engine._process.pid


def said(events: MemoryInputs) -> list[Event]:
    return [decode_event(record) for record in events.records]


def expected(inputs: MemoryInputs, events: MemoryInputs, *without: int) -> list[Event]:
    raw = events.mark(SNAPSHOT)
    assert raw is not None
    upto = decode_state(raw).position
    records = [record for record in inputs.records if record.position not in without and record.position <= upto]
    return straight(decode_state(raw).seed, records)


@slow
async def test_it_says_what_the_collector_would() -> None:
    inputs, events = MemoryInputs(), MemoryInputs()
    last = await inputs.append(list(entries(40)))
    async with detecting(inputs, events, engine := Apart()) as found:
        await shown_up_to(found, last)
        pid = process_of(engine)
        assert found.board().checks
        assert [incident.id for incident in found.incidents()]
        assert found.blind_after is None
    assert said(events) == expected(inputs, events)
    assert any(event.type == "incident.opened" for event in said(events))
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


@pytest.mark.parametrize("engine", [Here, pytest.param(Apart, marks=slow)])
async def test_the_first_answer_after_a_start_says_all_that_is_asked(engine: type[Here] | type[Apart]) -> None:
    inputs, state = MemoryInputs(), initial("5eed")
    await inputs.append(list(entries(20)))
    for record in inputs.records:
        state, _ = step(state, record)
        if asked := asks_of(state, view_of(state.plan) or NOTHING):
            break
    started = engine()
    started.load(state)
    async with trio.open_nursery() as nursery:
        await nursery.start(started.run)
        with trio.fail_after(PATIENCE_S):
            assert (await started.take([], save=False)).standing.asks == asked != ()
            assert (await started.take([], save=False)).standing.asks is None
        nursery.cancel_scope.cancel()


@slow
async def test_nothing_is_shown_that_is_not_published() -> None:
    inputs, engine = MemoryInputs(), Apart()
    await inputs.append(list(entries(2)))
    async with trio.open_nursery() as nursery:
        await nursery.start(engine.run)
        with trio.fail_after(PATIENCE_S):
            await engine.take(inputs.records[:5], save=True)
            engine.publish()
            await engine.take(inputs.records[5:], save=True)  # begins before any other task does anything
            await engine.take([], save=False)  # comes after all that waited for the process
            before = engine.shown
            assert before.board.position == 0
            engine.publish()
            await engine.wait_shown(before)
            assert engine.shown.board.position == engine.standing.position > 5
        nursery.cancel_scope.cancel()


@slow
@pytest.mark.parametrize("name", incidents())
def test_whatever_is_known_comes_through_the_pipe_as_it_is(name: str) -> None:
    piece = open_piece(INCIDENTS / f"{name}.toml")
    assert piece.loaded is not None
    player, fleet = Player("a" * 16), Fleet(piece.loaded, 0)
    for number, record in enumerate(fleet, 1):
        heed(fleet, player, record, player.put(record))
        if number % 1500 == 0:
            core = Core(player.state)
            for answer in (Answer(taken=core.taken(player.events[-50:], save=True)), Answer(shown=core.shown())):
                assert decode_answer(frame(answer)[HEAD:]) == answer
        if number == 6000:
            return


@slow
async def test_killed_again_and_again_it_says_nothing_twice_and_leaves_nothing_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(detector, "RETRY_S", 0.01)
    inputs, events, made = MemoryInputs(), MemoryInputs(), list(entries(60))
    async with detecting(inputs, events, engine := Apart()) as found:
        for first in range(0, len(made), 60):
            last = await inputs.append(made[first : first + 60])
            await shown_up_to(found, last - 30)
            os.kill(process_of(engine), signal.SIGKILL)
            last = await inputs.append([])
            await shown_up_to(found, last)
    assert said(events) == expected(inputs, events)
    assert sum(event.type == "incident.opened" for event in said(events)) >= 1


@slow
async def test_a_bug_costs_the_record_and_a_hang_costs_the_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hangs = tmp_path / "hangs"
    hangs.touch()
    monkeypatch.setenv("ENGINE_HANGS", str(hangs))
    monkeypatch.setattr(apart, "HUNG_S", 5)
    monkeypatch.setattr(detector, "RETRY_S", 0.01)
    inputs, events = MemoryInputs(), MemoryInputs()
    last = await inputs.append(list(entries(20)))
    async with detecting(inputs, events, Apart(module="tests.parts.engine_child")) as found:
        await shown_up_to(found, last)
        assert found.left_out == 3
    assert not hangs.exists()
    assert said(events) == expected(inputs, events, 5, 7, 11)


@slow
async def test_what_cannot_be_started_or_is_gone_is_lost_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Apart()
    with monkeypatch.context() as patched:
        patched.setattr(sys, "executable", "/nonexistent/python")
        with pytest.raises(EngineLost, match="No such file"):
            await engine.take([], save=True)
    assert (await engine.take([], save=True)).snapshot is not None
    os.kill(process_of(engine), signal.SIGKILL)
    with pytest.raises(EngineLost, match=r"ended|Broken") as killed:
        await engine.take([], save=True)
    assert killed.value.at_work
    with pytest.raises(EngineLost, match="gone") as gone:
        await engine.take([], save=True)
    assert not gone.value.at_work
    engine.load(initial("5eed"))
    assert (await engine.take([], save=True)).snapshot is not None
    await engine._end()


OUTLIVES = """
import trio
from collector.engine import Apart

async def main():
    engine = Apart()
    await engine.take([], save=False)
    print(engine._process.pid, flush=True)
    await trio.sleep_forever()

trio.run(main)
"""


@slow
def test_it_ends_with_a_collector_that_is_killed() -> None:
    parent = subprocess.Popen([sys.executable, "-c", OUTLIVES], cwd=ROOT, stdout=subprocess.PIPE)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    watched = os.pidfd_open(pid)
    parent.kill()
    parent.wait()
    parent.stdout.close()

    async def ended() -> None:
        with trio.fail_after(PATIENCE_S):
            await trio.lowlevel.wait_readable(watched)

    trio.run(ended)
    os.close(watched)


@slow
async def test_a_collector_whose_detection_is_apart(tmp_path: Path) -> None:
    (tmp_path / "plan.toml").write_text(PLAN)
    config = CollectorConfig(
        state=str(tmp_path / "state"),
        plan=str(tmp_path / "plan.toml"),
        listen=Address("127.0.0.1:0"),
        detection="apart",
    )
    token = add_token(tmp_path / "state", "probe", "fra1")
    async with trio.open_nursery() as nursery:
        running: Running = await nursery.start(main, config)
        async with await trio.open_tcp_stream(running.address.ip, running.address.port) as stream:
            client = Client(stream)
            assert (await client.post(token, wire.encode(batch(1)))).status == 200
            with trio.fail_after(PATIENCE_S):
                await shown_up_to(running.detector, running.inputs.stats.last)
            board = (await client.request("GET", "/v1/board", token=running.token)).json
            assert [check["name"] for check in board["checks"]] == ["front door"]
        nursery.cancel_scope.cancel()
