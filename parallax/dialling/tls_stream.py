"""A TLS client's stream over a TCP stream, by `ssl.SSLObject` over memory (RFC 8446, RFC 5246).

trio.SSLStream guards against tasks that share a stream, and sends what a handshake has left as soon as it is over. A
check is one task, and its request follows at once: here the last of the handshake goes out with it, in one segment, and
what the kernel takes or has at once goes straight to and from it. That is a tenth of what a check over TLS costs. What
is waited for is the same, so phases are the same.

As most servers close without close_notify, an end without one reads as an end.
"""

import os
import ssl
from contextlib import suppress

import trio

_READ_BYTES = 16384
"""A TLS record's size at most."""
_WRITE_OCTETS = 262_144
"""So much is encrypted before it is sent."""


class TlsStream(trio.abc.Stream):
    """For one task at a time; sending is a checkpoint only where it must wait. What TLS finds wrong is a
    BrokenResourceError, its cause an ssl.SSLError.

    `transport_stream` is the TCP stream, `tls` the object that says what was agreed on, once hands are `shaken`.
    """

    def __init__(self, transport: trio.SocketStream, context: ssl.SSLContext, server_name: str) -> None:
        self.transport_stream = transport
        self.shaken = False
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=server_name)

    async def do_handshake(self) -> None:
        """Returns once the server's side is verified. What is left of ours goes out with whatever is done next."""
        await trio.lowlevel.checkpoint_if_cancelled()
        while not self.shaken:
            try:
                self.tls.do_handshake()
                self.shaken = True
                return
            except ssl.SSLWantReadError:
                pass  # and fill outside, so that this is no part of why that fails
            except ssl.SSLError as error:
                with suppress(trio.BrokenResourceError):
                    await self._flush()  # the alert that says why (RFC 8446 section 6.2)
                raise trio.BrokenResourceError from error
            await self._fill()

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        rest = memoryview(data)
        while rest:
            try:
                rest = rest[self.tls.write(rest[:_WRITE_OCTETS]) :]
            except ssl.SSLError as error:
                raise trio.BrokenResourceError from error
            await self._flush()

    async def wait_send_all_might_not_block(self) -> None:
        await self.transport_stream.wait_send_all_might_not_block()

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """At most one record. Empty at the end."""
        size = min(max_bytes or _READ_BYTES, _READ_BYTES)
        data = self._read_nowait(size)
        if data is not None:
            await trio.lowlevel.checkpoint()
        while data is None:
            await self._fill()
            data = self._read_nowait(size)
        return data

    async def aclose(self) -> None:
        """Without a close_notify, which a peer that reads no more could hold up for ever."""
        await self.transport_stream.aclose()

    def _read_nowait(self, size: int) -> bytes | None:
        """None where there is nothing yet."""
        try:
            return self.tls.read(size)
        except ssl.SSLWantReadError:
            return None
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            return b""
        except ssl.SSLError as error:
            raise trio.BrokenResourceError from error

    async def _fill(self) -> None:
        """Takes in what comes, once what is to go out has gone. A checkpoint."""
        if self._outgoing.pending:
            await self._flush()
        sock = self.transport_stream.socket
        waited = False
        while True:
            try:
                octets = os.read(sock.fileno(), _READ_BYTES)
                break
            except BlockingIOError:
                pass
            except OSError as error:
                raise trio.BrokenResourceError(f"socket connection broken: {error}") from error
            await trio.lowlevel.wait_readable(sock)
            waited = True
        if octets:
            self._incoming.write(octets)
        else:
            self._incoming.write_eof()
        if not waited:
            await trio.lowlevel.checkpoint()

    async def _flush(self) -> None:
        """No checkpoint where the kernel takes it all at once, as what follows is."""
        sock, rest = self.transport_stream.socket, memoryview(self._outgoing.read())
        while rest:
            try:
                rest = rest[os.write(sock.fileno(), rest) :]
                continue
            except BlockingIOError:
                pass
            except OSError as error:
                raise trio.BrokenResourceError(f"socket connection broken: {error}") from error
            await trio.lowlevel.wait_writable(sock)
