"""Pages that refuse the authorization request: whose fault it is, wherever the code or the words stand."""

from pathlib import Path

import pytest

from parallax import reasons
from probe.fault import Fault
from probe.pages.page import read_page
from probe.signin.refused_request import refused_request
from tests.fakes.signin_server import SigninServer, page
from tests.parts.certificates import Authority
from tests.probe.signin.flows import check_of, run, spec_of, told, tools_at

URL = "https://sso.example/authorize"


def read(body: str, url: str = URL) -> Fault | None:
    return refused_request(read_page(body, url), body.encode())


@pytest.mark.parametrize(
    ("body", "url", "reason"),
    [
        ("<h1>We are sorry</h1><p>Unknown client: web</p>", URL, "oauth_invalid_client"),
        ("<h1>We are sorry</h1><p>Client not found.</p>", URL, "oauth_invalid_client"),
        ("<h1>Fehler</h1><p>Der Client wurde nicht gefunden.</p>", URL, "oauth_invalid_client"),
        ("<p>Mismatching redirect URI.</p>", URL, "oauth_redirect_uri_mismatch"),
        ("<p>The redirect_uri is not on the list.</p>", URL, "oauth_redirect_uri_mismatch"),
        ('{"error":"Invalid parameter: redirect_uri"}', URL, "oauth_redirect_uri_mismatch"),
        ('{"error":"invalid_client","error_description":"who?"}', URL, "oauth_invalid_client"),
        ('{"error":"invalid_request","error_description":"no scope"}', URL, "oauth_invalid_request"),
        ("<h1>Oops</h1>", "https://sso.example/error?error=invalid_client", "oauth_invalid_client"),
        ("<h1>Oops</h1><pre>unsupported_response_type</pre>", URL, "oauth_invalid_request"),
        ("<h1>Oops</h1><p>server_error: no store</p>", URL, "oauth_server_error"),
    ],
)
def test_what_it_says(body: str, url: str, reason: str) -> None:
    fault = read(body, url)
    assert fault is not None
    assert fault.reason == reason


@pytest.mark.parametrize(
    "body",
    [
        "", "<h1>Something went wrong</h1><p>Try again later.</p>", "{}", '{"error": 7}', "[" * 9000, '{"error":',
        "<h1>Not Found</h1><p>The page was not found.</p>", "\0\xff<", "<p>a_b_c made_up_code",
    ],
)  # fmt: skip
def test_an_error_of_its_own_says_nothing_of_the_request(body: str) -> None:
    assert read(body) is None


def test_the_request_is_the_plans() -> None:
    fault = read("<p>Unknown client")
    assert fault is not None
    assert reasons.REASONS[fault.reason].fault == "config"


@pytest.mark.slow
async def test_a_flow_ends_there_and_asks_as_a_browser_does(
    server: SigninServer, ca: Authority, tmp_path: Path
) -> None:
    server.answers["/auth"] = lambda asked: page("<title>Sorry</title><p>Unknown client: web", 400)
    found = await run(check_of(spec_of(server)), tools_at(ca, tmp_path))
    assert told(found)[-1] == ("authorize", "oauth_invalid_client")
    assert found[-1].fault == "config"
    accepted = next(asked.headers["accept"] for asked in server.asked if asked.path == "/auth")
    assert "json" not in accepted  # a provider that is asked for JSON may answer a person's request with it
