"""The words of dns.resolve: classes of answers, and which of resolver, name and network is down. Tables."""

from typing import Any

import pytest

from parallax.plan.dns_specs import ResolveSpec
from parallax.values import DnsName
from probe.checks.resolve_classes import control_class, late_like_stale, reply_class, ttl_stands_still
from probe.checks.resolve_judge import judge, judge_together
from probe.dns.message import Record, Reply
from probe.tape import Evidence

NAME = DnsName("www.acme.test")
ADDRESS = ("www.acme.test A 203.0.113.7",)


def spec(**more: Any) -> ResolveSpec:
    return ResolveSpec(names=[NAME], **more)


def reply(*records: str, rcode: str = "NOERROR", ede: tuple[int, ...] = ()) -> Reply:
    answers = tuple(Record(owner, kind, 60, text) for owner, kind, text in (each.split(" ", 2) for each in records))
    return Reply(rcode=rcode, flags=(), answers=answers, edns=True, size=1, ede=tuple((code, "") for code in ede))


@pytest.mark.parametrize(
    ("wanted", "given", "more"),
    [
        ("fresh", reply(*ADDRESS), {}),
        ("fresh", reply("www.acme.test CNAME fe.idp.test.", "fe.idp.test A 203.0.113.7"), {}),
        ("fresh", reply(*ADDRESS, ede=(0,)), {}),
        ("unexpected_nodata", reply("www.acme.test CNAME fe.idp.test."), {}),
        ("unexpected_nodata", reply("other.test A 203.0.113.7"), {}),
        ("unexpected_nodata", reply(), {}),
        ("unexpected_nodata", reply(), {"type": "HTTPS"}),
        ("expected_negative", reply(), {"type": "AAAA"}),
        ("unexpected_nodata", reply(), {"type": "AAAA", "expect": ["2001:db8::7"]}),
        ("unexpected_nxdomain", reply(rcode="NXDOMAIN"), {}),
        ("unexpected_nxdomain", reply(rcode="NXDOMAIN"), {"type": "AAAA"}),
        ("servfail", reply(rcode="SERVFAIL"), {}),
        ("servfail", reply(rcode="SERVFAIL", ede=(3,)), {}),  # nothing was handed out
        ("dnssec_bogus", reply(rcode="SERVFAIL", ede=(6,)), {}),
        ("dnssec_bogus", reply(rcode="SERVFAIL", ede=(22, 9)), {}),
        ("no_reachable_authority", reply(rcode="SERVFAIL", ede=(22,)), {}),
        ("no_reachable_authority", reply(rcode="SERVFAIL", ede=(23,)), {}),
        ("refused", reply(rcode="REFUSED"), {}),
        ("filtered", reply(rcode="REFUSED", ede=(15,)), {}),
        ("filtered", reply(rcode="NXDOMAIN", ede=(17,)), {}),
        ("filtered", reply("www.acme.test A 192.168.0.1", ede=(16,)), {}),
        ("filtered", reply(rcode="SERVFAIL", ede=(18,)), {}),
        ("rcode", reply(rcode="FORMERR"), {}),
        ("stale_definite", reply(*ADDRESS, ede=(3,)), {}),
        ("stale_definite", reply(rcode="NXDOMAIN", ede=(19,)), {}),
        ("fresh", reply(*ADDRESS), {"expect": ["203.0.113.7", "203.0.113.8"]}),
        ("rewritten", reply(*ADDRESS), {"expect": ["203.0.113.8"]}),
        ("rewritten", reply(*ADDRESS, "www.acme.test A 198.51.100.1"), {"expect": ["203.0.113.7"]}),
        ("fresh", reply("www.acme.test AAAA 2001:db8::7"), {"type": "AAAA", "expect": ["2001:DB8:0::7"]}),
        ("private_answer", reply("www.acme.test A 10.0.0.7"), {}),
        ("private_answer", reply("www.acme.test A 100.64.0.1"), {}),
        ("private_answer", reply("www.acme.test A 0.0.0.0"), {}),
        ("private_answer", reply("www.acme.test AAAA ::"), {"type": "AAAA"}),
        ("private_answer", reply("www.acme.test AAAA fd00::7"), {"type": "AAAA"}),
        ("private_answer", reply(*ADDRESS, "www.acme.test A 10.0.0.7"), {}),
        ("fresh", reply("www.acme.test A 10.0.0.7"), {"private": True}),
        ("fresh", reply("www.acme.test A 10.0.0.7"), {"expect": ["10.0.0.7"]}),
        ("fresh", reply('www.acme.test TXT "10.0.0.7"'), {"type": "TXT"}),
    ],
)
def test_what_a_resolver_says_has_a_class(wanted: str, given: Reply, more: dict[str, Any]) -> None:
    assert reply_class(spec(**more), NAME, given) == wanted


