"""Sign-ins at the stand-in for Clerk: the steps, every way they end, and that nothing is left behind."""

import json
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from parallax.clock import NS
from parallax.dialling.http import Headers
from parallax.letters import Letter
from parallax.plan.signin_rules import STEPS
from parallax.reasons import REASONS
from probe.hidden import Hidden
from probe.signin.cadence import cadence_at
from probe.signin.clerk_api import CODES, UNFINISHED, answered
from probe.signin.presets import PRESETS
from probe.signin.reply import ENDED, Ended, Reply
from probe.tape import Tape
from tests.fakes.clerk import (
    CODE,
    DEV_BROWSER,
    PASSWORD,
    TESTING_TOKEN,
    USER,
    Clerk,
    Said,
    as_json,
    clerk,
    error,
)
from tests.fakes.letterbox import Letterbox, letter
from tests.fakes.steps import cancelled_at_step
from tests.parts.certificates import Authority
from tests.probe.oidc.keys import P256_JWK, hs256, signed
from tests.probe.signin.clerk_runs import WITH_PASSWORD, check_at, go, tools_at
from tests.probe.signin.flows import run, told

pytestmark = pytest.mark.slow

SIGN_INS = "/v1/client/sign_ins"
TOKENS = "/v1/client/sessions/*/tokens"
LIGHT = ["environment", "jwks", "client"]
AFTER = ["session_token", "verify", "end", "session"]
Misbehave = Callable[[Clerk], None]


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture
async def server(authority: Authority) -> AsyncIterator[Clerk]:
    async with clerk(authority.leaf("localhost")) as running:
        yield running


def test_the_plan_knows_the_steps() -> None:
    for name, preset in PRESETS.items():
        assert STEPS[name] == preset.names, name


async def test_a_password(server: Clerk, authority: Authority, tmp_path: Path) -> None:
    found = await go(server, tools_at(authority, tmp_path))
    assert told(found) == [(step, None) for step in (*LIGHT, "sign_in", *AFTER)]
    (asked,) = [each for each in server.asked if each.key == SIGN_INS]
    assert asked.form == {"strategy": "password", "identifier": USER, "password": PASSWORD}
    assert asked.headers["origin"] == "https://app.acme.example"
    assert asked.headers["content-type"] == "application/x-www-form-urlencoded"
    assert {"__clerk_api_version", "_clerk_js_version"} == asked.query.keys()
    made = server.asked[server.asked.index(asked) - 1]
    assert (made.method, made.path) == ("PUT", "/v1/client")
    assert "cookie" not in made.headers
    (*_, token, _end, proof, last) = server.asked
    assert "c00kie" in proof.headers["cookie"] == token.headers["cookie"]
    assert (last.method, last.path) == ("DELETE", "/v1/client")
    assert found[-1].findings["tokens"] == 404
    assert "codes" not in found[-1].findings  # a refusal is what was wanted
    verified = next(each.findings["token"] for each in found if each.subject == "verify")
    assert (verified["alg"], verified["lifetime_s"]) == ("RS256", 60)
    assert not server.live
    assert not server.clients


async def test_a_code(server: Clerk, authority: Authority, tmp_path: Path) -> None:
    found = await go(server, tools_at(authority, tmp_path), "clerk.email_code")
    assert told(found) == [(step, None) for step in (*LIGHT, "sign_in", "prepare", "code", *AFTER)]
    assert [each.form for each in server.asked if SIGN_INS in each.key] == [
        {"identifier": USER},
        {"strategy": "email_code", "email_address_id": "idn_mail1"},
        {"strategy": "email_code", "code": CODE},
    ]
    assert server.codes_sent == 1


async def test_a_development_instance_has_a_browser_token_in_each_url(
    server: Clerk, authority: Authority, tmp_path: Path
) -> None:
    server.development = True
    found = await go(server, tools_at(authority, tmp_path), instance="development")
    assert {each.reason for each in found} == {None}
    assert [each.path for each in server.asked].count("/v1/dev_browser") == 1
    assert not any(DEV_BROWSER in str(each) for each in found)


