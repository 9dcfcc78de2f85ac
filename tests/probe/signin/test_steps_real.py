"""Flows of a plan's own at a real provider, as docs/flows.md has them."""

import re
import tomllib
from pathlib import Path

import pytest
import trio

from collector.mail import local_mailbox
from parallax.plan.checks import Check, Unsupported, convert_check
from parallax.plan.load import load_plan
from parallax.values import Address
from tests.collector.mail.test_smtp import deliver, mail
from tests.fakes.signin_server import Asked, Said, SigninServer
from tests.parts.certificates import Authority
from tests.parts.oidc_provider import OidcProvider
from tests.probe.signin.flows import run, told, tools_at, tools_for

pytestmark = pytest.mark.slow

PAGE = Path(__file__).parents[3] / "docs" / "flows.md"


def example(number: int = 0) -> str:
    """A plan of the page."""
    return re.findall(r"```toml\n(\[\[check\]\].*?)```", PAGE.read_text("utf-8"), re.DOTALL)[number]


def at(provider: OidcProvider | SigninServer, plan: str) -> Check:
    """The plan's one check, with the provider's issuer in place of the page's."""
    (table,) = tomllib.loads(plan.replace("https://sso.example.com", provider.issuer))["check"]
    check = convert_check({**table, "period": "600s"})
    assert not isinstance(check, Unsupported), check.message
    return check


async def test_the_whole_example_of_the_page_runs(provider: OidcProvider, tmp_path: Path) -> None:
    (tmp_path / "plan.toml").write_text(example())
    load_plan(tmp_path / "plan.toml")
    found = await run(at(provider, example()), tools_for(provider, tmp_path))
    assert told(found) == [
        ("discovery", None), ("jwks", None), ("open", None), ("password", None), ("consent", None), ("token", None),
        ("check-token", None), ("who", None), ("logout", None),
    ]  # fmt: skip


async def test_the_example_with_a_wrong_password_stops_and_halts(provider: OidcProvider, tmp_path: Path) -> None:
    tools = tools_for(provider, tmp_path, password="wrong-wrong-wrong")
    found = await run(at(provider, example()), tools)
    assert told(found)[-1] == ("password", "signin_bad_credentials")
    assert told(await run(at(provider, example()), tools))[-1] == ("password", "signin_halted")


async def test_the_pages_example_of_a_mail_runs(server: SigninServer, ca: Authority, tmp_path: Path) -> None:
    (tmp_path / "plan.toml").write_text(example(1))
    load_plan(tmp_path / "plan.toml")
    async with local_mailbox(Address("127.0.0.1:0"), ["mx.example"]) as box, trio.open_nursery() as nursery:

        def send(asked: Asked) -> Said:
            nursery.start_soon(deliver, box.address, mail("Your code: 271828."), asked.form["to"])
            return Said(202)

        server.answers |= {"/send": send, "/code": lambda _: Said(204)}
        found = await run(at(server, example(1)), tools_at(ca, tmp_path, mailbox=box))
    assert told(found) == [("ask", None), ("mail", None), ("send", None)]
    assert server.forms("/code") == [{"code": "271828"}]
    assert found[1].findings["mail"]["count"] == 1
