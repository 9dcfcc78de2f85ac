"""The kinds that take one POST, over real sockets: where it goes, what goes with it, and what an answer comes to."""

import base64
import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest
import trio
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from collector.alerts.notification import Notification
from collector.alerts.outcomes import outcome_of
from collector.alerts.receivers import RECEIVERS
from collector.alerts.sender import Sender
from parallax.config import CollectorConfig
from parallax.dialling.post import Answer, look_up
from parallax.plan.alert_types import Receiver
from parallax.standard_webhooks import key_of, private_key_of, public_text, verify
from parallax.values import Cidr, Url
from tests.fakes.http_server import Peer, response
from tests.fakes.notifications import EVERY
from tests.fakes.receiver import FakeReceiver, Got, fake_receiver

TOLD = EVERY["incident.opened"]
SECRET_URLS = ("slack", "discord", "teams", "grafana-irm", "ntfy")


def secrets(folder: Path, texts: Mapping[str, str]) -> dict[str, str]:
    for name, text in texts.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o600)
    return {name: f"file:{folder / name}" for name in texts}


def sender(folder: Path, kind: str, texts: Mapping[str, str], **more: Any) -> Sender:
    config = CollectorConfig(
        state="s", plan="p", allow=[Cidr("127.0.0.0/8")], secrets=secrets(folder, texts), page=Url("https://p.example")
    )
    return RECEIVERS[kind](Receiver(name="ops", kind=kind, **({"key": "secret:KEY"} | more)), config, look_up=look_up)


async def sent(to: Sender, told: Notification = TOLD) -> Answer:
    with trio.fail_after(60):
        return await to.send(told)


def here(receiver: FakeReceiver, path: str = "/in/s3cret") -> str:
    return f"http://127.0.0.1:{receiver.port}{path}"