async def test_a_testing_token_goes_with_every_request(server: Clerk, authority: Authority, tmp_path: Path) -> None:
    found = await go(server, tools_at(authority, tmp_path), secret_key="secret:KEY")
    assert told(found) == [(step, None) for step in (*LIGHT, "testing_token", "sign_in", *AFTER)]
    after = [each for each in server.asked if each.path.startswith(SIGN_INS)]
    assert {each.query["__clerk_testing_token"] for each in after} == {TESTING_TOKEN}
    assert not any(TESTING_TOKEN in str(each) for each in found)


@pytest.mark.parametrize("state", ["needs_second_factor", "needs_client_trust"])
async def test_a_second_factor(server: Clerk, authority: Authority, tmp_path: Path, state: str) -> None:
    server.second, server.state = ("backup_code", "email_code"), state  # type: ignore[assignment]
    found = await go(server, tools_at(authority, tmp_path), user={**WITH_PASSWORD, "code": CODE})
    assert told(found) == [(step, None) for step in (*LIGHT, "sign_in", "second_factor", *AFTER)]


TEXTED = {**WITH_PASSWORD, "sms": {"to": "+15005550006"}}


@pytest.mark.parametrize(
    ("letters", "reason"),
    [
        ([letter("sms", f"{CODE} is your verification code")], None),
        ([letter("sms", "hello")], "sms_wrong_content"),
        ([], "sms_not_received"),
    ],
)
async def test_a_second_factor_by_sms(
    server: Clerk, authority: Authority, tmp_path: Path, letters: list[Letter], reason: str | None
) -> None:
    """Clerk offers a code by mail first, which the user has no letterbox for."""
    server.second = ("email_code", "phone_code")
    box = Letterbox(*letters)
    found = await go(server, tools_at(authority, tmp_path, mailbox=box), user=TEXTED)
    rest = [(step, None) for step in AFTER] if reason is None else []
    assert told(found)[: 5 + len(rest)] == [
        *((step, None) for step in (*LIGHT, "sign_in")), ("second_factor", reason), *rest,
    ]  # fmt: skip
    asked = [each.form for each in server.asked if each.path.endswith("_second_factor")]
    assert asked[0] == {"strategy": "phone_code", "phone_number_id": "idn_phone1"}
    assert asked[1:] == ([{"strategy": "phone_code", "code": CODE}] if reason is None else [])
    assert [each[:2] for each in box.asked] == [("sms", "+15005550006")]
    assert not any(CODE in str(each) for each in found)
    assert not server.live


async def test_a_second_factor_by_mail_only_is_none_for_who_reads_sms(
    server: Clerk, authority: Authority, tmp_path: Path
) -> None:
    server.second = ("email_code",)
    box = Letterbox(letter("sms", CODE))
    found = await go(server, tools_at(authority, tmp_path, mailbox=box), user=TEXTED)
    assert ("sign_in", "signin_mfa_required") in told(found)
    assert box.asked == []


@pytest.mark.parametrize("development", [False, True])
async def test_a_session_of_the_backend(
    server: Clerk, authority: Authority, tmp_path: Path, development: bool
) -> None:  # fmt: skip
    """In production the backend makes no sessions; a sign-in token does."""
    server.development = development
    instance = "development" if development else "production"
    found = await go(server, tools_at(authority, tmp_path), "clerk.session_token", instance=instance)
    steps = ["environment", "jwks", "identifier", "sign_in", *AFTER]
    assert told(found) == [(step, None) for step in steps]
    paths = [each.path for each in server.asked]
    assert ("/api/sessions" in paths) == development
    assert ("/api/sign_in_tokens" in paths) != development
    assert not server.live
    assert not server.clients


def answers(path: str, said: Callable[[], Said]) -> Misbehave:
    def behave(server: Clerk) -> None:
        server.hooks[path] = lambda asked: said()

    return behave


