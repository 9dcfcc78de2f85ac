"""The DNS exchange over each transport: one query, and its answer. dnspython's own exchange is not used: its sockets
are unconnected (a closed port is a timeout, not a refusal), one stray packet fails the query, and it times with the
wall clock of a loop that may be busy.

UDP is in probe/dns/udp.py. Over a stream (TCP, RFC 7766; TLS, RFC 7858) a query has a connection to itself, so that
what is measured is whole: connecting, the handshake, the query. HTTPS is RFC 8484: a POST, with the message id 0,
over HTTP/2 where the server speaks it, as some resolvers speak nothing else.
"""

import ssl
from collections.abc import Awaitable, Callable

import msgspec
import trio

from parallax.clock import to_ns
from parallax.dialling.errors import VERIFY_PROBLEMS, cause_chain, detail_of
from parallax.dialling.http import HttpError, open_http
from parallax.dialling.route import Routes
from parallax.dialling.sockets import close_now, open_tcp
from parallax.dialling.tls import Trust, client_context, open_tls
from parallax.observation import Phase
from parallax.values import Address, is_ip
from probe.dns import udp_socket
from probe.dns.memory import Memory
from probe.dns.message import Query, Reply, Unreadable, belongs, encode, parse

MAX_TCP_ANSWER = 16 * 1024
"""Octets. Reading a hostile answer of 64 kB would hold up every other check."""
DOH_PATH = "/dns-query"
DOH_TYPE = "application/dns-message"
DOT_ALPN = ("dot",)
MAX_STRAYS = 100
"""Messages over one connection that are not the answer, before it is given up: nobody but the server writes there."""


class NoReply(Exception):
    """The other side ended the exchange without an answer. `failure` is a word for the tape: closed, malformed,
    too_large, http_status, http_content_type, or what was wrong with a certificate: tls_untrusted, tls_expired, ..."""

    def __init__(self, failure: str, detail: str) -> None:
        super().__init__(detail)
        self.failure = failure


class Heard(udp_socket.Heard):
    """What became known of an exchange besides its answer; filled in as it happens, so that it survives a timeout."""

    __slots__ = (
        "_on_phase",
        "_open",
        "_since",
        "edns_broken",
        "phases",
        "started",
        "tcp_fallback",
        "truncated",
    )

    def __init__(self, on_phase: Callable[[str], None] | None = None) -> None:
        self.bad_replies: dict[str, int] = {}
        self.rtt_ns: int | None = None
        self.edns_broken = False
        self.tcp_fallback = False
        self.truncated: Reply | None = None
        """The answer over UDP that made us ask over TCP."""
        self.phases: list[Phase] = []
        """Those that are over: connect, handshake, query; after a truncated answer tcp_connect and tcp_query."""
        self.started = self._since = trio.current_time()
        self._open: str | None = None
        self._on_phase = on_phase

    def enter(self, phase: str) -> None:
        """Ends the phase that is open, and opens this one. The first begins when the exchange does."""
        if self._on_phase is not None:
            self._on_phase(phase)
        if self._open is not None:
            self.leave()
        self._open = phase

    def leave(self) -> float:
        """Ends the phase that is open, and says when (trio's clock). Where the exchange failed, the last is where."""
        now, since = trio.current_time(), self._since
        if self._open is not None:
            self.phases.append(Phase(self._open, to_ns(since - self.started), to_ns(now - since)))
            self._open = None
        self._since = now
        return now


async def ask_udp(
    query: Query, address: Address, routes: Routes, memory: Memory, heard: Heard, deadline: float
) -> Reply:
    """Asks over UDP and waits for the answer until the deadline (trio's clock). A truncated answer is returned as is.

    Raises trio.TooSlowError, NotAllowed and OSError (a closed port is ECONNREFUSED).
    """
    cookie = memory.cookies.of(address) if query.edns else None
    heard.enter("query")
    reply = await memory.udp.ask(query, address, routes, cookie, heard, deadline)
    if reply.rcode == "BADCOOKIE" and cookie is not None and reply.cookie:
        # RFC 7873 section 5.3: it does not know us yet, or has a new secret. Its cookie for us came with the answer.
        reply = await memory.udp.ask(query, address, routes, cookie, heard, deadline)
    if query.edns and reply.rcode == "FORMERR":
        bare = _without_edns(query, heard)
        reply = await memory.udp.ask(bare, address, routes, None, heard, deadline)
    return reply


async def ask_tcp(query: Query, address: Address, routes: Routes, heard: Heard, prefix: str = "") -> Reply:
    """Asks over a connection of its own. `prefix` goes before the names of the phases. Raises NotAllowed, NoReply,
    OSError and trio.BrokenResourceError."""
    heard.enter(f"{prefix}connect")
    stream = await open_tcp(address, routes)
    try:
        heard.enter(f"{prefix}query")
        return await ask_stream(query, stream, heard)
    finally:
        close_now(stream)


async def ask_dot(query: Query, address: Address, name: str, routes: Routes, trust: Trust, heard: Heard) -> Reply:
    """Asks over TLS, strict profile (RFC 8310): the certificate must be for the name, or without one for the address.
    Raises what `ask_tcp` raises, and OSError for a CA file that can't be read."""
    heard.enter("connect")
    stream = await open_tcp(address, routes)
    try:
        tls = open_tls(stream, client_context(trust, "1.2", DOT_ALPN), name or address.ip)
        heard.enter("handshake")
        with certificate_told():
            await tls.do_handshake()
        heard.enter("query")
        return await ask_stream(query, tls, heard)
    finally:
        close_now(stream)


