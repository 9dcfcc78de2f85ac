"""The truth to judge by: what was broken and mended when and by whom, a JSON object a line, flushed as it happens."""

import os
from contextlib import suppress
from pathlib import Path
from typing import Literal

import msgspec


class Fact(msgspec.Struct, frozen=True, kw_only=True):
    """`at` is wall clock, ns since the Unix epoch."""

    at: int
    do: Literal["break", "mend"]
    fault: str
    actor: str


class Truth:
    """faults.jsonl, appended to, mode 0600. Raises OSError where it cannot be written."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)

    def note(self, fact: Fact) -> None:
        os.write(self._fd, msgspec.json.encode(fact) + b"\n")

    def close(self) -> None:
        os.close(self._fd)


def read_truth(path: Path) -> list[Fact]:
    """All that was ever noted, the oldest first; a line cut short by a crash is passed over. Raises OSError."""
    facts: list[Fact] = []
    for line in path.read_bytes().splitlines():
        with suppress(msgspec.DecodeError, UnicodeDecodeError):
            facts.append(msgspec.json.decode(line, type=Fact))
    return facts
