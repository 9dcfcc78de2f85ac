"""The DNS exchange: one query over our own sockets, and its answer. dnspython's own exchange is not used: its sockets
are unconnected (a closed port is a timeout, not a refusal), and one stray packet fails the query.

A datagram that is not the answer never ends a query: it is counted by cause and waiting goes on until the caller's
deadline. A connected socket never sees packets from other sources: the kernel drops them.
"""

from collections.abc import Awaitable, Callable
from random import SystemRandom

import msgspec
import trio
from trio import socket as tsocket

from parallax.dialling.route import Routes
from parallax.dialling.sockets import open_udp
from parallax.values import Address
from probe.dns.message import Query, Reply, Unreadable, belongs, encode, parse

MAX_TCP_ANSWER = 16 * 1024
"""Octets. Reading a hostile answer of 64 kB would hold up every other check."""
_LARGEST_DATAGRAM = 65535

_random = SystemRandom()


class NoReply(Exception):
    """The other side ended the exchange without an answer. `failure` is a word for the tape: closed, malformed or
    too_large."""

    def __init__(self, failure: str, detail: str) -> None:
        super().__init__(detail)
        self.failure = failure


class Heard:
    """What was heard beside the answer; filled in as it happens, so that it survives a timeout.

    `bad_replies` counts messages that were not the answer, by cause: unreadable, id, question.
    """

    def __init__(self) -> None:
        self.bad_replies: dict[str, int] = {}
        self.edns_broken = False

    def count(self, cause: str) -> None:
        self.bad_replies[cause] = self.bad_replies.get(cause, 0) + 1


async def ask_udp(query: Query, address: Address, routes: Routes, heard: Heard) -> Reply:
    """Asks over UDP and waits for the answer, for as long as the caller lets it. A truncated answer is returned as is.

    Raises NotAllowed and OSError (a closed port is ECONNREFUSED).
    """
    with await open_udp(address, routes) as sock:
        return await _bare_if_edns_is_broken(query, heard, lambda asked: _ask_once_udp(asked, sock, heard))


async def ask_tcp(query: Query, stream: trio.SocketStream, heard: Heard) -> Reply:
    """Asks over an open TCP connection (RFC 7766). Raises NoReply, OSError and trio.BrokenResourceError."""
    return await _bare_if_edns_is_broken(query, heard, lambda asked: _ask_once_tcp(asked, stream, heard))


async def _bare_if_edns_is_broken(query: Query, heard: Heard, ask: Callable[[Query], Awaitable[Reply]]) -> Reply:
    reply = await ask(query)
    if query.edns and reply.rcode == "FORMERR":  # RFC 6891 section 7: what a server without EDNS says
        heard.edns_broken = True
        reply = await ask(msgspec.structs.replace(query, edns=False))
    return reply


async def _ask_once_udp(query: Query, sock: tsocket.SocketType, heard: Heard) -> Reply:
    message_id = _random.getrandbits(16)
    await sock.send(encode(query, message_id))
    while True:
        wire = await sock.recv(_LARGEST_DATAGRAM)
        cause = belongs(wire, query, message_id)
        if cause is None:
            try:
                return parse(wire)
            except Unreadable:
                cause = "unreadable"
        heard.count(cause)


async def _ask_once_tcp(query: Query, stream: trio.SocketStream, heard: Heard) -> Reply:
    message_id = _random.getrandbits(16)
    wire = encode(query, message_id)
    await stream.send_all(len(wire).to_bytes(2, "big") + wire)
    while True:
        answer = await _receive_message(stream)
        cause = belongs(answer, query, message_id)
        if cause is None:
            try:
                return parse(answer)
            except Unreadable as error:
                # Nobody but the server itself can write here: nothing better will come.
                raise NoReply("malformed", str(error)) from None
        heard.count(cause)


async def _receive_message(stream: trio.SocketStream) -> bytes:
    length = int.from_bytes(await _receive_exactly(stream, 2), "big")
    if length > MAX_TCP_ANSWER:
        raise NoReply("too_large", f"an answer of {length} octets; at most {MAX_TCP_ANSWER} are read")
    return await _receive_exactly(stream, length)


async def _receive_exactly(stream: trio.SocketStream, length: int) -> bytes:
    held = bytearray()
    while len(held) < length:
        part = await stream.receive_some(length - len(held))
        if not part:
            raise NoReply("closed", f"the connection ended {length - len(held)} octets before the end of the answer")
        held += part
    return bytes(held)
