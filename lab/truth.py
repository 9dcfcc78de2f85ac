"""The truth to judge by: when which fault was really there. A JSON object a line, appended by the world and the probes
alike: {"at": ns, "do": "break" | "mend", "fault": name, "actor": who}."""

import os
from pathlib import Path

import msgspec

LONGEST_ACTOR = 200


class Deed(msgspec.Struct, frozen=True, kw_only=True):
    """A fault was injected or taken away. `at` is wall clock, ns since the Unix epoch."""

    at: int
    do: str
    fault: str
    actor: str


def append_deed(file: Path, deed: Deed) -> None:
    """Adds a line. One write in append mode: two processes' lines do not mix (open(2), O_APPEND). Raises OSError."""
    line = msgspec.json.encode(msgspec.structs.replace(deed, actor=deed.actor[:LONGEST_ACTOR])) + b"\n"
    fd = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        os.write(fd, line)
    finally:
        os.close(fd)


def latest_deeds(file: Path, number: int) -> list[Deed]:
    """The latest of them, newest first; none where there is no file. A line cut short by a crash is passed over."""
    try:
        with file.open("rb") as opened:
            opened.seek(max(0, opened.seek(0, os.SEEK_END) - number * 1000))
            lines = opened.read().splitlines()
    except OSError:
        return []
    deeds = []
    for line in reversed(lines):
        try:
            deeds.append(msgspec.json.decode(line, type=Deed))
        except (msgspec.DecodeError, UnicodeDecodeError):
            continue
        if len(deeds) == number:
            break
    return deeds
