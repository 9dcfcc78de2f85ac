"""DMARC: the walk up the tree, and the records that receivers ignore."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probe.mail.dmarc import MAX_QUERIES, check_dmarc
from probe.mail.record import Found, Question
from tests.probe.mail.tables import Table, failed, settle

REJECT = "v=DMARC1; p=reject; rua=mailto:dmarc@acme.test"


def test_the_domains_own_record_ends_the_walk() -> None:
    asked: list[Question] = []
    state = settle(check_dmarc("acme.test"), {("_dmarc.acme.test", "TXT"): [REJECT]}, asked)
    assert (state.word, state.facts["policy"], len(asked)) == ("ok", "reject", 1)


def test_the_record_of_the_organizational_domain_holds_below_it() -> None:
    table: Table = {("_dmarc.acme.test", "TXT"): ["v=DMARC1; p=reject; sp=quarantine"]}
    asked: list[Question] = []
    state = settle(check_dmarc("mail.eu.acme.test"), table, asked)
    assert (state.word, state.facts["policy"], state.facts["inherited"]) == ("ok", "quarantine", "acme.test")
    assert [question.name for question in asked] == [
        "_dmarc.mail.eu.acme.test",
        "_dmarc.eu.acme.test",
        "_dmarc.acme.test",
        "_dmarc.test",
    ]


def test_the_highest_record_is_the_organizational_domains() -> None:
    table: Table = {("_dmarc.eu.acme.test", "TXT"): ["v=DMARC1; p=none"], ("_dmarc.acme.test", "TXT"): [REJECT]}
    assert settle(check_dmarc("m.eu.acme.test"), table).facts["inherited"] == "acme.test"
    table = {("_dmarc.eu.acme.test", "TXT"): ["v=DMARC1; p=none; psd=n"], ("_dmarc.acme.test", "TXT"): [REJECT]}
    assert settle(check_dmarc("m.eu.acme.test"), table).facts["inherited"] == "eu.acme.test"


def test_a_public_suffix_gives_way_to_the_domain_below_it() -> None:
    table: Table = {("_dmarc.test", "TXT"): ["v=DMARC1; p=none; psd=y"], ("_dmarc.acme.test", "TXT"): [REJECT]}
    assert settle(check_dmarc("m.acme.test"), table).facts["inherited"] == "acme.test"
    del table["_dmarc.acme.test", "TXT"]  # type: ignore[attr-defined]
    assert settle(check_dmarc("m.acme.test"), table).facts["inherited"] == "test"


def test_a_deep_name_costs_eight_queries() -> None:
    asked: list[Question] = []
    name = ".".join("abcdefghijklmnop") + ".test"
    assert settle(check_dmarc(name), {}, asked).word == "missing"
    assert len(asked) == MAX_QUERIES
    assert asked[1].name == "_dmarc.k.l.m.n.o.p.test"


@pytest.mark.parametrize(
    ("texts", "word", "problem"),
    [
        ([REJECT], "ok", None),
        (["v=DMARC1;p=none"], "ok", None),
        (["v=DMARC1; rua=mailto:a@b.test"], "ok", None),
        (["v=DMARC1; p=none; pct=50"], "ok", None),
        (["v = DMARC1 ; p=none"], "invalid", "version"),
        ([REJECT, REJECT], "invalid", "multiple"),
        (["v=DMARC1; p=block"], "invalid", "policy"),
        (["v=DMARC1; p=none; sp=maybe"], "invalid", "policy"),
        (["v=DMARC1"], "invalid", "policy"),
        (["v=dmarc1; p=none"], "invalid", "version"),
        (["p=none; v=DMARC1"], "invalid", "version"),
        (["v=DMARC1; p=none; adkim=x"], "invalid", "tag"),
        (["v=DMARC1; p=none p=none"], "invalid", "policy"),
        (["v=DMARC1, p=none"], "invalid", "version"),
        (["some text"], "missing", None),
        ([], "missing", None),
    ],
)
def test_records(texts: list[str], word: str, problem: str | None) -> None:
    state = settle(check_dmarc("acme.test"), {("_dmarc.acme.test", "TXT"): texts})
    assert (state.word, state.problem) == (word, problem), state


def test_no_answer_on_the_way_is_no_absence() -> None:
    assert settle(check_dmarc("acme.test"), {("_dmarc.acme.test", "TXT"): failed("timeout")}).word == "tempfail"
    assert settle(check_dmarc("acme.test"), {("_dmarc.test", "TXT"): failed("timeout")}).word == "tempfail"


def test_an_operator_does_not_answer_for_what_is_above_its_zone() -> None:
    table: Table = {("_dmarc.test", "TXT"): Found(status="elsewhere")}
    assert settle(check_dmarc("acme.test"), table).word == "missing"
    table = {("_dmarc.acme.test", "TXT"): [REJECT], ("_dmarc.test", "TXT"): Found(status="elsewhere")}
    assert settle(check_dmarc("m.acme.test"), table).facts["inherited"] == "acme.test"


@given(st.text(max_size=200))
def test_any_text_comes_to_some_state(text: str) -> None:
    settle(check_dmarc("acme.test"), {("_dmarc.acme.test", "TXT"): ["v=DMARC1;" + text]})
