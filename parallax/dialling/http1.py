"""HTTP/1.1 (RFC 9112) over an open stream: moves octets between it and the protocol's rules, which have no socket.

A general client's pool, locks and events cost more than half of what a check takes beside its handshake, and a check
has no use for them.
"""

import trio

from parallax.dialling.http1_rules import MAX_HEAD, ResponseReader, written
from parallax.dialling.http_exchange import Enter, Head, HttpError, Request, send_or_broken

__all__ = ["MAX_HEAD", "Http1"]

_READ_BYTES = 65536


class Http1:
    """As parallax.dialling.http_exchange.Exchange."""

    def __init__(self, stream: trio.abc.Stream) -> None:
        self.stream = stream
        self.at_end = False
        self._reader = ResponseReader("GET")
        self._asks_to_close = False

    @property
    def idle(self) -> bool:
        return self._reader.whole and self._reader.keeps and not self._asks_to_close

    async def ask(self, request: Request, enter: Enter) -> Head:
        enter("send")
        self._reader = reader = ResponseReader(request.method)
        octets = written(request)
        self._asks_to_close = any(
            name.lower() == b"connection" and b"close" in value.lower() for name, value in request.headers
        )
        broken = await send_or_broken(self.stream, octets)
        enter("first_byte")
        try:
            while (head := reader.head()) is None:
                await self._read()
        except HttpError:
            if broken is not None and self.at_end:
                raise broken from None
            raise
        enter("body")
        return head

    async def part(self) -> bytes:
        while (part := self._reader.part()) is None:
            await self._read()
        return part

    async def _read(self) -> None:
        octets = await self.stream.receive_some(_READ_BYTES)
        if not octets:
            self.at_end = True
        self._reader.feed(bytes(octets))
