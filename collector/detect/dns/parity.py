"""What comparisons of primary and fallback came to. Pure.

A comparison that could not be made says nothing of the fallback: what was known before stands, so that an outage of
the primary, when the answer matters most, neither clears nor raises "fallback ready: no". Only that the fallback itself
does not answer, while the primary does, is a word on it.
"""

from collections import Counter
from typing import Any

import msgspec

from collector.board import Gap
from collector.detect.numbers import whole
from collector.detect.view import CheckView
from parallax.observation import Observation

UNKNOWN, INCOMPLETE, DARK = "parity_unknown", "parity_incomplete", "fallback_dark"
MAX_CHECKS = 500
MAX_PROBES = 200
MAX_WORDS = 8
MAX_GAPS = 50
MAX_VALUES = 8
MAX_TEXT = 300


class Word(msgspec.Struct):
    """What was said of it, by the reason word ("" is no difference)."""

    at: int
    because: str
    gaps: tuple[Gap, ...] = ()
    compared: int = 0


class Said(msgspec.Struct, array_like=True):
    """A probe's newest word. `known_at` 0: it never could compare."""

    at: int
    word: str = ""
    known_at: int = 0
    because: str = ""
    """Why it cannot compare now."""


class Compared(msgspec.Struct):
    at: int
    said: dict[str, Said] = {}
    words: dict[str, Word] = {}
    word: str | None = None
    """What most say of it; None where nobody could compare yet."""
    since: int = 0


def note_parity(compared: dict[str, Compared], check: CheckView, probe: str, observation: Observation, at: int) -> None:
    """Takes one comparison."""
    found = compared.get(check.name)
    if found is None:
        if len(compared) >= MAX_CHECKS:
            del compared[min(compared, key=lambda each: compared[each].at)]
        found = compared[check.name] = Compared(at=at, since=at)
    before = found.said.get(probe)
    if before is not None and at < before.at:
        return
    if before is None and len(found.said) >= MAX_PROBES:
        del found.said[min(found.said, key=lambda each: found.said[each].at)]
    found.at = max(found.at, at)
    findings = observation.findings
    word, because = _word(observation.reason, findings)
    if word is None:
        known = before or Said(at)
        found.said[probe] = Said(at, known.word, known.known_at, because)
        return
    found.said[probe] = Said(at, word, at)
    found.words[word] = Word(at, because, _gaps(findings.get("rows")), _count(findings.get("compared")))
    known_by = [said for said in found.said.values() if said.known_at]
    counts = Counter(said.word for said in known_by)
    newest = {said.word: said.known_at for said in sorted(known_by, key=lambda each: each.known_at)}
    most = max(counts, key=lambda each: (counts[each], newest[each]))
    if most != found.word:
        found.word, found.since = most, at
    for old in [each for each in found.words if each not in counts]:
        del found.words[old]
    while len(found.words) > MAX_WORDS:
        del found.words[next(each for each in found.words if each != found.word)]


def saying(found: Compared, word: str) -> int:
    """How many probes say it."""
    return sum(said.word == word and said.known_at > 0 for said in found.said.values())


def _word(reason: str | None, findings: dict[str, Any]) -> tuple[str | None, str]:
    """The word for a comparison and why; None where it says nothing of the fallback."""
    because = findings.get("because")
    text = because[:MAX_TEXT] if isinstance(because, str) else ""
    if reason is None:
        return "", ""
    if reason.startswith("parity_") and reason != UNKNOWN:
        return reason[:64], text
    if _state(findings.get("fallback")) == "dark" and _state(findings.get("primary")) == "serves":
        return DARK, "does not answer"
    return None, text


def _state(side: object) -> object:
    return side.get("state") if isinstance(side, dict) else None


def _gaps(rows: object) -> tuple[Gap, ...]:
    found = []
    for row in rows[:MAX_GAPS] if isinstance(rows, list) else ():
        if isinstance(row, dict):
            gap = Gap(
                name=_text(row.get("name")),
                type=_text(row.get("type")),
                what=_text(row.get("class")),
                severity=_text(row.get("severity")),
                purpose=_text(row.get("purpose")),
                primary=_values(row.get("primary")),
                fallback=_values(row.get("fallback")),
            )
            found.append(gap)
    return tuple(found)


def _values(value: object) -> tuple[str, ...]:
    return tuple(_text(each) for each in value[:MAX_VALUES]) if isinstance(value, list) else ()


def _text(value: object) -> str:
    return value[:MAX_TEXT] if isinstance(value, str) else ""


def _count(value: object) -> int:
    return whole(value, 2**31) or 0
