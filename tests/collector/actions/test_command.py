"""The signed command, over a socket: what is sent, and what each answer means for it."""

from pathlib import Path

import msgspec
import pytest
import trio

from collector.actions.actor import Command, Result, Standing
from collector.actions.command import LARGEST, SignedCommand, command_body, result_of
from collector.events import FailoverChanged, RuleOutcome
from parallax.clock import NS, wall_ns
from parallax.config import CollectorConfig
from parallax.dialling.post import Answer, LookUp, look_up
from parallax.plan.failover_types import Action
from parallax.standard_webhooks import key_of, verify
from parallax.values import Address, Cidr, Url
from tests.fakes.http_server import Peer
from tests.fakes.receiver import fake_receiver

KEY = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
STANDING = Standing(serving="east", target="west", epoch=6)
COMMAND = Command(
    id="e7", at=0, data=FailoverChanged(word="command", group="api", source="east", target="west", title="", epoch=7)
)


def actor(folder: Path, port: int | None, key: str = KEY, look_up: LookUp = look_up) -> SignedCommand:
    file = folder / "key"
    file.write_text(key)
    file.chmod(0o600)
    action = Action(
        name="automation", kind="command", url=Url("http://automation.test/switch"), key="secret:KEY",
        address=Address.of("127.0.0.1", port) if port is not None else None,
    )  # fmt: skip
    config = CollectorConfig(state="", plan="", secrets={"KEY": f"file:{file}"}, allow=[Cidr("127.0.0.0/8")])
    return SignedCommand(action, config, look_up)


async def carry_out(acting: SignedCommand) -> Result:
    with trio.fail_after(60):
        return await acting.carry_out(COMMAND)


async def test_a_command_is_signed_and_a_look_is_a_dry_run_of_the_next_one(tmp_path: Path):
    async with fake_receiver() as receiver:
        acting = actor(tmp_path, receiver.port)
        assert await acting.prepare() == ""
        assert (await carry_out(acting)).outcome == "applied"
        assert (await acting.look("api", STANDING)).outcome == "reachable"
    command, look = receiver.got
    assert verify(key_of(KEY), command.headers, command.body, wall_ns() / NS) == "e7"
    assert verify(key_of(KEY), look.headers, look.body, wall_ns() / NS).startswith("look-api-")
    assert (command.json["data"]["epoch"], command.json["data"]["dry_run"]) == (7, False)
    assert (look.json["type"], look.json["data"]["epoch"], look.json["data"]["dry_run"]) == (
        "failover.command",
        7,
        True,
    )
    assert (look.json["data"]["from"], look.json["data"]["to"]) == ("east", "west")
    assert look.json["data"]["expected_current"] == "east"


async def test_where_it_goes_is_found_by_what_finds_receivers(tmp_path: Path):
    """What remembers addresses while the DNS that is watched is gone."""
    asked: list[str] = []
    async with fake_receiver() as receiver:

        async def look_up(host: str, port: int) -> list[Address]:
            asked.append(host)
            return [Address.of("127.0.0.1", receiver.port)]

        acting = actor(tmp_path, None, look_up=look_up)
        assert (await carry_out(acting)).outcome == "applied"
    assert asked == ["automation.test"]


async def test_who_refuses_a_dry_run_cannot_be_reached(tmp_path: Path):
    async with fake_receiver(lambda got: 409) as receiver:
        look = await actor(tmp_path, receiver.port).look("api", STANDING)
    assert (look.outcome, look.then) == ("unreachable", "done")


async def test_nobody_there_and_nobody_who_answers(tmp_path: Path):
    async def close(peer: Peer) -> None:
        await peer.stream.aclose()

    async with fake_receiver(lambda got: close) as receiver:
        came = await carry_out(actor(tmp_path, receiver.port))
        assert (came.outcome, came.then, came.sent) == ("failed", "again", True)
    came = await carry_out(actor(tmp_path, receiver.port))
    assert (came.outcome, came.then, came.sent) == ("failed", "again", False)


async def test_a_key_that_is_wrong_sends_nothing_and_is_read_again(tmp_path: Path):
    async with fake_receiver() as receiver:
        acting = actor(tmp_path, receiver.port, "hunter2")
        assert "a webhook key has 24 to 64" in await acting.prepare()
        came = await carry_out(acting)
        assert (came.outcome, came.then, came.sent, receiver.got) == ("failed", "next", False, [])
        assert "hunter2" not in came.text
        (tmp_path / "key").write_text(KEY)
        assert (await carry_out(acting)).outcome == "applied"


@pytest.mark.parametrize(
    ("status", "outcome", "then"),
    [
        (200, "applied", "done"), (202, "applied", "done"), (204, "applied", "done"),
        (301, "refused", "next"), (308, "refused", "next"),
        (400, "refused", "next"), (401, "refused", "next"), (403, "refused", "next"), (404, "refused", "next"),
        (408, "failed", "again"), (409, "refused", "stop"), (410, "refused", "next"), (412, "refused", "stop"),
        (422, "refused", "next"), (425, "failed", "again"), (429, "failed", "again"),
        (500, "failed", "again"), (502, "failed", "again"), (503, "failed", "again"), (599, "failed", "again"),
    ],
)  # fmt: skip
def test_the_answers(status: int, outcome: str, then: str):
    result = result_of(Answer(status=status), dry_run=False)
    assert (result.outcome, result.then) == (outcome, then)
    assert str(status) in result.text


def test_who_asks_to_be_left_alone_is_for_a_while():
    waits = [result_of(Answer(status=429, retry_after_s=s), dry_run=False).wait_s for s in (None, 3.0, -1.0, 3600.0)]
    assert waits == [0.0, 3.0, 0.0, 15.0]


def test_a_body_stays_small_whatever_it_rests_on():
    long = "ü" * 5000
    rules = tuple(RuleOutcome(id="S1", ok=False, why=long, overridden_by=long) for _ in range(20))
    data = msgspec.structs.replace(
        COMMAND.data, title=long, why=long, rules=rules, evidence={f"{n}{long}": long for n in range(50)},
        components=(long,) * 50,
    )  # fmt: skip
    body = command_body(Command(id="e", at=0, data=data))
    assert len(body) < LARGEST
    assert msgspec.json.decode(body)["data"]["epoch"] == 7
