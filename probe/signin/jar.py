"""A browser's cookies (RFC 6265, with the name prefixes of its successor). Sans-io: time comes from outside.

A value is whatever bytes a server sent, read as Latin-1 and sent back as the same bytes. Path and domain are matched as
the RFC says, as interaction cookies are scoped by path. No list of public suffixes: a cookie for a whole top-level
domain is refused, which is what a sign-in could be hurt by.
"""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from urllib.parse import urlsplit

import msgspec

from parallax.dialling.fields import http_date
from parallax.values import is_ip

MAX_COOKIES = 200
MAX_PER_HOST = 60
MAX_LINE = 8192
"""Octets of one Set-Cookie; browsers take 4,096 of name and value."""
MAX_LINES = 100
"""Set-Cookie lines of one response."""
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
MAX_AGE_S = 400 * 86400.0
"""No cookie lives longer (RFC 6265bis section 5.5)."""


class Cookie(msgspec.Struct, frozen=True, kw_only=True):
    """One cookie. `domain` is the host that set it, or what its Domain said; `host_only` tells which."""

    name: str
    value: str
    domain: str
    host_only: bool
    path: str
    secure: bool = False
    http_only: bool = False
    expires: float | None = None
    """Seconds since the Unix epoch; None: with the run."""
    order: int = 0

    def __repr__(self) -> str:
        return f"Cookie({self.name!r} for {self.domain}{self.path})"


class Jar:
    """The cookies of one browser. `lost` counts those that did not fit."""

    def __init__(self) -> None:
        self._cookies: dict[tuple[str, str, str], Cookie] = {}
        self._count = 0
        self.lost = 0

    def __iter__(self) -> Iterator[Cookie]:
        return iter(self._cookies.values())

    def __len__(self) -> int:
        return len(self._cookies)

    def store(self, url: str, lines: Iterable[str], now: float) -> list[Cookie]:
        """Takes in the Set-Cookie lines of a response from this URL, and gives the cookies that it kept. What is no
        cookie, or not this host's to set, is passed over (section 5.3)."""
        kept = []
        for place, line in enumerate(lines):
            if place >= MAX_LINES or len(line) > MAX_LINE:
                self.lost += 1
                continue
            cookie = read_cookie(line, url, now, self._count)
            if cookie is None:
                continue
            self._count += 1
            key = (cookie.domain, cookie.path, cookie.name)
            old = self._cookies.get(key)
            if cookie.expires is not None and cookie.expires <= now:
                self._cookies.pop(key, None)
                continue
            self._cookies[key] = msgspec.structs.replace(cookie, order=old.order) if old else cookie
            kept.append(cookie)
        self._bound(now)
        return kept

    def header(self, url: str, now: float) -> str:
        """What goes into Cookie for a request to this URL: longer paths first, then the older (section 5.4); empty
        without a cookie. Latin-1 text: encode it as such."""
        fitting = [cookie for cookie in self._cookies.values() if _fits(cookie, url, now)]
        fitting.sort(key=lambda cookie: (-len(cookie.path), cookie.order))
        return "; ".join(f"{each.name}={each.value}" if each.name else each.value for each in fitting)

    def get(self, name: str, url: str, now: float) -> Cookie | None:
        """The cookie of this name that goes to the URL, the one of the longest path."""
        named = [each for each in self._cookies.values() if each.name == name and _fits(each, url, now)]
        return max(named, key=lambda cookie: len(cookie.path), default=None)

    def _bound(self, now: float) -> None:
        """At most MAX_PER_HOST of one host and MAX_COOKIES in all, the oldest go first."""
        if len(self._cookies) <= min(MAX_COOKIES, MAX_PER_HOST):
            return
        for key in [k for k, each in self._cookies.items() if each.expires is not None and each.expires <= now]:
            del self._cookies[key]
        counts: dict[str, int] = {}
        left = len(self._cookies)
        for key in sorted(self._cookies, key=lambda key: self._cookies[key].order, reverse=True):
            counts[key[0]] = counts.get(key[0], 0) + 1
            if counts[key[0]] > MAX_PER_HOST:
                del self._cookies[key]
                self.lost, left = self.lost + 1, left - 1
        for key in sorted(self._cookies, key=lambda key: self._cookies[key].order)[: max(0, left - MAX_COOKIES)]:
            del self._cookies[key]
            self.lost += 1


