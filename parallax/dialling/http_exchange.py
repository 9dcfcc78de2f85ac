"""What an exchange of HTTP is, whichever version is spoken: one request on one connection, its response in parts."""

from collections.abc import Callable
from typing import NamedTuple, Protocol

import trio

Enter = Callable[[str], None]
"""Told each phase as it begins: `connect`, `tls`, `send`, `first_byte`, `body`."""
Lines = list[tuple[bytes, bytes]]
"""Header lines, in order."""
MAX_INTERIM = 50
"""Interim responses (1xx) before the response: each takes time to read, and nothing else would end a flood of them."""


class HttpError(Exception):
    """The other side does not speak HTTP as it should."""


class Unsendable(HttpError):
    """We were asked to send what is no HTTP."""


class Request(NamedTuple):
    """`headers` have a Host; `target` is as on the request line."""

    method: str
    scheme: str
    target: bytes
    headers: Lines
    body: bytes


class Head(NamedTuple):
    """A response's status and headers. `version`: HTTP/1.1, HTTP/2."""

    version: str
    status: int
    headers: Lines


class Exchange(Protocol):
    """A connection for one request at a time. It raises HttpError, and what its stream raises."""

    stream: trio.abc.Stream
    at_end: bool
    """The other side has closed its half."""

    @property
    def idle(self) -> bool:
        """Whether the last response was read to its end, and another request may follow."""

    async def ask(self, request: Request, enter: Enter) -> Head:
        """Sends a request and reads the response's head."""

    async def part(self) -> bytes:
        """The next part of the body, without its transfer coding; empty at its end."""


async def send_or_broken(stream: trio.abc.Stream, octets: bytes) -> trio.BrokenResourceError | None:
    """Sends. A stream that breaks meanwhile is returned, as it is no failure yet: a server may refuse a request that it
    has not read, and say why (RFC 9112 section 9.5)."""
    try:
        await stream.send_all(octets)
    except trio.BrokenResourceError as error:
        return error
    return None
