"""HTTP/1.1 (RFC 9112) over an open stream, by h11, which keeps the protocol's rules and has no socket.

What is here is the little that moves octets between the two. A general client's pool, locks and events cost more than
half of what a check takes beside its handshake, and a check has no use for them.
"""

import h11
import trio

from parallax.dialling.http_exchange import (
    MAX_INTERIM,
    Enter,
    Head,
    HttpError,
    Request,
    Unsendable,
    send_or_broken,
)

MAX_HEAD = 100 * 1024
"""Octets of a response's head."""
_READ_BYTES = 65536


class Http1:
    """As parallax.dialling.http_exchange.Exchange."""

    def __init__(self, stream: trio.abc.Stream) -> None:
        self.stream = stream
        self.at_end = False
        self._rules = h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_HEAD)

    @property
    def idle(self) -> bool:
        """Octets that nobody asked for end it: they would be read as the next answer (RFC 9112 section 9.2)."""
        rules = self._rules
        return rules.our_state is h11.DONE and rules.their_state is h11.DONE and not rules.trailing_data[0]

    async def ask(self, request: Request, enter: Enter) -> Head:
        enter("send")
        if self.idle:
            self._rules.start_next_cycle()
        broken = await send_or_broken(self.stream, self._written(request))
        enter("first_byte")
        try:
            head = await self._read_head()
        except HttpError:
            if broken is not None and self.at_end:
                raise broken from None
            raise
        enter("body")
        return head

    async def part(self) -> bytes:
        event = await self._event()
        return bytes(event.data) if isinstance(event, h11.Data) else b""

    def _written(self, request: Request) -> bytes:
        """The whole request: one write, one segment where it fits."""
        rules = self._rules
        try:
            octets = rules.send(h11.Request(method=request.method, target=request.target, headers=request.headers))
            if request.body:
                octets = (octets or b"") + (rules.send(h11.Data(data=request.body)) or b"")
            return (octets or b"") + (rules.send(h11.EndOfMessage()) or b"")
        except h11.LocalProtocolError as error:
            raise Unsendable(str(error)) from error

    async def _read_head(self) -> Head:
        for _ in range(MAX_INTERIM + 1):
            event = await self._event()
            if isinstance(event, h11.Response):
                version = f"HTTP/{event.http_version.decode('ascii')}"
                return Head(version, event.status_code, event.headers.raw_items())
        raise HttpError(f"more than {MAX_INTERIM} interim responses (1xx)")

    async def _event(self) -> object:
        while True:
            try:
                event = self._rules.next_event()
            except h11.RemoteProtocolError as error:
                raise HttpError(str(error)) from error
            if event is not h11.NEED_DATA:
                return event
            octets = await self.stream.receive_some(_READ_BYTES)
            if not octets:
                self.at_end = True
            self._rules.receive_data(bytes(octets))