_HTTP_PHASES = {"connect": "connect", "tls": "handshake", "send": "query"}


async def ask_doh(
    query: Query, address: Address, name: str, path: str, routes: Routes, trust: Trust, heard: Heard
) -> Reply:
    """Asks over HTTPS (RFC 8484), on a connection of its own. Raises what `ask_dot` raises, and HttpError."""

    def enter(phase: str) -> None:
        if phase in _HTTP_PHASES:
            heard.enter(_HTTP_PHASES[phase])

    host = name or address.ip
    url = f"https://{f'[{host}]' if is_ip(host) and ':' in host else host}:{address.port}{path}"
    headers = {"Content-Type": DOH_TYPE, "Accept": DOH_TYPE, "User-Agent": "parallax"}

    async def once(query: Query) -> Reply:
        async with http.request("POST", url, headers=headers, body=encode(query, 0), enter=enter) as response:
            if response.status_code != 200:
                raise NoReply("http_status", f"HTTP status {response.status_code}")
            kind = response.headers.get("content-type", "")
            if kind.partition(";")[0].strip().lower() != DOH_TYPE:
                raise NoReply("http_content_type", f"the answer is {kind[:100] or 'of no type'}, not {DOH_TYPE}")
            try:
                wire = await response.aread(MAX_TCP_ANSWER)
            except ValueError:
                raise _too_large("more") from None
        cause = belongs(wire, query, 0)
        if cause is not None:
            heard.count(cause)
            raise NoReply("malformed", f"the answer does not belong to the query: {cause}")
        return _parsed(wire, query)

    async with open_http(address, routes, trust, http2=True) as http:
        with certificate_told():
            try:
                return await _bare_if_edns_is_broken(query, heard, once)
            except HttpError as error:
                if http.peer_ended:  # the end came before the response's: no matter of malformed HTTP
                    raise NoReply("closed", detail_of(error)) from error
                raise


async def ask_stream(query: Query, stream: trio.abc.Stream, heard: Heard) -> Reply:
    """Asks over an open connection (RFC 7766). Raises NoReply, OSError and trio.BrokenResourceError."""
    frames = _Frames(stream)

    async def once(query: Query) -> Reply:
        message_id = udp_socket.random_id()
        wire = encode(query, message_id)
        # In one piece: a server may take two segments for two messages (RFC 7766 section 8).
        await stream.send_all(len(wire).to_bytes(2, "big") + wire)
        for _ in range(MAX_STRAYS):
            answer = await frames.next()
            cause = belongs(answer, query, message_id)
            if cause is None:
                return _parsed(answer, query)
            heard.count(cause)
        raise NoReply("malformed", f"{MAX_STRAYS} messages that are not the answer")

    return await _bare_if_edns_is_broken(query, heard, once)


async def _bare_if_edns_is_broken(query: Query, heard: Heard, once: Callable[[Query], Awaitable[Reply]]) -> Reply:
    reply = await once(query)
    if query.edns and reply.rcode == "FORMERR":
        reply = await once(_without_edns(query, heard))
    return reply


def _without_edns(query: Query, heard: Heard) -> Query:
    """The query for a server that says FORMERR, which is what one without EDNS says (RFC 6891 section 7)."""
    heard.edns_broken = True
    return msgspec.structs.replace(query, edns=False)


def _parsed(wire: bytes, query: Query) -> Reply:
    try:
        return parse(wire, chaos=query.chaos)
    except Unreadable as error:
        # Nobody but the server itself can write here: nothing better will come.
        raise NoReply("malformed", str(error)) from None


def _too_large(octets: object) -> NoReply:
    return NoReply("too_large", f"an answer of {octets} octets; at most {MAX_TCP_ANSWER} are read")


class certificate_told:  # noqa: N801
    """Turns a certificate that was refused into NoReply, in the words of the kind `tls`."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        for link in cause_chain(error) if isinstance(error, Exception) else ():
            if isinstance(link, ssl.SSLCertVerificationError):
                problem = VERIFY_PROBLEMS.get(link.verify_code, "untrusted")
                raise NoReply(f"tls_{problem}", link.verify_message) from error


class _Frames:
    """Messages out of a stream, each after two octets of length."""

    def __init__(self, stream: trio.abc.Stream) -> None:
        self._stream, self._held = stream, bytearray()

    async def next(self) -> bytes:
        held = self._held
        await self._fill(2)
        length = int.from_bytes(held[:2], "big")
        if length > MAX_TCP_ANSWER:
            raise _too_large(length)
        await self._fill(2 + length)
        message = bytes(held[2 : 2 + length])
        del held[: 2 + length]
        await trio.lowlevel.checkpoint()  # many may have come in one piece
        return message

    async def _fill(self, size: int) -> None:
        held = self._held
        while len(held) < size:
            part = await self._stream.receive_some(MAX_TCP_ANSWER)
            if not part:
                raise NoReply("closed", f"the connection ended {size - len(held)} octets before the end of the answer")
            held += part
