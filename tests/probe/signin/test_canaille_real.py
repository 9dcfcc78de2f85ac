"""Whole sign-ins at another real provider, canaille: the name alone first, codes by the clock, lockout."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from parallax.config import BoundSecret
from parallax.dialling.tls import Trust
from parallax.state import write_private
from parallax.values import Address
from probe.tools import Tools
from probe.vault import Vault
from tests.fakes.dns_server import dns_server, with_records
from tests.parts.canaille import PUBLIC, Canaille, canaille
from tests.parts.certificates import Authority
from tests.parts.test_canaille import Visit
from tests.probe.signin.flows import check_of, run, told

pytestmark = pytest.mark.slow


@pytest.fixture
async def resolver() -> AsyncIterator[Address]:
    async with dns_server(with_records(f"id.example. 60 IN A {PUBLIC.ip}")) as server:
        yield server.address


def tools_for(provider: Canaille, folder: Path, resolver: Address, **secrets: str) -> Tools:
    bindings = {}
    for name, text in {"PW": provider.password, **secrets}.items():
        write_private(folder / name, text.encode())
        bindings[name] = BoundSecret(source=f"file:{folder / name}", hosts=["id.example"])
    return Tools(
        routes=provider.routes, trust=Trust(provider.ca_file), resolvers=(resolver,), families=(4,),
        vault=Vault(bindings),
    )  # fmt: skip


def spec_for(provider: Canaille, **user: Any) -> dict[str, Any]:
    web = provider.web
    return {
        "use": "oidc.password", "issuer": provider.issuer, "scope": web.scope.split(),
        "client": {"id": web.id, "redirect_uri": web.redirect_uri},
        "user": {"name": "synthetic-one", "password": "secret:PW", **user},
    }  # fmt: skip


BEFORE, AFTER = ["discovery", "jwks", "authorize", "identifier", "password"], [
    "consent", "token", "verify", "userinfo", "refresh", "logout", "session",
]  # fmt: skip


async def test_the_name_alone_first_and_a_client_that_may_not_revoke(
    ca: Authority, resolver: Address, tmp_path: Path
) -> None:
    async with canaille(ca) as provider:
        found = await run(check_of(spec_for(provider)), tools_for(provider, tmp_path, resolver))
        assert told(found) == [(step, None) for step in BEFORE + AFTER]
        by_step = {each.subject: each.findings for each in found}
        assert by_step["identifier"]["pressed"] == "Continue"
        assert by_step["logout"]["revocation"] == {"refresh_token": 401, "access_token": 401}
        assert by_step["session"]["prompt_none"] in ("login_required", "sign-in page", "status 500")


async def test_a_code_by_the_clock(ca: Authority, resolver: Address, tmp_path: Path) -> None:
    async with canaille(ca, factors=("password", "otp")) as provider:
        tools = tools_for(provider, tmp_path, resolver, SEED=provider.totp_raw)
        totp = {"secret": "secret:SEED", "encoding": "raw"}
        spec = spec_for(provider, totp=totp) | {"expect": {"amr": ["pwd", "otp"]}}
        found = await run(check_of(spec, timeout_s=40), tools)
        assert told(found) == [(step, None) for step in [*BEFORE, "otp", *AFTER]]


async def test_a_second_factor_that_the_plan_does_not_have(ca: Authority, resolver: Address, tmp_path: Path) -> None:
    async with canaille(ca, factors=("password", "otp")) as provider:
        found = await run(check_of(spec_for(provider)), tools_for(provider, tmp_path, resolver))
        ended = next(each for each in found if each.reason is not None)
        assert (ended.subject, ended.reason, ended.fault) == ("password", "signin_mfa_required", "config")


async def test_an_account_that_waits_after_wrong_passwords(ca: Authority, resolver: Address, tmp_path: Path) -> None:
    async with canaille(ca, lockout=True) as provider:
        for _ in range(5):
            await Visit(provider).enter_password("wrong")
        found = await run(check_of(spec_for(provider)), tools_for(provider, tmp_path, resolver))
        ended = next(each for each in found if each.reason is not None)
        assert ended.subject == "password"
        assert ended.reason in ("signin_account_locked", "signin_account_throttled")
        assert ended.fault == "blocked"


async def test_a_captcha_after_wrong_passwords_takes_the_right_one_for_none(
    ca: Authority, resolver: Address, tmp_path: Path
) -> None:
    """The password is not sent: nobody can solve the captcha, and it would count as one more wrong one."""
    async with canaille(ca, captcha_after=3) as provider:
        for _ in range(3):
            await Visit(provider).enter_password("wrong")
        found = await run(check_of(spec_for(provider)), tools_for(provider, tmp_path, resolver))
        ended = next(each for each in found if each.reason is not None)
        assert (ended.reason, ended.fault) == ("signin_captcha", "blocked"), ended.findings


async def test_a_wrong_password_is_told_as_such(ca: Authority, resolver: Address, tmp_path: Path) -> None:
    async with canaille(ca) as provider:
        found = await run(check_of(spec_for(provider)), tools_for(provider, tmp_path, resolver, PW="wrong"))
        assert told(found)[-1] == ("password", "signin_bad_credentials")
