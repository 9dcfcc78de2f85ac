"""What is wrong with a file that a person wrote: a list of problems, each with its place and the way out."""

import json
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from itertools import islice

import msgspec


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to mend. `section` is as in the file ([defaults], [[check]] "api"), `key` the way within it."""

    file: str
    line: int | None = None
    section: str = ""
    key: str = ""
    message: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return ": ".join(part for part in (place, self.section, self.key, self.message) if part)


class LoadErrors(Exception):
    """The file was refused as a whole; `problems` holds everything that is wrong with it, in the file's order."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(problems)
        self.problems = tuple(problems)

    def __str__(self) -> str:
        return "\n".join(map(str, self.problems))


def quoted(names: Iterable[str], most: int = 20) -> str:
    """Names in quotes, as a list for people: "a", "b" and 3 more."""
    every = list(names)
    text = ", ".join(shown(name) for name in every[:most])
    return text if len(every) <= most else f"{text} and {len(every) - most} more"


def nearest(name: str, known: Iterable[str]) -> str:
    """'did you mean "x"? ' where a known name is close, else nothing. Of many names only the first are compared: it is
    slow, and a file can be wrong in thousands of places."""
    close = get_close_matches(name[:100], list(islice(known, 50)), 1)
    return f"did you mean {shown(close[0])}? " if close else ""


def shown(value: object) -> str:
    """A value as the file has it, bounded, so that a huge or hostile one makes no huge message."""
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return json.dumps(value if len(value) <= 80 else value[:80] + "...", ensure_ascii=False)
    if isinstance(value, int):
        return str(value) if abs(value) < 10**20 else "a huge number"
    return str(value)
