"""Flows of a plan's own: what each kind of step does with right and wrong responses, what goes where, what is cleaned
up."""

import tomllib
from pathlib import Path
from typing import Any

import msgspec
import pytest
import trio

from parallax.clock import NS, wall_ns
from parallax.config import BoundSecret
from parallax.letters import Letter
from parallax.observation import Observation, as_dict
from parallax.plan.checks import Check, Unsupported, convert_check
from parallax.plan.signin_specs import Totp
from parallax.state import write_private
from probe.hidden import Hidden
from probe.mailbox import KINDS
from probe.signin.codes import totp_at
from probe.tools import Tools
from probe.vault import Vault
from tests.fakes.signin_server import PASSWORD, Asked, Said, SigninServer, as_json, page, to
from tests.parts.certificates import Authority
from tests.probe.signin.flows import run, told, tools_at

pytestmark = pytest.mark.slow

TOKEN = "t0ken-of-the-session"


def check_of(server: SigninServer, steps: str, *, head: str = "", **more: Any) -> Check:
    """A check with these steps; URLs begin with HERE."""
    text = f"{head}\n{steps}".replace("HERE", server.issuer)
    table = {"name": "api", "kind": "signin", "period": "600s", "timeout": "8s", **tomllib.loads(text), **more}
    check = convert_check(table)
    assert not isinstance(check, Unsupported), check.message
    return check


async def go(server: SigninServer, tools: Tools, steps: str, **more: Any) -> list[Observation]:
    with trio.fail_after(60):
        return await run(check_of(server, steps, **more), tools)


API = """
[[step]]
name = "open"
request = { get = "HERE/app", as = "browser" }
capture = { csrf = { form = "csrf" }, tenant = { regex = "data-tenant=(\\\\w+)", secret = false } }
[[step]]
name = "sign-in"
request = { post = "HERE/api/session", json = { user = "synthetic-{probe}", password = "secret:PW", csrf = "{csrf}" } }
capture.at = { json = "$.data[0].token" }
capture.trace = { header = "X-Trace", secret = false }
capture.sid = { cookie = "sid" }
assert = [{ status = 201 }, { json = "$.data[0].kind", equals = "bearer" }]
on = [{ status = 401, json = "$.error", equals = "bad_password", is = "bad_credentials" }]
[[step]]
name = "use"
request = { get = "HERE/api/me?tenant={tenant}", as = "backchannel", headers = { Authorization = "Bearer {at}" } }
assert = [{ json = "$.name", equals = "synthetic-one" }]
[[step]]
name = "leave"
request.delete = "HERE/api/session"
request.as = "backchannel"
request.headers = { Authorization = "Bearer {at}", X-Sid = "{sid}" }
cleanup = true
"""
APP = '<title>App</title><body data-tenant=acme><form id=f><input type=hidden name=csrf value="c5rf-of-the-app"></form>'


class Api:
    """Answers for API. `live`: whether there is a session."""

    def __init__(self, server: SigninServer) -> None:
        self.server, self.live = server, False
        server.answers |= {"/app": lambda _: page(APP), "/api/session": self.session, "/api/me": self.me}

    def session(self, asked: Asked) -> Said:
        if asked.method == "DELETE":
            self.live = self.live and asked.headers.get("authorization") != f"Bearer {TOKEN}"
            return Said(204)
        self.live = True
        return as_json(
            {"data": [{"token": TOKEN, "kind": "bearer"}]}, 201, "X-Trace: abc", "Set-Cookie: sid=5id-77;Path=/"
        )

    def me(self, asked: Asked) -> Said:
        ok = asked.headers.get("authorization") == f"Bearer {TOKEN}" and not asked.cookies
        return as_json({"name": "synthetic-one"}) if ok else Said(401)


