"""The accept loop and its end, with an app of the tests' own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import pytest
import trio

from collector.serve import open_listener, serve
from parallax.config import Tls
from parallax.state import StartError
from parallax.values import Address
from tests.collector.serving import Client, until

LOOPBACK = Address("127.0.0.1:0")


class App:
    """Answers at once; /trust marks the connection, /wait waits till `over`, /large sends much, /deaf reads no body,
    /bug raises."""

    def __init__(self) -> None:
        self.waiting = 0
        self.over = trio.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        path = scope["path"]
        if path == "/bug":
            raise RuntimeError("bug")
        if path != "/deaf":
            await receive()
        scope["state"]["connection"].trusted = path == "/trust"
        if path == "/wait":
            self.waiting += 1
            await self.over.wait()
        body = bytes(50_000_000) if path == "/large" else b"ok"
        headers = [(b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})


@asynccontextmanager
async def serving(app: App, **options: Any) -> AsyncIterator[tuple[Address, trio.Event]]:
    stop = trio.Event()
    with closing(open_listener(LOOPBACK, None)) as listener:
        address = listener.address
        async with trio.open_nursery() as nursery:
            await nursery.start(lambda task_status: serve(app, listener, stop, task_status=task_status, **options))
            yield address, stop
            nursery.cancel_scope.cancel()
            began = trio.current_time()
        assert stop.is_set()
        assert trio.current_time() - began < 5, "it waits for nobody who is idle"


async def connect(address: Address) -> trio.SocketStream:
    return await trio.open_tcp_stream(address.ip, address.port)


async def test_the_end_does_not_wait_for_idle_connections() -> None:
    async with serving(App()) as (address, _):
        streams = [await connect(address) for _ in range(20)]
        assert (await Client(streams[0]).request("GET", "/")).status == 200
    for stream in streams:
        await stream.aclose()


@pytest.mark.slow
@pytest.mark.parametrize("path", ["/wait", "/large", "/deaf"])
async def test_the_end_does_not_wait_for_a_client_or_an_app(path: str) -> None:
    """An app that waits for ever, a client that reads nothing of a large answer, one that sends half a request."""
    app = App()
    async with serving(app) as (address, _):
        stream = await connect(address)
        await stream.send_all(f"POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nhalf".encode())
        if path == "/wait":
            await until(lambda: app.waiting == 1)
        else:
            await stream.receive_some(1)
    await stream.aclose()


async def test_a_large_unread_body_does_not_hold_the_connection() -> None:
    """The answer ends though the app reads nothing, and the connection is closed as the body was not read."""
    async with serving(App()) as (address, _), await connect(address) as stream:
        await stream.send_all(b"POST /deaf HTTP/1.1\r\nhost: x\r\ncontent-length: 900000\r\n\r\n" + bytes(300_000))
        answer = b""
        with trio.fail_after(60):
            try:
                while part := await stream.receive_some(65536):
                    answer += part
            except trio.BrokenResourceError:
                pass  # closed with our body unread
        assert answer.startswith(b"HTTP/1.1 200")


async def test_a_flood_of_idle_connections_keeps_no_trusted_one_out() -> None:
    async with serving(App(), max_connections=10) as (address, _):
        trusted = await connect(address)
        client = Client(trusted)
        assert (await client.request("GET", "/trust")).status == 200
        idle = [await connect(address) for _ in range(40)]
        assert (await client.request("GET", "/trust")).status == 200
        async with await connect(address) as late:
            assert (await Client(late).request("GET", "/trust")).status == 200
        assert (await client.request("GET", "/trust")).status == 200
        with trio.fail_after(60):
            assert await idle[0].receive_some(1) == b""
        for stream in (trusted, *idle):
            await stream.aclose()


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.parametrize(
    "sent", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nhost: x\r\n\r\n", b"GET /wait HTTP/1.1\r\nhost: x\r\n\r\n"]
)
async def test_a_peer_that_goes_away_leaves_nothing_open(sent: bytes) -> None:
    """Whatever it was about to do: nobody waits for its next request."""
    app = App()
    async with serving(app) as (address, _):
        before = open_files()
        streams = [await connect(address) for _ in range(20)]
        for stream in streams:
            await stream.send_all(sent)
            if sent.startswith(b"GET / HTTP"):
                await stream.receive_some(1000)
        if b"wait" in sent:
            await until(lambda: app.waiting == 20)
        else:
            await until(lambda: open_files() >= before + 40)
        for stream in streams:
            await stream.aclose()
        app.over.set()
        await until(lambda: open_files() <= before)


async def test_what_makes_room_is_closed() -> None:
    """A flood whose peers keep their ends open holds no more than the bound here."""
    async with serving(App(), max_connections=10) as (address, _):
        before = open_files()
        flood = [await connect(address) for _ in range(100)]
        await until(lambda: open_files() - before - len(flood) <= 10)
        for stream in flood:
            await stream.aclose()


@pytest.mark.parametrize(
    "garbage", [b"\x16\x03\x01\x02\x00garbage\r\n\r\n", b"GET / HTTP/1.1\r\n" + b"x: y\r\n" * 10_000, b"\x00" * 100_000]
)
async def test_garbage_ends_only_its_own_connection(garbage: bytes) -> None:
    async with serving(App()) as (address, _), await connect(address) as good:
        client = Client(good)
        assert (await client.request("GET", "/")).status == 200
        async with await connect(address) as bad:
            with trio.fail_after(60):
                try:
                    await bad.send_all(garbage)
                    while await bad.receive_some(65536):
                        pass
                except trio.BrokenResourceError:
                    pass
        assert (await client.request("GET", "/")).status == 200


async def test_a_bug_in_the_app_is_answered_and_costs_nothing_else() -> None:
    async with serving(App()) as (address, _):
        async with await connect(address) as stream:
            reply = await Client(stream).request("GET", "/bug")
            assert (reply.status, reply.body) == (500, b"")
        async with await connect(address) as stream:
            assert (await Client(stream).request("GET", "/")).status == 200


def test_a_port_in_use_gets_one_line() -> None:
    with closing(open_listener(LOOPBACK, None)) as listener:
        address = listener.address
        with pytest.raises(StartError) as caught:
            open_listener(address, None)
    assert str(caught.value) == (
        f"cannot listen on {address}: something else listens there; stop that, or set another `listen`"
    )


def test_a_certificate_that_cannot_be_used_gets_one_line(tmp_path: Path) -> None:
    missing = tmp_path / "certificate.pem"
    with pytest.raises(StartError, match=r"certificate.pem of \[tls\] cannot be read: No such file"):
        open_listener(LOOPBACK, Tls(certificate=str(missing), key=str(missing)))
    missing.write_text("no pem")
    with pytest.raises(StartError, match="do not work together as PEM certificate and key"):
        open_listener(LOOPBACK, Tls(certificate=str(missing), key=str(missing)))


UPGRADE = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n"


@pytest.mark.parametrize(
    ("sent", "answered"),
    [
        (b"GET / HTTP/1.1\r\nHost: a\r\n" + UPGRADE + b"\r\n", b"HTTP/1.1 200 "),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0", b"HTTP/1.1 "),
    ],
)
async def test_nobody_gets_http_2_and_with_it_a_tunnel_through_a_proxy(sent: bytes, answered: bytes) -> None:
    async with serving(App()) as (address, _), await connect(address) as stream:
        await stream.send_all(sent)
        received = b""
        with trio.fail_after(60):
            while b"\r\n\r\n" not in received:
                more = await stream.receive_some()
                assert more
                received += more
        assert received.startswith(answered)
        assert b"101" not in received
        assert b"\0" not in received