def refuses(path: str, code: str, status: int, *lines: str) -> Misbehave:
    return answers(path, lambda: error(code, status, *lines))


def with_(**values: Any) -> Misbehave:
    def behave(server: Clerk) -> None:
        for name, value in values.items():
            setattr(server, name, value)

    return behave


def swaps(path: str, **more: Any) -> Misbehave:
    """The honest answer, with other values in its response."""

    def behave(server: Clerk) -> None:
        def said(asked: Any) -> Said:
            hook = server.hooks.pop(path)
            honest = server.answer(asked)
            server.hooks[path] = hook
            body = json.loads(honest.body)
            body["response"].update(more)
            return as_json(body, honest.status, *honest.lines)

        server.hooks[path] = said

    return behave


WALL = Said(403, b"<title>Just a moment...</title>", ("cf-mitigated: challenge", "Content-Type: text/html"))
ENDS: dict[str, tuple[Misbehave, str, str, str]] = {
    "unhealthy": (answers("/v1/environment", lambda: as_json({}, 503)), "environment", "http_server_error", "target"),
    "no environment": (answers("/v1/environment", lambda: as_json({})), "environment", "http_json", "target"),
    "a page": (answers("/v1/environment", lambda: Said(200, b"<p>Hi")), "environment", "http_json", "target"),
    "a wall": (answers("/v1/environment", lambda: WALL), "environment", "http_challenge", "blocked"),
    "a redirect": (
        answers("/v1/client", lambda: Said(307, b"", ("Location: https://elsewhere.example/",))),
        "client", "http_redirect", "target",
    ),
    "no client": (answers("/v1/client", lambda: as_json({"client": None})), "client", "http_json", "target"),
    "no keys": (with_(keys=[]), "jwks", "jwks_empty", "target"),
    "keys of another algorithm": (with_(keys=[P256_JWK]), "jwks", "jwks_unusable", "target"),
    "wrong password": (
        refuses(SIGN_INS, "form_password_incorrect", 422), "sign_in", "signin_bad_credentials", "config",
    ),
    "unknown user": (
        refuses(SIGN_INS, "form_identifier_not_found", 422), "sign_in", "signin_unknown_identifier", "config",
    ),
    "locked": (refuses(SIGN_INS, "user_locked", 403), "sign_in", "signin_account_locked", "blocked"),
    "captcha": (refuses(SIGN_INS, "requires_captcha", 401), "sign_in", "signin_captcha", "blocked"),
    "captcha not done": (refuses(SIGN_INS, "captcha_missing_token", 400), "sign_in", "signin_captcha", "blocked"),
    "throttled": (refuses(SIGN_INS, "too_many", 429, "Retry-After: 9"), "sign_in", "http_throttled", "blocked"),
    "quota": (refuses(SIGN_INS, "user_quota_exceeded", 403), "sign_in", "signin_quota", "target"),
    "new quota": (refuses(SIGN_INS, "sso_quota_reached", 403), "sign_in", "signin_quota", "target"),
    "forbidden": (answers(SIGN_INS, lambda: Said(403, b"no")), "sign_in", "http_forbidden", "blocked"),
    "overloaded": (refuses(SIGN_INS, "internal_clerk_error", 500), "sign_in", "http_server_error", "target"),
    "new words": (refuses(SIGN_INS, "moon_phase_wrong", 422), "sign_in", "signin_error_page", "target"),
    "bare 404": (answers(SIGN_INS, lambda: Said(404, b"")), "sign_in", "http_status", "target"),
    "no password": (refuses(SIGN_INS, "no_password_set", 400), "sign_in", "oauth_unauthorized_client", "config"),
    "no sign-in": (answers(SIGN_INS, lambda: as_json({"response": None})), "sign_in", "http_json", "target"),
    "second factor": (with_(second=("totp",)), "sign_in", "signin_mfa_required", "config"),
    "client trust": (
        with_(second=("email_code",), state="needs_client_trust"), "sign_in", "signin_mfa_required", "blocked",
    ),
    "protect": (with_(second=("totp",), state="needs_protect_check"), "sign_in", "http_challenge", "blocked"),
    "new password": (
        with_(second=("totp",), state="needs_new_password"), "sign_in", "signin_required_action", "config",
    ),
    "abandoned": (swaps(SIGN_INS, status="abandoned"), "sign_in", "signin_incomplete", "target"),
    "a status of tomorrow": (swaps(SIGN_INS, status="needs_hug"), "sign_in", "signin_incomplete", "target"),
    "a status that is none": (swaps(SIGN_INS, status=7), "sign_in", "signin_incomplete", "target"),
    "complete without a session": (
        swaps(SIGN_INS, created_session_id=None), "sign_in", "signin_incomplete", "target",
    ),
    "a path for a session": (
        swaps(SIGN_INS, created_session_id="../../api/users"), "sign_in", "signin_incomplete", "target",
    ),
    "no jwt": (answers(TOKENS, lambda: as_json({})), "session_token", "token_missing", "target"),
    "signed out": (refuses(TOKENS, "signed_out", 401), "session_token", "oauth_login_required", "target"),
    "tokens down": (refuses(TOKENS, "x", 503), "session_token", "http_server_error", "target"),
    "another issuer": (with_(claims={"iss": "https://clerk.evil.example"}), "verify", "token_iss_mismatch", "target"),
    "another user": (with_(claims={"sub": "user_other"}), "verify", "token_sub_mismatch", "target"),
    "another session": (with_(claims={"sid": "sess_99"}), "verify", "token_claim_unexpected", "target"),
    "no subject": (with_(claims={"sub": None}), "verify", "token_sub_mismatch", "target"),
    "old": (with_(claims={"iat": 1_700_000_000, "exp": 1_700_000_060}), "verify", "token_clock_skew", "target"),
    "unsigned": (
        answers(TOKENS, lambda: as_json({"jwt": signed({}, "none", sign=lambda _: b"")})),
        "verify", "token_alg_not_allowed", "target",
    ),
    "signed with the public key": (
        answers(TOKENS, lambda: as_json({"jwt": signed({}, "HS256", sign=hs256(b"a public key"))})),
        "verify", "token_alg_not_allowed", "target",
    ),
    "another kind of instance": (
        with_(development=True), "environment", "oauth_invalid_request", "config",
    ),
    "no end": (refuses("/v1/client/sessions/*/end", "x", 500), "end", "http_server_error", "target"),
}  # fmt: skip
NOTHING_LEFT = frozenset(ENDS) - {"no end"}


