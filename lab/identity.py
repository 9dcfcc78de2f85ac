"""The vendor's identity provider: OpenID Connect (authorization code with PKCE), one user for each probe, pages without
JavaScript. All regions share its state, as they would share a database.

Small, and strict in what it checks, so that a sign-in that passes here did everything right.
"""

import hashlib
import html
import json
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from typing import TypeVar
from urllib.parse import parse_qsl, urlencode

import msgspec
from joserfc import jwt
from joserfc.jwk import RSAKey

from lab.effects import Effect
from lab.http_server import Request, Response
from lab.zones import VENDOR
from parallax.clock import NS

Value = TypeVar("Value")
HOST = f"sso.{VENDOR}"
ISSUER = f"https://{HOST}"
CLIENT = "synthetic"
REDIRECT_URI = "https://probe.invalid/cb"
USER_PREFIX = "synthetic-"
MOST_KEPT = 1000
"""Sign-ins, codes and sessions each; the oldest goes first."""
TOKEN_S = 300

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title></head><body>
<form action="/search" method="get" role="search"><input name="q" type="search" aria-label="Search the help"></form>
<main><h1>{title}</h1>{body}</main></body></html>
"""
_ALERT = '<p role="alert">{}</p>'
_CAPTCHA = '<div class="cf-turnstile" data-sitekey="1x00000000000000000000AA"></div>'


class _SignIn(msgspec.Struct):
    """What a browser is on its way to: the authorization request, and who signed in, if anyone has by now."""

    asked: dict[str, str]
    user: str = ""


class _Session(msgspec.Struct):
    user: str
    scope: str
    nonce: str = ""


class Identity:
    """The provider. `now` is wall clock, ns since the Unix epoch."""

    def __init__(self, password: str, now: Callable[[], int]) -> None:
        self._password, self._now = password, now
        self._key, self._lost_key = _new_key(), _new_key()
        self._signing_in: dict[str, _SignIn] = {}
        self._codes: dict[str, tuple[_SignIn, str]] = {}
        self._sessions: dict[str, _Session] = {}
        """By the browser's cookie."""
        self._tokens: dict[str, str] = {}
        """Access and refresh tokens, and whose session they belong to."""

    def respond(self, request: Request, effect: Effect) -> Response:
        """The answer to one request, as the faults in force have it."""
        form = dict(parse_qsl(request.body.decode("utf-8", "replace"))) if request.method == "POST" else {}
        query = dict(parse_qsl(request.query))
        where = (request.method, request.path)
        if where == ("GET", "/.well-known/openid-configuration"):
            return _json(_METADATA, cache="max-age=300")
        if where == ("GET", "/jwks"):
            key = self._lost_key if effect.keys_lost else self._key
            return _json({"keys": [key.as_dict(private=False, use="sig", alg="RS256")]}, cache="max-age=300")
        if where == ("GET", "/authorize"):
            return self._authorize(query, request)
        if where == ("POST", "/login"):
            return self._login(form, request, effect)
        if where == ("GET", "/login"):
            return self._login_page(query.get("tx", ""), effect)
        if where == ("POST", "/token"):
            return self._token(form)
        if where == ("GET", "/userinfo"):
            return self._userinfo(request)
        if where == ("POST", "/revoke"):
            self._tokens.pop(form.get("token", ""), None)
            return _json({})
        if request.path == "/logout" and request.method in ("GET", "POST"):
            return self._logout(query | form, request)
        return _page(404, "Not found", "<p>There is nothing here.</p>")

    def _authorize(self, query: dict[str, str], request: Request) -> Response:
        if query.get("client_id") != CLIENT or query.get("redirect_uri") != REDIRECT_URI:
            return _page(400, "Sign-in is not possible", _ALERT.format("This application is not known here."))
        if query.get("code_challenge_method") != "S256" or not query.get("code_challenge"):
            return _back(query, error="invalid_request", error_description="PKCE with S256 is required")
        cookie = _cookies(request).get("sid", "")
        if cookie in self._sessions:
            return self._with_code(_SignIn(query, self._sessions[cookie].user), cookie)
        if query.get("prompt") == "none":
            return _back(query, error="login_required")
        tx = secrets.token_urlsafe(16)
        _keep(self._signing_in, tx, _SignIn(query))
        cookies = {"set-cookie": f"tx={tx}; Path=/login; Secure; HttpOnly; SameSite=Lax"}
        return Response(status=303, headers={"location": f"/login?tx={tx}", **cookies})

    def _login_page(self, tx: str, effect: Effect, alert: str = "") -> Response:
        if tx not in self._signing_in:
            return _page(400, "Sign-in is not possible", _ALERT.format("This sign-in has ended. Please begin again."))
        return _page(
            200,
            "Sign in",
            (_ALERT.format(html.escape(alert)) if alert else "")
            + f'<form method="post" action="/login"><input type="hidden" name="tx" value="{html.escape(tx)}">'
            '<label>User name <input name="username" autocomplete="username" required></label>'
            '<label>Password <input type="password" name="password" autocomplete="current-password" required></label>'
            + (_CAPTCHA if effect.captcha else "")
            + '<button type="submit" name="action" value="cancel">Cancel</button>'
            '<button type="submit" name="action" value="sign-in">Sign in</button></form>',
        )

    def _login(self, form: dict[str, str], request: Request, effect: Effect) -> Response:
        tx = form.get("tx", "")
        signing_in = self._signing_in.get(tx)
        if effect.sign_in_broken:
            return _page(500, "Something went wrong", _ALERT.format("We could not sign you in."))
        if signing_in is None or _cookies(request).get("tx") != tx:
            return self._login_page("", effect)
        if form.get("action") != "sign-in":
            return _back(signing_in.asked, error="access_denied")
        user, password = form.get("username", ""), form.get("password", "")
        if not user.startswith(USER_PREFIX) or not secrets.compare_digest(password, self._password) or effect.captcha:
            return self._login_page(tx, effect, "User name or password are not right.")
        del self._signing_in[tx]
        cookie = secrets.token_urlsafe(24)
        _keep(self._sessions, cookie, _Session(user, signing_in.asked.get("scope", "")))
        return self._with_code(_SignIn(signing_in.asked, user), cookie)

    def _with_code(self, signing_in: _SignIn, cookie: str) -> Response:
        code = secrets.token_urlsafe(24)
        _keep(self._codes, code, (signing_in, cookie))
        back = _back(signing_in.asked, code=code)
        set_cookie = {"set-cookie": f"sid={cookie}; Path=/; Secure; HttpOnly; SameSite=Lax"}
        return Response(status=back.status, headers={**back.headers, **set_cookie})

    def _token(self, form: dict[str, str]) -> Response:
        if form.get("client_id") != CLIENT:
            return _json({"error": "invalid_client"}, status=401)
        if form.get("grant_type") == "refresh_token":
            cookie = self._tokens.pop(form.get("refresh_token", ""), "")  # once only: a new one comes with the answer
            session = self._sessions.get(cookie)
            return self._issue(session, cookie, "") if session else _json({"error": "invalid_grant"}, status=400)
        signing_in, cookie = self._codes.pop(form.get("code", ""), (None, ""))
        if signing_in is None or form.get("redirect_uri") != REDIRECT_URI:
            return _json({"error": "invalid_grant"}, status=400)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        if _base64(digest) != signing_in.asked["code_challenge"] or cookie not in self._sessions:
            return _json({"error": "invalid_grant"}, status=400)
        return self._issue(self._sessions[cookie], cookie, signing_in.asked.get("nonce", ""))

    def _issue(self, session: _Session, cookie: str, nonce: str) -> Response:
        access, refresh, now = secrets.token_urlsafe(24), secrets.token_urlsafe(24), self._now() // NS
        for token in (access, refresh):
            _keep(self._tokens, token, cookie)
        claims = {"iss": ISSUER, "sub": session.user, "aud": CLIENT, "iat": now, "exp": now + TOKEN_S, "amr": ["pwd"]}
        if nonce:
            claims |= {"nonce": nonce, "at_hash": _base64(hashlib.sha256(access.encode()).digest()[:16])}
        id_token = jwt.encode({"alg": "RS256", "kid": self._key.kid}, claims, self._key)
        return _json(
            {
                "access_token": access,
                "token_type": "Bearer",
                "expires_in": TOKEN_S,
                "refresh_token": refresh,
                "id_token": id_token,
                "scope": session.scope,
            }
        )

    def _userinfo(self, request: Request) -> Response:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        session = self._sessions.get(self._tokens.get(token, ""))
        if session is None:
            return Response(status=401, headers={"www-authenticate": 'Bearer error="invalid_token"'})
        return _json({"sub": session.user})

    def _logout(self, asked: dict[str, str], request: Request) -> Response:
        cookie = _cookies(request).get("sid", "")
        self._sessions.pop(cookie, None)
        for token in [token for token, whose in self._tokens.items() if whose == cookie]:
            del self._tokens[token]
        if asked.get("post_logout_redirect_uri") == REDIRECT_URI:
            state = f"?{urlencode({'state': asked['state']})}" if "state" in asked else ""
            return Response(status=303, headers={"location": REDIRECT_URI + state})
        return _page(200, "Signed out", "<p>You are signed out.</p>")


