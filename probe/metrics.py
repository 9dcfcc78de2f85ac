"""`GET /metrics` of the probe: how it is right now, in OpenMetrics, on loopback.

One request a connection, few connections, little time for each: Prometheus asks once in a while, and what else comes
must not disturb the checks. There is no authentication: the config takes loopback addresses alone.
"""

import socket
from collections.abc import Callable, Iterable
from functools import partial

import h11
import trio

from parallax.exposition import MEDIA_TYPE, Point, exposition
from parallax.state import StartError
from parallax.values import Address

MOST_AT_ONCE = 8
TIMEOUT_S = 5.0
"""Of one connection, from its first octet to its last."""
MAX_HEAD = 8_192
_BROKEN = (trio.BrokenResourceError, trio.ClosedResourceError, h11.RemoteProtocolError, h11.LocalProtocolError)

Sample = Callable[[], Iterable[Point]]


async def serve_metrics(
    listen: Address, sample: Sample, *, task_status: trio.TaskStatus[Address] = trio.TASK_STATUS_IGNORED
) -> None:
    """Serves until cancelled; started with the address that it listens on. Raises StartError."""
    listener = _open(listen)
    room = trio.CapacityLimiter(MOST_AT_ONCE)
    host, port = listener.socket.getsockname()[:2]
    task_status.started(Address.of(host, port))
    await trio.serve_listeners(partial(_answer, sample, room), [listener])


async def _answer(sample: Sample, room: trio.CapacityLimiter, stream: trio.SocketStream) -> None:
    async with stream:
        if room.available_tokens < 1:
            return
        async with room:
            with trio.move_on_after(TIMEOUT_S):
                try:
                    await _exchange(sample, stream)
                except _BROKEN:
                    return  # whoever asked is gone, or spoke no HTTP


async def _exchange(sample: Sample, stream: trio.SocketStream) -> None:
    http = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_HEAD)
    while (event := http.next_event()) is h11.NEED_DATA:
        http.receive_data(await stream.receive_some(4096))
    if not isinstance(event, h11.Request):
        return
    status, body = 404, b"there is /metrics\n"
    if event.target.partition(b"?")[0] == b"/metrics":
        status, body = (200, exposition(sample()).encode()) if event.method == b"GET" else (405, b"GET alone\n")
    kind = MEDIA_TYPE if status == 200 else "text/plain; charset=utf-8"
    head = h11.Response(
        status_code=status,
        headers=[("Content-Type", kind), ("Content-Length", str(len(body))), ("Connection", "close")],
    )
    sent = [http.send(head), http.send(h11.Data(data=body)), http.send(h11.EndOfMessage())]
    await stream.send_all(b"".join(part or b"" for part in sent))


def _open(listen: Address) -> trio.SocketListener:
    sock = socket.socket(socket.AF_INET6 if listen.family == 6 else socket.AF_INET, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((listen.ip, listen.port))
        sock.listen(MOST_AT_ONCE)
    except OSError as error:
        sock.close()
        raise StartError(f"metrics cannot be served at {listen}: {error.strerror}; set another address") from None
    return trio.SocketListener(trio.socket.from_stdlib_socket(sock))
