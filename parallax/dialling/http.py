"""HTTP/1.1, and HTTP/2 where asked for, over our own dialling.

The URL, Host and SNI stay what they are; only the address that is dialled is pinned. Nothing is read from the
environment (proxies, netrc), cookies are not kept, redirects are not followed, nothing is retried, and bodies come raw.
"""

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager
from functools import lru_cache
from typing import TypeVar, overload
from urllib.parse import quote, urlsplit

import msgspec
import trio

from parallax.dialling.http1 import Http1
from parallax.dialling.http_exchange import Enter, Exchange, Head, HttpError, Request, Unsendable
from parallax.dialling.route import Routes
from parallax.dialling.sockets import close_now, open_tcp, socket_below
from parallax.dialling.tls import Trust, client_context, open_tls
from parallax.values import Address, Url

__all__ = ["ALPN", "ALPN_WITH_HTTP2", "Enter", "Headers", "Http", "HttpError", "Response", "Unsendable", "open_http"]

ALPN = ("http/1.1",)
"""What is offered (RFC 7301): the one version that is spoken unless the caller wants HTTP/2 too."""
ALPN_WITH_HTTP2 = ("h2", "http/1.1")
T = TypeVar("T")
_MAX_IDLE = 4
_KEPT = "/?:@!$&'()*+,;=-._~%[]"
"""What stays as it is in a request target; all else is percent-encoded (RFC 3986 section 3.3, and % itself)."""


class Headers(Mapping[str, str]):
    """A response's headers. Names in any case; of several lines of one name `headers[name]` is all, with ", " between
    (RFC 9110 section 5.3). Values are read as Latin-1, so that no byte is refused. `lines` is what came, in order."""

    __slots__ = ("_by_name", "lines")

    def __init__(self, raw: Iterable[tuple[bytes, bytes]]) -> None:
        self.lines = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in raw]
        self._by_name: dict[str, str] = {}
        for name, value in self.lines:
            key = name.lower()
            self._by_name[key] = f"{self._by_name[key]}, {value}" if key in self._by_name else value

    def __getitem__(self, name: str) -> str:
        return self._by_name[name.lower()]

    @overload
    def get(self, name: str, /) -> str | None: ...
    @overload
    def get(self, name: str, default: str | T, /) -> str | T: ...
    def get(self, name: str, default: object = None, /) -> object:
        """As a mapping's, which would raise and catch for each header that is not there."""
        return self._by_name.get(name.lower(), default)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower() in self._by_name

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_name)

    def __len__(self) -> int:
        return len(self._by_name)


class Response:
    """A response whose head has arrived."""

    def __init__(self, head: Head, exchange: Exchange) -> None:
        self.status_code = head.status
        self.headers = Headers(head.headers)
        self.http_version = head.version
        """What was spoken: HTTP/1.1, HTTP/2; as the status line has it where there is one."""
        self._exchange = exchange
        self._ended = False

    def aiter_raw(self) -> AsyncIterator[bytes]:
        """The body in parts of up to 64 kB, without its transfer coding, with its content coding. May be left early."""
        return _Parts(self._exchange)

    async def aread(self, max_bytes: int = 1_000_000) -> bytes:
        """The whole raw body. Raises ValueError if it is larger than `max_bytes`."""
        body = bytearray()
        async for part in self.aiter_raw():
            body += part
            if len(body) > max_bytes:
                raise ValueError(f"the response is larger than {max_bytes} octets")
        return bytes(body)


