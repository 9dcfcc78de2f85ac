"""What the steps of one run at Clerk hand on to one another, and how its two APIs are reached."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

import msgspec

from parallax.clock import NS, wall_ns
from parallax.plan.signin_specs import SigninSpec
from parallax.secret import Secret
from parallax.values import Url
from probe.fault import Fault
from probe.oidc.discovery import Capabilities, Discovery
from probe.oidc.jwks import Jwks
from probe.signin.browser import Browser
from probe.signin.clerk_api import FORM, answered, query
from probe.signin.flow import Flow
from probe.signin.reply import Reply, end
from probe.tape import Tape
from probe.vault import fill_secrets

ALGORITHMS = ("RS256",)
"""What session tokens are signed with, where the plan says nothing else."""


class ClerkState:
    """Everything captured is secret."""

    def __init__(self, base: str) -> None:
        self.base = base.rstrip("/")
        """The frontend API; it is also the issuer of session tokens."""
        self.origin = origin_of(self.base)
        """Where the browser says that it comes from: the API wants to know, as it is another's site."""
        self.dev_browser: Secret | None = None
        self.testing_token: Secret | None = None
        self.jwks: Jwks | None = None
        self.sign_in: dict[str, Any] = {}
        """The sign-in as the last answer has it; empty before one began."""
        self.code_asked_at = 0.0
        """On trio's clock."""
        self.user_id: str | None = None
        self.session_id: str | None = None
        self.jwt: Secret | None = None
        self.cookies: Secret | None = None
        """Those that the session was asked for with, for the proof that they are of no use any more."""
        self.live = False
        """There may be a session."""
        self.has_client = False
        """There may be a client, which is what the cookie stands for."""

    @property
    def discovery(self) -> Discovery:
        """As steps that verify want it. Nothing is discovered: where the keys are is the same everywhere."""
        return Discovery(
            issuer=self.base, endpoints={"jwks_uri": f"{self.base}/.well-known/jwks.json"},
            algorithms=ALGORITHMS, advertised=ALGORITHMS, capabilities=Capabilities(),
        )  # fmt: skip


def new_state(spec: SigninSpec) -> ClerkState:
    """What a run begins with."""
    return ClerkState(str(spec.frontend_api))


def state_of(flow: Flow) -> ClerkState:
    """The flow's state."""
    assert isinstance(flow.state, ClerkState)
    return flow.state


def origin_of(base: str) -> str:
    """The site that a frontend API is for, as far as its name tells: clerk.example.com is example.com's."""
    parts = urlsplit(base)
    host = parts.hostname or ""
    first, _, rest = host.partition(".")
    return f"https://{rest}" if first == "clerk" and "." in rest else f"{parts.scheme}://{parts.netloc}"


def site_of(home: object) -> str | None:
    """The origin of an application's home, as the instance's settings have it; None where that is no URL."""
    try:
        parsed = Url.parse(home) if isinstance(home, str) else None
    except ValueError:
        return None
    if parsed is None:
        return None
    parts = urlsplit(parsed)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


async def ask(flow: Flow, path: str, tape: Tape) -> Reply:
    """One GET at the frontend API, from a browser that nobody is signed in with."""
    return await _send(flow, flow.backchannel, "GET", path, tape)


async def post(
    flow: Flow,
    path: str,
    tape: Tape,
    fields: Mapping[str, str] | None = None,
    *,
    method: str | None = None,
    cookies: Secret | None = None,
) -> Reply:
    """One POST at the frontend API, in the user's browser. `method` is what it stands for; with `cookies`, those are
    sent and not the browser's own. Sent once, whatever comes of it."""
    body = urlencode(fields or {}).encode()
    return await _send(flow, flow.user, "POST", path, tape, body=body, method=method, cookies=cookies)


async def _send(
    flow: Flow, browser: Browser, verb: str, path: str, tape: Tape, *,
    body: bytes = b"", method: str | None = None, cookies: Secret | None = None,
) -> Reply:  # fmt: skip
    state = state_of(flow)
    if flow.spec.instance == "development" and state.dev_browser is None:
        await _begin_development(flow, browser, tape)
    tokens = {
        "__clerk_db_jwt": state.dev_browser.reveal() if state.dev_browser else None,
        "__clerk_testing_token": state.testing_token.reveal() if state.testing_token else None,
    }
    url = f"{state.base}{path}?{query(_method=method, **tokens)}"
    reply = await browser.request(
        verb, url, tape=tape, headers=_headers(state, verb, cookies), body=body, follow=False,
        referer=f"{state.origin}/",
    )  # fmt: skip
    _take_dev_browser(state, reply.headers.get("clerk-db-jwt"), tape)
    return reply


def _headers(state: ClerkState, verb: str, cookies: Secret | None = None) -> dict[str, str]:
    headers = {"Accept": "application/json", "Origin": state.origin}
    if verb == "POST":
        headers["Content-Type"] = FORM
    if cookies is not None:
        headers["Cookie"] = cookies.reveal()
    return headers


async def _begin_development(flow: Flow, browser: Browser, tape: Tape) -> None:
    """A development instance has no cookies of its own: its browsers are given a token that goes into each URL."""
    state = state_of(flow)
    url = f"{state.base}/v1/dev_browser?{query()}"
    reply = await browser.request(
        "POST", url, tape=tape, headers=_headers(state, "POST"), follow=False, referer=f"{state.origin}/"
    )
    said = answered(reply, tape)
    token = said.get("id")
    if not isinstance(token, str) or not token:
        raise end(tape, Fault("http_json", {"detail": "the answer has no id"}))
    _take_dev_browser(state, token, tape)


def _take_dev_browser(state: ClerkState, token: str | None, tape: Tape) -> None:
    if token and token.isascii() and token.isprintable():
        tape.hidden.add(token)
        state.dev_browser = Secret(token)


def keep_cookies(flow: Flow) -> None:
    """Remembers what the browser would send now."""
    state_of(flow).cookies = Secret(cookies_of(flow))


def cookies_of(flow: Flow) -> str:
    """What the user's browser would send now: without it there is no client that could be ended."""
    header = flow.user.jar.header(f"{state_of(flow).base}/v1/client", wall_ns() / NS)
    return header if header.isascii() else ""


async def ask_backend(flow: Flow, verb: str, path: str, tape: Tape, said: Mapping[str, Any] | None = None) -> Reply:
    """One request at the backend API. Sent once. Raises Withheld where the key must not go there."""
    spec = flow.spec
    url = f"{str(spec.backend_api).rstrip('/')}{path}"
    key = fill_secrets(spec.secret_key or "", url, flow.tools.vault, flow.tools.hidden)
    headers = {"Accept": "application/json", "Authorization": f"Bearer {key}"}
    body = b""
    if verb == "POST":
        headers["Content-Type"] = "application/json"
        body = msgspec.json.encode(said or {})
    return await flow.backchannel.request(verb, url, tape=tape, headers=headers, body=body, follow=False)
