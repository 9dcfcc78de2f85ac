"""Cookies as RFC 6265 has them: who may set them, where they go, and what a server may not fill a jar with."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probe.signin.jar import MAX_COOKIES, MAX_LINE, MAX_PER_HOST, Jar

NOW = 1_790_000_000.0
URL = "https://sso.example/interaction/abc?x=1"


@pytest.mark.parametrize("line", ["=__Host-sid=forged", "__Host-sid", "=__Secure-sid=forged"])
def test_a_cookie_without_a_name_is_taken_for_no_other(line: str) -> None:
    """What it sends is what a cookie with a prefix would send."""
    jar = Jar()
    jar.store("http://sso.example.com/", [line], 0.0)
    assert jar.header("https://sso.example.com/", 0.0) == ""


def jar_with(*lines: str, url: str = URL) -> Jar:
    jar = Jar()
    jar.store(url, lines, NOW)
    return jar


@pytest.mark.parametrize(
    ("line", "to", "sent"),
    [
        ("a=1", "https://sso.example/interaction/xyz", "a=1"),
        ("a=1", "https://sso.example/interaction", "a=1"),
        ("a=1", "https://sso.example/interactions", ""),
        ("a=1", "https://sso.example/", ""),
        ("a=1; Path=/", "https://sso.example/", "a=1"),
        ("a=1; Path=/auth", "https://sso.example/auth/x", "a=1"),
        ("a=1; Path=/auth", "https://sso.example/authority", ""),
        ("a=1; Path=/auth/", "https://sso.example/auth", ""),
        ("a=1; Path=auth", "https://sso.example/interaction/x", "a=1"),
        ("a=1; Path=/", "https://login.sso.example/", ""),
        ("a=1; Path=/; Domain=sso.example", "https://login.sso.example/", "a=1"),
        ("a=1; Path=/; Domain=.SSO.Example", "https://login.sso.example/", "a=1"),
        ("a=1; Path=/; Domain=o.example", "https://sso.example/", ""),
        ("a=1; Path=/; Domain=example", "https://sso.example/", ""),
        ("a=1; Path=/; Domain=evil.example", "https://evil.example/", ""),
        ("a=1; Path=/; Secure", "http://sso.example/", ""),
        ("a=1; Path=/; Max-Age=0", "https://sso.example/", ""),
        ("a=1; Path=/; Max-Age=-5", "https://sso.example/", ""),
        ("a=1; Path=/; Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:00 GMT", "https://sso.example/", "a=1"),
        ("a=1; Path=/; Expires=Thu, 01-Jan-1970 00:00:00 GMT", "https://sso.example/", ""),
        ("a=1; Path=/; Expires=whenever", "https://sso.example/", "a=1"),
        ("a=b=c; Path=/", "https://sso.example/", "a=b=c"),
        ('a="x y"; Path=/', "https://sso.example/", 'a="x y"'),
        ("bare; Path=/", "https://sso.example/", "bare"),
        ("=; Path=/", "https://sso.example/", ""),
        ("a=1\x01; Path=/", "https://sso.example/", ""),
        ("__Host-a=1; Path=/; Secure", "https://sso.example/", "__Host-a=1"),
        ("__Host-a=1; Path=/", "https://sso.example/", ""),
        ("__Host-a=1; Path=/; Secure; Domain=sso.example", "https://sso.example/", ""),
        ("__host-a=1; Path=/x; Secure", "https://sso.example/x", ""),
        ("__Secure-a=1; Path=/", "https://sso.example/", ""),
        ("__Secure-a=1; Path=/; Secure", "https://sso.example/", "__Secure-a=1"),
        ("a=caf\u00e9\u00ff; Path=/", "https://sso.example/", "a=caf\u00e9\u00ff"),
    ],
)
def test_where_a_cookie_goes(line: str, to: str, sent: str) -> None:
    assert jar_with(line).header(to, NOW) == sent


def test_a_cookie_of_an_address_is_its_own() -> None:
    assert jar_with("a=1; Path=/; Domain=0.2.1", url="https://192.0.2.1/").header("https://192.0.2.1/", NOW) == ""
    assert jar_with("a=1; Path=/", url="https://192.0.2.1/").header("https://192.0.2.1/", NOW) == "a=1"


def test_a_secure_cookie_is_not_set_in_the_clear() -> None:
    assert len(jar_with("a=1; Secure", url="http://sso.example/")) == 0


def test_longer_paths_go_first_and_a_new_value_keeps_the_place() -> None:
    jar = jar_with("a=1; Path=/", "b=2; Path=/interaction", "c=3; Path=/")
    jar.store(URL, ["a=4; Path=/"], NOW)
    assert jar.header(URL, NOW) == "b=2; a=4; c=3"
    assert jar.get("b", URL, NOW) is not None
    assert jar.get("b", "https://sso.example/", NOW) is None


def test_a_cookie_ends() -> None:
    jar = jar_with("a=1; Path=/; Max-Age=60")
    assert jar.header(URL, NOW + 59) == "a=1"
    assert jar.header(URL, NOW + 61) == ""
    jar.store(URL, ["a=; Path=/; Max-Age=0"], NOW)
    assert len(jar) == 0


def test_a_jar_is_bounded_and_counts_what_is_lost() -> None:
    jar = Jar()
    jar.store(URL, [f"c{n}=1; Path=/" for n in range(90)], NOW)
    assert len(jar) == MAX_PER_HOST
    assert jar.lost == 90 - MAX_PER_HOST
    assert "c89=1" in jar.header(URL, NOW)
    assert "c0=1" not in jar.header(URL, NOW)
    for host in range(10):
        jar.store(f"https://h{host}.example/", [f"c{n}=1; Path=/" for n in range(50)], NOW)
    assert len(jar) <= MAX_COOKIES
    before = jar.lost
    jar.store(URL, ["big=" + "x" * MAX_LINE, *["a=1"] * 200], NOW)
    assert jar.lost > before + 100


@given(st.text(max_size=200), st.text(max_size=50))
def test_any_line_is_taken(line: str, value: str) -> None:
    jar = jar_with(
        line.encode("utf-8", "replace").decode("latin-1"), f"a={value}".encode("utf-8", "replace").decode("latin-1")
    )
    header = jar.header(URL, NOW)
    assert "\r" not in header
    assert "\n" not in header
    header.encode("latin-1")
