"""What is hidden is found again in no coding that servers and libraries give it back in."""

import base64
import html
import json
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parallax.redaction import MASK
from probe.hidden import MOST, Hidden

CODINGS: dict[str, Callable[[str], str]] = {
    "raw": str,
    "url": lambda text: quote(text, safe=""),
    "path": quote,
    "form": quote_plus,
    "html": html.escape,
    "json": lambda text: json.dumps(text)[1:-1],
    "json-utf8": lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
    "hex": lambda text: text.encode().hex(),
    "repr": lambda text: repr(text)[1:-1],
}


def knowing(*secrets: str) -> Hidden:
    hidden = Hidden()
    for secret in secrets:
        hidden.add(secret)
    return hidden


@pytest.mark.parametrize("coding", CODINGS)
@pytest.mark.parametrize("secret", ["hunter2hunter2", "p&ss wörd/<\"'>+=%", "line\\back", "123456"])
def test_a_secret_is_hidden_in_every_coding(secret: str, coding: str):
    coded = CODINGS[coding](secret)
    assert knowing(secret).scrub(f"before {coded} after") == f"before {MASK} after"


@given(st.text(min_size=8, max_size=60), st.binary(max_size=7), st.binary(max_size=7))
def test_base64_of_a_longer_text_hides_it_at_every_alignment(secret: str, before: bytes, after: bytes):
    secret = secret.encode("utf-8", "replace").decode()
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        coded = encode(before + secret.encode() + after).decode()
        assert MASK in knowing(secret).scrub(coded)


def test_everything_that_a_finding_is_made_of_is_looked_through():
    found = {"a-hunter2": ["x", ("hunter2", 7)], "n": 1, "none": None, "in": {"deep": "=hunter2="}}
    assert knowing("hunter2").scrub(found) == {
        f"a-{MASK}": ["x", (MASK, 7)],
        "n": 1,
        "none": None,
        "in": {"deep": f"={MASK}="},
    }


def test_the_longer_of_two_is_hidden_whole():
    assert knowing("secret", "secret-and-more").scrub("secret-and-more") == MASK


def test_what_is_short_is_no_secret_and_what_is_beyond_the_bound_is_counted():
    hidden = knowing("abc", *(f"secret-{number:04}" for number in range(MOST + 3)))
    assert hidden.scrub("abc") == "abc"
    assert hidden.left_out == 3


def test_nothing_known_costs_nothing():
    findings = {"a": [1, 2]}
    assert Hidden().scrub(findings) is findings
