"""HTTP over TCP and TLS, the one importer of anycorn: our accept loop, anycorn's handling of one connection.

anycorn's own loop ends the server when the process runs out of file descriptors, has no bound on connections, and
waits for ever at shutdown for a client that reads nothing (it shields its writes). So the accept loop is here. It
bounds the connections: at the bound the oldest one that has not shown a valid token makes room, so a flood of idle
connections keeps no probe out.

Shutdown is staged, and needs no cancellation of a request in the usual case (which would surface as exception groups
from in between anycorn and Starlette): stop accepting, set `stop` (requests that wait watch it), give the requests
under way a moment, cut the sockets of the rest, and cancel what is left then.
"""

import errno
import logging
import resource
import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import anyio
import anyio.abc
import h11
import trio
from anycorn.config import Config
from anycorn.events import Event, Updated
from anycorn.protocol import ProtocolWrapper
from anycorn.protocol.h11 import H11Protocol
from anycorn.tcp_server import TCPServer
from anycorn.typing import LifespanState
from anycorn.utils import wrap_app
from anycorn.worker_context import WorkerContext
from anyio.streams.tls import TLSAttribute, TLSStream

from collector.bodies import App, sinking
from collector.certificates import Certificate
from collector.clients import hash_of
from parallax.config import Tls
from parallax.log import get_log
from parallax.state import StartError
from parallax.values import Address

MAX_CONNECTIONS = 1000
MAX_HEAD = 16_384
"""Octets of a request's head (RFC 9112 section 2.1)."""
KEEP_ALIVE_S = 75.0
"""How long a connection may be without a request; longer than a long poll's pace, so that probes keep theirs."""
HANDSHAKE_S = 10.0
UNREAD_S = 30
"""How long a peer may leave what was sent to it unread before the kernel gives it up."""
GRACE_S = 0.7
"""How long requests under way may take at shutdown, and how long cut connections may take to unwind."""

_NO_ROOM = {errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS}
_log = get_log(__name__)


class Connection:
    """One connection; `trusted` once a request on it has shown a valid token. `client` is the hash of the certificate
    that the client has shown (collector.clients), None without one."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.trusted = False
        self.client: str | None = None

    def cut(self) -> None:
        """Ends it at once, whatever its tasks wait for."""
        with suppress(OSError):
            self.sock.shutdown(socket.SHUT_RDWR)


class _Http1(H11Protocol):
    """HTTP/1.1 and nothing else. anycorn takes HTTP/2 on a plain connection, by `Upgrade: h2c` or its preface, from
    whoever asks: through a proxy that hands the upgrade on, a stranger would have a tunnel past it, in which requests
    look as if they came from this host."""

    async def _check_protocol(self, event: h11.Request) -> None:
        """The upgrade is left unheeded, as RFC 9110 section 7.8 allows."""


class _Handler(TCPServer):
    """anycorn's handling of one connection, but once the peer has gone, nobody waits for its next request: anycorn
    would keep the socket for the whole of KEEP_ALIVE_S, and a flood would hold descriptors far past the bound."""

    gone = False
    _http: _Http1

    @property  # type: ignore[override]
    def protocol(self) -> _Http1:
        return self._http

    @protocol.setter
    def protocol(self, wrapper: ProtocolWrapper) -> None:
        """What anycorn sets: its choice between two protocols, of which there is one here."""
        self._http = _Http1(
            wrapper.app,
            wrapper.config,
            wrapper.context,
            wrapper.task_group,
            wrapper.state,
            wrapper.client,
            wrapper.server,
            wrapper.send,
            wrapper.tls,
        )

    async def _read_data(self) -> None:
        await super()._read_data()
        self.gone = True
        await self.idle_task.stop()

    async def protocol_send(self, event: Event) -> None:
        if not (self.gone and isinstance(event, Updated)):
            await super().protocol_send(event)


class Listener:
    """A bound and listening socket, with the certificate if there is one."""

    def __init__(self, sock: socket.socket, certificate: Certificate | None) -> None:
        self.sock, self.certificate = sock, certificate

    @property
    def address(self) -> Address:
        host, port = self.sock.getsockname()[:2]
        return Address.of(host, port)

    @property
    def url(self) -> str:
        return f"{'https' if self.certificate else 'http'}://{self.address}"

    def close(self) -> None:
        self.sock.close()


def open_listener(address: Address, tls: Tls | None, client_authority: Path | None = None) -> Listener:
    """Binds and listens; of a CA, clients are asked for a certificate. Raises StartError."""
    certificate = Certificate(tls, client_authority) if tls else None
    sock = socket.socket(socket.AF_INET6 if address.family == 6 else socket.AF_INET, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if address.family == 6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        # Accepted sockets inherit both. Without NODELAY an answer's body waits 40 ms for the ACK of its head.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNREAD_S * 1000)
        sock.bind((address.ip, address.port))
        sock.listen(512)
    except OSError as error:
        sock.close()
        raise cannot_listen(address, error) from None
    return Listener(sock, certificate)


def cannot_listen(address: Address, error: OSError) -> StartError:
    """What is said where an address cannot be had."""
    in_use = error.errno == errno.EADDRINUSE
    why = "something else listens there; stop that, or" if in_use else f"{error.strerror};"
    return StartError(f"cannot listen on {address}: {why} set another `listen`")


async def serve(
    app: App,
    listener: Listener,
    stop: trio.Event,
    *,
    max_connections: int | None = None,
    let_go: Callable[[], None] = lambda: None,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serves until cancelled; ends within 2 x GRACE_S then, the listener closed. Sets `stop` when it begins to end.

    The app finds its connection as `scope["state"]["connection"]`. `let_go` is called at the very end, before requests
    that are still left are cancelled.
    """
    server = _Server(app, listener, max_connections or _default_bound())
    async with trio.open_nursery() as nursery:
        requests = await nursery.start(server.hold)
        if listener.certificate:
            nursery.start_soon(listener.certificate.watch)
        task_status.started()
        try:
            await server.accept(requests)
        finally:
            stop.set()
            listener.close()
            with trio.CancelScope(shield=True):
                await server.end(requests, let_go)


