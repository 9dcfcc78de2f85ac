"""A collector on a port of its own, around a journal in memory, and a plain client for it."""

import json
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import h11
import trio

from collector.clients import make_authority
from collector.history import open_history
from collector.main import Running, Stores, run
from collector.serve import open_listener
from collector.tokens import add_token
from parallax import wire
from parallax.config import CollectorConfig
from parallax.observation import Observation
from parallax.values import Address
from tests.fakes.inputs import MemoryInputs

STREAM = "00000000000000aa"
PLAN = """
[[check]]
name = "front door"
kind = "tls"
targets = ["192.0.2.1:443"]
"""


def observation(seq: int, *, probe: str = "fra1", stream: str = STREAM, at: int = 0, **more: Any) -> Observation:
    return Observation(
        probe=probe,
        stream=stream,
        seq=seq,
        run=f"{seq:016x}",
        check="front door",
        kind="tls",
        target="192.0.2.1:443",
        subject="192.0.2.1:443",
        dims={},
        scheduled_at=at,
        started_at=at,
        duration_ns=1,
        phases=[],
        **more,
    )


def batch(
    first: int = 1,
    count: int = 1,
    *,
    probe: str = "fra1",
    stream: str = STREAM,
    plan: str = "",
    cut_at: int = 1,
    observations: Sequence[Observation] | None = None,
    at: int = 0,
) -> wire.Batch:
    made = [observation(first + n, probe=probe, stream=stream, at=at) for n in range(count)]
    return wire.Batch(
        probe=probe,
        stream=stream,
        first_seq=first,
        last_seq=first + count - 1,
        cut_at=cut_at,
        plan=plan,
        observations=list(observations or made),
    )


class Reply:
    def __init__(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Client:
    """One kept-alive connection, by h11: shows what a server really did with it."""

    def __init__(self, stream: trio.abc.Stream) -> None:
        self.stream = stream
        self.http = h11.Connection(h11.CLIENT)

    async def request(
        self, method: str, path: str, *, token: str = "", body: bytes = b"", headers: dict[str, str] | None = None
    ) -> Reply:
        await self.send(method, path, token=token, body=body, headers=headers)
        return await self.receive()

    async def send(
        self, method: str, path: str, *, token: str = "", body: bytes = b"", headers: dict[str, str] | None = None
    ) -> None:
        every = {"host": "collector", "content-length": str(len(body)), **(headers or {})}
        if token:
            every["authorization"] = f"Bearer {token}"
        head = self.http.send(
            h11.Request(
                method=method, target=path, headers=[(name, value.encode("latin-1")) for name, value in every.items()]
            )
        )
        data = self.http.send(h11.Data(data=body)) or b""
        await self.stream.send_all((head or b"") + data + (self.http.send(h11.EndOfMessage()) or b""))

    async def receive(self) -> Reply:
        reply, body = None, b""
        while True:
            event = self.http.next_event()
            if event is h11.NEED_DATA:
                self.http.receive_data(await self.stream.receive_some(65536))
            elif isinstance(event, h11.Response):
                reply = event
            elif isinstance(event, h11.Data):
                body += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                assert reply is not None
                if self.http.our_state is h11.DONE and self.http.their_state is h11.DONE:
                    self.http.start_next_cycle()
                return Reply(reply.status_code, {n.decode().lower(): v.decode() for n, v in reply.headers}, body)
            else:
                raise ConnectionError(f"closed before an answer: {event}")

    async def post(self, token: str, body: bytes, **headers: str) -> Reply:
        plain = {"content-type": wire.MSGPACK, "content-encoding": wire.ZSTD}
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.request("POST", "/v1/batches", token=token, body=body, headers=plain | named)


class Served:
    """A running collector."""

    def __init__(self, running: Running, plan: Path, journal: MemoryInputs, nursery: trio.Nursery) -> None:
        self.running, self.plan, self.journal, self.nursery = running, plan, journal, nursery
        self.state = running.state

    def token(self, probe: str = "fra1") -> str:
        return add_token(self.state, "probe", probe)

    @asynccontextmanager
    async def client(self) -> AsyncIterator[Client]:
        async with await self.connect() as stream:
            yield Client(stream)

    async def connect(self) -> trio.SocketStream:
        sock = trio.socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        await sock.connect((self.running.address.ip, self.running.address.port))
        return trio.SocketStream(sock)


@asynccontextmanager
async def collector(
    folder: Path, journal: MemoryInputs | None = None, plan: str = PLAN, **config: Any
) -> AsyncIterator[Served]:
    """A collector until the end of the block; it must end within 2 s then."""
    state, path = folder / "state", folder / "plan.toml"
    state.mkdir(exist_ok=True)
    if not path.exists():
        path.write_text(plan)
    loaded = CollectorConfig(state=str(state), plan=str(path), **config)
    authority = make_authority(state) if loaded.tls and loaded.tls.client_certificates else None
    listener = open_listener(Address("127.0.0.1:0"), loaded.tls, authority)
    journal = journal or MemoryInputs()
    with closing(listener):
        async with (
            open_history(state / "history", loaded.limits) as history,
            trio.open_nursery() as nursery,
        ):
            stores = Stores(inputs=journal, events=MemoryInputs(), history=history)  # type: ignore[arg-type]
            running: Running = await nursery.start(run, loaded, state, listener, stores)
            yield Served(running, path, journal, nursery)
            nursery.cancel_scope.cancel()
            ending = trio.current_time()
    assert trio.current_time() - ending < 5


async def until(condition: Callable[[], bool]) -> None:
    """Waits for something that other tasks or threads bring about; at most a minute."""
    with trio.fail_after(60):
        while not condition():  # noqa: ASYNC110
            await trio.sleep(0.005)