@pytest.mark.parametrize("case", ENDS)
async def test_every_end_has_its_step_and_side(
    case: str, server: Clerk, authority: Authority, tmp_path: Path
) -> None:  # fmt: skip
    misbehave, step, reason, side = ENDS[case]
    misbehave(server)
    found = await go(server, tools_at(authority, tmp_path))
    stopped = next(each for each in found if each.reason is not None)
    assert (stopped.subject, stopped.reason, stopped.fault) == (step, reason, side), stopped.findings
    assert {each.subject for each in found[found.index(stopped) + 1 :]} <= {"cleanup", step}
    assert [each.key for each in server.asked].count(SIGN_INS) <= 1
    assert all(PASSWORD not in str(each) and "eyJ" not in str(each) for each in found)
    if case in NOTHING_LEFT:
        assert not server.live
        assert not server.clients


async def test_what_clerk_says_is_told(server: Clerk, authority: Authority, tmp_path: Path) -> None:
    server.hooks[SIGN_INS] = lambda asked: error("form_password_incorrect", 422, message=f"{PASSWORD} is wrong.")
    found = await go(server, tools_at(authority, tmp_path))
    (refused,) = [each for each in found if each.subject == "sign_in"]
    assert refused.findings["codes"] == ["form_password_incorrect"]
    assert refused.findings["trace"] == "7ra3e"
    assert refused.findings["alerts"] == ["*** is wrong. Really not."]


