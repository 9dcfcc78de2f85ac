"""DNS over TLS and over HTTPS against real resolvers, and against what goes wrong with certificates."""

import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dns.message
import pytest
import trio

from parallax.dialling.route import EVERYWHERE, Routes
from parallax.dialling.tls import Trust
from parallax.values import Address, Redirect
from probe.dns.client import Asked, Client, Server, ask
from probe.dns.memory import Memory
from probe.dns.message import Query, Record
from tests.fakes import dns_server as fake
from tests.parts.bind import bind_resolver
from tests.parts.certificates import Authority
from tests.parts.daemon import Daemon
from tests.parts.nsd import nsd
from tests.parts.unbound import unbound

pytestmark = pytest.mark.slow

QUERY = Query(name="www.acme.test", type="A", recurse=True)
WWW = (Record("www.acme.test", "A", 300, "192.0.2.1"),)
NAMED = Address("192.0.2.53:853")


@asynccontextmanager
async def resolver(program: str, names: Sequence[str], **leaf: object) -> AsyncIterator[tuple[Daemon, Authority]]:
    authority = Authority()
    start = {"unbound": unbound, "bind": bind_resolver}[program]
    certificate = authority.leaf(*names, **leaf)  # type: ignore[arg-type]
    async with (
        nsd({"acme.test": "www A 192.0.2.1"}) as zone,
        start({"acme.test": zone.address}, certificate=certificate) as daemon,  # type: ignore[operator]
    ):
        yield daemon, authority


async def query(
    daemon: Daemon, authority: Authority, transport: str, tmp_path: Path, name: str = "dns.test", trusted: bool = True
) -> Asked:
    """Over a redirect, as a plan has it: the documentation address leads to the resolver."""
    to = daemon.also[transport]
    client = Client(
        routes=Routes.of([(Redirect(NAMED), to)], EVERYWHERE),
        memory=Memory(),
        # Another file for each authority: what a trusted file holds is read once.
        trust=Trust(authority.write(tmp_path, f"{id(authority)}.pem")) if trusted else Trust(),
    )
    return await ask(QUERY, Server(address=NAMED, name=name, transport=transport), client, 5.0)  # type: ignore[arg-type]


@pytest.mark.parametrize(("program", "transport"), [("unbound", "dot"), ("bind", "dot"), ("bind", "doh")])
async def test_a_real_resolver_answers_and_the_phases_are_apart(program: str, transport: str, tmp_path: Path) -> None:
    async with resolver(program, ["dns.test"]) as (daemon, authority):
        asked = await query(daemon, authority, transport, tmp_path)
    assert (asked.outcome, asked.detail) == ("ok", "")
    assert asked.reply is not None
    assert asked.reply.answers == WWW
    assert [phase.name for phase in asked.phases] == ["connect", "handshake", "query"]
    assert all(phase.duration_ns > 0 for phase in asked.phases)
    assert sum(phase.duration_ns for phase in asked.phases) <= asked.duration_ns
    assert asked.rtt_ns is None


@pytest.mark.parametrize("transport", ["dot", "doh"])
async def test_the_address_is_verified_where_there_is_no_name(transport: str, tmp_path: Path) -> None:
    async with resolver("bind", ["192.0.2.53"]) as (daemon, authority):
        assert (await query(daemon, authority, transport, tmp_path, name="")).outcome == "ok"
        assert (await query(daemon, authority, transport, tmp_path)).outcome == "tls_wrong_name"


@pytest.mark.parametrize("transport", ["dot", "doh"])
async def test_certificates_that_are_refused(transport: str, tmp_path: Path) -> None:
    async with resolver("bind", ["dns.test"]) as (daemon, authority):
        other = await query(daemon, authority, transport, tmp_path, name="other.test")
        untrusted = await query(daemon, authority, transport, tmp_path, trusted=False)
    async with resolver("bind", ["dns.test"], until=datetime.now(UTC) - timedelta(days=1)) as (daemon, authority):
        expired = await query(daemon, authority, transport, tmp_path)
    assert [each.outcome for each in (other, untrusted, expired)] == ["tls_wrong_name", "tls_untrusted", "tls_expired"]
    assert [phase.name for phase in other.phases] == ["connect", "handshake"]
    assert other.detail


GOOD_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/dns-message\r\n"


def http(head: bytes, body: bytes) -> bytes:
    return head + b"Content-Length: %d\r\n\r\n%b" % (len(body), body)


def good(wire: bytes) -> bytes:
    return http(GOOD_HEAD, fake.answer(dns.message.from_wire(wire), "www.acme.test. 300 IN A 192.0.2.1"))


def garbled(wire: bytes) -> bytes:
    return http(GOOD_HEAD, fake.answer(dns.message.from_wire(wire), fake.WWW)[:-20])


@pytest.mark.parametrize(
    ("behave", "outcome"),
    [
        (good, "ok"),
        (lambda wire: good(wire).replace(b"dns-message", b"DNS-Message; x=y"), "ok"),
        (lambda wire: http(b"HTTP/1.1 415 Unsupported Media Type\r\n", b""), "http_status"),
        (lambda wire: http(b"HTTP/1.1 301 Moved\r\nLocation: https://other.test/\r\n", b""), "http_status"),
        (lambda wire: good(wire).replace(b"application/dns-message", b"text/html"), "http_content_type"),
        (lambda wire: http(b"HTTP/1.1 200 OK\r\n", b""), "http_content_type"),
        (lambda wire: http(GOOD_HEAD, bytes(20_000)), "too_large"),
        (lambda wire: http(GOOD_HEAD, b""), "malformed"),
        (lambda wire: http(GOOD_HEAD, b"\1\1" + wire[2:]), "malformed"),
        (garbled, "malformed"),
        (lambda wire: good(wire)[:-5], "closed"),
        (lambda wire: b"", "closed"),
        (lambda wire: b"SSH-2.0-OpenSSH\r\n\r\n", "malformed"),
    ],
)
async def test_what_a_server_of_http_may_do_wrong(
    behave: Callable[[bytes], bytes], outcome: str, tmp_path: Path
) -> None:
    authority = Authority()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.leaf("dns.test").write(tmp_path, "server"))
    asked_for: list[bytes] = []

    async def serve(stream: "trio.SSLStream[trio.SocketStream]") -> None:
        got = b""
        while len(got.partition(b"\r\n\r\n")[2]) < 12:
            got += await stream.receive_some()
        head, _, wire = got.partition(b"\r\n\r\n")
        asked_for.append(head)
        await stream.send_all(behave(bytes(wire)))
        await stream.aclose()

    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(trio.serve_ssl_over_tcp, serve, 0, context)
        to = Address.of("127.0.0.1", listeners[0].transport_listener.socket.getsockname()[1])
        client = Client(
            routes=Routes.of([(Redirect(NAMED), to)], EVERYWHERE),
            memory=Memory(),
            trust=Trust(authority.write(tmp_path, f"{id(authority)}.pem")),
        )
        server = Server(address=NAMED, name="dns.test", transport="doh", path="/resolve")
        asked = await ask(QUERY, server, client, 5.0)
        nursery.cancel_scope.cancel()
    assert (asked.outcome, asked.detail if outcome == "ok" else "") == (outcome, "")
    assert [phase.name for phase in asked.phases] == ["connect", "handshake", "query"]
    first, *headers = asked_for[0].lower().split(b"\r\n")
    assert first == b"post /resolve http/1.1"
    assert {b"content-type: application/dns-message", b"accept: application/dns-message"} <= set(headers)
    assert b"host: dns.test:853" in headers
