"""Who stands between a client and a real name server, over UDP: it asks the real one and hands out what it likes.

async with middle("192.0.2.1:53", rewriting("198.51.100.66")) as fake:
    net.redirect(53, fake.address, "192.0.2.1")
"""

import socket
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset
import trio

from parallax.values import Address
from tests.fakes.dns_server import DnsServer, Query, dns_server
from tests.parts.namespace import UNTOUCHED

Change = Callable[[dns.message.Message, dns.message.Message], dns.message.Message | None]
"""Of a query and the real reply makes the one that is handed out; None: silence."""


def middle(real: Address, change: Change) -> AbstractAsyncContextManager[DnsServer]:
    """Stands in front of `real`."""

    async def behave(query: Query) -> None:
        reply = change(query.message, await _forward(query.message, real))
        if reply is not None:
            await query.send(reply.to_wire())

    return dns_server(behave, tcp=None)


async def _forward(message: dns.message.Message, real: Address) -> dns.message.Message:
    family = trio.socket.AF_INET6 if real.family == 6 else trio.socket.AF_INET
    with trio.socket.socket(family, trio.socket.SOCK_DGRAM) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, UNTOUCHED)
        await sock.connect((real.ip, real.port))
        await sock.send(message.to_wire())
        return dns.message.from_wire(await sock.recv(65535))


def without_edns(query: dns.message.Message, reply: dns.message.Message) -> dns.message.Message:
    """A server from before EDNS: FORMERR to whoever speaks it (RFC 6891 section 7)."""
    if query.edns < 0:
        return reply
    bare = dns.message.make_response(query)
    bare.use_edns(False)
    bare.question.clear()
    bare.set_rcode(dns.rcode.FORMERR)
    return bare


def truncating(query: dns.message.Message, reply: dns.message.Message) -> dns.message.Message:
    """Nothing but that it does not fit, as rate limits do."""
    empty = dns.message.make_response(query)
    empty.flags |= dns.flags.TC | (reply.flags & dns.flags.AA)
    return empty


def rewriting(ip: str) -> Change:
    """Addresses are this one."""

    def change(query: dns.message.Message, reply: dns.message.Message) -> dns.message.Message:
        for place, rrset in enumerate(reply.answer):
            if rrset.rdtype == dns.rdatatype.A:
                reply.answer[place] = dns.rrset.from_text(rrset.name, rrset.ttl, "IN", "A", ip)
        return reply

    return change


def answering_itself(ip: str) -> Change:
    """A middlebox, which is a resolver: every name has this address, the rest is what it was told before; without
    authority or identity, and recursion is available."""

    def change(query: dns.message.Message, real: dns.message.Message) -> dns.message.Message:
        reply = dns.message.make_response(query, recursion_available=True)
        question = query.question[0]
        if question.rdtype == dns.rdatatype.A:
            reply.answer.append(dns.rrset.from_text(question.name, 60, "IN", "A", ip))
        else:
            reply.answer.extend(real.answer)
        return reply

    return change
