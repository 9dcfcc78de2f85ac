"""Octets of a mail to what is kept of it. Pure; takes whatever a stranger sends.

The parser of the standard library is lenient, and on some texts takes time that grows with the square of their length:
addresses and encoded words by the thousand, parameters of a Content-Type, parts within parts. A mail that is read here
holds up the whole collector meanwhile. So such fields are never parsed, and a mail that has more of the rest than any
mail of a sign-in is refused before it is read; a test holds the time for the worst that is known.
"""

import re
from binascii import Error
from email import message_from_bytes, policy
from email.errors import MessageError
from email.header import decode_header
from email.message import Message
from html import unescape

from parallax.letters import MAX_TEXT, Letter

MAX_SUBJECT = 500
MAX_HEAD = 65_536
"""Octets of the header."""
MAX_FIELDS = 500
"""Header fields."""
MAX_CONTENT_FIELD = 1_000
"""Octets of a field that says what a part is."""
MAX_PARTS = 12
MAX_BOUNDARIES = 300
"""Lines that could part it."""
MAX_MARKED = 100_000
"""Characters of HTML that are looked through."""
NEEDED = ("Date", "From", "Message-ID")
"""RFC 5322 section 3.6: the first two must be there, the third should."""
_BLANKS = re.compile(r"[ \t\r\f\v]+")
_CONTENT_FIELD = re.compile(rb"^content-[a-z-]{1,40}:[^\n]*(?:\n[ \t][^\n]*)*", re.IGNORECASE | re.MULTILINE)
_WITHIN = re.compile(rb"multipart/|message/", re.IGNORECASE)
_CHARSET = re.compile(
    r"us-ascii|utf-?8|utf-?16(?:le|be)?|iso-8859-\d{1,2}|latin-?1|windows-125\d|koi8-[ru]|shift_jis|euc-(?:jp|kr)"
    r"|gb2312|gbk|gb18030|big5|iso-2022-jp",
    re.IGNORECASE,
)
"""Charsets that are decoded; Python's codecs know others that are slow, or none."""


class Unreadable(Exception):
    """What came is no mail, or none that is read."""


def read_letter(content: bytes, to: str, sender: str, peer: str) -> Letter:
    """The mail, not numbered yet. Raises Unreadable."""
    _refuse_costly(content)
    try:
        message = message_from_bytes(content, policy=policy.compat32)
        return Letter(
            number=0,
            to=to,
            sender=sender[:254],
            age_s=0.0,
            subject=_subject(message)[:MAX_SUBJECT],
            text=_text(message)[:MAX_TEXT],
            missing=[name for name in NEEDED if name not in message],
            size=len(content),
            peer=peer,
        )
    # The parser is lenient by intent, and all the same raises these for some hostile mails.
    except (MessageError, Error, LookupError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise Unreadable(type(error).__name__) from None


def _refuse_costly(content: bytes) -> None:
    """See above. Raises Unreadable."""
    end = min((at for at in (content.find(b"\n\r\n"), content.find(b"\n\n")) if at >= 0), default=len(content))
    if end > MAX_HEAD or content.count(b"\n", 0, end) > MAX_FIELDS:
        raise Unreadable("the header is too large")
    if content.count(b"\n--") > MAX_BOUNDARIES:
        raise Unreadable("too many boundaries")
    if len(_WITHIN.findall(content)) > MAX_PARTS:
        raise Unreadable("too many parts")
    if any(len(field[0]) > MAX_CONTENT_FIELD for field in _CONTENT_FIELD.finditer(content)):
        raise Unreadable("a field is too large")


def _subject(message: Message) -> str:
    raw = str(message.get("Subject", ""))[: MAX_SUBJECT * 4]
    pieces = []
    for text, charset in decode_header(raw):
        pieces.append(text if isinstance(text, str) else _decoded(text, charset or "utf-8"))
    return " ".join("".join(pieces).split())


def _text(message: Message) -> str:
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
        if isinstance(payload, bytes):
            text = _decoded(payload, part.get_content_charset() or "utf-8")
            (plain if kind == "text/plain" else marked).append(text)
    if any(text.strip() for text in plain):
        return "\n".join(plain)
    return "\n".join(_unmarked(text) for text in marked)


def _decoded(octets: bytes, charset: str) -> str:
    return octets.decode(charset if _CHARSET.fullmatch(charset) else "utf-8", "replace")


def _unmarked(text: str) -> str:
    """HTML without its tags: a line for each block. Goes over the text once, as the parser of the standard library does
    not for one that is nothing but half tags."""
    text = text[:MAX_MARKED]
    lower, pieces, at = text.lower(), [], 0
    if len(lower) != len(text):  # a few letters change their length
        lower = text
    while (start := text.find("<", at)) >= 0:
        pieces.append(text[at:start])
        if lower.startswith("<!--", start):
            end = lower.find("-->", start)
            at = end + 3
        else:
            end = lower.find(">", start)
            at = end + 1
            name = _TAG.match(lower, start)
            if name is not None and name[1] in _SILENT:
                end = lower.find(f"</{name[1]}", start)
                at = end
            elif name is not None and name[1].removeprefix("/") in _BLOCKS:
                pieces.append("\n")
        if end < 0:  # the rest is no text
            at = len(text)
    pieces.append(text[at:])
    lines = (_BLANKS.sub(" ", line).strip() for line in unescape("".join(pieces)).split("\n"))
    return "\n".join(line for line in lines if line)


_TAG = re.compile(r"<(/?[a-z][a-z0-9]{0,15})")
_SILENT = frozenset({"script", "style", "title"})
_BLOCKS = frozenset({"p", "div", "br", "tr", "td", "li", "h1", "h2", "h3", "table"})
