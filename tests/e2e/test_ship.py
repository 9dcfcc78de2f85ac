"""A real probe and a real collector in one process: the plan goes down, observations come up, clocks are compared."""

import shutil
from itertools import pairwise
from pathlib import Path

import pytest
import trio

from collector.inputs import BatchInput, decode_input
from collector.main import Running
from collector.main import main as collector_main
from collector.tokens import add_token
from parallax import wire
from parallax.config import CollectorAddress, CollectorConfig, ProbeConfig
from parallax.journal import Journal
from parallax.observation import Observation
from parallax.values import Address, Cidr, Url
from probe.main import main as probe_main

pytestmark = pytest.mark.slow

PLAN = """
schema = 1
[[check]]
name = "{name}"
kind = "tls"
external = false
period = "1s"
timeout = "500ms"
targets = ["127.0.0.1:1", "127.0.0.2:1"]
"""


async def wait_for(inputs: Journal, name: str, count: int) -> list[Observation]:
    """The first attempts of a check, once there are that many."""
    found: list[Observation] = []
    position = 0
    with trio.fail_after(60):
        while True:
            for record in await inputs.read(position):
                position = record.position
                if record.kind == "batch":
                    value = decode_input(record)
                    assert isinstance(value, BatchInput)
                    found += [o for o in wire.decode(value.body).observations if (o.check, o.attempt) == (name, 1)]
            if len(found) >= count:
                return found
            await inputs.wait_beyond(position)


def configs(folder: Path) -> tuple[CollectorConfig, Path]:
    plan = folder / "plan.toml"
    plan.write_text(PLAN.format(name="first"))
    token = folder / "token"
    token.write_text(add_token(folder / "collector", "probe", "p1"))
    token.chmod(0o600)
    return CollectorConfig(state=str(folder / "collector"), plan=str(plan), listen=Address("127.0.0.1:0")), token


def probe_config(folder: Path, running: Running, token: Path) -> ProbeConfig:
    to = CollectorAddress(url=Url(running.url), token=f"file:{token}", address=running.address)
    return ProbeConfig(id="p1", state=str(folder / "probe"), collector=[to], allow=[Cidr("127.0.0.0/8")])


async def test_the_plan_goes_down_and_observations_come_up(tmp_path: Path) -> None:
    collector, token = configs(tmp_path)
    async with trio.open_nursery() as nursery:
        running: Running = await nursery.start(collector_main, collector)
        await nursery.start(probe_main, probe_config(tmp_path, running, token))
        seen = await wait_for(running.inputs, "first", 6)
        assert {o.subject for o in seen} == {"127.0.0.1:1", "127.0.0.2:1"}
        assert {o.reason for o in seen} == {"connect_refused"}
        assert [o.seq for o in seen] == sorted({o.seq for o in seen})
        assert {o.abstain for o in seen[1:]} <= {None, "overload"}, "the collector vouches for the clock"

        (tmp_path / "plan.toml").write_text(PLAN.format(name="second"))
        assert await wait_for(running.inputs, "second", 2)
        nursery.cancel_scope.cancel()


async def test_a_state_folder_restored_from_a_backup_loses_nothing(tmp_path: Path) -> None:
    """Its numbers are given again, to other observations: the collector must get these, and none twice."""
    collector, token = configs(tmp_path)
    state, backup = tmp_path / "probe", tmp_path / "backup"
    async with trio.open_nursery() as nursery:
        running: Running = await nursery.start(collector_main, collector)

        async def live(count: int) -> list[Observation]:
            async with trio.open_nursery() as life:
                await life.start(probe_main, probe_config(tmp_path, running, token))
                seen = await wait_for(running.inputs, "first", count)
                life.cancel_scope.cancel()
            return seen

        first = await live(4)
        shutil.copytree(state, backup)
        second = await live(len(first) + 8)
        shutil.rmtree(state)
        shutil.copytree(backup, state)
        seen = await live(len(second) + 8)
        nursery.cancel_scope.cancel()
    assert len({o.stream for o in seen}) > 1
    assert len({(o.run, o.subject) for o in seen}) == len(seen)
    since = max(o.scheduled_at for o in second)
    for target in {o.target for o in seen}:
        ticks = sorted(o.scheduled_at for o in seen if o.target == target and o.scheduled_at > since)
        assert [b - a for a, b in pairwise(ticks)] == [1_000_000_000] * (len(ticks) - 1)
        assert len(ticks) >= 3
