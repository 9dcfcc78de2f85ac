"""One exchange with one server, as a value: what was asked, what came of it, how long it took.

`ask` is what every DNS check uses. It never raises but for cancellation: how an exchange ended is a word.
"""

from typing import Any, Literal

import msgspec
import trio

from parallax.clock import to_ns
from parallax.dialling.errors import detail_of, failure_of
from parallax.dialling.route import NotAllowed, Routes
from parallax.dialling.sockets import open_tcp
from parallax.values import Address
from probe.dns.exchange import Heard, NoReply, ask_tcp, ask_udp
from probe.dns.memory import Memory
from probe.dns.message import Query, Reply

Transport = Literal["udp", "tcp", "dot", "doh"]


class Server(msgspec.Struct, frozen=True, kw_only=True):
    """Whom to ask. `name` is the host that TLS verifies and DoH sends (RFC 8310, RFC 8484), else for people only."""

    address: Address
    name: str = ""
    transport: Transport = "udp"


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """One exchange. `outcome` is "ok" where a reply came that belongs to the query, whatever it says; else a failure
    word: timeout, refused (a closed port), unreachable, reset, closed, malformed, too_large, bad_replies (only messages
    that do not belong to the query came before the deadline), not_allowed, local_error, tls_... (DoT, DoH),
    http_status, http_content_type (DoH)."""

    query: Query
    server: Server
    outcome: str
    reply: Reply | None = None
    detail: str = ""
    duration_ns: int = 0
    """From the first send to the end, by trio's clock; connecting and handshakes included."""
    rtt_ns: int | None = None
    """From the last send over UDP to the kernel's receive timestamp."""
    bad_replies: dict[str, int] = {}
    """Messages that were not the answer, by cause: unreadable, id, question, source."""
    edns_broken: bool = False
    tcp_fallback: bool = False
    """The answer over UDP was truncated, and TCP was asked."""

    @property
    def ok(self) -> bool:
        return self.outcome == "ok"


class Client(msgspec.Struct, frozen=True, kw_only=True):
    """What an exchange needs of its probe: where dials go, and what is remembered (cookies, say)."""

    routes: Routes
    memory: Memory
    trust: Any = None
    """parallax.dialling.tls.Trust, for DoT and DoH."""


async def ask(query: Query, server: Server, client: Client, timeout_s: float) -> Asked:
    """Asks once; a truncated answer over UDP is asked for again over TCP (RFC 7766), and a server without EDNS
    (FORMERR) without it. Ends within `timeout_s`."""
    heard, started = Heard(), trio.current_time()
    outcome, reply, detail, fell_back = "timeout", None, "", False
    with trio.move_on_after(timeout_s):
        try:
            if server.transport == "udp":
                reply = await ask_udp(query, server.address, client.routes, heard)
            if reply is None or reply.truncated:
                fell_back = reply is not None
                async with await open_tcp(server.address, client.routes) as stream:
                    reply = await ask_tcp(query, stream, heard)
            outcome = "ok"
        except NoReply as none:
            outcome, detail = none.failure, str(none)
        except (NotAllowed, OSError, trio.BrokenResourceError) as error:
            outcome, detail = failure_of(error), detail_of(error)
    if outcome == "timeout" and heard.bad_replies:
        outcome = "bad_replies"
    return Asked(
        query=query,
        server=server,
        outcome=outcome,
        reply=reply if outcome == "ok" else None,
        detail=detail,
        duration_ns=to_ns(trio.current_time() - started),
        bad_replies=heard.bad_replies,
        edns_broken=heard.edns_broken,
        tcp_fallback=fell_back,
    )


async def ask_again(query: Query, server: Server, client: Client, timeout_s: float) -> Asked:
    """For what a check needs on its way and does not measure: a lost datagram is asked for once more. The first try
    has a third of the time."""
    asked = await ask(query, server, client, timeout_s / 3)
    return asked if asked.outcome != "timeout" else await ask(query, server, client, timeout_s * 2 / 3)