async def test_an_api_that_knows_no_forms(server: SigninServer, ca: Authority, tmp_path: Path) -> None:
    api = Api(server)
    found = await go(server, tools_at(ca, tmp_path), API)
    assert told(found) == [("open", None), ("sign-in", None), ("use", None), ("leave", None)]
    assert not api.live
    steps = {each.subject: each for each in found}
    assert found[0].target == server.issuer
    assert steps["sign-in"].dims["flow"] == "steps"
    assert steps["use"].findings["place"] == [3, 4]
    me, leave = server.asked[2:4]
    assert me.query == {"tenant": "acme"}
    assert leave.headers["x-sid"] == "5id-77"
    sent = server.asked[1]
    assert sent.headers["content-type"] == "application/json"
    assert sent.headers["referer"] == f"{server.issuer}/app"


async def test_what_fails_on_the_way_is_cleaned_up(server: SigninServer, ca: Authority, tmp_path: Path) -> None:
    api = Api(server)
    server.answers["/api/me"] = lambda _: Said(503)
    found = await go(server, tools_at(ca, tmp_path), API)
    assert told(found) == [("open", None), ("sign-in", None), ("use", "http_server_error"), ("cleanup", None)]
    assert not api.live


async def test_what_never_began_needs_no_cleaning(server: SigninServer, ca: Authority, tmp_path: Path) -> None:
    server.answers["/app"] = lambda _: Said(500)
    assert told(await go(server, tools_at(ca, tmp_path), API)) == [("open", "http_server_error")]


async def test_a_cancelled_run_is_cleaned_up(server: SigninServer, ca: Authority, tmp_path: Path) -> None:
    api = Api(server)
    check, tools = check_of(server, API), tools_at(ca, tmp_path)
    with trio.CancelScope() as scope:

        def stop(_: Asked) -> Said:
            scope.cancel()
            return Said(raw=b"", then="hang")

        server.answers["/api/me"] = stop
        await run(check, tools)
    assert scope.cancelled_caught
    assert not api.live
    assert server.asked[-1].method == "DELETE"


async def test_a_cleanup_that_fails_is_said(server: SigninServer, ca: Authority, tmp_path: Path) -> None:
    api = Api(server)

    def session(asked: Asked) -> Said:
        return Said(500) if asked.method == "DELETE" else api.session(asked)

    server.answers["/api/session"] = session
    found = await go(server, tools_at(ca, tmp_path), API)
    assert told(found)[-2:] == [("leave", "http_server_error"), ("cleanup", "signin_cleanup_failed")]
    assert found[-1].findings["because"] == "http_server_error"


async def test_a_refusal_by_the_plans_own_rule_halts_the_flow(
    server: SigninServer, ca: Authority, tmp_path: Path
) -> None:
    Api(server)
    server.answers["/api/session"] = lambda _: as_json({"error": "bad_password"}, 401)
    tools = tools_at(ca, tmp_path)
    first = await go(server, tools, API)
    assert told(first) == [("open", None), ("sign-in", "signin_bad_credentials")]
    assert first[-1].fault == "config"
    assert told(await go(server, tools, API)) == [("sign-in", "signin_halted")]
    server.answers["/api/session"] = lambda _: as_json({"error": "maintenance"}, 401)
    assert told(await go(server, tools_at(ca, tmp_path), API))[1:] == [("sign-in", "http_status")]


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (as_json({"data": [{"kind": "bearer"}]}, 201, "X-Trace: a", "Set-Cookie: sid=5id-77"), "capture_missing"),
        (as_json({"data": [{"token": TOKEN, "kind": "mac"}]}, 201), "http_json"),
        (as_json({"data": []}, 200), "http_status"),
        (Said(201, b"<html>"), "http_json"),
        (Said(201, b"[" * 100_000), "http_json"),
        (as_json({}, 429, "Retry-After: 7"), "http_throttled"),
        (as_json({}, 403), "http_forbidden"),
        (Said(raw=b"HTTP/1.1 201 ok\r\nContent-Length: 50\r\n\r\nabc", then="close"), "http_truncated"),
        (Said(raw=b"\0\xff" * 50, then="close"), "http_malformed"),
        (to("https://elsewhere.example/", 307), "secret_withheld"),
        (to("http://localhost/", 308), "secret_withheld"),
        (to("javascript:alert(1)"), "signin_unexpected_page"),
    ],
)
async def test_a_response_that_is_not_as_it_should_be(
    said: Said, reason: str, server: SigninServer, ca: Authority, tmp_path: Path
) -> None:
    Api(server)
    server.answers["/api/session"] = lambda _: said
    found = await go(server, tools_at(ca, tmp_path), API)
    assert told(found)[1] == ("sign-in", reason), found[1].findings
    assert len([asked for asked in server.asked if asked.method == "POST"]) == 1


