"""HTTP/1.1, and HTTP/2 where asked for, over our own dialling: the one importer of httpcore2 (the wire half of httpx2).

The URL, Host and SNI stay what they are; only the address that is dialled is pinned. Nothing is read from the
environment (proxies, netrc), cookies are not kept, redirects are not followed, nothing is retried, and bodies come raw.

Two details of httpcore2 shape this module. It suppresses only its own WriteError while it sends, so that a server's
early answer (413 and a close) is still read: the stream here raises that one. And it closes nothing when a handshake
fails, so the backend here closes what it has dialled.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager
from functools import lru_cache
from typing import Any
from urllib.parse import quote, urlsplit

import httpcore2
import trio

from parallax.dialling.route import Routes
from parallax.dialling.sockets import close_now, open_tcp, socket_below
from parallax.dialling.tls import Trust, client_context, open_tls
from parallax.values import Address, Url

Trace = Callable[[str, dict[str, Any]], Awaitable[None]]
HttpError = httpcore2.ProtocolError
"""The other side does not speak HTTP as it should, or was asked to send what is no HTTP."""
ALPN = ("http/1.1",)
"""What is offered (RFC 7301): the one version that is spoken unless the caller wants HTTP/2 too."""
ALPN_WITH_HTTP2 = ("h2", "http/1.1")
_MAX_IDLE = 4
_READ_BYTES = 65536
_KEPT = "/?:@!$&'()*+,;=-._~%[]"
"""What stays as it is in a request target; all else is percent-encoded (RFC 3986 section 3.3, and % itself)."""


class _Stream(httpcore2.AsyncNetworkStream):
    def __init__(self, stream: trio.abc.Stream, forget: Callable[["_Stream"], None]) -> None:
        self.stream, self._forget = stream, forget
        self.at_end = False

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        data = bytes(await self.stream.receive_some(min(max_bytes, _READ_BYTES)))
        self.at_end = not data
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        if buffer:
            try:
                await self.stream.send_all(buffer)
            except trio.BrokenResourceError as error:
                raise httpcore2.WriteError(str(error)) from error

    async def aclose(self) -> None:
        self._forget(self)
        close_now(self.stream)

    async def start_tls(
        self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None
    ) -> "_Stream":
        tls = open_tls(self.stream, ssl_context, server_hostname or "")
        self.stream = tls  # so that the certificate can be read even if the handshake fails
        await tls.do_handshake()
        return self

    def get_extra_info(self, info: str) -> Any:
        if info == "is_readable":  # a kept-alive connection that the peer has closed
            return socket_below(self.stream).is_readable()
        if info == "ssl_object" and isinstance(self.stream, trio.SSLStream):  # asked for the version that was agreed on
            return self.stream
        return None


class _Backend(httpcore2.AsyncNetworkBackend):
    """Dials the pinned address whatever the URL's host; remembers streams for whoever measures, and to close them."""

    def __init__(self, address: Address, routes: Routes) -> None:
        self._address, self._routes = address, routes
        self.last: _Stream | None = None
        self.open: set[_Stream] = set()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> _Stream:
        self.last = _Stream(await open_tcp(self._address, self._routes), self.open.discard)
        self.open.add(self.last)
        return self.last

    async def sleep(self, seconds: float) -> None:
        await trio.sleep(seconds)


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

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_name)

    def __len__(self) -> int:
        return len(self._by_name)


class Response:
    """A response whose head has arrived."""

    def __init__(self, answer: httpcore2.Response) -> None:
        self.status_code: int = answer.status
        self.headers = Headers(answer.headers)
        self._answer = answer
        self._parts = answer.aiter_stream()

    @property
    def http_version(self) -> str:
        """As the status line has it: HTTP/1.1."""
        return str(self._answer.extensions["http_version"], "ascii", "replace")

    def aiter_raw(self) -> AsyncIterator[bytes]:
        """The body in parts of up to 64 kB, without its transfer coding, with its content coding. May be left early."""
        return _Parts(self._parts)

    async def aread(self, max_bytes: int = 1_000_000) -> bytes:
        """The whole raw body. Raises ValueError if it is larger than `max_bytes`."""
        body = bytearray()
        async for part in self.aiter_raw():
            body += part
            if len(body) > max_bytes:
                raise ValueError(f"the response is larger than {max_bytes} octets")
        return bytes(body)

    async def aclose(self) -> None:
        """Ends the connection too, unless the whole response was read."""
        if isinstance(self._parts, AsyncGenerator):
            await self._parts.aclose()
        await self._answer.aclose()