@pytest.mark.parametrize(
    ("wanted", "outcome", "given"),
    [
        ("ok", "ok", reply(*ADDRESS)),
        ("ok", "ok", reply(rcode="NXDOMAIN")),  # it resolves, whatever became of the control name
        ("servfail", "ok", reply(rcode="SERVFAIL")),
        ("refused", "ok", reply(rcode="REFUSED")),
        ("rcode", "ok", reply(rcode="NOTIMP")),
        ("timeout", "timeout", None),
        ("timeout", "bad_replies", None),
        ("no_answer", "refused", None),
        ("not_asked", "local_error", None),  # says nothing of the resolver
        ("not_asked", "over_budget", None),
    ],
)
def test_a_control_says_whether_the_resolver_resolves(wanted: str, outcome: str, given: Reply | None) -> None:
    assert control_class(outcome, given) == wanted


def seen(word: str | None, control: str | None = None, at: str = "9.9.9.9:53", **more: Any) -> Evidence:
    findings: dict[str, Any] = {key: more[key] for key in ("outcome", "ede") if key in more}
    if word is not None:
        findings["class"] = word
    if control is not None:
        findings["control"] = {"name": "ok.control.test", "class": control}
    material = {"resolver": at, "values": more.get("values", [])}
    return Evidence(findings=findings, failure=more.get("failure"), phase=more.get("phase"), material=material)


@pytest.mark.parametrize(
    ("wanted", "evidence"),
    [
        (None, seen("fresh")),
        (None, seen("fresh", "timeout")),  # a control that fails is nothing against a name that resolves
        (None, seen("stale_suspected")),
        (None, seen("expected_negative")),
        (("dns_stale", "target"), seen("stale_definite")),
        (("dns_nxdomain", "target"), seen("unexpected_nxdomain")),
        (("dns_nodata", "target"), seen("unexpected_nodata")),
        (("dns_filtered", "resolver"), seen("filtered")),
        (("dns_bogus", "target"), seen("dnssec_bogus", "timeout")),
        (("dns_rewritten", "resolver"), seen("rewritten")),
        (("dns_private_answer", "resolver"), seen("private_answer")),
        # the name fails, the control does not
        (("dns_name_down", "target"), seen("timeout", "ok", outcome="timeout")),
        (("dns_name_down", "target"), seen("servfail", "ok")),
        (("dns_name_down", "target"), seen("no_reachable_authority", "ok")),
        (("dns_refused", "resolver"), seen("refused", "ok")),
        (("dns_rcode", "resolver"), seen("rcode", "ok")),
        (("connection_reset", "resolver"), seen("no_answer", "ok", outcome="reset")),
        (("tls_expired", "resolver"), seen("no_answer", "ok", outcome="tls_expired")),
        (("dns_bad_replies", "resolver"), seen("timeout", "ok", outcome="bad_replies")),
        # both fail
        (("dns_resolver_down", "resolver"), seen("timeout", "timeout", outcome="timeout")),
        (("dns_resolver_down", "resolver"), seen("servfail", "servfail")),
        (("dns_resolver_down", "resolver"), seen("refused", "refused")),
        (("dns_resolver_down", "resolver"), seen("no_answer", "no_answer", outcome="refused")),
        (("dns_resolver_down", "resolver"), seen("servfail", "timeout")),
        # no control, or none in time: one attempt cannot tell
        (("dns_timeout", "resolver"), seen("timeout", outcome="timeout")),
        (("dns_timeout", "resolver"), seen("timeout", "late", outcome="timeout")),
        (("dns_servfail", "resolver"), seen("servfail")),
        (("dns_name_down", "target"), seen("no_reachable_authority")),  # the resolver says so itself
        (("connect_refused", "resolver"), seen("no_answer", outcome="refused")),
        # nothing to do with the resolver
        (("connect_unreachable", "network"), seen("no_answer", "no_answer", outcome="unreachable")),
        (("address_not_allowed", "config"), seen("no_answer", "no_answer", outcome="not_allowed")),
        (("local_error", "probe"), seen("no_answer", "no_answer", outcome="local_error")),
        (("over_budget", "config"), seen("no_answer", "ok", outcome="over_budget")),
        (("dns_timeout", "resolver"), seen("timeout", "not_asked", outcome="timeout")),
        # before the question
        (("dns_resolver_down", "resolver"), seen(None, failure="resolver_without_address")),
        (("dns_resolver_down", "resolver"), seen(None, failure="timeout", phase="lookup")),
        (("unsupported", "config"), seen(None, failure="unsupported")),
        (("local_error", "config"), seen(None, failure="no_resolver")),
        (("probe_error", "probe"), seen(None, failure="bug")),
        (("connect_unreachable", "probe"), seen(None, failure="no_family")),
    ],
)
def test_the_verdict_on_one_resolver(wanted: tuple[str, str] | None, evidence: Evidence) -> None:
    verdict = judge(spec(), evidence)
    assert (verdict and (verdict.reason, verdict.side)) == wanted


