"""The real provider that the sign-in tests rely on: what its pages hold, and whole sign-ins written out by hand."""

import base64
from collections.abc import AsyncIterator

import pytest
import trio

from parallax.dialling.http import HttpError
from tests.parts.by_hand import Answer, Authorization, ByHand, claims_of
from tests.parts.certificates import Authority
from tests.parts.oidc_provider import PUBLIC, OidcProvider, Pages, oidc_provider

pytestmark = pytest.mark.slow


def by_hand(provider: OidcProvider, stop: str | None = None) -> ByHand:
    return ByHand(PUBLIC, provider.routes, provider.ca_file, stop or provider.web.redirect_uri or "")


def ask(provider: OidcProvider, prompt: str = "consent", scope: str | None = None) -> Authorization:
    web = provider.web
    assert web.redirect_uri
    return Authorization(f"{provider.issuer}/auth", web.id, web.redirect_uri, scope or web.scope, prompt=prompt)


async def sign_in(provider: OidcProvider, browser: ByHand, password: str | None = None) -> Answer:
    """The page after the login form."""
    page = await browser.go("GET", ask(provider).url)
    form = page.form_with("password")
    return await browser.submit(page, form, {"login": provider.user, "password": password or provider.password})


@pytest.fixture(scope="module")
def ca() -> Authority:
    return Authority()


@pytest.fixture
async def provider(ca: Authority) -> AsyncIterator[OidcProvider]:
    async with oidc_provider(ca) as running:
        yield running


async def test_discovery_and_keys(provider: OidcProvider) -> None:
    backchannel = by_hand(provider)
    found = (await backchannel.send("GET", f"{provider.issuer}/.well-known/openid-configuration")).json
    assert found["issuer"] == provider.issuer
    names = ("authorization_endpoint", "token_endpoint", "userinfo_endpoint", "revocation_endpoint", "jwks_uri")
    assert all(found[name].startswith(f"{provider.issuer}/") for name in names)
    assert found["end_session_endpoint"]
    assert found["introspection_endpoint"]
    assert found["authorization_response_iss_parameter_supported"] is True
    keys = (await backchannel.send("GET", found["jwks_uri"])).json["keys"]
    assert {key["alg"] for key in keys} == {"RS256", "ES256"}
    assert all("d" not in key for key in keys)
    await provider.restart()
    again = (await backchannel.send("GET", found["jwks_uri"])).json["keys"]
    assert not {key["kid"] for key in keys} & {key["kid"] for key in again}


async def test_a_whole_sign_in_and_out(provider: OidcProvider) -> None:
    browser, backchannel = by_hand(provider), by_hand(provider)
    request = ask(provider)
    login = await browser.go("GET", request.url)
    assert login.status == 200
    assert login.url.startswith(f"{provider.issuer}/interaction/")
    assert [sorted(form.fields) for form in login.forms] == [["q"], ["_csrf", "login", "password"]]
    assert any(name == "csrf" and path.startswith("/interaction/") for name, path in browser.cookies)
    fill = {"login": provider.user, "password": provider.password}
    consent = await browser.submit(login, login.form_with("password"), fill, "Sign in")
    form = consent.form_with("_csrf")
    assert [label for *_, label in form.buttons] == ["Deny", "Not now", "Allow"]
    assert {name for name, *_ in form.buttons} == {"decision"}
    callback = request.answer((await browser.submit(consent, form, {}, "Allow")).url)
    assert callback["iss"] == provider.issuer

    exchange = {
        "grant_type": "authorization_code", "code": callback["code"], "client_id": provider.web.id,
        "redirect_uri": provider.web.redirect_uri or "", "code_verifier": request.verifier,
    }  # fmt: skip
    tokens = (await backchannel.send("POST", f"{provider.issuer}/token", exchange)).json
    claims = claims_of(tokens["id_token"])
    assert (claims["iss"], claims["aud"], claims["nonce"]) == (provider.issuer, "web", request.nonce)
    assert claims["amr"] == ["pwd"]
    assert claims["sub"] == provider.user

    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    me = await backchannel.send("GET", f"{provider.issuer}/me", headers=bearer)
    assert me.json["sub"] == provider.user
    assert me.json["email_verified"] is True
    refresh = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"], "client_id": provider.web.id}
    renewed = (await backchannel.send("POST", f"{provider.issuer}/token", refresh)).json
    assert renewed["access_token"] != tokens["access_token"]

    silent = await browser.go("GET", ask(provider, prompt="none", scope="openid").url)
    assert "code=" in silent.url
    bye = provider.web.logout_uri
    leave = f"{provider.issuer}/session/end?id_token_hint={tokens['id_token']}&post_logout_redirect_uri={bye}"
    page = await browser.go("GET", leave)
    browser.stop = bye or ""
    left = await browser.submit(page, page.form_with("xsrf"), {}, "Yes, sign me out")
    assert left.url.startswith(bye or "?")
    revoked = {"token": renewed["refresh_token"], "client_id": provider.web.id}
    assert (await backchannel.send("POST", f"{provider.issuer}/token/revocation", revoked)).status == 200
    browser.stop = provider.web.redirect_uri or ""
    assert "error=login_required" in (await browser.go("GET", ask(provider, prompt="none").url)).url
    bearer = {"Authorization": f"Bearer {renewed['access_token']}"}
    assert (await backchannel.send("GET", f"{provider.issuer}/me", headers=bearer)).status == 401


