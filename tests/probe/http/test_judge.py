"""The http check's verdict as a table: a response and a plan's assertions to a reason. No I/O."""

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from parallax.dialling.fields import retry_after_s
from parallax.dialling.http import Headers
from parallax.observation import Phase
from parallax.plan.specs import HttpSpec
from parallax.reasons import REASONS
from parallax.values import Duration
from probe.http.bot_walls import bot_wall
from probe.http.judge import ANSWER, judge
from probe.http.response import Answer, shown_headers
from probe.tape import Evidence
from probe.verdict import Verdict

JUST_A_MOMENT = b"<html><head><title>Just a moment...</title></head><script>window._cf_chl_opt={}</script>"
SIGN_IN_PAGE = (
    b"<html><title>Sign in</title><form><input type=password></form>"
    b'<script src="https://challenges.cloudflare.com/turnstile/v0/api.js"></script>'
    b'<script src="https://js.hcaptcha.com/1/api.js"></script><script src="https://www.google.com/recaptcha/api.js">'
    b"</script><script src=/cdn-cgi/challenge-platform/scripts/jsd/main.js></script>"
)


def answer(status: int = 200, body: bytes = b"", **headers: str) -> Answer:
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Answer(status=status, headers=Headers(raw), body=body)


def verdict(
    response: Answer, *assertions: dict[str, Any], duration_ms: int = 100, phases: Sequence[Phase] = ()
) -> Verdict | None:
    def read(kind: type, raw: object) -> object:
        return Duration.parse(str(raw)) if kind is Duration else kind(raw)

    spec = msgspec.convert({"assert": list(assertions)}, HttpSpec, dec_hook=read)
    took_ns = duration_ms * 1_000_000
    return judge(spec, Evidence(duration_ns=took_ns, phases=list(phases), material={ANSWER: response}))


JSON = (
    b'{"status":"ok","count":3,"one":1,"up":true,"null":null,'
    b'"keys":[{"alg":"RS256","use":"sig"},{"alg":"ES256","use":"enc"}]}'
)
OK_OR_DEGRADED = {"status": 200, "else": "degraded"}


