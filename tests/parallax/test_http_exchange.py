"""HTTP/1.1 and /2 over a stream of the test's: whatever comes, in whatever parts, is a response or an HttpError."""

import random
from collections.abc import Iterable
from contextlib import suppress

import pytest
import trio
from hyperframe.frame import DataFrame, GoAwayFrame, HeadersFrame, PingFrame, SettingsFrame, WindowUpdateFrame

from parallax.dialling.http1 import Http1
from parallax.dialling.http2 import Http2
from parallax.dialling.http_exchange import HttpError, Request

GET = Request("GET", "https", b"/", [(b"Host", b"acme.test")], b"")
POST = Request("POST", "https", b"/", [(b"Host", b"acme.test"), (b"Content-Length", b"90000")], b"x" * 90_000)
GOOD_1 = (
    b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nServer: fake\r\n\r\n5\r\nhello\r\n3\r\nend\r\n0\r\nA: b\r\n\r\n"
)
GOOD_2 = b"".join(
    frame.serialize()
    for frame in (
        SettingsFrame(0, settings={4: 70_000}),
        HeadersFrame(1, data=b"\x88\x76\x03abc", flags=["END_HEADERS"]),
        DataFrame(1, data=b"hello"),
        PingFrame(0, opaque_data=b"12345678"),
        WindowUpdateFrame(1, window_increment=100),
        GoAwayFrame(0, last_stream_id=1),
        DataFrame(1, data=b"end", flags=["END_STREAM"]),
    )
)


class Said(trio.abc.Stream):
    """What the other side says, part by part, and then its end; what is sent is dropped."""

    def __init__(self, parts: Iterable[bytes]) -> None:
        self._parts = list(parts)

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        await trio.lowlevel.checkpoint()

    async def wait_send_all_might_not_block(self) -> None:
        await trio.lowlevel.checkpoint()

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        await trio.lowlevel.checkpoint()
        return self._parts.pop(0) if self._parts else b""

    async def aclose(self) -> None:
        await trio.lowlevel.checkpoint()


async def read(kind: type[Http1] | type[Http2], parts: Iterable[bytes], request: Request = GET) -> tuple[int, bytes]:
    exchange, body = kind(Said(parts)), b""
    head = await exchange.ask(request, lambda phase: None)
    while part := await exchange.part():
        body += part
    return head.status, body


@pytest.mark.parametrize(("kind", "good"), [(Http1, GOOD_1), (Http2, GOOD_2)])
@pytest.mark.parametrize("piece", [1, 2, 9, 50, 5000])
async def test_a_response_is_the_same_however_it_comes(
    kind: type[Http1] | type[Http2], good: bytes, piece: int
) -> None:
    parts = [good[at : at + piece] for at in range(0, len(good), piece)]
    assert await read(kind, parts) == (200, b"helloend")


@pytest.mark.parametrize(("kind", "good"), [(Http1, GOOD_1), (Http2, GOOD_2)])
async def test_a_response_that_is_cut_anywhere_is_an_error(kind: type[Http1] | type[Http2], good: bytes) -> None:
    for length in range(len(good)):
        with pytest.raises(HttpError):
            await read(kind, [good[:length]])


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("kind", "good"), [(Http1, GOOD_1), (Http2, GOOD_2)])
async def test_anything_else_is_a_response_or_an_error(kind: type[Http1] | type[Http2], good: bytes, seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(150):
        data = _mutated(good, chance)
        piece = chance.choice([1, 9, 5000])
        with suppress(HttpError):
            await read(kind, [data[at : at + piece] for at in range(0, len(data), piece)], chance.choice([GET, POST]))


def _mutated(data: bytes, chance: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(chance.randrange(1, 5)):
        at = chance.randrange(len(changed)) if changed else 0
        how = chance.randrange(3)
        if how == 0:
            changed[at : at + 1] = bytes([chance.randrange(256)])
        elif how == 1:
            changed[at:at] = chance.randbytes(chance.randrange(1, 12))
        else:
            del changed[at : at + chance.randrange(1, 12)]
    return bytes(changed)
