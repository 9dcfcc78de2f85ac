"""Reason words as a client library would have met them."""

import pytest

from collector.retries import builtin_policies, outcome_of
from collector.retries.attempts import THROTTLED
from parallax.reasons import REASONS


@pytest.mark.parametrize(
    ("reason", "fault", "status", "met"),
    [
        (None, None, 200, "ok"),
        ("http_slow", "target", 200, "ok"),
        ("http_throttled", "blocked", 429, "429"),
        ("http_status", "target", 429, "429"),
        ("http_status", "target", 503, "5xx"),
        ("http_status", "target", 404, "4xx"),
        ("http_status", "target", 302, "other"),
        ("http_body", "target", 200, "other"),
        ("connect_refused", "target", None, "network"),
        ("connect_timeout", "network", None, "timeout"),
        ("first_byte_timeout", "target", 503, "timeout"),
        ("connection_reset", "target", 503, "network"),
        ("tls_expired", "target", None, "network"),
        ("dns_nxdomain", "target", None, "network"),
        ("signin_captcha", "blocked", 200, None),
        ("http_challenge", "blocked", 429, None),
        ("signin_bad_credentials", "config", 200, None),
        ("probe_error", "probe", None, None),
        ("a_later_word", "target", None, "other"),
        ("a_later_word", "target", 500, "5xx"),
    ],
)
def test_what_a_client_met(reason: str | None, fault: str | None, status: int | None, met: str | None) -> None:
    assert outcome_of(reason, fault, status) == met


def test_the_words_for_429_are_words() -> None:
    assert set(REASONS) >= THROTTLED


def test_the_shipped_policies_have_names_of_their_own_and_say_what_they_are() -> None:
    names = [policy.name for policy in builtin_policies()]
    assert len(names) == len(set(names)) >= 2
    assert all(policy.about for policy in builtin_policies())