@pytest.mark.parametrize(
    ("response", "assertions", "reason"),
    [
        (answer(200), [], None),
        (answer(204), [], None),
        (answer(302), [], None),
        (answer(404), [], "http_status"),
        (answer(404), [{"status": 404}], None),
        (answer(200), [{"status": 404}], "http_status"),
        (answer(200), [{"status": [200, 204]}], None),
        (answer(302), [{"status": [200, 204]}], "http_status"),
        (answer(429), [], "http_throttled"),
        (answer(429), [{"status": 200}], "http_throttled"),
        (answer(429), [{"status": [200, 429]}], None),
        (answer(429), [OK_OR_DEGRADED], "http_throttled"),
        (answer(403), [], "http_forbidden"),
        (answer(403), [{"status": 200}], "http_forbidden"),
        (answer(403), [{"status": 403}], None),
        (answer(500), [], "http_server_error"),
        (answer(599), [{"status": 200}], "http_server_error"),
        (answer(503), [{"status": 503}], None),
        (answer(503), [OK_OR_DEGRADED], "http_degraded"),
        (answer(503), [OK_OR_DEGRADED, {"body": "text", "contains": "x"}], "http_body"),
        (answer(200, x_a="1"), [{"header": "X-A"}], None),
        (answer(200), [{"header": "X-A"}], "http_header"),
        (answer(200, x_a="1"), [{"header": "X-A", "equals": "1"}], None),
        (answer(200, x_a="12"), [{"header": "X-A", "equals": "1"}], "http_header"),
        (answer(200, x_a="12"), [{"header": "X-A", "contains": "2"}], None),
        (answer(200, x_a="12"), [{"header": "X-A", "matches": "^1$"}], "http_header"),
        (answer(200, x_a="1"), [{"header": "X-A", "present": True}], None),
        (answer(200, x_a="1"), [{"header": "X-A", "present": False}], "http_header"),
        (answer(200), [{"header": "X-A", "present": False}], None),
        (answer(200, b"healthy"), [{"size": 7}], None),
        (answer(200, b"healthy"), [{"size": 6}], "http_size"),
        (answer(200, b"healthy"), [{"size": 6, "else": "degraded"}], "http_degraded"),
        (answer(200, JSON), [{"json": "$.status", "equals": "ok"}], None),
        (answer(200, JSON), [{"json": "$.status", "equals": "down"}], "http_json"),
        (answer(200, JSON), [{"json": "$.status", "equals": "down", "else": "degraded"}], "http_degraded"),
        (answer(200, JSON), [{"json": "$.status"}], None),
        (answer(200, JSON), [{"json": "$.nothing"}], "http_json"),
        (answer(200, JSON), [{"json": "$.nothing", "present": False}], None),
        (answer(200, JSON), [{"json": "$.status", "present": False}], "http_json"),
        (answer(200, JSON), [{"json": "$.null", "present": True}], None),
        (answer(200, JSON), [{"json": "$.count", "equals": 3}], None),
        (answer(200, JSON), [{"json": "$.count", "equals": 3.0}], None),
        (answer(200, JSON), [{"json": "$.count", "equals": "3"}], "http_json"),
        (answer(200, JSON), [{"json": "$.one", "equals": True}], "http_json"),
        (answer(200, JSON), [{"json": "$.up", "equals": True}], None),
        (answer(200, JSON), [{"json": "$.up", "equals": 1}], "http_json"),
        (answer(200, JSON), [{"json": "$.keys[*].alg", "equals": "RS256"}], None),
        (answer(200, JSON), [{"json": "$.keys[?@.alg=='RS256'].use", "equals": "sig"}], None),
        (answer(200, JSON), [{"json": "$.keys[*].alg", "equals": "none"}], "http_json"),
        (answer(200, JSON), [{"json": "$.status", "matches": "^o"}], None),
        (answer(200, JSON), [{"json": "$.keys", "contains": "ES256"}], None),
        (answer(200, b"<html>"), [{"json": "$.status"}], "http_json"),
        (answer(200, b"[" * 100_000), [{"json": "$.status"}], "http_json"),
        (answer(200, b"[" + b"0," * 1_100_000 + b"0]"), [{"json": "$.status"}], "http_json"),
        (answer(200, b'{"a":' * 400 + b"1" + b"}" * 400), [{"json": "$..b"}], "http_json"),
        (answer(200, b"healthy"), [{"body": "text", "contains": "health"}], None),
        (answer(200, b"healthy"), [{"body": "text", "equals": "health"}], "http_body"),
        (answer(200, b"healthy"), [{"body": "text", "matches": "^h.*y$"}], None),
        (answer(200, b"a" * 100_000), [{"body": "text", "matches": "(a|a)*b"}], "http_body"),
        (answer(200, "größer".encode("latin-1"), content_type="text/plain; charset=iso-8859-1"),
         [{"body": "text", "equals": "größer"}], None),
        (answer(200, b"x", content_type="text/plain; charset=punycode"), [{"body": "text", "equals": "x"}], None),
        (answer(200), [{"duration": "100ms"}], None),
        (answer(200), [{"duration": "99ms"}], "http_too_slow"),
        (answer(200), [{"duration": "99ms", "else": "degraded"}], "http_slow"),
        (answer(200), [{"duration": "99ms", "else": "degraded"}, {"header": "X-A"}], "http_header"),
        (answer(200), [{"header": "X-A", "else": "degraded"}], "http_degraded"),
        (answer(403, JUST_A_MOMENT), [], "http_challenge"),
        (answer(200, JUST_A_MOMENT), [{"status": 200}], "http_challenge"),
        (answer(403, JUST_A_MOMENT), [{"status": 403}], None),
        (answer(429, JUST_A_MOMENT), [], "http_challenge"),
        (answer(200, SIGN_IN_PAGE), [], None),
        (answer(401, SIGN_IN_PAGE), [{"status": 401}], None),
        (answer(401, SIGN_IN_PAGE), [], "http_status"),
    ],
)  # fmt: skip
def test_verdicts(response: Answer, assertions: list[dict[str, Any]], reason: str | None) -> None:
    got = verdict(response, *assertions)
    assert (got.reason if got else None) == reason
    if got:
        assert got.reason in REASONS
        assert (got.side == "blocked") == (reason in {"http_throttled", "http_forbidden", "http_challenge"})


