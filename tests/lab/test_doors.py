"""Relays over real sockets: delay, catchment's darkness, and that a dead address looks dead."""

import struct
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
import trio
from trio import socket as tsocket

from lab.doors import MOST_CONNECTIONS, DatagramDoor, StreamDoor
from lab.internet import Visit, Way
from lab.places import FRANKFURT, LONDON, TOKYO, Place

NOBODY = Visit(client=None)
LONG_S = 5.0
DARK_S = 0.3


async def _echo(visit: Visit, stream: trio.abc.Stream) -> None:
    while piece := await stream.receive_some():
        await stream.send_all(piece)


async def _echo_datagram(visit: Visit, wire: bytes) -> bytes | None:
    return wire or None


def _way(to: Place = FRANKFURT) -> Way:
    return Way(FRANKFURT, to, "1")


Connect = Callable[[], Awaitable[trio.SocketStream]]


@asynccontextmanager
async def _running(door: DatagramDoor | StreamDoor) -> AsyncIterator[tuple[trio.Nursery, Connect]]:
    """A door that serves, and how to connect to it. Everything is closed at the end."""
    streams: list[trio.SocketStream] = []

    async def connect() -> trio.SocketStream:
        with trio.fail_after(LONG_S):
            streams.append(await trio.open_tcp_stream(door.address.ip, door.address.port))
            return streams[-1]

    async with trio.open_nursery() as nursery:
        nursery.start_soon(door.run)
        try:
            yield nursery, connect
        finally:
            for stream in streams:
                stream.socket.close()
            nursery.cancel_scope.cancel()
    door.close()


async def _say(stream: trio.SocketStream, text: bytes) -> bytes:
    with trio.fail_after(LONG_S):
        await stream.send_all(text)
        return bytes(await stream.receive_some())


async def test_the_first_exchange_takes_two_round_trips_and_the_next_one() -> None:
    door, way = StreamDoor(_way(LONDON), NOBODY, _echo), _way(LONDON)
    async with _running(door) as (_, connect):
        stream = await connect()
        spans = []
        for _ in range(2):
            began = time.perf_counter()
            assert await _say(stream, b"hello") == b"hello"
            spans.append(time.perf_counter() - began)
        assert spans[0] > 4 * way.one_way_s
        assert 2 * way.one_way_s < spans[1]


async def test_a_dead_address_answers_no_connection_and_lives_again() -> None:
    door = StreamDoor(_way(), NOBODY, _echo)
    async with _running(door) as (_, connect):
        for _ in range(3):
            door.set_open(False)
            door.set_open(False)  # twice is once
            with trio.move_on_after(DARK_S) as hung:
                await trio.open_tcp_stream(door.address.ip, door.address.port)
            assert hung.cancelled_caught
            door.set_open(True)
            stream = await connect()
            assert await _say(stream, b"hello") == b"hello"
            await stream.aclose()


async def test_what_hangs_in_the_dark_connects_once_it_is_over() -> None:
    """The kernel sends the SYN again, after a second at first."""
    door = StreamDoor(_way(), NOBODY, _echo)
    async with _running(door) as (nursery, connect):
        door.set_open(False)
        connected = trio.Event()

        async def connect_and_say() -> None:
            assert await _say(await connect(), b"hello") == b"hello"
            connected.set()

        nursery.start_soon(connect_and_say)
        with trio.move_on_after(DARK_S):
            await connected.wait()
        assert not connected.is_set()
        door.set_open(True)
        with trio.fail_after(LONG_S):
            await connected.wait()


async def test_an_established_connection_goes_silent_and_goes_on() -> None:
    door = StreamDoor(_way(), NOBODY, _echo)
    async with _running(door) as (_, connect):
        stream = await connect()
        assert await _say(stream, b"before") == b"before"
        door.set_open(False)
        await stream.send_all(b"after")
        with trio.move_on_after(DARK_S) as silent:
            await stream.receive_some()
        assert silent.cancelled_caught
        door.set_open(True)
        with trio.fail_after(LONG_S):
            assert await stream.receive_some() == b"after"


async def test_connections_are_bounded_and_counted() -> None:
    door = StreamDoor(_way(), NOBODY, _echo)
    async with _running(door) as (_, connect):
        streams = [await connect() for _ in range(MOST_CONNECTIONS)]
        assert await _say(streams[-1], b"hello") == b"hello"
        one_more = await connect()
        with trio.fail_after(LONG_S):
            assert await one_more.receive_some() == b""
        assert door.lost == 1
        await streams.pop().aclose()
        with trio.fail_after(LONG_S):
            while True:  # until the door has seen it leave
                stream = await connect()
                try:
                    assert await _say(stream, b"hello") == b"hello"
                    break
                except (trio.BrokenResourceError, AssertionError):
                    continue


async def test_a_client_that_resets_ends_only_its_own_connection() -> None:
    door = StreamDoor(_way(), NOBODY, _echo)
    async with _running(door) as (_, connect):
        for _ in range(20):
            stream = await connect()
            await stream.send_all(b"hello")
            stream.socket.setsockopt(tsocket.SOL_SOCKET, tsocket.SO_LINGER, struct.pack("ii", 1, 0))
            stream.socket.close()
        assert await _say(await connect(), b"hello") == b"hello"


@pytest.mark.parametrize("to", [FRANKFURT, TOKYO])
async def test_a_datagram_takes_its_way_there_and_back(to: Place) -> None:
    door = DatagramDoor(_way(to), NOBODY, _echo_datagram)
    async with _running(door):
        with tsocket.socket(tsocket.AF_INET, tsocket.SOCK_DGRAM) as sock:
            await sock.connect((door.address.ip, door.address.port))
            began = time.perf_counter()
            await sock.send(b"hello")
            with trio.fail_after(LONG_S):
                assert await sock.recv(100) == b"hello"
            assert time.perf_counter() - began > 2 * _way(to).one_way_s
            door.set_open(False)
            await sock.send(b"lost")
            with trio.move_on_after(DARK_S) as silent:
                await sock.recv(100)
            assert silent.cancelled_caught
            door.set_open(True)
            await sock.send(b"again")
            with trio.fail_after(LONG_S):
                assert await sock.recv(100) == b"again"


async def test_datagrams_under_way_are_bounded_and_counted() -> None:
    door = DatagramDoor(_way(TOKYO), NOBODY, _echo_datagram)
    async with _running(door):
        with tsocket.socket(tsocket.AF_INET, tsocket.SOCK_DGRAM) as sock:
            await sock.connect((door.address.ip, door.address.port))
            for _ in range(200):
                await sock.send(b"hello")
            with trio.fail_after(LONG_S):
                await sock.recv(100)
        assert 0 < door.lost <= 200 - 64
