"""Where receivers are while resolvers fail: in virtual time, and once with a real resolver that dies."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from collector.alerts.names import ASK_S, FRESH_S, MARK, Names
from collector.alerts.notification import Notification
from collector.alerts.webhook import Webhook
from parallax.config import CollectorConfig
from parallax.dialling.post import Answer
from parallax.journal import Limits, open_journal
from parallax.plan.alert_types import Receiver
from parallax.values import Address, Cidr, Url
from tests.collector.serving import until
from tests.fakes.dns_server import dns_server, with_records
from tests.fakes.inputs import MemoryInputs
from tests.fakes.receiver import FakeReceiver, fake_receiver

Asked = Callable[[str, int], Awaitable[list[Address]]]


class Resolver:
    """`answer` is the hook: addresses, None for one that hangs, or what it raises."""

    def __init__(self, *ips: str) -> None:
        self.answer: list[str] | OSError | None = list(ips)
        self.asked = 0

    async def __call__(self, host: str, port: int) -> list[Address]:
        self.asked += 1
        await trio.sleep(0.05)
        if self.answer is None:
            await trio.sleep_forever()
        if isinstance(self.answer, OSError):
            raise self.answer
        assert self.answer is not None
        return [Address.of(ip, port) for ip in self.answer]


GONE = OSError("Temporary failure in name resolution")


@asynccontextmanager
async def naming(events: MemoryInputs, *resolvers: Resolver) -> AsyncIterator[Names]:
    names = Names(events, system=resolvers[0])  # type: ignore[arg-type]
    names._lookups += resolvers[1:]
    async with trio.open_nursery() as nursery:
        nursery.start_soon(names.run)
        yield names
        nursery.cancel_scope.cancel()


async def test_the_first_resolver_that_finds_it_wins(autojump_clock: MockClock) -> None:
    dead, wrong, right = Resolver(), Resolver(), Resolver("192.0.2.1")
    dead.answer, wrong.answer = None, GONE
    async with naming(MemoryInputs(), dead, wrong, right) as names:
        assert await names.find("hooks.example", 443) == ["192.0.2.1:443"]
        assert trio.current_time() < ASK_S


async def test_nobody_who_answers_is_said_in_time(autojump_clock: MockClock) -> None:
    dead, wrong = Resolver(), Resolver()
    dead.answer, wrong.answer = None, GONE
    async with naming(MemoryInputs(), dead, wrong) as names:
        began = trio.current_time()
        with pytest.raises(OSError, match="Temporary failure"):
            await names.find("hooks.example", 443)
        assert trio.current_time() - began == pytest.approx(ASK_S)


async def test_what_was_found_outlives_the_resolver_and_the_process(autojump_clock: MockClock) -> None:
    resolver, events = Resolver("192.0.2.1", "2001:db8::1"), MemoryInputs()
    found = ["192.0.2.1:443", "[2001:db8::1]:443"]
    async with naming(events, resolver) as names:
        assert await names.find("hooks.example", 443) == found
        await trio.sleep(1)
    resolver.answer = GONE
    async with naming(events, resolver) as names:
        for _ in range(5):
            began = trio.current_time()
            assert await names.find("hooks.example", 443) == found
            assert trio.current_time() == began, "nothing waits for a resolver"
            await trio.sleep(10)
        assert resolver.asked == 2, "asked once at the start, and not at every delivery"
        resolver.answer = ["192.0.2.9"]
        await trio.sleep(FRESH_S)
        await names.find("hooks.example", 443)
        await trio.sleep(1)
        assert await names.find("hooks.example", 443) == ["192.0.2.9:443"]
    assert events.mark(MARK) == b'{"hooks.example":["192.0.2.9"]}'


async def test_a_name_that_was_never_found_has_the_plans_fallback(autojump_clock: MockClock) -> None:
    resolver = Resolver()
    resolver.answer = GONE
    async with naming(MemoryInputs(), resolver) as names:
        look_up = names.for_receiver([Address("192.0.2.7:8443")])
        assert await look_up("hooks.example", 443) == ["192.0.2.7:8443"]
        with pytest.raises(OSError, match="Temporary failure"):
            await names.for_receiver([])("hooks.example", 443)


@pytest.mark.parametrize("mark", [b"", b"{", b"[]", b'{"a": ["no address"]}', b'{"a": 1}', b"\xff"])
async def test_a_mark_that_does_not_decode_is_forgotten(mark: bytes, autojump_clock: MockClock) -> None:
    events, resolver = MemoryInputs(), Resolver("192.0.2.1")
    await events.append([], {MARK: mark})
    async with naming(events, resolver) as names:
        assert await names.find("a", 443) == ["192.0.2.1:443"]


async def test_a_webhook_by_name_is_delivered_after_a_restart_while_the_dns_is_dead(tmp_path: Path) -> None:
    trial = Notification(id="e1", at=0, phase="test", alert=None, key="e1", receiver="ops")
    key = tmp_path / "key"
    key.write_text("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    key.chmod(0o600)
    config = CollectorConfig(state="s", plan="p", secrets={"HOOK": f"file:{key}"}, allow=[Cidr("127.0.0.0/8")])
    limits = Limits(max_bytes=10**7, max_age_s=10**6, ballast_bytes=0)
    system = Resolver()
    system.answer = GONE

    async def send(receiver: FakeReceiver, resolver: Address) -> Answer:
        """A whole life of the process."""
        url = Url.parse(f"http://hooks.example:{receiver.port}/in")
        ops = Receiver(name="ops", kind="webhook", url=url, key="secret:HOOK")
        async with open_journal(tmp_path / "events.db", limits) as events, trio.open_nursery() as nursery:
            names = Names(events, [resolver], system=system)
            nursery.start_soon(names.run)
            hook = Webhook(ops, config, look_up=names.for_receiver([]))
            assert await hook.prepare() == ""
            answer = await hook.send(trial)
            if system.asked == 1:  # the first life: what was found is on disk before it ends
                await until(lambda: events.mark(MARK) is not None)
            nursery.cancel_scope.cancel()
        return answer

    async with fake_receiver() as receiver:
        async with dns_server(udp=with_records("hooks.example. 60 IN A 127.0.0.1")) as server:
            assert (await send(receiver, server.address)).status == 204
            asked = len(server.asked)
            assert asked > 0
        assert (await send(receiver, server.address)).status == 204
        assert len(receiver.got) == 2