def read_cookie(line: str, url: str, now: float, order: int = 0) -> Cookie | None:
    """The cookie of a Set-Cookie line (section 5.2), or None where a browser would pass it over."""
    pair, *rest = line.split(";")
    if _CONTROL.search(line):
        return None
    name, equals, value = pair.partition("=")
    if not equals:
        name, value = "", pair
    name, value = name.strip(" \t"), value.strip(" \t")
    if not name and not value:
        return None
    said = _attributes(rest)
    host, path, https = _place(url)
    domain, host_only = _domain(said.get("domain", ""), host)
    if domain is None:
        return None
    secure = "secure" in said
    own_path = said.get("path", "")
    cookie = Cookie(
        name=name,
        value=value,
        domain=domain,
        host_only=host_only,
        path=own_path if own_path.startswith("/") else _default_path(path),
        secure=secure,
        http_only="httponly" in said,
        expires=_expiry(said, now),
        order=order,
    )
    if secure and not https:
        return None
    return cookie if _prefix_holds(cookie, own_path) else None


def _attributes(parts: list[str]) -> dict[str, str]:
    """By name in lower case; the last of a name counts."""
    found = {}
    for part in parts:
        name, _, value = part.partition("=")
        found[name.strip(" \t").lower()] = value.strip(" \t")
    return found


def _expiry(said: dict[str, str], now: float) -> float | None:
    """Max-Age stands above Expires (section 5.3 step 3)."""
    age = said.get("max-age", "")
    if age and age.isascii() and age.removeprefix("-").isdigit():
        return now + min(float(age[:20]), MAX_AGE_S)
    if (until := said.get("expires")) and (moment := _date(until)) is not None:
        return min(moment, now + MAX_AGE_S)
    return None


def _date(text: str) -> float | None:
    moment = http_date(text)
    if moment is None:  # "Thu, 01-Jan-1970 00:00:00 GMT", as old servers write it
        moment = http_date(text.replace("-", " "))
    return moment


def _domain(said: str, host: str) -> tuple[str | None, bool]:
    """The cookie's domain, and whether it is this host's alone; None where the host may not set it."""
    wanted = said.removeprefix(".").lower()
    if not wanted or wanted == host:
        return host, not wanted
    if is_ip(host) or not _within(host, wanted) or "." not in wanted:
        return None, True
    return wanted, False


def _prefix_holds(cookie: Cookie, path: str) -> bool:
    name = (cookie.name or cookie.value).lower()  # one without a name is sent as its value alone
    if name.startswith("__host-"):
        return cookie.secure and cookie.host_only and path == "/"
    return cookie.secure if name.startswith("__secure-") else True


def _fits(cookie: Cookie, url: str, now: float) -> bool:
    host, path, https = _place(url)
    if cookie.expires is not None and cookie.expires <= now:
        return False
    if cookie.secure and not https:
        return False
    return (host == cookie.domain if cookie.host_only else _within(host, cookie.domain)) and _under(path, cookie.path)


def _within(host: str, domain: str) -> bool:
    return host == domain or (host.endswith(f".{domain}") and not is_ip(host))


def _under(path: str, scope: str) -> bool:
    """Section 5.1.4."""
    return path == scope or (path.startswith(scope) and (scope.endswith("/") or path[len(scope)] == "/"))


def _default_path(path: str) -> str:
    return path.rpartition("/")[0] or "/"


@lru_cache(1024)
def _place(url: str) -> tuple[str, str, bool]:
    """Host in lower case, path, and whether it is https or this machine, which browsers trust alike. Kept, as it is
    asked for each cookie of each request."""
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    return host, parts.path or "/", parts.scheme == "https" or host == "localhost"
