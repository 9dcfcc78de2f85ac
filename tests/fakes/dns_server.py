"""A DNS server that misbehaves on demand, on port 0 over UDP and TCP. What it does is chosen per test by a behaviour,
and it remembers the queries it got. dnspython makes its messages, so that a fault of our own codec can't hide."""

import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

import dns.edns
import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import trio
from trio import socket as tsocket

from parallax.values import Address

UdpBehaviour = Callable[["Query"], Awaitable[None]]
TcpBehaviour = Callable[[trio.SocketStream, dns.message.Message], Awaitable[None]]


class Query:
    """One datagram that came, and ways to answer it."""

    def __init__(self, message: dns.message.Message, sock: tsocket.SocketType, peer: tuple[str, int]) -> None:
        self.message, self._sock, self._peer = message, sock, peer

    async def send(self, wire: bytes) -> None:
        await self._sock.sendto(wire, self._peer)

    async def send_from_elsewhere(self, wire: bytes) -> None:
        with tsocket.socket(tsocket.AF_INET, tsocket.SOCK_DGRAM) as other:
            await other.bind(("127.0.0.1", 0))
            await other.sendto(wire, self._peer)


class DnsServer:
    """`udp` and `tcp` are the behaviours, and may be changed at any time. `asked` is every query that came."""

    def __init__(self, address: Address, udp: UdpBehaviour, tcp: TcpBehaviour) -> None:
        self.address, self.udp, self.tcp = address, udp, tcp
        self.asked: list[tuple[str, dns.message.Message]] = []


def answer(message: dns.message.Message, *records: str, rcode: str = "NOERROR", flags: int = dns.flags.AA) -> bytes:
    """The right answer: records as "owner TTL IN TYPE data" lines, each its own RRset."""
    reply = dns.message.make_response(message)
    reply.flags |= flags
    reply.set_rcode(dns.rcode.from_text(rcode))
    for record in records:
        owner, ttl, rdclass, rdtype, data = record.split(" ", 4)
        reply.answer.append(dns.rrset.from_text(owner, int(ttl), rdclass, rdtype, data))
    return reply.to_wire()


WWW = "www.acme.test. 60 IN A 192.0.2.1"


async def good(query: Query) -> None:
    await query.send(answer(query.message, WWW))


async def silent(query: Query) -> None:
    pass


async def garbage(query: Query) -> None:
    await query.send(b"\xffHTTP/1.0 400 this is no name server\r\n\r\n")


async def garbled(query: Query) -> None:
    """The right id and question, and then records that can't be read."""
    await query.send(answer(query.message, WWW)[:-20])


async def wrong_id(query: Query) -> None:
    wire = bytearray(answer(query.message, WWW))
    wire[0] ^= 0x55
    await query.send(bytes(wire))


async def wrong_question(query: Query) -> None:
    other = dns.message.make_query("evil.test.", "A", id=query.message.id)
    await query.send(answer(other, WWW))


async def wrong_source(query: Query) -> None:
    await query.send_from_elsewhere(answer(query.message, WWW))


async def noise_then_good(query: Query) -> None:
    for behave in (garbage, wrong_id, wrong_question, wrong_source, garbled, good):
        await behave(query)


async def truncated(query: Query) -> None:
    await query.send(answer(query.message, flags=dns.flags.AA | dns.flags.TC))


async def truncated_mid_record(query: Query) -> None:
    wire = bytearray(answer(query.message, WWW)[:-20])
    wire[2] |= 0x02
    await query.send(bytes(wire))


async def no_edns(query: Query) -> None:
    """A server from before EDNS: FORMERR, the bare header."""
    if query.message.edns >= 0:
        await query.send(struct.pack("!6H", query.message.id, 0x8001, 0, 0, 0, 0))
    else:
        await good(query)


async def compression_loop(query: Query) -> None:
    head = dns.message.make_response(query.message).to_wire()
    question_end = head.index(b"\0", 12) + 5
    header = struct.pack("!6H", query.message.id, 0x8400, 1, 1, 0, 0)
    loop = struct.pack("!H", 0xC000 | question_end)
    await query.send(header + head[12:question_end] + loop + struct.pack("!HHIH", 1, 1, 60, 4) + b"\xc0\0\2\1")


def with_rcode(rcode: str, *, ede: int | None = None, flags: int = dns.flags.AA) -> UdpBehaviour:
    async def behave(query: Query) -> None:
        reply = dns.message.make_response(query.message)
        reply.flags |= flags
        reply.set_rcode(dns.rcode.from_text(rcode))
        if ede is not None:
            reply.use_edns(0, options=[dns.edns.EDEOption(ede, "said so")])
        await query.send(reply.to_wire())

    return behave


def with_records(*records: str, flags: int = dns.flags.AA) -> UdpBehaviour:
    async def behave(query: Query) -> None:
        await query.send(answer(query.message, *records, flags=flags))

    return behave


def with_nsid(nsid: bytes) -> UdpBehaviour:
    async def behave(query: Query) -> None:
        reply = dns.message.make_response(query.message)
        reply.flags |= dns.flags.AA
        reply.answer.append(dns.rrset.from_text("www.acme.test.", 60, "IN", "A", "192.0.2.1"))
        reply.use_edns(0, options=[dns.edns.GenericOption(dns.edns.NSID, nsid)])
        await query.send(reply.to_wire())

    return behave


