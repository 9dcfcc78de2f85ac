"""MX, null MX and the domain that bounces go to."""

import pytest

from probe.mail.mx import check_mx, check_return_path
from probe.mail.record import Found
from tests.probe.mail.tables import Table, failed, settle

HOSTS: Table = {
    ("mx1.test", "A"): ["192.0.2.1"],
    ("mx6.test", "AAAA"): ["2001:db8::1"],
    ("alias.test", "A"): Found(status="found", values=("192.0.2.1",), aliases=("mx1.test",)),
    ("dark.test", "A"): failed("timeout"),
}


@pytest.mark.parametrize(
    ("values", "receives", "word", "problem"),
    [
        (["10 mx1.test."], True, "ok", None),
        (["10 mx6.test."], True, "ok", None),
        (["10 mx1.test.", "20 gone.test."], True, "weak", "no_address"),
        (["10 gone.test."], True, "invalid", "no_address"),
        (["10 alias.test."], True, "invalid", "alias"),
        (["10 dark.test."], True, "tempfail", "timeout"),
        (["0 ."], True, "invalid", "null"),
        (["0 ."], False, "ok", None),
        (["0 .", "10 mx1.test."], False, "invalid", "null"),
        ([], True, "missing", "no_such_record"),
        ([], False, "ok", None),
        (["10 192.0.2.1."], True, "invalid", "syntax"),
        (["10 mx\\000.test."], True, "invalid", "syntax"),
        (["ten mx1.test."], True, "invalid", "syntax"),
    ],
)
def test_mx(values: list[str], receives: bool, word: str, problem: str | None) -> None:
    state = settle(check_mx("acme.test", receives=receives), {**HOSTS, ("acme.test", "MX"): values})
    assert (state.word, state.problem) == (word, problem), state


def test_at_an_operator_the_hosts_are_not_looked_up() -> None:
    assert settle(check_mx("acme.test", follow=False), {("acme.test", "MX"): ["10 gone.test."]}).word == "ok"


@pytest.mark.parametrize(
    ("mx", "spf", "word"),
    [
        (["10 mx1.test."], ["v=spf1 -all"], "ok"),
        ([], ["v=spf1 -all"], "missing"),
        (["10 mx1.test."], [], "missing"),
        (["10 mx1.test."], ["v=spf1 -all", "v=spf1 -all"], "invalid"),
        (["0 ."], ["v=spf1 -all"], "invalid"),
        (["10 mx1.test."], failed("servfail"), "tempfail"),
        (failed("servfail"), [], "missing"),  # what is known for good goes first
        (["10 mx1.test."], ["v=spf1 ?all"], "weak"),
    ],
)
def test_return_path(mx: Found | list[str], spf: Found | list[str], word: str) -> None:
    table: Table = {**HOSTS, ("b.acme.test", "MX"): mx, ("b.acme.test", "TXT"): spf}
    state = settle(check_return_path("b.acme.test"), table)
    assert state.word == word, state
    assert state.facts["domain"] == "b.acme.test"


def test_a_return_path_that_is_an_alias_is_for_others_to_say() -> None:
    table: Table = {("b.acme.test", "MX"): Found(status="elsewhere", aliases=("b.vendor.test",))}
    assert settle(check_return_path("b.acme.test", follow=False), table).word == "elsewhere"
