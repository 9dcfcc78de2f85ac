"""Where sections and keys stand in a TOML file that is known to be valid.

tomllib gives values without lines. This scan looks only for headers and for keys at the start of a line, and skips
values (strings, brackets, comments) whole, so that text inside a string is never taken for a key.
"""

import re
from collections import Counter

Path = tuple[str | int, ...]
"""The way to a value: keys, and places in a list, from 0."""

_PART = re.compile(r"[ \t]*(\"(?:\\.|[^\"\\\n])*\"|'[^'\n]*'|[A-Za-z0-9_-]+)[ \t]*")
_STOP = re.compile(
    r"\"{3}(?:\\.|[^\\])*?\"{3,5}|'{3}.*?'{3,5}|\"(?:\\.|[^\"\\\n])*\"|'[^'\n]*'|#[^\n]*|[\[{]|[\]}]|\n", re.DOTALL
)


class Lines:
    """The line numbers, from 1, of one file."""

    def __init__(self, text: str) -> None:
        self._lines: dict[Path, int] = {}
        self._scan(text)

    def of(self, path: Path) -> int | None:
        """The line of a path, or of the nearest thing around it; None where nothing of it has a line of its own."""
        for end in range(len(path), 0, -1):
            if path[:end] in self._lines:
                return self._lines[path[:end]]
        return None

    def _scan(self, text: str) -> None:
        tables: Counter[Path] = Counter()
        prefix: Path = ()
        position, line, counted = 0, 1, 0
        while position < len(text):
            line += text.count("\n", counted, position)
            counted = position
            if text[position] in " \t\r\n":
                position += 1
                continue
            brackets = 2 if text.startswith("[[", position) else 1 if text[position] == "[" else 0
            names, position = _names(text, position + brackets)
            if brackets:
                prefix = self._header(names, brackets == 2, tables, line)
            elif names:
                self._note((*prefix, *names), line)
            position = _end_of_value(text, position + brackets)

    def _header(self, names: list[str], many: bool, tables: "Counter[Path]", line: int) -> Path:
        prefix: Path = ()
        for name in names[:-1]:
            prefix = (*prefix, name)
            prefix = (*prefix, tables[prefix] - 1) if tables[prefix] else prefix
        prefix = (*prefix, *names[-1:])
        if many:
            tables[prefix] += 1
            prefix = (*prefix, tables[prefix] - 1)
        self._note(prefix, line)
        return prefix

    def _note(self, path: Path, line: int) -> None:
        for end in range(1, min(len(path), 8) + 1):
            self._lines.setdefault(path[:end], line)


def _names(text: str, position: int) -> tuple[list[str], int]:
    """A dotted key, and where it ends."""
    names: list[str] = []
    while match := _PART.match(text, position):
        names.append(match[1].strip("\"'"))
        position = match.end()
        if not text.startswith(".", position):
            break
        position += 1
    return names, position


def _end_of_value(text: str, position: int) -> int:
    """The end of the line on which the value that begins here ends."""
    depth = 0
    for match in _STOP.finditer(text, position):
        found = match[0]
        if found in "[{":
            depth += 1
        elif found in "]}":
            depth -= 1
        elif found == "\n" and depth <= 0:
            return match.start()
    return len(text)
