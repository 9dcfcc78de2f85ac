"""A TCP relay between probe and collector, which counts what passes and reads the acknowledgements on their way."""

import re
from collections.abc import Callable

import trio

from parallax.values import Address

_ACK = re.compile(rb'"last_seq":\s*(\d+)')


class Relay:
    """Forwards to `upstream`; a dead upstream closes the connection. `on_passage` is called after each piece."""

    def __init__(self, upstream: Address, on_passage: Callable[[], None]) -> None:
        self._upstream, self._on_passage = upstream, on_passage
        self.acknowledged: list[int] = []
        """`last_seq` of every acknowledgement that the probe's side was sent, in order."""

    async def serve(self, *, task_status: trio.TaskStatus[Address]) -> None:
        [listener] = await trio.open_tcp_listeners(0, host="127.0.0.1")
        address = Address.of(*listener.socket.getsockname())
        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.serve_listeners, self._handle, [listener])
            task_status.started(address)

    async def _handle(self, probe: trio.SocketStream) -> None:
        try:
            collector = await trio.open_tcp_stream(self._upstream.ip, self._upstream.port)
        except OSError:
            return
        async with collector, trio.open_nursery() as nursery:
            nursery.start_soon(self._copy, probe, collector, False, nursery.cancel_scope)
            nursery.start_soon(self._copy, collector, probe, True, nursery.cancel_scope)

    async def _copy(
        self, source: trio.SocketStream, sink: trio.SocketStream, is_answer: bool, both: trio.CancelScope
    ) -> None:
        tail = b""
        try:
            async for piece in source:
                await sink.send_all(piece)
                if is_answer:
                    tail += bytes(piece)
                    *_, end = [0, *(match.end() for match in _ACK.finditer(tail))]
                    self.acknowledged += [int(match[1]) for match in _ACK.finditer(tail)]
                    tail = tail[max(end, len(tail) - 40) :]
                self._on_passage()
        except trio.BrokenResourceError:
            pass
        both.cancel()
