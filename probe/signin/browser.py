"""One browser of a flow: cookies of its own, connections kept for as long as the run lasts, redirects by hand.

A flow has two. The user's has cookies and follows redirects until it is sent to the redirect URI, where nobody listens.
The backchannel is the relying party: it has a jar of its own, as some providers refuse the token endpoint when the
portal's cookies come along, and it follows nothing.

    async with Browser(tools, names) as user:
        reply = await user.request("GET", url, tape=tape, stop_at=redirect_uri)

Each request enters its phases on the step's tape: lookup, connect, tls, send, first_byte, body. What goes wrong on the
connection is raised as it comes, for whoever records the step; a response that is broken, or leads nowhere, ends it.
"""

from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import trio

from parallax.clock import NS, wall_ns
from parallax.dialling.errors import detail_of
from parallax.dialling.fields import retry_after_s
from parallax.dialling.http import Http, HttpError, Response, open_http
from parallax.redaction import redact_url
from parallax.values import Address, Url
from probe.dns.lookup import lookup
from probe.fault import Fault
from probe.http import redirects
from probe.http.body import BodyReader
from probe.http.request import USUAL_HEADERS
from probe.oidc.authorization import is_callback
from probe.signin.jar import Jar
from probe.signin.reply import NO_ADDRESS, Ended, Reply, end
from probe.sites.front_ends import site_of_headers
from probe.sites.site import note_site
from probe.tape import Tape
from probe.tls.handshake import note_refusal
from probe.tools import Tools

MAX_BODY = 2_000_000
"""Octets of one response, compressed or not."""
MAX_HOPS = 25
"""Redirects of one request."""
SHOWN_URL = 300
"""Characters of a URL in the findings."""
SHOWN_HOPS = 30
"""Requests of a step that its findings list."""
MAX_HOSTS = 20
"""Hosts that one run goes to."""
IDLE_S = 4.0
"""A connection that was idle for longer is not used again: servers close theirs, and what is sent just then is lost,
which must not happen to a password."""
SHORTEST_HIDDEN = 6
"""Characters of a cookie's value: what is shorter is a setting, and would mask half of every text."""

OWN_HEADERS = {
    **USUAL_HEADERS,
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "Accept-Language": "en",
    "X-Synthetic": "parallax",
}

_MAY_GO = Callable[[str], None]


class Names:
    """Where the hosts of one run are: looked up once, for both of its browsers."""

    def __init__(self, choice: int = 0) -> None:
        """`choice`: which of a host's addresses is dialled, where it has as many; the first otherwise."""
        self._choice = choice
        self._found: dict[str, list[str]] = {}

    async def find(self, host: str, tools: Tools, tape: Tape) -> str:
        """A literal address of the host. Ends the step where it has none."""
        found = self._found.get(host)
        if found is None:
            if len(self._found) >= MAX_HOSTS:
                raise end(tape, Fault("signin_loop", {"detail": f"the pages lead to more than {MAX_HOSTS} hosts"}))
            tape.enter("lookup")
            found = self._found[host] = await lookup(host, tools.families, tools, tape)
            if not found:
                del self._found[host]
                tape.material[NO_ADDRESS] = True
                raise Ended
            tape.leave()
        return found[self._choice % len(found)]


