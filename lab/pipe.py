"""The relay to the collector: octets passed on both ways until either side ends."""

import trio

from lab.doors import PIECE
from lab.internet import StreamService, Visit
from parallax.values import Address


def pipe_to(address: Address) -> StreamService:
    """A service that is a connection to this address; where nothing listens there, the client's is closed."""

    async def serve(visit: Visit, stream: trio.abc.Stream) -> None:
        try:
            there = await trio.open_tcp_stream(address.ip, address.port)
        except OSError:
            return
        async with there, trio.open_nursery() as nursery:
            for source, sink in ((stream, there), (there, stream)):
                nursery.start_soon(_copy, source, sink, nursery.cancel_scope)

    return serve


async def _copy(source: trio.abc.Stream, sink: trio.abc.Stream, both: trio.CancelScope) -> None:
    try:
        while piece := await source.receive_some(PIECE):
            await sink.send_all(piece)
    except (trio.BrokenResourceError, trio.ClosedResourceError):
        pass
    both.cancel()
