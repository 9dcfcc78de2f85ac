"""An outage from end to end on real parts: three probes watch NSD and nginx, both are killed, a collector that is
restarted in the middle tells people by HTTPS and by its page, and both come back. What was recorded meanwhile says the
same again when it is replayed."""

import html
import re
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trio

import collector.main
import probe.main
from collector.board import Board
from collector.detect import decode_state, encode_state, initial, step
from collector.detector import SNAPSHOT
from collector.events import Event, Incident, IncidentChanged, decode_event
from collector.main import Running
from collector.tokens import add_token
from parallax import standard_webhooks
from parallax.clock import NS, wall_ns
from parallax.config import CollectorAddress, CollectorConfig, ProbeConfig
from parallax.journal import Limits, open_journal
from parallax.values import Address, Cidr, Url
from tests.collector.serving import Client
from tests.fakes.receiver import FakeReceiver, Got, fake_receiver
from tests.parts.certificates import Authority
from tests.parts.daemon import Daemon
from tests.parts.nginx import Nginx, Site, nginx
from tests.parts.nsd import nsd
from tests.parts.ports import free_port

pytestmark = pytest.mark.slow

WAIT_S = 90.0
KEY = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
ZONE = {"auth.test": "www A 192.0.2.7"}
PROBES = {"fra1": (64496, "data-centre"), "iad1": (64497, "data-centre"), "gru1": (64498, "access")}
PLAN = """
[defaults]
period = "1s"
timeout = "900ms"
[[check]]
name = "name server"
kind = "dns"
external = false
query = "www.auth.test"
targets = ["192.0.2.53"]
[[check]]
name = "api"
kind = "http"
external = false
targets = ["https://192.0.2.7/health"]
[[component]]
name = "Sign-in"
checks = ["api"]
[[receiver]]
name = "ops"
kind = "webhook"
url = "https://hooks.example.org/in"
address = "127.0.0.1:{hook}"
key = "secret:HOOK"
[[connect_to]]
from = "192.0.2.53:53"
to = "127.0.0.1:{dns}"
[[connect_to]]
from = "192.0.2.7:443"
to = "127.0.0.1:{web}"
"""
ANY = Limits(max_bytes=10**10, max_age_s=10**10, ballast_bytes=0)


class Outage:
    """The world: its ports, its people's receiver, and the collector, which may come and go."""

    def __init__(self, folder: Path, authority: Authority, receiver: FakeReceiver) -> None:
        self.folder, self.receiver = folder, receiver
        self.state = folder / "collector"
        self.listen = Address.of("127.0.0.1", free_port())
        self.dns, self.web = free_port(), free_port()
        self.ca = authority.write(folder)
        self.leaf = authority.leaf("192.0.2.7")
        text = "".join(f'[[probe]]\nid = "{n}"\nasn = {a}\nnetwork = "{w}"\n' for n, (a, w) in PROBES.items())
        (folder / "plan.toml").write_text(text + PLAN.format(hook=receiver.port, dns=self.dns, web=self.web))
        self.hook = self._secret("hook", KEY)

    def _secret(self, name: str, text: str) -> str:
        path = self.folder / name
        path.write_text(text)
        path.chmod(0o600)
        return f"file:{path}"

    @asynccontextmanager
    async def collector(self) -> AsyncIterator[Running]:
        config = CollectorConfig(
            state=str(self.state),
            plan=str(self.folder / "plan.toml"),
            listen=self.listen,
            secrets={"HOOK": self.hook},
            allow=[Cidr("127.0.0.0/8")],
            ca=self.ca,
        )
        async with trio.open_nursery() as nursery:
            yield await nursery.start(collector.main.main, config)
            nursery.cancel_scope.cancel()

    def probe(self, name: str) -> ProbeConfig:
        token = self._secret(f"{name}.token", add_token(self.state, "probe", name))
        to = CollectorAddress(url=Url(f"http://{self.listen}"), token=token)
        return ProbeConfig(
            id=name, state=str(self.folder / name), collector=[to], allow=[Cidr("127.0.0.0/8")], ca=self.ca
        )

    def name_server(self) -> AbstractAsyncContextManager[Daemon]:
        return nsd(ZONE, port=self.dns)

    def web_server(self) -> AbstractAsyncContextManager[Nginx]:
        return nginx({"api": Site(certificate=self.leaf, port=self.web)})

    async def page(self, path: str) -> str:
        """A page's text, without its markup."""
        async with await trio.open_tcp_stream(self.listen.ip, self.listen.port) as stream:
            reply = await Client(stream).request("GET", path, headers={"host": str(self.listen)})
        assert reply.status == 200, (path, reply.status)
        return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]*>", " ", reply.body.decode())))

    def told(self) -> list[Got]:
        """What was said of targets."""
        return [g for g in self.receiver.got if g.type.startswith("incident.") and g.json["data"]["evidence"]]

    async def wait_told(self, kind: str, number: int) -> list[Got]:
        with trio.fail_after(WAIT_S):
            while len(found := [got for got in self.told() if got.type == kind]) < number:
                await self.receiver.wait_got(len(self.receiver.got) + 1, WAIT_S)
        return found


