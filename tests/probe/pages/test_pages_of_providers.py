"""The pages of two real providers, signed in to with nothing but what the engine makes of them."""

import re
from collections.abc import Mapping
from urllib.parse import urljoin

import pyotp
import pytest

from parallax.dialling.http import open_http
from probe.pages.classify import classify
from probe.pages.page import Page, read_page
from probe.pages.scene import Context, Scene, Word
from probe.pages.submission import Submission, submission
from tests.parts.by_hand import Answer, Authorization, ByHand
from tests.parts.canaille import PUBLIC as CANAILLE
from tests.parts.canaille import Canaille, canaille
from tests.parts.certificates import Authority
from tests.parts.mail_sink import mail_sink
from tests.parts.oidc_provider import PUBLIC, OidcProvider, Pages, oidc_provider

pytestmark = pytest.mark.slow


class Browser(ByHand):
    """Sends a form's octets as they are."""

    async def send_form(self, sent: Submission, page: str) -> Answer:
        if sent.method == "GET":
            return await self.go("GET", sent.url)
        headers = {"Content-Type": sent.content_type or "", "Cookie": self._cookies_for(sent.url), "Referer": page}
        headers["Origin"] = "/".join(page.split("/")[:3])
        async with open_http(self._address, self._routes, self._trust) as http, http.request(
            "POST", sent.url, headers=headers, body=sent.body
        ) as response:  # fmt: skip
            text = (await response.aread()).decode()
        self._keep(sent.url, response.headers)
        location = response.headers.get("location")
        if location is None:
            return Answer(sent.url, response.status_code, response.headers, text)
        target = urljoin(sent.url, location)
        if target.startswith(self.stop):
            return Answer(target, response.status_code, response.headers, text)
        return await self.go("GET", target)


class Walk:
    """From page to page, by their scenes."""

    def __init__(self, provider: OidcProvider | Canaille, *, means: frozenset[str] = frozenset()) -> None:
        web = provider.web
        assert web.redirect_uri
        where = PUBLIC if isinstance(provider, OidcProvider) else CANAILLE
        path = "/auth" if isinstance(provider, OidcProvider) else "/oauth/authorize"
        self.browser = Browser(where, provider.routes, provider.ca_file, web.redirect_uri)
        self.start = Authorization(
            f"{provider.issuer}{path}", web.id, web.redirect_uri, web.scope, prompt="consent"
        ).url
        self.values = {"identifier": provider.user, "password": provider.password}
        self.means, self.leaving = means, False
        self.first: Page | None = None
        self.previous: Page | None = None
        self.words: list[Word] = []
        self.labels: list[str | None] = []

    async def go(self) -> Answer:
        """The first page."""
        return await self.browser.go("GET", self.start)

    def look(self, answer: Answer) -> Scene:
        """The scene of an answer."""
        page = read_page(answer.text, answer.url)
        context = Context(
            status=answer.status,
            submitted=tuple(self.words),
            previous=self.previous,
            means=self.means,
            leaving=self.leaving,
        )
        scene = classify(page, self.first, context)
        self.first, self.previous = self.first or page, page
        return scene

    async def send(self, scene: Scene, values: Mapping[str, str] | None = None) -> Answer:
        """What comes after the scene's form was sent."""
        self.words.append(scene.word)
        self.labels.append(scene.press.label if scene.press else None)
        if scene.follow is not None:
            return await self.browser.go("GET", scene.follow)
        assert scene.form is not None
        sent = submission(scene.form, scene.fill(self.values if values is None else values), scene.press)
        return await self.browser.send_form(sent, self.previous.url if self.previous else self.start)

    async def to_the_end(self, answer: Answer | None = None) -> Scene | None:
        """Where it ends: a scene that leads nowhere, or None at the redirect URI."""
        answer = answer or await self.go()
        for _ in range(12):
            if answer.url.startswith(self.browser.stop):
                return None
            scene = self.look(answer)
            if not scene.leads_on:
                return scene
            answer = await self.send(scene)
        raise AssertionError(f"it goes round: {self.words}")


@pytest.fixture(scope="module")
def ca() -> Authority:
    return Authority()


