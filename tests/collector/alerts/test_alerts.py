"""Alerts in a whole collector on its real journals, with receivers over real sockets."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trio

from collector.alerts import standard_webhooks
from collector.events import Event, encode_event
from collector.main import Running, main
from parallax.clock import NS, wall_ns
from parallax.config import CollectorConfig
from parallax.values import Address, Cidr
from tests.collector.serving import PLAN, until
from tests.fakes.events import incident
from tests.fakes.receiver import FakeReceiver, fake_receiver
from tests.parts.certificates import Authority

pytestmark = pytest.mark.slow
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


def now(name: str = "i1", change: Any = "opened", **more: Any) -> Event:
    return incident(name, change, at=wall_ns(), **more)


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
            assert got.json["data"]["summary"] == "DNS operator dns-a is dark (Sign-in)"
            await until(lambda: collector.alerts.status[0].delivered == 1)
