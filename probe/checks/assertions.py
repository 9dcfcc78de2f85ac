"""Assertions of the kind `http`: which hold, and for those that do not, what was expected and what was found. Pure."""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from parallax.plan.specs import Assertion
from parallax.redaction import SECRET_HEADERS, excerpt, redact_header
from probe.checks import patterns
from probe.checks.response import Answer

MAX_EXCERPT = 200


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


def misses(assertions: Sequence[Assertion], answer: Answer, duration_s: float) -> Iterator[Miss]:
    """The assertions that do not hold, in the plan's order."""
    for number, assertion in enumerate(assertions, 1):
        missed = _missed(assertion, answer, duration_s)
        if missed is not None:
            of, expected, found = missed
            yield Miss(number=number, of=of, expected=expected, found=found, soft=assertion.otherwise == "degraded")


def statuses_of(assertion: Assertion) -> tuple[int, ...]:
    """The statuses that pass; none for an assertion about something else."""
    if assertion.status is None:
        return ()
    return tuple(assertion.status) if isinstance(assertion.status, list) else (assertion.status,)


def _missed(assertion: Assertion, answer: Answer, duration_s: float) -> tuple[str, str, str | None] | None:
    """(of, expected, found) where the assertion does not hold."""
    if assertion.status is not None:
        passing = statuses_of(assertion)
        held = answer.status in passing
        return None if held else ("status", " or ".join(map(str, passing)), str(answer.status))
    if assertion.duration is not None:
        held = duration_s <= assertion.duration
        return None if held else ("duration", f"at most {assertion.duration}", f"{duration_s * 1000:.1f}ms")
    if assertion.header is not None:
        return _header_missed(assertion, assertion.header, answer)
    if assertion.body is not None:
        return _body_missed(assertion, answer)
    return None


def _header_missed(assertion: Assertion, name: str, answer: Answer) -> tuple[str, str, str | None] | None:
    of = f"header {name.lower()}"
    if name not in answer.headers:
        return of, _expected(assertion) or "present", None
    expected = _compared(assertion, answer.headers[name])
    if expected is None:
        return None
    shown = redact_header(name, answer.headers[name][: MAX_EXCERPT * 4])[:MAX_EXCERPT]
    return of, "***" if name.lower() in SECRET_HEADERS else expected, shown


def _body_missed(assertion: Assertion, answer: Answer) -> tuple[str, str, str | None] | None:
    text = answer.text
    expected = _compared(assertion, text)
    return None if expected is None else ("body", expected, excerpt(text, MAX_EXCERPT))


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
            return f"{word} {value[:MAX_EXCERPT]!r}"
    return ""
