"""Two real collectors, three probes that ship to both, and one receiver: the first is killed, the second pages in its
place under the same keys, and gives back when the first returns."""

import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trio

import probe.main
from collector.recording import read_inputs
from collector.tokens import add_token
from parallax.config import CollectorAddress, ProbeConfig
from parallax.values import Address, Cidr, Url
from tests.collector.serving import Client
from tests.fakes.http_server import Peer, http_server, response
from tests.fakes.receiver import FakeReceiver, fake_receiver
from tests.parts.ports import free_port

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
WAIT_S = 90.0
KEY = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
PROBES = {"fra1": 64496, "iad1": 64497, "gru1": 64498}
PLAN = """
[defaults]
period = "1s"
timeout = "900ms"
[[check]]
name = "api"
kind = "http"
external = false
targets = ["http://192.0.2.7/"]
[[check]]
name = "shop"
kind = "http"
external = false
targets = ["http://198.51.100.7/"]
[[component]]
name = "Sign-in"
checks = ["api"]
[[component]]
name = "Shop"
checks = ["shop"]
[[receiver]]
name = "ops"
kind = "webhook"
url = "http://127.0.0.1:{hook}/in"
key = "secret:HOOK"
[[connect_to]]
from = "192.0.2.7:80"
to = "127.0.0.1:{api}"
[[connect_to]]
from = "198.51.100.7:80"
to = "127.0.0.1:{shop}"
"""


async def wait_until(met: Callable[[], Awaitable[bool]]) -> None:
    with trio.fail_after(WAIT_S):
        while not await met():  # noqa: ASYNC110
            await trio.sleep(0.1)


class World:
    def __init__(self, folder: Path, receiver: FakeReceiver) -> None:
        self.folder, self.receiver = folder, receiver
        self.at = {role: f"127.0.0.1:{free_port()}" for role in ("first", "second")}
        self.owner = {role: add_token(folder / role, "owner", "ann") for role in self.at}
        self.running: dict[str, trio.Process] = {}
        self.fails: set[str] = set()
        self.secret("hook", KEY)
        self.secret("first.peer", add_token(folder / "second", "peer", "first"))
        self.secret("second.peer", add_token(folder / "first", "peer", "second"))

    def secret(self, name: str, text: str) -> str:
        path = self.folder / name
        path.write_text(text)
        path.chmod(0o600)
        return f"file:{path}"

    def serving(self, name: str) -> Callable[[Peer], Any]:
        async def behave(peer: Peer) -> None:
            await peer.request()
            await peer.send(response(500 if name in self.fails else 200))

        return behave

    async def start(self, role: str) -> None:
        other = self.at["second" if role == "first" else "first"]
        command = [sys.executable, "-m", "tests.parts.peer_worker", str(self.folder), role, self.at[role], other]
        self.running[role] = await trio.lowlevel.open_process(
            command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    async def kill(self, role: str) -> None:
        self.running[role].send_signal(signal.SIGKILL)
        await self.running[role].wait()

    def probe(self, name: str) -> ProbeConfig:
        to = [
            CollectorAddress(
                url=Url(f"http://{at}"),
                token=self.secret(f"{name}-{role}", add_token(self.folder / role, "probe", name)),
            )
            for role, at in self.at.items()
        ]
        return ProbeConfig(id=name, state=str(self.folder / name), collector=to, allow=[Cidr("127.0.0.0/8")])

    async def ask(self, role: str, path: str) -> Any:
        """None while it does not answer."""
        address = Address(self.at[role])
        try:
            async with await trio.open_tcp_stream(address.ip, address.port) as stream:
                return (await Client(stream).request("GET", path, token=self.owner[role])).json
        except (OSError, trio.BrokenResourceError):
            return None

    async def in_charge(self, role: str) -> bool | None:
        status = await self.ask(role, "/v1/status")
        return None if status is None else bool(status["peer"]["in_charge"])

    async def wait_open(self, role: str, number: int) -> None:
        """Returns once this one has itself concluded so many incidents that are open."""

        async def met() -> bool:
            return len((await self.ask(role, "/v1/board"))["incidents"]) >= number

        await wait_until(met)

    async def wait_charge(self, first: bool | None, second: bool | None) -> None:
        async def met() -> bool:
            return [await self.in_charge("first"), await self.in_charge("second")] == [first, second]

        await wait_until(met)

    async def wait_heard(self, key: str) -> None:
        """Returns once the second has on disk whom the first has told."""

        async def met() -> bool:
            records = read_inputs(self.folder / "second" / "inputs.db", 0)
            return any(key.encode() in record.body for record in records if record.kind == "peer")

        await wait_until(met)

    def told(self) -> list[tuple[str, str, str]]:
        """Type, key and component of what the receiver was told of incidents."""
        return [
            (each.type, each.json["data"]["dedup_key"], each.json["data"]["components"][0]["name"])
            for each in self.receiver.got
            if each.type.startswith("incident.") and each.json["data"]["components"]
        ]

    async def wait_told(self, word: str, component: str) -> str:
        """The key that this was told under."""
        with trio.fail_after(WAIT_S):
            while True:
                for type_, key, name in self.told():
                    if (type_, name) == (f"incident.{word}", component):
                        return key
                await self.receiver.wait_got(len(self.receiver.got) + 1, WAIT_S)


@asynccontextmanager
async def world(folder: Path) -> AsyncIterator[World]:
    async with fake_receiver() as receiver:
        here = World(folder, receiver)
        async with (
            http_server(here.serving("api")) as api,
            http_server(here.serving("shop")) as shop,
            trio.open_nursery() as nursery,
        ):
            text = "".join(
                f'[[probe]]\nid = "{name}"\nasn = {asn}\nnetwork = "access"\n' for name, asn in PROBES.items()
            )
            ports = {"hook": receiver.port, "api": api.address.port, "shop": shop.address.port}
            (folder / "plan.toml").write_text(text + PLAN.format(**ports))
            try:
                for role in here.at:
                    await here.start(role)
                for name in PROBES:
                    await nursery.start(probe.main.main, here.probe(name))
                yield here
            finally:
                for process in here.running.values():
                    if process.poll() is None:
                        process.kill()
                with trio.CancelScope(shield=True):
                    for process in here.running.values():
                        await process.wait()
                nursery.cancel_scope.cancel()


async def test_the_second_pages_in_the_place_of_the_first_under_the_same_keys(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        await here.wait_charge(True, False)
        here.fails.add("api")
        key = await here.wait_told("opened", "Sign-in")
        await here.wait_heard(key)
        await here.kill("first")
        here.fails.add("shop")
        await here.wait_charge(None, True)
        other = await here.wait_told("opened", "Shop")
        assert key != other
        assert [each[1] for each in here.told() if each[0] == "incident.opened"] == [key, other]
        await here.start("first")
        await here.wait_charge(True, False)
        await here.wait_open("first", 2)
        here.fails.clear()
        assert await here.wait_told("monitoring", "Sign-in") == key
        assert await here.wait_told("monitoring", "Shop") == other
        assert len([each for each in here.told() if each[0] == "incident.monitoring"]) == 2
        assert {each[1] for each in here.told()} == {key, other}
