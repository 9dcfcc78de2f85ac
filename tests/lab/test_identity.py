"""The lab's identity provider, request by request, without sockets."""

import hashlib
import json
from base64 import urlsafe_b64encode
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from lab.effects import NOTHING, Effect
from lab.http_server import Request, Response
from lab.identity import CLIENT, ISSUER, MOST_KEPT, REDIRECT_URI, Identity

PASSWORD = "correct horse"
VERIFIER = "v" * 50
CHALLENGE = urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()


class Browser:
    """Asks, and keeps cookies as a browser would."""

    def __init__(self) -> None:
        self.identity = Identity(PASSWORD, lambda: 1_800_000_000 * 10**9)
        self.effect = NOTHING
        self.cookies: dict[str, str] = {}

    def ask(self, method: str, url: str, form: dict[str, str] | None = None, **headers: str) -> Response:
        parts = urlsplit(url)
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        request = Request(
            method=method, path=parts.path, query=parts.query, headers={"cookie": cookie, **headers},
            body=urlencode(form or {}).encode(),
        )  # fmt: skip
        response = self.identity.respond(request, self.effect)
        if "set-cookie" in response.headers:
            name, _, value = response.headers["set-cookie"].partition(";")[0].partition("=")
            self.cookies[name] = value
        return response

    def authorize(self, **more: str) -> Response:
        query = {
            "client_id": CLIENT, "redirect_uri": REDIRECT_URI, "response_type": "code", "scope": "openid",
            "state": "s1", "nonce": "n1", "code_challenge": CHALLENGE, "code_challenge_method": "S256", **more,
        }  # fmt: skip
        return self.ask("GET", f"/authorize?{urlencode(query)}")

    def sign_in(self, password: str = PASSWORD, user: str = "synthetic-fra1", action: str = "sign-in") -> Response:
        at = self.authorize().headers["location"]
        tx = dict(parse_qsl(urlsplit(at).query))["tx"]
        assert f'value="{tx}"'.encode() in self.ask("GET", at).body
        form = {"tx": tx, "username": user, "password": password, "action": action}
        return self.ask("POST", "/login", form)

    def tokens(self, back: Response) -> Response:
        form = {"grant_type": "authorization_code", "client_id": CLIENT, "redirect_uri": REDIRECT_URI}
        return self.ask("POST", "/token", form | {"code": back_of(back)["code"], "code_verifier": VERIFIER})


def back_of(response: Response) -> dict[str, str]:
    location = response.headers["location"]
    assert response.status == 303
    assert location.startswith(f"{REDIRECT_URI}?")
    return dict(parse_qsl(urlsplit(location).query))


def test_a_whole_sign_in_to_a_dead_session():
    browser = Browser()
    back = browser.sign_in()
    assert back_of(back) == {"code": back_of(back)["code"], "state": "s1", "iss": ISSUER}
    tokens = json.loads(browser.tokens(back).body)
    keys = KeySet.import_key_set(json.loads(browser.ask("GET", "/jwks").body))
    claims = jwt.decode(tokens["id_token"], keys, algorithms=["RS256"]).claims
    assert (claims["iss"], claims["sub"], claims["aud"], claims["nonce"]) == (ISSUER, "synthetic-fra1", CLIENT, "n1")
    bearer = {"authorization": f"Bearer {tokens['access_token']}"}
    assert json.loads(browser.ask("GET", "/userinfo", **bearer).body) == {"sub": "synthetic-fra1"}
    refresh = {"grant_type": "refresh_token", "client_id": CLIENT, "refresh_token": tokens["refresh_token"]}
    assert browser.ask("POST", "/token", refresh).status == 200
    assert browser.ask("POST", "/token", refresh).status == 400  # once only
    assert "code" in back_of(browser.authorize(prompt="none"))
    assert browser.ask("GET", f"/logout?{urlencode({'post_logout_redirect_uri': REDIRECT_URI})}").status == 303
    assert browser.ask("GET", "/userinfo", **bearer).status == 401
    assert back_of(browser.authorize(prompt="none"))["error"] == "login_required"


def test_a_code_is_good_once_and_for_its_verifier_only():
    browser = Browser()
    back = browser.sign_in()
    assert browser.tokens(back).status == 200
    assert browser.tokens(back).status == 400
    other = Browser()
    back = other.sign_in()
    form = {"grant_type": "authorization_code", "client_id": CLIENT, "redirect_uri": REDIRECT_URI}
    wrong = form | {"code": back_of(back)["code"], "code_verifier": "w" * 50}
    assert other.ask("POST", "/token", wrong).status == 400


@pytest.mark.parametrize(("password", "user"), [("wrong", "synthetic-fra1"), (PASSWORD, "root"), ("", "")])
def test_a_refusal_is_the_same_page_with_an_alert(password: str, user: str):
    response = Browser().sign_in(password, user)
    assert (response.status, b'role="alert"' in response.body) == (200, True)


def test_the_first_button_is_cancel():
    assert back_of(Browser().sign_in(action="cancel"))["error"] == "access_denied"


def test_faults():
    browser = Browser()
    browser.effect = Effect(sign_in_broken=True)
    assert browser.sign_in().status == 500
    browser.effect = Effect(captcha=True)
    response = browser.sign_in()
    assert (response.status, b"cf-turnstile" in response.body) == (200, True)
    good = browser.ask("GET", "/jwks").body
    browser.effect = Effect(keys_lost=True)
    assert browser.ask("GET", "/jwks").body != good


def test_no_table_grows_without_end():
    browser = Browser()
    for _ in range(MOST_KEPT + 10):
        browser.authorize()
    assert len(browser.identity._signing_in) == MOST_KEPT


def test_only_the_synthetic_client_with_pkce():
    browser = Browser()
    assert browser.authorize(client_id="other").status == 400
    assert browser.authorize(redirect_uri="https://evil.example/").status == 400
    assert back_of(browser.authorize(code_challenge_method="plain"))["error"] == "invalid_request"
