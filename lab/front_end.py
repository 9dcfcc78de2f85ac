"""The vendor's front end in one region: a health endpoint, a sign-in page, the way to the identity provider, and what
faults make of them."""

import ssl
from datetime import timedelta
from random import Random

import msgspec
import trio

from lab import identity
from lab.certificates import Authority
from lab.effects import SLOW_S
from lab.http_server import Request, Response, serve_http, serve_https
from lab.internet import Conditions, Visit
from lab.zones import EDGE, VENDOR

NAMES = (
    f"frontend-api.{VENDOR}", f"accounts.{VENDOR}", identity.HOST, EDGE, "clerk.acme.example", "accounts.acme.example"
)  # fmt: skip
THROTTLED_OF = 20
"""Of so many requests in a 429 storm one passes."""
ENDED_AGO = timedelta(hours=1)

_HTML = {"content-type": "text/html; charset=utf-8", "cache-control": "no-store"}
_SIGN_IN = b"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Sign in</title></head><body>
<h1>Sign in</h1>
<form method="post" action="/sign-in" id="sign-in">
<label>E-mail <input type="email" name="identifier" autocomplete="username" required></label>
<label>Password <input type="password" name="password" autocomplete="current-password" required></label>
<button>Continue</button>
</form></body></html>
"""
_CHALLENGE = b"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Just a moment...</title></head><body>
<p>Checking that you are not a robot.</p></body></html>
"""


class Certificates(msgspec.Struct, frozen=True, kw_only=True):
    """What the front ends may present."""

    good: ssl.SSLContext
    expired: ssl.SSLContext

    @classmethod
    def by(cls, authority: Authority) -> "Certificates":
        return cls(good=authority.server_context(*NAMES), expired=authority.server_context(*NAMES, ended_ago=ENDED_AGO))


class FrontEnd:
    """One region. Its addresses of both families lead here."""

    def __init__(
        self,
        region: str,
        certificates: Certificates,
        conditions: Conditions,
        seed: int,
        identity_provider: identity.Identity,
    ) -> None:
        self._identity = identity_provider
        self.region, self._certificates, self._conditions = region, certificates, conditions
        self._random = Random(f"{seed}/{region}")  # noqa: S311 - reproducible, nothing to keep secret
        self._in_block: list[bool] = []

    async def serve_tls(self, visit: Visit, stream: trio.abc.Stream) -> None:
        """Port 443."""

        async def respond(request: Request) -> Response:
            return await self.respond(visit, request)

        expired = self._conditions.now.expired
        context = self._certificates.expired if expired else self._certificates.good
        await serve_https(stream, context, respond)

    async def serve_plain(self, visit: Visit, stream: trio.abc.Stream) -> None:
        """Port 80: the way to HTTPS."""
        await serve_http(stream, _redirect)

    async def respond(self, visit: Visit, request: Request) -> Response:
        """The answer to one request, as the faults in force have it."""
        now = self._conditions.now
        if now.walled and visit.client is not None and visit.client.network == "data-centre":
            return self._answer(403, {**_HTML, "cf-mitigated": "challenge"}, _CHALLENGE)
        if now.throttled and not self._passes():
            return self._answer(429, {"retry-after": "30", "content-type": "text/plain"}, b"Too many requests\n")
        if self.region in now.slow_regions:
            await trio.sleep(SLOW_S)
        if request.headers.get("host", "").partition(":")[0] == identity.HOST:
            answer = self._identity.respond(request, now)
            return self._answer(answer.status, dict(answer.headers), answer.body)
        return self._page(request)

    def _page(self, request: Request) -> Response:
        if request.path not in ("/v1/health", "/sign-in"):
            return self._answer(404, {"content-type": "text/plain"}, b"There is nothing here\n")
        if request.method not in ("GET", "HEAD"):
            return self._answer(405, {"allow": "GET, HEAD"}, b"")
        if request.path == "/sign-in":
            return self._answer(200, _HTML, _SIGN_IN)
        return self._answer(200, {"content-type": "application/json"}, b'{"status":"healthy"}\n')

    def _answer(self, status: int, headers: dict[str, str], body: bytes) -> Response:
        return Response(status=status, headers={**headers, "x-region": self.region}, body=body)

    def _passes(self) -> bool:
        """One of every twenty, at a seeded place among them."""
        if not self._in_block:
            self._in_block = [False] * THROTTLED_OF
            self._in_block[self._random.randrange(THROTTLED_OF)] = True
        return self._in_block.pop()


async def _redirect(request: Request) -> Response:
    host = request.headers.get("host", NAMES[0]).partition(":")[0]
    known = host if host in NAMES else NAMES[0]
    return Response(status=301, headers={"location": f"https://{known}{request.path}"})
