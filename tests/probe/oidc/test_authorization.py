"""From the request for a code to the tokens: what is sent, and in which order an answer's faults are told."""

import base64
import json
from typing import Any
from urllib.parse import parse_qs, unquote_plus, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parallax.reasons import REASONS
from parallax.secret import Secret
from probe.fault import Fault
from probe.oidc.authorization import Code, Start, is_callback, read_callback, start
from probe.oidc.oauth_errors import CODES
from probe.oidc.pkce import challenge_of
from probe.oidc.token_endpoint import (
    Client,
    Tokens,
    client_credentials,
    exchange_code,
    read_token_answer,
    refresh,
    revocation,
)
from probe.oidc.userinfo import read_userinfo

CB = "https://probe.invalid/cb"
ISSUER = "https://idp.example"


def begin(**more: Any) -> Start:
    counter = iter(range(1, 100))
    return start(
        "https://idp.example/auth?tenant=1",
        client_id="web",
        redirect_uri=CB,
        random=lambda count: bytes([next(counter)]) * count,
        **more,
    )


def query_of(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


def test_the_request_has_state_nonce_and_the_challenge():
    begun = begin(scope=["openid", "email"], prompt="none", extra={"max_age": "60", "state": "mine"})
    assert begun.pkce is not None
    assert query_of(begun.url) == {
        "tenant": "1",
        "max_age": "60",
        "response_type": "code",
        "client_id": "web",
        "redirect_uri": CB,
        "scope": "openid email",
        "state": begun.state,
        "nonce": begun.nonce,
        "code_challenge": begun.pkce.challenge,
        "code_challenge_method": "S256",
        "prompt": "none",
    }
    assert len({begun.state, begun.nonce, begun.pkce.verifier.reveal()}) == 3
    assert 43 <= len(begun.pkce.verifier.reveal()) <= 128
    assert begun.state not in repr(begun)


def test_two_requests_have_nothing_in_common():
    first, second = (start(ISSUER, client_id="web", redirect_uri=CB) for _ in range(2))
    assert first.state != second.state
    assert first.nonce != second.nonce
    assert first.pkce != second.pkce


def test_the_challenge_is_as_the_specification_has_it():
    """RFC 7636 appendix B."""
    assert challenge_of("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk") == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


@pytest.mark.parametrize(
    ("answer", "word"),
    [
        ("?code=c&state={state}", None),
        ("#code=c&state={state}", None),
        ("?code=c&state={state}&iss=https://idp.example", None),
        ("?error=server_error&state={state}", "oauth_server_error"),
        ("?error=server_error", "oauth_server_error"),  # the error is told before the missing state
        ("?error=server_error&state=other&code=c", "oauth_server_error"),
        ("?code=c", "oauth_state_missing"),
        ("?code=c&state=", "oauth_state_missing"),
        ("?code=c&state=other", "oauth_state_mismatch"),
        ("?code=c&state=other&iss=https://evil.example", "oauth_state_mismatch"),
        ("?code=c&state={state}&iss=https://idp.example/", "oauth_iss_mismatch"),
        ("?state={state}", "oauth_code_missing"),
        ("?code=&state={state}", "oauth_code_missing"),
        ("", "oauth_state_missing"),
        ("?code=a&code=b&state={state}", "oauth_callback_malformed"),
        ("?code=a&state={state}#code=b", "oauth_callback_malformed"),
        ("?" + "a=1&" * 200, "oauth_callback_malformed"),
        ("?code=" + "x" * 70_000, "oauth_callback_malformed"),
    ],
)
def test_of_a_callback_the_most_telling_fault_is_told(answer: str, word: str | None):
    begun = begin()
    found = read_callback(CB + answer.replace("{state}", begun.state), begun, issuer=ISSUER)
    assert (found.reason if isinstance(found, Fault) else None) == word
    if isinstance(found, Code):
        assert found.code.reveal() == "c"


def test_an_issuer_that_says_so_must_name_itself():
    begun = begin()
    callback = f"{CB}?code=c&state={begun.state}"
    found = read_callback(callback, begun, issuer=ISSUER, iss_parameter=True)
    assert found == Fault("oauth_iss_missing")
    named = read_callback(f"{callback}&iss=https%3A%2F%2Fidp.example", begun, issuer=ISSUER, iss_parameter=True)
    assert isinstance(named, Code)
    assert named.issuer == ISSUER


def test_a_callback_may_be_a_form():
    begun = begin(response_mode="form_post")
    found = read_callback({"code": "c", "state": begun.state}, begun, issuer=ISSUER)
    assert isinstance(found, Code)


@pytest.mark.parametrize("code", CODES)
def test_every_error_has_its_word(code: str):
    found = read_callback(f"{CB}?error={code}&error_description=because", begin(), issuer=ISSUER)
    assert isinstance(found, Fault)
    assert found.reason == CODES[code]
    assert found.reason in REASONS
    assert found.note == {"oauth_error": code, "oauth_error_description": "because"}


@pytest.mark.parametrize(
    ("code", "side"),
    [
        ("invalid_client", "config"),
        ("invalid_scope", "config"),
        ("unauthorized_client", "config"),
        ("invalid_redirect_uri", "config"),
        ("server_error", "target"),
        ("temporarily_unavailable", "target"),
        ("something_new", "target"),
        ("slow_down", "blocked"),
    ],
)
def test_whose_side_an_error_is_on(code: str, side: str):
    found = read_callback(f"{CB}?error={code}", begin(), issuer=ISSUER)
    assert isinstance(found, Fault)
    assert REASONS[found.reason].fault == side


def test_an_invalid_request_that_speaks_of_the_redirect_uri_is_that():
    callback = f"{CB}?error=invalid_request&error_description=Invalid+redirect_uri"
    found = read_callback(callback, begin(), issuer=ISSUER)
    assert isinstance(found, Fault)
    assert found.reason == "oauth_redirect_uri_mismatch"


@pytest.mark.parametrize(
    ("url", "there"),
    [
        (CB, True),
        (CB + "?code=1", True),
        (CB + "#code=1", True),
        ("HTTPS://PROBE.invalid/cb?x", True),
        ("https://probe.invalid/cbx", False),
        ("https://probe.invalid/", False),
        ("http://probe.invalid/cb", False),
        ("https://probe.invalid.evil.example/cb", False),
        ("https://probe.invalid:444/cb", False),
        ("https://[", False),
    ],
)
def test_where_the_browser_stops(url: str, there: bool):
    assert is_callback(url, CB) == there


ODD = Client(id="we:b %+é", secret=Secret("p:ss%+ é"), auth="basic")


def form_of(body: Secret) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(body.reveal()).items()}


