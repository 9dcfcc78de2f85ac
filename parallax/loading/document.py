"""A TOML file as a person wrote it: read with bounds, parsed, and its lines known. Bad files are values."""

import re
import tomllib
from pathlib import Path
from typing import Any

import msgspec

from parallax.loading.lines import Lines
from parallax.loading.problems import Problem

MAX_OCTETS = 1_000_000
MAX_DEPTH = 16
_PART = r"(?:\"(?:\\.|[^\"\\\n])*+\"|'[^'\n]*+'|[A-Za-z0-9_-]++)"
_TOKEN = re.compile(
    rf"(?P<skip>\"{{3}}(?:\\.|[^\\])*?\"{{3,5}}|'{{3}}.*?'{{3,5}}|#[^\n]*+)"
    rf"|(?P<dotted>{_PART}(?:[ \t]*+\.[ \t]*+{_PART})*+)|(?P<open>[\"'])",
    re.DOTALL,
)
_AT_LINE = re.compile(r"(.*) \(at (?:line (\d+), column (\d+)|end of document)\)", re.DOTALL)


class Document(msgspec.Struct, frozen=True):
    """One file: its name as messages show it, its top-level table, and where things stand in it."""

    file: str
    table: dict[str, Any]
    lines: Lines


def read_text(path: Path) -> str | Problem:
    """A file's text, or why it cannot be had. Allocates at most MAX_OCTETS."""
    try:
        if path.exists() and not path.is_file():
            return Problem(file=str(path), message="is no file")
        with path.open("rb") as file:
            raw = file.read(MAX_OCTETS + 1)
    except OSError as error:
        return Problem(file=str(path), message=f"cannot be read: {error.strerror}")
    if len(raw) > MAX_OCTETS:
        return Problem(file=str(path), message="is larger than 1 MB; split it into several files of one folder")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        return Problem(file=str(path), line=line, message="is not UTF-8; save the file as UTF-8")


def parse_document(text: str, file: str) -> Document | Problem:
    """TOML text to a document, or its first fault (TOML v1.0.0, as tomllib reads it)."""
    too_deep = Problem(file=file, message=f"nests tables or lists deeper than {MAX_DEPTH}; nothing here needs that")
    if _has_deep_key(text):
        return too_deep
    try:
        table = tomllib.loads(text)
    except RecursionError:
        return too_deep
    except ValueError as error:
        return _syntax_problem(str(error), text, file)
    if _deeper_than(table, MAX_DEPTH):
        return too_deep
    return Document(file, table, Lines(text.replace("\r\n", "\n")))


def _syntax_problem(message: str, text: str, file: str) -> Problem:
    match = _AT_LINE.fullmatch(message)
    if match is None:
        return Problem(file=file, message=f"is not TOML: {message[:200]}")
    line = int(match[2]) if match[2] else text.count("\n", 0, len(text.rstrip())) + 1
    place = f"column {match[3]}" if match[3] else "the end of the file"
    said = match[1][:200]
    return Problem(file=file, line=line, message=f"is not TOML at {place}: {said[:1].lower()}{said[1:]}")


def _has_deep_key(text: str) -> bool:
    """Whether a dotted key has too many parts. tomllib takes memory by the square of their number, so it must not see
    one: a file of 200 kB would take tens of gigabytes."""
    for match in _TOKEN.finditer(text):
        if match.lastgroup == "open":  # a string without an end: tomllib stops here too
            return False
        dotted = match["dotted"]
        if dotted and dotted.count(".") >= MAX_DEPTH and len(re.findall(_PART, dotted)) > MAX_DEPTH:
            return True
    return False


def _deeper_than(table: dict[str, Any], most: int) -> bool:
    """Walks without recursion: hostile dotted keys nest deeper than Python's stack."""
    level: list[Any] = [table]
    for _ in range(most):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, dict | list)
        ]
    return bool(level)
