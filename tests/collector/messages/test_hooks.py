"""Webhooks and SMS reach the collector over HTTP: what is proven is kept for the probes that wait for it, no more."""

import base64
import json
import re
import tomllib
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import msgspec
import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.messages import Asked, Box, Hooks, twilio
from collector.messages.box import MOST
from collector.messages.hooks import BURST
from parallax import standard_webhooks
from parallax.clock import wall_ns
from parallax.config import CollectorAddress
from parallax.config_loading import load_collector_config
from parallax.hook_config import Hook, SmsFields
from parallax.letters import MAX_LETTER, Letter
from parallax.plan.checks import Unsupported, convert_check
from parallax.secret import Secret
from parallax.state import write_private
from parallax.values import Url
from probe.client import open_client
from probe.mailbox import CollectorMailbox, MailboxError
from tests.collector.mail.plans import plan_for
from tests.collector.serving import Reply, Served, collector

KEY = "whsec_" + base64.b64encode(b"k" * 24).decode()
OTHER = "whsec_" + base64.b64encode(b"o" * 24).decode()
EVENT = {"type": "user.created", "data": {"id": "user_1"}}
TO = "/v1/hooks/events"


def hooks_in(folder: Path) -> list[Hook]:
    write_private(folder / "events.key", KEY.encode())
    write_private(folder / "sms.key", b"a twilio token")
    write_private(folder / "gate.key", b"a gateway's key")
    return [
        Hook(name="events", keys=[f"file:{folder / 'events.key'}"], types=["user.created", "user.updated"]),
        Hook(
            name="sms", takes="sms", signature="twilio", keys=[f"file:{folder / 'sms.key'}"],
            url=Url("https://hooks.example/v1/hooks/sms"),
        ),
        Hook(
            name="gate", takes="sms", signature="bearer", keys=[f"file:{folder / 'gate.key'}"],
            fields=SmsFields(sender="$.message.from", to="$.message.to", body="$.message.text"),
        ),
    ]  # fmt: skip


HOOKS = [
    Hook(name="events", keys=["env:PATH"]),
    Hook(name="sms", takes="sms", signature="twilio", keys=["env:PATH"], url=Url("https://hooks.example/")),
    Hook(name="gate", takes="sms", signature="bearer", keys=["env:PATH"]),
]
"""Their keys are there, whatever they are."""


def signed(
    value: Any, key: str = KEY, *, id_: str = "msg_1", prefix: str = "webhook", late_s: int = 0
) -> tuple[bytes, dict[str, str]]:
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    now = wall_ns() // 10**9 - late_s
    headers = standard_webhooks.headers(standard_webhooks.key_of(key), id_, now, body)
    return body, {name.replace("webhook", prefix): text for name, text in headers.items()}


async def post(served: Served, path: str, body: bytes, headers: dict[str, str]) -> Reply:
    async with served.client() as client:
        return await client.request("POST", path, body=body, headers=headers)


async def wait(served: Served, to: str, **more: Any) -> list[Letter]:
    token = served.token()
    config = CollectorAddress(url=Url(served.running.url), token="env:NONE")
    async with open_client(config, lambda: Secret(token)) as client:
        return await CollectorMailbox([client]).wait(to, trio.current_time() - 5, more.pop("within_s", 0.0), **more)


@pytest.mark.parametrize("prefix", ["webhook", "svix"])
async def test_a_probe_gets_the_webhook_that_it_waits_for(tmp_path: Path, prefix: str) -> None:
    found: list[Letter] = []
    async with collector(tmp_path, plan=plan_for("a"), hook=hooks_in(tmp_path)) as served:

        async def probe() -> None:
            fits = lambda letter: "user_7" in letter.text  # noqa: E731
            found.extend(await wait(served, "events", kind="webhook", fits=fits, within_s=20))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(probe)
            for number in range(1, 8):
                event = {"type": "user.created", "data": {"id": f"user_{number}"}}
                reply = await post(served, TO, *signed(event, id_=f"msg_{number}", prefix=prefix))
                assert reply.status == 200
        (letter,) = found
        assert (letter.kind, letter.to, letter.id, letter.peer) == ("webhook", "events", "msg_7", "127.0.0.1")
        assert json.loads(letter.text)["data"] == {"id": "user_7"}


