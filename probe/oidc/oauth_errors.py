"""OAuth's error codes, and whose side each is on (RFC 6749 4.1.2.1 and 5.2, OpenID Connect Core 3.1.2.6, RFC 8628,
RFC 8707, RFC 6750; some that providers made up themselves)."""

from collections.abc import Mapping
from typing import Any

from parallax.redaction import excerpt
from probe.fault import Fault
from probe.oidc.reading import shown, text_of

CODES: dict[str, str] = {
    "access_denied": "oauth_access_denied",
    "account_selection_required": "oauth_interaction_required",
    "consent_required": "oauth_consent_required",
    "interaction_required": "oauth_interaction_required",
    "login_required": "oauth_login_required",
    "not_allowed": "oauth_access_denied",
    "invalid_client": "oauth_invalid_client",
    "invalid_grant": "oauth_invalid_grant",
    "invalid_redirect_uri": "oauth_redirect_uri_mismatch",
    "redirect_uri_mismatch": "oauth_redirect_uri_mismatch",
    "invalid_request": "oauth_invalid_request",
    "invalid_request_object": "oauth_invalid_request",
    "invalid_request_uri": "oauth_invalid_request",
    "request_not_supported": "oauth_invalid_request",
    "request_uri_not_supported": "oauth_invalid_request",
    "unsupported_response_type": "oauth_invalid_request",
    "unsupported_response_mode": "oauth_invalid_request",
    "invalid_scope": "oauth_invalid_scope",
    "insufficient_scope": "oauth_invalid_scope",
    "invalid_target": "oauth_invalid_target",
    "invalid_token": "oauth_invalid_token",
    "unauthorized_client": "oauth_unauthorized_client",
    "unsupported_grant_type": "oauth_unauthorized_client",
    "server_error": "oauth_server_error",
    "temporarily_unavailable": "oauth_temporarily_unavailable",
    "slow_down": "oauth_throttled",
    "too_many_requests": "oauth_throttled",
    "rate_limit_exceeded": "oauth_throttled",
    "over_request_rate_limit": "oauth_throttled",
}
"""An error's code to its word. Any other is `oauth_error`."""


def oauth_error(answer: Mapping[str, Any]) -> Fault | None:
    """The error that an answer tells (a callback's parameters, a token endpoint's JSON); None if it tells none."""
    code = text_of(answer, "error")
    if code is None:
        return None
    said = text_of(answer, "error_description")
    word = CODES.get(code, "oauth_error")
    if word == "oauth_invalid_request" and said is not None and "redirect" in said.lower():
        word = "oauth_redirect_uri_mismatch"  # how servers say it that have no code for it
    note = {"oauth_error": shown(code, 80), "oauth_error_description": excerpt(said, 200) if said else None}
    return Fault(word, {name: value for name, value in note.items() if value is not None})
