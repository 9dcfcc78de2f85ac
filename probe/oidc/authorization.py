"""The request for a code, and what comes back with the callback (RFC 6749 section 4.1, OpenID Connect Core 3.1.2).

Of an answer that is wrong in several ways, the most telling is told: the OAuth error first, even where the state is
missing beside it, as some servers leave it out when they fail.
"""

import secrets
from collections.abc import Iterable, Mapping
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import msgspec

from parallax.secret import Secret
from probe.fault import Fault
from probe.oidc.jose import base64url
from probe.oidc.oauth_errors import oauth_error
from probe.oidc.pkce import METHOD, Pkce, Random, make_pkce
from probe.oidc.reading import shown

_MAX_CALLBACK = 64_000
_MAX_FIELDS = 100
_ONCE = ("code", "state", "iss", "error")
"""Parameters must not come twice (RFC 6749 section 3.1): which one would count?"""


class Start(msgspec.Struct, frozen=True, kw_only=True):
    """A request for a code, and what its answer is checked against."""

    url: str
    """Where the browser goes."""
    redirect_uri: str
    client_id: str
    state: str
    nonce: str
    pkce: Pkce | None
    response_mode: str | None = None

    def __repr__(self) -> str:
        return f"Start(client_id={self.client_id!r}, redirect_uri={self.redirect_uri!r})"


class Code(msgspec.Struct, frozen=True, kw_only=True):
    """What came back: the code, once to be exchanged."""

    code: Secret
    issuer: str | None = None
    """Where the callback names it (RFC 9207)."""


def start(
    endpoint: str,
    *,
    client_id: str,
    redirect_uri: str,
    scope: Iterable[str] = ("openid",),
    response_mode: str | None = None,
    prompt: str | None = None,
    id_token_hint: Secret | None = None,
    login_hint: str | None = None,
    pkce: bool = True,
    extra: Mapping[str, str] | None = None,
    random: Random = secrets.token_bytes,
) -> Start:
    """A new request, with state, nonce and PKCE of its own. `extra` joins the query (max_age, resource, acr_values, an
    audience); it does not replace what the protocol needs. What the endpoint's own query has stays (RFC 6749 3.1)."""
    state, nonce = base64url(random(24)), base64url(random(24))
    pair = make_pkce(random) if pkce else None
    query = {
        **(extra or {}),
        "response_type": "code",
        "client_id": client_id,
        "redirect_uri": redirect_uri,
        "scope": " ".join(scope),
        "state": state,
        "nonce": nonce,
        "code_challenge": pair.challenge if pair else None,
        "code_challenge_method": METHOD if pair else None,
        "response_mode": response_mode,
        "prompt": prompt,
        "login_hint": login_hint,
        "id_token_hint": id_token_hint.reveal() if id_token_hint else None,
    }
    return Start(
        url=with_query(endpoint, {name: value for name, value in query.items() if value is not None}),
        redirect_uri=redirect_uri,
        client_id=client_id,
        state=state,
        nonce=nonce,
        pkce=pair,
        response_mode=response_mode,
    )


def with_query(url: str, added: Mapping[str, str]) -> str:
    """The URL with more in its query."""
    parts = urlsplit(url)
    query = "&".join(part for part in (parts.query, urlencode(added)) if part)
    return urlunsplit((parts.scheme, parts.netloc, parts.path, query, ""))


def is_callback(url: str, redirect_uri: str) -> bool:
    """Whether the URL is the redirect URI with something added: there the browser stops, as nobody listens there."""
    try:
        found, wanted = urlsplit(url), urlsplit(redirect_uri)
    except ValueError:
        return False
    same = (found.scheme.lower(), found.netloc.lower(), found.path or "/")
    return same == (wanted.scheme.lower(), wanted.netloc.lower(), wanted.path or "/")


def read_callback(
    answer: str | Mapping[str, str], begun: Start, *, issuer: str, iss_parameter: bool = False
) -> Code | Fault:
    """The code, out of the callback's URL (query or fragment) or of the form that was posted to it.

    `iss_parameter` is whether the issuer says that it names itself in answers (RFC 9207): then it must."""
    fields = _fields(answer) if isinstance(answer, str) else dict(answer)
    if isinstance(fields, Fault):
        return fields
    error = oauth_error(fields)
    if error is not None:
        return error
    state = fields.get("state")
    if not state:
        return Fault("oauth_state_missing")
    if not secrets.compare_digest(state.encode("utf-8", "replace"), begun.state.encode()):
        return Fault("oauth_state_mismatch")
    named = fields.get("iss")
    if named is None and iss_parameter:
        return Fault("oauth_iss_missing")
    if named is not None and named != issuer:
        return Fault("oauth_iss_mismatch", {"expected": shown(issuer, 200), "found": shown(named, 200)})
    code = fields.get("code")
    if not code:
        return Fault("oauth_code_missing", {"found": sorted(shown(name, 60) for name in fields)[:20]})
    return Code(code=Secret(code), issuer=named)


def _fields(url: str) -> dict[str, str] | Fault:
    """The parameters of a callback's URL: of the query, and of the fragment where that has any."""
    if len(url) > _MAX_CALLBACK:
        return Fault("oauth_callback_malformed", {"found": "too long"})
    try:
        parts = urlsplit(url)
        pairs = parse_qsl(parts.query, keep_blank_values=True, max_num_fields=_MAX_FIELDS)
        pairs += parse_qsl(parts.fragment, keep_blank_values=True, max_num_fields=_MAX_FIELDS)
    except ValueError:
        return Fault("oauth_callback_malformed", {"found": "not to be read"})
    names = [name for name, _ in pairs]
    twice = [name for name in _ONCE if names.count(name) > 1]
    if twice:
        return Fault("oauth_callback_malformed", {"found": f"{', '.join(twice)} twice"})
    return dict(pairs)