class _Parts(AsyncIterator[bytes]):
    """No generator, so that it can be left without a farewell: the response closes what is below."""

    def __init__(self, parts: AsyncIterator[bytes]) -> None:
        self._parts = parts

    async def __anext__(self) -> bytes:
        part = await anext(self._parts)
        # A part may come out of what was read before: without this, a body of one-octet chunks never yields.
        await trio.lowlevel.checkpoint()
        return part


class Http:
    """A client for one pinned address, keeping connections between requests while it is open.

    A kept connection that the server has closed meanwhile is replaced before the request is sent; one that is closed
    while the request is sent fails, and whether it is sent again is the caller's decision. Requests may overlap: each
    has a connection to itself.
    """

    def __init__(self, backend: _Backend, trust: Trust, min_version: str, *, http2: bool) -> None:
        self._backend, self._trust, self._min_version, self._http2 = backend, trust, min_version, http2
        self._idle: list[httpcore2.AsyncHTTPConnection] = []

    @asynccontextmanager
    async def request(
        self, method: str, url: str, *, headers: Mapping[str, str], body: bytes = b"", trace: Trace | None = None
    ) -> AsyncIterator[Response]:
        """One request; the response's head has arrived, its body is read by `response.aiter_raw()` (not decoded).

        `Host` and `Content-Length` are set unless given. Raises what the layers raise: NotAllowed, OSError, trio and
        ssl errors as causes, httpcore2's errors; `parallax.dialling.errors` knows them all. The caller owns the
        timeout. `trace` gets httpcore2's events (`connection.connect_tcp.started`, ...).
        """
        target, host = _target(url)
        connection = await self._take(target)
        answer = await connection.handle_async_request(
            httpcore2.Request(
                method=method,
                url=target,
                headers=_request_headers(host, method, headers, body),
                content=body,
                extensions={"trace": trace} if trace else {},
            )
        )
        response = Response(answer)
        try:
            yield response
        finally:
            await response.aclose()
            if connection.is_available() and len(self._idle) < _MAX_IDLE:
                self._idle.append(connection)
            else:
                await connection.aclose()

    @property
    def stream(self) -> "trio.abc.Stream | None":
        """The stream last dialled, TLS or not, open or not; None before the connection."""
        return self._backend.last.stream if self._backend.last else None

    @property
    def peer_ended(self) -> bool:
        """Whether the other side closed the connection last dialled: tells a cut response from a malformed one."""
        return self._backend.last is not None and self._backend.last.at_end

    async def aclose(self) -> None:
        """Closes every connection, without a farewell."""
        self._idle.clear()
        for stream in list(self._backend.open):
            await stream.aclose()

    async def _take(self, target: httpcore2.URL) -> httpcore2.AsyncHTTPConnection:
        """A kept connection that is still good, or a new one, not yet dialled."""
        while self._idle:
            kept = self._idle.pop()
            if kept.can_handle_request(target.origin) and not kept.has_expired():
                return kept
            await kept.aclose()
        https, alpn = target.scheme == b"https", ALPN_WITH_HTTP2 if self._http2 else ALPN
        return httpcore2.AsyncHTTPConnection(
            target.origin,
            ssl_context=client_context(self._trust, self._min_version, alpn) if https else None,
            http2=self._http2 and https,
            network_backend=self._backend,
        )


@asynccontextmanager
async def open_http(
    address: Address, routes: Routes, trust: Trust, min_version: str = "1.2", *, http2: bool = False
) -> AsyncIterator[Http]:
    """A client that dials only this address. Closes its connections at the end, also when cancelled. With `http2` it
    speaks HTTP/2 where the server does (RFC 9113), by ALPN."""
    http = Http(_Backend(address, routes), trust, min_version, http2=http2)
    try:
        yield http
    finally:
        await http.aclose()


@lru_cache(1024)
def _target(url: str) -> tuple[httpcore2.URL, str]:
    """A URL as httpcore2 wants it, and its Host (RFC 9110 section 7.2). Kept: a probe asks the same ones again."""
    parts, endpoint = urlsplit(url), Url(url).endpoint
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    host = f"[{endpoint.host}]" if ":" in endpoint.host else endpoint.host
    if endpoint.port != (443 if parts.scheme == "https" else 80):
        host += f":{endpoint.port}"
    whole = httpcore2.URL(scheme=parts.scheme, host=endpoint.host, port=endpoint.port, target=quote(target, safe=_KEPT))
    return whole, host


def _request_headers(host: str, method: str, given: Mapping[str, str], body: bytes) -> list[tuple[bytes, bytes]]:
    names = {name.lower() for name in given}
    headers = [] if "host" in names else [("Host", host)]
    headers += given.items()
    if (body or method in ("POST", "PUT")) and not names & {"content-length", "transfer-encoding"}:
        headers.append(("Content-Length", str(len(body))))
    return [(name.encode("ascii", "replace"), value.encode()) for name, value in headers]
