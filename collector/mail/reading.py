"""Octets of a mail to what is kept of it. Pure; takes whatever a stranger sends."""

import re
from email import message_from_bytes, policy
from email.errors import MessageError
from email.message import EmailMessage
from html.parser import HTMLParser

from parallax.letters import MAX_TEXT, Letter

MAX_SUBJECT = 500
MAX_PARTS = 50
NEEDED = ("Date", "From", "Message-ID")
"""RFC 5322 section 3.6: the first two must be there, the third should."""
_BLANKS = re.compile(r"[ \t\r\f\v]+")


class Unreadable(Exception):
    """What came is no mail."""


def read_letter(content: bytes, to: str, sender: str, peer: str) -> Letter:
    """The mail, not numbered yet. Raises Unreadable."""
    try:
        message = message_from_bytes(content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        return Letter(
            number=0,
            to=to,
            sender=sender[:254],
            age_s=0.0,
            subject=_header(message, "Subject")[:MAX_SUBJECT],
            text=_text(message)[:MAX_TEXT],
            missing=[name for name in NEEDED if message.get(name) is None],
            size=len(content),
            peer=peer,
        )
    # The parser of the standard library is lenient by intent, and all the same raises these for some hostile mails.
    except (MessageError, LookupError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise Unreadable(type(error).__name__) from None


def _header(message: EmailMessage, name: str) -> str:
    return " ".join(str(message.get(name, "")).split())


def _text(message: EmailMessage) -> str:
    """Its plain parts; where there are none, its HTML without the tags."""
    plain: list[str] = []
    marked: list[str] = []
    for number, part in enumerate(message.walk()):
        if number >= MAX_PARTS:
            break
        kind = part.get_content_type()
        if part.get_content_disposition() == "attachment" or kind not in ("text/plain", "text/html"):
            continue
        payload = part.get_payload(decode=True)
        if not isinstance(payload, bytes):
            continue
        text = _decoded(payload, part.get_content_charset() or "utf-8")
        (plain if kind == "text/plain" else marked).append(text)
    if any(text.strip() for text in plain):
        return "\n".join(plain)
    return "\n".join(_unmarked(text) for text in marked)


def _decoded(payload: bytes, charset: str) -> str:
    try:
        return payload.decode(charset, "replace")
    except (LookupError, ValueError):  # no charset that Python knows, or one that is none
        return payload.decode("utf-8", "replace")


class _Text(HTMLParser):
    _BLOCKS = frozenset({"p", "div", "br", "tr", "td", "li", "h1", "h2", "h3", "table"})

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag in ("style", "script", "title"):
            self._silent += 1
        elif tag in self._BLOCKS:
            self.pieces.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in ("style", "script", "title"):
            self._silent = max(0, self._silent - 1)
        elif tag in self._BLOCKS:
            self.pieces.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.pieces.append(data)


def _unmarked(text: str) -> str:
    reader = _Text()
    reader.feed(text)
    reader.close()
    lines = (_BLANKS.sub(" ", line).strip() for line in "".join(reader.pieces).split("\n"))
    return "\n".join(line for line in lines if line)
