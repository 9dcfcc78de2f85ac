"""A stand-in for Clerk: a server of our own with the shapes of Clerk's published APIs. It is no Clerk, and proves
nothing of Clerk's behaviour; tests/probe/signin/test_clerk_published.py holds its answers, and what it is asked,
against the published description.

One instance with one user, at one address: the frontend API under /v1, the backend API under /api. What it does wrong
is what a test says: `hooks[path] = answer`, where a path's ids are `*`, or one of its attributes.
"""

import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Literal
from urllib.parse import parse_qsl, urlsplit

import msgspec
import trio

from parallax.values import Address
from tests.fakes.http_server import Peer, http_server, response
from tests.parts.certificates import Leaf
from tests.probe.oidc.keys import RSA_JWK, signed

USER, USER_ID = "synthetic-one@probes.example", "user_2abcSYNTHETIC"
PASSWORD, CODE = "plain old phrase 7", "424242"
SECRET_KEY = "sk_standin_Zm9yLXRlc3RzLW9ubHk"
DEV_BROWSER, TESTING_TOKEN, TICKET = "dvb_stand1n-t0ken-77", "1700-testing-t0ken-x9", "tkt_stand1n-t1cket-31"
Strategy = Literal["password", "email_code", "totp", "phone_code", "ticket"]


class Asked(msgspec.Struct, frozen=True):
    """One request."""

    method: str
    """As it was meant: `_method` wins."""
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode("latin-1")))

    @property
    def key(self) -> str:
        """The path with `*` for its ids."""
        return "/".join("*" if part[:4] in ("sess", "sia_") and "_" in part else part for part in self.path.split("/"))


class Said(msgspec.Struct, frozen=True):
    """One answer; `hang`: it never comes."""

    status: int
    body: bytes
    lines: tuple[str, ...] = ()
    hang: bool = False


Answer = Callable[[Asked], Said]


def as_json(said: Any, status: int = 200, *lines: str) -> Said:
    return Said(status, json.dumps(said).encode(), ("Content-Type: application/json", *lines))


def error(code: str, status: int, *lines: str, message: str = "No.") -> Said:
    """In the one shape that both APIs have for what is wrong."""
    told = {"message": message, "long_message": f"{message} Really not.", "code": code}
    return as_json({"errors": [told], "clerk_trace_id": "7ra3e"}, status, *lines)


