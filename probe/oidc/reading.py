"""Reads JSON and text that a server sent, within bounds: what is no object, or of another type, is left out or said."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import msgspec

from parallax.redaction import excerpt
from parallax.values import Url

MAX_LIST = 100
"""Entries of a list that are read."""
MAX_TEXT = 300


def json_object(body: bytes, max_octets: int) -> dict[str, Any] | str:
    """A JSON object (RFC 8259), or why it is none: too_large, html, not_json, no_object."""
    if len(body) > max_octets:
        return "too_large"
    try:
        value = msgspec.json.decode(body.removeprefix(b"\xef\xbb\xbf"))
    except (ValueError, RecursionError):  # DecodeError; UnicodeDecodeError of a text within; nested by the hundred
        return "html" if body.lstrip()[:1] == b"<" else "not_json"
    return value if isinstance(value, dict) else "no_object"


def text_of(found: Mapping[str, Any], key: str) -> str | None:
    """A text that is not empty."""
    value = found.get(key)
    return value if isinstance(value, str) and value else None


def texts_of(found: Mapping[str, Any], key: str) -> tuple[str, ...] | None:
    """The texts of a list, at most MAX_LIST of them, each shown in at most 100 characters; None if there is no list."""
    value = found.get(key)
    if not isinstance(value, list):
        return None
    return tuple(shown(each, 100) for each in value[:MAX_LIST] if isinstance(each, str))


def shown(text: str, limit: int = MAX_TEXT) -> str:
    """A name or an identifier as findings carry it: one line, printable, cut."""
    line = text[: limit + 1]
    if not line.isprintable():
        line = "".join(letter if letter.isprintable() else "\ufffd" for letter in line)
    return line if len(line) <= limit else line[: limit - 1] + "…"


def value_shown(value: object) -> object:
    """A claim's value as findings carry it: numbers and truths as they are, text by shape and cut, of all else its
    kind."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return excerpt(value, 100)
    if isinstance(value, list):
        return [value_shown(each) for each in value[:10]]
    return f"({type(value).__name__})"


def url_problem(text: str, *, allow_http: bool) -> str | None:
    """Why the text is no URL to send anything to; None if it is one."""
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        return "no URL"
    if not text.isascii() or not text.isprintable() or " " in text:
        return "no URL"
    if parts.scheme not in ("https", "http") or not parts.hostname:
        return "no absolute https URL"
    if parts.scheme == "http" and not allow_http:
        return "http, so that what is sent there can be read on the way"
    if "@" in parts.netloc:
        return "a user or password in the URL"
    try:
        Url.parse(text.partition("#")[0])
    except ValueError:
        return "no host or port that anything can be sent to"
    return None