class Browser:
    """See above. `jar` may be one that an earlier run left."""

    def __init__(self, tools: Tools, names: Names, jar: Jar | None = None, *, now: Callable[[], int] = wall_ns) -> None:
        self.jar = jar if jar is not None else Jar()
        self._tools, self._names, self._now = tools, names, now
        self._clients: dict[tuple[str, int], tuple[Http, float]] = {}
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self._clients.clear()
        await self._stack.__aexit__(kind, error, where)

    async def request(
        self,
        method: str,
        url: str,
        *,
        tape: Tape,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        follow: bool = True,
        stop_at: str | None = None,
        may_go: _MAY_GO | None = None,
        referer: str | None = None,
    ) -> Reply:
        """One request, and where `follow` says so its redirects, until one leads to `stop_at`.

        A body is sent on only where it was sent first, unless `may_go` is given, which raises Withheld for a URL that
        it must not go to; it is called before every sending of the body. `headers` go with the first request only.
        Raises Ended, and what a connection raises.
        """
        seen: dict[tuple[str, str], int] = {}
        first_origin = _origin(url)
        for hop in range(MAX_HOPS + 1):
            if body:
                if may_go is not None:
                    may_go(url)
                elif _origin(url) != first_origin:
                    raise end(
                        tape, Fault("secret_withheld", {"detail": f"a redirect would carry a form to {_host(url)}"})
                    )
            own = self._headers(method, url, referer)
            reply = await self._one(method, url, own | dict(headers or {}), body, tape)
            location = reply.headers.get("location")
            if not follow or reply.status not in redirects.STATUSES or location is None:
                return reply
            onward = _joined(url, location, tape)
            if stop_at is not None and is_callback(onward, stop_at):
                return Reply(method=method, url=url, status=reply.status, headers=reply.headers, callback=onward)
            before, method = method, redirects.method_after(reply.status, method)
            if method == before:
                headers = {name: value for name, value in (headers or {}).items() if name.lower() == "content-type"}
            else:
                body, headers = b"", None
            referer, url = _referer(url, onward), sendable(onward, tape)
            seen[method, url] = seen.get((method, url), 0) + 1
            if seen[method, url] > 3 or hop == MAX_HOPS:
                break
        raise end(tape, Fault("signin_loop", {"detail": "the redirects have no end"}))

    async def _one(self, method: str, url: str, headers: dict[str, str | bytes], body: bytes, tape: Tape) -> Reply:
        parsed = Url(url)
        endpoint = parsed.endpoint
        pin = self._tools.pin
        address = pin.of(endpoint.host, endpoint.port) if pin is not None else None
        if address is None:
            address = Address.of(await self._names.find(endpoint.host, self._tools, tape), endpoint.port)
        if "address" not in tape.dims:
            tape.dims.update(address=address.ip, family=str(address.family))
        client = await self._client(endpoint.host, address)
        began = trio.current_time()
        hop: dict[str, object] = {"method": method, "url": _shown(url, tape)}
        hops: list[dict[str, object]] = tape.findings.setdefault("hops", [])
        if len(hops) < SHOWN_HOPS:
            hops.append(hop)
        try:
            async with client.request(method, url, headers=headers, body=body, enter=tape.enter) as response:
                self._take_head(response, url, tape)
                hop["status"] = response.status_code
                tape.note(url=hop["url"])
                octets = await _read_body(method, response, tape)
                tape.leave()
        except trio.BrokenResourceError as error:
            note_refusal(tape, client.stream, endpoint.host, error)
            raise
        except HttpError as error:
            if client.peer_ended:
                tape.fail("truncated" if "status" in hop else "closed", detail_of(error))
            raise
        finally:
            hop["ms"] = round((trio.current_time() - began) * 1000, 1)
            self._clients[endpoint.host, endpoint.port] = client, trio.current_time()
        return Reply(method=method, url=url, status=response.status_code, headers=response.headers, body=octets)

    async def _client(self, host: str, address: Address) -> Http:
        kept, used = self._clients.get((host, address.port), (None, 0.0))
        if kept is not None:
            if trio.current_time() - used > IDLE_S:
                kept.close()
            return kept
        return await self._stack.enter_async_context(open_http(address, self._tools.routes, self._tools.trust))

    def _headers(self, method: str, url: str, referer: str | None) -> dict[str, str | bytes]:
        headers: dict[str, str | bytes] = dict(OWN_HEADERS)
        cookies = self.jar.header(url, self._now() / NS)
        if cookies:
            headers["Cookie"] = cookies.encode("latin-1")  # as it came, whatever it was
        if referer:
            headers["Referer"] = referer
            if method == "POST":
                headers["Origin"] = _origin(referer)
        return headers

    def _take_head(self, response: Response, url: str, tape: Tape) -> None:
        now = self._now() / NS
        lines = [value for name, value in response.headers.lines if name.lower() == "set-cookie"]
        for cookie in self.jar.store(url, lines, now):
            if len(cookie.value) >= SHORTEST_HIDDEN:
                tape.hidden.add(cookie.value, one_of_many=True)
        tape.note(status=response.status_code, retry_after=retry_after_s(response.headers, now))
        note_site(tape, site_of_headers(response.headers))


async def _read_body(method: str, response: Response, tape: Tape) -> bytes:
    """The whole body, decompressed. Ends the step where it is none."""
    reader = BodyReader.of(method, response.headers, MAX_BODY)
    await reader.read(response.aiter_raw())
    if reader.fault:
        tape.fail(reader.fault)
        raise Ended
    return bytes(reader.body)


def _joined(url: str, location: str, tape: Tape) -> str:
    try:
        return redirects.onward(url, location)
    except ValueError:  # brackets without an IPv6 address, letters that would become others in a host
        detail = "a redirect leads to a host that none can have"
        raise end(tape, Fault("signin_unexpected_page", {"detail": detail})) from None


def sendable(url: str, tape: Tape) -> str:
    """Where a redirect or a form leads, if a browser would go there."""
    try:
        return Url.parse(url.partition("#")[0])
    except ValueError:
        shown = f"{urlsplit(url).scheme[:20]}:..." if "://" not in url[:30] else redact_url(url)[:200]
        raise end(tape, Fault("signin_unexpected_page", {"detail": f"the page leads to {shown}"})) from None


def _shown(url: str, tape: Tape) -> str:
    """A URL for the findings, which are looked through for secrets before they leave; but not for half of one."""
    shown = redact_url(url)
    return shown if len(shown) <= SHOWN_URL else tape.hidden.scrub(shown)[:SHOWN_URL]


def _referer(url: str, onward: str) -> str | None:
    """strict-origin-when-cross-origin, the default of browsers: the whole URL at home, the origin elsewhere, nothing
    from TLS into the clear."""
    if _origin(url) == _origin(onward):
        return url.partition("#")[0]
    return None if url.startswith("https:") and not onward.startswith("https:") else f"{_origin(url)}/"


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _host(url: str) -> str:
    return urlsplit(url).hostname or ""
