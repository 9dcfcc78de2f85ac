"""A provider that means harm: in addresses, in documents, in tokens and in words. Whatever it says, the probe's own
side is never to blame, the observation can be carried, and the password goes nowhere else.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from parallax.config import BoundSecret
from parallax.letters import Letter, LetterKind
from parallax.observation import as_dict
from parallax.state import write_private
from probe.mailbox import KINDS
from probe.tools import Tools
from probe.vault import Vault
from tests.fakes.signin_server import LOGIN, PASSWORD, USER, Asked, Said, SigninServer, as_json, page, to
from tests.parts.certificates import Authority
from tests.probe.oidc.keys import RSA_JWK
from tests.probe.signin.flows import check_of, run, spec_of, tools_at

pytestmark = pytest.mark.slow

Harm = Callable[[SigninServer], None]


def at(path: str, said: Callable[[Asked], Said]) -> Harm:
    return lambda server: server.answers.update({path: said})


def leads_to(url: str) -> Harm:
    return at("/auth", lambda asked: to(url))


def login(old: bytes, new: str) -> Harm:
    """The page of the sign-in, changed; PORT is the server's."""

    def harm(server: SigninServer) -> None:
        changed = LOGIN.replace(old, new.replace("PORT", str(server.address.port)).encode())
        assert changed != LOGIN
        server.answers["/auth"] = lambda asked: (server._auth(asked), page(changed))[1]

    return harm


def document(**said: Any) -> Harm:
    def harm(server: SigninServer) -> None:
        right = server.document
        server.document = lambda: {**right(), **said}  # type: ignore[method-assign]

    return harm


def claims(**said: Any) -> Harm:
    return lambda server: server.claims.update(said)


def token(**said: Any) -> Harm:
    def harm(server: SigninServer) -> None:
        server.answers["/token"] = lambda asked: as_json(
            {"access_token": "abcdefgh", "token_type": "Bearer", "id_token": server.id_token(), **said}
        )

    return harm


