"""A response as the verdict sees it, and what of it may leave the probe. Pure."""

import re
from collections.abc import Iterable
from typing import Any

import msgspec

from parallax.dialling.http import Headers
from parallax.redaction import redact_header

MAX_JSON = 2_000_000
"""Octets of a body that is read as JSON: 20 ms of CPU."""
MAX_HEADER_TEXT = 200
MAX_HEADERS = 30

SHOWN_HEADERS = (
    "server",
    "content-type",
    "content-length",
    "content-encoding",
    "location",
    "retry-after",
    "date",
    "age",
    "cache-control",
    "via",
    "x-cache",
    "x-request-id",
    "cf-ray",
    "strict-transport-security",
    "alt-svc",
    "www-authenticate",
)
"""Response headers that are findings of every observation; beside them those that the plan names."""

_HARMLESS = frozenset(SHOWN_HEADERS) - {"location", "server", "via", "www-authenticate", "x-request-id"}
"""Those among them that hold no secret by their grammar: shown as they are."""

_CHARSET = re.compile(r"charset\s*=\s*\"?([\w.:-]+)", re.I)
_TEXT_CODECS = re.compile(
    r"us-ascii|utf-?8|utf-?16(?:le|be)?|iso-8859-\d{1,2}|latin-?1|windows-125\d|koi8-[ru]|shift_jis|euc-(?:jp|kr)"
    r"|gb2312|gbk|gb18030|big5",
    re.I,
)
"""Charsets that are decoded. Python's codecs know others that are slow, or no charsets at all (punycode, zip)."""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """A whole response: `body` without any coding. It must not leave the probe."""

    status: int
    headers: Headers
    body: bytes = b""

    @property
    def text(self) -> str:
        """The body as text, by the charset that it names; what does not decode becomes U+FFFD."""
        match = _CHARSET.search(self.headers.get("content-type", ""))
        charset = match[1] if match and _TEXT_CODECS.fullmatch(match[1]) else "utf-8"
        try:
            return self.body.decode(charset, "replace")
        except LookupError:
            return self.body.decode("utf-8", "replace")

    def json(self) -> Any:
        """The body read as JSON (RFC 8259). Raises ValueError with a sentence."""
        if len(self.body) > MAX_JSON:
            raise ValueError(f"is larger than {MAX_JSON} octets, and so is not read as JSON")
        try:
            return msgspec.json.decode(self.body)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise ValueError(f"is no JSON: {error}") from None
        except RecursionError:
            raise ValueError("is JSON nested too deep") from None


def shown_headers(headers: Headers, named: Iterable[str]) -> dict[str, str]:
    """The headers that may leave the probe, redacted and cut: the usual ones and those that the plan names."""
    shown: dict[str, Any] = {}
    for name in (*SHOWN_HEADERS, *(name.lower() for name in named)):
        if name in headers and len(shown) < MAX_HEADERS:
            value = headers[name][: MAX_HEADER_TEXT * 4]
            shown[name] = (value if name in _HARMLESS else redact_header(name, value))[:MAX_HEADER_TEXT]
    return shown
