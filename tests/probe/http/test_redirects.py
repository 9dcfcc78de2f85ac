"""Where a redirect may lead, as a table. No I/O."""

import msgspec
import pytest

from parallax.plan.specs import HttpSpec
from parallax.values import Url
from probe.http.redirects import Refusal, Stop, first_stop, next_stop

TARGET = "https://acme.test/a/b?c=d"


def after(location: str, status: int = 302, way: int = 1, **spec: object) -> Stop | Refusal | None:
    whole = msgspec.convert({"redirects": 3, "redirect_hosts": ["www.acme.test"], **spec}, HttpSpec, dec_hook=_as_it_is)
    stops = [first_stop(whole, TARGET)]
    stops += [Stop(url=Url(f"https://acme.test/{n}"), method=whole.method, body=False) for n in range(1, way)]
    return next_stop(whole, stops, status, location)


def _as_it_is(kind: type, raw: object) -> object:
    return kind(raw)


@pytest.mark.parametrize(
    ("location", "url"),
    [
        ("/x", "https://acme.test/x"),
        ("x", "https://acme.test/a/x"),
        ("?e=f", "https://acme.test/a/b?e=f"),
        ("//www.acme.test/", "https://www.acme.test/"),
        ("https://ACME.test:443/", "https://ACME.test:443/"),
        ("https://acme.test:8443/", "https://acme.test:8443/"),
        ("/x#fragment", "https://acme.test/x"),
        ("/b lank", "https://acme.test/b%20lank"),
        ("/ü".encode().decode("latin-1"), "https://acme.test/%C3%BC"),
    ],
)
def test_it_leads_there(location: str, url: str) -> None:
    stop = after(location)
    assert isinstance(stop, Stop)
    assert stop.url == url


@pytest.mark.parametrize(
    ("location", "word", "detail"),
    [
        ("http://acme.test/", "redirect", "from https to http, at acme.test"),
        ("https://other.test/", "redirect", "to other.test, which redirect_hosts has not"),
        ("https://www.acme.test.evil.test/", "redirect", "to www.acme.test.evil.test, which redirect_hosts has not"),
        ("https://169.254.169.254/latest", "redirect", "to 169.254.169.254, which redirect_hosts has not"),
        ("https://user:pw@acme.test/", "redirect", "the Location of a 302 leads nowhere: the URL carries a user"),
        ("javascript:alert(1)", "redirect", "the Location of a 302 leads nowhere: "),
        ("https://[::1", "redirect", "the Location of a 302 leads nowhere: "),
        ("https://acme.test:99999/", "redirect", "the Location of a 302 leads nowhere: "),
        (TARGET, "redirect_loop", "back to where it was asked before, after 1 requests"),
        ("#top", "redirect_loop", "back to where it was asked before, after 1 requests"),
    ],
)
def test_it_leads_where_it_must_not(location: str, word: str, detail: str) -> None:
    refusal = after(location)
    assert isinstance(refusal, Refusal)
    assert (refusal.word, refusal.detail[: len(detail)]) == (word, detail)


def test_too_many() -> None:
    assert isinstance(after("/x", way=3), Stop)
    assert after("/x", way=4) == Refusal("redirect_loop", "more than 3 redirects")


@pytest.mark.parametrize(("status", "location"), [(200, "/x"), (304, "/x"), (300, "/x"), (302, ""), (404, "/x")])
def test_what_is_no_redirect(status: int, location: str) -> None:
    assert after(location, status) is None


def test_none_is_followed_unless_told() -> None:
    assert after("/x", redirects=0) is None


@pytest.mark.parametrize(
    ("method", "status", "then"),
    [
        ("POST", 301, "GET"),
        ("POST", 302, "GET"),
        ("POST", 303, "GET"),
        ("POST", 307, "POST"),
        ("POST", 308, "POST"),
        ("PUT", 302, "PUT"),
        ("PUT", 303, "GET"),
        ("HEAD", 303, "HEAD"),
        ("GET", 308, "GET"),
    ],
)
def test_methods(method: str, status: int, then: str) -> None:
    body = "x" if method in ("POST", "PUT") else ""
    stop = after("/x", status, method=method, body=body)
    assert isinstance(stop, Stop)
    assert (stop.method, stop.body) == (then, bool(body) and then == method)


def test_headers_of_the_plan_stay_at_the_targets_origin_and_so_does_its_body() -> None:
    for location, own in (
        ("/x", True),
        ("https://acme.test:443/x", True),
        ("https://acme.test:8443/x", False),
        ("https://www.acme.test/x", False),
    ):
        stop = after(location)
        assert isinstance(stop, Stop)
        assert stop.own is own
    refusal = after("https://www.acme.test/", 307, method="POST", body="secret")
    assert refusal == Refusal("redirect", "to www.acme.test with the request's body")
