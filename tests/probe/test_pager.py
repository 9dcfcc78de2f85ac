"""A probe pages by itself: over real sockets, to a receiver that does as told."""

import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
import trio

from parallax.clock import wall_ns
from parallax.config import ProbeConfig
from parallax.standard_webhooks import key_of, verify
from parallax.values import Address, Family, Url
from parallax.watch_config import Pager
from probe.pager import SelfPager
from probe.shipping import ShippingState
from probe.uplink import Uplink
from tests.fakes.probes import probe_config
from tests.fakes.receiver import FakeReceiver, fake_receiver

pytestmark = pytest.mark.slow

KEY = "whsec_" + base64.b64encode(b"k" * 32).decode()


class FakeShipper:
    """What a probe knows of one collector: takes batches every 50 ms while `up`."""

    name = "https://collector.example"

    def __init__(self) -> None:
        self.state, self.up = ShippingState(position=0), True

    async def serve(self) -> None:
        while True:
            self.state.word = "" if self.up else "refused"
            self.state.batches += self.up
            await trio.sleep(0.05)


class Host:
    """Probes on one host, that all ship to one collector and page one receiver."""

    def __init__(self, folder: Path, receiver: FakeReceiver, kind: str = "webhook") -> None:
        (folder / "key").write_text(KEY)
        (folder / "key").chmod(0o600)
        self.folder, self.shipper, self.fine = folder, FakeShipper(), True
        self.pager = Pager(
            kind=kind,  # type: ignore[arg-type]
            url=Url(f"http://127.0.0.1:{receiver.port}/page"),
            key=f"file:{folder / 'key'}",
            after=0.5,  # type: ignore[arg-type]
        )

    async def dial(self, control: Address) -> bool | None:
        await trio.lowlevel.checkpoint()
        return self.fine

    @asynccontextmanager
    async def probe(self, name: str) -> AsyncIterator[None]:
        config: ProbeConfig = msgspec.structs.replace(probe_config(self.folder, 1), id=name)
        state = self.folder / name
        state.mkdir(exist_ok=True)
        uplinks: dict[Family, Uplink] = {4: Uplink([Address("192.0.2.1:53")], self.dial)}
        watch = SelfPager(config, self.pager, state, [self.shipper], uplinks, calm_s=0.5)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(uplinks[4].serve)
            nursery.start_soon(self.shipper.serve)
            nursery.start_soon(watch.serve)
            yield
            nursery.cancel_scope.cancel()


async def test_two_probes_page_with_one_key_and_close_it_when_the_collector_is_back(tmp_path: Path) -> None:
    async with fake_receiver() as receiver:
        host = Host(tmp_path, receiver)
        async with host.probe("fra1"), host.probe("nyc1"):
            host.shipper.up = False
            got = await receiver.wait_got(2)
            for each in got:
                verify(key_of(KEY), each.headers, each.body, wall_ns() / 1e9)
            said = [each.json["data"] for each in got]
            assert {each["dedup_key"] for each in said} == {"collector-down"}
            assert {each["phase"] for each in said} == {"trigger"}
            assert sorted(each["probe"] for each in said) == ["fra1", "nyc1"]
            assert all("(refused)" in each["summary"] for each in said)
            assert len({each.id for each in got}) == 2
            host.shipper.up = True
            got = (await receiver.wait_got(4))[2:]
            assert [(each.json["data"]["dedup_key"], each.json["data"]["phase"]) for each in got] == [
                ("collector-down", "resolve")
            ] * 2


async def test_one_that_was_started_anew_closes_what_it_opened(tmp_path: Path) -> None:
    async with fake_receiver() as receiver:
        host = Host(tmp_path, receiver, kind="pagerduty")
        host.shipper.up = False
        async with host.probe("fra1"):
            await receiver.wait_got(1)
        host.shipper.up = True
        async with host.probe("fra1"):
            await receiver.wait_got(2)
        first, last = (json.loads(each.body) for each in receiver.got)
        assert (first["event_action"], first["dedup_key"], first["payload"]["severity"]) == (
            "trigger", "collector-down", "critical",
        )  # fmt: skip
        assert last == {"routing_key": KEY, "event_action": "resolve", "dedup_key": "collector-down"}
        assert list((tmp_path / "fra1").iterdir()) == []


async def test_it_says_nothing_without_an_uplink_and_tries_again_what_is_not_taken(tmp_path: Path) -> None:
    async with fake_receiver() as receiver:
        host = Host(tmp_path, receiver)
        host.fine, host.shipper.up = False, False
        receiver.answer = lambda got: 503 if len(receiver.got) < 1 else 204
        async with host.probe("fra1"):
            with trio.move_on_after(2.5):
                await receiver.wait_got(1)
            assert receiver.got == []
            host.fine = True
            assert len(await receiver.wait_got(2)) == 2
            assert {each.json["data"]["phase"] for each in receiver.got} == {"trigger"}
