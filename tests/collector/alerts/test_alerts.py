"""Alerts in a whole collector on its real journals, with receivers over real sockets."""

import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trio
from click.testing import CliRunner

from collector.alerts.saving import reader_of
from collector.detector import SNAPSHOT
from collector.events import Event, encode_event
from collector.main import Running, _events_limits, main
from collector.tokens import add_token
from parallax import standard_webhooks
from parallax.cli import parallax
from parallax.clock import NS, wall_ns
from parallax.config import CollectorConfig
from parallax.journal import open_journal
from parallax.values import Address, Cidr
from tests.collector.serving import PLAN as CHECK
from tests.collector.serving import Client, until
from tests.fakes.alerts import alert
from tests.fakes.http_server import Peer, response, silent
from tests.fakes.receiver import FakeReceiver, Got, fake_receiver
from tests.parts.certificates import Authority
from tests.parts.ports import free_port

pytestmark = pytest.mark.slow
PLAN = f'{CHECK}\n[[probe]]\nid = "fra1"\n'  # named, so that a plan that changes nothing for it is in force at once
KEY = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
HOOK = '[[receiver]]\nname = "{name}"\nkind = "webhook"\nurl = "{url}"\naddress = "127.0.0.1:{port}"\nkey = "{key}"\n'


def hook(name: str, receiver: FakeReceiver | int, *, https: bool = False, key: str = "secret:HOOK") -> str:
    port = receiver if isinstance(receiver, int) else receiver.port
    url = "https://hooks.example.org/in?team=abc" if https else "http://127.0.0.1/in"
    return HOOK.format(name=name, url=url, port=port, key=key)


def config(folder: Path, plan: str, **more: Any) -> CollectorConfig:
    (folder / "plan.toml").write_text(PLAN + plan)
    secret = folder / "key"
    secret.write_text(KEY)
    secret.chmod(0o600)
    return CollectorConfig(
        state=str(folder / "state"),
        plan=str(folder / "plan.toml"),
        listen=Address("127.0.0.1:0"),
        secrets={"HOOK": f"file:{secret}"},
        allow=[Cidr("127.0.0.0/8")],
        **more,
    )


@asynccontextmanager
async def running(loaded: CollectorConfig) -> AsyncIterator[Running]:
    async with trio.open_nursery() as nursery:
        yield await nursery.start(main, loaded)
        nursery.cancel_scope.cancel()


async def happen(collector: Running, *events: Event) -> None:
    await collector.stores.events.append([encode_event(event) for event in events])


EVERYBODY = ("ops", "bare", "pager", "live", "dead", "ill", "log", "first", "second")


def now(name: str = "i1", change: Any = "opened", *to: str, **more: Any) -> Event:
    return alert(name, change, *(to or EVERYBODY), at=wall_ns(), **more)


async def test_an_incident_is_told_signed_over_https_to_the_pinned_address(tmp_path: Path) -> None:
    authority = Authority()
    async with fake_receiver(certificate=authority.leaf("hooks.example.org")) as receiver:
        loaded = config(tmp_path, hook("ops", receiver, https=True), ca=authority.write(tmp_path))
        async with running(loaded) as collector:
            await happen(collector, now())
            [got] = await receiver.wait_got(1)
            assert got.headers["host"] == "hooks.example.org"
            assert got.headers["content-type"] == "application/json"
            key = standard_webhooks.key_of(KEY)
            assert standard_webhooks.verify(key, got.headers, got.body, wall_ns() / NS) == "i1-opened"
            assert got.json["data"]["summary"].startswith("DNS operator dns-a is dark (Sign-in)")
            await until(lambda: collector.alerts.status[0].delivered == 1)


def standing(collector: Running, name: str) -> tuple[int, str, int]:
    status = {each.name: each for each in collector.alerts.status}[name]
    return status.waiting, status.state, status.delivered


async def test_a_dead_receiver_does_not_slow_a_live_one(tmp_path: Path) -> None:
    async with fake_receiver() as live, fake_receiver() as dead, fake_receiver(lambda got: 500) as ill:
        dead.server.behaviour = silent
        loaded = config(tmp_path, hook("dead", dead) + hook("ill", ill) + hook("live", live))
        async with running(loaded) as collector:
            took = []
            for number in range(20):
                began = trio.current_time()
                await happen(collector, now(f"i{number}"))
                await live.wait_got(number + 1)
                took.append(trio.current_time() - began)
            assert sorted(took)[10] < 2, "less than the 5 s that a try at the dead one takes"
            await until(lambda: standing(collector, "ill") == (20, "failing", 0))
            assert standing(collector, "dead")[2] == 0
            assert [got.id for got in live.got] == [f"i{number}-opened" for number in range(20)]


