"""URLs in a page, resolved as a browser resolves them, without raising. Pure."""

import re
from urllib.parse import quote, urljoin, urlsplit, urlunsplit

MAX_URL = 8192

_CONTROL = re.compile(r"[\t\n\r]")
_UNSAFE = re.compile(r"[^\x21-\x7e]|[\"<>`]")


def resolve(base: str, reference: str) -> str | None:
    """`reference` seen from `base`: an absolute http or https URL in ASCII, without its fragment. None where it is no
    such URL (`javascript:`, a broken host, over 8,192 characters)."""
    if len(reference) > MAX_URL:
        return None
    try:
        parts = urlsplit(urljoin(base, _CONTROL.sub("", reference.strip(" \t\n\r\f"))))
        if parts.scheme not in ("http", "https") or not parts.hostname:
            return None
        netloc = parts.netloc if parts.netloc.isascii() else parts.netloc.encode("idna").decode("ascii")
        return urlunsplit((parts.scheme, netloc, _ascii(parts.path) or "/", _ascii(parts.query), ""))
    except ValueError:  # UnicodeError is one
        return None


def _ascii(part: str) -> str:
    return _UNSAFE.sub(lambda found: quote(found.group(), safe="", errors="replace"), part)
