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
from probe.hidden import MOST, MOST_OF_MANY, Hidden

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


@pytest.mark.parametrize(
    ("finding", "left"),
    [
        ({"title": "cut corr3ct-h", "then": "more"}, {"title": f"cut {MASK}", "then": "more"}),
        (["<", "cor>r3ct-h0rse-battery", "x"], ["<", MASK, "x"]),
        (["%63orr3ct-h0rse-battery", "plain"], [MASK, "plain"]),
        ({"corr3ct-h0rse-battery": {"deep": ("corr3ct-h0rse-battery",)}}, {MASK: {"deep": (MASK,)}}),
        ({"a": ["corr3ct-", "h0rse-"]}, {"a": [MASK, "h0rse-"]}),
    ],
)
def test_each_text_of_a_finding_is_looked_at_by_itself_where_all_of_them_are_not_clear(finding: object, left: object):
    hidden = Hidden(Hidden())
    hidden.add("corr3ct-h0rse-battery", for_all=True)
    assert hidden.scrub(finding) == left
    clear = {"status": 200, "hops": [{"url": "https://acme.test/login"}]}
    assert hidden.scrub(clear) is clear


def test_the_longer_of_two_is_hidden_whole():
    assert knowing("secret", "secret-and-more").scrub("secret-and-more") == MASK


@pytest.mark.parametrize(
    "text", ["before hunter2hu", "before hunter2hu… after", "hunter2*** after", "hunter2h...: no URL"]
)
def test_one_that_was_cut_before_it_came_here_is_hidden_too(text: str):
    assert "hunter" not in knowing("hunter2hunter2").scrub(text)


def test_what_merely_begins_like_one_is_not():
    assert knowing("Sign-in-2026!").scrub("Sign in to Acme") == "Sign in to Acme"
    assert knowing("hunter2hunter2").scrub("hunters of 2") == "hunters of 2"


def test_two_that_overlap_are_hidden_whole():
    assert knowing("abcdef", "defghi").scrub("..abcdefghi..") == f"..{MASK}.."
    assert knowing("abcdef").scrub("abcdefabcdef-abcdef") == f"{MASK}-{MASK}"


def test_a_header_in_utf_8_and_folded_blanks_are_seen_through():
    assert knowing("pässwörd").scrub("pässwörd".encode().decode("latin-1")) == MASK
    assert knowing("two  blanks\tone").scrub("two blanks one") == MASK


def test_what_is_short_is_no_secret_and_cookies_do_not_take_the_room_of_a_password():
    hidden = knowing("abc")
    for number in range(MOST_OF_MANY + 3):
        hidden.add(f"cookie-{number:04}", one_of_many=True)
    hidden.add("hunter2hunter2")
    assert hidden.scrub("abc") == "abc"
    assert hidden.scrub("hunter2hunter2") == MASK
    assert hidden.left_out == 3
    for number in range(MOST):
        hidden.add(f"secret-{number:04}")
    assert hidden.left_out == 3 + MOST_OF_MANY + 1


def test_what_one_run_sent_is_hidden_in_the_others():
    of_all = Hidden()
    first, second = Hidden(of_all), Hidden(of_all)
    first.add("hunter2hunter2", for_all=True)
    first.add("first's own token")
    assert second.scrub("hunter2hunter2, first's own token") == f"{MASK}, first's own token"
    assert first.scrub("hunter2hunter2, first's own token") == f"{MASK}, {MASK}"
