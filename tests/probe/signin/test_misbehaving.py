"""What a sign-in makes of providers that fail, lie and loop: each ends at its step, with its class, cleaned up."""

import json
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trio

from parallax.observation import Observation, as_dict
from probe.tools import Tools
from tests.fakes.http_server import response
from tests.fakes.signin_server import (
    DISCOVERY,
    LOGIN,
    PASSWORD,
    Asked,
    Said,
    SigninServer,
    as_json,
    page,
    to,
)
from tests.parts.certificates import Authority
from tests.probe.oidc.keys import hs256, signed
from tests.probe.signin.flows import check_of, run, spec_of, told, tools_at

pytestmark = pytest.mark.slow

Misbehave = Callable[[SigninServer], None]
GOOD = [
    "discovery", "jwks", "authorize", "password", "token", "verify", "userinfo", "refresh", "logout", "session",
]  # fmt: skip


async def go(server: SigninServer, tools: Tools, *, timeout_s: float = 10, **more: Any) -> list[Observation]:
    with trio.fail_after(60):
        return await run(check_of(spec_of(server, **more), timeout_s=timeout_s), tools)


async def test_a_good_provider(server: SigninServer, ca: Authority, tmp_path: Path) -> None:
    found = await go(server, tools_at(ca, tmp_path))
    assert told(found) == [(step, None) for step in GOOD]
    assert server.forms("/login") == [{"user": "synthetic-one", "pw": PASSWORD, "csrf": "c5rf-value-77"}]
    assert not any(asked.cookies for asked in server.asked if asked.path in ("/token", "/me", "/revoke"))
    assert not server.live


def answers(path: str, said: Callable[[Asked], Said]) -> Misbehave:
    return lambda server: server.answers.update({path: said})


def claims(**said: Any) -> Misbehave:
    return lambda server: server.claims.update(said)


def calls_back(**more: str) -> Misbehave:
    def misbehave(server: SigninServer) -> None:
        server.answers["/login"] = lambda asked: server.callback(**more)

    return misbehave


def bad_token(server: SigninServer) -> None:
    server.id_token = lambda: signed({"iss": server.issuer}, sign=hs256(b"x"), alg="HS256")  # type: ignore[method-assign]


def other_user(server: SigninServer) -> None:
    server.answers["/me"] = lambda asked: as_json({"sub": "somebody else"})


def survives(server: SigninServer) -> None:
    server.answers["/bye"] = lambda asked: page("<title>Signed out</title>")


def never_revokes(server: SigninServer) -> None:
    server.answers["/revoke"] = lambda asked: Said(503)


