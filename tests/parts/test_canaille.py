"""The second real provider: name, password and the other factors on pages of their own, and what it does on wrong
passwords."""

import base64
import re
from typing import Any

import pyotp
import pytest

from tests.parts.by_hand import Answer, Authorization, ByHand, claims_of
from tests.parts.canaille import PUBLIC, Canaille, canaille
from tests.parts.certificates import Authority
from tests.parts.mail_sink import mail_sink

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def ca() -> Authority:
    return Authority()


class Visit:
    """A person's way through the provider's pages."""

    def __init__(self, provider: Canaille) -> None:
        web = provider.web
        self._provider, self._redirect_uri = provider, web.redirect_uri or ""
        self.browser = ByHand(PUBLIC, provider.routes, provider.ca_file, self._redirect_uri)
        self.request = Authorization(f"{provider.issuer}/oauth/authorize", web.id, self._redirect_uri, web.scope)
        self.id_token = ""

    async def enter_password(self, password: str | None = None) -> Answer:
        """The page after the password's."""
        page = await self.browser.go("GET", self.request.url)
        page = await self.browser.submit(page, page.form_with("login"), {"login": self._provider.user}, "Continue")
        return await self.browser.submit(
            page, page.form_with("password"), {"password": password or self._provider.password}, "Sign in"
        )

    async def accept(self, page: Answer) -> dict[str, Any]:
        """The claims of the id_token, after the consent page."""
        form = page.forms[-1]
        assert [(name, label) for name, _, label in form.buttons] == [
            ("answer", "Deny"),
            ("answer", "Switch user"),
            ("answer", "Accept"),
        ]
        callback = self.request.answer((await self.browser.submit(page, form, {}, "Accept")).url)
        web = self._provider.web
        exchange = {
            "grant_type": "authorization_code", "code": callback["code"], "client_id": web.id,
            "redirect_uri": self._redirect_uri, "code_verifier": self.request.verifier,
        }  # fmt: skip
        backchannel = ByHand(PUBLIC, self._provider.routes, self._provider.ca_file, "-")
        answer = await backchannel.send("POST", f"{self._provider.issuer}/oauth/token", exchange)
        assert answer.status == 200, answer.text
        bearer = {"Authorization": f"Bearer {answer.json['access_token']}"}
        me = await backchannel.send("GET", f"{self._provider.issuer}/oauth/userinfo", headers=bearer)
        self.id_token = answer.json["id_token"]
        claims = claims_of(self.id_token)
        assert me.json["sub"] == claims["sub"] == self._provider.user
        assert claims["nonce"] == self.request.nonce
        assert claims["aud"] == [web.id]
        return claims


async def test_password_and_out_again(ca: Authority) -> None:
    async with canaille(ca) as provider:
        visit = Visit(provider)
        claims = await visit.accept(await visit.enter_password())
        assert claims["iss"] == provider.issuer
        assert claims["amr"] == ["pwd"]
        end, bye = f"{provider.issuer}/oauth/end_session", provider.web.logout_uri or ""
        asked = await visit.browser.go("GET", f"{end}?client_id=web&post_logout_redirect_uri={bye}")
        assert [label for *_, label in asked.forms[-1].buttons] == ["Stay logged", "Logout"]
        visit.browser.stop = bye
        # Its `aud` is a list, so that canaille wants the client's name too before it leads back.
        hint = f"id_token_hint={visit.id_token}&client_id=web&post_logout_redirect_uri={bye}"
        left = await visit.browser.go("GET", f"{end}?{hint}")
        assert left.url.startswith(bye)
        again = await visit.browser.go("GET", visit.request.url)
        assert again.url == f"{provider.issuer}/login"


async def test_a_code_by_mail(ca: Authority) -> None:
    async with mail_sink() as sink, canaille(ca, factors=("password", "email"), mail=sink.address) as provider:
        visit = Visit(provider)
        page = await visit.enter_password()
        mail = await sink.wait_mail(provider.email)
        body = mail.get_body(("plain",))
        assert body is not None
        found = re.search(r"\b\d{6}\b", body.get_content())
        assert found, body.get_content()
        page = await visit.browser.submit(page, page.form_with("otp"), {"otp": "000000"}, "Verify")
        assert "passcode you entered is invalid" in page.text
        page = await visit.browser.submit(page, page.form_with("otp"), {"otp": found[0]}, "Verify")
        claims = await visit.accept(page)
        assert "pwd" in claims["amr"]
        assert "mfa" in claims["amr"]


async def test_totp(ca: Authority) -> None:
    async with canaille(ca, factors=("password", "otp")) as provider:
        visit = Visit(provider)
        page = await visit.enter_password()
        code = pyotp.TOTP(provider.totp_base32).now()
        claims = await visit.accept(await visit.browser.submit(page, page.form_with("otp"), {"otp": code}, "Verify"))
        assert set(claims["amr"]) == {"pwd", "otp", "mfa"}


async def test_lockout(ca: Authority) -> None:
    async with canaille(ca, lockout=True, users=("synthetic-one", "synthetic-two")) as provider:
        first = await Visit(provider).enter_password("wrong")
        assert first.status == 200
        assert "Login failed" in first.text
        for _ in range(4):
            await Visit(provider).enter_password("wrong")
        refused = await Visit(provider).enter_password()
        assert refused.status == 200
        assert "Please wait for" in refused.text
        provider.user = "synthetic-two"
        assert "Accept" in (await Visit(provider).enter_password()).text


async def test_captcha_after_three_failures(ca: Authority) -> None:
    async with canaille(ca, captcha_after=3) as provider:
        for _ in range(2):
            assert "captcha" not in (await Visit(provider).enter_password("wrong")).text
        third = await Visit(provider).enter_password("wrong")
        assert "captcha" in third.text
        right = await Visit(provider).enter_password()
        assert right.status == 200
        assert right.url == f"{provider.issuer}/auth/password"
        assert "captcha_token" in right.form_with("password").fields


async def test_a_machine_gets_a_token(ca: Authority) -> None:
    async with canaille(ca) as provider:
        machine = provider.machine
        basic = base64.b64encode(f"{machine.id}:{machine.secret}".encode()).decode()
        backchannel = ByHand(PUBLIC, provider.routes, provider.ca_file, "-")
        got = await backchannel.send(
            "POST", f"{provider.issuer}/oauth/token",
            {"grant_type": "client_credentials", "scope": machine.scope}, {"Authorization": f"Basic {basic}"},
        )  # fmt: skip
        assert got.status == 200, got.text
        assert got.json["token_type"] == "Bearer"