async def test_an_assertion_may_only_degrade(server: SigninServer, ca: Authority, tmp_path: Path) -> None:
    Api(server)
    found = await go(server, tools_at(ca, tmp_path), API.replace(
        'assert = [{ json = "$.name", equals = "synthetic-one" }]',
        'assert = [{ header = "X-Region", else = "degraded" }, { duration = "1ms", else = "degraded" }]',
    ))  # fmt: skip
    assert told(found)[2:] == [("use", "http_degraded"), ("leave", None)]


FORMS = """
[[step]]
name = "open"
request = { get = "{authorize_url}" }
[[step]]
name = "password"
submit = { fill = { user = "{user.name}", pw = "secret:PW" } }
[[step]]
name = "later"
submit = { press = "Not now" }
optional = true
[[step]]
name = "token"
oidc = "token"
[[step]]
name = "verify"
oidc = "verify"
"""
OIDC = 'issuer = "HERE"\nclient = { id = "web" }\nuser = { name = "synthetic-{probe}" }'
BEGIN = [("discovery", None), ("jwks", None), ("open", None)]


async def test_forms_by_hand_and_the_rest_by_the_presets_steps(
    server: SigninServer, ca: Authority, tmp_path: Path
) -> None:
    found = await go(server, tools_at(ca, tmp_path), FORMS, head=OIDC)
    assert told(found) == [*BEGIN, ("password", None), ("token", None), ("verify", None), ("cleanup", None)]
    assert server.forms("/login") == [{"user": "synthetic-one", "pw": PASSWORD, "csrf": "c5rf-value-77"}]
    assert not server.session
    assert not server.live


async def test_a_wrong_password_is_told_by_the_page(server: SigninServer, ca: Authority, tmp_path: Path) -> None:
    tools = tools_at(ca, tmp_path, "wrong-wrong-wrong")
    assert told(await go(server, tools, FORMS, head=OIDC)) == [*BEGIN, ("password", "signin_bad_credentials")]
    assert told(await go(server, tools, FORMS, head=OIDC))[-1] == ("password", "signin_halted")
    assert len(server.forms("/login")) == 1


async def test_a_password_goes_along_with_no_redirect_to_another_host(
    server: SigninServer, ca: Authority, tmp_path: Path
) -> None:
    server.answers["/login"] = lambda _: to("https://elsewhere.example/login", 307)
    found = await go(server, tools_at(ca, tmp_path), FORMS, head=OIDC)
    assert told(found) == [*BEGIN, ("password", "secret_withheld")]
    assert "elsewhere.example" in found[-1].findings["detail"]


@pytest.mark.parametrize(
    ("submit", "seen"),
    [
        ('{ fill = { user = "a", passwd = "secret:PW" } }', {"forms": [["user", "pw"]]}),
        ('{ form = "#other", fill = { user = "a" } }', {"forms": [["user", "pw"]]}),
        ("{ form = 2 }", {"forms": [["user", "pw"]]}),
        ('{ press = "Continue" }', {"buttons": ["Sign in"]}),
    ],
)
async def test_a_form_that_is_not_there(
    submit: str, seen: dict[str, Any], server: SigninServer, ca: Authority, tmp_path: Path
) -> None:
    steps = FORMS.replace('{ fill = { user = "{user.name}", pw = "secret:PW" } }', submit)
    found = await go(server, tools_at(ca, tmp_path), steps, head=OIDC)
    assert told(found) == [*BEGIN, ("password", "signin_form_not_found")]
    assert seen.items() <= found[-1].findings.items()
    assert server.forms("/login") == []


