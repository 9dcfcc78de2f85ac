"""kill -9 of probe and collector, at random points under load: nothing acknowledged is lost, nothing arrives twice.

The kill points are counted in pieces of traffic between the two, so that they fall into the middle of requests and
answers too. PARALLAX_SOAK_ROUNDS sets the number of rounds (30 unless told; `make soak` asks for 500),
PARALLAX_SOAK_SEED repeats a run's choices.
"""

import os
import random
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio

from collector.inputs import BatchInput, decode_input
from collector.tokens import add_token
from parallax import wire
from parallax.journal import Journal, Limits, open_journal
from parallax.values import Address
from tests.fakes.relay import Relay
from tests.parts.ports import free_port

pytestmark = pytest.mark.slow

ROUNDS = int(os.environ.get("PARALLAX_SOAK_ROUNDS", "30"))
SEED = int(os.environ.get("PARALLAX_SOAK_SEED", "0")) or random.SystemRandom().randrange(1, 10**9)
ROOT = Path(__file__).parents[2]
LIMITS = Limits(max_bytes=10**9, max_age_s=10**6)
STUCK_S = 30.0


class Program:
    """`parallax WORD --config ...` as a process of its own, started again after each kill."""

    def __init__(self, word: str, config: Path) -> None:
        self._word, self._config = word, config
        self._process: trio.Process | None = None

    async def start(self) -> None:
        command = [sys.executable, "-m", "parallax", self._word, "--config", str(self._config)]
        self._process = await trio.lowlevel.open_process(
            command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    async def end(self, sign: signal.Signals) -> int:
        assert self._process is not None
        assert self._process.poll() is None, f"the {self._word} had ended by itself: {self._process.returncode}"
        self._process.send_signal(sign)
        return await self._process.wait()

    def clean_up(self) -> None:
        """Leaves nothing running, whatever the test came to."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()


class World:
    def __init__(self, collector: Program, probe: Program, relay: Relay) -> None:
        self.programs = {"collector": collector, "probe": probe}
        self.relay = relay
        self.passages = 0
        self.passed = trio.Event()

    def on_passage(self) -> None:
        self.passages += 1
        self.passed.set()

    async def wait_passages(self, count: int) -> None:
        until = self.passages + count
        with trio.fail_after(STUCK_S):
            while self.passages < until:
                self.passed = trio.Event()
                await self.passed.wait()


def write_plan(path: Path) -> None:
    """Two hundred addresses where nothing listens, each once a second: every run fails at once and is sent at once."""
    targets = ", ".join(f'"127.0.0.{n}:9"' for n in range(1, 201))
    path.write_text(
        f'schema = 1\n[[check]]\nname = "dead"\nkind = "tls"\nexternal = false\nperiod = "1s"\n'
        f'timeout = "500ms"\ntargets = [{targets}]\n'
    )


@asynccontextmanager
async def world(folder: Path) -> AsyncIterator[World]:
    write_plan(folder / "plan.toml")
    (folder / "token").write_text(add_token(folder / "collector", "probe", "p1"))
    (folder / "token").chmod(0o600)
    address = Address.of("127.0.0.1", free_port())
    relay = Relay(address, lambda: here.on_passage())
    async with trio.open_nursery() as nursery:
        towards = await nursery.start(relay.serve)
        (folder / "collector.toml").write_text(f'state = "collector"\nplan = "plan.toml"\nlisten = "{address}"\n')
        (folder / "probe.toml").write_text(
            f'id = "p1"\nstate = "probe"\nallow = ["127.0.0.0/8"]\n'
            f'[[collector]]\nurl = "http://{towards}"\ntoken = "file:token"\n'
        )
        here = World(Program("collector", folder / "collector.toml"), Program("probe", folder / "probe.toml"), relay)
        try:
            for program in here.programs.values():
                await program.start()
            yield here
        finally:
            for program in here.programs.values():
                program.clean_up()
            nursery.cancel_scope.cancel()


async def batches(journal: Journal) -> list[tuple[int, wire.Batch]]:
    """Every batch in a journal, with its position."""
    found: list[tuple[int, wire.Batch]] = []
    position = 0
    while records := await journal.read(position):
        for record in records:
            position = record.position
            if record.kind != "batch":
                continue
            try:
                value = decode_input(record)
                assert isinstance(value, BatchInput)
                body = value.body
            except ValueError:  # the spool's record is the batch itself
                body = record.body
            found.append((position, wire.decode(body)))
    return found


async def test_kill_9_of_either_side_loses_and_repeats_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    dice = random.Random(SEED)
    with capsys.disabled():
        print(f"\n  seed {SEED}, {ROUNDS} rounds")
    async with world(tmp_path) as here:
        for _ in range(ROUNDS):
            await here.wait_passages(dice.randint(1, 30))
            victims = dice.choice([["collector"], ["probe"], ["collector", "probe"]])
            for name in victims:
                await here.programs[name].end(signal.SIGKILL)
            for name in victims:
                await here.programs[name].start()
        await here.wait_passages(60)
        assert await here.programs["probe"].end(signal.SIGINT) == 0
        assert await here.programs["collector"].end(signal.SIGINT) == 0

    async with open_journal(tmp_path / "collector" / "inputs.db", LIMITS) as inputs:
        arrived = [o for _, batch in await batches(inputs) for o in batch.observations]
        assert inputs.stats.lost == {}
    async with open_journal(tmp_path / "probe" / "spool.db", LIMITS) as spool:
        left = [o for _, batch in await batches(spool) for o in batch.observations]
        stream, last_seq = (spool.mark("stream") or b"").decode().split()
        assert spool.stats.lost == {}

    assert {o.stream for o in arrived} == {stream}, "the stream outlives every kill"
    times = Counter(o.seq for o in arrived)
    assert [seq for seq, n in times.items() if n > 1] == [], "arrived twice"
    assert set(range(1, max(here.relay.acknowledged) + 1)) <= set(times), "acknowledged and lost"
    assert set(range(1, int(last_seq) + 1)) == set(times) | {o.seq for o in left}, "cut and lost"
    assert len(arrived) > ROUNDS, "the world was under load"
    assert [o.seq for o in arrived] == sorted(times), "arrived in order"
