"""A collector over real sockets that does as a test says: HTTP/1.1 kept alive, on a port of its own.

`answer` may be replaced by a hook; by default batches are taken and remembered, and the plan is `part`.
"""

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import msgspec
import trio

from parallax import wire


class Request(msgspec.Struct):
    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    connection: int


class Reply(msgspec.Struct):
    status: int
    body: bytes = b""
    headers: dict[str, str] = {}


class HttpCollector:
    def __init__(self) -> None:
        self.port = 0
        self.part = b""
        self.etag = ""
        self.answer: Callable[[Request], Awaitable[Reply]] = self.usual
        self.answer_asks: Callable[[Request], Awaitable[Reply]] = self.no_asks
        self.requests: list[Request] = []
        self.batches: list[wire.Batch] = []
        self.connections = 0
        self.came = trio.Event()
        self._part_changed = trio.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def seqs(self) -> list[tuple[str, int]]:
        return [(o.stream, o.seq) for batch in self.batches for o in batch.observations]

    def give_part(self, part: bytes, etag: str) -> None:
        self.part, self.etag = part, etag
        self._part_changed.set()
        self._part_changed = trio.Event()

    async def usual(self, request: Request) -> Reply:
        if request.path.startswith("/v1/plan"):
            if request.headers.get("if-none-match") == f'"{self.etag}"' or not self.part:
                with trio.move_on_after(5):
                    await self._part_changed.wait()
                if request.headers.get("if-none-match") == f'"{self.etag}"' or not self.part:
                    return Reply(304)
            return Reply(200, self.part, {"ETag": f'"{self.etag}"'})
        return self.take(request)

    async def no_asks(self, request: Request) -> Reply:
        """As a collector from before there were asks."""
        await trio.lowlevel.checkpoint()
        return Reply(404, b'{"error": "not_found"}')

    def take(self, request: Request) -> Reply:
        received = time.time_ns()
        batch = wire.decode(request.body)
        self.batches.append(batch)
        came, self.came = self.came, trio.Event()
        came.set()
        ack = wire.Ack(last_seq=batch.last_seq, received_at=received, answered_at=time.time_ns(), peer="127.0.0.1")
        return Reply(200, msgspec.json.encode(ack))

    async def wait_for(self, done: Callable[[], bool], at_most_s: float = 20) -> None:
        """Returns once a condition on what came holds; looked at after every batch."""
        with trio.fail_after(at_most_s):
            while not done():
                await self.came.wait()

    async def _serve(self, stream: trio.SocketStream) -> None:
        self.connections += 1
        number, buffer = self.connections, b""
        async with stream:
            try:
                while True:
                    while b"\r\n\r\n" not in buffer:
                        part = await stream.receive_some(65536)
                        if not part:
                            return
                        buffer += part
                    head, _, buffer = buffer.partition(b"\r\n\r\n")
                    first, *lines = head.decode("latin-1").split("\r\n")
                    headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in lines)}
                    length = int(headers.get("content-length", "0"))
                    while len(buffer) < length:
                        part = await stream.receive_some(65536)
                        if not part:
                            return
                        buffer += part
                    body, buffer = buffer[:length], buffer[length:]
                    method, path, _ = first.split(" ")
                    request = Request(method, path, headers, body, number)
                    if path.startswith("/v1/asks"):
                        reply = await self.answer_asks(request)
                    else:
                        self.requests.append(request)
                        reply = await self.answer(request)
                    extra = "".join(f"{k}: {v}\r\n" for k, v in reply.headers.items())
                    head = f"HTTP/1.1 {reply.status} X\r\nContent-Length: {len(reply.body)}\r\n{extra}\r\n".encode()
                    await stream.send_all(head + reply.body)
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                return


@asynccontextmanager
async def http_collector(port: int = 0) -> AsyncIterator[HttpCollector]:
    collector = HttpCollector()
    async with trio.open_nursery() as nursery:

        async def serve(stream: trio.SocketStream) -> None:
            await collector._serve(stream)

        listeners = await trio.open_tcp_listeners(port, host="127.0.0.1")
        collector.port = listeners[0].socket.getsockname()[1]
        nursery.start_soon(trio.serve_listeners, serve, listeners)
        yield collector
        nursery.cancel_scope.cancel()
