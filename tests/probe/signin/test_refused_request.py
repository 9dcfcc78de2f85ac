"""Pages that refuse the authorization request: whose fault it is, wherever the code or the words stand."""

import pytest

from parallax import reasons
from probe.fault import Fault
from probe.pages.page import read_page
from probe.signin.refused_request import refused_request

URL = "https://sso.example/authorize"


def told(body: str, url: str = URL) -> Fault | None:
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
    fault = told(body, url)
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
    assert told(body) is None


def test_the_request_is_the_plans() -> None:
    fault = told("<p>Unknown client")
    assert fault is not None
    assert reasons.REASONS[fault.reason].fault == "config"
