"""Bodies under gzip, for those who unpack it."""

import gzip

from starlette.requests import Request

LEAST = 1000
"""Octets from which it is worth it."""


def packed(body: bytes, request: Request) -> tuple[bytes, dict[str, str]]:
    """The body as this reader gets it, and the headers that say so."""
    headers = {"Vary": "Accept-Encoding"}
    if len(body) < LEAST or not _takes_gzip(request.headers.get("accept-encoding", "")):
        return body, headers
    return gzip.compress(body, 5, mtime=0), {**headers, "Content-Encoding": "gzip"}


def _takes_gzip(accepted: str) -> bool:
    """Whether the reader's browser says that it unpacks gzip (RFC 9110, section 12.5.3)."""
    return any(part.strip().partition(";")[0] == "gzip" for part in accepted.split(","))
