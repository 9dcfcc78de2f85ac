"""One exchange with one server, as a value: what was asked, what came of it, how long it took.

`ask` is what every DNS check uses. It never raises but for cancellation: how an exchange ended is a word.
"""

import math
from typing import Any, Literal

import msgspec
import trio

from parallax.clock import to_ns
from parallax.dialling.errors import EXPECTED, detail_of, failure_of
from parallax.dialling.route import Routes
from parallax.dialling.tls import Trust
from parallax.observation import Phase
from parallax.values import Address
from probe.dns.exchange import DOH_PATH, Heard, NoReply, ask_doh, ask_dot, ask_tcp, ask_udp
from probe.dns.memory import Memory
from probe.dns.message import Query, Reply

Transport = Literal["udp", "tcp", "dot", "doh"]


OVER_BUDGET = "not sent: this probe's share of what the operator's servers may be asked is spent"


class Server(msgspec.Struct, frozen=True, kw_only=True):
    """Whom to ask. `name` is the host that TLS verifies and DoH sends (RFC 8310, RFC 8484), else for people only."""

    address: Address
    name: str = ""
    transport: Transport = "udp"
    path: str = DOH_PATH
    """Of the URL, for DoH."""
    hosts_own: bool = False
    """One of the resolvers of the probe's host: its owner chose it, no plan did, so it is dialled wherever it is. Where
    a redirect leads elsewhere, the guard looks at that place as ever."""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """One exchange. `outcome` is "ok" where a reply came that belongs to the query, whatever it says; else a failure
    word: timeout, refused (a closed port), unreachable, reset, closed, malformed, too_large, bad_replies (only messages
    that do not belong to the query came before the deadline), not_allowed, local_error, over_budget (not sent,
    probe.dns.budget), tls_... (DoT, DoH), http_status, http_content_type (DoH)."""

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
    """Messages that were not the answer, by cause: unreadable, id, question, cookie. What comes from another source the
    kernel drops unseen, as the socket is connected."""
    edns_broken: bool = False
    tcp_fallback: bool = False
    """The answer over UDP was truncated, and TCP was asked."""
    phases: list[Phase] = []
    """query; over TCP connect before it; over TLS and HTTPS also handshake; after a truncated answer tcp_connect and
    tcp_query. Spans count from the start of the exchange. Of one that failed, the last phase is where."""

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
    heard = Heard()
    started = heard.started
    if not client.memory.budget.take(str(server.address), started):
        return Asked(query=query, server=server, outcome="over_budget", detail=OVER_BUDGET)
    outcome, reply, detail = "ok", None, ""
    try:
        reply = await exchange(query, server, client, heard, started + timeout_s)
    except trio.TooSlowError:
        outcome = "timeout"
    except NoReply as none:
        outcome, detail = none.failure, str(none)
    except EXPECTED as error:
        outcome, detail = failure_of(error), detail_of(error)
    ended = heard.leave()
    if outcome == "timeout" and heard.bad_replies:
        outcome = "bad_replies"
    return Asked(
        query=query,
        server=server,
        outcome=outcome,
        reply=reply,
        detail=detail,
        duration_ns=to_ns(ended - started),
        rtt_ns=heard.rtt_ns,
        bad_replies=heard.bad_replies,
        edns_broken=heard.edns_broken,
        tcp_fallback=heard.tcp_fallback,
        phases=heard.phases,
    )


async def exchange(query: Query, server: Server, client: Client, heard: Heard, deadline: float = math.inf) -> Reply:
    """`ask` for those who keep a tape themselves: what happens on the way is in `heard`, also when this is cancelled.
    Raises trio.TooSlowError at the deadline (trio's clock), NoReply, and the EXPECTED of parallax.dialling.errors."""
    address, routes = server.address, client.routes
    if server.hosts_own:
        routes = routes.allowing(address)
    prefix = ""
    if server.transport == "udp":
        reply = await ask_udp(query, address, routes, client.memory, heard, deadline)
        if not reply.truncated:
            return reply
        heard.tcp_fallback, heard.truncated = True, reply
        if heard.edns_broken:
            query = msgspec.structs.replace(query, edns=False)
        prefix = "tcp_"
    with trio.fail_at(deadline):
        if server.transport in ("udp", "tcp"):
            return await ask_tcp(query, address, routes, heard, prefix)
        trust = client.trust or Trust()
        if server.transport == "dot":
            return await ask_dot(query, address, server.name, routes, trust, heard)
        return await ask_doh(query, address, server.name, server.path, routes, trust, heard)


async def ask_again(query: Query, server: Server, client: Client, timeout_s: float) -> Asked:
    """For what a check needs on its way and does not measure: a lost datagram is asked for once more. The first try
    has a third of the time."""
    asked = await ask(query, server, client, timeout_s / 3)
    return asked if asked.outcome != "timeout" else await ask(query, server, client, timeout_s * 2 / 3)