HTML = "Content-Type: text/html"
REFRESH = '<meta http-equiv=refresh content="0; url=/auth?x=%s"><p>wait'
CAPTCHA = b'<div class="h-captcha" data-sitekey="1"></div>'
NEW = "<input type=password name=%s autocomplete=new-password>"
BOMB = zlib.compress(b"\0" * 40_000_000)
CASES: dict[str, tuple[Misbehave, str, str, str]] = {
    "discovery 503": (answers(DISCOVERY, lambda a: Said(503)), "discovery", "http_server_error", "target"),
    "discovery is a page": (answers(DISCOVERY, lambda a: page("<p>hi")), "discovery", "discovery_not_json", "target"),
    "discovery redirects": (answers(DISCOVERY, lambda a: to("/x")), "discovery", "discovery_http", "target"),
    "a wall": (
        answers(DISCOVERY, lambda a: Said(403, b"x", ("cf-mitigated: challenge",))),
        "discovery",
        "http_challenge",
        "blocked",
    ),
    "another issuer": (
        answers(DISCOVERY, lambda a: as_json({"issuer": "https://evil.example"})),
        "discovery",
        "discovery_issuer_mismatch",
        "target",
    ),
    "no keys": (answers("/jwks", lambda a: as_json({"keys": []})), "jwks", "jwks_empty", "target"),
    "redirects for ever": (
        answers("/auth", lambda a: to(f"/auth?{len(a.query)}")),
        "authorize",
        "signin_loop",
        "target",
    ),
    "refreshes for ever": (
        answers("/auth", lambda a: page(REFRESH % (a.query.get("x", "") + "1"))),
        "authorize",
        "signin_loop",
        "target",
    ),
    "429": (
        answers("/auth", lambda a: Said(429, b"", ("Retry-After: 999999999",))),
        "authorize",
        "http_throttled",
        "blocked",
    ),
    "403": (answers("/auth", lambda a: Said(403, b"no")), "authorize", "http_forbidden", "blocked"),
    "500 page": (
        answers("/auth", lambda a: page("<title>Oops</title>", 500)),
        "authorize",
        "http_server_error",
        "target",
    ),
    "needs scripts": (
        answers("/auth", lambda a: page('<title>App</title><div id=root></div><script src="/app.js"></script>')),
        "authorize",
        "signin_needs_browser",
        "config",
    ),
    "a captcha": (
        answers("/auth", lambda a: page(LOGIN.replace(b"<button>", CAPTCHA + b"<button>"))),
        "authorize",
        "signin_captcha",
        "blocked",
    ),
    "50 MB": (
        answers("/auth", lambda a: Said(raw=response(200, b"", HTML, length=50_000_000), then="close")),
        "authorize",
        "http_too_large",
        "target",
    ),
    "a bomb": (
        answers("/auth", lambda a: Said(200, BOMB, (HTML, "Content-Encoding: deflate"))),
        "authorize",
        "http_bad_encoding",
        "target",
    ),
    "a lying length": (
        answers("/auth", lambda a: Said(raw=response(200, b"<p>", HTML, length=400), then="close")),
        "authorize",
        "http_truncated",
        "target",
    ),
    "no HTTP": (
        answers("/auth", lambda a: Said(raw=b"\x00\x01garbage\r\n\r\n", then="close")),
        "authorize",
        "http_malformed",
        "target",
    ),
    "closes": (answers("/auth", lambda a: Said(raw=b"", then="close")), "authorize", "connection_closed", "target"),
    "a script address": (
        answers("/auth", lambda a: to("javascript:alert(1)")),
        "authorize",
        "signin_unexpected_page",
        "target",
    ),
    "an error at the callback": (
        calls_back(code="", error="server_error", error_description="no luck"),
        "password",
        "oauth_server_error",
        "target",
    ),
    "an error without state": (
        calls_back(code="", state="", error="access_denied"),
        "password",
        "oauth_access_denied",
        "config",
    ),
    "no state": (calls_back(state=""), "password", "oauth_state_missing", "target"),
    "another state": (calls_back(state="forged"), "password", "oauth_state_mismatch", "target"),
    "another iss": (calls_back(iss="https://evil.example"), "password", "oauth_iss_mismatch", "target"),
    "no code": (calls_back(code=""), "password", "oauth_code_missing", "target"),
    "locked with 200": (
        answers("/login", lambda a: page("<title>Sign in</title><p role=alert>Your account is locked.</p>")),
        "password",
        "signin_account_locked",
        "blocked",
    ),
    "a new password is wanted": (
        answers(
            "/login",
            lambda a: page(
                f"<title>Change your password</title><form method=post>{NEW % 'n'}{NEW % 'm'}"
                "<button>Change</button></form>"
            ),
        ),
        "password",
        "signin_required_action",
        "config",
    ),
    "a code is wanted": (
        answers(
            "/login",
            lambda a: page(
                "<title>Two-step verification</title><p>Enter the code from your authenticator app</p>"
                "<form method=post>"
                "<input name=code autocomplete=one-time-code inputmode=numeric><button>Verify</button></form>"
            ),
        ),
        "password",
        "signin_mfa_required",
        "config",
    ),
    "no tokens": (
        answers("/token", lambda a: as_json({"error": "invalid_grant"}, 400)),
        "token",
        "oauth_invalid_grant",
        "target",
    ),
    "token 503": (answers("/token", lambda a: Said(503)), "token", "http_server_error", "target"),
    "signed with HS256": (bad_token, "verify", "token_alg_not_allowed", "target"),
    "another nonce": (claims(nonce="another"), "verify", "token_nonce_mismatch", "target"),
    "another audience": (claims(aud="another"), "verify", "token_aud_mismatch", "target"),
    "a token of the past": (claims(iat=1_000_000_000, exp=1_000_000_600), "verify", "token_clock_skew", "target"),
    "another user": (other_user, "userinfo", "session_sub_mismatch", "target"),
    "survives": (survives, "session", "session_survived_logout", "target"),
    "cannot revoke": (never_revokes, "logout", "http_server_error", "target"),
}


