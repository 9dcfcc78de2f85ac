"""Servers that begin a TLS handshake and do not end it as they should, against the tls check."""

import ssl
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import pytest
import trio
import trio.testing

from tests.fakes.http_server import Behaviour, Peer, http_server
from tests.parts.certificates import Authority, Leaf
from tests.probe.attempts import Outcome, check

AUTHORITY = Authority()
LEAF = AUTHORITY.leaf("acme.test")
SHORT_S = 0.4

Misuse = Callable[[Peer, bytes], Awaitable[None]]


class Server:
    """A real server's side of a handshake in memory, so that its octets can be tampered with."""

    def __init__(self, leaf: Leaf) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with tempfile.TemporaryDirectory() as folder:
            context.load_cert_chain(*leaf.write(Path(folder), "leaf"))
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._in, self._out, server_side=True)

    def answer(self, octets: bytes) -> bytes:
        self._in.write(octets)
        with suppress(ssl.SSLWantReadError):
            self._tls.do_handshake()
        return self._out.read()


def with_flight(misuse: Misuse) -> Behaviour:
    """Answers the ClientHello with a real flight, given to `misuse` to send."""

    async def behave(peer: Peer) -> None:
        hello = bytes(await peer.stream.receive_some(65536))
        await misuse(peer, Server(LEAF).answer(hello))

    return behave


async def half_then_silence(peer: Peer, flight: bytes) -> None:
    await peer.send(flight[: len(flight) // 2])
    await peer.until_gone()


async def half_then_close(peer: Peer, flight: bytes) -> None:
    await peer.send(flight[: len(flight) // 2])


async def half_then_reset(peer: Peer, flight: bytes) -> None:
    await peer.send(flight[: len(flight) // 2])
    await trio.testing.wait_all_tasks_blocked(0.05)
    peer.reset()


async def one_octet_then_silence(peer: Peer, flight: bytes) -> None:
    await peer.send(flight[:1])
    await peer.until_gone()


async def half_then_garbage(peer: Peer, flight: bytes) -> None:
    await peer.send(flight[: len(flight) // 2] + b"\xff" * len(flight))
    await peer.until_gone()


async def drip(peer: Peer, flight: bytes) -> None:
    """Octet by octet, and then nothing: the client's Finished gets no answer, which TLS 1.3 does not need."""
    for place in range(len(flight)):
        await peer.send(flight[place : place + 1])
        await trio.lowlevel.checkpoint()
    await peer.until_gone()


async def for_ever(peer: Peer, flight: bytes) -> None:
    """A record of handshake octets that promise one message of 16 MB, again and again."""
    await peer.send(flight[:5])
    while True:
        await peer.send(b"\x16\x03\x03\x40\x00" + b"\x0b\xff\xff\xff" + bytes(16380))


async def warnings_for_ever(peer: Peer, flight: bytes) -> None:
    while True:
        await peer.send(b"\x15\x03\x03\x00\x02\x01\x70" * 100)


async def meet(behaviour: Behaviour, ca: str | None = None, timeout_s: float = 5.0) -> Outcome:
    async with http_server(behaviour) as server:
        return await check("tls", f"acme.test:{server.address.port}", server.address, ca=ca, timeout_s=timeout_s)


@pytest.mark.parametrize(
    ("misuse", "reasons", "phase"),
    [
        (half_then_silence, {"tls_timeout"}, "tls"),
        (one_octet_then_silence, {"tls_timeout"}, "tls"),
        (half_then_close, {"connection_closed"}, "tls"),
        (half_then_reset, {"connection_reset"}, "tls"),
        (half_then_garbage, {"tls_malformed"}, "tls"),
        (for_ever, {"tls_malformed"}, "tls"),
        (warnings_for_ever, {"tls_malformed", "tls_alert"}, "tls"),
    ],
)
async def test_half_a_handshake(misuse: Misuse, reasons: set[str], phase: str) -> None:
    got = await meet(with_flight(misuse), timeout_s=SHORT_S if "tls_timeout" in reasons else 5.0)
    assert got.reason in reasons
    assert got.evidence.phase == phase
    assert got.findings.get("version") is None


async def test_a_flight_that_drips_is_whole_in_the_end(tmp_path: Path) -> None:
    got = await meet(with_flight(drip), AUTHORITY.write(tmp_path))
    assert got.reason is None
    assert got.findings["chain"][0]["subject"] == "CN=acme.test"


@pytest.mark.slow
async def test_any_octet_of_the_flight_may_be_wrong(tmp_path: Path) -> None:
    """Never a bug of ours, never a good verdict for what is not what the server meant."""
    ca = AUTHORITY.write(tmp_path)
    for step in range(0, 1200, 17):

        async def garble(peer: Peer, flight: bytes, step: int = step) -> None:
            changed = bytearray(flight)
            changed[step % len(flight)] ^= 0x55
            await peer.send(bytes(changed))

        got = await meet(with_flight(garble), ca, timeout_s=1.0)
        assert got.reason not in (None, "probe_error", "local_error"), step


@pytest.mark.slow
async def test_a_hundred_certificates_are_read_up_to_ten_and_counted(tmp_path: Path) -> None:
    others = "".join(Authority(f"CA {number}").pem for number in range(99))
    crowded = Leaf(LEAF.chain + others, LEAF.key, LEAF.certificate)

    async def serve(peer: Peer) -> None:
        server, octets = Server(crowded), b""
        while octets := bytes(await peer.stream.receive_some(65536)):
            await peer.send(server.answer(octets))

    got = await meet(serve, AUTHORITY.write(tmp_path))
    assert got.reason is None
    assert len(got.findings["chain"]) == 10
    assert got.findings["chain_count"] == 100


@pytest.mark.slow
async def test_more_certificates_than_openssl_takes(tmp_path: Path) -> None:
    other = Authority("Another").pem
    crowded = Leaf(LEAF.chain + other * 400, LEAF.key, LEAF.certificate)

    async def serve(peer: Peer) -> None:
        hello = bytes(await peer.stream.receive_some(65536))
        await peer.send(Server(crowded).answer(hello))
        await peer.until_gone()

    got = await meet(serve, AUTHORITY.write(tmp_path))
    assert got.reason == "tls_malformed"
    assert "excessive" in got.findings["detail"]