class _Parts(AsyncIterator[bytes]):
    """No generator, so that it can be left without a farewell."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    async def __anext__(self) -> bytes:
        part = await self._exchange.part()
        if not part:
            raise StopAsyncIteration
        # A part may come out of what was read before: without this, a body of one-octet chunks never yields.
        await trio.lowlevel.checkpoint()
        return part


class Http:
    """A client for one pinned address, keeping connections between requests while it is open.

    A kept connection that the server has closed meanwhile is replaced before the request is sent; one that is closed
    while the request is sent fails, and whether it is sent again is the caller's decision. Requests may overlap: each
    has a connection to itself.
    """

    def __init__(
        self, address: Address, routes: Routes, trust: Trust, min_version: str = "1.2", *, http2: bool = False
    ) -> None:
        self._address, self._routes, self._trust = address, routes, trust
        self._min_version, self._http2 = min_version, http2
        self._idle: list[tuple[str, Exchange]] = []
        self._open: set[trio.abc.Stream] = set()
        self._last: Exchange | None = None
        self.stream: trio.abc.Stream | None = None
        """The stream last dialled or taken up again, TLS or not, open or not; None before the connection."""

    @asynccontextmanager
    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str | bytes],
        body: bytes = b"",
        enter: Enter = lambda phase: None,
    ) -> AsyncIterator[Response]:
        """One request; the response's head has arrived, its body is read by `response.aiter_raw()` (not decoded).

        `Host` and `Content-Length` are set unless given; a value in bytes goes as it is. Raises what the layers raise:
        NotAllowed, OSError, HttpError, trio's errors and ssl's as their causes; `parallax.dialling.errors` knows them
        all. The caller owns the timeout.
        `enter` is told each phase as it begins: `connect` and `tls` where there is no kept connection, `send`,
        `first_byte`, `body`.
        """
        target = _target(url)
        lines = _request_lines(target.host, method, headers, body)
        exchange = self._take(target) or await self._dial(target, enter)
        try:
            head = await exchange.ask(Request(method, target.scheme, target.path, lines, body), enter)
            yield Response(head, exchange)
        finally:
            if exchange.idle and len(self._idle) < _MAX_IDLE:
                self._idle.append((target.origin, exchange))
            else:
                self._close(exchange.stream)

    @property
    def peer_ended(self) -> bool:
        """Whether the other side closed the connection last used: tells a cut response from a malformed one."""
        return self._last is not None and self._last.at_end

    def close(self) -> None:
        """Closes every connection, without a farewell."""
        self._idle.clear()
        for stream in list(self._open):
            self._close(stream)

    def _take(self, target: "_Target") -> Exchange | None:
        """A kept connection that is still good; nothing may have come on it meanwhile, nor its end."""
        while self._idle:
            origin, exchange = self._idle.pop()
            if origin == target.origin and not socket_below(exchange.stream).is_readable():
                self._last, self.stream = exchange, exchange.stream
                return exchange
            self._close(exchange.stream)
        return None

    async def _dial(self, target: "_Target", enter: Enter) -> Exchange:
        enter("connect")
        self._last = None
        tcp = await open_tcp(self._address, self._routes)
        stream: trio.abc.Stream = tcp
        self.stream = stream
        self._open.add(stream)
        spoken = None
        try:
            if target.scheme == "https":
                alpn = ALPN_WITH_HTTP2 if self._http2 else ALPN
                enter("tls")
                self._open.remove(stream)
                tls = open_tls(tcp, client_context(self._trust, self._min_version, alpn), target.name)
                self.stream = stream = tls  # so that the certificate can be read even if the handshake fails
                self._open.add(stream)
                await tls.do_handshake()
                spoken = tls.tls.selected_alpn_protocol()
        except BaseException:
            self._close(stream)
            raise
        self._last = _speaker(spoken, stream)
        return self._last

    def _close(self, stream: trio.abc.Stream) -> None:
        self._open.discard(stream)
        close_now(stream)


@asynccontextmanager
async def open_http(
    address: Address, routes: Routes, trust: Trust, min_version: str = "1.2", *, http2: bool = False
) -> AsyncIterator[Http]:
    """A client that dials only this address. Closes its connections at the end, also when cancelled. With `http2` it
    speaks HTTP/2 where the server does (RFC 9113), by ALPN."""
    http = Http(address, routes, trust, min_version, http2=http2)
    try:
        yield http
    finally:
        http.close()


def _speaker(alpn: str | None, stream: trio.abc.Stream) -> Exchange:
    if alpn == "h2":
        from parallax.dialling.http2 import Http2  # late: who never speaks it need not have h2

        return Http2(stream)
    return Http1(stream)


class _Target(msgspec.Struct, frozen=True, gc=False):
    """A URL as a request needs it. `host`: the header's value (RFC 9110 section 7.2); `name`: for SNI."""

    scheme: str
    name: str
    host: str
    path: bytes

    @property
    def origin(self) -> str:
        return f"{self.scheme}://{self.host}"


@lru_cache(1024)
def _target(url: str) -> _Target:
    """Kept: a probe asks the same ones again."""
    parts, endpoint = urlsplit(url), Url(url).endpoint
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    host = f"[{endpoint.host}]" if ":" in endpoint.host else endpoint.host
    if endpoint.port != (443 if parts.scheme == "https" else 80):
        host += f":{endpoint.port}"
    return _Target(parts.scheme, endpoint.host, host, quote(path, safe=_KEPT).encode("ascii"))


def _request_lines(host: str, method: str, given: Mapping[str, str | bytes], body: bytes) -> list[tuple[bytes, bytes]]:
    names = {name.lower() for name in given}
    headers: list[tuple[str, str | bytes]] = [] if "host" in names else [("Host", host)]
    headers += given.items()
    if (body or method in ("POST", "PUT")) and not names & {"content-length", "transfer-encoding"}:
        headers.append(("Content-Length", str(len(body))))
    return [
        (name.encode("ascii", "replace"), value if isinstance(value, bytes) else value.encode())
        for name, value in headers
    ]