async def test_a_refused_password_is_not_sent_again(server: Clerk, authority: Authority, tmp_path: Path) -> None:
    tools = tools_at(authority, tmp_path, "wrong horse")
    assert told(await go(server, tools))[-2:] == [("sign_in", "signin_bad_credentials"), ("cleanup", None)]
    again = told(await go(server, tools))
    assert again[-1] == ("sign_in", "signin_halted")
    assert [each.key for each in server.asked].count(SIGN_INS) == 1


@pytest.mark.parametrize(
    ("code", "status", "reason"),
    [
        ("form_code_incorrect", 422, "signin_bad_otp"),
        ("verification_expired", 400, "signin_bad_otp"),
        ("verification_failed", 400, "signin_account_throttled"),
    ],
)
async def test_a_wrong_code(
    server: Clerk, authority: Authority, tmp_path: Path, code: str, status: int, reason: str
) -> None:
    server.hooks[f"{SIGN_INS}/*/attempt_first_factor"] = lambda asked: error(code, status)
    found = await go(server, tools_at(authority, tmp_path), "clerk.email_code")
    assert told(found)[-2:] == [("code", reason), ("cleanup", None)]
    assert not server.clients


async def test_no_more_mails_this_month(server: Clerk, authority: Authority, tmp_path: Path) -> None:
    server.hooks[f"{SIGN_INS}/*/prepare_first_factor"] = lambda asked: error("dev_monthly_email_limit_exceeded", 400)
    found = await go(server, tools_at(authority, tmp_path), "clerk.email_code")
    assert ("prepare", "signin_quota") in told(found)


async def test_a_user_without_codes(server: Clerk, authority: Authority, tmp_path: Path) -> None:
    server.first = ("password",)
    found = await go(server, tools_at(authority, tmp_path), "clerk.email_code")
    (stopped,) = [each for each in found if each.reason]
    assert (stopped.subject, stopped.reason, stopped.fault) == ("sign_in", "signin_incomplete", "config")
    assert stopped.findings["factors"] == ["password"]


async def test_a_session_that_outlives_its_end(server: Clerk, authority: Authority, tmp_path: Path) -> None:
    """The session says that it is over, and goes on giving tokens. The client that is ended at last ends it, too."""
    server.hooks["/v1/client/sessions/*/end"] = lambda asked: as_json({"response": None, "client": None})
    found = await go(server, tools_at(authority, tmp_path))
    assert told(found)[-2:] == [("session", "session_survived_logout"), ("cleanup", None)]
    assert not server.live


@pytest.mark.parametrize(
    ("path", "code", "status", "step", "reason", "side"),
    [
        ("/api/users", "authentication_invalid", 401, "identifier", "oauth_invalid_client", "config"),
        ("/api/users", "too_many_requests", 429, "identifier", "http_throttled", "blocked"),
        ("/api/sessions", "resource_not_found", 404, "sign_in", "signin_unknown_identifier", "config"),
        ("/api/sessions", "operation_not_allowed", 403, "sign_in", "http_forbidden", "blocked"),
        ("/api/sessions/*/tokens", "x", 502, "session_token", "http_server_error", "target"),
    ],
)
async def test_a_backend_that_refuses(
    server: Clerk, authority: Authority, tmp_path: Path, path: str, code: str, status: int,
    step: str, reason: str, side: str,
) -> None:  # fmt: skip
    server.development = True
    server.hooks[path] = lambda asked: error(code, status)
    found = await go(server, tools_at(authority, tmp_path), "clerk.session_token", instance="development")
    stopped = next(each for each in found if each.reason)
    assert (stopped.subject, stopped.reason, stopped.fault) == (step, reason, side)
    assert not server.live


async def test_nobody_of_that_name(server: Clerk, authority: Authority, tmp_path: Path) -> None:
    found = await go(server, tools_at(authority, tmp_path), "clerk.session_token", user={"name": "x@probes.example"})
    assert told(found)[-1] == ("identifier", "signin_unknown_identifier")