async def test_deny_is_an_error_at_the_callback(provider: OidcProvider) -> None:
    browser = by_hand(provider)
    consent = await sign_in(provider, browser)
    assert "error=access_denied" in (await browser.submit(consent, consent.form_with("_csrf"), {}, "Deny")).url


async def test_a_machine_gets_a_token(provider: OidcProvider) -> None:
    machine = provider.machine
    basic = base64.b64encode(f"{machine.id}:{machine.secret}".encode()).decode()
    url, grant = f"{provider.issuer}/token", {"grant_type": "client_credentials", "scope": machine.scope}
    got = (await by_hand(provider).send("POST", url, grant, {"Authorization": f"Basic {basic}"})).json
    assert got["scope"] == "read"
    assert claims_of(got["access_token"])["aud"] == "https://api.example"
    wrong = await by_hand(provider).send("POST", url, grant, {"Authorization": f"Basic {basic[:-8]}"})
    assert (wrong.status, wrong.json["error"]) == (401, "invalid_client")


async def test_a_wrong_password_shows_the_form_again(provider: OidcProvider) -> None:
    page = await sign_in(provider, by_hand(provider), "wrong")
    assert page.status == 200
    assert "Wrong user name or password" in page.text
    assert page.form_with("password").fields["login"] == provider.user


@pytest.mark.parametrize("field", ["cookie", "hidden"])
async def test_the_hidden_value_is_bound_to_a_cookie(provider: OidcProvider, field: str) -> None:
    browser = by_hand(provider)
    page = await browser.go("GET", ask(provider).url)
    form = page.form_with("password")
    if field == "cookie":
        browser.cookies = {key: value for key, value in browser.cookies.items() if key[0] != "csrf"}
    else:
        del form.fields["_csrf"]
    refused = await browser.submit(page, form, {"login": provider.user, "password": provider.password})
    assert refused.status == 403


async def test_form_post_comes_as_a_form_that_posts_itself(provider: OidcProvider) -> None:
    browser, request = by_hand(provider), ask(provider)
    request.url += "&response_mode=form_post"
    page = await browser.go("GET", request.url)
    page = await browser.submit(
        page, page.form_with("password"), {"login": provider.user, "password": provider.password}
    )
    page = await browser.submit(page, page.form_with("_csrf"), {}, "Allow")
    form = page.form_with("code")
    assert (form.action, form.fields["state"]) == (provider.web.redirect_uri, request.state)


@pytest.mark.parametrize(
    ("pages", "words"),
    [(Pages(captcha_after=2), "h-captcha"), (Pages(locked_after=2), "Your account is locked")],
    ids=["captcha", "locked"],
)
async def test_two_wrong_passwords_close_the_door(ca: Authority, pages: Pages, words: str) -> None:
    async with oidc_provider(ca, pages=pages) as provider:
        assert words not in (await sign_in(provider, by_hand(provider), "wrong")).text
        assert words in (await sign_in(provider, by_hand(provider), "wrong")).text
        refused = await sign_in(provider, by_hand(provider))
        assert refused.status == 200
        assert words in refused.text
        provider.user = "synthetic-two"
        assert words not in (await sign_in(provider, by_hand(provider))).text


async def test_identifier_first(ca: Authority) -> None:
    async with oidc_provider(ca, pages=Pages(identifier_first=True)) as provider:
        browser = by_hand(provider)
        page = await browser.go("GET", ask(provider).url)
        assert "password" not in page.text
        page = await browser.submit(page, page.form_with("login"), {"login": provider.user}, "Next")
        page = await browser.submit(page, page.form_with("password"), {"password": provider.password}, "Sign in")
        assert "Allow" in page.text


async def test_what_is_told_to_break_breaks_until_it_is_mended(provider: OidcProvider) -> None:
    browser = by_hand(provider)
    keys = f"{provider.issuer}/jwks"
    provider.break_path("/jwks", status=503, headers={"Retry-After": "7"}, body="down", times=2)
    first = await browser.send("GET", keys)
    assert (first.status, first.headers["retry-after"], first.text) == (503, "7", "down")
    assert [(await browser.send("GET", keys)).status for _ in range(2)] == [503, 200]
    provider.break_path("/jwks", status=429)
    assert [(await browser.send("GET", keys)).status for _ in range(2)] == [429, 429]
    assert (await browser.send("GET", f"{provider.issuer}/jwks/x")).status == 404
    provider.mend()
    assert (await browser.send("GET", keys)).status == 200
    provider.break_path("/j*", drop=True, times=1)
    with pytest.raises(HttpError):
        await browser.send("GET", keys)
    provider.break_path("/jwks", delay_s=0.2)
    began_at = trio.current_time()
    assert (await browser.send("GET", keys)).json["keys"]
    assert trio.current_time() - began_at >= 0.2


async def test_without_a_redirect_it_is_localhost(ca: Authority) -> None:
    async with oidc_provider(ca, issuer=None) as provider:
        direct = ByHand(provider.address, provider.routes, provider.ca_file, "-")
        found = await direct.send("GET", f"{provider.issuer}/.well-known/openid-configuration")
        assert found.json["issuer"] == provider.issuer
        assert found.json["token_endpoint"].startswith(provider.issuer)