@pytest.mark.parametrize("kind", SECRET_URLS)
async def test_the_url_is_the_secret(kind: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with fake_receiver() as receiver:
        to = sender(tmp_path, kind, {"KEY": here(receiver)})
        assert await to.prepare() == ""
        assert await sent(to) == Answer(status=204)
    target = b"POST /in/ HTTP" if kind == "ntfy" else b"POST /in/s3cret HTTP"
    assert receiver.server.asked[0].startswith(target)
    assert "authorization" not in receiver.got[0].headers
    answer = await sent(to)  # nobody is there any more
    assert answer.failure == "refused"
    said = f"{answer} {answer.words} {caplog.text} {[record.__dict__ for record in caplog.records]}"
    assert "s3cret" not in said


@pytest.mark.parametrize(
    "text", ["hooks.example.org/s3cret", "ftp://x/s3cret", "https://u:s3cret@x.example/", "s3cret x"]
)
async def test_a_secret_that_is_no_url_is_not_quoted(text: str, tmp_path: Path) -> None:
    to = sender(tmp_path, "slack", {"KEY": text})
    assert await to.prepare() == "KEY is no URL; it is the whole URL to post to, https://..."
    answer = await sent(to)
    assert (answer.failure, outcome_of(answer).action) == ("secret", "slow")
    secrets(tmp_path, {"KEY": "http://127.0.0.1:9/"})  # mended
    assert (await sent(to)).failure == "refused"


@pytest.mark.parametrize("kind", ["pagerduty", "alertmanager", "alertmanager-webhook", "ntfy"])
async def test_a_url_of_the_plan_and_a_token(kind: str, tmp_path: Path) -> None:
    async with fake_receiver(lambda got: 202) as receiver:
        to = sender(tmp_path, kind, {"KEY": "t0ken"}, url=Url(here(receiver, "/a/b")))
        assert await sent(to) == Answer(status=202)
    [got] = receiver.got
    if kind == "pagerduty":
        assert (got.json["routing_key"], got.json["event_action"]) == ("t0ken", "trigger")
    else:
        assert got.headers["authorization"] == "Bearer t0ken"


async def test_a_secret_that_is_missing_is_named(tmp_path: Path) -> None:
    problem = 'the collector\'s config has no KEY under [secrets]; add KEY = "file:PATH"'
    assert await sender(tmp_path, "teams", {}).prepare() == problem
    assert await sent(sender(tmp_path, "pagerduty", {})) == Answer(failure="secret", detail=problem)


async def test_pagerduty_has_an_address_of_its_own(tmp_path: Path) -> None:
    async with fake_receiver() as receiver:
        to = sender(tmp_path, "pagerduty", {"KEY": "k"}, address=receiver.server.address)
        with trio.move_on_after(1):
            assert (await to.send(TOLD)).status is None  # the fake speaks no TLS
    assert receiver.got == []
    assert receiver.server.accepted == 1


async def test_a_picture_that_is_refused_is_left_out(tmp_path: Path) -> None:
    def picky(got: Got) -> int:
        return 400 if got.headers["content-type"].startswith("multipart/") else 204

    async with fake_receiver(picky) as receiver:
        to = sender(tmp_path, "discord", {"KEY": here(receiver)})
        assert await sent(to, msgspec.structs.replace(TOLD, chart=b"\x89PNG")) == Answer(status=204)
    assert len(receiver.got) == 2
    assert b"\x89PNG" in receiver.got[0].body
    assert json.loads(receiver.got[1].body)["content"]


async def test_what_is_said_of_a_throttle_is_heeded(tmp_path: Path) -> None:
    async def throttles(peer: Peer) -> None:
        await peer.send(response(429, b'{"message": "slow down", "retry_after": 2.5}'))

    async with fake_receiver(lambda got: throttles) as receiver:
        answer = await sent(sender(tmp_path, "discord", {"KEY": here(receiver)}))
    assert answer == Answer(status=429, retry_after_s=2.5)
    assert outcome_of(answer).wait_s == 2.5


async def test_several_at_once_reach_it_and_a_failure_of_one_is_not_anothers(tmp_path: Path) -> None:
    seen: list[str] = []

    def alternates(got: Got) -> int:
        seen.append(got.json["dedup_key"])
        return 500 if len(seen) % 2 else 202

    async with fake_receiver(alternates) as receiver:
        to = sender(tmp_path, "pagerduty", {"KEY": "k"}, url=Url(here(receiver)))
        answers: list[Answer] = []

        async def one(key: str) -> None:
            answers.append(await to.send(msgspec.structs.replace(TOLD, key=key)))

        with trio.fail_after(60):
            async with trio.open_nursery() as nursery:
                for number in range(8):
                    nursery.start_soon(one, f"k{number}")
    assert sorted(answer.status or 0 for answer in answers) == [202] * 4 + [500] * 4
    assert sorted(seen) == [f"k{number}" for number in range(8)]
    assert {got.json["routing_key"] for got in receiver.got} == {"k"}


async def test_a_webhook_is_signed_with_both_keys_while_they_are_rotated(tmp_path: Path) -> None:
    new, old = "whsec_" + "A" * 32, "whsec_" + "B" * 32
    async with fake_receiver() as receiver:
        more = {"url": Url(here(receiver)), "key_before": "secret:OLD"}
        assert (await sent(sender(tmp_path, "webhook", {"KEY": new, "OLD": old}, **more))).status == 204
        seed = "whsk_" + "C" * 43 + "="
        told = sender(tmp_path, "webhook", {"KEY": seed}, url=more["url"], sign="v1a")
        assert (await sent(told)).status == 204
    twice, asymmetric = receiver.got
    for key in (new, old):
        assert verify(key_of(key), twice.headers, twice.body, int(twice.headers["webhook-timestamp"])) == TOLD.id
    version, _, signature = asymmetric.headers["webhook-signature"].partition(",")
    public = base64.b64decode(public_text(private_key_of(seed)).removeprefix("whpk_"))
    signed = f"{asymmetric.id}.{asymmetric.headers['webhook-timestamp']}.".encode() + asymmetric.body
    Ed25519PublicKey.from_public_bytes(public).verify(base64.b64decode(signature), signed)
    assert version == "v1a"