async def test_a_secret_goes_into_no_url_of_a_form(server: SigninServer, ca: Authority, tmp_path: Path) -> None:
    server.answers["/auth"] = lambda _: page(
        "<form action=/login><input name=user><input type=password name=pw></form>"
    )
    found = await go(server, tools_at(ca, tmp_path), FORMS, head=OIDC)
    assert told(found)[-1] == ("password", "signin_unexpected_page")
    assert found[-1].findings["detail"] == "the form would put a secret into the URL"
    assert all(asked.path != "/login" for asked in server.asked)


@pytest.mark.parametrize(
    ("step", "reason", "words"),
    [
        ('request = { post = "https://elsewhere.example/x", form = { a = "{at}" } }', "secret_withheld", "elsewhere"),
        ('request = { post = "https://elsewhere.example/x", form = { a = "secret:PW" } }', "secret_withheld", "hosts"),
        ('request = { post = "{next}", json = { a = ["{at}"] } }', "secret_withheld", "evil.example"),
        ('request = { get = "HERE/x", headers = { X-A = "secret:NOPE" } }', "secret_missing", "[secrets.NOPE]"),
        ('request = { get = "{bad}" }', "value_missing", "makes no URL"),
    ],
)
async def test_secrets_go_where_they_may_and_nowhere_else(
    step: str, reason: str, words: str, server: SigninServer, ca: Authority, tmp_path: Path
) -> None:
    said = {"at": TOKEN, "next": "https://evil.example/collect", "bad": "no url"}
    server.answers["/x"] = lambda _: as_json(said)
    steps = f"""
[[step]]
name = "get"
request = {{ get = "HERE/x" }}
capture.at = {{ json = "$.at" }}
capture.next = {{ json = "$.next", secret = false }}
capture.bad = {{ json = "$.bad", secret = false }}
[[step]]
name = "send"
{step}
"""
    found = await go(server, tools_at(ca, tmp_path), steps)
    assert told(found) == [("get", None), ("send", reason)]
    assert words in found[-1].findings["detail"]
    assert found[-1].fault == "config"


@pytest.mark.parametrize(
    "send",
    [
        '{ post = "https://elsewhere.example/x", form = { a = "{at}" } }',
        '{ get = "https://elsewhere.example/x?a={at}" }',
        '{ get = "https://elsewhere.example/x", headers = { X-A = "{at}" } }',
        '{ get = "{next}?a={at}" }',
    ],
)
async def test_a_plan_cannot_say_of_a_token_that_it_is_no_secret_and_take_it_home(
    send: str, server: SigninServer, ca: Authority, tmp_path: Path
) -> None:
    server.answers["/x"] = lambda _: as_json({"at": TOKEN, "next": "https://evil.example/collect"})
    steps = f"""
[[step]]
name = "get"
request = {{ post = "HERE/x", form = {{ pw = "secret:PW" }} }}
capture.at = {{ json = "$.at", secret = false }}
capture.next = {{ json = "$.next", secret = false }}
[[step]]
name = "again"
request = {{ get = "HERE/x?a={{at}}" }}
[[step]]
name = "send"
request = {send}
"""
    found = await go(server, tools_at(ca, tmp_path), steps)
    assert told(found) == [("get", None), ("again", None), ("send", "secret_withheld")]
    assert ".example" in found[-1].findings["detail"]