async def test_each_gets_what_is_for_it(tmp_path: Path) -> None:
    async with (
        fake_receiver() as pager,
        fake_receiver() as log,
        running(config(tmp_path, hook("pager", pager) + hook("log", log))) as collector,
    ):
        await happen(collector, now(), now("i2", "opened", "log"))
        await log.wait_got(2)
        await happen(collector, now("i1", "resolved", "pager"))
        assert [got.id for got in await pager.wait_got(2)] == ["i1-opened", "i1-resolved"]
        assert sorted(got.id for got in log.got) == ["i1-opened", "i2-opened"]


async def test_a_restart_in_mid_incident_says_nothing_twice(tmp_path: Path) -> None:
    async with fake_receiver() as receiver:
        loaded = config(tmp_path, hook("ops", receiver))
        async with running(loaded) as collector:
            await happen(collector, now())
            await until(lambda: collector.alerts.status[0].delivered == 1)
            await until(lambda: collector.stores.events.cursor(reader_of("ops")) > 0)
        async with running(loaded) as collector:
            await happen(collector, now(change="resolved"))
            await receiver.wait_got(2)
            await until(lambda: collector.alerts.status[0].delivered == 1)
        assert [got.id for got in receiver.got] == ["i1-opened", "i1-resolved"]
        assert receiver.got[1].json["data"]["summary"].startswith("Over after 4 min: DNS operator dns-a is dark")


async def test_the_plan_brings_receivers_and_takes_them_away(tmp_path: Path) -> None:
    async with fake_receiver() as first, fake_receiver() as second:
        loaded = config(tmp_path, hook("first", first))
        plan = Path(loaded.plan)
        async with running(loaded) as collector:
            events = collector.stores.events

            def names() -> set[str]:
                return {each.name for each in collector.alerts.status}

            await happen(collector, now())
            await first.wait_got(1)
            plan.write_text(PLAN + hook("first", first) + hook("second", second))
            await until(lambda: reader_of("second") in events.cursors)
            await happen(collector, now("i2"))
            await second.wait_got(1)
            await first.wait_got(2)
            plan.write_text(PLAN + hook("second", second))
            await until(lambda: names() == {"second"} and reader_of("first") not in events.cursors)
            assert events.mark("alerts first") is None
            await happen(collector, now("i3"))
            await second.wait_got(2)
            plan.write_text(PLAN + hook("first", first) + hook("second", second))
            await until(lambda: reader_of("first") in events.cursors)
            await happen(collector, now("i4"))
            await second.wait_got(3)
            await first.wait_got(3)
        assert [got.id for got in first.got] == ["i1-opened", "i2-opened", "i4-opened"]
        assert [got.id for got in second.got] == ["i2-opened", "i3-opened", "i4-opened"]


async def test_a_receiver_that_moves_takes_its_place_along(tmp_path: Path) -> None:
    async with fake_receiver(lambda got: 500) as old, fake_receiver() as new:
        loaded = config(tmp_path, hook("ops", old))
        async with running(loaded) as collector:
            await happen(collector, now())
            await old.wait_got(1)
            Path(loaded.plan).write_text(PLAN + hook("ops", new))
            [got] = await new.wait_got(1)
            assert got.id == "i1-opened"


async def test_what_cannot_be_told_is_said_and_harms_nothing(tmp_path: Path) -> None:
    async with fake_receiver() as receiver:
        pager = '[[receiver]]\nname = "pager"\nkind = "pagerduty"\nkey = "secret:PD"\n'
        loaded = config(tmp_path, pager + hook("bare", receiver, key="secret:NONE") + hook("ops", receiver))
        async with running(loaded) as collector:
            await happen(collector, now())
            await receiver.wait_got(1)
            await until(lambda: [each.state for each in collector.alerts.status] == ["failing", "failing", "ok"])
            status = {each.name: each for each in collector.alerts.status}
            assert list(status) == ["pager", "bare", "ops"]
            assert "has no PD under [secrets]" in status["pager"].last_word
            assert "has no NONE under [secrets]" in status["bare"].last_word


async def test_a_test_message_is_sent_at_once_and_told_of(tmp_path: Path) -> None:
    async with fake_receiver() as receiver:
        loaded = config(tmp_path, hook("ops", receiver) + hook("dead", 1))
        async with running(loaded) as collector, await connect(collector) as stream:
            client = Client(stream)

            async def test(name: str, token: str) -> Any:
                return await client.request("POST", f"/v1/receivers/test?receiver={name}", token=token)

            reply = await test("ops", collector.token)
            assert (reply.status, reply.json["delivered"], reply.json["words"]) == (200, True, "answered 204")
            assert (receiver.got[0].type, receiver.got[0].json["data"]["receiver"]) == ("test", "ops")
            reply = await test("dead", collector.token)
            assert (reply.json["delivered"], reply.json["words"].partition(":")[0]) == (False, "refused")
            reply = await test("nobody", collector.token)
            assert (reply.status, reply.json["message"]) == (
                404, "the plan in force has no receiver 'nobody'; it has: ops, dead",
            )  # fmt: skip
            viewer = add_token(collector.state, "viewer", "eve")
            assert (await test("ops", viewer)).status == 403
            status = (await client.request("GET", "/v1/status", token=viewer)).json
            assert [each["name"] for each in status["receivers"]] == ["ops", "dead"]


