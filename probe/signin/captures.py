"""What a step of a plan's own flow makes of a response: the values that it takes out, what it means, whether it is as
asserted. Pure."""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from parallax.plan.assertion_specs import Assertion
from parallax.plan.specs import HttpSpec
from parallax.plan.step_specs import Capture, On
from probe.fault import Fault
from probe.http import judge as http_judge
from probe.http.assertions import values_in
from probe.http.response import Answer
from probe.pages.page import Page
from probe.signin.jar import Jar
from probe.signin.letters import group_in
from probe.signin.reply import Reply
from probe.tape import Evidence

MAX_MEANING = 100_000
"""Characters that `on` looks through."""


def captured(capture: Capture, reply: Reply, page: Page | None, jar: Jar, now: float) -> str | None:
    """The value, or None where the response has none. `now` is wall time, seconds."""
    if capture.json is not None:
        found = json_at(capture.json, reply.answer)
        return text_of(found[0]) if found else None
    if capture.header is not None:
        return reply.headers.get(capture.header)
    if capture.regex is not None:
        return group_in(capture.regex, reply.answer.text)
    if capture.form is not None:
        return _field(capture.form, page)
    if capture.cookie is not None:
        cookie = jar.get(capture.cookie, reply.url, now)
        return cookie.value if cookie is not None else None
    return None


def meaning(rules: Iterable[On], reply: Reply, page: Page | None) -> Fault | None:
    """What the plan says that the response is."""
    for rule in rules:
        if _holds(rule, reply, page):
            return Fault(f"signin_{rule.reason}")
    return None


def fault_of(assertions: Sequence[Assertion], answer: Answer, duration_ns: int) -> tuple[Fault, bool] | None:
    """What is wrong with a response by the rules of the kind `http`, and whether that only degrades it."""
    evidence = Evidence(
        phases=[],
        findings={},
        failure=None,
        phase=None,
        duration_ns=duration_ns,
        material={http_judge.ANSWER: answer},
    )
    verdict = http_judge.judge(HttpSpec(assertions=list(assertions)), evidence)
    if verdict is None:
        return None
    # A step's time has no lookup of its own that could be told apart.
    side = None if verdict.reason in ("http_slow", "http_too_slow") else verdict.fault
    return Fault(verdict.reason, verdict.note, side), verdict.soft


def _holds(rule: On, reply: Reply, page: Page | None) -> bool:
    if rule.status is not None and reply.status != rule.status:
        return False
    if rule.text is not None:
        seen = f"{page.title}\n{page.text}" if page is not None else reply.answer.text
        if rule.text.casefold() not in seen[:MAX_MEANING].casefold():
            return False
    if rule.json is not None:
        found = json_at(rule.json, reply.answer)
        if not found:
            return False
        if rule.equals is not None and not any(type(v) is type(rule.equals) and v == rule.equals for v in found):
            return False
    return True


def json_at(path: str, answer: Answer) -> list[Any]:
    """What a JSONPath finds in a body; nothing in one that is no JSON."""
    try:
        return values_in(answer.json(), path) or []
    except ValueError:
        return []


def text_of(value: Any) -> str | None:
    """A value of JSON as a text; None for null."""
    if value is None:
        return None
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _field(name: str, page: Page | None) -> str | None:
    if page is None:
        return None
    fields = [field for form in page.forms for field in form.fields] + list(page.loose)
    return next((field.value for field in fields if field.name == name), None)
