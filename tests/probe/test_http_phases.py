"""A phase of the http check holds what was held in it, and nothing else: against a server that says when it did what.
How exact phases are under load is measured by bench.http_phases."""

from pathlib import Path

import pytest
import trio

from parallax.clock import NS
from parallax.dialling.route import EVERYWHERE, Routes
from parallax.dialling.tls import Trust
from parallax.plan.specs import HttpSpec
from probe.attempt import attempt
from probe.checks import KINDS
from probe.kind import Subject
from probe.tools import Tools
from tests.fakes.http_server import Peer, http_server
from tests.parts.certificates import Authority


class Holding:
    """Holds each phase for some turns of the loop, and notes on trio's clock when it was held."""

    def __init__(self) -> None:
        self.held: dict[str, tuple[float, float]] = {}

    async def hold(self, phase: str) -> None:
        began = trio.current_time()
        for _ in range(500):
            await trio.lowlevel.checkpoint()
        self.held[phase] = began, trio.current_time()

    async def __call__(self, peer: Peer) -> None:
        if isinstance(peer.stream, trio.SSLStream):
            await self.hold("tls")
            await peer.stream.do_handshake()
        await peer.request()
        await self.hold("first_byte")
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n")
        await self.hold("body")
        await peer.send(b"ok")


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_what_is_held_stands_in_its_own_phase(scheme: str, tmp_path: Path) -> None:
    authority, holding = Authority(), Holding()
    certificate = authority.leaf("acme.test") if scheme == "https" else None
    async with http_server(holding, certificate=certificate) as server:
        trust = Trust(authority.write(tmp_path))
        tools = Tools(routes=Routes.of(allow=EVERYWHERE), trust=trust, resolvers=())
        target = f"{scheme}://acme.test:{server.address.port}/"
        subject = Subject(target=target, host="acme.test", address=server.address)
        await attempt(KINDS["http"], HttpSpec(), subject, 20.0, tools)  # what is imported and built once
        tape = await attempt(KINDS["http"], HttpSpec(), subject, 20.0, tools)
    evidence = tape.evidence()
    assert evidence.failure is None
    assert len(holding.held) == (3 if scheme == "https" else 2)
    for phase in evidence.phases:
        began = tape.started + phase.start_ns / NS
        ended = began + phase.duration_ns / NS
        for name, (since, until) in holding.held.items():
            if name == phase.name:
                assert ended >= until - 1e-6
                assert phase.duration_ns / NS > 0.8 * (until - since)
            elif phase.name != "connect":  # the server holds from when its side is connected
                shared = min(ended, until) - max(began, since)  # some turns, until the client has read what was sent
                assert shared < 0.2 * (until - since), (phase.name, name)
