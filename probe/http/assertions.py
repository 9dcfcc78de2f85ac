"""Assertions of the kind `http`: which hold, and for those that do not, what was expected and what was found. Pure."""

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

import msgspec

from parallax.json_paths import found_at
from parallax.plan.specs import Assertion
from parallax.redaction import SECRET_HEADERS, excerpt, redact_header
from probe.http import patterns
from probe.http.response import Answer

MAX_EXCERPT = 200
QUERY_S = 0.1
"""CPU time for one JSONPath."""


class Miss(msgspec.Struct, frozen=True, kw_only=True):
    """An assertion that does not hold. `number` counts from 1, as the plan has them; `found` is redacted."""

    number: int
    of: str
    expected: str
    found: str | None
    soft: bool

    def as_finding(self) -> dict[str, Any]:
        """For the observation."""
        return {"number": self.number, "of": self.of, "expected": self.expected, "found": self.found}


Missed = tuple[str, str, str | None]
"""(of, expected, found)."""


def misses(assertions: Sequence[Assertion], answer: Answer, duration_s: float) -> Iterator[Miss]:
    """The assertions that do not hold, in the plan's order."""
    looked = _Looked(answer, duration_s)
    for number, assertion in enumerate(assertions, 1):
        missed = _missed(assertion, looked)
        if missed is not None:
            of, expected, found = missed
            yield Miss(number=number, of=of, expected=expected, found=found, soft=assertion.otherwise == "degraded")


class _Looked:
    """A response, and what was read out of it once for all assertions."""

    def __init__(self, answer: Answer, duration_s: float) -> None:
        self.answer, self.duration_s = answer, duration_s

    @cached_property
    def text(self) -> str:
        return self.answer.text

    @cached_property
    def json(self) -> tuple[Any, str]:
        """The body as JSON, and what is wrong with it, if anything."""
        try:
            return self.answer.json(), ""
        except ValueError as error:
            return None, str(error)


def values_in(answer_json: Any, path: str) -> list[Any] | None:
    """What a JSONPath finds; None where that took too long, or goes too deep, to tell."""
    try:
        return patterns.within_cpu(lambda: found_at(path, answer_json), QUERY_S)
    except RecursionError:
        return None


def statuses_of(assertion: Assertion) -> tuple[int, ...]:
    """The statuses that pass; none for an assertion about something else."""
    if assertion.status is None:
        return ()
    return tuple(assertion.status) if isinstance(assertion.status, list) else (assertion.status,)


def _missed(assertion: Assertion, looked: _Looked) -> Missed | None:
    """What does not hold, and why."""
    if assertion.status is not None:
        passing, status = statuses_of(assertion), looked.answer.status
        return None if status in passing else ("status", " or ".join(map(str, passing)), str(status))
    if assertion.duration is not None:
        held = looked.duration_s <= assertion.duration
        return None if held else ("duration", f"at most {assertion.duration}", f"{looked.duration_s * 1000:.1f}ms")
    if assertion.size is not None:
        size = len(looked.answer.body)
        return None if size <= assertion.size else ("size", f"at most {assertion.size}", f"{size}B")
    if assertion.header is not None:
        return _header_missed(assertion, assertion.header, looked.answer)
    if assertion.json is not None:
        return _json_missed(assertion, assertion.json, looked)
    if assertion.body is not None:
        expected = _compared(assertion, looked.text)
        return None if expected is None else ("body", expected, excerpt(looked.text, MAX_EXCERPT))
    return None


def _header_missed(assertion: Assertion, name: str, answer: Answer) -> Missed | None:
    of = f"header {name.lower()}"
    if name not in answer.headers:
        return None if assertion.present is False else (of, _expected(assertion) or "present", None)
    expected = "not present" if assertion.present is False else _compared(assertion, answer.headers[name])
    if expected is None:
        return None
    shown = redact_header(name, answer.headers[name][: MAX_EXCERPT * 4])[:MAX_EXCERPT]
    return of, "***" if name.lower() in SECRET_HEADERS else expected, shown


def _json_missed(assertion: Assertion, path: str, looked: _Looked) -> Missed | None:
    of = f"json {path[:MAX_EXCERPT]}"
    value, complaint = looked.json
    if complaint:
        return of, _expected(assertion) or "present", f"the body {complaint}"
    found = values_in(value, path)
    if found is None:
        return of, _expected(assertion) or "present", "the body is too large or too deep to look for this in it"
    if assertion.present is False:
        return (of, "not present", _excerpt_of(path, found[0])) if found else None
    if not found:
        return of, _expected(assertion) or "present", None
    if any(_fits(assertion, each) for each in found):
        return None
    return of, _expected(assertion), _excerpt_of(path, found[0])


def _fits(assertion: Assertion, value: Any) -> bool:
    """Whether a value of JSON is as asserted. A number equals a number, true equals true; neither equals its text."""
    wanted = assertion.equals
    if isinstance(wanted, bool) or (wanted is not None and isinstance(value, bool)):
        return wanted is value  # where Python has it that true is 1
    if wanted is not None:
        return bool(wanted == value)
    return _compared(assertion, _text_of(value)) is None


def _text_of(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _excerpt_of(path: str, value: Any) -> str:
    """Redacted beside its name, which may say that it is a secret."""
    name = path.rpartition(".")[2].strip("[]'\"*") + ": "
    return excerpt(name + _text_of(value)[: MAX_EXCERPT * 10], MAX_EXCERPT).removeprefix(name)


def _compared(assertion: Assertion, text: str) -> str | None:
    """None where the comparison holds, or there is none to make; else what was expected."""
    if assertion.equals is not None and text != assertion.equals:
        return _expected(assertion)
    if assertion.contains is not None and assertion.contains not in text:
        return _expected(assertion)
    if assertion.matches is not None:
        found = patterns.search(assertion.matches, text)
        if found is None:
            return f"{_expected(assertion)}, which was too slow on this text and was given up"
        if not found:
            return _expected(assertion)
    return None


def _expected(assertion: Assertion) -> str:
    for word in ("equals", "contains", "matches"):
        value = getattr(assertion, word)
        if value is not None:
            return f"{word} {value[:MAX_EXCERPT]!r}" if isinstance(value, str) else f"{word} {_text_of(value)}"
    return "" if assertion.present is None else "present" if assertion.present else "not present"