async def test_what_is_not_proven_is_not_kept(tmp_path: Path) -> None:
    async with collector(tmp_path, plan=plan_for("a"), hook=hooks_in(tmp_path)) as served:
        body, headers = signed(EVENT)
        cases = [
            (401, *signed(EVENT, OTHER)),
            (401, body + b" ", headers),
            (401, *signed(EVENT, late_s=600)),
            (400, body, {}),
            (400, body, headers | {"webhook-timestamp": "soon"}),
            (400, *signed(b"no JSON")),
            (400, *signed(b"[" * 20_000)),
            (413, b"x" * (MAX_LETTER + 1), headers),
        ]
        for status, octets, given in cases:
            assert (await post(served, TO, octets, given)).status == status
        assert (await post(served, "/v1/hooks/other", body, headers)).status == 404
        assert (
            await post(served, TO, *signed({"type": "session.created"}))
        ).status == 200  # not wanted: no repeat helps
        mail = served.running.mail
        assert mail is None
        found = await wait(served, "events", kind="webhook")
        assert [(letter.refused, letter.text) for letter in found] == [("signature", "")]  # one note a second
        async with served.client() as client:
            from collector.tokens import add_token

            token = add_token(served.state, "viewer", "kim")
            (hook, *_) = (await client.request("GET", "/v1/status", token=token)).json["hooks"]
        lost = {
            "signature": 2,
            "untimely": 1,
            "malformed": 4,
            "unwanted": 1,
            "repeated": 0,
            "too_large": 1,
            "too_many": 0,
        }
        assert (hook["name"], hook["taken"], hook["lost"]) == ("events", 0, lost)


async def test_a_forged_webhook_hides_no_genuine_one(tmp_path: Path) -> None:
    async with collector(tmp_path, plan=plan_for("a"), hook=hooks_in(tmp_path)) as served:
        assert (await post(served, TO, *signed(EVENT, OTHER))).status == 401
        found: list[Letter] = []

        async def probe() -> None:
            found.extend(await wait(served, "events", kind="webhook", within_s=20))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(probe)
            assert (await post(served, TO, *signed(EVENT, id_="msg_2"))).status == 200
        assert [(letter.id, letter.refused) for letter in found] == [("msg_2", "")]


async def test_a_key_that_is_changed_on_this_host_is_read_again(
    autojump_clock: trio.testing.MockClock, tmp_path: Path
) -> None:
    (hook, *_) = hooks_in(tmp_path)
    hooks = Hooks([hook], box := Box())
    body, headers = signed(EVENT)
    assert (await hooks.take("events", headers, body, "p")).status == 200
    body, headers = signed(EVENT, OTHER)
    assert (await hooks.take("events", headers, body, "p")).status == 401
    write_private(tmp_path / "events.key", OTHER.encode())
    await trio.sleep(11)
    assert (await hooks.take("events", headers, body, "p")).status == 200
    assert len(box) == 3  # two, and a note of the one that was refused
    (tmp_path / "events.key").unlink()
    await trio.sleep(11)
    assert (await hooks.take("events", *reversed(signed(EVENT)), "p")).status == 401
    assert "cannot be read" in hooks.status[0].problem


async def test_messages_of_a_peer_are_bounded_by_their_rate(
    autojump_clock: trio.testing.MockClock, tmp_path: Path
) -> None:
    hooks = Hooks(hooks_in(tmp_path), Box())
    refused = [hooks.refuse_early("events", "192.0.2.1") for _ in range(int(BURST) + 20)]
    assert [taken.status for taken in refused if taken] == [429] * 20
    assert hooks.refuse_early("events", "192.0.2.2") is None
    await trio.sleep(1)
    assert hooks.refuse_early("events", "192.0.2.1") is None
    for number in range(3_000):
        hooks.refuse_early("events", f"198.51.100.{number}")
    assert hooks.refuse_early("nothing", "192.0.2.2").status == 404  # type: ignore[union-attr]


SMS = {"MessageSid": "SM1", "From": "+15005550001", "To": "+15005550006", "Body": "Your code is 123456 ü+&"}