def late(after: trio.Event) -> UdpBehaviour:
    """Answers rightly, once the event is set."""

    async def behave(query: Query) -> None:
        await after.wait()
        await good(query)

    return behave


async def tcp_good(stream: trio.SocketStream, message: dns.message.Message) -> None:
    await _send(stream, answer(message, WWW))


async def tcp_two_parts(stream: trio.SocketStream, message: dns.message.Message) -> None:
    wire = answer(message, WWW)
    framed = len(wire).to_bytes(2, "big") + wire
    await stream.send_all(framed[:1])
    await trio.lowlevel.checkpoint()
    await stream.send_all(framed[1:7])
    await trio.lowlevel.checkpoint()
    await stream.send_all(framed[7:])


async def tcp_closed(stream: trio.SocketStream, message: dns.message.Message) -> None:
    await stream.aclose()


async def tcp_reset(stream: trio.SocketStream, message: dns.message.Message) -> None:
    stream.socket.setsockopt(tsocket.SOL_SOCKET, tsocket.SO_LINGER, struct.pack("ii", 1, 0))
    stream.socket.close()


async def tcp_half(stream: trio.SocketStream, message: dns.message.Message) -> None:
    wire = answer(message, WWW)
    await stream.send_all(len(wire).to_bytes(2, "big") + wire[: len(wire) // 2])
    await stream.aclose()


async def tcp_drip(stream: trio.SocketStream, message: dns.message.Message) -> None:
    """One octet, and then no more: the connection stays open until the peer ends it."""
    await stream.send_all(b"\0")
    await stream.receive_some()


async def tcp_lying_length(stream: trio.SocketStream, message: dns.message.Message) -> None:
    wire = answer(message, WWW)
    await stream.send_all((len(wire) + 100).to_bytes(2, "big") + wire)
    await stream.receive_some()


async def tcp_huge(stream: trio.SocketStream, message: dns.message.Message) -> None:
    await stream.send_all((65535).to_bytes(2, "big") + bytes(65535))


async def tcp_garbage(stream: trio.SocketStream, message: dns.message.Message) -> None:
    await stream.send_all(b"HTTP/1.0 400 Bad Request\r\n\r\n")
    await stream.aclose()


async def tcp_garbled(stream: trio.SocketStream, message: dns.message.Message) -> None:
    await _send(stream, answer(message, WWW)[:-20])


async def tcp_wrong_id(stream: trio.SocketStream, message: dns.message.Message) -> None:
    wire = bytearray(answer(message, WWW))
    wire[0] ^= 0x55
    await _send(stream, bytes(wire))
    await stream.aclose()


async def _send(stream: trio.SocketStream, wire: bytes) -> None:
    await stream.send_all(len(wire).to_bytes(2, "big") + wire)


@asynccontextmanager
async def dns_server(udp: UdpBehaviour = good, tcp: TcpBehaviour | None = tcp_good) -> AsyncIterator[DnsServer]:
    """Runs the server. With `tcp` None nothing listens on the TCP port: connections are refused."""
    with _sockets(listen=tcp is not None) as (datagrams, listener):
        port = datagrams.getsockname()[1]
        server = DnsServer(Address.of("127.0.0.1", port), udp, tcp or tcp_good)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_serve_udp, datagrams, server, nursery)
            if tcp is not None:
                nursery.start_soon(_serve_tcp, listener, server, nursery)
            yield server
            nursery.cancel_scope.cancel()


@contextmanager
def _sockets(*, listen: bool) -> Iterator[tuple[tsocket.SocketType, tsocket.SocketType]]:
    """A UDP and a TCP socket on one port. Where nothing is to listen, the TCP port is taken but refuses."""
    while True:
        datagrams = tsocket.socket(tsocket.AF_INET, tsocket.SOCK_DGRAM)
        listener = tsocket.socket(tsocket.AF_INET, tsocket.SOCK_STREAM)
        with datagrams, listener:
            datagrams.setsockopt(tsocket.SOL_SOCKET, tsocket.SO_RCVBUF, 1 << 22)  # else the 257th at once is lost
            datagrams._sock.bind(("127.0.0.1", 0))  # type: ignore[attr-defined]
            try:
                listener._sock.bind(datagrams.getsockname())  # type: ignore[attr-defined]
            except OSError:
                continue
            if listen:
                listener.listen(16)
            yield datagrams, listener
            return


async def _serve_udp(sock: tsocket.SocketType, server: DnsServer, nursery: trio.Nursery) -> None:
    while True:
        wire, peer = await sock.recvfrom(65535)
        message = dns.message.from_wire(wire)
        server.asked.append(("udp", message))
        nursery.start_soon(server.udp, Query(message, sock, peer))


async def _serve_tcp(listener: tsocket.SocketType, server: DnsServer, nursery: trio.Nursery) -> None:
    while True:
        sock, _ = await listener.accept()
        nursery.start_soon(_serve_connection, trio.SocketStream(sock), server)


async def _serve_connection(stream: trio.SocketStream, server: DnsServer) -> None:
    try:
        async with stream:
            held = b""
            while part := await stream.receive_some(4096):
                held += bytes(part)
                while len(held) > 2 and len(held) - 2 >= int.from_bytes(held[:2], "big"):
                    length = int.from_bytes(held[:2], "big")
                    message = dns.message.from_wire(held[2 : 2 + length])
                    held = held[2 + length :]
                    server.asked.append(("tcp", message))
                    await server.tcp(stream, message)
    except (trio.BrokenResourceError, trio.ClosedResourceError):
        pass