class _Server:
    def __init__(self, app: App, listener: Listener, max_connections: int) -> None:
        self._listener, self._bound = listener, max_connections
        self._sock = trio.socket.from_stdlib_socket(listener.sock)
        self._app: Any = wrap_app(sinking(app), 0, "asgi")  # type: ignore[arg-type]
        self._config = _config()
        self._context = WorkerContext(None)
        self._connections: dict[Connection, None] = {}
        self._released, self._ended = trio.Event(), trio.Event()

    async def hold(self, task_status: trio.TaskStatus[trio.Nursery]) -> None:
        """The nursery that requests live in, out of reach of the cancellation that ends the accept loop."""
        with trio.CancelScope(shield=True):
            async with trio.open_nursery() as requests:
                task_status.started(requests)
                await self._released.wait()
        self._ended.set()

    async def accept(self, requests: trio.Nursery) -> None:
        while True:
            try:
                sock, _ = await self._sock.accept()
            except OSError as error:
                if error.errno in _NO_ROOM:
                    _log.warning("no room for another connection", error=error.strerror)
                    await trio.sleep(0.1)
                continue  # else one that was gone before it was taken
            connection = Connection(socket.socket(fileno=sock.detach()))
            self._make_room()
            self._connections[connection] = None
            requests.start_soon(self._handle, connection)

    async def end(self, requests: trio.Nursery, let_go: Callable[[], None]) -> None:
        await self._context.terminated.set()  # idle connections end now, the others after their answer
        self._released.set()
        with trio.move_on_after(GRACE_S):
            await self._ended.wait()
        for connection in self._connections:
            connection.cut()
        with trio.move_on_after(GRACE_S):
            await self._ended.wait()
        let_go()
        requests.cancel_scope.cancel()

    def _make_room(self) -> None:
        if len(self._connections) >= self._bound:
            oldest = next((c for c in self._connections if not c.trusted), None) or next(iter(self._connections))
            del self._connections[oldest]
            oldest.cut()

    async def _handle(self, connection: Connection) -> None:
        try:
            stream: Any = await anyio.abc.SocketStream.from_socket(connection.sock)
            if self._listener.certificate:
                with trio.fail_after(HANDSHAKE_S):
                    stream = await TLSStream.wrap(
                        stream,
                        server_side=True,
                        ssl_context=self._listener.certificate.context,
                        standard_compatible=False,
                    )
                der = stream.extra(TLSAttribute.peer_certificate_binary, None)  # noqa: S610  no Django
                connection.client = hash_of(der) if der else None
            state = LifespanState({"connection": connection})
            await _Handler(self._app, self._config, self._context, state, stream).run()
        except (OSError, ValueError, trio.TooSlowError, anyio.BrokenResourceError, anyio.EndOfStream):
            pass  # the peer went away, or spoke no TLS
        except Exception:  # the collector's one place: a fault in one connection must not end the others
            _log.exception("a connection ended by a bug")
        finally:
            self._connections.pop(connection, None)
            connection.sock.close()


def _config() -> Config:
    config = Config()
    config.alpn_protocols = ["http/1.1"]
    config.errorlog = logging.getLogger("collector.http")
    config.errorlog.setLevel(logging.WARNING)  # at info, every bit of garbage from anyone writes a line
    config.include_server_header = False
    config.h11_max_incomplete_size = MAX_HEAD
    config.keep_alive_timeout = KEEP_ALIVE_S
    config.keep_alive_max_requests = 2**62  # the default of 1,000 would end a probe's connection in mid-body
    config.max_app_queue_size = 1  # reads of up to 64 kB each that wait for the app, a connection
    return config


def _default_bound() -> int:
    return min(MAX_CONNECTIONS, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 2)
