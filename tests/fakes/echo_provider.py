"""An OpenID provider that gives back whatever it has ever been sent or has made, wherever HTTP has room for it: paths,
headers and their names, cookies, status lines, pages, JSON keys and values; in every coding that servers use.

It does its work, so a flow goes to its end over all of that; `fault[path] = status` makes one path refuse, and the
refusal echoes as well. What must not be found again afterwards is in `secrets`.
"""

import base64
import html
import json
import secrets
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from urllib.parse import parse_qsl, quote, quote_plus, unquote_plus, urlsplit

import trio

from parallax.values import Address
from tests.fakes.http_server import Peer, http_server
from tests.parts.certificates import Leaf
from tests.probe.oidc.keys import RSA_JWK, signed

CODINGS: dict[str, Callable[[str], str]] = {
    "raw": str,
    "url": lambda text: quote(text, safe=""),
    "path": quote,
    "form": quote_plus,
    "url-lower": lambda text: quote(text, safe="").lower(),
    "html": html.escape,
    "json": lambda text: json.dumps(text)[1:-1],
    "hex": lambda text: text.encode().hex(),
    "HEX": lambda text: text.encode().hex().upper(),
    **{
        f"base64-{lead}": lambda text, lead=lead: base64.b64encode(b"~" * lead + text.encode() + b"~").decode()  # type: ignore[misc]
        for lead in range(3)
    },
    "base64url": lambda text: base64.urlsafe_b64encode(text.encode()).decode().rstrip("="),
    "latin-1": lambda text: text.encode().decode("latin-1"),
}
LEADS = (0, 1, 40, 52, 90, 112, 150, 185, 192, 290, 480)
"""How much stands before an echo: texts are cut somewhere, and a secret must not be cut to what nobody recognises."""