async def test_an_sms_by_twilio(tmp_path: Path) -> None:
    async with collector(tmp_path, plan=plan_for("a"), hook=hooks_in(tmp_path)) as served:
        headers = {
            "content-type": "application/x-www-form-urlencoded",
            "x-twilio-signature": twilio.sign("a twilio token", "https://hooks.example/v1/hooks/sms", SMS),
        }
        body = urlencode(SMS).encode()
        reply = await post(served, "/v1/hooks/sms", body, headers)
        assert (reply.status, reply.body, reply.headers["content-type"]) == (200, b"<Response/>", "application/xml")
        assert (await post(served, "/v1/hooks/sms", body, headers)).status == 200  # a repeat is taken once
        forged = urlencode(SMS | {"Body": "Your code is 666666"}).encode()
        assert (await post(served, "/v1/hooks/sms", forged, headers)).status == 401
        assert (await post(served, "/v1/hooks/sms", b"no form \xff", headers)).status == 400
        (letter,) = await wait(served, "+1 500 555-0006", kind="sms")
        assert (letter.kind, letter.sender, letter.to, letter.text) == ("sms", SMS["From"], SMS["To"], SMS["Body"])


def test_a_signature_of_twilio_is_as_its_documentation_has_it() -> None:
    """Twilio's own example: https://www.twilio.com/docs/usage/security#validating-requests."""
    form = {
        "CallSid": "CA1234567890ABCDE", "Caller": "+14158675309", "Digits": "1234", "From": "+14158675309",
        "To": "+18005551212",
    }  # fmt: skip
    url = "https://mycompany.com/myapp.php?foo=1&bar=2"
    assert twilio.sign("12345", url, form) == "RSOYDt4T1cUTdK1PDd93/VVr8B8="
    assert not twilio.fits("12345", url + "3", form, "RSOYDt4T1cUTdK1PDd93/VVr8B8=")


async def test_an_sms_in_json_by_a_gateway(tmp_path: Path) -> None:
    async with collector(tmp_path, plan=plan_for("a"), hook=hooks_in(tmp_path)) as served:
        sms = json.dumps({"message": {"from": "id", "to": "+1 (500) 555-0006", "text": "4711"}}).encode()
        bearer = {"authorization": "Bearer a gateway's key"}
        assert (await post(served, "/v1/hooks/gate", sms, bearer)).status == 200
        assert (await post(served, "/v1/hooks/gate", sms, {"authorization": "Bearer ü"})).status == 401
        assert (await post(served, "/v1/hooks/gate", sms, {})).status == 401
        assert (await post(served, "/v1/hooks/gate", b"{}", bearer)).status == 400
        (letter,) = await wait(served, "+15005550006", kind="sms")
        assert (letter.sender, letter.text) == ("id", "4711")


async def test_a_probe_reads_what_its_checks_wait_for_and_nothing_else(tmp_path: Path) -> None:
    hooks = [*hooks_in(tmp_path), Hook(name="billing", keys=[f"file:{tmp_path / 'events.key'}"])]
    async with collector(tmp_path, plan=plan_for("a"), hook=hooks) as served:
        for to, kind in (("billing", "webhook"), ("+15005550007", "sms")):
            with pytest.raises(MailboxError, match="no check of the probe fra1 waits for"):
                await wait(served, to, kind=kind)
        for to, kind, said in (
            ("other", "webhook", "has no hook 'other'; it has: events, billing"),
            ("nobody", "sms", "wants a phone number"),
            ("a@mx.example", "mail", r"takes no mail; write \[mail\]"),
            ("a", "pigeon", "wants mail, sms or webhook"),
        ):
            with pytest.raises(MailboxError, match=said):
                await wait(served, to, kind=kind)


async def test_half_an_emoji_in_an_sms_is_readable_all_the_same(tmp_path: Path) -> None:
    """JSON can carry what no text is; one such SMS must not keep a probe from all others."""
    async with collector(tmp_path, plan=plan_for("a"), hook=hooks_in(tmp_path)) as served:
        sms = rb'{"message": {"from": "id\udc80", "to": "+15005550006", "text": "4711 \ud83d"}}'
        bearer = {"authorization": "Bearer a gateway's key"}
        assert (await post(served, "/v1/hooks/gate", sms, bearer)).status == 200
        (letter,) = await wait(served, "+15005550006", kind="sms")
        assert (letter.sender, letter.text) == ("id?", "4711 ?")


