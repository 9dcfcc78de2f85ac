"""Reading a response's body with a bound on what comes in and on what it expands to."""

import zlib
from collections.abc import AsyncIterable
from typing import Literal, Self

from parallax.dialling.http import Headers

BodyFault = Literal["too_large", "bad_encoding"]
BOMB_RATIO = 100
"""A body that expands past the limit by more than this is an attack or a fault, not a large page: text shrinks to a
tenth at best, a bomb to a thousandth."""
_PIECE = 65536


class BodyReader:
    """Takes a body part by part. `fault` is set once it must not go on; `body` is what was understood so far."""

    def __init__(self, max_bytes: int, encoding: str) -> None:
        self.received = 0
        self.body = bytearray()
        self.fault: BodyFault | None = None
        self._max = max_bytes
        self._encoding = encoding.strip().lower()
        self._decoder: zlib._Decompress | None = None

    @classmethod
    def of(cls, method: str, headers: Headers, max_bytes: int) -> Self:
        """For the body of this response, which may be announced to be too large."""
        reader = cls(max_bytes, headers.get("content-encoding", ""))
        if method != "HEAD" and _announced(headers) > max_bytes:
            reader.fault = "too_large"
        return reader

    async def read(self, parts: AsyncIterable[bytes]) -> None:
        """Takes the whole body, or what comes before a fault."""
        if not self.fault:
            async for part in parts:
                self.feed(part)
                if self.fault:
                    break
        self.finish()

    def feed(self, part: bytes) -> None:
        """One part as it came. Does nothing once there is a fault."""
        if self.fault or not part:
            return
        self.received += len(part)
        if self.received > self._max:
            self.fault = "too_large"
        elif self._encoding in ("", "identity"):
            self.body += part
        elif self._encoding in ("gzip", "x-gzip", "deflate"):
            self._expand(part)
        else:
            self.fault = "bad_encoding"

    def finish(self) -> None:
        """The body has ended: a compressed one must have ended too."""
        if not self.fault and self._decoder is not None and not self._decoder.eof:
            self.fault = "bad_encoding"

    def _expand(self, data: bytes) -> None:
        if self._decoder is None:
            self._decoder = _decoder(self._encoding, data)
        while data:
            if self._decoder.eof:  # RFC 1952 section 2.2: members one after the other
                self._decoder = _decoder(self._encoding, data)
            try:
                self.body += self._decoder.decompress(data, min(_PIECE, self._max - len(self.body) + 1))
            except zlib.error:
                self.fault = "bad_encoding"
                return
            if len(self.body) > self._max:
                self.fault = "bad_encoding" if len(self.body) > BOMB_RATIO * self.received else "too_large"
                return
            data = self._decoder.unconsumed_tail or self._decoder.unused_data


def _announced(headers: Headers) -> int:
    length = headers.get("content-length", "")
    return int(length) if length.isascii() and length.isdigit() and len(length) < 20 else 0


def _decoder(encoding: str, data: bytes) -> "zlib._Decompress":
    # "deflate" means zlib's format (RFC 9110 section 8.4.1.2); some servers send the bare one.
    bare = encoding == "deflate" and data[0] & 0x0F != 8
    return zlib.decompressobj(-zlib.MAX_WBITS if bare else zlib.MAX_WBITS | 32)
