"""Dynamic updates, by real name servers: who may change what, and who is first."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import dns.asyncquery
import dns.message
import pytest
import trio

from collector.actions.actor import Command, Result, Standing
from collector.actions.dns_update import DnsUpdate
from collector.events import FailoverChanged
from parallax.config import CollectorConfig
from parallax.plan.failover_types import Action, Record
from parallax.values import Address, Cidr, DnsName
from tests.parts.daemon import Daemon
from tests.parts.updatable import KEY_NAME, LINES, OTHER_SECRET, SECRET, UPDATABLE, ZONE, updatable_bind

pytestmark = pytest.mark.slow
EAST, WEST = ["192.0.2.10"], ["192.0.2.20", "192.0.2.21"]
RECORD = Record(name=DnsName(f"api.{ZONE}"), type="A", values={"us-east": EAST, "eu-west": WEST})


@pytest.fixture(params=list(UPDATABLE))
async def server(request: pytest.FixtureRequest) -> AsyncIterator[Daemon]:
    async with UPDATABLE[request.param]() as running:
        yield running


class Part:
    """A server, and actors for it."""

    def __init__(self, server: Daemon, folder: Path) -> None:
        self._server, self._folder = server, folder

    def actor(
        self, secret: str = SECRET, key: str = KEY_NAME, record: Record = RECORD, at: Address | None = None
    ) -> DnsUpdate:
        file = self._folder / "key"
        file.write_text(secret)
        file.chmod(0o600)
        action = Action(
            name="zone",
            kind="dns-update",
            key="secret:DNS",
            server=at or self._server.address,
            zone=DnsName(ZONE),
            key_name=DnsName(key),
            records=[record],
        )
        config = CollectorConfig(state="", plan="", secrets={"DNS": f"file:{file}"}, allow=[Cidr("127.0.0.0/8")])
        return DnsUpdate(action, config)

    async def values(self, name: str = "api", kind: str = "A") -> list[str]:
        reply = await dns.asyncquery.tcp(
            dns.message.make_query(f"{name}.{ZONE}" if name else ZONE, kind),
            self._server.address.ip,
            port=self._server.address.port,
        )
        return sorted(rdata.to_text() for rrset in reply.answer for rdata in rrset)

    async def serial(self) -> str:
        return (await self.values("", "SOA"))[0].split(" ")[2]


@pytest.fixture
def part(server: Daemon, tmp_path: Path) -> Part:
    return Part(server, tmp_path)


def command(epoch: int, source: str = "us-east", target: str = "eu-west", id: str = "", dry: bool = False) -> Command:  # noqa: A002
    data = FailoverChanged(
        word="command", group="api", source=source, target=target, title="", epoch=epoch, dry_run=dry
    )
    return Command(id=id or f"e{epoch}", at=0, data=data)


async def carry_out(actor: DnsUpdate, what: Command) -> Result:
    with trio.fail_after(60):
        return await actor.carry_out(what)


async def test_there_and_back_again_and_a_look_that_changes_nothing(part: Part) -> None:
    actor, standing = part.actor(), Standing(serving="us-east", target="eu-west", epoch=0)
    assert await actor.prepare() == ""
    before = await part.serial()
    looks = [await actor.look("api", standing) for _ in range(2)]
    assert [(look.outcome, look.before) for look in looks] == [("reachable", (f"api.{ZONE} A 192.0.2.10",))] * 2
    dry = await carry_out(actor, command(1, dry=True))
    assert dry.outcome == "dry_run"
    assert await part.serial() == before
    assert await part.values() == EAST

    there = await carry_out(actor, command(1))
    assert (there.outcome, there.then) == ("applied", "done")
    assert await part.values() == WEST
    assert await part.values("_epoch.api", "TXT") == ['"1" "e1"']
    again = await carry_out(actor, command(1))
    assert (again.outcome, again.after) == ("applied", there.after)  # at least once, and done once
    assert int(await part.serial()) == int(before) + 1

    back = await carry_out(actor, command(7, "eu-west", "us-east"))  # those between were refused elsewhere
    assert back.outcome == "applied"
    assert await part.values() == EAST
    late = await carry_out(actor, command(5))
    assert (late.outcome, late.then) == ("refused", "stop")
    assert "the epoch at _epoch.api.auth.test. is 7 by then, and the command's is 5" in late.text
    assert await part.values() == EAST
    look = await actor.look("api", Standing(serving="us-east", target="eu-west", epoch=5))
    assert look.outcome == "unreachable"
    assert "another controller commands as well" in look.text


async def test_of_eight_that_race_exactly_one_is_first(part: Part) -> None:
    results: list[Result] = []

    async def race(number: int) -> None:
        results.append(await carry_out(part.actor(), command(1, id=f"of-{number}")))

    async with trio.open_nursery() as nursery:
        for number in range(8):
            nursery.start_soon(race, number)
    assert sorted(result.outcome for result in results) == ["applied"] + ["refused"] * 7
    assert {result.then for result in results if result.outcome == "refused"} == {"stop"}
    assert await part.values() == WEST


async def test_records_that_somebody_else_changed_are_left_alone(part: Part) -> None:
    result = await carry_out(part.actor(), command(1, "eu-west", "us-east"))
    assert (result.outcome, result.then) == ("refused", "stop")
    assert result.text == f"the records are not those of eu-west any more: api.{ZONE} A 192.0.2.10"
    look = await part.actor().look("api", Standing(serving="eu-west", target="us-east", epoch=0))
    assert (look.outcome, look.before) == ("unreachable", (f"api.{ZONE} A 192.0.2.10",))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"secret": OTHER_SECRET}, "the key failover. has another secret"),
        ({"key": "somebody"}, "key_name is to be as it is there"),
        (
            {
                "record": Record(
                    name=DnsName(f"other.{ZONE}"), type="A", values={"us-east": ["192.0.2.99"], "eu-west": WEST}
                )
            },
            "the key failover.",
        ),
    ],
)
async def test_what_the_server_does_not_grant_is_refused_with_the_way_out(
    part: Part, changes: dict[str, object], says: str
) -> None:
    actor, before = part.actor(**changes), await part.serial()  # type: ignore[arg-type]
    look = await actor.look("api", Standing(serving="us-east", target="eu-west", epoch=0))
    result = await carry_out(actor, command(1))
    assert (look.outcome, result.outcome, result.then) == ("unreachable", "refused", "next")
    assert says in look.text
    assert says in result.text
    assert await part.serial() == before
    assert await part.values("other") == ["192.0.2.99"]


@asynccontextmanager
async def relay(server: Daemon, between: Callable[[int], Awaitable[bool]]) -> AsyncIterator[Address]:
    """A way to the server. `between` is awaited with the number of an exchange before the server gets it; False keeps
    the answer back."""
    exchanges = 0

    async def pass_on(stream: trio.SocketStream) -> None:
        nonlocal exchanges
        exchanges += 1
        number = exchanges
        async with stream, await trio.open_tcp_stream(server.address.ip, server.address.port) as inner:
            asked = await stream.receive_some()
            keep = await between(number)
            await inner.send_all(asked)
            answer = await inner.receive_some()
            if keep:
                await stream.send_all(answer)

    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(partial(trio.serve_tcp, pass_on, 0, host="127.0.0.1"))
        yield Address.of("127.0.0.1", listeners[0].socket.getsockname()[1])
        nursery.cancel_scope.cancel()


async def test_an_answer_that_is_lost_is_read_back(server: Daemon, part: Part) -> None:
    """The server carries it out, and its answer goes nowhere."""
    numbers: list[int] = []

    async def lose_the_second(number: int) -> bool:
        numbers.append(number)
        return number != 2  # the first reads the epoch

    async with relay(server, lose_the_second) as at:
        result = await carry_out(part.actor(at=at), command(1))
    assert result.outcome == "applied"
    assert await part.values() == WEST
    assert numbers == [1, 2, 3]


async def test_who_went_there_and_back_meanwhile_is_noticed_by_the_epoch(server: Daemon, part: Part) -> None:
    """The records are as before by then; a controller that had slept would move what was just moved back."""

    async def others_act(number: int) -> bool:
        if number == 2:
            other = part.actor()
            assert (await other.carry_out(command(5))).outcome == "applied"
            assert (await other.carry_out(command(6, "eu-west", "us-east"))).outcome == "applied"
        return True

    async with relay(server, others_act) as at:
        result = await carry_out(part.actor(at=at), command(1))
    assert (result.outcome, result.then) == ("refused", "stop")
    assert "is 6 by then" in result.text
    assert await part.values() == EAST


async def test_a_foreign_epoch_is_not_overwritten(tmp_path: Path) -> None:
    async with updatable_bind(LINES + '_epoch.api TXT "hello"\n') as server:
        part = Part(server, tmp_path)
        result = await carry_out(part.actor(), command(1))
        assert (result.outcome, result.then) == ("refused", "next")
        assert 'is no epoch of ours: "hello"; delete it' in result.text


async def test_an_alias_in_the_epochs_place_is_no_fence(tmp_path: Path) -> None:
    """The server would take the update, and leave the epoch out of it."""
    async with updatable_bind(LINES + "_epoch.api CNAME elsewhere.example.\n") as server:
        part = Part(server, tmp_path)
        result = await carry_out(part.actor(), command(1))
        look = await part.actor().look("api", Standing(serving="us-east", target="eu-west", epoch=0))
        assert (result.outcome, result.then, look.outcome) == ("refused", "next", "unreachable")
        assert result.text.endswith("is an alias, where no epoch can be kept; delete it")
        assert await part.values() == EAST


async def test_nobody_there(part: Part, server: Daemon) -> None:
    server.kill()
    result = await carry_out(part.actor(), command(1))
    assert (result.outcome, result.then, result.sent) == ("failed", "again", False)
