"""How text becomes a page: hidden things, alerts, labels, broken markup, bounds."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probe.pages.charset import text_of
from probe.pages.classify import classify
from probe.pages.facts import MetaRefresh
from probe.pages.page import read_page
from probe.pages.scene import Context
from probe.pages.submission import submission

URL = "https://sso.example/a/b?c=d"


def test_title_text_and_labels() -> None:
    page = read_page(
        "<title> A &amp;\n B </title><svg><title>icon</title></svg><h1>Sign <b>in</b></h1>\n<p>one\ntwo<br>three"
        "<script>var x='<p>no';</script>"
        "<style>p{}</style><div hidden>never</div><label for=u>User <i>name</i></label><form><input id=u name=u>"
        "<label>Pass<input name=p type=password></label>"
        "<span id=l>Code</span><input name=c aria-labelledby='l none'></form>",
        URL,
    )
    assert page.title == "A & B"
    assert page.headings == ("Sign in",)
    assert page.text.split("\n")[:3] == ["Sign in", "one two", "three"]
    assert "never" not in page.text
    assert "no" not in page.text.split()
    assert [field.label for field in page.forms[0].fields] == ["User name", "Pass", "Code"]


@pytest.mark.parametrize(
    "hidden",
    ["hidden", "style='display: NONE'", "class='box d-none'", "style='visibility:hidden'", "inert"],
)
def test_hidden_alerts_are_told_apart(hidden: str) -> None:
    page = read_page(
        f"<div role=alert {hidden}>wrong</div><div {hidden}><p class=error>bad</p></div><p class=error>seen", URL
    )
    assert page.alerts == ("seen",)
    assert set(page.hidden_alerts) == {"wrong", "bad"}


def test_of_nested_alerts_the_inner_counts() -> None:
    page = read_page("<div class=has-error><label>Password</label><span class=help-error>Wrong</span></div>", URL)
    assert page.alerts == ("Wrong",)


@pytest.mark.parametrize(
    ("content", "url", "delay"),
    [
        ("0;url=/x", "https://sso.example/x", 0),
        ("5; URL='https://other.example/y?a=1&amp;b=2'", "https://other.example/y?a=1&b=2", 5),
        ("1.5,/z", "https://sso.example/z", 1.5),
        ("3", "https://sso.example/a/b?c=d", 3),
        ("0;url=javascript:x", None, 0),
        ("", None, 0),
    ],
)
def test_meta_refresh(content: str, url: str | None, delay: float) -> None:
    page = read_page(f'<meta http-equiv="Refresh" content="{content}">', URL)
    assert page.meta_refresh == (MetaRefresh(url=url, delay_s=delay) if url else None)


def test_references_in_urls_survive() -> None:
    page = read_page(
        "<form action='/x?a=1&copy=2&amp;lt=3&reg' method=post></form><a href=\"?x&#x3D;1&#38;y\">k</a>", URL
    )
    assert page.forms[0].action == "https://sso.example/x?a=1&copy=2&lt=3%C2%AE"
    assert page.links[0].url == "https://sso.example/a/b?x=1&y"


@pytest.mark.parametrize(
    ("html", "names"),
    [
        ("<form method=post><input name=a<input name=b></form>", ["a<input"]),
        ("<form><div><input name=a></form></div><input name=b>", ["a"]),
        ("<p hidden>x<p>y<form><input name=a>", ["a"]),
        ("<form><!-- <input name=x> --><input name=a><!--><input name=b>", ["a", "b"]),
        ("<form><input name=a title='unclosed><input name=b>", []),
        ("<form><textarea name=t><input name=x></textarea><input name=a>", ["t", "a"]),
        ("<form><xmp><input name=x></xmp><input name=a>", ["a"]),
        ("<FORM><INPUT NAME=a TYPE=TEXT></FORM>", ["a"]),
        ("<form><input/name='a'type=text/></form>", ["a"]),
    ],
)
def test_broken_markup_is_read_as_browsers_do(html: str, names: list[str]) -> None:
    assert [field.name for form in read_page(html, URL).forms for field in form.fields] == names


@pytest.mark.parametrize(
    ("body", "header", "text", "charset"),
    [
        ("é".encode(), None, "é", "utf-8"),
        (b"\xe9 x", None, "é x", "cp1252"),
        (b"\xe9", "text/html; charset=ISO-8859-1", "é", "cp1252"),
        ("ログ".encode("shift_jis"), 'text/html; charset="Shift_JIS"', "ログ", "shift_jis"),
        (b"<meta charset='windows-1252'>\xe9", None, "<meta charset='windows-1252'>é", "cp1252"),
        (b"\xef\xbb\xbfx", "text/html; charset=latin1", "x", "utf-8"),
        (b"x", "text/html; charset=rot13", "x", "utf-8"),
        (b"x", "text/html; charset=none-such", "x", "utf-8"),
        (b"x", "text/html; charset=idna", "x", "utf-8"),
        (b"\xff\xfex\x00", None, "x", "utf-16-le"),
    ],
)
def test_encodings(body: bytes, header: str | None, text: str, charset: str) -> None:
    assert text_of(body, header) == (text, charset)


_PIECES = r"""
    <form> | <form action=/x method=post> | </form> | <input | <input name=a> | <input type=password name=p>
    | <button> | </button> | <select name=s> | <option> | </select> | <label> | <label for=a> | </label>
    | <textarea name=t> | </textarea> | <p hidden> | </p> | <div role=alert> | </div> | <noscript>
    | </noscript> | <template> | </template> | <script> | </script> | <!-- --> | <!x> | <?y> | </> | < | > | "
    | ' | = | & | &#99999999999; | &#xD800; | &amp | &copy= | <base href=//[> | <base href=../x>
    | <meta http-equiv=refresh content=0;url=x> | <title> | </title> | <a href=http://[bad> | <table> | <tr>
    | <td> | <svg> | <fieldset disabled> | </fieldset> | <form action=http://é/ü method=post>
    | <input type=image form=x> | <iframe src=x> | <body onload=submit()>
    | <input type=hidden name=code value=1> | <button name=b value=1>Sign in | <button formaction=javascript:x>
    | é | ログイン | Password | wrong | consent | Allow | <input name=otp maxlength=1>
    | <input type=checkbox name=scope value=openid> | <form id=x> | <input form=x name=u autocomplete=username>
