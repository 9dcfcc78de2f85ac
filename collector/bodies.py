"""Request bodies, bounded: how large one may be, how long it may take, and how much all of them may hold at once."""

from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any

import trio

from collector.answers import Refusal
from parallax.wire import MAX_COMPRESSED

BODY_S = 20.0
"""How long a body may take to arrive."""
DRAIN_S = 5.0

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]


class Room:
    """How many octets of bodies may be under way at once, in all and by one sender, and its requests."""

    def __init__(self, octets: int = 64_000_000, per_sender: int = 4) -> None:
        self._free = octets
        self._per_sender = per_sender
        self._requests: dict[str, int] = {}
        self.refused = {"busy": 0, "too_many": 0}

    @property
    def free(self) -> int:
        return self._free

    @property
    def under_way(self) -> int:
        """Requests that hold room now."""
        return sum(self._requests.values())

    @contextmanager
    def hold(self, sender: str, octets: int) -> Iterator[Refusal | None]:
        """Takes room for a body while the block runs; gives the refusal where there is none."""
        if self._requests.get(sender, 0) >= self._per_sender:
            self.refused["too_many"] += 1
            yield Refusal("too_many")
        elif octets > self._free:
            self.refused["busy"] += 1
            yield Refusal("busy")
        else:
            self._free -= octets
            self._requests[sender] = self._requests.get(sender, 0) + 1
            try:
                yield None
            finally:
                self._free += octets
                self._requests[sender] -= 1
                if not self._requests[sender]:
                    del self._requests[sender]


def announced(content_length: str | None) -> int | Refusal:
    """The octets that a body will take at most: as announced, else the most that is allowed."""
    if content_length is None:
        return MAX_COMPRESSED
    octets = int(content_length[:20])  # the HTTP parser has seen that these are digits
    return octets if octets <= MAX_COMPRESSED else Refusal("too_large")


async def read_body(
    receive: Receive, *, most: int = MAX_COMPRESSED, within_s: float = BODY_S
) -> bytes | Refusal | None:
    """The whole body; a refusal where it is too large or too slow; None where the client went away in the middle."""
    parts = bytearray()
    with trio.move_on_after(within_s):
        while True:
            message = await receive()
            if message["type"] != "http.request":
                return None
            parts += message.get("body", b"")
            if len(parts) > most:
                return Refusal("too_large")
            if not message.get("more_body", False):
                return bytes(parts)
    return Refusal("too_slow")


async def drain(receive: Receive) -> None:
    """Reads a refused body and throws it away, within bounds: a client that is still sending when the connection
    closes may never see the answer."""
    octets = 0
    with trio.move_on_after(DRAIN_S):
        while octets <= 2 * MAX_COMPRESSED:
            message = await receive()
            if message["type"] != "http.request" or not message.get("more_body", False):
                return
            octets += len(message.get("body", b""))


def sinking(app: App) -> App:
    """The ASGI app, with what it leaves unread of a body thrown away while its answer ends.

    The server hands body and disconnection to the app through one small queue. At the end of an answer it puts the
    disconnection there, and waits for room: where the app left body parts in the queue, that is for ever.
    """

    async def wrapped(scope: Message, receive: Receive, send: Send) -> None:
        read = False

        async def receive_noting() -> Message:
            nonlocal read
            message = await receive()
            read = message["type"] != "http.request" or not message.get("more_body", False)
            return message

        async def send_sinking(message: Message) -> None:
            if read or message["type"] != "http.response.body" or message.get("more_body", False):
                await send(message)
                return
            async with trio.open_nursery() as nursery:
                nursery.start_soon(_sink, receive)
                await send(message)
                nursery.cancel_scope.cancel()

        await app(scope, receive_noting, send_sinking)

    return wrapped


async def _sink(receive: Receive) -> None:
    while (await receive())["type"] == "http.request":
        pass
