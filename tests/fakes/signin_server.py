"""An OpenID provider that is right as long as nobody says otherwise: pages, tokens and logout are what a test makes of
them. It knows one user, one password and one session.
"""

import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import msgspec
import trio

from parallax.values import Address
from tests.fakes.http_server import Peer, http_server, response
from tests.parts.certificates import Leaf
from tests.probe.oidc.keys import RSA_JWK, signed

DISCOVERY = "/.well-known/openid-configuration"
USER, PASSWORD = "synthetic-one", "correct horse battery"
LOGIN = b"""<!doctype html><title>Sign in</title><form method=post action="/login"><label>User
<input name=user autocomplete=username></label><input type=password name=pw>
<input type=hidden name=csrf value=c5rf-value-77>
<button>Sign in</button></form>"""


class Asked(msgspec.Struct, frozen=True):
    """One request."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    form: dict[str, str]

    @property
    def cookies(self) -> str:
        return self.headers.get("cookie", "")


class Said(msgspec.Struct, frozen=True):
    """One answer: `raw` instead of all else, if given."""

    status: int = 200
    body: bytes = b""
    lines: tuple[str, ...] = ()
    raw: bytes | None = None
    then: str = ""
    """After it: "close", or "hang"."""


def page(body: bytes | str, status: int = 200, *lines: str) -> Said:
    text = body.encode() if isinstance(body, str) else body
    return Said(status, text, ("Content-Type: text/html; charset=utf-8", *lines))


def as_json(said: Any, status: int = 200, *lines: str) -> Said:
    return Said(
        status, json.dumps(said).encode(), ("Content-Type: application/json", "Cache-Control: no-store", *lines)
    )


def to(url: str, status: int = 302, *lines: str) -> Said:
    return Said(status, b"", (f"Location: {url}", *lines))


class SigninServer:
    """`answers[path]` is what a path answers; a test puts its own there. `asked` is every request."""

    def __init__(self, address: Address) -> None:
        self.address, self.issuer = address, f"https://localhost:{address.port}"
        self.asked: list[Asked] = []
        self.session = False
        self.live: set[str] = set()
        self.begun: dict[str, str] = {}
        self.claims: dict[str, Any] = {}
        """Put over those of the id_token."""
        self.answers: dict[str, Callable[[Asked], Said]] = {
            DISCOVERY: lambda asked: as_json(self.document()),
            "/jwks": lambda asked: as_json({"keys": [RSA_JWK]}),
            "/auth": self._auth,
            "/login": self._login,
            "/token": self._token,
            "/me": self._me,
            "/revoke": self._revoke,
            "/bye": self._bye,
        }

    def document(self) -> dict[str, Any]:
        paths = {
            "authorization_endpoint": "/auth", "token_endpoint": "/token", "jwks_uri": "/jwks",
            "userinfo_endpoint": "/me",
            "revocation_endpoint": "/revoke", "end_session_endpoint": "/bye",
        }  # fmt: skip
        return {
            "issuer": self.issuer, **{name: self.issuer + path for name, path in paths.items()},
            "response_types_supported": ["code"], "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
        }  # fmt: skip

    def callback(self, **more: str) -> Said:
        """Back to the redirect URI, with a code unless told otherwise."""
        fields = {"code": "c0de-of-one-time", "state": self.begun.get("state", ""), **more}
        return to(f"{self.begun['redirect_uri']}?{urlencode({k: v for k, v in fields.items() if v})}")

    def id_token(self) -> str:
        now = int(time.time())
        said = {
            "iss": self.issuer, "sub": USER, "aud": self.begun.get("client_id"), "iat": now, "exp": now + 600,
            "nonce": self.begun.get("nonce"), **self.claims,
        }  # fmt: skip
        return signed({name: value for name, value in said.items() if value is not None})

    def forms(self, path: str) -> list[dict[str, str]]:
        """What was posted there."""
        return [asked.form for asked in self.asked if asked.path == path and asked.method == "POST"]

    def _auth(self, asked: Asked) -> Said:
        self.begun = asked.query
        if asked.query.get("prompt") == "none":
            return self.callback() if self.session else self.callback(code="", error="login_required")
        return page(LOGIN, 200, "Set-Cookie: flow=fl0w-cookie-value; Path=/login; Secure; HttpOnly")

    def _login(self, asked: Asked) -> Said:
        if asked.form.get("pw") != PASSWORD or "fl0w-cookie-value" not in asked.cookies:
            return page(LOGIN.replace(b"<form", b"<p role=alert>Wrong user name or password</p><form"))
        self.session = True
        return self.callback()

    def _token(self, asked: Asked) -> Said:
        number = str(len(self.asked))
        self.live.discard(asked.form.get("refresh_token", ""))
        self.live |= {f"at9-{number}-k3y", f"rt9-{number}-k3y"}
        return as_json(
            {
                "access_token": f"at9-{number}-k3y",
                "refresh_token": f"rt9-{number}-k3y",
                "token_type": "Bearer",
                "expires_in": 600,
                "id_token": self.id_token(),
            }
        )

    def _me(self, asked: Asked) -> Said:
        token = asked.headers.get("authorization", "").removeprefix("Bearer ")
        return as_json({"sub": USER}) if token in self.live else as_json({"error": "invalid_token"}, 401)

    def _revoke(self, asked: Asked) -> Said:
        """What hangs on a refresh token ends with it (RFC 7009 section 2.1)."""
        token = asked.form.get("token", "")
        if token in self.live:
            self.live = set() if token.startswith("rt9") else self.live - {token}
        return Said(200)

    def _bye(self, asked: Asked) -> Said:
        self.session = False
        return page("<title>Signed out</title><p>Bye.")

    async def behave(self, peer: Peer) -> None:
        while whole := await peer.whole():
            method, target, headers, body = whole
            parts = urlsplit(target)
            asked = Asked(
                method, parts.path, dict(parse_qsl(parts.query)), headers, dict(parse_qsl(body.decode("latin-1")))
            )
            self.asked.append(asked)
            said = self.answers.get(parts.path, lambda _: Said(404, b"nothing here"))(asked)
            await peer.send(response(said.status, said.body, *said.lines) if said.raw is None else said.raw)
            if said.then == "hang":
                await peer.until_gone()
            if said.then:
                return
            await trio.lowlevel.checkpoint()


@asynccontextmanager
async def signin_server(certificate: Leaf) -> AsyncIterator[SigninServer]:
    """Over TLS as localhost."""

    async def nothing(peer: Peer) -> None:
        """Until the server knows its port."""

    async with http_server(nothing, certificate=certificate) as server:
        provider = SigninServer(server.address)
        server.behaviour = provider.behave
        yield provider