"""
PIECES = st.sampled_from([piece.strip() for piece in _PIECES.split("|")])


@pytest.mark.slow
@settings(max_examples=200, deadline=2000)
@given(st.lists(st.one_of(PIECES, st.text(max_size=20)), max_size=60).map("".join))
def test_nothing_raises(text: str) -> None:
    page = read_page(text, URL)
    scene = classify(page, None, Context())
    again = classify(page, read_page("<p>first", URL), Context(submitted=("identifier_password",), leaving=True))
    for found in (scene, again):
        if found.leads_on and found.form is not None:
            submission(found.form, found.fill({"identifier": "u", "password": "p", "otp": "1"}), found.press)
        else:
            assert not found.leads_on or found.follow
    for form in page.forms:
        if form.action and form.method != "dialog":
            submission(form, {})


@settings(max_examples=100, deadline=2000)
@given(st.binary(max_size=300), st.text(max_size=40))
def test_no_octets_raise(body: bytes, header: str) -> None:
    text, charset = text_of(body, header)
    read_page(text, URL, charset)


WORST = (
    "<b>", "<p>a", "<div class=error>a</div>", "<form>", "<input name=a>", "<a href=x>y</a>", "<label>", "<option>a",
    "<button>", "<h1>a", "<a ", '<a x="', "</", "<!--", "<![CDATA[", "<?", "<a b=c ", "&", "&#9", "<", "a\n", "<title>",
    "<script>location='/a';</script>", "<textarea></textarea >", "<select><option>a</select>", "<label for=a>x</label>",
    "<div id=a>", "ログイン ", "<noscript>a", "</b ", "<td><tr>",
)  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("piece", WORST)
def test_a_megabyte_of_anything_is_read_in_bounded_time(piece: str) -> None:
    """Under 60 ms on an idle core; fifty times that is allowed, for a busy machine: by squares it is minutes."""
    text = piece * (1_500_000 // len(piece))
    began = time.process_time()
    page = read_page(text, URL)
    classify(page, page, Context())
    classify(page, read_page("<p>first", URL), Context(submitted=("identifier_password",)))
    assert time.process_time() - began < 3
    assert page.clipped
    assert len(page.text) <= 20_000
    assert len(page.forms) <= 50
    assert sum(len(form.fields) for form in page.forms) + len(page.loose) <= 500