@pytest.mark.parametrize("identifier_first", [False, True])
async def test_oidc_provider(ca: Authority, identifier_first: bool) -> None:
    async with oidc_provider(ca, pages=Pages(identifier_first=identifier_first)) as provider:
        walk = Walk(provider)
        assert await walk.to_the_end() is None
        asking = ["identifier", "password"] if identifier_first else ["identifier_password"]
        assert walk.words == [*asking, "consent"]
        assert walk.labels[-1] == "Allow"
        walk.leaving, walk.words = True, []
        web = provider.web
        walk.browser.stop = web.logout_uri or "-"
        left = await walk.browser.go(
            "GET", f"{provider.issuer}/session/end?client_id={web.id}&post_logout_redirect_uri={web.logout_uri}"
        )
        assert await walk.to_the_end(left) is None
        assert walk.words == ["logout_confirm"]


async def test_oidc_provider_refuses(ca: Authority) -> None:
    async with oidc_provider(ca, pages=Pages(captcha_after=2, locked_after=3)) as provider:
        for word in ("bad_credentials", "bad_credentials", "locked"):
            walk = Walk(provider)
            walk.values["password"] = "wrong"
            if word == "locked":
                # the captcha stands before the third try, but only once the name is known: here it is sent all the same
                scene = walk.look(await walk.go())
                found = walk.look(await walk.send(scene))
            else:
                ended = await walk.to_the_end()
                assert ended is not None
                found = ended
            assert found.word == word, found


async def test_canaille_password(ca: Authority) -> None:
    async with canaille(ca) as provider:
        walk = Walk(provider)
        assert await walk.to_the_end() is None
        assert walk.words == ["identifier", "password", "consent"]
        web = provider.web
        walk.leaving, walk.words = True, []
        asked = await walk.browser.go(
            "GET", f"{provider.issuer}/oauth/end_session?client_id=web&post_logout_redirect_uri={web.logout_uri}"
        )
        scene = walk.look(asked)
        assert scene.word == "logout_confirm"
        assert scene.press is not None
        assert scene.press.label == "Logout"
        walk = Walk(provider)
        walk.values["password"] = "wrong"
        ended = await walk.to_the_end()
        assert ended is not None
        assert (ended.word, walk.words) == ("bad_credentials", ["identifier", "password"])


async def test_canaille_codes(ca: Authority) -> None:
    async with mail_sink() as sink, canaille(ca, factors=("password", "email"), mail=sink.address) as provider:
        walk = Walk(provider, means=frozenset({"otp"}))
        scene = walk.look(await walk.send(walk.look(await walk.send(walk.look(await walk.go())))))
        assert scene.word == "otp", scene
        wrong = walk.look(await walk.send(scene, {"otp": "000000"}))
        assert wrong.word == "bad_otp", wrong
        mail = await sink.wait_mail(provider.email)
        body = mail.get_body(("plain",))
        assert body is not None
        code = re.search(r"\b\d{6}\b", body.get_content())
        assert code
        walk.words.pop()
        assert await walk.to_the_end(await walk.send(scene, {"otp": code[0]})) is None
        assert walk.words[-1] == "consent"
    async with canaille(ca, factors=("password", "otp")) as provider:
        walk = Walk(provider, means=frozenset({"totp"}))
        walk.values["otp"] = pyotp.TOTP(provider.totp_base32).now()
        assert await walk.to_the_end() is None
        assert walk.words == ["identifier", "password", "totp", "consent"]
        without = await Walk(provider).to_the_end()
        assert without is not None
        assert without.word == "mfa_required"


async def test_canaille_blocks(ca: Authority) -> None:
    async with canaille(ca, captcha_after=3) as provider:
        for _ in range(3):
            walk = Walk(provider)
            walk.values["password"] = "wrong"
            await walk.to_the_end()
        ended = await Walk(provider).to_the_end()
        assert ended is not None
        assert ended.word == "captcha", ended
    async with canaille(ca, lockout=True) as provider:
        for _ in range(5):
            walk = Walk(provider)
            walk.values["password"] = "wrong"
            await walk.to_the_end()
        ended = await Walk(provider).to_the_end()
        assert ended is not None
        assert ended.word == "throttled", ended
