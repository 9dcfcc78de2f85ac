"""Every way that a sign-in may end is one word of the closed list, with its side; and each word is shown by something
that really behaves so."""

import re
from pathlib import Path

import pytest

from parallax.reasons import REASONS, Fault
from tests.probe.signin.test_classes import TOLD
from tests.probe.signin.test_misbehaving import CASES

ENDS: dict[str, dict[str, tuple[set[Fault], tuple[str, ...]]]] = {
    "dns": {
        "nxdomain": ({"target"}, ("dns_nxdomain",)),
        "servfail": ({"target"}, ("dns_servfail",)),
        "timeout": ({"target"}, ("dns_timeout",)),
        "refused": ({"target"}, ("dns_refused",)),
        "bogus": ({"target"}, ("dns_bogus",)),
    },
    "tcp": {
        "refused": ({"target"}, ("connect_refused",)),
        "timeout": ({"target"}, ("connect_timeout",)),
        "unreachable": ({"network"}, ("connect_unreachable",)),
        "reset": ({"target"}, ("connection_reset", "connection_closed")),
    },
    "tls": {
        "timeout": ({"target"}, ("tls_timeout",)),
        "expired": ({"target"}, ("tls_expired", "tls_not_yet_valid")),
        "wrong name": ({"target"}, ("tls_wrong_name",)),
        "untrusted": ({"target"}, ("tls_untrusted", "tls_chain_incomplete")),
        "alert": ({"target"}, ("tls_alert",)),
        "protocol": ({"target"}, ("tls_malformed", "tls_old_version")),
    },
    "http": {
        "no first byte": ({"target"}, ("first_byte_timeout",)),
        "time over": ({"target"}, ("signin_timeout", "body_timeout")),
        "truncated": ({"target"}, ("http_truncated",)),
        "no HTTP": ({"target"}, ("http_malformed",)),
        "5xx": ({"target"}, ("http_server_error",)),
        "unexpected status": ({"target"}, ("http_status",)),
        "no JSON": ({"target"}, ("discovery_not_json", "jwks_not_json", "http_json")),
        "redirects for ever": ({"target"}, ("signin_loop", "http_redirect_loop")),
        "too much": ({"target"}, ("http_too_large", "http_bad_encoding")),
    },
    "discovery and keys": {
        "not served": ({"target"}, ("discovery_http", "jwks_http")),
        "another issuer": ({"target"}, ("discovery_issuer_mismatch",)),
        "a field is missing": ({"target"}, ("discovery_missing_field",)),
        "empty": ({"target"}, ("jwks_empty",)),
        "kid unknown": ({"target"}, ("jwks_kid_unknown",)),
    },
    "pages": {
        "unexpected": ({"target"}, ("signin_unexpected_page",)),
        "no form": ({"target"}, ("signin_form_not_found",)),
        "a loop": ({"target"}, ("signin_loop",)),
        "an error page": ({"target"}, ("signin_error_page",)),
        "needs a browser": ({"config"}, ("signin_needs_browser",)),
        "a second factor": ({"config"}, ("signin_mfa_required",)),
        "an action": ({"config"}, ("signin_required_action",)),
        "consent": ({"config"}, ("signin_consent_required", "oauth_consent_required")),
        "bad credentials": ({"config"}, ("signin_bad_credentials",)),
        "unknown user": ({"config"}, ("signin_unknown_identifier",)),
        "bad code": ({"config"}, ("signin_bad_otp",)),
        "captcha": ({"blocked"}, ("signin_captcha",)),
        "bot wall": ({"blocked"}, ("http_challenge", "http_forbidden")),
        "account throttled": ({"blocked"}, ("signin_account_throttled",)),
        "account locked": ({"blocked"}, ("signin_account_locked",)),
    },
    "oauth": {
        "an error of the provider's": (
            {"target"},
            ("oauth_server_error", "oauth_temporarily_unavailable", "oauth_error"),
        ),
        "an error of the plan's": (
            {"config"},
            ("oauth_invalid_client", "oauth_invalid_scope", "oauth_redirect_uri_mismatch"),
        ),
        "state": ({"target"}, ("oauth_state_mismatch", "oauth_state_missing")),
        "issuer": ({"target"}, ("oauth_iss_mismatch",)),
        "token": ({"target"}, ("oauth_token_error", "oauth_invalid_grant")),
        "refresh": ({"target"}, ("oauth_refresh_error",)),
        "client credentials": ({"target"}, ("oauth_client_credentials_error",)),
    },
    "token": {
        "signature": ({"target"}, ("token_signature_invalid",)),
        "algorithm": ({"target"}, ("token_alg_not_allowed",)),
        "a claim is missing": ({"target"}, ("token_claim_missing",)),
        "a claim is wrong": (
            {"target"},
            ("token_iss_mismatch", "token_aud_mismatch", "token_nonce_mismatch", "token_expired"),
        ),
        "clock": ({"target"}, ("token_clock_skew",)),
        "at_hash": ({"target"}, ("token_at_hash_mismatch",)),
    },
    "session": {
        "userinfo": ({"target"}, ("session_userinfo_http",)),
        "another user": ({"target"}, ("session_sub_mismatch",)),
        "logout": ({"target"}, ("session_logout_failed",)),
        "survived": ({"target"}, ("session_survived_logout",)),
    },
    "limits": {
        "our own": ({"blocked"}, ("signin_own_budget",)),
        "theirs": ({"blocked"}, ("http_throttled", "oauth_throttled")),
        "quota": ({"target"}, ("signin_quota",)),
    },
    "mail": {
        "never": ({"target"}, ("mail_not_received",)),
        "late": ({"target"}, ("mail_late",)),
        "twice": ({"target"}, ("mail_duplicate",)),
        "without the code": ({"target"}, ("mail_wrong_content",)),
        "not proven": ({"target"}, ("mail_auth_failed", "mail_bad_signature")),
        "nobody knows": ({"resolver"}, ("mail_auth_unknown",)),
    },
    "SMS": {
        "never": ({"target"}, ("sms_not_received",)),
        "late": ({"target"}, ("sms_late",)),
        "twice": ({"target"}, ("sms_duplicate",)),
        "without the code": ({"target"}, ("sms_wrong_content",)),
    },
    "webhooks": {
        "never": ({"target"}, ("webhook_not_received",)),
        "late": ({"target"}, ("webhook_late",)),
        "again": ({"target"}, ("webhook_duplicate",)),
        "not as it should be": ({"target"}, ("webhook_wrong_content",)),
        "not proven": ({"target"}, ("webhook_bad_signature",)),
    },
    "the probe": {
        "this host": ({"probe"}, ("local_error", "probe_error", "mailbox_unreachable")),
        "it ends": ({"probe"}, ("signin_cancelled",)),
        # the host's owner is who must act, and a check that is wrongly set up is told as blind
        "its config": ({"config"}, ("secret_missing", "secret_withheld", "value_missing")),
    },
}
"""By layer: what happened, the sides that it may be on, and the words for it."""

