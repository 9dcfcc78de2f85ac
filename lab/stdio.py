"""The child's end of lab.control: orders from stdin, answers to stdout, both without holding up the event loop."""

import os
from collections.abc import AsyncIterator
from typing import TypeVar

import msgspec
import trio

from parallax.values import decode_value, encode_value

T = TypeVar("T")
LONGEST_LINE = 1_000_000


class Orders:
    """Lines from the parent. An iteration ends with stdin, which is when the parent is gone or wants no more."""

    def __init__(self, stream: trio.abc.ReceiveStream) -> None:
        self._stream = stream
        self._rest = bytearray()

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        """The next line. One that is longer than LONGEST_LINE counts as the end: no parent of ours writes it."""
        while (end := self._rest.find(b"\n")) < 0:
            if len(self._rest) > LONGEST_LINE:
                raise StopAsyncIteration
            try:
                more = await self._stream.receive_some()
            except trio.BrokenResourceError:
                more = b""
            if not more:
                raise StopAsyncIteration
            self._rest += more
        line = bytes(self._rest[:end])
        del self._rest[: end + 1]
        return line


def open_stdin() -> Orders:
    """The orders on this process's stdin."""
    return Orders(trio.lowlevel.FdStream(os.dup(0)))


def open_stdout() -> trio.abc.SendStream:
    """Where answers go."""
    return trio.lowlevel.FdStream(os.dup(1))


def to_line(value: object) -> bytes:
    """A value of lab.control as a line."""
    return msgspec.json.encode(value, enc_hook=encode_value) + b"\n"


def of_line(line: bytes, kind: type[T]) -> T:
    """A line as a value of lab.control. Raises msgspec.DecodeError (ValidationError is one) and UnicodeDecodeError."""
    return msgspec.json.decode(line, type=kind, dec_hook=decode_value)