async def test_what_was_captured_goes_to_hosts_that_the_config_binds(
    server: SigninServer, ca: Authority, tmp_path: Path
) -> None:
    """The value comes from localhost; its check's secret may go to 127.0.0.1, too."""
    write_private(tmp_path / "other", b"other-secret-value")
    hosts = ["localhost", "127.0.0.1"]
    tools = tools_at(ca, tmp_path)
    bound = Vault({"PW": BoundSecret(source=f"file:{tmp_path / 'other'}", hosts=hosts)})
    tools = msgspec.structs.replace(tools, vault=bound)
    server.answers["/x"] = lambda _: as_json({"at": TOKEN})
    there = f"https://127.0.0.1:{server.address.port}/x"
    steps = f"""
[[step]]
name = "get"
request = {{ post = "HERE/x", form = {{ pw = "secret:PW" }} }}
capture = {{ at = {{ json = "$.at" }} }}
[[step]]
name = "send"
request = {{ post = "{there}", form = {{ at = "{{at}}" }} }}
"""
    found = await go(server, tools, steps)
    assert told(found)[0] == ("get", None)
    assert told(found)[1][1] == "tls_wrong_name"  # it was dialled: nothing withheld it


SEED = "JBSWY3DPEHPK3PXP"


async def test_a_code_by_the_clock(server: SigninServer, ca: Authority, tmp_path: Path) -> None:
    write_private(tmp_path / "seed", SEED.encode())
    tools = tools_at(ca, tmp_path)
    vault = Vault({"SEED": BoundSecret(source=f"file:{tmp_path / 'seed'}", hosts=["localhost"])})
    tools = msgspec.structs.replace(tools, vault=vault)
    server.answers["/code"] = lambda _: Said(204)
    steps = """
[[step]]
name = "make"
totp = { into = "code" }
[[step]]
name = "send"
request = { post = "HERE/code", form = { code = "{code}" } }
"""
    head = 'user = { name = "synthetic-{probe}", totp = { secret = "secret:SEED" } }'
    began = wall_ns() / NS
    found = await go(server, tools, steps, head=head)
    assert told(found) == [("make", None), ("send", None)]
    codes = {totp_at(Totp(secret="secret:SEED"), SEED, at) for at in (began, began + 5, wall_ns() / NS)}
    assert server.forms("/code")[0]["code"] in codes


class Postman:
    """A mailbox that has these mails."""

    kinds = KINDS

    def __init__(self, *texts: str) -> None:
        self.texts, self.asked = texts, []

    async def wait(self, to: str, since: float, within_s: float, **more: object) -> list[Letter]:
        self.asked.append((to, within_s))
        return [
            Letter(number=n, to=to, sender="a@b.example", age_s=0.0, text=text) for n, text in enumerate(self.texts, 1)
        ]


MAILED = """
[[step]]
name = "ask"
request = { post = "HERE/send", form = { to = "{user.address}" } }
[[step]]
name = "mail"
mail = { within = "2s" }
capture = { code = { regex = "code: (\\\\d{6})" } }
[[step]]
name = "send"
request = { post = "HERE/code", form = { code = "{code}" } }
"""
MAIL_USER = 'user = { name = "synthetic-{probe}", address = "probe+{run}@mx.example" }'


async def test_a_code_in_a_mail(server: SigninServer, ca: Authority, tmp_path: Path) -> None:
    server.answers |= {"/send": lambda _: Said(202), "/code": lambda _: Said(204)}
    postman = Postman("Your code: 424242.")
    found = await go(server, tools_at(ca, tmp_path, mailbox=postman), MAILED, head=MAIL_USER)
    assert told(found) == [("ask", None), ("mail", None), ("send", None)]
    assert postman.asked == [(f"probe+{found[0].run}@mx.example", 2.0)]
    assert server.forms("/send") == [{"to": postman.asked[0][0]}]
    assert server.forms("/code") == [{"code": "424242"}]


