"""A TCP server that misbehaves on demand, on port 0: over plain HTTP, over TLS, or before either.

What it does is a function of the connection, chosen per test and free to change; it remembers what was asked.
"""

import gzip
import ssl
import struct
import tempfile
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import trio

from parallax.values import Address
from tests.parts.certificates import Leaf

Behaviour = Callable[["Peer"], Awaitable[None]]


class Whole(NamedTuple):
    """A request; names of headers are in small letters."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


class Peer:
    """One accepted connection, after its handshake if the server speaks TLS."""

    def __init__(self, stream: trio.abc.Stream, asked: list[bytes]) -> None:
        self.stream, self._asked = stream, asked

    async def request(self, *, body: int = 0) -> bytes:
        """Reads one request: its head, what came with it, and on until `body` octets of a body are there."""
        data = b""
        while b"\r\n\r\n" not in data or len(data.partition(b"\r\n\r\n")[2]) < body:
            more = await self.stream.receive_some(65536)
            if not more:
                break
            data += bytes(more)
        self._asked.append(data)
        return data

    async def whole(self) -> "Whole | None":
        """One request, read to the end of its body; None where the other side has gone."""
        head = await self.request()
        if not head:
            return None
        first, _, rest = head.partition(b"\r\n")
        lines, _, body = rest.partition(b"\r\n\r\n")
        pairs = (line.partition(":") for line in lines.decode("latin-1").split("\r\n"))
        headers = {name.lower(): value.strip() for name, _, value in pairs}
        while len(body) < int(headers.get("content-length", "0")):
            body += bytes(await self.stream.receive_some(65536))
        method, target = first.decode("latin-1").split(" ")[:2]
        return Whole(method, target, headers, body)

    async def send(self, data: bytes) -> None:
        await self.stream.send_all(data)

    async def until_gone(self) -> None:
        """Reads until the other side closes."""
        while await self.stream.receive_some(65536):
            pass

    def reset(self) -> None:
        """Closes with an RST."""
        inner = self.stream.transport_stream if isinstance(self.stream, trio.SSLStream) else self.stream
        assert isinstance(inner, trio.SocketStream)
        inner.socket.setsockopt(trio.socket.SOL_SOCKET, trio.socket.SO_LINGER, struct.pack("ii", 1, 0))
        inner.socket.close()


class HttpServer:
    """`behaviour` may be changed at any time. `asked`: every request head that came; `accepted` counts connections."""

    def __init__(self, address: Address, behaviour: Behaviour) -> None:
        self.address, self.behaviour = address, behaviour
        self.asked: list[bytes] = []
        self.accepted = 0


@asynccontextmanager
async def http_server(
    behaviour: Behaviour,
    *,
    certificate: Leaf | None = None,
    wants_client_certificate: bool = False,
    alpn: Sequence[str] = (),
) -> AsyncIterator[HttpServer]:
    """Serves on loopback until the end of the block. With a certificate, over TLS."""
    context = _server_context(certificate) if certificate else None
    if context and alpn:
        context.set_alpn_protocols(list(alpn))
    if context and wants_client_certificate:
        context.verify_mode = ssl.CERT_REQUIRED

    async def serve(stream: trio.SocketStream) -> None:
        server.accepted += 1
        peer_stream: trio.abc.Stream = stream
        if context:
            peer_stream = trio.SSLStream(stream, context, server_side=True, https_compatible=True)
        try:
            await server.behaviour(Peer(peer_stream, server.asked))
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            # The client has gone, as it may; or it is refused, and trio leaves the alert unsent.
            if isinstance(peer_stream, trio.SSLStream) and (alert := peer_stream._outgoing.read()):
                await stream.send_all(alert)
                await Peer(stream, []).until_gone()
        finally:
            await trio.aclose_forcefully(peer_stream)

    async with trio.open_nursery() as nursery:
        (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
        server = HttpServer(Address.of("127.0.0.1", listener.socket.getsockname()[1]), behaviour)
        nursery.start_soon(trio.serve_listeners, serve, [listener])
        yield server
        nursery.cancel_scope.cancel()


def _server_context(certificate: Leaf) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.TemporaryDirectory() as folder:
        context.load_cert_chain(*certificate.write(Path(folder), "leaf"))
    return context


# ---- behaviours -----------------------------------------------------------------------------------------------------


def response(
    status: int = 200, body: bytes = b"", *headers: str, length: int | None = None, reason: str = "Word"
) -> bytes:
    """A whole response with a Content-Length, which may lie."""
    lines = [f"HTTP/1.1 {status} {reason}", f"Content-Length: {len(body) if length is None else length}", *headers]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def says(*data: bytes) -> Behaviour:
    """Reads the request, sends these bytes, closes."""

    async def behaviour(peer: Peer) -> None:
        await peer.request()
        for part in data:
            await peer.send(part)

    return behaviour


def says_and_waits(data: bytes) -> Behaviour:
    """Reads the request, sends these bytes, then nothing for as long as the client stays."""

    async def behaviour(peer: Peer) -> None:
        await peer.request()
        await peer.send(data)
        await peer.until_gone()

    return behaviour


def says_and_resets(data: bytes) -> Behaviour:
    """Reads the request, sends these bytes, and resets once the client can have read them."""

    async def behaviour(peer: Peer) -> None:
        await peer.request()
        await peer.send(data)
        peer.reset()

    return behaviour


def blurts(data: bytes) -> Behaviour:
    """Sends these bytes at once, whatever came, and closes when the client does."""

    async def behaviour(peer: Peer) -> None:
        await peer.send(data)
        await peer.until_gone()

    return behaviour


async def silent(peer: Peer) -> None:
    """Reads everything and answers nothing."""
    await peer.until_gone()


async def silent_after_tls(peer: Peer) -> None:
    """Shakes hands, then silence."""
    assert isinstance(peer.stream, trio.SSLStream)
    await peer.stream.do_handshake()
    await peer.until_gone()


async def resets_at_once(peer: Peer) -> None:
    peer.reset()


async def reads_once_then_closes(peer: Peer) -> None:
    """Closes after the first octets, with a FIN, as nothing is left unread."""
    await peer.stream.receive_some(65536)


async def reads_then_closes(peer: Peer) -> None:
    await peer.request()


async def keeps_answering(peer: Peer) -> None:
    """A good server with keep-alive."""
    while await peer.request():
        await peer.send(response(200, b"ok"))


def drips(head: bytes, piece: bytes) -> Behaviour:
    """Sends the head, then a piece whenever the client has had a moment, for ever."""

    async def behaviour(peer: Peer) -> None:
        await peer.request()
        await peer.send(head)
        while True:
            await peer.send(piece)
            await trio.lowlevel.checkpoint()

    return behaviour


def gzipped(body: bytes, *headers: str) -> bytes:
    return response(200, gzip.compress(body, mtime=0), "Content-Encoding: gzip", *headers)


def deflated(body: bytes, *, bare: bool) -> bytes:
    packer = zlib.compressobj(wbits=-15 if bare else 15)
    return response(200, packer.compress(body) + packer.flush(), "Content-Encoding: deflate")