@pytest.mark.parametrize("name", CASES)
async def test_misbehaviour_is_told_where_it_happens(
    name: str, server: SigninServer, ca: Authority, tmp_path: Path
) -> None:
    misbehave, step, reason, fault = CASES[name]
    misbehave(server)
    found = await go(server, tools_at(ca, tmp_path))
    ended = next(each for each in found if each.reason is not None)
    assert (ended.subject, ended.reason, ended.fault) == (step, reason, fault), ended.findings
    assert {each.subject for each in found[found.index(ended) + 1 :]} <= {step, "cleanup"}
    assert len(server.forms("/login")) <= 1
    assert len([form for form in server.forms("/token") if form.get("grant_type") == "authorization_code"]) <= 1


@pytest.mark.parametrize("path", ["/auth", "/login", "/token", "/me"])
async def test_what_hangs_is_told_by_its_phase_and_cleaned_up(
    path: str, server: SigninServer, ca: Authority, tmp_path: Path
) -> None:
    server.answers[path] = lambda asked: Said(raw=b"", then="hang")
    found = await go(server, tools_at(ca, tmp_path), timeout_s=1.5)
    assert [each.reason for each in found if each.subject != "cleanup"][-1] == "first_byte_timeout"
    assert (found[-1].subject == "cleanup") == (path != "/auth")
    assert not server.session
    if path == "/me":
        assert not server.live


async def test_what_hangs_and_may_be_repeated_leaves_time_for_a_control_attempt(
    server: SigninServer, ca: Authority, tmp_path: Path
) -> None:
    server.answers["/jwks"] = lambda asked: Said(raw=b"", then="hang")
    found = await go(server, tools_at(ca, tmp_path), timeout_s=2.0)
    keys = [(each.reason, each.attempt) for each in found if each.subject == "jwks"]
    assert keys == [("first_byte_timeout", 1), ("first_byte_timeout", 2)]
    assert found[-1].subject == "jwks"


async def test_a_drip_ends_with_the_run(server: SigninServer, ca: Authority, tmp_path: Path) -> None:
    server.answers["/auth"] = lambda asked: Said(
        raw=response(200, b"<p>", "Content-Type: text/html", length=9), then="hang"
    )
    found = await go(server, tools_at(ca, tmp_path), timeout_s=1.0)
    assert told(found)[-1] == ("authorize", "body_timeout")


async def test_cookies_that_are_no_ascii_go_back_as_they_came(
    server: SigninServer, ca: Authority, tmp_path: Path
) -> None:
    odd = "Set-Cookie: odd=caf\u00c3\u00a9-\u00ff; Path=/"
    server.answers["/auth"] = lambda asked: (
        server._auth(asked) if asked.query.get("prompt") else _with(server._auth(asked), odd)
    )
    found = await go(server, tools_at(ca, tmp_path))
    assert told(found) == [(step, None) for step in GOOD]
    (login,) = [asked for asked in server.asked if asked.path == "/login"]
    assert "odd=caf\u00c3\u00a9-\u00ff" in login.cookies


def _with(said: Said, line: str) -> Said:
    return Said(said.status, said.body, (*said.lines, line))


async def test_form_post_and_a_refresh_lead_to_the_callback(
    server: SigninServer, ca: Authority, tmp_path: Path
) -> None:
    def posts(asked: Asked) -> Said:
        server.session = True
        fields = (
            f'<input type=hidden name=code value="c0de"><input type=hidden name=state value="{server.begun["state"]}">'
        )
        return page(
            f'<body onload="document.forms[0].submit()"><form method=post action="{server.begun["redirect_uri"]}">'
            f"{fields}<noscript><button>Continue</button></noscript></form>"
        )

    server.answers["/login"] = lambda asked: page('<meta http-equiv="refresh" content="0;url=/posts">')
    server.answers["/posts"] = posts
    found = await go(server, tools_at(ca, tmp_path))
    assert told(found) == [(step, None) for step in GOOD]


