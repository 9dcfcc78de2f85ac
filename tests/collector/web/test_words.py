"""Every state, event, moment and span has words."""

from typing import Any, get_args

import pytest

from collector.board import ProbeState
from collector.events import CheckState, ComponentState, FaultDomain, IncidentChanged, Severity
from collector.web import words
from parallax.clock import NS
from parallax.reasons import REASONS
from tests.fakes.boards import INCIDENT, NOW, event, latest, story

S, M, H, D = NS, 60 * NS, 3600 * NS, 86_400 * NS


@pytest.mark.parametrize("kind", [CheckState, ComponentState, ProbeState, Severity])
def test_every_state_has_a_look(kind: Any) -> None:
    for state in get_args(kind):
        assert words.LOOKS[state].tone in words.WORST


def test_a_state_of_a_later_version_is_its_own_word() -> None:
    assert words.look("half_open") == words.Look("half open", "none")


@pytest.mark.parametrize(
    ("more", "state"),
    [
        ({}, "ok"),
        ({"reason": "dns_timeout"}, "failed"),
        ({"reason": "http_status", "soft": True}, "slow"),
        ({"reason": "http_challenge", "fault": "blocked"}, "kept_out"),
        ({"reason": "signin_bad_credentials", "fault": "config"}, "misset"),
        ({"reason": "local_error", "fault": "probe"}, "troubled"),
        ({"reason": "dns_timeout", "abstain": "clock"}, "abstained"),
        ({"reason": "dns_timeout", "fresh": False}, "stale"),
    ],
)
def test_what_a_probe_said_last(more: dict[str, Any], state: str) -> None:
    assert words.latest_state(latest("fra1", **more)) == state


@pytest.mark.parametrize(
    ("at", "text"),
    [(NOW, "just now"), (NOW - 3 * M, "3 min ago"), (NOW + 2 * H, "in 2 h"), (NOW - S, "1 s ago")],
)
def test_relative(at: int, text: str) -> None:
    assert words.relative(at, NOW) == text


@pytest.mark.parametrize(
    ("at", "text"),
    [
        (NOW, "17:06:00"),
        (NOW - D, "9 Feb 17:06:00"),
        (NOW - 365 * D, "10 Feb 2025 17:06:00"),
        (10**30, "no known time"),
        (-(10**30), "no known time"),
    ],
)
def test_clock_time(at: int, text: str) -> None:
    assert words.clock_time(at, NOW) == text


def test_iso() -> None:
    assert words.iso(NOW + 1_234_567) == "2026-02-10T17:06:00.001Z"
    assert words.iso(10**30) == ""


@pytest.mark.parametrize(
    ("names", "text"),
    [
        ((), ""),
        (("a",), "a"),
        (("a", "b"), "a and b"),
        (("a", "b", "c"), "a, b and c"),
        (tuple("abcdefg"), "a, b, c, d and 3 more"),
    ],
)
def test_listed(names: tuple[str, ...], text: str) -> None:
    assert words.listed(names) == text


def test_a_fault_domain() -> None:
    assert words.domain(FaultDomain(kind="operator", name="dns-a")) == "DNS operator dns-a"
    unsure = words.domain(FaultDomain(kind="name_server", name="ns1", certain=False))
    assert unsure == "name server ns1 (likely; another place would explain it as well)"
    assert words.domain(None) == "not located yet"


def test_reasons_known_and_not() -> None:
    assert words.meaning("dns_timeout") == REASONS["dns_timeout"].meaning
    assert words.where_to_look("dns_timeout") == REASONS["dns_timeout"].look
    assert (words.meaning("quic_reset"), words.where_to_look("quic_reset")) == ("quic reset", "")


@pytest.mark.parametrize(
    ("text", "link"),
    [
        ("https://runbooks.example/", True),
        ("HTTP://x", True),
        ("javascript:alert(1)", False),
        (" javascript:x", False),
        ("//evil.example", False),
        ("data:text/html,x", False),
        ("", False),
        (None, False),
    ],
)
def test_what_may_be_a_link(text: str | None, link: bool) -> None:
    assert words.is_link(text) is link


def test_a_name_stays_one_segment_of_a_path() -> None:
    assert words.check_path("a/b?c=d#e <ü>%") == "/check/a%2Fb%3Fc%3Dd%23e%20%3C%C3%BC%3E%25"


def test_each_event_is_told() -> None:
    told = [words.tell(one) for one in story().events]
    assert [(t.tone, t.word) for t in told] == [
        ("warn", "suspected"),
        ("bad", "down"),
        ("bad", "incident opened"),
        ("warn", "risk raised"),
        ("part", "partial outage"),
        ("none", "silent"),
        ("bad", "incident updated"),
    ]
    assert told[1].what == "at ns1.dns-a.example (192.0.2.1:53) (vendor.example): no DNS answer before the deadline"
    assert told[1].more == "4 of 5 probes in 3 networks failed within 9.0 s"
    assert told[1].check == "authoritative DNS"
    assert told[4].what == "Sign-in, before: operational"


def test_an_incident_that_ends_is_told_as_good() -> None:
    ended = words.tell(event(NOW, IncidentChanged(change="resolved", what="all answer again", incident=INCIDENT)))
    assert (ended.tone, ended.word) == ("ok", "incident resolved")
