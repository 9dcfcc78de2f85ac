"""The relays: a listener on 127.0.0.1 through which one probe reaches one port of one host of the virtual internet.

Each probe has its own, so that distance, catchment and darkness are the pair's own. What comes is held for the one-way
delay, then the host's service gets it; the answer is held likewise.

**How a connection takes its time.** The kernel finishes a handshake on loopback at once, so a probe measures a connect
of no time; the round trip that it should have taken is added to the first octets instead, and the whole is right. A
piece is held before the next one is read, so throughput is one piece (64 kB) a one-way delay: enough for what passes.

**How an address is dead.** It must look as one does from afar: no answer at all, not a refusal. A socket with
`listen(fd, 0)` and one connection of ours waiting in its queue makes Linux drop further SYNs (accept queue full), so a
client's connect hangs in SYN_SENT and retransmits; `listen(fd, 128)` and accepting revive it. Connections that are
established go silent, and go on when the address lives again. Datagrams are dropped.
"""

import errno
import socket
from collections.abc import Callable
from contextlib import suppress

import trio
from trio import socket as tsocket

from lab.internet import DatagramService, Delaying, StreamService, Visit
from parallax.values import Address

BACKLOG = 128
MOST_CONNECTIONS = 64
MOST_DATAGRAMS = 64
"""At once, of one door: what is beyond is dropped. A probe's own load stays far below."""
PIECE = 65536
_LARGEST_DATAGRAM = 65535
_ACCEPT_AGAIN_S = 0.1


class Gate:
    """Whether packets pass."""

    def __init__(self) -> None:
        self._opened = trio.Event()
        self._opened.set()

    @property
    def is_open(self) -> bool:
        return self._opened.is_set()

    def open(self) -> None:
        self._opened.set()

    def close(self) -> None:
        if self.is_open:
            self._opened = trio.Event()

    async def wait_open(self) -> None:
        await self._opened.wait()


class DatagramDoor:
    """A UDP port. `lost` counts what was dropped at the bound."""

    def __init__(self, way: Delaying, visit: Visit, service: DatagramService) -> None:
        self._way, self._visit, self._service = way, visit, service
        self._gate, self._under_way, self.lost = Gate(), 0, 0
        self._socket = _bound(socket.SOCK_DGRAM)
        self.address = Address.of(*self._socket.getsockname())

    def set_open(self, is_open: bool) -> None:
        if is_open:
            self._gate.open()
        else:
            self._gate.close()

    def close(self) -> None:
        self._socket.close()

    async def run(self) -> None:
        """Serves until cancelled."""
        sock = tsocket.from_stdlib_socket(self._socket)
        async with trio.open_nursery() as nursery:
            while True:
                try:
                    wire, peer = await sock.recvfrom(_LARGEST_DATAGRAM)
                except OSError:  # what the kernel remembers of an answer that nobody took
                    continue
                if not self._gate.is_open:
                    continue
                if self._under_way >= MOST_DATAGRAMS:
                    self.lost += 1
                    continue
                self._under_way += 1
                nursery.start_soon(self._answer, sock, wire, peer)

    async def _answer(self, sock: tsocket.SocketType, wire: bytes, peer: tuple[str, int]) -> None:
        try:
            await trio.sleep(self._way.delay_s())
            if not self._gate.is_open:
                return
            answer = await self._service(self._visit, wire)
            if answer is None:
                return
            await trio.sleep(self._way.delay_s())
            if self._gate.is_open:
                with suppress(OSError):
                    await sock.sendto(answer, peer)
        finally:
            self._under_way -= 1


class StreamDoor:
    """A TCP port. `lost` counts connections that were closed at the bound."""

    def __init__(self, way: Delaying, visit: Visit, service: StreamService) -> None:
        self._way, self._visit, self._service = way, visit, service
        self._gate, self._connections, self.lost = Gate(), 0, 0
        self._filler: socket.socket | None = None
        self._listener = _bound(socket.SOCK_STREAM)
        self._listener.listen(BACKLOG)
        self.address = Address.of(*self._listener.getsockname())

    def set_open(self, is_open: bool) -> None:
        if is_open == self._gate.is_open:
            return
        if is_open:
            self._drop_filler()
            self._listener.listen(BACKLOG)
            self._gate.open()
        else:
            self._gate.close()  # first: from here on nothing is accepted
            self._listener.listen(0)
            self._filler = socket.socket()
            self._filler.setblocking(False)
            self._filler.connect_ex((self.address.ip, self.address.port))

    def close(self) -> None:
        self._drop_filler()
        self._listener.close()

    async def run(self) -> None:
        """Serves until cancelled."""
        async with trio.open_nursery() as nursery:
            while True:
                await self._gate.wait_open()
                await trio.lowlevel.wait_readable(self._listener)
                if not self._gate.is_open:
                    continue  # what is in the queue is to stay there
                try:
                    connection, _ = self._listener.accept()
                except OSError as error:
                    if error.errno in _NO_ROOM:
                        await trio.sleep(_ACCEPT_AGAIN_S)
                    continue
                if self._connections >= MOST_CONNECTIONS:
                    self.lost += 1
                    connection.close()
                    continue
                self._connections += 1
                connection.setblocking(False)
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                nursery.start_soon(self._serve, tsocket.from_stdlib_socket(connection))

    async def _serve(self, connection: tsocket.SocketType) -> None:
        stream = DelayedStream(trio.SocketStream(connection), self._way.delay_s, self._gate)
        try:
            await self._service(self._visit, stream)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass  # clients go when they like
        finally:
            connection.close()
            self._connections -= 1

    def _drop_filler(self) -> None:
        if self._filler is not None:
            self._filler.close()
            self._filler = None


class DelayedStream(trio.abc.Stream):
    """A TCP connection over the virtual internet."""

    def __init__(self, below: trio.SocketStream, delay_s: Callable[[], float], gate: Gate) -> None:
        self._below, self._delay_s, self._gate = below, delay_s, gate
        self._owed_s = delay_s() + delay_s()
        """The handshake's round trip, which the kernel did not take."""

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        piece = await self._below.receive_some(min(max_bytes or PIECE, PIECE))
        owed_s, self._owed_s = self._owed_s, 0.0
        await trio.sleep(owed_s + self._delay_s())
        await self._gate.wait_open()
        return bytes(piece)

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        await trio.sleep(self._delay_s())
        await self._gate.wait_open()
        await self._below.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        await self._below.wait_send_all_might_not_block()

    async def send_eof(self) -> None:
        await trio.sleep(self._delay_s())
        await self._gate.wait_open()
        await self._below.send_eof()

    async def aclose(self) -> None:
        await self._below.aclose()


_NO_ROOM = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


def _bound(kind: socket.SocketKind) -> socket.socket:
    sock = socket.socket(socket.AF_INET, kind)
    try:
        sock.setblocking(False)
        sock.bind(("127.0.0.1", 0))
    except OSError:
        sock.close()
        raise
    return sock
