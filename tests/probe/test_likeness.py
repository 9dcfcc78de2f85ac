"""A secret is known in any dress."""

import base64
import codecs
import html
import json
import time
from collections.abc import Callable
from urllib.parse import quote

import pytest

from parallax.redaction import MASK
from probe.hidden import Hidden
from probe.likeness import Likeness

SECRET = "correct h0rse-battery+Staple!"
DRESSES: dict[str, Callable[[str], str]] = {
    "decimal references": lambda s: "".join(f"&#{ord(c)};" for c in s),
    "hex references": lambda s: "".join(f"&#x{ord(c):04X};" for c in s),
    "references escaped": lambda s: html.escape("".join(f"&#{ord(c)};" for c in s)),
    "escapes of JSON": lambda s: "".join(f"\\u{ord(c):04x}" for c in s),
    "escapes of C": lambda s: "".join(f"\\x{ord(c):02x}" for c in s),
    "octal": lambda s: "".join(f"\\{ord(c):03o}" for c in s),
    "percent": lambda s: "".join(f"%{ord(c):02x}" for c in s),
    "percent thrice": lambda s: quote(quote(quote(s, safe=""), safe=""), safe=""),
    "percent of percent": lambda s: "".join(f"%25{ord(c):02X}" for c in s),
    "quoted-printable": lambda s: "".join(f"={ord(c):02X}" for c in s),
    "capitals": str.upper,
    "small": str.lower,
    "UTF-16": lambda s: s.encode("utf-16-le").decode("latin-1"),
    "spaced": " ".join,
    "dotted": ".".join,
    "nothing between": "\u200b".join,
    "broken": lambda s: f"{s[:9]}\r\n{s[9:]}",
    "tags": lambda s: "".join(f"<i>{c}</i>" for c in s),
    "wide": lambda s: "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in s),
    "backwards": lambda s: s[::-1],
    "rot13": lambda s: codecs.encode(s, "rot13"),
    "its beginning": lambda s: s[:18],
    "its end": lambda s: s[9:],
    "base32": lambda s: base64.b32encode(s.encode()).decode(),
    "hex with colons": lambda s: s.encode().hex(":"),
    "base64 twice": lambda s: base64.b64encode(base64.b64encode(s.encode())).decode(),
    "base64 of UTF-16": lambda s: base64.b64encode(s.encode("utf-16-le")).decode(),
}


@pytest.mark.parametrize("name", DRESSES)
def test_a_given_secret_is_hidden_in_any_dress(name: str) -> None:
    probe = Hidden()
    probe.add(SECRET, for_all=True)
    text = f"No such user: {DRESSES[name](SECRET)}, sorry"
    assert probe.scrub({"alert": [text]}) == {"alert": [MASK]}
    assert Hidden(probe).scrub(text) == MASK


def test_json_in_json() -> None:
    probe = Hidden()
    probe.add(SECRET, for_all=True)
    assert "h0rse" not in probe.scrub(json.dumps(json.dumps(SECRET)))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Sign in to Example",
        "The battery of a correct horse is empty",
        "https://sso.example.com/auth?client_id=web",
        "%",
    ],
)
def test_other_texts_stay(text: str) -> None:
    probe = Hidden()
    probe.add(SECRET, for_all=True)
    assert probe.scrub(text) == text


def test_what_a_server_gave_hides_no_more_than_itself() -> None:
    run = Hidden()
    run.add(SECRET)
    assert run.scrub(f"a {SECRET} b") == f"a {MASK} b"
    assert run.scrub(SECRET.upper()) == SECRET.upper()


def test_a_short_secret_is_not_seen_everywhere() -> None:
    probe = Hidden()
    probe.add("pass-w0", for_all=True)
    assert probe.scrub("the pass, W0 is here") == "the pass, W0 is here"


def test_what_was_looked_at_is_looked_at_again_for_a_new_secret() -> None:
    likeness = Likeness()
    likeness.add("some 0ther secret of mine")
    text = f"well, {SECRET.upper()}"
    assert not likeness.is_in(text)
    likeness.add(SECRET)
    assert likeness.is_in(text)
    for number in range(5_000):
        likeness.is_in(f"text number {number}")
    assert likeness.is_in(text)


@pytest.mark.parametrize("piece", ["%25", "&amp;", "&#x", "&#0", "<", "\\", "=", "\uff21", "a\u0301"])
def test_no_text_takes_long(piece: str) -> None:
    """A few hundred microseconds for each kilobyte at most; CPU time, as the machine may be busy."""
    likeness = Likeness()
    likeness.add(SECRET)
    began = time.process_time()
    likeness.is_in(piece * (200_000 // len(piece)) + "u")
    assert time.process_time() - began < 5
