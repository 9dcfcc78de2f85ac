"""The relay to the collector: a probe's octets pass both ways, and not while its uplink is dead."""

from pathlib import Path

import pytest
import trio

from parallax.values import Address
from tests.parts.lab_world import running_lab

pytestmark = pytest.mark.slow
LONG_S, DARK_S = 5.0, 0.3


async def _echo(stream: trio.SocketStream) -> None:
    async for piece in stream:
        await stream.send_all(piece)


async def test_a_large_message_passes_whole_in_both_directions_and_waits_out_a_dead_uplink(tmp_path: Path) -> None:
    [listener] = await trio.open_tcp_listeners(0, host="127.0.0.1")
    collector = str(Address.of(*listener.socket.getsockname()[:2]))
    async with trio.open_nursery() as nursery, running_lab(tmp_path, collector) as lab:
        nursery.start_soon(trio.serve_listeners, _echo, [listener])
        there = lab.world.ready.probes["fra1"].collector
        message = bytes(range(256)) * 4000
        async with await trio.open_tcp_stream(there.ip, there.port) as stream:
            assert await _echoed(stream, message) == message
            lab.break_("uplink-dead")
            with trio.move_on_after(DARK_S) as silent:
                await _echoed(stream, b"hello")
            assert silent.cancelled_caught
            lab.mend("uplink-dead")
            with trio.fail_after(LONG_S):
                assert await stream.receive_some() == b"hello"
        nursery.cancel_scope.cancel()


async def _echoed(stream: trio.SocketStream, message: bytes) -> bytes:
    got = b""
    with trio.fail_after(LONG_S):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(stream.send_all, message)
            while len(got) < len(message):
                got += await stream.receive_some()
    return got


async def test_where_nothing_listens_the_connection_ends(tmp_path: Path) -> None:
    async with running_lab(tmp_path, "127.0.0.1:9") as lab:
        there = lab.world.ready.probes["gru1"].collector
        async with await trio.open_tcp_stream(there.ip, there.port) as stream:
            with trio.fail_after(LONG_S):
                assert await stream.receive_some() == b""
