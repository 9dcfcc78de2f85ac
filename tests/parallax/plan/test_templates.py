"""Texts with gaps."""

import pytest

from parallax.plan.templates import Gap, TemplateError, gaps_of, parse_secrets, parse_template, secrets_of


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("", ()),
        ("plain", ("plain",)),
        ("synthetic-{probe}", ("synthetic-", Gap("probe"))),
        ("secret:PW", (Gap("PW", secret=True),)),
        ("Bearer {secret:KEY}", ("Bearer ", Gap("KEY", secret=True))),
        ("{md.token_endpoint}?x={user.name}", (Gap("md.token_endpoint"), "?x=", Gap("user.name"))),
        ("{{}}", ("{", "}")),
        ("a secret:PW", ("a secret:PW",)),
    ],
)
def test_pieces(text: str, pieces: tuple[str | Gap, ...]):
    assert parse_template(text) == pieces


@pytest.mark.parametrize("text", ["{", "}", "{}", "{a b}", "{1a}", "{secret:}", "{a..b}", "{secret:A-B}", '{"a": 1}'])
def test_a_brace_that_opens_no_gap_is_said(text: str):
    with pytest.raises(TemplateError, match="belongs to no gap"):
        parse_template(text)


def test_secrets_alone_leave_every_other_brace_as_it_is():
    assert parse_secrets('{"a": "{secret:K}"}') == ('{"a": "', Gap("K", secret=True), '"}')
    assert parse_secrets("secret:K") == (Gap("K", secret=True),)


def test_the_secrets_of_anything():
    assert list(secrets_of({"a": ["{secret:X}", 1], "b": ("secret:Y", "{")})) == ["X", "Y"]
    assert [gap.name for gap in gaps_of("{a}{b}")] == ["a", "b"]
