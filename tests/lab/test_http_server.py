"""The lab's HTTP over trio's in-memory streams: no sockets, virtual time."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio
import trio.testing

from lab.http_server import IDLE_S, MOST_BODY, Request, Response, serve_http


async def _respond(request: Request) -> Response:
    return Response(headers={"x-path": request.path}, body=b"hello " + request.body)


@asynccontextmanager
async def _client() -> AsyncIterator[
    trio.StapledStream[trio.testing.MemorySendStream, trio.testing.MemoryReceiveStream]
]:
    """A client's stream to a server that must have ended by itself in the end."""
    client, server = trio.testing.memory_stream_pair()
    async with trio.open_nursery() as nursery:

        async def serve() -> None:
            await serve_http(server, _respond)
            await server.aclose()

        nursery.start_soon(serve)
        yield client
        with trio.fail_after(IDLE_S + 1):
            await _rest(client)


async def _rest(client: trio.abc.ReceiveStream) -> bytes:
    got = b""
    while piece := await client.receive_some():
        got += piece
    return got


async def test_requests_follow_on_one_connection(autojump_clock: trio.testing.MockClock) -> None:
    async with _client() as client:
        for path in ("/a", "/b?c=d"):
            await client.send_all(f"GET {path} HTTP/1.1\r\nhost: x\r\n\r\n".encode())
            got = await client.receive_some()
            assert got.startswith(b"HTTP/1.1 200")
            assert got.endswith(b"\r\n\r\nhello ")
            assert f"x-path: {path[:2]}".encode() in got
        await client.send_eof()


async def test_head_has_the_length_and_no_body(autojump_clock: trio.testing.MockClock) -> None:
    async with _client() as client:
        await client.send_all(b"HEAD / HTTP/1.1\r\nhost: x\r\n\r\n")
        got = await client.receive_some()
        assert b"content-length: 6" in got
        assert got.endswith(b"\r\n\r\n")
        await client.send_eof()


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"\x16\x03\x01 this is no HTTP\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\n\r\n", b"400"),  # no host
        (b"GET / HTTP/1.1\r\nhost: x\r\nx: " + b"y" * 100_000, b"431"),
        (b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 100000\r\n\r\n" + b"y" * (MOST_BODY + 1), b"413"),
        (b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n", b"400"),
    ],
)
async def test_what_is_no_request_is_refused_and_let_go(
    sent: bytes, status: bytes, autojump_clock: trio.testing.MockClock
) -> None:
    async with _client() as client:
        await client.send_all(sent)
        assert (await _rest(client)).startswith(b"HTTP/1.1 " + status)


@pytest.mark.parametrize("sent", [b"", b"GET / HT", b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\nabc"])
async def test_a_slow_client_is_let_go(sent: bytes, autojump_clock: trio.testing.MockClock) -> None:
    began = trio.current_time()
    async with _client() as client:
        await client.send_all(sent)
        assert await _rest(client) == b""
    assert trio.current_time() - began == pytest.approx(IDLE_S)


@pytest.mark.parametrize("sent", [b"", b"GET / HT"])
async def test_a_client_that_ends_is_let_go_at_once(sent: bytes, autojump_clock: trio.testing.MockClock) -> None:
    began = trio.current_time()
    async with _client() as client:
        await client.send_all(sent)
        await client.send_eof()
        await _rest(client)
    assert trio.current_time() == began
