"""Steps that wait for an SMS or a webhook, or ask what proves a mail."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest
import trio

from parallax import standard_webhooks
from parallax.clock import NS, wall_ns
from parallax.config import CollectorAddress
from parallax.hook_config import Hook
from parallax.letters import Letter, Proof
from parallax.secret import Secret
from parallax.state import write_private
from parallax.values import Url
from probe.client import open_client
from probe.mailbox import CollectorMailbox
from probe.signin.letters import unproven
from tests.collector.serving import collector
from tests.fakes.letterbox import Letterbox, letter
from tests.fakes.signin_server import Asked, Said, SigninServer
from tests.parts.certificates import Authority
from tests.probe.signin.test_steps import go, told, tools_at

pytestmark = pytest.mark.slow
KEY = "whsec_" + base64.b64encode(b"k" * 24).decode()


def event(user: str, **more: Any) -> Letter:
    return letter("webhook", json.dumps({"type": "user.created", "data": {"id": user}, "n": 1}), **more)


ASK = """
[[step]]
name = "ask"
request = { post = "HERE/send" }
capture = { user_id = { json = "$.id", secret = false } }
"""
SEND = """
[[step]]
name = "send"
request = { post = "HERE/code", form = { code = "{code}" } }
"""
SMS = f"""{ASK}
[[step]]
name = "sms"
sms = {{ to = "+1 500 555 0006", within = "2s", late = "1s" }}
capture = {{ code = {{ regex = "code: (\\\\d{{6}})" }} }}
{SEND}"""
WEBHOOK = f"""{ASK}
[[step]]
name = "event"
webhook = {{ hook = "events", within = "2s", late = "1s", where = [{{ json = "$.type", equals = "user.created" }}, {{ json = "$.data.id", equals = "{{user_id}}" }}, {{ json = "$.n", equals = 1 }}] }}
assert = [{{ json = "$.data.id", matches = "^user_[0-8]" }}]
capture = {{ code = {{ json = "$.data.id" }} }}
{SEND}"""  # noqa: E501


def mail(*mechanisms: str) -> str:
    return f"""{ASK}
