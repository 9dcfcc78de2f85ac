"""A TLS client's stream over a TCP stream, by `ssl.SSLObject` over memory (RFC 8446, RFC 5246).

trio.SSLStream guards against tasks that share a stream, and sends what a handshake has left as soon as it is over. A
check is one task, and its request follows at once: here the last of the handshake goes out with it, in one segment.
That and the guards are a tenth of what a check over TLS costs. What is waited for is the same, so phases are the same.

As most servers close without close_notify, an end without one reads as an end.
"""

import ssl
from contextlib import suppress

import trio

_READ_BYTES = 16384
"""A TLS record's size at most."""


class TlsStream(trio.abc.Stream):
    """For one task at a time. What TLS finds wrong is a BrokenResourceError, its cause an ssl.SSLError.

    `transport_stream` is the TCP stream, `tls` the object that says what was agreed on, once
    hands are `shaken`.
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
        if data:
            try:
                self.tls.write(data)
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
        """Takes in what comes, once what is to go out has gone."""
        if self._outgoing.pending:
            await self._flush()
        octets = await self.transport_stream.receive_some(_READ_BYTES)
        if octets:
            self._incoming.write(octets)
        else:
            self._incoming.write_eof()

    async def _flush(self) -> None:
        await self.transport_stream.send_all(self._outgoing.read())
