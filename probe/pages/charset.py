"""Octets to text as a browser decides it: byte order mark, the header, what the page says, else UTF-8 or Windows-1252
(HTML standard, section 13.2.3.2, with fewer guesses). Pure."""

import codecs
import re

LOOKED_AT = 1024
"""Octets in which a page may name its encoding."""

_PARAMETER = re.compile(r"charset\s*=\s*[\"']?\s*([A-Za-z0-9_.:-]+)", re.I)
_META = re.compile(rb"<meta[^>]{0,300}?charset\s*=\s*[\"']?\s*([A-Za-z0-9_.:-]+)", re.I)
_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))


def text_of(body: bytes, content_type: str | None = None) -> tuple[str, str]:
    """The text of a page and the name of its encoding (a Python codec). Octets that fit nothing become U+FFFD; never
    raises. A page that names nothing and is no UTF-8 is read as Windows-1252."""
    for mark, charset in _MARKS:
        if body.startswith(mark):
            return body[len(mark) :].decode(charset, "replace"), charset
    named = _PARAMETER.search(content_type or "")
    said = _known(named.group(1)) if named else None
    if said is None and (meta := _META.search(body[:LOOKED_AT])):
        said = _known(meta.group(1).decode("ascii"))
        if said is not None and said.startswith("utf-16"):
            said = "utf-8"  # whoever could read the name did not read UTF-16
    if said is None:
        try:
            return body.decode("utf-8"), "utf-8"
        except UnicodeDecodeError as error:
            cut_short = error.reason == "unexpected end of data" and error.start > 0
            said = "utf-8" if cut_short else "cp1252"
    return body.decode(said, "replace"), said


def _known(name: str) -> str | None:
    """The codec of an encoding's name, None where it is unknown or no encoding of text. The web means Windows-1252 by
    Latin-1 and ASCII (Encoding standard, section 4.2)."""
    try:
        codec = codecs.lookup(name.strip().lower())
        b"a".decode(codec.name)  # raises where it is no encoding of text, as rot13
    except (LookupError, ValueError):
        return None
    if codec.name in ("idna", "punycode", "unicode_escape", "raw_unicode_escape", "utf-7"):
        return None
    return "cp1252" if codec.name in ("iso8859-1", "ascii") else codec.name