async def keep(part: AbstractAsyncContextManager[Any], task_status: trio.TaskStatus[Any]) -> None:
    async with part as started:
        task_status.started(started)
        await trio.sleep_forever()


async def wait_board(running: Running, what: Callable[[Board], bool]) -> Board:
    with trio.fail_after(WAIT_S):
        while not what(board := running.detector.board()):
            await running.detector.wait_changed(board)
    return board


async def wait_page(here: Outage, running: Running, path: str, *wanted: str) -> str:
    """The page once it says it all: history is a second behind."""
    with trio.fail_after(WAIT_S):
        while True:
            await running.stores.history.wait_position(inputs=running.detector.board().position)
            text = await here.page(path)
            if all(words in text for words in wanted):
                return text


def is_well(board: Board) -> bool:
    return (
        [check.state for check in board.checks] == ["up", "up"]
        and [component.state for component in board.components] == ["operational"]
        and [p.state for p in board.probes] == ["healthy"] * 3
        and not board.incidents
    )


def of_targets(board: Board) -> list[Incident]:
    """On a busy machine a probe may say that it is overloaded, which is an incident of its own."""
    return [incident for incident in board.incidents if not incident.probes]


def is_hurt(board: Board) -> bool:
    return board.components[0].state == "full_outage" and len(of_targets(board)) == 2


async def test_an_outage_is_seen_told_shown_and_mended_through_a_restart(tmp_path: Path) -> None:
    authority = Authority()
    async with (
        fake_receiver(certificate=authority.leaf("hooks.example.org")) as receiver,
        trio.open_nursery() as world,
    ):
        here = Outage(tmp_path, authority, receiver)
        dns = await world.start(keep, here.name_server())
        web = await world.start(keep, here.web_server())
        async with here.collector() as running:
            for name in PROBES:
                await world.start(probe.main.main, here.probe(name))
            await wait_board(running, is_well)
            assert here.receiver.got == []

            web.kill()
            dns.kill()
            broken_at = wall_ns()
            opened = await here.wait_told("incident.opened", 2)
            titles = {got.json["data"]["title"] for got in opened}
            assert titles == {"192.0.2.7 refuses connections", "Name server 192.0.2.53 refuses connections"}
            hurt = await wait_board(running, is_hurt)
            assert {incident.title for incident in of_targets(hurt)} == titles
            for incident in of_targets(hurt):
                assert abs(incident.started_at - broken_at) < 5 * NS
                assert incident.evidence is not None
                assert re.match(r"[23] of [23] probes in [23] networks failed within ", incident.evidence.words)
            overview = await here.page("/")
            for words in (*titles, "full outage"):
                assert words.lower() in overview.lower()
            names = {incident.id: incident.title for incident in of_targets(hurt)}
        before = [got.id for got in here.told()]

        async with here.collector() as running:
            start = running.detector.board().position
            assert {incident.id for incident in of_targets(running.detector.board())} == set(names)
            await wait_board(running, lambda b: b.position > start + 10)
            told = here.told()
            assert [got.id for got in told[: len(before)]] == before
            new = [(got.type, got.json["data"]["incident"]) for got in told[len(before) :]]
            assert {kind for kind, _ in new} <= {"incident.updated"}, "a restart says nothing twice; it may get worse"
            for name, title in names.items():
                await wait_page(here, running, f"/incident/{name}", title, "opened")

            await world.start(keep, here.name_server())
            await world.start(keep, here.web_server())
            over = await here.wait_told("incident.monitoring", 2)
            assert {got.json["data"]["incident"] for got in over} == set(names)
            await wait_board(running, is_well)
            for name in names:
                text = await wait_page(here, running, f"/incident/{name}", "monitoring", "opened")
                assert "open critical" not in text
            await wait_page(here, running, "/incidents", *titles)
            stories = [await running.stores.history.incident(name) for name in names]
        world.cancel_scope.cancel()

    for got in here.receiver.got:
        assert standard_webhooks.verify(standard_webhooks.key_of(KEY), got.headers, got.body, wall_ns() / NS) == got.id
    assert max(Counter(got.id for got in here.receiver.got).values()) == 1
    live = await check_replay(here.state)
    for story in stories:
        assert story is not None
        mine = [e for e in live if isinstance(e.data, IncidentChanged) and e.data.incident.id == story.incident.id]
        assert [event for event in story.events if isinstance(event.data, IncidentChanged)] == mine
        assert (mine[0].type, mine[-1].type) == ("incident.opened", "incident.monitoring")


async def check_replay(state: Path) -> list[Event]:
    """The events as they were concluded, which the recorded inputs lead to again, and to the same snapshot."""
    async with open_journal(state / "inputs.db", ANY) as inputs, open_journal(state / "events.db", ANY) as events:
        live = [decode_event(record) for record in await events.read(0, max_records=10**6, max_bytes=10**9)]
        records = await inputs.read(0, max_records=10**6, max_bytes=10**9)
        snapshot = events.mark(SNAPSHOT)
    assert snapshot is not None
    then = decode_state(snapshot)
    again, replayed = initial(then.seed), list[Event]()
    for record in records:
        if record.position <= then.position:
            again, more = step(again, record)
            replayed += more
    assert [event.id for event in replayed] == [event.id for event in live]
    assert replayed == live
    assert encode_state(again) == snapshot
    return live
