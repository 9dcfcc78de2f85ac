"""Who may see the pages, and from where."""

import base64

import pytest

from collector.tokens import Identity, Role
from collector.web.guard import HEADERS, LOCAL, READERS, Refused, Site, decide
from parallax.values import Address
from tests.fakes.boards import FakeTokens

LOOPBACK = Site(listen=Address("127.0.0.1:8600"), open=True)
V6 = Site(listen=Address("[::1]:8600"), open=True)
NAMED = Site(listen=Address("127.0.0.1:8600"), open=True, hosts=("status.example",))
PUBLIC = Site(listen=Address("192.0.2.7:443"), open=False, hosts=("status.example",))
EVERYWHERE = Site(listen=Address("0.0.0.0:8600"), open=False)
EVE, OLGA = Identity("viewer", "eve"), Identity("owner", "olga")


def asked(
    site: Site, host: str | None, method: str = "GET", roles: tuple[Role, ...] = READERS, **headers: str
) -> Identity | int:
    """The identity, or the status of the refusal."""
    every = {name.replace("_", "-"): value for name, value in headers.items()} | ({"host": host} if host else {})
    verdict = decide(site, method, every, roles, FakeTokens().identify)
    return verdict.status if isinstance(verdict, Refused) else verdict


def basic(password: str, user: str = "me") -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


@pytest.mark.parametrize(
    ("site", "host", "answer"),
    [
        (LOOPBACK, "127.0.0.1:8600", LOCAL),
        (LOOPBACK, "localhost:8600", LOCAL),
        (LOOPBACK, "LocalHost:8600", LOCAL),
        (LOOPBACK, "[::1]:8600", LOCAL),
        (V6, "[::1]:8600", LOCAL),
        (LOOPBACK, "localhost", 421),
        (LOOPBACK, "localhost:8601", 421),
        (LOOPBACK, "evil.example:8600", 421),
        (LOOPBACK, "localhost.evil.example:8600", 421),
        (LOOPBACK, "127.0.0.1.evil.example:8600", 421),
        (LOOPBACK, "192.0.2.1:8600", 421),
        (LOOPBACK, "", 421),
        (LOOPBACK, None, 421),
        (LOOPBACK, ":8600", 421),
        (LOOPBACK, "[::1:8600", 421),
        (LOOPBACK, "localhost:8600:8600", 421),
        (LOOPBACK, "localhost:٨٦٠٠", 421),
        (LOOPBACK, "status.example", 421),
        (NAMED, "status.example", 401),
        (NAMED, "STATUS.example.:443", 401),
        (NAMED, "x.status.example", 421),
        (PUBLIC, "192.0.2.7", 401),
        (PUBLIC, "192.0.2.7:443", 401),
        (PUBLIC, "status.example", 401),
        (EVERYWHERE, "198.51.100.4:8600", 401),
        (EVERYWHERE, "[2001:db8::4]:8600", 401),
        (EVERYWHERE, "evil.example:8600", 421),
    ],
)
def test_hosts(site: Site, host: str | None, answer: Identity | int) -> None:
    assert asked(site, host) == answer


@pytest.mark.parametrize(
    ("authorization", "answer"),
    [
        (basic("viewer-token"), EVE),
        (basic("owner-token", user=""), OLGA),
        ("Bearer viewer-token", EVE),
        ("bearer  owner-token ", OLGA),
        (basic("nobody's"), 401),
        (basic(""), 401),
        ("Basic", 401),
        ("Basic %%%", 401),
        ("Basic bm8tY29sb24=", 401),
        ("Basic gICA", 401),
        ("Digest viewer-token", 401),
        ("viewer-token", 401),
    ],
)
def test_tokens(authorization: str, answer: Identity | int) -> None:
    assert asked(PUBLIC, "status.example", authorization=authorization) == answer


def test_a_token_names_who_it_is_on_loopback_as_well_and_a_wrong_one_is_no_worse_than_none() -> None:
    assert asked(LOOPBACK, "localhost:8600", authorization=basic("viewer-token")) == EVE
    assert asked(LOOPBACK, "localhost:8600", authorization=basic("another service's")) == LOCAL


def test_what_a_proxy_forwards_needs_a_token() -> None:
    for header in ("x_forwarded_for", "forwarded", "x_real_ip"):
        assert asked(LOOPBACK, "127.0.0.1:8600", **{header: "203.0.113.5"}) == 401
        assert asked(LOOPBACK, "127.0.0.1:8600", authorization="Bearer viewer-token", **{header: "x"}) == EVE


def test_roles() -> None:
    assert asked(PUBLIC, "status.example", roles=("owner",), authorization="Bearer viewer-token") == 403
    assert asked(PUBLIC, "status.example", roles=("owner",), authorization="Bearer owner-token") == OLGA
    assert asked(LOOPBACK, "localhost:8600", roles=("owner",)) == LOCAL


@pytest.mark.parametrize(
    ("headers", "answer"),
    [
        ({}, 403),
        ({"origin": "http://localhost:8600"}, LOCAL),
        ({"origin": "HTTP://LOCALHOST:8600"}, LOCAL),
        ({"origin": "http://127.0.0.1:8600"}, 403),
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "http://localhost:3000"}, 403),
        ({"origin": "null"}, 403),
        ({"sec_fetch_site": "same-origin"}, LOCAL),
        ({"sec_fetch_site": "same-site"}, 403),
        ({"sec_fetch_site": "cross-site"}, 403),
        ({"sec_fetch_site": "none"}, 403),
        ({"origin": "http://evil.example", "sec_fetch_site": "same-origin"}, 403),
    ],
)
def test_a_post_comes_from_our_own_pages(headers: dict[str, str], answer: Identity | int) -> None:
    assert asked(LOOPBACK, "localhost:8600", method="POST", **headers) == answer


def test_a_refusal_names_the_way_out() -> None:
    def message(host: str, **headers: str) -> str:
        verdict = decide(LOOPBACK, "GET", {"host": host, **headers}, READERS, FakeTokens().identify)
        assert isinstance(verdict, Refused)
        return verdict.message

    assert "http://127.0.0.1:8600/" in message("evil.example")
    assert "`hosts`" in message("evil.example")
    assert "the token as the password" in message("localhost:8600", forwarded="for=x")
    assert len(message("x" * 10_000)) < 400


def test_the_policy_runs_nothing_inline() -> None:
    policy = dict(part.strip().partition(" ")[::2] for part in HEADERS["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert "unsafe" not in HEADERS["Content-Security-Policy"]
    assert {"script-src", "style-src", "form-action", "base-uri", "frame-ancestors"} <= policy.keys()