@pytest.mark.parametrize(
    ("texts", "reason"),
    [
        ((), "mail_not_received"),
        (("hello",), "mail_wrong_content"),
        (("code: 123456", "code: 654321"), "mail_duplicate"),
    ],
)
async def test_mails_that_are_not_as_they_should_be(
    texts: tuple[str, ...], reason: str, server: SigninServer, ca: Authority, tmp_path: Path
) -> None:
    server.answers |= {"/send": lambda _: Said(202), "/code": lambda _: Said(204)}
    found = await go(server, tools_at(ca, tmp_path, mailbox=Postman(*texts)), MAILED, head=MAIL_USER)
    assert told(found)[1] == ("mail", reason)
    if len(texts) == 2:
        assert server.forms("/code") == [{"code": "654321"}]


async def test_light_steps_are_taken_in_every_run(server: SigninServer, ca: Authority, tmp_path: Path) -> None:
    Api(server)
    server.answers["/health"] = lambda _: Said(503)
    light = '[[step]]\nname = "health"\nrequest = { get = "HERE/health", as = "backchannel" }\nlight = true\n'
    check = check_of(server, light + API, every={"full": "1h"}, period="30s")
    found = await run(check, tools_at(ca, tmp_path), at_ns=1_800_000_010 * 10**9)
    assert [(each.subject, each.attempt, each.reason) for each in found] == [
        ("health", 1, "http_server_error"), ("health", 2, "http_server_error"),
    ]  # fmt: skip
    assert found[0].dims["cadence"] == "light"


@pytest.mark.parametrize(("failures", "through"), [(0, True), (2, True), (3, False)])
async def test_a_request_that_changes_nothing_has_the_attempts_that_the_plan_gives_it(
    server: SigninServer, ca: Authority, tmp_path: Path, failures: int, through: bool
) -> None:
    Api(server)
    right, seen = server.answers["/app"], 0

    def app(asked: Asked) -> Said:
        nonlocal seen
        seen += 1
        return Said(503, b"", ("Set-Cookie: tried=once; Path=/",)) if seen <= failures else right(asked)

    server.answers["/app"] = app
    steps = API.replace('as = "browser" }', 'as = "browser" }\nattempts = 3', 1)
    found = await go(server, tools_at(ca, tmp_path), steps)
    attempts = [(each.attempt, each.reason) for each in found if each.subject == "open"]
    failed = [(number, "http_server_error") for number in range(1, failures + 1)]
    assert attempts == [*failed, *([(failures + 1, None)] if through else [])]
    assert ("use" in {each.subject for each in found}) is through
    if failures:  # the user's cookies go along
        assert [asked.cookies for asked in server.asked if asked.path == "/app"][1] == "tried=once"


async def test_a_server_that_echoes_everything_learns_nothing_of_observations(
    server: SigninServer, ca: Authority, tmp_path: Path
) -> None:
    def echo(asked: Asked) -> Said:
        said = f"{PASSWORD} {TOKEN} {asked.headers} {asked.form}"
        lines = (f"X-Echo: {TOKEN}", f"Location: /next?{TOKEN}", "Set-Cookie: sid=5id-77; Path=/")
        return page(f"<title>{said}</title><p role=alert>{said}<form><input name='{TOKEN}'></form>", 201, *lines)

    Api(server)
    server.answers |= {"/api/session": echo, "/api/me": echo}
    steps = API.replace('at = { json = "$.data[0].token" }', 'at = { header = "X-Echo" }')
    steps = steps.replace('capture.trace = { header = "X-Trace", secret = false }\n', "").replace(
        'assert = [{ status = 201 }, { json = "$.data[0].kind", equals = "bearer" }]', ""
    )
    found = await go(server, tools_at(ca, tmp_path, hidden=Hidden()), steps)
    assert told(found)[1] == ("sign-in", None)
    assert told(found)[2] == ("use", "http_json")
    text = repr([as_dict(each) for each in found[1:]])
    assert TOKEN not in text
    assert PASSWORD not in text