ELSEWHERE = {
    "connect_timeout": "tests/probe/test_http_failures.py",
    "connect_unreachable": "tests/probe/test_resolve.py",
    "tls_chain_incomplete": "tests/probe/test_tls_depth.py",
    "body_timeout": "tests/probe/signin/test_misbehaving.py",
    "first_byte_timeout": "tests/probe/signin/test_misbehaving.py",
    "http_status": "tests/probe/signin/test_steps.py",
    "http_json": "tests/probe/signin/test_steps.py",
    "http_redirect_loop": "tests/probe/test_http_ways.py",
    "jwks_not_json": "tests/probe/oidc/test_jwks.py",
    "signin_form_not_found": "tests/probe/signin/test_steps.py",
    "signin_own_budget": "tests/probe/signin/test_flows_real.py",
    "signin_quota": "tests/probe/signin/test_clerk.py",
    "mail_not_received": "tests/probe/signin/test_mail_real.py",
    "mail_late": "tests/probe/signin/test_mail_real.py",
    "mail_duplicate": "tests/probe/signin/test_steps.py",
    "mail_wrong_content": "tests/probe/signin/test_mail_real.py",
    **dict.fromkeys(
        (
            "mail_auth_failed",
            "mail_bad_signature",
            "mail_auth_unknown",
            "sms_not_received",
            "sms_late",
            "sms_duplicate",
            "sms_wrong_content",
            "webhook_not_received",
            "webhook_late",
            "webhook_duplicate",
            "webhook_wrong_content",
            "webhook_bad_signature",
        ),
        "tests/probe/signin/test_awaiting.py",
    ),
    "local_error": "tests/probe/test_errors.py",
    "probe_error": "tests/probe/test_attempt.py",
    "secret_missing": "tests/e2e/test_secrets.py",
    "secret_withheld": "tests/probe/signin/test_misbehaving.py",
    "value_missing": "tests/probe/signin/test_steps.py",
}
"""Words that other tests show."""

WORDS = [
    pytest.param(word, faults, id=f"{layer}: {what}: {word}")
    for layer, ends in ENDS.items()
    for what, (faults, words) in ends.items()
    for word in words
]


@pytest.mark.parametrize(("word", "faults"), WORDS)
def test_an_end_has_a_word_and_a_side(word: str, faults: set[Fault]) -> None:
    assert REASONS[word].fault in faults


@pytest.mark.parametrize(("word", "faults"), WORDS)
def test_a_word_is_shown_by_something(word: str, faults: set[Fault]) -> None:
    if word in ELSEWHERE:
        assert re.search(rf"\b{word}\b", Path(ELSEWHERE[word]).read_text()), ELSEWHERE[word]
    else:
        assert word in TOLD | {reason for _, _, reason, _ in CASES.values()}


def test_every_word_of_a_sign_in_has_its_place() -> None:
    """A new word that only a sign-in has must be found in the table, or be one of these."""
    placed = {word for ends in ENDS.values() for _, words in ends.values() for word in words}
    beside = {
        "signin_cleanup_failed", "signin_halted", "signin_incomplete",
    }  # fmt: skip
    assert {word for word in REASONS if word.startswith("signin_")} == beside | {
        word for word in placed if word.startswith("signin_")
    }