_METADATA = {
    "issuer": ISSUER,
    "authorization_endpoint": f"{ISSUER}/authorize",
    "token_endpoint": f"{ISSUER}/token",
    "userinfo_endpoint": f"{ISSUER}/userinfo",
    "jwks_uri": f"{ISSUER}/jwks",
    "end_session_endpoint": f"{ISSUER}/logout",
    "revocation_endpoint": f"{ISSUER}/revoke",
    "scopes_supported": ["openid", "offline_access"],
    "response_types_supported": ["code"],
    "grant_types_supported": ["authorization_code", "refresh_token"],
    "subject_types_supported": ["public"],
    "id_token_signing_alg_values_supported": ["RS256"],
    "token_endpoint_auth_methods_supported": ["none"],
    "code_challenge_methods_supported": ["S256"],
    "authorization_response_iss_parameter_supported": True,
}


def _new_key() -> RSAKey:
    key = RSAKey.generate_key(2048, private=True)
    key.ensure_kid()
    return key


def _back(asked: Mapping[str, str], **parameters: str) -> Response:
    """To the client, with its state (RFC 6749 section 4.1.2) and the issuer (RFC 9207)."""
    state = {"state": asked["state"]} if "state" in asked else {}
    location = f"{REDIRECT_URI}?{urlencode({**parameters, **state, 'iss': ISSUER})}"
    return Response(status=303, headers={"location": location, "cache-control": "no-store"})


def _json(content: object, status: int = 200, cache: str = "no-store") -> Response:
    headers = {"content-type": "application/json", "cache-control": cache}
    return Response(status=status, headers=headers, body=json.dumps(content).encode())


def _page(status: int, title: str, body: str) -> Response:
    headers = {"content-type": "text/html; charset=utf-8", "cache-control": "no-store"}
    return Response(status=status, headers=headers, body=_PAGE.format(title=title, body=body).encode())


def _cookies(request: Request) -> dict[str, str]:
    pairs = (pair.strip().partition("=") for pair in request.headers.get("cookie", "").split(";"))
    return {name: value for name, _, value in pairs}


def _base64(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def _keep(table: dict[str, Value], key: str, value: Value) -> None:
    table[key] = value
    while len(table) > MOST_KEPT:
        del table[next(iter(table))]