async def test_a_silent_run_asks_for_another_token(server: Clerk, authority: Authority, tmp_path: Path) -> None:
    """As applications do every 50 seconds. The session is ended when the probe stops."""
    tools = tools_at(authority, tmp_path)
    every = {"silent": "1m", "full": "1h"}
    await _whole(server, tools, every)
    assert server.live
    silent = await _at(server, tools, every, "silent")
    assert told(silent) == [*((step, None) for step in LIGHT), ("silent", None)]
    assert [each.key for each in server.asked].count(SIGN_INS) == 1
    (name,) = server.live
    server.sessions[name] = "ended"
    gone = await _at(server, tools, every, "silent")
    assert told(gone)[-1] == ("silent", "oauth_login_required")
    assert len(tools.signins.sessions) == 0
    assert not server.clients


async def test_another_whole_run_ends_the_session_before(server: Clerk, authority: Authority, tmp_path: Path) -> None:
    tools = tools_at(authority, tmp_path)
    every = {"silent": "1m", "full": "1h"}
    await _whole(server, tools, every)
    (first,) = server.live
    found = await _whole(server, tools, every)
    assert told(found)[-2:] == [("end", None), ("session", None)]
    assert server.live
    assert first not in server.live
    await tools.signins.end_orphans({})
    assert not server.live
    assert not server.clients


async def _whole(server: Clerk, tools: Any, every: dict[str, str]) -> Any:
    return await _at(server, tools, every, "full")


async def _at(
    server: Clerk, tools: Any, every: dict[str, str], cadence: str, use: str = "clerk.password"
) -> Any:  # fmt: skip
    """A run at a time when it is of that cadence."""
    check = check_at(server, use, period_s=30, every=every)
    at = next(
        at
        for at in range(1_790_000_000, 1_790_010_000, 30)
        if cadence_at("one", check.name, at * NS, 30.0, check.spec.every) == cadence
    )
    with trio.fail_after(60):
        return await run(check, tools, at_ns=at * NS)


async def test_a_session_whose_making_is_never_heard_of_is_ended(
    server: Clerk, authority: Authority, tmp_path: Path
) -> None:
    """The answer is lost, and the session lives: it ends with the client, which was made before."""

    def made_and_lost(asked: Any) -> Said:
        del server.hooks[SIGN_INS]
        server.answer(asked)
        assert server.live
        return Said(200, b"", hang=True)

    server.hooks[SIGN_INS] = made_and_lost
    found = await go(server, tools_at(authority, tmp_path), timeout_s=1)
    assert told(found)[-2:] == [("sign_in", "first_byte_timeout"), ("cleanup", None)]
    assert not server.live
    assert not server.clients


async def test_an_api_that_makes_no_clients(server: Clerk, authority: Authority, tmp_path: Path) -> None:
    honest = server.answer

    def refuses_put(asked: Any) -> Said:
        if asked.method == "PUT":
            return error("method_not_allowed", 405)
        hook = server.hooks.pop("/v1/client")
        said = honest(asked)
        server.hooks["/v1/client"] = hook
        return said

    server.hooks["/v1/client"] = refuses_put
    found = await go(server, tools_at(authority, tmp_path))
    assert {each.reason for each in found} == {None}
    assert not server.clients


async def test_a_client_that_cannot_be_ended(server: Clerk, authority: Authority, tmp_path: Path) -> None:
    """Then the session is, at least."""
    honest = server.answer

    def refuses_delete(asked: Any) -> Said:
        if asked.method == "DELETE":
            return error("x", 500)
        hook = server.hooks.pop("/v1/client")
        said = honest(asked)
        server.hooks["/v1/client"] = hook
        return said

    server.hooks["/v1/client"] = refuses_delete
    server.claims = {"iss": "https://other.example"}
    found = await go(server, tools_at(authority, tmp_path))
    assert told(found)[-2:] == [("verify", "token_iss_mismatch"), ("cleanup", None)]
    assert not server.live