@pytest.mark.parametrize(
    ("lookup_ms", "otherwise", "blame"),
    [
        (10, "fail", ("http_too_slow", "target")),
        (30, "fail", ("http_too_slow", "resolver")),
        (30, "degraded", ("http_slow", "resolver")),
    ],
)
def test_what_only_the_lookup_made_too_slow_is_the_resolvers_fault(
    lookup_ms: int, otherwise: str, blame: tuple[str, str]
) -> None:
    lookup = Phase("lookup", 0, lookup_ms * 1_000_000)
    got = verdict(answer(200), {"duration": "80ms", "else": otherwise}, phases=[lookup])
    assert got is not None
    assert (got.reason, got.side) == blame


def test_a_miss_says_what_was_expected_and_found() -> None:
    got = verdict(answer(200, b"down"), {"status": 200}, {"body": "text", "contains": "healthy"})
    assert got is not None
    assert got.note == {"assertion": {"number": 2, "of": "body", "expected": "contains 'healthy'", "found": "down"}}


def test_found_text_is_redacted_and_short() -> None:
    body = b'{"error":"boom","refresh_token":"abc.def","id_token":"eyJhbGciOi.eyJzdWIi.sig"} ' + b"word " * 200
    got = verdict(answer(500, body), {"status": 500}, {"body": "text", "contains": "healthy"})
    assert got is not None
    found = got.note["assertion"]["found"]
    assert found.startswith('{"error":"boom","refresh_token":***,"id_token":***} word')
    assert len(found) == 200


def test_a_secret_headers_value_never_shows() -> None:
    got = verdict(answer(200, set_cookie="sid=abc"), {"header": "Set-Cookie", "contains": "zzz"})
    assert got is not None
    assert got.note["assertion"]["found"] == "***"
    shown = shown_headers(
        answer(302, set_cookie="sid=abc", location="https://u:p@a.test/cb?code=1#f").headers, ["Set-Cookie"]
    )
    assert shown == {"location": "https://***@a.test/cb?code=***#***", "set-cookie": "***"}


@pytest.mark.parametrize(
    ("response", "wall"),
    [
        (answer(403, b"", cf_mitigated="challenge"), "cloudflare"),
        (answer(202, b"", x_amzn_waf_action="challenge"), "aws-waf"),
        (answer(405, b"", x_amzn_waf_action="captcha"), "aws-waf"),
        (answer(403, b"<TITLE>Access Denied</TITLE> Reference #18.2", server="AkamaiGHost"), "akamai"),
        (answer(403, b'{"url":"https://geo.captcha-delivery.com/captcha/"}'), "datadome"),
        (answer(403, b'<div id="px-captcha">'), "human"),
        (answer(200, b"Request unsuccessful. Incapsula incident ID: 1"), "imperva"),
        (answer(200, b"<html><head><title>Request Rejected</title></head>Your support ID is: 1"), "f5"),
        (answer(429, b"", x_vercel_mitigated="challenge"), "vercel"),
        (answer(403, SIGN_IN_PAGE), "turnstile"),
        (answer(503, b'<script src="https://js.hcaptcha.com/1/api.js">'), "hcaptcha"),
        (answer(200, SIGN_IN_PAGE), None),
        (answer(401, SIGN_IN_PAGE), None),
        (answer(200, b"<title>Just a moment...</title> a blog on patience"), None),
        (answer(200, b"how to get past captcha-delivery.com", x_datadome="protected"), None),
        (answer(404, b"Access Denied", server="AkamaiGHost"), None),
        (answer(403, b"you may not"), None),
    ],
)
def test_bot_walls(response: Answer, wall: str | None) -> None:
    assert bot_wall(response) == wall


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry_after": "120"}, 120.0),
        ({"retry_after": " 0 "}, 0.0),
        ({"retry_after": "Fri, 31 Dec 1999 23:59:59 GMT", "date": "Fri, 31 Dec 1999 23:59:29 GMT"}, 30.0),
        ({"retry_after": "Thu, 01 Jan 1970 00:20:00 GMT"}, 200.0),
        ({"retry_after": "Thu, 01 Jan 1970 00:00:00 GMT"}, 0.0),
        ({"retry_after": "soon"}, None),
        ({"retry_after": "-1"}, None),
        ({"retry_after": "9" * 400}, 9999999999.0),
        ({}, None),
    ],
)
def test_retry_after(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after_s(answer(429, **headers).headers, 1000.0) == seconds
