"""SPF as receivers evaluate it: the limits, the mistakes, and what is merely weak."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probe.mail.record import Found, Question
from probe.mail.spf import MAX_QUESTIONS, check_spf
from probe.mail.spf_record import Malformed, is_spf, parse_spf
from tests.probe.mail.tables import Table, failed, settle

HOST: Table = {
    ("host.test", "A"): ["192.0.2.1"],
    ("acme.test", "A"): ["192.0.2.1"],
    ("acme.test", "MX"): ["10 host.test."],
}


def spf(text: str | list[str], more: Table | None = None) -> tuple[str, str | None]:
    texts = [text] if isinstance(text, str) else text
    state = settle(check_spf("acme.test"), {**HOST, ("acme.test", "TXT"): texts, **(more or {})})
    return state.word, state.problem


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("v=spf1 -all", ("ok", None)),
        ("V=SPF1 a mx ~ALL", ("ok", None)),
        ("v=spf1 a:host.test/24 mx:acme.test//64 ip4:192.0.2.0/24 ip6:2001:db8::/32 -all", ("ok", None)),
        ("v=spf1 include:%{d}.x.test exists:%{i}._spf.%{d2} -all", ("ok", None)),
        ("v=spf1 unknown=thing -all", ("ok", None)),
        ("v=spf1 -all junk:after", ("permerror", "syntax")),
        ("v=spf1 +all", ("weak", "open")),
        ("v=spf1 all", ("weak", "open")),
        ("v=spf1 ip4:0.0.0.0/0 -all", ("weak", "open")),
        ("v=spf1 -ip4:0.0.0.0/0 -all", ("ok", None)),
        ("v=spf1 ?all", ("weak", "neutral")),
        ("v=spf1 a", ("weak", "neutral")),
        ("v=spf1", ("weak", "neutral")),
        ("v=spf1 -all:x", ("permerror", "syntax")),
        ("v=spf1 include: -all", ("permerror", "syntax")),
        ("v=spf1 include -all", ("permerror", "syntax")),
        ("v=spf1 ip4:192.0.2.300 -all", ("permerror", "syntax")),
        ("v=spf1 ip6:192.0.2.3 -all", ("permerror", "syntax")),
        ("v=spf1 ipv4:192.0.2.3 -all", ("permerror", "syntax")),
        ("v=spf1 a/33 -all", ("permerror", "syntax")),
        ("v=spf1 redirect=a.test redirect=b.test", ("permerror", "syntax")),
        ("v=spf1 exists:%{z}.x.test -all", ("permerror", "syntax")),
        ("v=spf1 a:" + "x" * 64 + ".test -all", ("permerror", "syntax")),
        ("v=spf1 a:host.test; -all", ("permerror", "syntax")),
        ("v=spf10 -all", ("missing", None)),
        (["other", "text"], ("missing", None)),
        (["v=spf1 -all", "v=spf1 ~all"], ("permerror", "multiple")),
    ],
)
def test_one_record(text: str | list[str], expected: tuple[str, str | None]) -> None:
    assert spf(text) == expected


def test_ten_lookups_are_allowed_and_eleven_are_not() -> None:
    assert spf("v=spf1 " + "a:host.test " * 10 + "-all") == ("ok", None)
    assert spf("v=spf1 " + "a:host.test " * 11 + "-all") == ("permerror", "lookups")


def test_lookups_within_includes_count() -> None:
    inner: Table = {("x.test", "TXT"): ["v=spf1 " + "mx:acme.test " * 5 + "-all"]}
    assert spf("v=spf1 include:x.test a a a a -all", inner) == ("ok", None)
    assert spf("v=spf1 include:x.test a a a a a -all", inner) == ("permerror", "lookups")


def test_networks_all_and_exp_do_not_count() -> None:
    assert spf("v=spf1 " + "ip4:192.0.2.1 " * 20 + "exp=why.acme.test -all") == ("ok", None)


def test_two_void_lookups_are_allowed_and_three_are_not() -> None:
    assert spf("v=spf1 a:n1.test mx:n2.test -all") == ("ok", None)
    assert spf("v=spf1 a:n1.test mx:n2.test exists:n3.test -all") == ("permerror", "void")


def test_a_host_with_ipv6_only_is_no_void_lookup() -> None:
    six: Table = {(f"n{n}.test", "AAAA"): ["2001:db8::1"] for n in range(4)}
    assert spf("v=spf1 a:n0.test a:n1.test a:n2.test a:n3.test -all", six) == ("ok", None)


def test_mx_of_more_than_ten_hosts() -> None:
    assert spf("v=spf1 mx -all", {("acme.test", "MX"): [f"10 h{n}.test." for n in range(11)]}) == ("permerror", "mx")


def test_circles() -> None:
    assert spf("v=spf1 include:acme.test -all") == ("permerror", "loop")
    assert spf("v=spf1 redirect=b.test", {("b.test", "TXT"): ["v=spf1 redirect=acme.test"]}) == ("permerror", "loop")


def test_the_same_include_twice_is_no_circle() -> None:
    inner: Table = {("x.test", "TXT"): ["v=spf1 ip4:192.0.2.1 -all"]}
    assert spf("v=spf1 include:x.test include:x.test -all", inner) == ("ok", None)


@pytest.mark.parametrize("term", ["include:x.test -all", "redirect=x.test"])
def test_what_is_included_must_have_a_record(term: str) -> None:
    assert spf(f"v=spf1 {term}") == ("permerror", "include")
    assert spf(f"v=spf1 {term}", {("x.test", "TXT"): ["hello"]}) == ("permerror", "include")
    assert spf(f"v=spf1 {term}", {("x.test", "TXT"): failed("timeout")}) == ("tempfail", "timeout")


def test_a_redirect_ends_as_the_other_record_does() -> None:
    assert spf("v=spf1 redirect=x.test", {("x.test", "TXT"): ["v=spf1 ?all"]}) == ("weak", "neutral")
    assert spf("v=spf1 redirect=x.test", {("x.test", "TXT"): ["v=spf1 -all"]}) == ("ok", None)
    assert spf("v=spf1 -all redirect=x.test") == ("ok", None)  # RFC 7208 section 6.1: all beats it


def test_an_include_that_lets_everybody_in() -> None:
    assert spf("v=spf1 include:x.test -all", {("x.test", "TXT"): ["v=spf1 +all"]}) == ("weak", "open")


def test_no_answer_is_no_absence() -> None:
    state = settle(check_spf("acme.test"), {("acme.test", "TXT"): failed("servfail")})
    assert (state.word, state.problem) == ("tempfail", "servfail")
    assert settle(check_spf("acme.test"), {}).word == "missing"


def test_at_an_operator_only_the_record_itself_is_looked_at() -> None:
    asked: list[Question] = []
    table: Table = {("acme.test", "TXT"): ["v=spf1 include:x.test a redirect=y.test"]}
    state = settle(check_spf("acme.test", follow=False), table, asked)
    assert (state.word, asked) == ("ok", [Question("acme.test", "TXT")])


def test_a_record_that_fans_out_costs_a_bounded_number_of_questions() -> None:
    class Endless(dict[tuple[str, str], Found]):
        def get(self, key: tuple[str, str], default: object = None) -> Found:  # type: ignore[override]
            name = key[0]
            return Found(status="found", values=(f"v=spf1 include:a.{name} include:b.{name} -all",))

    asked: list[Question] = []
    state = settle(check_spf("acme.test"), Endless(), asked)
    assert (state.word, state.problem) == ("permerror", "lookups")
    assert len(asked) <= MAX_QUESTIONS


@given(st.text(max_size=200))
def test_any_text_is_a_record_or_malformed(text: str) -> None:
    with suppress(Malformed):
        parse_spf("v=spf1 " + text)
    is_spf(text)