@pytest.mark.parametrize("use", ["clerk.password", "clerk.session_token"])
async def test_cancelled_at_every_moment(server: Clerk, authority: Authority, tmp_path: Path, use: str) -> None:
    """Whenever it is, nothing lives on."""
    tools, check = tools_at(authority, tmp_path), check_at(server, use)
    before, step = True, 0
    while before:
        before = await cancelled_at_step(step, partial(run, check, tools))
        assert not server.live, step
        assert not any(server.clients.values()), step  # an empty one, whose cookie was never seen, is nothing
        step += 1
    assert step > 10


@pytest.mark.parametrize("path", [SIGN_INS, TOKENS, "/v1/client/sessions/*/end"])
async def test_a_cancelled_run_leaves_nothing(
    server: Clerk, authority: Authority, tmp_path: Path, path: str
) -> None:  # fmt: skip
    """Cancelled while an answer is awaited; whatever was made by then is ended."""
    came = trio.Event()

    def hang(asked: Any) -> Said:
        came.set()
        if path != SIGN_INS:
            del server.hooks[path]
        return Said(200, b"", hang=True)

    server.hooks[path] = hang
    async with trio.open_nursery() as nursery:
        nursery.start_soon(run, check_at(server, "clerk.password"), tools_at(authority, tmp_path))
        with trio.fail_after(60):
            await came.wait()
        nursery.cancel_scope.cancel()
    assert not server.live
    assert not server.clients


async def test_a_session_of_the_backend_is_kept_too(server: Clerk, authority: Authority, tmp_path: Path) -> None:
    tools, every = tools_at(authority, tmp_path), {"silent": "1m", "full": "1h"}
    await _at(server, tools, every, "full", "clerk.session_token")
    silent = await _at(server, tools, every, "silent", "clerk.session_token")
    assert told(silent) == [("environment", None), ("jwks", None), ("silent", None)]
    await tools.signins.end_orphans({})
    assert not server.live


@given(body=st.binary(max_size=300), status=st.integers(200, 599))
async def test_any_octets_are_an_answer_or_the_end_of_a_step(body: bytes, status: int) -> None:
    _answered_or_ended(body, status)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["errors", "code", "message", "clerk_trace_id", "response"]), inner)
    ),
    max_leaves=12,
)


@given(said=JSON, status=st.integers(200, 599))
async def test_so_is_any_json(said: Any, status: int) -> None:
    _answered_or_ended(json.dumps(said).encode(), status)


def _answered_or_ended(body: bytes, status: int) -> None:
    tape = Tape(hidden=Hidden())
    reply = Reply(method="GET", url="https://clerk.example/", status=status, headers=Headers(()), body=body)
    try:
        found = answered(reply, tape)
    except Ended:
        assert tape.material[ENDED].reason in REASONS
    else:
        assert status < 300
        assert isinstance(found, dict)


def test_every_word_of_clerks_has_a_reason() -> None:
    assert set(CODES.values()) <= REASONS.keys()
    assert {fault.reason for fault in UNFINISHED.values()} <= REASONS.keys()


async def test_the_proof_does_not_rest_on_a_cookie_that_was_taken_away(
    server: Clerk, authority: Authority, tmp_path: Path
) -> None:
    """The browser is told to forget its client, and the session lives on for who kept the cookie."""
    gone = "Set-Cookie: __client=; Path=/; Max-Age=0; Secure"
    server.hooks["/v1/client/sessions/*/end"] = lambda asked: as_json({"response": None, "client": None}, 200, gone)
    found = await go(server, tools_at(authority, tmp_path))
    assert told(found)[-2:] == [("session", "session_survived_logout"), ("cleanup", None)]
    assert not server.live
    assert not server.clients


async def test_a_second_factor_that_is_left_out(server: Clerk, authority: Authority, tmp_path: Path) -> None:
    server.second = ("email_code",)
    user = {**WITH_PASSWORD, "code": CODE}
    found = await go(server, tools_at(authority, tmp_path), user=user, leave_out=["second_factor"])
    assert told(found)[-2:] == [("sign_in", "signin_mfa_required"), ("cleanup", None)]
