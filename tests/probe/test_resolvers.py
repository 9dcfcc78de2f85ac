"""Asking resolvers whether they are there, over real sockets."""

from pathlib import Path

import trio

from parallax.values import Address
from probe.force import Force
from probe.resolvers import Resolvers, asker
from tests.fakes.probes import probe_config


async def test_any_answer_will_do_and_silence_does_not(tmp_path: Path) -> None:
    tools = Force(probe_config(tmp_path, 1)).tools
    mute = trio.socket.socket(trio.socket.AF_INET, trio.socket.SOCK_DGRAM)
    rude = trio.socket.socket(trio.socket.AF_INET, trio.socket.SOCK_DGRAM)
    closed = trio.socket.socket(trio.socket.AF_INET, trio.socket.SOCK_DGRAM)
    with mute, rude:
        for sock in (mute, rude, closed):
            await sock.bind(("127.0.0.1", 0))
        silent, there, gone = (Address.of("127.0.0.1", sock.getsockname()[1]) for sock in (mute, rude, closed))
        closed.close()

        async def refuse() -> None:
            while True:
                query, sender = await rude.recvfrom(512)
                answer = query[:2] + bytes([query[2] | 0x80, 0x05]) + query[4:]  # REFUSED (RFC 1035 section 4.1.1)
                await rude.sendto(answer, sender)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(refuse)
            found = await Resolvers(asker(tools)).silent([silent, there, gone])
            nursery.cancel_scope.cancel()
    assert found == {silent, gone}
