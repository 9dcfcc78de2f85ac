"""A real Alertmanager takes alerts by its input API, shows them, closes them, and tells them on."""

import json
from typing import Any

import pytest
import trio

from collector.alerts.notification import Notification
from collector.alerts.receivers import RECEIVERS
from collector.alerts.sender import Sender
from parallax.clock import NS, wall_ns
from parallax.config import CollectorConfig
from parallax.dialling.post import Answer
from parallax.plan.alert_types import Receiver
from parallax.values import Cidr, Url
from tests.fakes.notifications import EVERY, changed, nasty, notification
from tests.fakes.receiver import fake_receiver
from tests.parts.alertmanager import alertmanager

CONFIG = CollectorConfig(state="s", plan="p", allow=[Cidr("127.0.0.0/8")])


def sender(kind: str, url: str) -> Sender:
    from parallax.dialling.post import look_up

    return RECEIVERS[kind](Receiver(name="am", kind=kind, url=Url.parse(url)), CONFIG, look_up=look_up)


def now_open(change: Any = "opened", **more: Any) -> Notification:
    data = changed(change, at=wall_ns() - 60 * NS, **more)
    return notification(data, phase="resolve" if change == "resolved" else "trigger")


@pytest.mark.slow
async def test_alertmanager_takes_shows_and_closes_them() -> None:
    async with fake_receiver() as told_on, alertmanager(f"http://127.0.0.1:{told_on.port}/") as server:
        to = sender("alertmanager", server.url)
        assert to.again_s == 60
        with trio.fail_after(60):
            assert await to.send(now_open()) == Answer(status=200)
            [shown] = server.alerts()
            assert await to.send(now_open("updated")) == Answer(status=200)
            assert len(server.alerts()) == 1  # the same labels are the same alert
            [first] = await told_on.wait_got(1)
            assert await to.send(now_open("resolved")) == Answer(status=200)
            last = (await told_on.wait_got(2))[-1]
            assert server.alerts() == []
            for told in [*EVERY.values(), nasty()]:
                assert await to.send(told) == Answer(status=200), told.key
    assert shown["status"]["state"] == "active"
    assert shown["labels"]["parallax_key"] == "i1"
    assert shown["annotations"]["summary"].startswith("DNS operator dns-a is dark (Sign-in); since ")
    assert shown["generatorURL"].startswith("https://parallax.example.org/")
    assert (first.json["status"], last.json["status"]) == ("firing", "resolved")


@pytest.mark.slow
async def test_our_webhook_has_the_fields_of_alertmanagers_own() -> None:
    async with (
        fake_receiver() as theirs,
        fake_receiver() as ours,
        alertmanager(f"http://127.0.0.1:{theirs.port}/") as am,
    ):
        with trio.fail_after(60):
            await sender("alertmanager", am.url).send(now_open())
            [right] = await theirs.wait_got(1)
        assert (await sender("alertmanager-webhook", f"http://127.0.0.1:{ours.port}/").send(now_open())).status == 204
    sent, model = json.loads(ours.got[0].body), right.json

    def shape(value: Any) -> Any:
        if isinstance(value, dict):
            return {
                name: shape(each) for name, each in value.items() if "abels" not in name and "nnotations" not in name
            }
        return [shape(each) for each in value] if isinstance(value, list) else type(value)

    assert shape(sent) == shape(model)
