"""HTTP over our own dialling, the one importer of httpx2 and httpcore2.

The URL, Host and SNI stay what they are; only the address that is dialled is pinned. Nothing is read from the
environment (proxies, netrc), redirects are not followed, nothing is retried, and bodies come raw.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any

import httpcore2
import httpx2
import trio

from parallax.dialling.route import Routes
from parallax.dialling.sockets import open_tcp
from parallax.dialling.tls import Trust, client_context, open_tls
from parallax.values import Address

Response = httpx2.Response
HttpError = httpx2.HTTPError
Trace = Callable[[str, dict[str, Any]], Awaitable[None]]


class _Stream(httpcore2.AsyncNetworkStream):
    def __init__(self, stream: trio.abc.Stream) -> None:
        self._stream = stream

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return bytes(await self._stream.receive_some(max_bytes))

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        if buffer:
            await self._stream.send_all(buffer)

    async def aclose(self) -> None:
        # A close_notify to a peer that reads no more could wait for ever.
        await trio.aclose_forcefully(self._stream)

    async def start_tls(
        self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None
    ) -> "_Stream":
        tls = open_tls(self._stream, ssl_context, server_hostname or "")
        self._stream = tls  # so that the certificate can be read even if the handshake fails
        await tls.do_handshake()
        return self

    def get_extra_info(self, info: str) -> Any:
        if info == "ssl_object":
            return self._stream if isinstance(self._stream, trio.SSLStream) else None
        if info == "is_readable":  # a kept-alive connection that the peer has closed
            return _readable(self._stream)
        return None


class _Backend(httpcore2.AsyncNetworkBackend):
    """Dials the pinned address whatever the URL's host; remembers the stream for whoever measures."""

    def __init__(self, address: Address, routes: Routes) -> None:
        self._address, self._routes = address, routes
        self.stream: _Stream | None = None

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> _Stream:
        self.stream = _Stream(await open_tcp(self._address, self._routes))
        return self.stream

    async def sleep(self, seconds: float) -> None:
        await trio.sleep(seconds)


class _Transport(httpx2.AsyncBaseTransport):
    def __init__(self, backend: _Backend, trust: Trust, min_version: str) -> None:
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=client_context(trust, min_version, ("http/1.1",)), network_backend=backend, retries=0
        )

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        answer = await self._pool.handle_async_request(
            httpcore2.Request(
                method=request.method,
                url=httpcore2.URL(
                    scheme=request.url.raw_scheme,
                    host=request.url.raw_host,
                    port=request.url.port,
                    target=request.url.raw_path,
                ),
                headers=request.headers.raw,
                content=request.stream,
                extensions=request.extensions,
            )
        )
        return httpx2.Response(
            answer.status, headers=answer.headers, stream=_Body(answer), extensions=answer.extensions
        )

    async def aclose(self) -> None:
        await self._pool.aclose()


class _Body(httpx2.AsyncByteStream):
    def __init__(self, answer: httpcore2.Response) -> None:
        self._answer = answer

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self._answer.aiter_stream():
            yield part

    async def aclose(self) -> None:
        await self._answer.aclose()


class Http:
    """A client for one origin at one pinned address, keeping its connection between requests while it is open."""

    def __init__(self, client: httpx2.AsyncClient, backend: _Backend) -> None:
        self._client, self._backend = client, backend

    @asynccontextmanager
    async def request(
        self, method: str, url: str, *, headers: dict[str, str], body: bytes = b"", trace: Trace | None = None
    ) -> AsyncIterator[Response]:
        """One request; the response's head has arrived, its body is read by `response.aiter_raw()` (not decoded).

        Raises what the layers raise: NotAllowed, OSError, trio and ssl errors as causes, httpcore2's protocol errors.
        The caller owns the timeout. `trace` gets httpcore's events (`connection.connect_tcp.started`, ...).
        """
        extensions = {"trace": trace} if trace else {}
        request = self._client.build_request(method, url, headers=headers, content=body, extensions=extensions)
        response = await self._client.send(request, stream=True)
        try:
            yield response
        finally:
            await response.aclose()

    @property
    def stream(self) -> "trio.abc.Stream | None":
        """The stream last dialled, TLS or not; None before the connection."""
        return self._backend.stream._stream if self._backend.stream else None  # noqa: SLF001


@asynccontextmanager
async def open_http(address: Address, routes: Routes, trust: Trust, min_version: str = "1.2") -> AsyncIterator[Http]:
    """A client that dials only this address. Closes its connections at the end."""
    backend = _Backend(address, routes)
    async with httpx2.AsyncClient(
        transport=_Transport(backend, trust, min_version), trust_env=False, follow_redirects=False, timeout=None
    ) as client:
        yield Http(client, backend)


def _readable(stream: trio.abc.Stream) -> bool:
    inner: Any = stream.transport_stream if isinstance(stream, trio.SSLStream) else stream
    return bool(inner.socket.is_readable())
