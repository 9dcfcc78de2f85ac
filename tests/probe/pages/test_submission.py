"""What a browser sends for a form."""

import pytest

from probe.pages.form import Form
from probe.pages.page import read_page
from probe.pages.submission import Submission, submission

URL = "https://sso.example/a/b?c=d#e"


def form(html: str, *, charset: str = "utf-8") -> Form:
    return read_page(html, URL, charset).forms[0]


def sent(html: str, fill: dict[str, str] | None = None, press: int | None = None, charset: str = "utf-8") -> Submission:
    own = form(html, charset=charset)
    return submission(own, fill or {}, None if press is None else own.buttons[press])


@pytest.mark.parametrize(
    ("controls", "body"),
    [
        ('<input type=hidden name=t value="1"><input name=u value=x>', "t=1&u=x"),
        ("<input name=u><input value=nameless>", "u="),
        ("<input name=u value=x disabled><input name=v value=y readonly>", "v=y"),
        (
            "<input type=checkbox name=c><input type=checkbox name=d checked><input type=radio name=r value=1 checked>",
            "d=on&r=1",
        ),
        ('<input type=hidden name=r value="0"><input type=checkbox name=r value="1">', "r=0"),
        ("<select name=s><option>A<option value=b>B</select>", "s=A"),
        ("<select name=s><option>A<option value=b selected>B</select>", "s=b"),
        ("<select name=s><option disabled selected>-<option value=b>B</select>", ""),
        ("<select name=s multiple><option>A<option selected>B<option selected>C</select>", "s=B&s=C"),
        ("<select name=s><optgroup disabled><option>A</optgroup><optgroup><option>B</optgroup></select>", "s=B"),
        ("<textarea name=t>\na\nb &amp; c</textarea>", "t=a%0D%0Ab+%26+c"),
        ("<fieldset disabled><input name=u value=1></fieldset><input name=v value=2>", "v=2"),
        ("<template><input name=u value=1></template><input name=v value=2>", "v=2"),
        ("<datalist><option value=1></datalist><input name=v value=2>", "v=2"),
        ("<noscript><input type=hidden name=n value=1></noscript>", "n=1"),
        ('<input name="_charset_" type=hidden><input type=foo name=odd value=1>', "_charset_=utf-8&odd=1"),
        ("<button name=a value=1>A</button><input type=submit name=b value=2><input type=image name=c>", ""),
        ("<input name=u value='é~*-._ ü'>", "u=%C3%A9%7E*-._+%C3%BC"),
        ("<input name=a value=1><form action=/x><input name=b value=2></form><input name=c value=3>", "a=1&b=2"),
        ("<table><tr><td><input name=a value=1></table></div><p><input name=b value=2>", "a=1&b=2"),
        ("<input type=file name=f><input name=a value=1>", "f=&a=1"),
    ],
)
def test_successful_controls(controls: str, body: str) -> None:
    assert sent(f"<form method=post>{controls}</form>").body.decode() == body


def test_only_the_pressed_button_goes_along_in_its_place() -> None:
    html = (
        "<form method=post><input name=a value=1><button name=b value=2>B</button><button name=b value=3>C"
        "</button><input name=z value=9></form>"
    )
    assert sent(html, press=1).body == b"a=1&b=3&z=9"
    assert sent("<form method=post><input type=image name=i><input name=a></form>", press=0).body == b"i.x=1&i.y=1&a="


@pytest.mark.parametrize(
    ("action", "url"),
    [
        ("", "https://sso.example/a/b?c=d"),
        ("action=''", "https://sso.example/a/b?c=d"),
        ("action='x?y=1&amp;z=2#f'", "https://sso.example/base/x?y=1&z=2"),
        ("action='?y=1'", "https://sso.example/base/?y=1"),
        ("action='//other.example/x y'", "https://other.example/x%20y"),
        ("action='/ü?ß'", "https://sso.example/%C3%BC?%C3%9F"),
    ],
)
def test_where_a_form_goes(action: str, url: str) -> None:
    assert sent(f"<base href='/base/'><form method=post {action}></form>").url == url


def test_get_replaces_the_query() -> None:
    result = sent("<form action='/s?old=1'><input name=q value='a b'></form>")
    assert (result.method, result.url, result.body, result.content_type) == (
        "GET",
        "https://sso.example/s?q=a+b",
        b"",
        None,
    )


def test_a_button_may_lead_elsewhere() -> None:
    html = (
        "<form id=f method=get action=/one></form>"
        "<button form=f formaction=/two formmethod=post formenctype=multipart/form-data name=n value='\"'>Go"
        "</button>"
    )
    result = sent(html, press=0)
    assert (result.method, result.url) == ("POST", "https://sso.example/two")
    assert result.content_type is not None
    boundary = result.content_type.partition("boundary=")[2].encode()
    assert result.body == b'--%s\r\nContent-Disposition: form-data; name="n"\r\n\r\n"\r\n--%s--\r\n' % (
        boundary,
        boundary,
    )


def test_fields_and_forms_that_name_each_other() -> None:
    html = (
        "<input form=f name=a value=1><form id=f method=post><input name=b value=2>"
        "<input form=none name=c value=3><input form=g name=d value=4></form><form id=g></form>"
    )
    page = read_page(html, URL)
    assert submission(page.forms[0], {}).body == b"a=1&b=2"
    assert [field.name for field in page.forms[1].fields] == ["d"]
    assert [field.name for field in page.loose] == ["c"]


def test_filling() -> None:
    html = (
        "<form method=post><input type=hidden name=u value=old><input name=u>"
        "<input type=checkbox name=c value=1><select name=s><option value=1>One<option value=2>Two</select>"
        "</form>"
    )
    assert sent(html, {"u": "new", "c": "1", "s": "Two"}).body == b"u=old&u=new&c=1&s=2"
    with pytest.raises(ValueError, match="has no field 'x'"):
        sent(html, {"x": "1"})


def test_other_encodings() -> None:
    html = "<form method=post><input name=u value='é€'></form>"
    assert sent(html, charset="cp1252").body == b"u=%E9%80"
    assert sent(html, charset="iso8859-2").body == b"u=%E9%26%238364%3B"
    assert (
        sent("<form method=post accept-charset='utf-8'><input name=u value=é></form>", charset="cp1252").body
        == b"u=%C3%A9"
    )
    assert sent("<form method=post enctype=text/plain><input name=u value=é></form>").body == "u=é\r\n".encode()


@pytest.mark.parametrize(
    "attributes", ["action='javascript:x()'", "action='http://[bad/'", "method=dialog", "action=mailto:x@y"]
)
def test_what_cannot_be_sent(attributes: str) -> None:
    own = form(f"<form {attributes}></form>")
    with pytest.raises(ValueError, match=r"no http URL|dialog"):
        submission(own, {})


def test_no_repr_shows_a_value() -> None:
    html = (
        "<form method=get action='/x?tok=CANARY'><input name=a value=CANARY><input type=hidden name=b value=CANARY>"
        "<button name=c value=CANARY>Go</button></form>"
    )
    page = read_page(html, URL)
    own = page.forms[0]
    result = submission(own, {"a": "CANARY"}, own.buttons[0])
    assert "CANARY" in result.url
    for shown in (own, own.fields, own.buttons, result, page):
        assert "CANARY" not in repr(shown)
