"""Where a response sends us next, and whether the plan lets us go there (RFC 9110 section 15.4). Pure.

Only where the plan says so, and never to a host that it does not name, nor from https to http: a check that went
anywhere would measure anything. The plan's own headers go to the target's own origin only, as they may be secrets.
"""

from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import quote, urldefrag, urljoin, urlsplit

import msgspec

from parallax.plan.specs import HttpSpec
from parallax.values import Url

STATUSES = frozenset((301, 302, 303, 307, 308))
_MAX_URL = 65_536
_ASCII = "".join(chr(code) for code in range(0x21, 0x7F))


class Stop(msgspec.Struct, frozen=True, kw_only=True):
    """One request on the way."""

    url: Url
    method: str
    body: bool
    """Whether the plan's body is sent."""
    own: bool = True
    """Whether the plan's headers are: at the target's own scheme, host and port."""


class Refusal(NamedTuple):
    """Why the way ends: a failure word, and what is wrong."""

    word: str
    detail: str


def first_stop(spec: HttpSpec, target: str) -> Stop:
    """The plan's own request."""
    return Stop(url=Url(target), method=spec.method, body=bool(spec.body))


def next_stop(spec: HttpSpec, way: Sequence[Stop], status: int, location: str) -> Stop | Refusal | None:
    """What follows the last stop of the way; None where its response is the one that counts."""
    if not spec.redirects or status not in STATUSES or not location:
        return None
    first, last = way[0], way[-1]
    try:
        url = Url.parse(urldefrag(onward(last.url, location)).url)
        host = url.endpoint.host
    except ValueError as error:
        return Refusal("redirect", f"the Location of a {status} leads nowhere: {error}")
    if last.url.https and not url.https:
        return Refusal("redirect", f"from https to http, at {host}")
    if host != first.url.endpoint.host and host not in spec.redirect_hosts:
        return Refusal("redirect", f"to {host}, which redirect_hosts has not")
    method = method_after(status, last.method)
    own = _origin(url) == _origin(first.url)
    body = last.body and method == last.method
    if body and not own:
        return Refusal("redirect", f"to {host} with the request's body")
    stop = Stop(url=url, method=method, body=body, own=own)
    if stop in way:
        return Refusal("redirect_loop", f"back to where it was asked before, after {len(way)} requests")
    if len(way) > spec.redirects:
        return Refusal("redirect_loop", f"more than {spec.redirects} redirects")
    return stop


def onward(url: str, location: str) -> str:
    """Where the Location of a response from this URL leads, its fragment included. Raises ValueError where it leads
    nowhere."""
    # It may come in UTF-8, which was read as Latin-1: its octets are percent-encoded as they are.
    return urljoin(url, quote(location[:_MAX_URL].strip().encode("latin-1", "replace"), safe=_ASCII))


def method_after(status: int, method: str) -> str:
    """303 asks for a GET; after 301 and 302, browsers make one of a POST (RFC 9110 sections 15.4.2 to 15.4.4)."""
    if method == "HEAD" or status in (307, 308):
        return method
    return "GET" if status == 303 or method == "POST" else method


def _origin(url: Url) -> tuple[str, str]:
    return urlsplit(url).scheme, url.endpoint
