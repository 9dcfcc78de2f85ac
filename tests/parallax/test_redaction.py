"""What must not leave this program does not, and what helps to understand an error does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parallax.redaction import excerpt, redact_header, redact_text, redact_url

JWT = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl"


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        (f"token was {JWT}, sorry", "token was ***, sorry"),
        ("Authorization: Bearer abcdef", "Authorization: ***"),
        ("Bearer abcdef and more", "Bearer *** and more"),
        ("Set-Cookie: sid=1; Path=/", "Set-Cookie: ***"),
        ("see https://a.test/cb?code=12&state=3 now", "see https://a.test/cb?*** now"),
        ("https://user:pw@a.test/x", "https://***@a.test/x"),
        ('{"refresh_token":"r-1","n":2}', '{"refresh_token":***,"n":2}'),
        ("client_secret=hush&a=b", "client_secret=***&a=b"),
        ("password = hunter2", "password = ***"),
        ('{"code":"424242"}', '{"code":"***"}'),
        ('{"code":"form_password_incorrect"}', '{"code":"form_password_incorrect"}'),
        ("id 0123456789abcdef0123456789abcdef.", "id ***."),
        ("key AKIAIOSFODNN7EXAMPLEKEY99", "key ***"),
        ("-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY----- x", "*** x"),
        ("-----BEGIN PRIVATE KEY-----\nMIIE", "***"),
        ("otp JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", "otp ***"),
        ("[SSL: TLSV1_ALERT_PROTOCOL_VERSION] tlsv1 alert", "[SSL: TLSV1_ALERT_PROTOCOL_VERSION] tlsv1 alert"),
        ("503 Service Temporarily Unavailable, try later", "503 Service Temporarily Unavailable, try later"),
        ('{"status":"ok","region":"us-east4"}', '{"status":"ok","region":"us-east4"}'),
    ],
)
def test_text(text: str, redacted: str) -> None:
    assert redact_text(text) == redacted


@pytest.mark.parametrize(
    ("url", "redacted"),
    [
        ("https://a.test/x", "https://a.test/x"),
        ("/login?next=%2F&x", "/login?next=***&***"),
        ("https://u:p@a.test:8443/cb?code=abc&state=d#id_token=e", "https://***@a.test:8443/cb?code=***&state=***#***"),
        ("//[bad", "***"),
    ],
)
def test_urls(url: str, redacted: str) -> None:
    assert redact_url(url) == redacted


def test_headers() -> None:
    assert redact_header("SET-COOKIE", "a=b") == "***"
    assert redact_header("Location", "/cb?code=abc") == "/cb?code=***"
    assert redact_header("Server", "nginx/1.22.1") == "nginx/1.22.1"


def test_an_excerpt_is_redacted_before_it_is_cut() -> None:
    text = "x " * 95 + JWT
    assert "eyJ" not in excerpt(text)
    assert len(excerpt("word " * 1000)) == 200


@given(st.text(max_size=300), st.text(alphabet="abcdef0123456789", min_size=32, max_size=64))
def test_any_text_is_taken(text: str, secret: str) -> None:
    redact_text(text)
    redact_url(text)
    assert secret not in redact_text(f"{text} {secret} {text}")
