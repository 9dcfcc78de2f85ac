"""The HTTP client for who ships: kept connections, stale ones, overlap, cancellation, and nothing left open."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio

from parallax.dialling.http import Headers, Http, HttpError, open_http
from parallax.dialling.route import EVERYWHERE, NotAllowed, Routes
from parallax.dialling.tls import Trust
from parallax.values import Address
from tests.fakes import http_server as fake
from tests.fakes.http_server import HttpServer, Peer, http_server, response
from tests.parts.certificates import Authority

ANY = Routes.of(allow=EVERYWHERE)


@asynccontextmanager
async def client(server: HttpServer, trust: Trust | None = None) -> AsyncIterator[Http]:
    async with open_http(server.address, ANY, trust or Trust()) as http:
        yield http


async def post(http: Http, server: HttpServer, body: bytes = b"batch", scheme: str = "http") -> bytes:
    url = f"{scheme}://acme.test:{server.address.port}/v1"
    async with http.request("POST", url, headers={"authorization": "Bearer x"}, body=body) as answer:
        return await answer.aread()


async def _answers_posts(peer: Peer) -> None:
    while head := await peer.request(body=5):
        assert b"Content-Length: 5" in head
        await peer.send(response(200, b"ok"))


async def test_a_connection_is_kept(tmp_path: Path) -> None:
    authority = Authority()
    trust = Trust(authority.write(tmp_path))
    async with http_server(_answers_posts, certificate=authority.leaf("acme.test")) as server:
        async with client(server, trust) as http:
            for _ in range(5):
                assert await post(http, server, scheme="https") == b"ok"
        assert server.accepted == 1


async def test_a_stale_connection_is_replaced_before_the_request_is_sent() -> None:
    closed = trio.Event()

    async def answers_once(peer: Peer) -> None:
        await peer.request(body=5)
        await peer.send(response(200, b"ok"))
        await trio.aclose_forcefully(peer.stream)
        closed.set()

    async with http_server(answers_once) as server, client(server) as http:
        for n in range(1, 4):
            assert await post(http, server) == b"ok"
            await closed.wait()
            closed = trio.Event()
            assert server.accepted == n
        assert len(server.asked) == 3  # and none was sent twice


async def test_a_connection_that_dies_under_the_request_fails_and_the_next_request_works() -> None:
    async def answers_once_then_dies(peer: Peer) -> None:
        await peer.request(body=5)
        await peer.send(response(200, b"ok"))
        await peer.request(body=5)  # and closes in the face of it

    async with http_server(answers_once_then_dies) as server, client(server) as http:
        assert await post(http, server) == b"ok"
        with pytest.raises(HttpError):
            await post(http, server)
        assert http.peer_ended
        assert await post(http, server) == b"ok"


async def test_requests_may_overlap() -> None:
    async with http_server(_answers_posts) as server, client(server) as http:
        async with trio.open_nursery() as nursery:
            for _ in range(8):
                nursery.start_soon(post, http, server)
        assert 1 <= server.accepted <= 8
        before = server.accepted
        await post(http, server)
        assert server.accepted == before


async def test_a_response_left_early_ends_its_connection() -> None:
    endless = fake.drips(b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 1000)
    async with http_server(endless) as server, client(server) as http:
        url = f"http://acme.test:{server.address.port}/"
        async with http.request("GET", url, headers={}) as answer:
            async for part in answer.aiter_raw():
                assert part
                break
        assert http.stream is not None
        with pytest.raises(trio.ClosedResourceError):
            await http.stream.send_all(b"x")


async def test_a_body_of_tiny_chunks_lets_others_run() -> None:
    tiny = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 5000 + b"0\r\n\r\n"
    turns = 0

    async def another() -> None:
        nonlocal turns
        while True:
            await trio.lowlevel.checkpoint()
            turns += 1

    async with http_server(fake.says(tiny)) as server, client(server) as http, trio.open_nursery() as nursery:
        nursery.start_soon(another)
        seen, longest, parts = 0, 0, 0
        async with http.request("GET", f"http://acme.test:{server.address.port}/", headers={}) as answer:
            async for _ in answer.aiter_raw():
                longest, parts = (longest + 1, parts + 1) if turns == seen else (0, parts + 1)
                seen = turns
                assert longest < 10
        assert parts == 5000
        nursery.cancel_scope.cancel()


async def test_too_large_an_answer_raises() -> None:
    async with http_server(fake.says(response(200, b"x" * 2000))) as server, client(server) as http:
        with pytest.raises(ValueError, match="larger than 1000"):
            async with http.request("GET", f"http://acme.test:{server.address.port}/", headers={}) as answer:
                await answer.aread(max_bytes=1000)


async def test_the_callers_deadline_ends_a_silent_request_and_closes_its_socket() -> None:
    gone = trio.Event()

    async def silent(peer: Peer) -> None:
        await peer.until_gone()
        gone.set()

    async with http_server(silent) as server, client(server) as http:
        with trio.move_on_after(0.05) as deadline:
            await post(http, server)
        assert deadline.cancelled_caught
        with trio.fail_after(60):
            await gone.wait()  # though the client is still open


async def test_the_guard_holds() -> None:
    async with open_http(Address("127.0.0.1:1"), Routes(), Trust()) as http:
        with pytest.raises(NotAllowed):
            async with http.request("GET", "http://acme.test/", headers={}):
                pass


def test_headers_are_found_in_any_case_and_joined() -> None:
    headers = Headers([(b"X-A", b"1"), (b"x-a", b"2"), (b"B", b"\xff")])
    assert headers["x-A"] == "1, 2"
    assert headers.get("b") == "ÿ"
    assert "c" not in headers
    assert headers.lines == [("X-A", "1"), ("x-a", "2"), ("B", "ÿ")]