async def test_who_has_no_key_hides_nothing_by_trying_for_long(
    autojump_clock: trio.testing.MockClock, tmp_path: Path
) -> None:
    hooks = Hooks(hooks_in(tmp_path), box := Box())
    body, headers = signed(EVENT)
    assert (await hooks.take("events", headers, body, "192.0.2.1")).status == 200
    for _ in range(200):
        body, headers = signed(EVENT, OTHER)
        assert (await hooks.take("events", headers, body, "192.0.2.1")).status == 401
        await trio.sleep(1.1)
    found = box.find(Asked(to="events", since=0, kind="webhook"))
    assert [letter.refused for letter in found] == ["", "signature"]


async def test_a_flood_of_mail_from_everywhere_pushes_out_no_webhook(tmp_path: Path) -> None:
    hooks = Hooks(hooks_in(tmp_path), box := Box(most=10))
    for number in range(3):  # of one peer, as behind a proxy
        body, headers = signed(EVENT, id_=f"msg_{number}")
        assert (await hooks.take("events", headers, body, "192.0.2.1")).status == 200
    letter = Letter(number=0, to="a@mx.example", sender="", age_s=0.0)
    box.put_nowait(msgspec.structs.replace(letter, peer="192.0.2.7"))
    box.put_nowait(msgspec.structs.replace(letter, peer="192.0.2.7"))
    for number in range(50):  # one host, many addresses
        box.put_nowait(msgspec.structs.replace(letter, peer=f"2001:db8::{number:x}"))
    assert (len(box), box.kept("webhook")) == (13, 3)
    assert sum(each.peer == "192.0.2.7" for each in box.find(Asked(to="a@mx.example", since=0))) == 2


HEADERS = ("webhook-id", "webhook-timestamp", "webhook-signature", "svix-id", "svix-signature", "authorization")


@settings(max_examples=150, deadline=None)
@given(
    name=st.sampled_from(["events", "sms", "gate"]),
    headers=st.dictionaries(
        st.sampled_from([*HEADERS, "x-twilio-signature"]),
        st.text(max_size=40) | st.sampled_from(["1800000000", "v1,AAAA", "Bearer x", "a"]),
    ),
    body=st.binary(max_size=200) | st.just(b"From=1&To=2&Body=3"),
)
def test_whatever_comes_is_answered_and_not_kept(name: str, headers: dict[str, str], body: bytes) -> None:
    async def go() -> None:
        hooks = Hooks(HOOKS, box := Box())
        assert (await hooks.take(name, headers, body, "192.0.2.1")).status in (400, 401)
        assert all(letter.refused for letter in box.find(Asked(to="events", since=0, kind="webhook")))
        assert box.kept("sms") == 0

    trio.run(go)


async def test_ten_times_what_is_kept(autojump_clock: trio.testing.MockClock, tmp_path: Path) -> None:
    """A provider floods the hook; a mail that came before it stays."""
    (hook, *_) = hooks_in(tmp_path)
    hooks = Hooks([hook], box := Box())
    box.put_nowait(Letter(number=0, to="a@mx.example", sender="", age_s=0.0, peer="192.0.2.1"))
    for number in range(10 * MOST):
        body, headers = signed(EVENT, id_=f"msg_{number}")
        assert (await hooks.take("events", headers, body, "192.0.2.1")).status == 200
    assert (len(box), box.lost["pushed_out"]) == (MOST + 1, 9 * MOST)
    assert len(box.find(Asked(to="a@mx.example", since=0))) == 1
    assert [letter.id for letter in box.find(Asked(to="events", since=0, kind="webhook"))][-1] == "msg_9999"


def test_the_example_of_the_page_loads(tmp_path: Path) -> None:
    page = (Path(__file__).parents[3] / "docs" / "flows.md").read_text("utf-8")
    hooks, steps = re.search(r"```toml\n(\[\[hook\]\].*?)```.*?```toml\n(.*?)```", page, re.DOTALL).groups()  # type: ignore[union-attr]
    (tmp_path / "collector.toml").write_text(f'state = "s"\nplan = "p"\n{hooks}')
    config = load_collector_config(tmp_path / "collector.toml")
    assert [hook.name for hook in config.hook] == ["events", "twilio", "gateway"]
    before = {"name": "ask", "request": {"post": "https://id.example/"}, "capture": {"user_id": {"json": "$.id"}}}
    table = {"name": "c", "kind": "signin", "period": "9m", "step": [before, *tomllib.loads(steps)["check"]["step"]]}
    check = convert_check(table)
    assert not isinstance(check, Unsupported), check.message
