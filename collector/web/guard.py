"""Who may see the pages, and from where. Pure: `decide` says it from a request's head.

What is held off, and by what:
- DNS rebinding (a foreign site's name that is made to lead to this address): the Host header must be the listener's
  own address, this host's usual names with its port, or a name that the owner listed (`hosts`).
- A foreign page that posts a form here (the browser adds the credentials it has): a POST must come from our own
  pages, by Origin or Sec-Fetch-Site (both are set by the browser and cannot be forged by a script).
- Markup in what a check measured: everything is escaped, and the content security policy runs no script and loads
  nothing that is not ours.
- Anyone, off loopback: a token, as the password of HTTP Basic (RFC 7617, which browsers ask for by themselves) or as
  a Bearer (RFC 6750). A name of `hosts` on a loopback listener means that a proxy stands in front and that the
  readers are elsewhere, so there it needs a token too; so does whatever a proxy says that it forwards.
"""

import base64
import binascii
import ipaddress
from collections.abc import Callable, Mapping
from typing import Literal

import msgspec

from collector.tokens import Identity, Role
from parallax.values import Address, split_host_port

LOCAL = Identity("owner", "page")
"""Whoever is at this machine, and shows no token."""
READERS: tuple[Role, ...] = ("viewer", "owner")
HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
"""On every answer of a page."""
_FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip")


class Site(msgspec.Struct, frozen=True, kw_only=True):
    """What the guard knows of the listener."""

    listen: Address
    open: bool
    hosts: tuple[str, ...] = ()


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to whoever may not."""

    status: Literal[401, 403, 421]
    message: str


def decide(
    site: Site,
    method: str,
    headers: Mapping[str, str],
    roles: tuple[Role, ...],
    identify: Callable[[str], Identity | None],
) -> Identity | Refused:
    """Whose request it is, or why not. `headers` by lower-case names; `identify` gives the holder of a token."""
    host = headers.get("host", "")
    named = _is_named(site, host)
    if not named and not _is_own(site, host):
        return Refused(
            status=421,
            message=f"This page is not served as {host[:100]!r}. Open {_own(site)} (through a tunnel: with the same "
            "port), or add the name to `hosts` in the collector's config.",
        )
    if method not in ("GET", "HEAD") and not _is_same_origin(host, headers):
        return Refused(status=403, message="This can only be asked for from the page itself: reload it and try again.")
    token = _token(headers.get("authorization", ""))
    identity = identify(token) if token else None
    if identity is None and site.open and not named and not any(name in headers for name in _FORWARDED):
        identity = LOCAL
    if identity is None:
        return Refused(
            status=401,
            message="This page needs a token: any user name, and the token as the password. Make one on the "
            'collector\'s host: "parallax collector token add --role viewer NAME".',
        )
    if identity.role not in roles:
        return Refused(
            status=403, message=f"This needs the token of a {' or '.join(roles)}; yours is a {identity.role}'s."
        )
    return identity


def _is_named(site: Site, host: str) -> bool:
    """Whether it is one of the owner's names, at whatever port: a proxy may stand in front."""
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
    return name.lower().removesuffix(".") in site.hosts


def _is_own(site: Site, host: str) -> bool:
    try:
        name, port = split_host_port(host, site.listen.port if site.listen.port in (80, 443) else 80)
    except ValueError:
        return False
    if port != site.listen.port:
        return False
    if name.lower() in ("localhost", "127.0.0.1", "::1", site.listen.ip):
        return True
    try:  # a literal address cannot be rebound, and a listener on all of them cannot know which it is
        return site.listen.parsed_ip.is_unspecified and bool(ipaddress.ip_address(name))
    except ValueError:
        return False


def _is_same_origin(host: str, headers: Mapping[str, str]) -> bool:
    origin = headers.get("origin")
    if origin is not None and origin != "null":  # browsers say null where the page's referrer policy is no-referrer
        return origin.lower() in (f"http://{host}".lower(), f"https://{host}".lower())
    return headers.get("sec-fetch-site") == "same-origin"


def _token(authorization: str) -> str | None:
    scheme, _, rest = authorization.partition(" ")
    if scheme.lower() == "bearer":
        return rest.strip()
    if scheme.lower() != "basic":
        return None
    try:
        return base64.b64decode(rest.strip(), validate=True).decode("utf-8", "replace").partition(":")[2].strip()
    except (binascii.Error, ValueError):
        return None


def _own(site: Site) -> str:
    where = f"https://{site.hosts[0]}/" if site.hosts else f"{'http' if site.open else 'https'}://{site.listen}/"
    return "this host's address" if site.listen.parsed_ip.is_unspecified and not site.hosts else where
