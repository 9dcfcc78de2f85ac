"""Confirmation on demand, on real parts: three probes look every half minute, a web server goes down, and the collector
does not wait for their grids."""

from pathlib import Path

import pytest
import trio

import collector.main
import probe.main
from collector.events import CheckChanged, decode_event
from collector.inputs import BatchInput, decode_input
from collector.main import Running
from collector.tokens import add_token
from parallax import wire
from parallax.clock import NS, wall_ns
from parallax.config import CollectorAddress, CollectorConfig, ProbeConfig
from parallax.observation import Observation
from parallax.plan.load import load_plan
from parallax.plan.part import NoSuchProbe, part_of
from parallax.values import Address, Cidr, Url
from probe.schedule import Grid
from tests.e2e.test_outage import wait_board
from tests.parts.certificates import Authority
from tests.parts.nginx import Site, nginx
from tests.parts.ports import free_port

pytestmark = pytest.mark.slow

PERIOD = 30.0
TARGET = "https://192.0.2.7/health"
PROBES = {"fra1": 64496, "iad1": 64497, "gru1": 64498}
PLAN = """
[[check]]
name = "api"
kind = "http"
external = false
targets = ["https://192.0.2.7/health"]
period = "30s"
timeout = "2s"
[[component]]
name = "Sign-in"
checks = ["api"]
[[connect_to]]
from = "192.0.2.7:443"
to = "127.0.0.1:{web}"
"""


def secret(path: Path, text: str) -> str:
    path.write_text(text)
    path.chmod(0o600)
    return f"file:{path}"


def ticks(plan: Path) -> list[Grid]:
    """The grids of the probes."""
    loaded, grids = load_plan(plan), []
    for name in PROBES:
        part = part_of(loaded, name)
        assert not isinstance(part, NoSuchProbe)
        grids.append(Grid.of("api", TARGET, PERIOD, part.slot_of("api")))
    return grids


async def observations(running: Running) -> list[Observation]:
    found: list[Observation] = []
    for record in await running.inputs.read(0, max_records=10**6, max_bytes=10**9):
        value = decode_input(record)
        if isinstance(value, BatchInput):
            batch = wire.decode(value.body, content_type=value.content_type, encoding=value.encoding)
            found += [o for o in batch.observations if o.check == "api" and o.attempt == 1]
    return found


async def test_an_outage_is_confirmed_long_before_the_grid_would(tmp_path: Path) -> None:
    authority, web, listen = Authority(), free_port(), Address.of("127.0.0.1", free_port())
    site = Site(certificate=authority.leaf("192.0.2.7"), port=web)
    state, plan = tmp_path / "collector", tmp_path / "plan.toml"
    plan.write_text("".join(f'[[probe]]\nid = "{n}"\nasn = {a}\n' for n, a in PROBES.items()) + PLAN.format(web=web))
    ca = authority.write(tmp_path)
    allow = [Cidr("127.0.0.0/8")]

    def config(name: str) -> ProbeConfig:
        token = secret(tmp_path / f"{name}.token", add_token(state, "probe", name))
        to = CollectorAddress(url=Url(f"http://{listen}"), token=token)
        return ProbeConfig(id=name, state=str(tmp_path / name), collector=[to], allow=allow, ca=ca)

    async with trio.open_nursery() as nursery:
        running: Running = await nursery.start(
            collector.main.main,
            CollectorConfig(state=str(state), plan=str(plan), listen=listen, allow=allow, ca=ca),
        )
        for name in PROBES:
            await nursery.start(probe.main.main, config(name))
        async with nginx({"api": site}):
            board = await wait_board(running, lambda b: len(b.probes) == 3 and any(c.subjects for c in b.checks))
            assert board.checks[0].subjects[0].state == "up"
            grids = ticks(plan)
            next_at = min(grid.next_after(wall_ns() + NS) for grid in grids)
            await trio.sleep((next_at - wall_ns()) / NS - 0.5)
        await wait_board(running, lambda b: b.checks[0].subjects[0].state == "down")
        failing = [o for o in await observations(running) if o.reason is not None]
        (first, *_) = sorted(failing, key=lambda o: o.started_at)
        events = [decode_event(record) for record in await running.stores.events.read(0, max_records=10**6)]
        down = next(e for e in events if isinstance(e.data, CheckChanged) and e.data.state == "down")
        assert (down.at - first.started_at) / NS < 12  # by the grid: 20 s
        assert "asked" not in first.findings
        assert len({o.probe for o in failing if o.findings.get("asked") == "suspicion"}) >= 2
        nursery.cancel_scope.cancel()
