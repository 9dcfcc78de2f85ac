"""A receiver of webhooks that misbehaves on demand: an HTTP server whose answer to each message is a hook."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import trio

from tests.fakes.http_server import Behaviour, HttpServer, Peer, http_server, response
from tests.parts.certificates import Leaf


class Got(msgspec.Struct, frozen=True):
    """A message as it came: header names in lower case."""

    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def type(self) -> str:
        return str(self.json["type"])


Answering = Callable[[Got], int | Behaviour]
"""A message to a status, or to what is done with the connection now that the message is read."""


class FakeReceiver:
    """`got` is every message that came, taken or not. `answer` may be changed at any time."""

    def __init__(self, answer: Answering) -> None:
        self.answer = answer
        self.got: list[Got] = []
        self.server: HttpServer
        self._came = trio.Event()

    @property
    def port(self) -> int:
        return self.server.address.port

    async def wait_got(self, number: int, within_s: float = 10.0) -> list[Got]:
        """The messages, once there are so many."""
        with trio.fail_after(within_s):
            while len(self.got) < number:
                await self._came.wait()
        return self.got

    async def behave(self, peer: Peer) -> None:
        head = await peer.request()
        if b"\r\n\r\n" not in head:
            return
        lines, _, body = head.partition(b"\r\n\r\n")
        headers = {
            name.strip().lower(): value.strip()
            for name, _, value in (line.partition(":") for line in lines.decode("latin-1").split("\r\n")[1:])
        }
        while len(body) < int(headers["content-length"]):
            body += bytes(await peer.stream.receive_some(65536))
        got = Got(headers, body)
        answer = self.answer(got)
        self.got.append(got)
        came, self._came = self._came, trio.Event()
        came.set()
        if isinstance(answer, int):
            await peer.send(response(answer))
        else:
            await answer(peer)


@asynccontextmanager
async def fake_receiver(
    answer: Answering = lambda got: 204, *, certificate: Leaf | None = None
) -> AsyncIterator[FakeReceiver]:
    """Serves on loopback until the end of the block."""
    receiver = FakeReceiver(answer)
    async with http_server(receiver.behave, certificate=certificate) as receiver.server:
        yield receiver