def test_basic_authentication_is_form_encoded_before_it_is_joined():
    asked = client_credentials("https://idp.example/token", ODD, ["read"], {"resource": "https://api.example"})
    scheme, _, encoded = asked.headers()["Authorization"].partition(" ")
    name, _, secret = base64.b64decode(encoded).decode().partition(":")
    assert (scheme, unquote_plus(name), unquote_plus(secret)) == ("Basic", "we:b %+é", "p:ss%+ é")
    assert form_of(asked.body) == {
        "grant_type": "client_credentials",
        "scope": "read",
        "resource": "https://api.example",
    }


def test_the_other_ways_to_authenticate():
    posted = refresh("https://idp.example/token", Client(id="m", secret=Secret("s"), auth="post"), Secret("rt"))
    assert form_of(posted.body) == {
        "grant_type": "refresh_token",
        "refresh_token": "rt",
        "client_id": "m",
        "client_secret": "s",
    }
    public = revocation("https://idp.example/revoke", Client(id="m"), Secret("rt"), "refresh_token")
    assert form_of(public.body) == {"token": "rt", "token_type_hint": "refresh_token", "client_id": "m"}
    assert "Authorization" not in public.headers()


def test_the_code_goes_with_the_verifier():
    begun = begin()
    assert begun.pkce is not None
    asked = exchange_code("https://idp.example/token", Client(id="web"), Code(code=Secret("c0de")), begun)
    assert form_of(asked.body) == {
        "grant_type": "authorization_code",
        "code": "c0de",
        "redirect_uri": CB,
        "code_verifier": begun.pkce.verifier.reveal(),
        "client_id": "web",
    }


def test_nothing_that_is_secret_prints():
    begun = begin()
    assert begun.pkce is not None
    client = Client(id="web", secret=Secret("canary-client"), auth="basic")
    asked = exchange_code("https://idp.example/token", client, Code(code=Secret("canary-code")), begun)
    answer = json.dumps({"access_token": "canary-at", "id_token": "canary-id", "token_type": "Bearer"}).encode()
    tokens = read_token_answer(200, {}, answer, "authorization_code")
    assert isinstance(tokens, Tokens)
    told = f"{begun!r} {client!r} {asked!r} {tokens!r} {tokens.as_findings()!r}"
    assert "canary" not in told
    assert begun.pkce.verifier.reveal() not in told