def test_a_family_that_the_probe_lacks_does_not_count() -> None:
    verdict = judge(spec(), seen(None, failure="no_family"))
    assert verdict is not None
    assert verdict.abstain == "no_family"


def words(*evidence: Evidence) -> list[str | None]:
    return [verdict and verdict.reason for verdict in judge_together(spec(), evidence)]


def dark(place: int, control: str | None = "timeout", **more: Any) -> Evidence:
    return seen("timeout", control, at=f"9.9.9.{place}:53", outcome="timeout", **more)


def fine(place: int, control: str = "ok") -> Evidence:
    return seen("fresh", control, at=f"9.9.9.{place}:53")


def test_where_nearly_all_controls_fail_the_network_is_down_and_nobody_is_blamed() -> None:
    verdicts = judge_together(spec(), [dark(1), dark(2), dark(3), dark(4), fine(5)])
    assert [verdict and verdict.reason for verdict in verdicts] == ["dns_network_down"] * 4 + [None]
    assert [verdict.abstain for verdict in verdicts if verdict] == ["network_down"] * 4
    assert words(dark(1), dark(2), dark(3), fine(4)) == ["dns_resolver_down"] * 3 + [None]  # three quarters


def test_one_resolver_alone_says_nothing_of_the_network() -> None:
    assert words(dark(1)) == ["dns_resolver_down"]
    by_two_ways = [dark(1), seen("no_answer", "no_answer", at="9.9.9.1:853", outcome="refused")]
    assert words(*by_two_ways) == ["dns_resolver_down"] * 2


def test_a_resolver_without_a_control_falls_with_the_others() -> None:
    assert words(dark(1), dark(2), dark(3, None)) == ["dns_network_down"] * 3
    assert words(dark(1, None), dark(2, None)) == ["dns_timeout"] * 2


def test_controls_that_all_fail_by_an_answer_are_worth_nothing_where_the_answers_came_from_afar() -> None:
    far = [seen("servfail", "servfail", at=f"9.9.9.{place}:53") for place in (1, 2)]
    assert words(*far) == ["dns_servfail"] * 2
    near = [seen("servfail", "servfail", at=f"192.168.0.{place}:53") for place in (1, 2)]
    assert words(*near) == ["dns_network_down"] * 2


def test_what_all_resolvers_say_alike_is_the_zones() -> None:
    def sides(*evidence: Evidence) -> list[str | None]:
        return [verdict and verdict.side for verdict in judge_together(spec(), evidence)]

    def private(place: int, value: str = "10.0.0.7") -> Evidence:
        return seen("private_answer", "ok", at=f"9.9.9.{place}:53", values=[value])

    assert sides(private(1), private(2)) == ["target", "target"]
    assert sides(private(1), private(2, "10.0.0.8")) == ["resolver", "resolver"]
    assert sides(private(1), seen("fresh", at="9.9.9.2:53", values=["203.0.113.7"])) == ["resolver", None]
    assert sides(private(1)) == ["resolver"]
    assert sides(private(1), private(1)) == ["resolver", "resolver"]
    assert sides(private(1), private(2), dark(3, "ok")) == ["target", "target", "target"]


@pytest.mark.parametrize(
    ("still", "ttl", "stood_s", "seen_s", "largest"),
    [
        (True, 30, 10, 10, 300),
        (True, 30, 3600, 30, 300),
        (False, 30, 4, 4, 300),  # too soon to tell
        (False, 30, 300, 300, 300),  # fetched again meanwhile: a cache of 300 s may well be at 30 again
        (False, 290, 10, 10, 300),  # not the TTL of what is stale
        (True, 6, 5, 5, 6),
        (True, 6, 20, 1, 6),
        (False, 6, 6, 6, 6),
        (False, 0, 30, 30, 0),  # never kept at all: legal
        (False, 30, 30, 30, 30),
    ],
)
def test_a_ttl_that_stands_still_looks_stale(
    still: bool, ttl: int, stood_s: float, seen_s: float, largest: int
) -> None:
    assert ttl_stands_still(ttl, stood_s, seen_s, largest) is still


@pytest.mark.parametrize(
    ("late", "duration_s", "control_s"),
    [
        (True, 1.8, 0.02),
        (True, 1.7, 0.1),
        (False, 1.6, 0.02),
        (False, 2.1, 0.02),
        (False, 1.8, 1.8),
        (False, 1.8, None),
    ],
)
def test_an_answer_after_the_client_timeout_looks_stale(late: bool, duration_s: float, control_s: float | None) -> None:
    assert late_like_stale(duration_s, control_s) is late
