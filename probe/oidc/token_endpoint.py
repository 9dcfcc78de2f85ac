"""What is sent to a token endpoint, and what it answers (RFC 6749 sections 2.3.1, 3.2, 4.4, 5 and 6).

A code, a refresh token and a password are good for one request each. So nothing here asks twice.
"""

import base64
from collections.abc import Iterable, Mapping
from typing import Any, Literal
from urllib.parse import quote_plus, urlencode

import msgspec

from parallax.secret import Secret
from probe.fault import Fault
from probe.oidc.authorization import Code, Start
from probe.oidc.oauth_errors import oauth_error
from probe.oidc.reading import json_object, shown, text_of

MAX_OCTETS = 256_000
Auth = Literal["none", "basic", "post"]
Grant = Literal["authorization_code", "refresh_token", "client_credentials"]
_FAILED: dict[Grant, str] = {
    "authorization_code": "oauth_token_error",
    "refresh_token": "oauth_refresh_error",
    "client_credentials": "oauth_client_credentials_error",
}


class Client(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks. A public client (`none`) has no secret."""

    id: str
    secret: Secret | None = None
    auth: Auth = "none"


class TokenRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A POST to a token, revocation or introspection endpoint."""

    url: str
    body: Secret
    """A form, encoded."""
    authorization: Secret | None = None

    def headers(self) -> dict[str, str]:
        """What must go with it; to be sent, not to be shown."""
        said = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        return said | ({"Authorization": self.authorization.reveal()} if self.authorization else {})


class Tokens(msgspec.Struct, frozen=True, kw_only=True):
    """What a token endpoint gave."""

    access_token: Secret
    token_type: str
    id_token: Secret | None = None
    refresh_token: Secret | None = None
    expires_in: float | None = None
    scope: tuple[str, ...] | None = None
    """None: as asked for (RFC 6749 section 5.1)."""
    remarks: tuple[str, ...] = ()

    def as_findings(self) -> dict[str, Any]:
        """Plain values for an observation; no token."""
        return {
            "token_type": shown(self.token_type, 40),
            "expires_in": self.expires_in,
            "scope": [shown(each, 60) for each in self.scope[:30]] if self.scope is not None else None,
            "given": [name for name in ("access_token", "id_token", "refresh_token") if getattr(self, name)],
            "remarks": list(self.remarks) or None,
        }


def request(url: str, client: Client, form: Mapping[str, str]) -> TokenRequest:
    """A form sent in the client's name.

    Basic authentication wants both parts form-encoded before they are joined (section 2.3.1): a secret with a colon, a
    percent sign or a plus goes wrong without."""
    fields, secret = dict(form), client.secret.reveal() if client.secret else ""
    if client.auth == "basic":
        joined = f"{quote_plus(client.id)}:{quote_plus(secret)}"
        encoded = base64.b64encode(joined.encode()).decode("ascii")
        return TokenRequest(url=url, body=Secret(urlencode(fields)), authorization=Secret(f"Basic {encoded}"))
    fields["client_id"] = client.id
    if client.auth == "post":
        fields["client_secret"] = secret
    return TokenRequest(url=url, body=Secret(urlencode(fields)))


def exchange_code(url: str, client: Client, code: Code, begun: Start) -> TokenRequest:
    """The code for tokens; with the verifier of PKCE (RFC 7636 section 4.5)."""
    form = {
        "grant_type": "authorization_code",
        "code": code.code.reveal(),
        "redirect_uri": begun.redirect_uri,
    }
    if begun.pkce is not None:
        form["code_verifier"] = begun.pkce.verifier.reveal()
    return request(url, client, form)


def refresh(url: str, client: Client, refresh_token: Secret, scope: Iterable[str] = ()) -> TokenRequest:
    """A refresh token for new tokens (section 6); the same scope if none is given."""
    wanted = " ".join(scope)
    form = {"grant_type": "refresh_token", "refresh_token": refresh_token.reveal()}
    return request(url, client, form | ({"scope": wanted} if wanted else {}))


def client_credentials(
    url: str, client: Client, scope: Iterable[str] = (), extra: Mapping[str, str] | None = None
) -> TokenRequest:
    """A token for the client itself (section 4.4). `extra` joins the form: an audience, a resource (RFC 8707)."""
    wanted = " ".join(scope)
    form = {**(extra or {}), "grant_type": "client_credentials"}
    return request(url, client, form | ({"scope": wanted} if wanted else {}))


def revocation(url: str, client: Client, token: Secret, hint: str) -> TokenRequest:
    """Ends a token (RFC 7009 section 2.1). `hint`: refresh_token or access_token."""
    return request(url, client, {"token": token.reveal(), "token_type_hint": hint})


def read_token_answer(status: int, headers: Mapping[str, str], body: bytes, grant: Grant) -> Tokens | Fault:
    """The tokens, or why there are none. `headers` takes names in lower case.

    What a client did not ask for need not be there: an id_token, or a new refresh token after a refresh (section 6, and
    OpenID Connect Core 12.2). Who needs one looks."""
    failed = _FAILED[grant]
    found = json_object(body, MAX_OCTETS)
    if isinstance(found, str):
        return Fault(failed, {"status": status, "found": found})
    error = oauth_error(found)
    if error is not None:
        if error.reason == "oauth_error" and status >= 500:
            return Fault("oauth_server_error", {"status": status, **error.note})
        return Fault(error.reason, {"status": status, **error.note}, error.side)
    if status != 200:
        return Fault(failed, {"status": status, "found": "neither tokens nor an error"})
    token, kind = text_of(found, "access_token"), text_of(found, "token_type")
    if token is None:
        return Fault(failed, {"status": status, "missing": ["access_token"]})
    if kind is None or kind.lower() not in ("bearer", "dpop"):
        return Fault(failed, {"status": status, "found": f"token_type {shown(kind or 'missing', 40)}"})
    id_token, refresh_token, scope = (text_of(found, name) for name in ("id_token", "refresh_token", "scope"))
    return Tokens(
        access_token=Secret(token),
        token_type=kind,
        id_token=Secret(id_token) if id_token else None,
        refresh_token=Secret(refresh_token) if refresh_token else None,
        expires_in=_seconds(found.get("expires_in")),
        scope=tuple(scope.split()) if scope else None,
        remarks=tuple(_remarks(found, headers)),
    )


def _seconds(value: object) -> float | None:
    """Some servers write the number as text."""
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value[:12])
    good = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e10
    return float(value) if good else None  # type: ignore[arg-type]


def _remarks(found: Mapping[str, Any], headers: Mapping[str, str]) -> list[str]:
    remarks = []
    if "no-store" not in headers.get("cache-control", "").lower():
        remarks.append("the answer may be stored: Cache-Control lacks no-store (RFC 6749 section 5.1)")
    if "expires_in" in found and _seconds(found["expires_in"]) is None:
        remarks.append("expires_in is no number of seconds")
    return remarks