class Clerk:
    """`exchanges` is every request with its answer. `second` makes a second factor needed; `state` is what a sign-in
    that is not complete says that it is; `claims` go over those of session tokens."""

    def __init__(self, address: Address) -> None:
        self.url = f"https://localhost:{address.port}"
        self.backend = f"{self.url}/api"
        self.development = False
        self.second: tuple[Strategy, ...] = ()
        self.first: tuple[Strategy, ...] = ("password", "email_code")
        self.state = "needs_second_factor"
        self.claims: dict[str, Any] = {}
        self.keys: list[dict[str, Any]] = [{**RSA_JWK, "alg": "RS256"}]
        self.hooks: dict[str, Answer] = {}
        self.exchanges: list[tuple[Asked, Said]] = []
        self.sessions: dict[str, str] = {}
        """Their status by id."""
        self.clients: dict[str, set[str]] = {}
        """What the cookies of living clients hold, and their sessions."""
        self.codes_sent = 0
        self.verified: list[str] = []
        """Strategies that were right for the sign-in that is under way."""
        self._count = 0
        self._answers: dict[tuple[str, str], Answer] = {
            ("GET", "/v1/health"): lambda asked: as_json({"status": "healthy"}),
            ("GET", "/.well-known/jwks.json"): lambda asked: as_json({"keys": self.keys}),
            ("GET", "/.well-known/openid-configuration"): lambda asked: as_json(self._document()),
            ("POST", "/v1/dev_browser"): lambda asked: as_json({"id": DEV_BROWSER}),
            ("GET", "/v1/environment"): lambda asked: as_json(_environment(self.development)),
            ("GET", "/v1/client"): lambda asked: as_json({"response": None, "client": None}),
            ("PUT", "/v1/client"): self._create_client,
            ("DELETE", "/v1/client"): self._delete_client,
            ("POST", "/v1/client/sign_ins"): self._create_sign_in,
            ("POST", "/v1/client/sign_ins/*/prepare_first_factor"): self._prepare,
            ("POST", "/v1/client/sign_ins/*/attempt_first_factor"): self._attempt,
            ("POST", "/v1/client/sign_ins/*/prepare_second_factor"): self._prepare,
            ("POST", "/v1/client/sign_ins/*/attempt_second_factor"): self._attempt,
            ("POST", "/v1/client/sessions/*/tokens"): self._token,
            ("POST", "/v1/client/sessions/*/end"): self._end,
            ("GET", "/api/users"): self._users,
            ("POST", "/api/sessions"): self._make_session,
            ("POST", "/api/sessions/*/tokens"): self._backend_token,
            ("POST", "/api/sessions/*/revoke"): self._revoke,
            ("POST", "/api/sign_in_tokens"): self._sign_in_token,
            ("POST", "/api/testing_tokens"): lambda asked: as_json(
                {"object": "testing_token", "token": TESTING_TOKEN, "expires_at": _now_ms() // 1000 + 3600}
            ),
        }

    @property
    def asked(self) -> list[Asked]:
        return [asked for asked, _ in self.exchanges]

    @property
    def live(self) -> list[str]:
        """Sessions that are not over."""
        return [name for name, status in self.sessions.items() if status == "active"]

    def answer(self, asked: Asked) -> Said:
        """What this request gets."""
        if asked.key in self.hooks:
            return self.hooks[asked.key](asked)
        if asked.path.startswith("/api/") and asked.headers.get("authorization") != f"Bearer {SECRET_KEY}":
            return error("authentication_invalid", 401)
        if asked.path.startswith("/v1/") and "origin" not in asked.headers:
            return error("request_header_missing", 400)
        wants_browser = self.development and asked.path.startswith("/v1/") and asked.path != "/v1/dev_browser"
        if wants_browser and asked.query.get("__clerk_db_jwt") != DEV_BROWSER:
            return error("dev_browser_unauthenticated", 401)
        make = self._answers.get((asked.method, asked.key))
        return make(asked) if make else error("resource_not_found", 404)

    # the frontend API

    def _create_sign_in(self, asked: Asked) -> Said:
        form = asked.form
        self._count += 1
        self.verified = []
        if form.get("strategy") == "ticket":
            if form.get("ticket") != TICKET:
                return error("ticket_invalid_code", 400)
            self.verified = ["ticket"]
        elif form.get("identifier") != USER:
            return error("form_identifier_not_found", 422)
        elif form.get("strategy") == "password":
            if form.get("password") != PASSWORD:
                return error("form_password_incorrect", 422)
            self.verified = ["password"]
        client = self._client(asked)
        if client is not None:
            return self._sign_in(client)
        client, line = self._new_client()
        return self._sign_in(client, line)

    def _new_client(self) -> tuple[str, str]:
        client = f"c00kie-0f-a-client-{len(self.exchanges)}"
        self.clients[client] = set()
        return client, f"Set-Cookie: __client={client}; Path=/; Secure; HttpOnly; SameSite=Lax"

    def _create_client(self, asked: Asked) -> Said:
        _, line = self._new_client()
        return as_json({"response": self._client_object(None), "client": self._client_object(None)}, 200, line)

    def _prepare(self, asked: Asked) -> Said:
        client = self._client(asked)
        if client is None:
            return error("client_not_found", 401)
        self.codes_sent += 1
        return self._sign_in(client)

    def _attempt(self, asked: Asked) -> Said:
        client = self._client(asked)
        if client is None:
            return error("client_not_found", 401)
        if asked.form.get("strategy") != "totp" and asked.form.get("code") != CODE:
            return error("form_code_incorrect", 422)
        self.verified.append(asked.form["strategy"])
        return self._sign_in(client)

    def _sign_in(self, client: str, *lines: str) -> Said:
        complete = len(self.verified) > bool(self.second)
        session = None
        if complete:
            session = f"sess_{self._count}"
            self.sessions[session] = "active"
            self.clients[client].add(session)
        status = "complete" if complete else self.state if self.verified else "needs_first_factor"
        sign_in = {
            "object": "sign_in_attempt",
            "id": f"sia_{self._count}",
            "status": status,
            "supported_identifiers": ["email_address"],
            "supported_first_factors": [_factor(each) for each in self.first],
            "supported_second_factors": [_factor(each) for each in self.second] or None,
            "first_factor_verification": None,
            "second_factor_verification": None,
            "identifier": USER,
            "user_data": None,
            "created_session_id": session,
            "abandon_at": _now_ms() + 86_400_000,
        }
        return as_json({"response": sign_in, "client": self._client_object(None if complete else sign_in)}, 200, *lines)

    def _token(self, asked: Asked) -> Said:
        session = asked.path.split("/")[4]
        if self._client(asked) is None:
            return error("authentication_invalid", 401)
        if self.sessions.get(session) != "active":
            return error("resource_not_found", 404)
        return as_json({"jwt": self.token(session)})

    def _end(self, asked: Asked) -> Said:
        session = asked.path.split("/")[4]
        if self._client(asked) is None:
            return error("authentication_invalid", 401)
        self.sessions[session] = "ended"
        return as_json({"response": _session(session, "ended"), "client": self._client_object(None)})

    def _delete_client(self, asked: Asked) -> Said:
        client = self._client(asked)
        if client is None:
            return error("resource_not_found", 404)
        self.sessions |= dict.fromkeys(self.clients.pop(client), "removed")
        gone = "Set-Cookie: __client=; Path=/; Max-Age=0; Secure"
        return as_json({"response": None, "client": None}, 200, gone)

    def token(self, session: str) -> str:
        """A session's token."""
        now = int(time.time())
        said = {"iss": self.url, "sub": USER_ID, "sid": session, "iat": now, "nbf": now - 5, "exp": now + 60, "v": 2}
        return signed({name: value for name, value in (said | self.claims).items() if value is not None})

    def _client(self, asked: Asked) -> str | None:
        """The client that the request's cookie stands for; in development instances, that of its browser."""
        if self.development:
            return next(iter(sorted(self.clients)), None)
        sent = dict(pair.strip().partition("=")[::2] for pair in asked.headers.get("cookie", "").split(";"))
        return sent.get("__client") if sent.get("__client") in self.clients else None

    def _client_object(self, sign_in: dict[str, Any] | None) -> dict[str, Any]:
        return {
            "object": "client", "id": f"client_{self._count}",
            "sessions": [_session(name, status) for name, status in self.sessions.items() if status == "active"],
            "sign_in": sign_in, "sign_up": None,
            "last_active_session_id": next(iter(self.live), None), "last_authentication_strategy": None,
            "cookie_expires_at": None, "captcha_bypass": False, "created_at": _now_ms(), "updated_at": _now_ms(),
        }  # fmt: skip

    def _document(self) -> dict[str, Any]:
        places = ("authorization", "token", "revocation", "introspection", "userinfo")
        lists = (
            "scopes_supported", "response_types_supported", "response_modes_supported", "grant_types_supported",
            "subject_types_supported", "token_endpoint_auth_methods_supported", "claims_supported",
            "code_challenge_methods_supported",
        )  # fmt: skip
        return {
            "issuer": self.url, "jwks_uri": f"{self.url}/.well-known/jwks.json",
            **{f"{name}_endpoint": f"{self.url}/oauth/{name}" for name in places}, **{name: ["none"] for name in lists},
            "id_token_signing_alg_values_supported": ["RS256"],
            "backchannel_logout_supported": False, "frontchannel_logout_supported": False,
        }  # fmt: skip

    # the backend API

    def _users(self, asked: Asked) -> Said:
        known = asked.query.get("email_address") == USER
        return as_json([{"id": USER_ID, "object": "user"}] if known else [])

    def _make_session(self, asked: Asked) -> Said:
        if not self.development:
            return error("operation_not_allowed_on_production_instance", 403)
        if json.loads(asked.body).get("user_id") != USER_ID:
            return error("resource_not_found", 404)
        self._count += 1
        name = f"sess_{self._count}"
        self.sessions[name] = "active"
        return as_json(self._backend_session(name))

    def _backend_token(self, asked: Asked) -> Said:
        session = asked.path.split("/")[3]
        if self.sessions.get(session) != "active":
            return error("resource_not_found", 404)
        return as_json({"object": "token", "jwt": self.token(session)})

    def _revoke(self, asked: Asked) -> Said:
        session = asked.path.split("/")[3]
        self.sessions[session] = "revoked"
        return as_json(self._backend_session(session))

    def _sign_in_token(self, asked: Asked) -> Said:
        if json.loads(asked.body).get("user_id") != USER_ID:
            return error("resource_not_found", 404)
        now = _now_ms()
        return as_json(
            {
                "object": "sign_in_token",
                "id": "sit_1",
                "status": "pending",
                "user_id": USER_ID,
                "token": TICKET,
                "created_at": now,
                "updated_at": now,
            }
        )

    def _backend_session(self, name: str) -> dict[str, Any]:
        now = _now_ms()
        times = ("last_active_at", "expire_at", "abandon_at", "updated_at", "created_at")
        who = {"object": "session", "id": name, "user_id": USER_ID, "client_id": "client_9", "actor": None}
        return {**who, "status": self.sessions[name], **dict.fromkeys(times, now)}

    async def behave(self, peer: Peer) -> None:
        while whole := await peer.whole():
            method, target, headers, body = whole
            parts = urlsplit(target)
            query = dict(parse_qsl(parts.query))
            asked = Asked(query.get("_method", method), parts.path, query, headers, body)
            said = self.answer(asked)
            self.exchanges.append((asked, said))
            if said.hang:
                await peer.until_gone()
                return
            await peer.send(response(said.status, said.body, *said.lines))
            await trio.lowlevel.checkpoint()


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _factor(strategy: Strategy) -> dict[str, Any]:
    ids = {"email_code": {"email_address_id": "idn_mail1"}, "phone_code": {"phone_number_id": "idn_phone1"}}
    return {"strategy": strategy, **ids.get(strategy, {})}


def _session(name: str, status: str) -> dict[str, Any]:
    whose = {"first_name": None, "last_name": None, "identifier": USER, "has_image": False, "user_id": USER_ID}
    now = _now_ms()
    return {
        "object": "session", "id": name, "status": status, "expire_at": now, "abandon_at": now, "last_active_at": now,
        "last_active_organization_id": None, "public_user_data": whose, "factor_verification_age": [0, -1],
        "created_at": now, "updated_at": now,
    }  # fmt: skip


def _environment(development: bool) -> dict[str, Any]:
    """Of the many settings, those that a page cannot do without."""
    said = {
        "object": "display_config", "id": "display_1", "application_name": "Acme", "theme": {}, "branded": False,
        "instance_environment_type": "development" if development else "production",
        "preferred_sign_in_strategy": "password", "experimental_force_oauth_first": False,
        "show_devmode_warning": development, "captcha_oauth_bypass": [],
    }  # fmt: skip
    home = "https://app.acme.example"
    urls = (
        "home", "sign_in", "sign_up", "user_profile", "waitlist", "oauth_consent", "after_sign_in", "after_sign_up",
        "after_sign_out_one", "after_sign_out_all", "after_switch_session", "after_join_waitlist",
        "organization_profile", "create_organization", "after_leave_organization", "after_create_organization",
        "logo_link",
    )  # fmt: skip
    absent = (
        "support_email", "clerk_js_version", "google_one_tap_client_id", "help_url", "privacy_policy_url", "terms_url",
        "logo_url", "favicon_url", "logo_image", "favicon_image", "captcha_public_key", "captcha_widget_type",
        "captcha_public_key_invisible", "captcha_provider",
    )  # fmt: skip
    return {
        "display_config": {**said, **{f"{name}_url": home for name in urls}, **dict.fromkeys(absent)},
        "maintenance_mode": False,
    }


@asynccontextmanager
async def clerk(certificate: Leaf) -> AsyncIterator[Clerk]:
    """Over TLS as localhost."""

    async def nothing(peer: Peer) -> None:
        """Until the server knows its port."""

    async with http_server(nothing, certificate=certificate) as server:
        running = Clerk(server.address)
        server.behaviour = running.behave
        yield running