async def test_the_command_line_tries_a_receiver(tmp_path: Path) -> None:
    async with (
        fake_receiver() as receiver,
        running(config(tmp_path, hook("ops", receiver) + hook("dead", 1))) as collector,
    ):

        async def run(*arguments: str) -> tuple[int, str]:
            every = [*arguments, "--state", str(collector.state)]
            result = await trio.to_thread.run_sync(CliRunner().invoke, parallax, every)
            return result.exit_code, result.output

        status, said = await run("alert", "test", "ops")
        assert (status, said.partition(" s)")[0][:-4]) == (0, "ops: delivered (answered 204; ")
        status, said = await run("alert", "test", "dead")
        assert status == 1
        assert said.startswith("dead: not delivered (refused: ")
        assert await run("alert", "test", "a b/ü") == (
            2, "parallax: the plan in force has no receiver 'a b/ü'; it has: ops, dead\n",
        )  # fmt: skip
        status, said = await run("status")
        assert "receiver   ops: 0 delivered, 0 waiting; nothing was sent yet\n" in said


async def test_a_test_message_that_is_taken_enables_a_receiver(tmp_path: Path) -> None:
    async with (
        fake_receiver(lambda got: 410) as receiver,
        running(config(tmp_path, hook("ops", receiver))) as collector,
    ):
        await happen(collector, now())
        await until(lambda: collector.alerts.status[0].state == "disabled")
        receiver.answer = lambda got: 204
        tested = await collector.alerts.test("ops")
        assert tested is not None
        assert tested.delivered
        await happen(collector, now("i2"))
        assert (await receiver.wait_got(3))[2].id == "i2-opened"


async def test_kill_9_between_delivery_and_commit_says_it_again_under_the_same_id(tmp_path: Path) -> None:
    """Whoever gets the message kills the collector, before or just after the answer. Every alert comes, and a repeat
    has the id of the first."""
    async with fake_receiver() as receiver:
        loaded = config(tmp_path, hook("ops", receiver))
        async with running(loaded) as collector:
            await until(lambda: reader_of("ops") in collector.stores.events.cursors)
            await until(lambda: collector.stores.events.mark(SNAPSHOT) is not None)  # detection has begun
        rounds = 4
        for number in range(rounds):
            async with open_journal(tmp_path / "state" / "events.db", _events_limits(loaded)) as events:
                await events.append([encode_event(now(f"k{number}"))])
            killed = start(loaded)

            def kill(got: Got, killed: subprocess.Popen[bytes] = killed) -> int:
                killed.send_signal(signal.SIGKILL)
                return 204

            async def answer_and_kill(peer: Peer, killed: subprocess.Popen[bytes] = killed) -> None:
                await peer.send(response(204))
                killed.send_signal(signal.SIGKILL)

            before = len(receiver.got)
            receiver.answer = kill if number % 2 == 0 else lambda got, act=answer_and_kill: act  # type: ignore[misc]
            try:
                await receiver.wait_got(before + 1, within_s=30)
            finally:
                killed.kill()
                await trio.to_thread.run_sync(killed.wait)
        receiver.answer = lambda got: 204
        async with running(loaded) as collector:
            await until(lambda: collector.stores.events.cursor(reader_of("ops")) >= 1)
            await happen(collector, now("end"))
            with trio.fail_after(60):
                while receiver.got[-1].id != "end-opened":
                    await receiver.wait_got(len(receiver.got) + 1)
        ids = [got.id for got in receiver.got]
        assert set(ids) == {*(f"k{number}-opened" for number in range(rounds)), "end-opened"}
        assert len(ids) > len(set(ids))  # a kill before the answer always leads to a repeat


def start(loaded: CollectorConfig) -> subprocess.Popen[bytes]:
    folder = Path(loaded.state).parent
    (folder / "collector.toml").write_text(
        f'state = "{loaded.state}"\nplan = "{loaded.plan}"\nlisten = "127.0.0.1:{free_port()}"\n'
        'allow = ["127.0.0.0/8"]\n'
        f'[secrets]\nHOOK = "file:{folder / "key"}"\n'
    )
    command = [sys.executable, "-m", "parallax", "collector", "--config", str(folder / "collector.toml")]
    return subprocess.Popen(command, stderr=subprocess.DEVNULL, env=dict(os.environ))


async def connect(collector: Running) -> trio.SocketStream:
    return await trio.open_tcp_stream(collector.address.ip, collector.address.port)