ESCAPE = "\x1b[31m\u202e" * 100
CASES: dict[str, tuple[Harm, str | None]] = {
    "a redirect to half an address": (leads_to("//["), "signin_unexpected_page"),
    "a redirect to letters that are others": (leads_to("https://\u00e2\u0084\u0080.x/"), "signin_unexpected_page"),
    "a redirect to no port": (leads_to("https://a:99999/"), "signin_unexpected_page"),
    "a redirect to a number": (leads_to("http://2852039166/"), "signin_unexpected_page"),
    "a redirect to a zone": (leads_to("http://[fe80::1%25eth0]/"), "signin_unexpected_page"),
    "a redirect with a backslash": (leads_to("https://evil.example\\@localhost/"), "signin_unexpected_page"),
    "a redirect as the redirect URI": (leads_to("https://probe.invalid@localhost/cb"), "signin_unexpected_page"),
    "nbf without end": (claims(nbf=10**30), "token_claim_unexpected"),
    "exp without end": (claims(exp=10**4000), "token_claim_unexpected"),
    "exp of 300 digits": (claims(exp=1e300), "token_claim_unexpected"),
    "exp in words": (claims(exp="x" * 5000), "token_claim_unexpected"),
    "long claims": (claims(amr=["x" * 1000] * 10, acr="y" * 10_000), None),
    "a token with a line break": (token(access_token="abcdefgh\r\nX-Evil: 1"), "http_unsendable"),
    "a lifetime without end": (token(expires_in=10**40), "session_userinfo_http"),
    "an error that paints": (
        at("/token", lambda asked: as_json({"error": "x" * 100_000, "error_description": ESCAPE}, 400)),
        "oauth_error",
    ),
    "a title that paints": (login(b"Sign in</title>", ESCAPE + "x" * 100_000 + "</title>"), None),
    "a userinfo of hundreds": (
        at("/me", lambda asked: as_json({"sub": USER, **{f"\x1b\u202e{n}": 1 for n in range(500)}})),
        None,
    ),
    "a form to a user at a host": (
        login(b"/login", "https://localhost@evil.example/"),
        "signin_unexpected_page",
    ),
    "a form with a backslash": (
        login(b"/login", "https://evil.example\\@localhost:PORT/login"),
        "signin_unexpected_page",
    ),
    "a form in the clear": (login(b"/login", "http://localhost:PORT/login"), "secret_withheld"),
    "a button that leads elsewhere": (
        login(b"<button", "<button formaction=https://127.0.0.1:PORT/login"),
        "secret_withheld",
    ),
    "a button in the clear": (login(b"<button", "<button formaction=http://localhost:PORT/x"), "secret_withheld"),
    "a base elsewhere": (login(b"<title", "<base href='https://127.0.0.1:PORT/'><title"), "secret_withheld"),
    "a token endpoint for a user": (
        document(token_endpoint="https://localhost@evil.example/token"),
        "discovery_bad_endpoint",
    ),
    "a token endpoint without port": (document(token_endpoint="https://localhost:0/"), "discovery_bad_endpoint"),
    "an endpoint at half a name": (document(authorization_endpoint="https://a..b/"), "discovery_bad_endpoint"),
    "an endpoint at half a number": (document(authorization_endpoint="https://1.2.3/"), "discovery_bad_endpoint"),
    "a userinfo endpoint at half a name": (document(userinfo_endpoint="https://a..b/"), None),
    "a userinfo endpoint in the clear": (document(userinfo_endpoint="http://localhost:1/"), None),
    "keys of odd types": (
        at(
            "/jwks",
            lambda asked: as_json(
                {"keys": [RSA_JWK, RSA_JWK | {"kid": 10**40}, RSA_JWK | {"alg": 10**40, "use": [1], "kid": "a" * 9999}]}
            ),
        ),
        None,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
async def test_harm_is_told_and_does_none(name: str, server: SigninServer, ca: Authority, tmp_path: Path) -> None:
    harm, reason = CASES[name]
    harm(server)
    found = await run(check_of(spec_of(server), timeout_s=10), tools_at(ca, tmp_path))
    ended = next((each for each in found if each.reason is not None), None)
    if reason is not None:
        assert ended is not None
        assert ended.reason == reason, ended.findings
    assert not any(each.fault == "probe" for each in found)
    carried = msgspec.msgpack.encode([as_dict(each) for each in found])
    text = json.dumps([as_dict(each) for each in found], allow_nan=False, ensure_ascii=False)
    assert len(carried) < 30_000
    assert PASSWORD not in text
    assert not {"\x1b", "\u202e"} & set(text)
    sent = [asked for asked in server.asked if PASSWORD in asked.form.values()]
    assert {(asked.path, asked.headers["host"]) for asked in sent} <= {("/login", f"localhost:{server.address.port}")}
    assert len(sent) <= 1


CODE_PAGE = (
    "<title>Two-step verification</title><p>Enter the code from your authenticator app</p><form method=post "
    "action='{action}'><input name=code autocomplete=one-time-code inputmode=numeric><button>Verify</button></form>"
)
SEED = "JBSWY3DPEHPK3PXP"


@pytest.mark.parametrize(
    ("action", "goes"),
    [("/code", True), ("https://127.0.0.1:{port}/code", False), ("http://localhost:{port}/code", False)],
)
async def test_a_code_by_the_clock_goes_where_its_seed_may(
    action: str, goes: bool, server: SigninServer, ca: Authority, tmp_path: Path
) -> None:
    where = CODE_PAGE.format(action=action.format(port=server.address.port))
    server.answers["/login"] = lambda asked: page(where)
    server.answers["/code"] = lambda asked: server.callback()
    tools = tools_with_seed(ca, tmp_path, "localhost")
    found = await run(check_of(spec_of(server, user=USER_WITH_SEED), timeout_s=40), tools)
    assert [form.get("code", "").isdigit() for form in server.forms("/code")] == [True] * goes
    ended = next(((each.subject, each.reason) for each in found if each.reason), None)
    assert ended == (None if goes else ("otp", "secret_withheld"))


async def test_a_plan_gets_no_codes_for_a_provider_that_the_seed_is_not_bound_to(
    server: SigninServer, ca: Authority, tmp_path: Path
) -> None:
    server.answers["/auth"] = lambda asked: (server._auth(asked), page(CODE_PAGE.format(action="/code")))[1]
    tools = tools_with_seed(ca, tmp_path, "sso.example.com")
    found = await run(check_of(spec_of(server, user=USER_WITH_SEED), timeout_s=40), tools)
    ended = next(each for each in found if each.reason)
    assert (ended.subject, ended.reason) == ("otp", "secret_withheld")
    assert "[secrets.SEED]" in ended.findings["detail"]
    assert not server.forms("/code")


USER_WITH_SEED = {"name": "synthetic-one", "password": "secret:PW", "totp": {"secret": "secret:SEED"}}


def tools_with_seed(ca: Authority, folder: Path, host: str) -> Tools:
    write_private(folder / "seed", SEED.encode())
    tools = tools_at(ca, folder)
    bound = {**tools.vault.bindings, "SEED": BoundSecret(source=f"file:{folder / 'seed'}", hosts=[host])}
    return msgspec.structs.replace(tools, vault=Vault(bound))


class Postman:
    """A mailbox with one letter; `asked` has what was waited for."""

    kinds = KINDS

    def __init__(self) -> None:
        self.asked: list[tuple[LetterKind, str]] = []

    async def wait(
        self, to: str, since: float, within_s: float, *, kind: LetterKind = "mail", **more: object
    ) -> list[Letter]:
        self.asked.append((kind, to))
        return [
            Letter(
                number=1, to=to, sender="idp@sso.example", age_s=0.0, text="Your code is 424299.", size=20, kind=kind
            )
        ]


@pytest.mark.parametrize("goes", [True, False])
@pytest.mark.parametrize(
    ("user", "words"),
    [
        ({"name": "probe@mx.example", "mail": {}}, "that we sent to your mail address"),
        ({"name": "probe", "sms": {"to": "+15005550006"}}, "that we sent to your phone by SMS"),
    ],
    ids=["mail", "sms"],
)
async def test_a_code_that_was_sent_goes_to_the_issuer_only(
    user: dict[str, object], words: str, goes: bool, server: SigninServer, ca: Authority, tmp_path: Path
) -> None:
    """A page elsewhere that was told who signs in may have had the code sent itself."""
    host = "localhost" if goes else "127.0.0.1"
    asking = CODE_PAGE.replace("from your authenticator app", words)
    server.answers["/auth"] = lambda asked: (
        server._auth(asked),
        page(asking.format(action=f"https://{host}:{server.address.port}/code")),
    )[1]
    server.answers["/code"] = lambda asked: server.callback()
    postman = Postman()
    tools = msgspec.structs.replace(tools_at(ca, tmp_path), mailbox=postman)
    found = await run(check_of(spec_of(server, user=user), timeout_s=10), tools)
    assert server.forms("/code") == ([{"code": "424299"}] if goes else [])
    if goes:
        assert postman.asked == [("sms", "+15005550006") if "sms" in user else ("mail", "probe@mx.example")]
    else:
        ended = next(each for each in found if each.reason)
        assert (ended.subject, ended.reason) == ("otp", "secret_withheld")