async def test_a_redirect_carries_the_password_nowhere_else(
    server: SigninServer, ca: Authority, tmp_path: Path
) -> None:
    """307 means: send the form again, there."""
    elsewhere = f"https://127.0.0.1:{server.address.port}/steal"
    server.answers["/login"] = lambda asked: to(elsewhere, 307)
    found = await go(server, tools_at(ca, tmp_path))
    assert next((each.subject, each.reason) for each in found if each.reason) == ("password", "secret_withheld")
    assert not server.forms("/steal")


async def test_a_form_of_another_host_gets_no_password(server: SigninServer, ca: Authority, tmp_path: Path) -> None:
    elsewhere = f"https://127.0.0.1:{server.address.port}/steal".encode()
    server.answers["/auth"] = lambda asked: server._auth(asked) and page(LOGIN.replace(b"/login", elsewhere))
    found = await go(server, tools_at(ca, tmp_path))
    assert told(found)[-1] == ("password", "secret_withheld")
    assert "127.0.0.1" in found[-1].findings["detail"]
    assert not server.forms("/steal")


async def test_a_form_by_get_gets_no_password(server: SigninServer, ca: Authority, tmp_path: Path) -> None:
    server.answers["/auth"] = lambda asked: server._auth(asked) and page(LOGIN.replace(b"method=post", b"method=get"))
    found = await go(server, tools_at(ca, tmp_path))
    assert told(found)[-1] == ("authorize", "signin_needs_browser")
    assert not [asked for asked in server.asked if asked.path == "/login"]


async def test_nothing_secret_is_in_an_observation(server: SigninServer, ca: Authority, tmp_path: Path) -> None:
    """The provider echoes what it got, in every place that a flow looks at."""

    def echo(asked: Asked) -> Said:
        said = " ".join([*asked.form.values(), *asked.query.values(), asked.cookies])
        return page(
            f"<title>{said}</title><p role=alert>{said}</p>"
            f"<form method=post action='/x?{said}'><button>{said}</button></form>",
            400, f"X-Echo: {said}", f"Location: /{said.replace(' ', '/')}",
        )  # fmt: skip

    server.answers["/login"] = echo
    found = await go(server, tools_at(ca, tmp_path))
    text = json.dumps([as_dict(each) for each in found], default=str)
    for canary in (PASSWORD, "fl0w-cookie-value", server.begun["state"], server.begun["nonce"]):
        assert canary not in text


async def test_a_cancelled_run_leaves_no_session(server: SigninServer, ca: Authority, tmp_path: Path) -> None:
    """Cancelled in each of its requests after the password went out."""
    for path in ("/login", "/token", "/me", "/revoke", "/bye"):
        tools = tools_at(ca, tmp_path)
        kept = server.answers[path]
        server.live.clear()  # tokens that were never received cannot be revoked
        with trio.CancelScope() as scope:

            def cancels(asked: Asked, scope: trio.CancelScope = scope, kept: Any = kept) -> Said:
                scope.cancel()
                return kept(asked)  # type: ignore[no-any-return]

            server.answers[path] = cancels
            await go(server, tools)
        assert scope.cancelled_caught, path
        server.answers[path] = kept
        assert not server.session, path
        assert not {token for token in server.live if token.startswith("rt9")} or path == "/token", path


async def test_a_step_keeps_its_name_though_a_secret_begins_with_it(
    server: SigninServer, ca: Authority, tmp_path: Path
) -> None:
    server.answers["/auth"] = lambda asked: page(LOGIN, 200, "Set-Cookie: c=password-1f0c8a77e2d94b; Path=/")
    found = await go(server, tools_at(ca, tmp_path))
    assert "password" in [each.subject for each in found]
    assert {each.subject for each in found} == {each.dims["step"] for each in found}
    assert not [each for each in found if "1f0c8a77e2d94b" in str(as_dict(each))]
