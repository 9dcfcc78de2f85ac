"""A sign-in with a code by mail, end to end: canaille sends it to the collector's own mail server."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from collector.mail import local_mailbox
from collector.mail.local import LocalMailbox
from parallax.config import BoundSecret
from parallax.dialling.tls import Trust
from parallax.state import write_private
from parallax.values import Address
from probe.mailbox import KINDS, Mailbox
from probe.tools import Tools
from probe.vault import Vault
from tests.fakes.dns_server import dns_server, with_records
from tests.parts.canaille import PUBLIC, Canaille, canaille
from tests.parts.certificates import Authority
from tests.probe.signin.flows import check_of, run, told

pytestmark = pytest.mark.slow


@pytest.fixture
async def mailbox() -> AsyncIterator[LocalMailbox]:
    async with local_mailbox(Address("127.0.0.1:0"), ["example.com"]) as box:
        yield box


@pytest.fixture
async def resolver() -> AsyncIterator[Address]:
    async with dns_server(with_records(f"id.example. 60 IN A {PUBLIC.ip}")) as server:
        yield server.address


@pytest.fixture
async def provider(ca: Authority, mailbox: LocalMailbox) -> AsyncIterator[Canaille]:
    users = ("synthetic-one", "synthetic-two", "synthetic-three", "synthetic-four")  # it mails each once in a while
    async with canaille(ca, factors=("password", "email"), mail=mailbox.address, users=users) as running:
        yield running


def tools_for(provider: Canaille, folder: Path, resolver: Address, mailbox: Mailbox | None) -> Tools:
    write_private(folder / "password", provider.password.encode())
    password = BoundSecret(source=f"file:{folder / 'password'}", hosts=["id.example"])
    return Tools(
        routes=provider.routes, trust=Trust(provider.ca_file), resolvers=(resolver,), families=(4,),
        vault=Vault({"PW": password}), mailbox=mailbox,
    )  # fmt: skip


def spec_for(provider: Canaille, who: str = "{probe}", **mail: Any) -> dict[str, Any]:
    web = provider.web
    user = {
        "name": f"synthetic-{who}", "address": f"synthetic-{who}@example.com", "password": "secret:PW",
        "mail": {"within": "15s", **mail},
    }  # fmt: skip
    return {
        "use": "oidc.password", "issuer": provider.issuer, "user": user,
        "client": {"id": web.id, "redirect_uri": web.redirect_uri}, "scope": web.scope.split(),
        "expect": {"amr": ["pwd", "mfa"]},
    }  # fmt: skip


async def test_a_sign_in_with_a_code_by_mail(
    provider: Canaille, mailbox: LocalMailbox, resolver: Address, tmp_path: Path
) -> None:
    found = await run(check_of(spec_for(provider), timeout_s=30), tools_for(provider, tmp_path, resolver, mailbox))
    steps = {each.subject: each for each in found}
    for name in ("password", "otp", "consent", "token", "verify", "userinfo"):
        assert steps[name].reason is None, told(found)
    otp = steps["otp"]
    assert otp.findings["mail"]["count"] == 1
    assert otp.findings["mail"]["missing"] == ["Date", "Message-ID"]
    assert 0 <= otp.findings["mail"]["arrived_s"] < 10
    assert otp.phases[0].name == "mail"


async def test_mails_that_fail_are_told_apart(
    provider: Canaille, mailbox: LocalMailbox, resolver: Address, tmp_path: Path
) -> None:
    tools = tools_for(provider, tmp_path, resolver, mailbox)
    found = await run(check_of(spec_for(provider, code=r"token: (\d{12})")), tools)
    assert told(found)[-2:] == [("otp", "mail_wrong_content"), ("cleanup", None)]
    late = await run(check_of(spec_for(provider, "two", late="1ms")), tools)
    assert ("otp", "mail_late") in told(late)
    assert ("verify", None) in told(late)
    nobody = await run(check_of(spec_for(provider, "three")), tools_for(provider, tmp_path, resolver, None))
    assert told(nobody)[-2] == ("otp", "mailbox_missing")
    silent = NoMail()
    lost = await run(
        check_of(spec_for(provider, "four", within="1ms")), tools_for(provider, tmp_path, resolver, silent)
    )
    assert told(lost)[-2] == ("otp", "mail_not_received")
    assert lost[-2].fault == "target"
    assert silent.asked == ["synthetic-four@example.com"]


class NoMail:
    """A mailbox that nothing comes to."""

    kinds = KINDS

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def wait(self, to: str, since: float, within_s: float, **more: Any) -> list[Any]:
        self.asked.append(to)
        return []
