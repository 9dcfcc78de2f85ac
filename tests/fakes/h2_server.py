"""Behaviours of an HTTP/2 server that misbehaves on demand, for tests.fakes.http_server with `alpn=("h2",)`."""

from collections.abc import Awaitable, Callable

import trio
from h2 import events
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.settings import SettingCodes
from hyperframe.frame import ContinuationFrame, DataFrame, GoAwayFrame, HeadersFrame, PingFrame, SettingsFrame

from tests.fakes.http_server import Behaviour, Peer

OK = [(":status", "200"), ("server", "fake")]


class Close(Exception):
    """Raised by what wants the connection closed."""


class H2Peer:
    """One connection whose request has come: `stream` is its id. h2 checks what is sent through `rules`; `raw` sends
    whatever it is given."""

    def __init__(self, peer: Peer, rules: H2Connection, stream: int) -> None:
        self._peer, self.rules, self.stream = peer, rules, stream
        self.body = b""

    async def flush(self) -> None:
        await self._peer.send(self.rules.data_to_send())

    async def raw(self, data: bytes) -> None:
        await self._peer.send(data)

    async def head(self, headers: list[tuple[str, str]] = OK, *, end: bool = False) -> None:
        self.rules.send_headers(self.stream, headers, end_stream=end)
        await self.flush()

    async def data(self, data: bytes, *, end: bool = False) -> None:
        for start in range(0, max(1, len(data)), 16384):
            piece = data[start : start + 16384]
            self.rules.send_data(self.stream, piece, end_stream=end and start + 16384 >= len(data))
            await self.flush()

    async def answer(self, body: bytes = b"ok") -> None:
        await self.head()
        await self.data(body, end=True)

    async def until_gone(self) -> None:
        await self._peer.until_gone()


Answering = Callable[[H2Peer], Awaitable[None]]


def h2(answering: Answering, *, window: int | None = None, waits_for_body: bool = True) -> Behaviour:
    """Speaks HTTP/2 until a request has come, then does what `answering` does, for each request in turn. `window`: how
    much of a body the server lets come, for good."""

    async def behaviour(peer: Peer) -> None:
        rules = H2Connection(H2Configuration(client_side=False, header_encoding=None, validate_outbound_headers=False))
        if window is not None:
            rules.local_settings[SettingCodes.INITIAL_WINDOW_SIZE] = window
        rules.initiate_connection()
        await peer.send(rules.data_to_send())
        asked: dict[int, H2Peer] = {}
        while octets := bytes(await peer.stream.receive_some(65536)):
            done = []
            for event in rules.receive_data(octets):
                if isinstance(event, events.RequestReceived):
                    asked[event.stream_id] = H2Peer(peer, rules, event.stream_id)
                    if not waits_for_body:
                        done.append(event.stream_id)
                elif isinstance(event, events.DataReceived):
                    asked[event.stream_id].body += event.data
                    if window is None:
                        rules.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                elif isinstance(event, events.StreamEnded) and waits_for_body:
                    done.append(event.stream_id)
            await peer.send(rules.data_to_send())
            for stream in done:
                try:
                    await answering(asked.pop(stream))
                except Close:
                    assert isinstance(peer.stream, trio.SSLStream)
                    await peer.stream.transport_stream.send_eof()
                    await peer.until_gone()
                    return

    return behaviour


async def good(peer: H2Peer) -> None:
    await peer.answer(peer.body or b"ok")


async def goes_away_at_once(peer: H2Peer) -> None:
    """Refuses the request by a GOAWAY that leaves its stream out."""
    peer.rules.close_connection(error_code=0, last_stream_id=0)
    await peer.flush()


async def goes_away_broken(peer: H2Peer) -> None:
    peer.rules.close_connection(error_code=2)
    await peer.flush()
    await peer.until_gone()


async def goes_away_after_the_answer(peer: H2Peer) -> None:
    """Says that this stream is the last, then answers it."""
    await peer.raw(GoAwayFrame(0, last_stream_id=peer.stream, error_code=0).serialize())
    await peer.answer()
    await peer.until_gone()


async def resets(peer: H2Peer) -> None:
    peer.rules.reset_stream(peer.stream, error_code=7)
    await peer.flush()
    await peer.until_gone()


async def resets_in_the_body(peer: H2Peer) -> None:
    await peer.head()
    await peer.data(b"half")
    await resets(peer)


async def answers_then_resets(peer: H2Peer) -> None:
    """As a server does that wants no more of the request's body (RFC 9113 section 8.1)."""
    await peer.answer(b"enough")
    peer.rules.reset_stream(peer.stream, error_code=0)
    await peer.flush()
    await peer.until_gone()


async def stalls(peer: H2Peer) -> None:
    await peer.head()
    await peer.data(b"half")
    await peer.until_gone()


async def silent(peer: H2Peer) -> None:
    await peer.until_gone()


async def closes_in_the_body(peer: H2Peer) -> None:
    await peer.head()
    await peer.data(b"half")
    raise Close


async def closes(peer: H2Peer) -> None:
    raise Close


async def lies_about_the_length(peer: H2Peer) -> None:
    await peer.head([*OK, ("content-length", "100")])
    await peer.data(b"short", end=True)
    await peer.until_gone()


async def has_no_status(peer: H2Peer) -> None:
    await peer.head([("server", "fake")], end=True)
    await peer.until_gone()


async def has_an_odd_status(peer: H2Peer) -> None:
    await peer.head([(":status", "two hundred")], end=True)
    await peer.until_gone()


async def floods_with_interim_responses(peer: H2Peer) -> None:
    while True:
        await peer.head([(":status", "103"), ("link", "</a>")])


async def floods_with_pings(peer: H2Peer) -> None:
    while True:
        await peer.raw(PingFrame(0, opaque_data=b"12345678").serialize() * 1000)


async def floods_with_settings(peer: H2Peer) -> None:
    while True:
        await peer.raw(SettingsFrame(0, settings={4: 65535}).serialize() * 1000)


async def floods_with_empty_data(peer: H2Peer) -> None:
    await peer.head()
    while True:
        await peer.raw(DataFrame(peer.stream, data=b"").serialize() * 1000)


async def never_ends_its_headers(peer: H2Peer) -> None:
    await peer.raw(HeadersFrame(peer.stream, data=b"\x88").serialize())
    while True:
        await peer.raw(ContinuationFrame(peer.stream, data=b"\x00\x01a\x01b" * 100).serialize())


async def sends_a_header_bomb(peer: H2Peer) -> None:
    """Puts a large header into HPACK's table, then names it by one octet, often."""
    big = b"\x40\x01a\x7f\xa1\x1e" + b"x" * 4000
    await peer.raw(HeadersFrame(peer.stream, data=b"\x88" + big + b"\xbe" * 12000, flags=["END_HEADERS"]).serialize())
    await peer.until_gone()


async def sends_garbage(peer: H2Peer) -> None:
    await peer.raw(b"HTTP/1.1 200 OK\r\n\r\n" + b"\xff" * 300)
    await peer.until_gone()


async def drips(peer: H2Peer) -> None:
    """A body octet by octet, for ever."""
    await peer.head()
    while True:
        await peer.data(b"x")
        await trio.lowlevel.checkpoint()


async def sends_a_large_body(peer: H2Peer) -> None:
    """50 MB, as fast as the client lets it; what the client's window says is not listened to."""
    await peer.head()
    for _ in range(3200):
        await peer.raw(DataFrame(peer.stream, data=b"x" * 16384).serialize())
