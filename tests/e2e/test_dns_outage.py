"""The tenth of February, from end to end on real name servers and resolvers: an auth vendor's DNS operator goes dark,
caches hide it and run out, the delegation moves to a fallback that lacks the mail records, and these are added.

Three probes and a collector watch it in a small internet of their own. What was recorded leads to the same again.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import dns.asyncquery
import dns.message
import pytest
import trio

import collector.main
import probe.main
from collector.board import Board
from collector.events import CheckChanged, ComponentChanged, Event, IncidentChanged, Noticed, RiskChanged
from collector.main import Running
from collector.tokens import add_token
from parallax.clock import NS, wall_ns
from parallax.config import CollectorAddress, CollectorConfig, ProbeConfig
from parallax.values import Address, Cidr, Url
from tests.e2e.dns_world import DOCUMENTATION, head
from tests.e2e.test_outage import check_replay
from tests.parts.certificates import Authority
from tests.parts.internet import NAMES_B, OPERATOR_A, WEB, ZONE, Internet, address, idp_zone, internet
from tests.parts.namespace import network_namespace
from tests.parts.nginx import Site, nginx
from tests.parts.ports import free_port

pytestmark = pytest.mark.slow

WAIT_S = 90.0
TTL = 20
NAMED_WITHIN_S = 20.0
"""How soon the operator is named, while HTTP is green: what the incident of that day asks for."""
PROBES = {"fra1": 64496, "iad1": 64497, "gru1": 64498}
PLAN = f"""{head("2s", "1800ms", most_per_operator=100_000)}
[[check]]
name = "zone"
kind = "dns.zone"
external = false
zone = "idp.example"
data = "frontend-api.idp.example"
tcp_period = "10s"
[[check]]
name = "resolve"
kind = "dns.resolve"
external = false
names = ["clerk.acme.test"]
expect = ["{WEB}"]
[[check]]
name = "chain"
kind = "dns.chain"
external = false
names = ["clerk.acme.test"]
[[check]]
name = "parity"
kind = "dns.parity"
external = false
period = "4s"
timeout = "3s"
zone = "idp.example"
primary = "operator-a"
fallback = "operator-b"
purposes = {{ sign-in = ["frontend-api", "accounts"] }}
selectors = ["sel1", "sel2"]
[[check]]
name = "mail"
kind = "dns.mail"
external = false
period = "4s"
timeout = "3s"
domain = "idp.example"
selectors = ["sel1", "sel2"]
return_path = "mail1.acme.idp.example"
[[check]]
name = "api"
kind = "http"
external = false
targets = ["https://clerk.acme.test/health"]
[[component]]
name = "Sign-in"
checks = ["api"]
[[component]]
name = "E-mail"
checks = ["mail"]
"""


class Day:
    """The programs of that day, and where they keep what."""

    def __init__(self, folder: Path, authority: Authority) -> None:
        self.folder, self.state = folder, folder / "collector"
        self.listen = Address.of("127.0.0.1", free_port())
        self.ca = authority.write(folder)
        self.leaf = authority.leaf("clerk.acme.test")
        probes = "".join(f'[[probe]]\nid = "{name}"\nasn = {asn}\n' for name, asn in PROBES.items())
        (folder / "plan.toml").write_text(probes + PLAN)

    @asynccontextmanager
    async def collector(self) -> AsyncIterator[Running]:
        config = CollectorConfig(state=str(self.state), plan=str(self.folder / "plan.toml"), listen=self.listen)
        async with trio.open_nursery() as nursery:
            yield await nursery.start(collector.main.main, config)
            nursery.cancel_scope.cancel()

    def probe(self, name: str) -> ProbeConfig:
        token = self.folder / f"{name}.token"
        token.write_text(add_token(self.state, "probe", name))
        token.chmod(0o600)
        to = CollectorAddress(url=Url(f"http://{self.listen}"), token=f"file:{token}")
        return ProbeConfig(
            id=name,
            state=str(self.folder / name),
            collector=[to],
            allow=[Cidr(network) for network in DOCUMENTATION],
            resolvers=[address("plain")],
            ca=self.ca,
        )


@asynccontextmanager
async def the_day(folder: Path) -> AsyncIterator[tuple[Internet, Running]]:
    with network_namespace() as net:
        authority = Authority()
        day = Day(folder, authority)
        site = Site(certificate=day.leaf, ip=WEB, port=443)
        async with (
            internet(net, ttl=TTL) as world,
            nginx({"api": site}),
            day.collector() as running,
            trio.open_nursery() as nursery,
        ):
            for name in PROBES:
                await nursery.start(probe.main.main, day.probe(name))
            yield world, running
            nursery.cancel_scope.cancel()


async def wait_board(running: Running, what: Callable[[Board], Any], meaning: str) -> Board:
    board = running.detector.board()
    with trio.move_on_after(WAIT_S):
        while not what(board := running.detector.board()):
            await running.detector.wait_changed(board)
        return board
    pytest.fail(f"not within {WAIT_S} s: {meaning}; the board is {said(board)}")


def said(board: Board) -> str:
    """What matters of it, for people."""
    lines = [f"{component.name}: {component.state}" for component in board.components]
    lines += [f"risk: {risk.title} ({risk.why}) {risk.runway}" for risk in board.risks]
    lines += [f"incident: {incident.title} {incident.domain}" for incident in board.incidents]
    lines += [f"fallback ready: {each.ready} {each.because}; lacks: {each.lacks}" for each in board.fallbacks]
    lines += [f"gap: {gap}" for each in board.fallbacks for gap in each.gaps if gap.purpose != "mail"]
    lines += [f"move: {each.name} {each.state} {each.parents} {each.resolvers}" for each in board.moves]
    return "\n".join(["", *lines, *(f"{c.name}: {[(s.subject, s.state) for s in c.subjects]}" for c in board.checks)])


def component(board: Board, name: str) -> str:
    return next(each.state for each in board.components if each.name == name)


def is_well(board: Board) -> bool:
    return (
        [p.state for p in board.probes] == ["healthy"] * len(PROBES)
        and component(board, "Sign-in") == component(board, "E-mail") == "operational"
        and not board.incidents
        and bool(board.fallbacks)
    )


async def wait_fresh(world: Internet, name: str) -> None:
    """The resolver that HTTP checks use has just fetched the name."""
    world.servers["plain"].reload()  # which empties its cache
    query, ip = dns.message.make_query(name, "A"), address("plain").ip
    with trio.fail_after(WAIT_S):
        while True:
            with trio.move_on_after(1):
                reply = await dns.asyncquery.udp(query, ip)
                if reply.answer and reply.answer[-1].ttl >= TTL - 2:
                    return


async def test_the_tenth_of_february(tmp_path: Path) -> None:
    async with the_day(tmp_path) as (world, running):
        before = await wait_board(
            running, lambda b: is_well(b) and b.fallbacks[0].ready is False, "all is well, and the two are compared"
        )
        (fallback,) = before.fallbacks
        assert "mail" in fallback.because, "the gap is known before it is needed"

        await wait_fresh(world, "clerk.acme.test")
        world.net.refuse(*OPERATOR_A)
        dark_at = wall_ns()
        risky = await wait_board(running, lambda b: [risk for risk in b.risks if risk.runway], "a risk with a runway")
        named_s = (wall_ns() - dark_at) / NS
        assert component(risky, "Sign-in") == "operational", "HTTP is still green"
        assert named_s < NAMED_WITHIN_S
        (risk,) = [each for each in risky.risks if each.runway]
        assert risk.domain is not None
        assert (risk.domain.kind, risk.domain.name) == ("operator", "operator-a")
        assert risk.runway is not None
        assert risk.runway.sampled == 9, "three resolvers, as each of three probes reaches them"

        hurt = await wait_board(running, lambda b: component(b, "Sign-in") == "full_outage", "caches have run out")
        assert wall_ns() - dark_at < (TTL + NAMED_WITHIN_S) * NS
        assert hurt.incidents

        await world.delegate(NAMES_B, ttl=TTL)
        moving = await wait_board(running, lambda b: b.moves, "the move of the delegation is seen")
        assert {name.rstrip(".") for name in moving.moves[0].new} == {name.rstrip(".") for name in NAMES_B}
        moved = await wait_board(running, lambda b: component(b, "Sign-in") == "operational", "sign-in is back")
        assert component(moved, "E-mail") != "operational", "the fallback lacks the mail records"

        for server in ("b1", "b2"):
            await world.serve(server, ZONE, lambda serial: idp_zone(NAMES_B, serial=serial, ttl=TTL))
        await wait_board(running, lambda b: component(b, "E-mail") == "operational", "mail is back")
        await wait_board(running, lambda b: b.moves[0].state == "done", "the move is through")
        await wait_board(running, lambda b: not b.incidents, "it is over")
        over = await wait_board(running, lambda b: not b.risks, "nothing is at risk any more")
        assert [(each.serves, each.lacks) for each in over.fallbacks] == [(True, "")]

    events = await check_replay(tmp_path / "collector")
    runway_at = next(e.at for e in events if isinstance(e.data, RiskChanged) and e.data.risk.runway)
    sign_in = [e for e in events if isinstance(e.data, ComponentChanged) and e.data.component == "Sign-in"]
    hurt_at = next(e.at for e in sign_in if e.at > dark_at)
    assert dark_at < runway_at < hurt_at
    assert mail_is_hurt_by_resolvers_only(events, dark_at)
    assert [e.data.word for e in events if isinstance(e.data, Noticed) and e.data.word.startswith("move_")] == [
        "move_started",
        "move_done",
    ]
    assert opened_and_ended(events)


def mail_is_hurt_by_resolvers_only(events: list[Event], dark_at: int) -> bool:
    """What fails at the dark operator itself hurts nobody while caches carry the records."""
    hurt_at = next(e.at for e in events if e.at > dark_at and is_worse(e, "E-mail"))
    failed = [e.data for e in events if dark_at < e.at <= hurt_at and isinstance(e.data, CheckChanged)]
    down = [each.subject for each in failed if each.check == "mail" and each.state in ("down", "degraded")]
    return any(not subject.startswith("operator ") for subject in down)


def is_worse(event: Event, component: str) -> bool:
    data = event.data
    return isinstance(data, ComponentChanged) and data.component == component and data.state != "operational"


def opened_and_ended(events: list[Event]) -> bool:
    ids = {"opened": set[str](), "monitoring": set[str]()}
    for event in events:
        if isinstance(event.data, IncidentChanged) and event.data.change in ids:
            ids[event.data.change].add(event.data.incident.id)
    return ids["opened"] == ids["monitoring"] != set()
