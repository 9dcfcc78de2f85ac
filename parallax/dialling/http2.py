"""HTTP/2 (RFC 9113) over an open stream, by h2, which keeps the protocol's rules and has no socket. One request at a
time: each stream has the connection to itself, so that nothing of one exchange stands in another's phases.

The other side may send frames without end that are no response (pings, settings, empty data). Each read is small, and
the caller's turn ends after it, so that they cost others little until the caller's deadline.
"""

from collections import deque

import trio
from h2 import events
from h2.config import H2Configuration
from h2.connection import ConnectionState, H2Connection
from h2.errors import ErrorCodes
from h2.exceptions import H2Error
from h2.settings import SettingCodes, Settings

from parallax.dialling.http_exchange import (
    MAX_INTERIM,
    Enter,
    Head,
    HttpError,
    Request,
    Unsendable,
    send_or_broken,
)

MAX_HEAD = 64 * 1024
"""Octets of a response's header list, as RFC 9113 section 6.5.2 counts them."""
_READ_BYTES = 16384
_WINDOW = 1 << 20
"""How far the other side may run ahead of the reader."""
_DROPPED = frozenset((b"host", b"connection", b"transfer-encoding"))
"""Header lines of HTTP/1.1 that have no place here (RFC 9113 section 8.2.2)."""


class Http2:
    """As parallax.dialling.http_exchange.Exchange."""

    def __init__(self, stream: trio.abc.Stream) -> None:
        self.stream = stream
        self.at_end = False
        self._rules = H2Connection(H2Configuration(client_side=True, header_encoding=None))
        self._rules.local_settings = Settings(
            client=True,
            initial_values={
                SettingCodes.ENABLE_PUSH: 0,
                SettingCodes.INITIAL_WINDOW_SIZE: _WINDOW,
                SettingCodes.MAX_HEADER_LIST_SIZE: MAX_HEAD,
            },
        )
        self._begun = self._going_away = False
        self._id = 0
        self._sent = self._ended = True
        self._unread = bytearray()
        self._events: deque[events.Event] = deque()

    @property
    def idle(self) -> bool:
        return self._sent and self._ended and not self._going_away and not self.at_end

    async def ask(self, request: Request, enter: Enter) -> Head:
        enter("send")
        broken = await self._send(request)
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
        while True:
            event = await self._event()
            if isinstance(event, events.DataReceived):
                if event.flow_controlled_length:
                    self._rules.acknowledge_received_data(event.flow_controlled_length, self._id)
                if event.data:
                    return bytes(event.data)
            elif isinstance(event, events.StreamEnded):
                await self._flush()
                return b""

    async def _send(self, request: Request) -> trio.BrokenResourceError | None:
        try:
            if not self._begun:
                self._rules.initiate_connection()
                self._rules.increment_flow_control_window(_WINDOW)
                self._begun = True
            self._id = self._rules.get_next_available_stream_id()
            self._sent = self._ended = False
            self._rules.send_headers(self._id, _lines(request), end_stream=not request.body)
        except H2Error as error:
            raise Unsendable(str(error)) from error
        broken = await self._flush()
        if request.body and broken is None:
            broken = await self._send_body(request.body)
        self._sent = broken is None
        return broken

    async def _send_body(self, body: bytes) -> trio.BrokenResourceError | None:
        """Sends as the other side's windows allow; ends early once the response is there (RFC 9113 section 8.1)."""
        rest = memoryview(body)
        while rest and not any(isinstance(event, events.ResponseReceived) for event in self._events):
            try:
                room = min(self._rules.local_flow_control_window(self._id), self._rules.max_outbound_frame_size)
                if room > 0:
                    self._rules.send_data(self._id, bytes(rest[:room]), end_stream=len(rest) <= room)
                    rest = rest[room:]
            except H2Error as error:
                raise HttpError(str(error)) from error
            if room <= 0:
                await self._receive()
            elif (broken := await self._flush()) is not None:
                return broken
        return None

    async def _read_head(self) -> Head:
        for _ in range(MAX_INTERIM + 1):
            event = await self._event()
            while not isinstance(event, events.ResponseReceived | events.InformationalResponseReceived):
                event = await self._event()
            if isinstance(event, events.ResponseReceived):
                lines = [(bytes(name), bytes(value)) for name, value in event.headers or ()]
                status = next((value for name, value in lines if name == b":status"), b"")
                if not (len(status) == 3 and status.isdigit()):
                    raise HttpError("a response without a status")
                return Head("HTTP/2", int(status), [line for line in lines if not line[0].startswith(b":")])
        raise HttpError(f"more than {MAX_INTERIM} interim responses (1xx)")

    async def _event(self) -> events.Event:
        """The next event of this exchange's stream."""
        while not self._events:
            await self._receive()
        event = self._events.popleft()
        if isinstance(event, events.StreamReset):
            raise HttpError(f"the stream was reset: {_code(event.error_code)}")
        if isinstance(event, events.ConnectionTerminated):
            raise HttpError(f"the connection was ended (GOAWAY): {_code(event.error_code)}")
        if isinstance(event, events.StreamEnded):
            self._ended = True
        return event

    async def _receive(self) -> None:
        await self._flush()
        octets = await self.stream.receive_some(_READ_BYTES)
        if not octets:
            self.at_end = True
            raise HttpError("the connection was closed before the response's end")
        self._unread += octets
        while (frame := self._frame()) is not None:
            try:
                received = self._rules.receive_data(frame)
            except H2Error as error:
                await self._flush()  # why we close: RFC 9113 section 5.4.1
                raise HttpError(str(error) or type(error).__name__) from error
            for event in received:
                self._take(event)

    def _frame(self) -> bytes | None:
        """The next whole frame of what came (RFC 9113 section 4.1). One by one, as h2 takes no more once a frame has
        said that the connection ends, and the response may be right behind it."""
        length = 9 + int.from_bytes(self._unread[:3], "big")
        if length > 9 + self._rules.max_inbound_frame_size:
            raise HttpError(f"a frame of {length - 9} octets")
        if len(self._unread) < max(9, length):
            return None
        frame = bytes(self._unread[:length])
        del self._unread[:length]
        return frame

    def _take(self, event: events.Event) -> None:
        if isinstance(event, events.ConnectionTerminated):
            self._going_away = True
            if event.error_code != ErrorCodes.NO_ERROR or (event.last_stream_id or 0) < self._id:
                self._events.append(event)
            else:  # this exchange is still answered (RFC 9113 section 6.8)
                self._rules.state_machine.state = ConnectionState.CLIENT_OPEN
        elif getattr(event, "stream_id", None) == self._id:
            self._events.append(event)

    async def _flush(self) -> trio.BrokenResourceError | None:
        octets = self._rules.data_to_send()
        return await send_or_broken(self.stream, octets) if octets else None


def _lines(request: Request) -> list[tuple[bytes, bytes]]:
    authority = next((value for name, value in request.headers if name.lower() == b"host"), b"")
    return [
        (b":method", request.method.encode()),
        (b":authority", authority),
        (b":scheme", request.scheme.encode()),
        (b":path", request.target),
        *((name.lower(), value) for name, value in request.headers if name.lower() not in _DROPPED),
    ]


def _code(code: ErrorCodes | int | None) -> str:
    return code.name if isinstance(code, ErrorCodes) else str(code)