def answer(status: int, said: Any, grant: Any = "authorization_code", **headers: str) -> Tokens | Fault:
    body = said if isinstance(said, bytes) else json.dumps(said).encode()
    return read_token_answer(status, headers, body, grant)


GIVEN = {"access_token": "at", "token_type": "Bearer"}


@pytest.mark.parametrize(
    ("status", "said", "grant", "word"),
    [
        (200, GIVEN, "refresh_token", None),  # neither an id_token nor a new refresh token need come
        (200, GIVEN | {"token_type": "bearer"}, "authorization_code", None),
        (200, GIVEN | {"token_type": "mac"}, "authorization_code", "oauth_token_error"),
        (200, {"access_token": "at"}, "authorization_code", "oauth_token_error"),
        (200, {"token_type": "Bearer"}, "refresh_token", "oauth_refresh_error"),
        (200, b"<html>", "client_credentials", "oauth_client_credentials_error"),
        (200, [], "authorization_code", "oauth_token_error"),
        (201, GIVEN, "authorization_code", "oauth_token_error"),
        (500, b"oops eyJhbGciOiJSUzI1NiJ9.e30.x", "authorization_code", "oauth_token_error"),
        (400, {"error": "invalid_grant"}, "authorization_code", "oauth_invalid_grant"),
        (401, {"error": "invalid_client"}, "client_credentials", "oauth_invalid_client"),
        (200, {"error": "invalid_scope"}, "client_credentials", "oauth_invalid_scope"),
        (503, {"error": "who_knows"}, "client_credentials", "oauth_server_error"),
        (400, {"error": "who_knows"}, "client_credentials", "oauth_error"),
    ],
)
def test_what_a_token_endpoint_answers(status: int, said: Any, grant: str, word: str | None):
    found = answer(status, said, grant)
    assert (found.reason if isinstance(found, Fault) else None) == word
    assert "eyJ" not in repr(found)


def test_what_a_token_endpoint_says_beside_the_tokens():
    found = answer(200, GIVEN | {"expires_in": "3600", "scope": "a b"}, **{"cache-control": "no-store"})
    assert isinstance(found, Tokens)
    assert found.as_findings() == {
        "token_type": "Bearer",
        "expires_in": 3600.0,
        "scope": ["a", "b"],
        "given": ["access_token"],
        "remarks": None,
    }
    odd = answer(200, GIVEN | {"expires_in": True})
    assert isinstance(odd, Tokens)
    assert odd.expires_in is None
    assert len(odd.remarks) == 2


@pytest.mark.parametrize(
    ("status", "said", "word"),
    [
        (200, {"sub": "u1"}, None),
        (200, {"sub": "u2"}, "session_sub_mismatch"),
        (200, {"email": "x"}, "session_userinfo_malformed"),
        (200, b"<html>", "session_userinfo_malformed"),
        (401, {}, "session_userinfo_http"),
    ],
)
def test_what_userinfo_answers(status: int, said: Any, word: str | None):
    body = said if isinstance(said, bytes) else json.dumps(said).encode()
    found = read_userinfo(status, {}, body, "u1")
    assert (found.reason if isinstance(found, Fault) else None) == word


def test_a_signed_userinfo_is_not_believed_without_keys():
    found = read_userinfo(200, {"content-type": "Application/JWT; x"}, b"a.b.c", "u1")
    assert isinstance(found, Fault)
    assert found.reason == "session_userinfo_malformed"


@given(st.text(max_size=200), st.binary(max_size=200))
def test_arbitrary_answers_never_raise(text: str, body: bytes):
    assert isinstance(read_callback(text, begin(), issuer=ISSUER), Fault)
    assert isinstance(read_token_answer(200, {}, body, "authorization_code"), Fault)
    assert isinstance(read_userinfo(200, {}, body, "u1"), Fault)


@given(st.dictionaries(st.sampled_from(["error", "error_description", "state", "code", "iss"]), st.text(max_size=50)))
def test_arbitrary_forms_never_raise(form: dict[str, str]):
    found = read_callback(form, begin(), issuer=ISSUER)
    assert isinstance(found, Fault)
    assert found.reason in REASONS
