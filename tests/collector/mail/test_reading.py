"""What is kept of a mail; and no mail takes long to read, whatever it is made of."""

import time
from contextlib import suppress

import pytest

from collector.mail.reading import MAX_CONTENT_FIELD, MAX_HEAD, MAX_PARTS, Unreadable, read_letter
from parallax.letters import MAX_LETTER, MAX_TEXT, Letter


def read(content: bytes) -> Letter:
    return read_letter(content, "to@mx.example", "from@id.example", "192.0.2.1")


def full(unit: bytes, octets: int = MAX_LETTER - 1000) -> bytes:
    return (unit * (octets // len(unit) + 1))[:octets]


HEAD, FIELD = MAX_HEAD - 100, MAX_CONTENT_FIELD - 40
NEST = b"".join(b"Content-Type: multipart/mixed; boundary=%d\r\n\r\n--%d\r\n" % (n, n) for n in range(MAX_PARTS))
COSTLY = {
    "addresses": b"From: " + full(b"a <b@c>, ", HEAD) + b"\r\n\r\nabc",
    "comments": b"From: " + full(b"(", HEAD) + b"\r\n\r\nabc",
    "encoded words": b"Subject: " + full(b"=?utf-8?q?a?= ", HEAD) + b"\r\n\r\nabc",
    "message id": b"Message-ID: " + full(b"<[(", HEAD) + b"\r\n\r\nabc",
    "parameters": b"Content-Type: text/plain; " + full(b"a=b;", FIELD) + b"\r\n\r\nabc",
    "quotes": b"Content-Type: text/plain; a=" + full(b'"\\"', FIELD) + b"\r\n\r\nabc",
    "too many parameters": b"Content-Type: text/plain; " + full(b"a=b;") + b"\r\n\r\nabc",
    "fields": full(b"a: b\r\n", 2_900) + b"\r\nabc",
    "folds": b"Subject: a\r\n" + full(b" b\r\n", 1_900) + b"\r\nabc",
    "parts within parts": NEST + full(b"x\r\n"),
    "parts": b"Content-Type: multipart/mixed; boundary=a\r\n\r\n" + full(b"--a\r\n\r\nx\r\n"),
    "messages": full(b"Content-Type: message/rfc822\r\n\r\n"),
    "uuencode": b"Content-Transfer-Encoding: uuencode\r\n\r\nbegin 666 a\r\n" + full(b"M\x20\r\n"),
    "quoted": b"Content-Transfer-Encoding: quoted-printable\r\n\r\n" + full(b"=3D="),
    "no lines": full(b"x"),
    "nothing but lines": full(b"\n"),
    "charset": b"Content-Type: text/plain; charset=idna\r\n\r\n" + full(b"a."),
} | {
    f"html {unit.decode()}": b"Content-Type: text/html\r\n\r\n" + full(unit)
    for unit in b"<a|<!--|<!---->|<a b='|&|&#x|<![CDATA[|<script>|<title></title>|</|<p>".split(b"|")
}  # fmt: skip


@pytest.mark.parametrize("name", COSTLY)
def test_no_mail_takes_long_to_read(name: str) -> None:
    began = time.process_time()
    with suppress(Unreadable):
        assert len(read(COSTLY[name]).text) <= MAX_TEXT
    assert time.process_time() - began < 3  # 0.2 s at most where it was written; one of them took 43 s before


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>Your code</p><p><b>12</b>34</p>", "Your code\n1234"),
        ("<!-- 99 --><title>9</title><STYLE>p{99}</STYLE>a<br/>b", "a\nb"),
        ("<script>if (1 < 2) x('</b>')</script>4711", "4711"),
        ("code:&nbsp;<i>&#49;2</i> &lt;ok&gt;", "code:\xa012 <ok>"),
        ("4711 <b unfinished", "4711"),
        ("4711<!-- never ends <p>12", "4711"),
        ("İ<p>4711</p>", "İ\n4711"),
    ],
)
def test_html_without_its_tags(html: str, text: str) -> None:
    assert read(b"Content-Type: text/html; charset=utf-8\r\n\r\n" + html.encode()).text == text


def test_the_plain_part_is_taken_and_no_attachment() -> None:
    letter = read(
        b"Date: x\r\nFrom: y\r\nMessage-ID: z\r\nSubject: =?iso-8859-1?q?Ihr_Schl=FCssel?=\r\n"
        b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n'
        b"--b\r\nContent-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: base64\r\n\r\nQ29kZSD8\r\n"
        b"--b\r\nContent-Type: text/html\r\n\r\n<p>999</p>\r\n"
        b"--b\r\nContent-Type: text/plain\r\nContent-Disposition: attachment\r\n\r\n888\r\n--b--\r\n"
    )
    assert (letter.subject, letter.text, letter.missing) == ("Ihr Schlüssel", "Code ü", [])


@pytest.mark.parametrize(
    "content",
    [
        b"A: " + b"x" * MAX_HEAD + b"\r\n\r\n",
        b"A: b\r\n" * 600 + b"\r\n",
        b"Content-Type: text/plain; x=" + b"y" * MAX_CONTENT_FIELD + b"\r\n\r\n",
        b"Content-Type: multipart/mixed\r\n" * (MAX_PARTS + 1) + b"\r\n",
    ],
)
def test_more_than_any_mail_of_a_sign_in_has_is_refused(content: bytes) -> None:
    with pytest.raises(Unreadable):
        read(content)
