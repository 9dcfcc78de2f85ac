"""What Clerk's two APIs are asked like, and what their answers mean. Nothing here knows an order of steps.

The frontend API is what a browser speaks to: forms, other methods than GET and POST as `_method`, its versions in the
query, the session in a cookie (`__client`). The backend API is JSON under a secret key. Both say what is wrong in one
shape, `{"errors": [{"code", "message", "long_message"}], "clerk_trace_id"}`, and the code tells more than the status.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from parallax.redaction import excerpt
from probe.fault import Fault
from probe.oidc.reading import json_object, shown
from probe.signin.reply import Reply, end
from probe.signin.responses import refusal, status_fault
from probe.tape import Tape

API_VERSION, JS_VERSION = "2025-04-10", "5.67.0"
"""As the browsers of that time say them. A version that is not said gets the oldest shapes."""
FORM = "application/x-www-form-urlencoded"
MAX_OCTETS = 1_000_000

CODES: dict[str, str] = {
    "form_password_incorrect": "signin_bad_credentials",
    "form_password_or_identifier_incorrect": "signin_bad_credentials",
    "form_identifier_not_found": "signin_unknown_identifier",
    "sign_in_identification_or_user_deleted": "signin_unknown_identifier",
    "sign_in_no_identification_for_user": "signin_unknown_identifier",
    "form_code_incorrect": "signin_bad_otp",
    "verification_expired": "signin_bad_otp",
    "verification_failed": "signin_account_throttled",
    "account_lockout_warning": "signin_bad_credentials",
    "user_locked": "signin_account_locked",
    "user_banned": "signin_account_locked",
    "user_deactivated": "signin_account_locked",
    "deprovisioned": "signin_account_locked",
    "requires_captcha": "signin_captcha",
    "captcha_invalid": "signin_captcha",
    "captcha_missing_token": "signin_captcha",
    "form_password_pwned": "signin_required_action",
    "form_password_compromised": "signin_required_action",
    "password_too_long_needs_reset": "signin_required_action",
    "dev_monthly_email_limit_exceeded": "signin_quota",
    "dev_monthly_sms_limit_exceeded": "signin_quota",
    "user_quota_exceeded": "signin_quota",
    "signed_out": "oauth_login_required",
    "authentication_invalid": "oauth_login_required",
    "client_not_found": "oauth_login_required",
    "resource_not_found": "oauth_login_required",
    "action_for_session_not_authorized": "oauth_login_required",
    "invalid_action_for_session": "oauth_login_required",
    "strategy_for_user_invalid": "oauth_unauthorized_client",
    "no_password_set": "oauth_unauthorized_client",
    "native_api_disabled": "oauth_unauthorized_client",
    "subdomain_not_allowed": "oauth_unauthorized_client",
    "request_header_missing": "oauth_invalid_request",
    "origin_missing": "oauth_invalid_request",
    "origin_invalid": "oauth_invalid_request",
    "host_invalid": "oauth_invalid_request",
    "dev_browser_unauthenticated": "oauth_invalid_request",
    "secret_key_invalid": "oauth_invalid_client",
    "clerk_key_invalid": "oauth_invalid_client",
    "authorization_header_format_invalid": "oauth_invalid_client",
    "authorization_invalid": "oauth_unauthorized_client",
    "operation_not_allowed_on_production_instance": "oauth_unauthorized_client",
    "maintenance_mode": "oauth_temporarily_unavailable",
    "system_under_maintenance": "oauth_temporarily_unavailable",
}
"""By error code (https://clerk.com/docs/guides/development/errors/frontend-api, .../backend-api), the reason."""
GONE = frozenset({"oauth_login_required"})
"""What the end of a session looks like to who asks for its token."""

UNFINISHED: dict[str, Fault] = {
    "needs_second_factor": Fault("signin_mfa_required"),
    # Asked of a user who comes from a new place: it is the probe's network that is not trusted.
    "needs_client_trust": Fault("signin_mfa_required", side="blocked"),
    "needs_protect_check": Fault("http_challenge"),
    "needs_new_password": Fault("signin_required_action"),
}
"""What a sign-in that is not complete lacks, by its status; any other is `signin_incomplete`."""


def query(**more: str | None) -> str:
    """The query that every request of the frontend API has; what is None is left out."""
    said = {"__clerk_api_version": API_VERSION, "_clerk_js_version": JS_VERSION, **more}
    return urlencode({name: value for name, value in said.items() if value is not None})


def answered(reply: Reply, tape: Tape, *, key: str | None = None) -> dict[str, Any]:
    """The object in an answer that is right, or what it has under `key`. Ends the step with what is wrong."""
    fault = fault_of(reply, tape)
    if fault is not None:
        raise end(tape, fault)
    said = json_object(reply.body, MAX_OCTETS)
    if isinstance(said, str):
        raise end(tape, Fault("http_json", {"detail": f"the answer is {said}"}))
    found = said if key is None else said.get(key)
    if not isinstance(found, dict):
        raise end(tape, Fault("http_json", {"detail": f"the answer has no {key}"}))
    return found


def fault_of(reply: Reply, tape: Tape, *, tell: bool = True) -> Fault | None:
    """What is wrong with an answer; None below 300. What Clerk says of it is noted, without a secret; not where a
    refusal is what is wanted (`tell`)."""
    if reply.status < 300:
        return refusal(reply)
    if reply.status < 400:
        return Fault("http_redirect", {"detail": "the API leads elsewhere"})
    codes, told = _said(reply, tape)
    if tell:
        tape.note(**told)
    if reply.status == 429:
        return Fault("http_throttled")
    word = next((CODES[code] for code in codes if code in CODES), None)
    if word is None and codes and any("quota" in code or "limit_exceeded" in code for code in codes):
        word = "signin_quota"
    if word is not None:
        return Fault(word)
    fault = status_fault(reply)
    if fault is not None:
        return fault
    return Fault("signin_error_page") if codes else Fault("http_status")


def _said(reply: Reply, tape: Tape) -> tuple[list[str], dict[str, Any]]:
    """The error codes, and what may be told of them."""
    said = json_object(reply.body, MAX_OCTETS)
    errors = said.get("errors") if isinstance(said, dict) else None
    if not isinstance(said, dict) or not isinstance(errors, list):
        return [], {}
    first = [each for each in errors[:5] if isinstance(each, dict)]
    codes = [each["code"] for each in first if isinstance(each.get("code"), str)]
    texts = [each.get("long_message") or each.get("message") for each in first]
    trace = said.get("clerk_trace_id")
    told = {
        "codes": [shown(tape.hidden.scrub(code), 60) for code in codes] or None,
        "alerts": [excerpt(tape.hidden.scrub(text), 200) for text in texts if isinstance(text, str) and text] or None,
        "trace": shown(tape.hidden.scrub(trace), 60) if isinstance(trace, str) else None,
    }
    return codes, {name: value for name, value in told.items() if value is not None}


def factor(sign_in: Mapping[str, Any], which: str, strategies: tuple[str, ...]) -> dict[str, Any] | None:
    """Of the factors that a sign-in supports (`first` or `second`), the one for the first of these strategies."""
    listed = sign_in.get(f"supported_{which}_factors")
    offered = [each for each in (listed if isinstance(listed, list) else [])[:50] if isinstance(each, dict)]
    for strategy in strategies:
        for each in offered:
            if each.get("strategy") == strategy:
                return each
    return None


def offered(sign_in: Mapping[str, Any], which: str) -> list[str]:
    """The names of the strategies, to be told."""
    listed = sign_in.get(f"supported_{which}_factors")
    names = [each.get("strategy") for each in (listed if isinstance(listed, list) else []) if isinstance(each, dict)]
    return [shown(name, 40) for name in names[:20] if isinstance(name, str)]
