"""Alerts under kill -9 and receivers that die, hang, fail, throttle and close in the middle of their answers."""

import os
import random
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
import trio

from collector.inputs import DeliveryInput, decode_input
from parallax.journal import open_journal
from tests.collector.serving import PLAN as CHECK
from tests.fakes.http_server import Behaviour, Peer, response
from tests.fakes.receiver import FakeReceiver, Got, fake_receiver
from tests.parts.alerts_worker import LIMITS, NAMES, alert_of

pytestmark = pytest.mark.slow
SOAK = int(os.environ.get("PARALLAX_SOAK_ROUNDS", "0")) > 0
ALERTS, KILLS = (10_000, 100) if SOAK else (500, 5)
RATE = 100.0 if SOAK else 200.0
WITHIN_S = 900 if SOAK else 90
MET_S = 3 if SOAK else 20
"""How long a wholly ill receiver is waited for to be tried, if it is owed something."""
KEY = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


async def resets(peer: Peer) -> None:
    await peer.request()
    peer.reset()


async def hangs(peer: Peer) -> None:
    await peer.until_gone()


async def throttles(peer: Peer) -> None:
    await peer.send(response(429, b"", "Retry-After: 1"))


async def breaks(peer: Peer) -> None:
    """The head of a good answer, and not all of its body."""
    await peer.send(response(200, b"half", length=1000))


async def breaks_early(peer: Peer) -> None:
    """Not even all of a head."""
    await peer.send(b"HTTP/1.1 20")


ILLNESS = (1.0, 0.3, 0.1, 0.0)
"""The share of requests that a receiver does not answer well while a collector lives."""
ILL: dict[str, tuple[int | Behaviour, ...]] = {
    "dies": (resets,),
    "hangs": (hangs,),
    "fails": (500, 503),
    "throttles": (throttles,),
    "breaks": (breaks, breaks_early),
}


class Hook:
    """A receiver that is ill at times. `taken`: the ids of what it took, each as often as it came, and what the end
    of a key said."""

    def __init__(self, name: str, choice: random.Random) -> None:
        self.name, self._choice = name, choice
        self.ill = 0.0
        self.taken: dict[str, int] = {}
        self.missed: set[str] = set()
        self.moods = 0
        self.receiver: FakeReceiver

    def __call__(self, got: Got) -> int | Behaviour:
        mood: int | Behaviour = 204
        if self._choice.random() < self.ill:
            self.moods += 1
            mood = self._choice.choice(ILL[self.name])
        if mood in (204, breaks):
            self.taken[got.id] = self.taken.get(got.id, 0) + 1
            if b"Over before you could be told" in got.body:
                self.missed.add(got.id.partition("/")[0])
        self.receiver.got.clear()
        return mood


@asynccontextmanager
async def hooks(choice: random.Random) -> AsyncIterator[dict[str, Hook]]:
    found = {name: Hook(name, choice) for name in NAMES}
    async with AsyncExitStack() as stack:
        for hook in found.values():
            hook.receiver = await stack.enter_async_context(fake_receiver(hook))
        yield found


def write(folder: Path, found: dict[str, Hook]) -> None:
    (folder / "key").write_text(KEY)
    (folder / "key").chmod(0o600)
    plan = f'{CHECK}\n[[probe]]\nid = "fra1"\n'
    for name, hook in found.items():
        plan += f'[[receiver]]\nname = "{name}"\nkind = "webhook"\nkey = "secret:HOOK"\n'
        plan += f'url = "http://127.0.0.1/in"\naddress = "127.0.0.1:{hook.receiver.port}"\n'
    (folder / "plan.toml").write_text(plan)


async def life(folder: Path) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "tests.parts.alerts_worker", str(folder), str(ALERTS), str(RATE)]
    with (folder / "log").open("ab") as log:
        worker = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log)
    assert worker.stdout is not None
    assert await trio.to_thread.run_sync(worker.stdout.readline) == b"delivers\n"
    return worker


async def end(worker: "subprocess.Popen[bytes]") -> None:
    worker.kill()
    await trio.to_thread.run_sync(worker.communicate)


async def test_kill_9_and_ill_receivers_cost_no_alert_and_no_end(tmp_path: Path) -> None:
    choice = random.Random(7)
    expected: dict[str, set[str]] = {name: set() for name in NAMES}
    for number in range(ALERTS):
        key, phase, to = alert_of(number)
        for name in to:
            expected[name].add(f"{key}/{phase}")

    def left(hook: Hook) -> set[str]:
        """What it has still to be told; a start that was over by then is told with its end."""
        return {
            each
            for each in expected[hook.name] - hook.taken.keys()
            if not (each.endswith("/trigger") and each.partition("/")[0] in hook.missed)
        }

    async with hooks(choice) as found:
        write(tmp_path, found)
        for number in range(KILLS):
            for place, hook in enumerate(found.values()):  # each is wholly ill in turn, and each of them well
                hook.ill = ILLNESS[(number + place) % len(ILLNESS)]
            before = {name: hook.moods for name, hook in found.items()}
            worker = await life(tmp_path)
            await trio.sleep(choice.uniform(0.2, 1.6 if SOAK else 0.8))
            with trio.move_on_after(MET_S):  # on a busy machine a life may be too short for any try
                while any(hook.ill == 1 and hook.moods == before[name] for name, hook in found.items()):  # noqa: ASYNC110
                    await trio.sleep(0.02)
            await end(worker)
        for hook in found.values():
            hook.ill = 0.0
        worker = await life(tmp_path)
        try:
            with trio.move_on_after(WITHIN_S):
                while worker.poll() is None and any(left(hook) for hook in found.values()):  # noqa: ASYNC110
                    await trio.sleep(0.1)
        finally:
            await end(worker)
        for hook in found.values():
            assert left(hook) == set(), hook.name
            assert hook.taken.keys() <= expected[hook.name]
            assert hook.moods > 0
        lines = [line for line in await ledger(tmp_path) if line.outcome == "given_up"]
        assert lines == []
    repeats = sum(number - 1 for hook in found.values() for number in hook.taken.values())
    told, over = sum(len(hook.taken) for hook in found.values()), sum(len(hook.missed) for hook in found.values())
    moods = sum(hook.moods for hook in found.values())
    print(f"{ALERTS} alerts, {told} told, {over} starts told with their ends, {repeats} repeats, {moods} ill answers")


async def ledger(folder: Path) -> list[DeliveryInput]:
    found: list[DeliveryInput] = []
    async with open_journal(folder / "inputs.db", LIMITS) as inputs:
        position = 0
        while records := await inputs.read(position, max_records=1000):
            position = records[-1].position
            found += [each for record in records if isinstance(each := decode_input(record), DeliveryInput)]
    return found