class EchoProvider:
    """`secrets` by name: what it was sent (by the names of fields and headers) and what it made. `asked` are methods
    and paths; `turn` chooses which secret is echoed next, in which coding and how far into a text."""

    def __init__(self, address: Address, turn: int = 0) -> None:
        self.address, self.issuer = address, f"https://localhost:{address.port}"
        self.secrets: dict[str, str] = {}
        self.asked: list[str] = []
        self.fault: dict[str, int] = {}
        self.hold = ""
        """A path that is never answered; `held` says that it was asked."""
        self.held = trio.Event()
        self.turn = turn
        self.nonce = self.state = ""
        self.redirect = "https://probe.invalid/cb"

    def echo(self, *, token: bool = False, line: bool = False, lead: bool = True) -> str:
        """One secret in one coding; the next call takes another. `token`: only what a header's name may have."""
        if not self.secrets:
            return "nothing"
        self.turn += 1
        names = list(self.secrets)
        value = self.secrets[names[self.turn % len(names)]]
        coding = list(CODINGS)[(self.turn // len(names)) % len(CODINGS)]
        text = CODINGS[coding](value)
        if lead:
            text = "x" * LEADS[self.turn % len(LEADS)] + " " * (self.turn % 2) + text
        if token:
            return text if text.isascii() and text.isalnum() else value.encode().hex()
        return text.replace("\r", "").replace("\n", "") if line else text

    def texts(self) -> str:
        return f"{self.echo(lead=False)} {self.echo()} {self.echo(lead=False)}"

    # ---- HTTP -------------------------------------------------------------------------------------------------------

    async def behave(self, peer: Peer) -> None:
        while whole := await peer.whole():
            method, target, headers, body = whole
            self.take(headers, body)
            path, query = urlsplit(target).path, dict(parse_qsl(urlsplit(target).query))
            for name in ("state", "nonce", "id_token_hint"):
                self.keep(name, query.get(name, ""))
            self.asked.append(f"{method} {path}")
            if path == self.hold:
                self.held.set()
                await peer.until_gone()
                return
            await peer.send(self.answer(method, path, query, dict(parse_qsl(body.decode("utf-8", "replace")))))
            await trio.lowlevel.checkpoint()

    def keep(self, name: str, value: str) -> None:
        if len(value) >= 6:
            self.secrets[name] = value

    def take(self, headers: Mapping[str, str], body: bytes) -> None:
        """Remembers what came."""
        scheme, _, credentials = headers.get("authorization", "").partition(" ")
        if scheme == "Basic":
            _, _, password = base64.b64decode(credentials).decode().partition(":")
            self.keep("client_secret", unquote_plus(password))
            self.keep("basic", credentials)
        elif scheme:
            self.keep("authorization", credentials)
        for name in ("x-key", "x-other"):
            self.keep(name, headers.get(name, "").encode("latin-1").decode("utf-8", "replace"))
        for name, value in parse_qsl(body.decode("utf-8", "replace")):
            if name in ("password", "otp", "client_secret", "code", "code_verifier", "refresh_token", "token"):
                self.keep(f"form {name}", value)

    def send(self, status: int, body: str, content_type: str, *lines: str) -> bytes:
        """A response with echoes in its status line, its headers, their names, and its cookies."""
        cookie = secrets.token_urlsafe(18)
        said = [
            f"HTTP/1.1 {status} {self.echo(line=True)}",
            f"Content-Type: {content_type}",
            f"Set-Cookie: session={cookie}; Path=/; Secure",
            f"Set-Cookie: echo-{self.echo(token=True)}={quote(self.echo(lead=False))}; Path=/",
            f"X-{self.echo(token=True)}: {self.echo(line=True)}",
            f"X-Region: {self.echo(line=True)}",
            f"X-Named: {self.echo(line=True)}",
            f"Server: {self.echo(line=True)}",
            f"Via: 1.1 {self.echo(line=True)}",
            f"CF-Ray: {self.echo(token=True)}-FRA",
            f"X-Request-Id: {self.echo(line=True)}",
            f"Cache-Control: max-age=60, {self.echo(line=True)}",
            f"ETag: {self.echo(line=True)}",
            f'WWW-Authenticate: Bearer realm="{self.echo(line=True)}", error="{self.echo(line=True, lead=False)}", '
            f'error_description="{self.echo(line=True, lead=False)}"',
            *lines,
        ]
        self.keep("cookie", cookie)
        octets = body.encode()
        head = "\r\n".join([*said, f"Content-Length: {len(octets)}"])
        return head.encode("latin-1", "replace") + b"\r\n\r\n" + octets

    # ---- what it says -----------------------------------------------------------------------------------------------

    def answer(self, method: str, path: str, query: Mapping[str, str], form: Mapping[str, str]) -> bytes:
        if path in self.fault:
            return self.refuse(self.fault[path])
        if path == "/.well-known/openid-configuration":
            return self.document()
        if path == "/jwks":
            kid = {**RSA_JWK, "kid": "r1", f"x-{self.echo()}": self.echo()}
            return self.json({"keys": [kid, {"kty": "odd", "kid": self.echo(lead=False)}]})
        if path == "/auth":
            self.nonce = query["nonce"]
            self.redirect, self.state = query["redirect_uri"], query["state"]
            if query.get("prompt") == "none":
                return self.back(error="login_required", error_description=self.texts())
            return self.page("Sign in", self.form("/login", ("login", "text"), ("password", "password")))
        if path == "/login":
            return self.page("Authorize " + self.echo(), self.form("/consent", ("allow", "hidden")))
        if path == "/consent":
            code = secrets.token_urlsafe(24)
            self.keep("code", code)
            return self.back(code=code, iss=self.issuer)
        if path == "/token":
            return self.tokens(form)
        if path == "/me":
            return self.json({"sub": "u1", self.echo(): self.echo(), "name": self.texts()})
        if path in ("/revoke", "/end"):
            return self.page("Signed out " + self.echo(), "")
        if path.startswith("/far"):
            return self.page("arrived " + self.echo(), "")
        return self.json({"echo": self.echo(), "nested": {self.echo(): [self.echo()]}})

    def refuse(self, status: int) -> bytes:
        """As servers refuse: a redirect, an OAuth error, a page, text, or garbage."""
        if status == 302:
            path = quote(self.echo(lead=False), safe="")
            return self.send(302, "", "text/html", f"Location: /far/{path}?echo={path}#{path}")
        if status == 301:
            return self.send(
                301, "", "text/html", f"Location: https://{self.echo(token=True, lead=False)[:63]}.elsewhere.example/"
            )
        if status == 400:
            return self.json(
                {"error": self.echo(lead=False), "error_description": self.texts(), self.echo(): self.echo()}, 400
            )
        if status == 401:
            return self.page("Wrong " + self.echo(), self.form("/login", ("login", "text"), ("password", "password")))
        if status == 418:
            return b"HTTP/1.1 " + self.echo(lead=False).encode("utf-8") + b"\r\n" + self.echo().encode() + b"\r\n\r\n"
        if status == 420:
            return self.send(200, self.texts(), "text/plain")
        return self.page("Error " + self.echo(), f"<pre>{html.escape(self.texts())}</pre>", status=status)

    def document(self) -> bytes:
        at = {name: f"{self.issuer}{path}" for name, path in _ENDPOINTS.items()}
        return self.json(
            {
                "issuer": self.issuer,
                **at,
                "response_types_supported": ["code", self.echo()],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256", self.echo(lead=False)],
                "scopes_supported": ["openid", self.echo()],
                "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials", self.echo()],
                "authorization_response_iss_parameter_supported": True,
                "code_challenge_methods_supported": ["S256"],
                f"x-{self.echo()}": self.echo(),
            }
        )

    def tokens(self, form: Mapping[str, str]) -> bytes:
        now = int(time.time())
        claims = {"iss": self.issuer, "sub": "u1", "iat": now, "exp": now + 600}
        made = {
            "access_token": signed({**claims, "aud": "api", "jti": secrets.token_hex(8), self.echo(): self.echo()}),
            "token_type": "Bearer",
            "expires_in": 600,
            "scope": f"openid {self.echo(lead=False)}",
            f"x-{self.echo()}": self.echo(),
        }
        if form.get("grant_type") != "client_credentials":
            made["id_token"] = signed(
                {**claims, "aud": "web", "nonce": self.nonce, "amr": [self.echo()], "acr": self.echo(), self.echo(): 1}
            )
            made["refresh_token"] = secrets.token_urlsafe(24)
        for name in ("access_token", "id_token", "refresh_token"):
            if name in made:
                self.keep(name, str(made[name]))
        return self.json(made)

    def json(self, said: object, status: int = 200) -> bytes:
        return self.send(status, json.dumps(said), "application/json")

    def page(self, title: str, inner: str, *, status: int = 200) -> bytes:
        text = (
            f"<html><head><title>{html.escape(title)}</title></head><body class='{self.echo(token=True)}'>"
            f"<div class='alert alert-danger' role='alert'>{html.escape(self.texts())}</div>{inner}"
            f"<p>{html.escape(self.texts())}</p></body></html>"
        )
        return self.send(status, text, "text/html; charset=utf-8")

    def form(self, action: str, *fields: tuple[str, str]) -> str:
        inputs = "".join(
            f"<label>{html.escape(self.echo())}<input name='{name}' type='{kind}' value=''></label>"
            for name, kind in fields
        )
        extra = html.escape(self.echo())
        label = "Allow" if action == "/consent" else "Sign in"
        return (
            f"<form method='post' action='{action}?{quote(self.echo(lead=False))}'>{inputs}"
            f"<input type='checkbox' name='{extra}'><input type='hidden' name='_csrf' value='{extra}'>"
            f"<button type='submit' name='go' value='{extra}'>{label} {html.escape(self.echo(lead=False))}</button>"
            "</form>"
        )

    def back(self, **answer: str) -> bytes:
        query = "&".join(f"{name}={quote(value, safe='')}" for name, value in {**answer, "state": self.state}.items())
        return self.send(303, "", "text/html", f"Location: {self.redirect}?{query}&echo={quote(self.echo(), safe='')}")


_ENDPOINTS = {
    "authorization_endpoint": "/auth",
    "token_endpoint": "/token",
    "userinfo_endpoint": "/me",
    "jwks_uri": "/jwks",
    "revocation_endpoint": "/revoke",
    "end_session_endpoint": "/end",
}
PATHS = (
    "/.well-known/openid-configuration",
    "/jwks",
    "/auth",
    "/login",
    "/consent",
    "/token",
    "/me",
    "/revoke",
    "/end",
)
FAULTS = (301, 302, 400, 401, 403, 418, 420, 429, 500)


@asynccontextmanager
async def echo_provider(certificate: Leaf, turn: int = 0) -> AsyncIterator[EchoProvider]:
    """Over TLS as localhost."""
    async with http_server(_nothing, certificate=certificate) as server:
        provider = EchoProvider(server.address, turn)
        server.behaviour = provider.behave
        yield provider


async def _nothing(peer: Peer) -> None:
    """Until the provider knows its port."""
