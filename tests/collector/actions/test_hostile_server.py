"""A name server that answers what it should not: nothing of it ends the collector, and none of it counts as done."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest
import trio

from collector.actions.actor import Command, Result, Standing
from collector.actions.dns_update import DnsUpdate
from collector.events import FailoverChanged
from parallax.config import CollectorConfig
from parallax.plan.failover_types import Action, Record
from parallax.values import Address, Cidr, DnsName

SECRET = "c2VjcmV0IG9mIHRoZSBmYWlsb3ZlciBncm91cCwgMzIg"
STANDING = Standing(serving="east", target="west", epoch=0)
COMMAND = Command(
    id="e1", at=0, data=FailoverChanged(word="command", group="api", source="east", target="west", title="", epoch=1)
)
Behave = Callable[[bytes, trio.SocketStream], Awaitable[None]]


@asynccontextmanager
async def server(behave: Behave) -> AsyncIterator[int]:
    async def serve(stream: trio.SocketStream) -> None:
        async with stream:
            query = await stream.receive_some()
            await behave(bytes(query)[2:], stream)

    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(partial(trio.serve_tcp, serve, 0, host="127.0.0.1"))
        yield listeners[0].socket.getsockname()[1]
        nursery.cancel_scope.cancel()


def actor(folder: Path, port: int, secret: str = SECRET) -> DnsUpdate:
    file = folder / "key"
    file.write_text(secret)
    file.chmod(0o600)
    record = Record(name=DnsName("api.auth.test"), type="A", values={"east": ["192.0.2.1"], "west": ["192.0.2.2"]})
    action = Action(
        name="zone", kind="dns-update", key="secret:DNS", server=Address.of("127.0.0.1", port),
        zone=DnsName("auth.test"), key_name=DnsName("failover"), records=[record],
    )  # fmt: skip
    return DnsUpdate(
        action, CollectorConfig(state="", plan="", secrets={"DNS": f"file:{file}"}, allow=[Cidr("127.0.0.0/8")])
    )


async def both(acting: DnsUpdate) -> tuple[Result, Result]:
    with trio.fail_after(60):
        return await acting.look("api", STANDING), await acting.carry_out(COMMAND)


def raw(content: bytes) -> Behave:
    async def behave(query: bytes, stream: trio.SocketStream) -> None:
        await stream.send_all(len(content).to_bytes(2, "big") + content)

    return behave


async def unsigned(query: bytes, stream: trio.SocketStream) -> None:
    """Says yes to everything, without the key."""
    end = query.index(b"\x00", 12) + 5  # of the question: a name, a type, a class
    reply = bytearray(query[:end])
    reply[2] |= 0x84  # an authoritative response
    reply[6:12] = bytes(6)
    await stream.send_all(len(reply).to_bytes(2, "big") + bytes(reply))


async def echo(query: bytes, stream: trio.SocketStream) -> None:
    await stream.send_all(len(query).to_bytes(2, "big") + query)


async def half(query: bytes, stream: trio.SocketStream) -> None:
    await stream.send_all(b"\x01\x00" + query[:5])


async def nothing(query: bytes, stream: trio.SocketStream) -> None:
    pass


@pytest.mark.parametrize(
    "behave",
    [raw(b""), raw(b"\x00"), raw(b"\xff" * 12), raw(bytes(600)), raw(b"HTTP/1.1 400"), unsigned, echo, half, nothing],
    ids=["empty", "octet", "ones", "zeros", "http", "unsigned", "echo", "half", "nothing"],
)  # fmt: skip
async def test_what_is_no_answer_is_neither_yes_nor_no(tmp_path: Path, behave: Behave):
    async with server(behave) as port:
        look, came = await both(actor(tmp_path, port))
    assert (look.outcome, came.outcome, came.then) == ("unreachable", "failed", "again")
    assert came.text


@pytest.mark.parametrize("secret", ["", "!!!", "é", "hunter2", "c2hvcnQ="])
async def test_a_secret_that_is_none_sends_nothing_and_is_not_quoted(tmp_path: Path, secret: str):
    asked: list[bytes] = []

    async def behave(query: bytes, stream: trio.SocketStream) -> None:
        asked.append(query)

    async with server(behave) as port:
        acting = actor(tmp_path, port, secret)
        problem = await acting.prepare()
        look, came = await both(acting)
    assert (problem, asked) == (came.text, [])
    assert (look.outcome, came.outcome, came.then, came.sent) == ("unreachable", "failed", "next", False)
    assert not secret or secret not in came.text


async def test_a_server_that_hangs_is_left_at_once_when_the_time_is_over(tmp_path: Path):
    async def hang(query: bytes, stream: trio.SocketStream) -> None:
        await trio.sleep_forever()

    async with server(hang) as port:
        acting = actor(tmp_path, port)
        with trio.move_on_after(0.05) as scope:
            await acting.carry_out(COMMAND)
        assert scope.cancelled_caught