[[step]]
name = "mail"
mail = {{ to = "a@mx.example", within = "2s", authenticated = {list(mechanisms)} }}
capture = {{ code = {{ regex = "code: (\\\\d{{6}})" }} }}
{SEND}"""


@pytest.mark.parametrize(
    ("letters", "reason"),
    [
        ([letter("sms", "code: 424242")], None),
        ([], "sms_not_received"),
        ([letter("sms", "hello")], "sms_wrong_content"),
        ([letter("sms", "code: 424242"), letter("sms", "code: 424242")], "sms_duplicate"),
        ([letter("sms", "code: 424242", age_s=-1.5)], "sms_late"),
    ],
)
async def test_an_sms(
    letters: list[Letter], reason: str | None, server: SigninServer, ca: Authority, tmp_path: Path
) -> None:
    server.answers |= {"/send": lambda _: Said(202, b'{"id": "user_1"}'), "/code": lambda _: Said(204)}
    box = Letterbox(*letters)
    found = await go(server, tools_at(ca, tmp_path, mailbox=box), SMS)
    assert told(found)[1] == ("sms", reason)
    assert box.asked == [("sms", "+1 500 555 0006", False, 2.0)]
    if len(found) == 3:
        assert server.forms("/code") == [{"code": "424242"}]
        assert found[1].findings["sms"]["count"] == len(letters)
    assert "424242" not in str([each.findings for each in found])


@pytest.mark.parametrize(
    ("letters", "reason"),
    [
        ([event("user_2"), event("user_1", id="m")], None),
        ([event("user_2")], "webhook_not_received"),
        ([event("user_1", id="m"), event("user_1", id="m")], "webhook_duplicate"),
        ([event("user_1", id="m"), event("user_1", id="n")], None),
        ([event("user_1", age_s=-1.5)], "webhook_late"),
        ([event("user_9")], "webhook_wrong_content"),
        ([letter("webhook", "no json"), letter("webhook", refused="signature")], "webhook_bad_signature"),
        ([event("user_1"), letter("webhook", refused="signature")], None),
    ],
)
async def test_a_webhook(
    letters: list[Letter], reason: str | None, server: SigninServer, ca: Authority, tmp_path: Path
) -> None:
    user = b'{"id": "user_9"}' if reason == "webhook_wrong_content" else b'{"id": "user_1"}'
    server.answers |= {"/send": lambda _: Said(202, user), "/code": lambda _: Said(204)}
    box = Letterbox(*letters)
    found = await go(server, tools_at(ca, tmp_path, mailbox=box), WEBHOOK)
    assert told(found)[1] == ("event", reason)
    assert box.asked == [("webhook", "events", False, 2.0)]
    if len(found) == 3:
        assert server.forms("/code") == [{"code": "user_1"}]
    if reason == "webhook_bad_signature":
        assert found[1].findings["refused"] == "signature"
    if reason == "webhook_duplicate":
        assert (found[1].findings["webhook"]["count"], found[1].findings["webhook"]["deliveries"]) == (1, 2)


DKIM, SPF = Proof(by="dkim", result="pass", domain="a.example", selector="s1"), Proof(by="spf", result="pass")
FAILED = Proof(by="dkim", result="fail", domain="b.example", why="the body was changed")


@pytest.mark.parametrize(
    ("asked", "proofs", "reason"),
    [
        (["dkim"], [DKIM], None),
        (["dkim", "spf"], [FAILED, DKIM, SPF], None),
        (["dkim"], [FAILED], "mail_bad_signature"),
        (["dkim"], [Proof(by="dkim", result="none")], "mail_auth_failed"),
        (["dkim", "spf"], [DKIM, Proof(by="spf", result="softfail")], "mail_auth_failed"),
        (["dmarc"], [DKIM, SPF], "mail_auth_failed"),
        (["dkim"], [Proof(by="dkim", result="temperror")], "mail_auth_unknown"),
        (["spf"], None, "mail_auth_unknown"),
        ([], None, None),
        ([], [FAILED], None),
    ],
)
async def test_what_must_prove_a_mail(asked: list[Any], proofs: list[Proof] | None, reason: str | None) -> None:
    fault = unproven(letter("mail", proofs=proofs), asked)
    assert (fault and fault.reason) == reason


async def test_a_mail_that_is_proven(server: SigninServer, ca: Authority, tmp_path: Path) -> None:
    server.answers |= {"/send": lambda _: Said(202, b'{"id": 1}'), "/code": lambda _: Said(204)}
    box = Letterbox(letter("mail", "code: 424242", proofs=[DKIM, SPF]))
    found = await go(server, tools_at(ca, tmp_path, mailbox=box), mail("dkim", "spf"))
    assert told(found) == [("ask", None), ("mail", None), ("send", None)]
    assert found[1].findings["mail"]["proofs"] == [
        {"by": "dkim", "result": "pass", "domain": "a.example", "selector": "s1"}, {"by": "spf", "result": "pass"},
    ]  # fmt: skip
    assert box.asked == [("mail", "a@mx.example", True, 2.0)]


async def test_a_mailbox_that_takes_no_sms(server: SigninServer, ca: Authority, tmp_path: Path) -> None:
    server.answers |= {"/send": lambda _: Said(202, b'{"id": 1}')}
    box = Letterbox()
    box.kinds = frozenset({"mail"})
    found = await go(server, tools_at(ca, tmp_path, mailbox=box), SMS)
    assert told(found)[1] == ("sms", "mailbox_missing")
    assert box.asked == []


async def test_a_webhook_from_the_provider_to_the_collector_to_the_flow(
    server: SigninServer, ca: Authority, tmp_path: Path
) -> None:
    write_private(tmp_path / "events.key", KEY.encode())
    hook = Hook(name="events", keys=[f"file:{tmp_path / 'events.key'}"])
    steps = WEBHOOK.replace('within = "2s", late = "1s"', 'within = "5s"')
    head = '[[check]]\nname = "api"\nkind = "signin"\nperiod = "600s"\ntimeout = "8s"\nexternal = false\n'
    plan = head + steps.replace("[[step]]", "[[check.step]]").replace("HERE", server.issuer)
    async with collector(tmp_path, plan=plan, hook=[hook]) as served, trio.open_nursery() as nursery:
        token = served.token("fra1")
        way = CollectorAddress(url=Url(served.running.url), token="env:NONE")

        async def provide() -> None:
            for user in ("user_2", "user_1"):
                body = event(user).text.encode()
                headers = standard_webhooks.headers(
                    standard_webhooks.key_of(KEY), f"msg-{user[-1]}", wall_ns() // NS, body
                )
                async with served.client() as client:
                    assert (await client.request("POST", "/v1/hooks/events", body=body, headers=headers)).status == 200

        def send(asked: Asked) -> Said:
            nursery.start_soon(provide)
            return Said(202, b'{"id": "user_1"}')

        server.answers |= {"/send": send, "/code": lambda _: Said(204)}
        async with open_client(way, lambda: Secret(token)) as client:
            tools = tools_at(ca, tmp_path, mailbox=CollectorMailbox([client]))
            found = await go(server, tools, steps)
    assert told(found) == [("ask", None), ("event", None), ("send", None)]
    assert server.forms("/code") == [{"code": "user_1"}]
    assert found[1].findings["webhook"]["id"] == "msg-1"
    assert found[1].phases[0].name == "webhook"
