"""What the steps that wait for a letter must keep. Pure; the steps may be drafts."""

import re
from collections.abc import Iterator

from parallax.json_paths import path_complaint
from parallax.letters import number_of
from parallax.loading.convert import Fault, good
from parallax.loading.lines import Path
from parallax.loading.problems import shown
from parallax.plan.letter_specs import MailStep, SmsStep, WebhookStep
from parallax.plan.signin_specs import SigninSpec
from parallax.plan.step_specs import Step
from parallax.values import Duration

WORK = ("mail", "sms", "webhook")
_CAPTURED_BY = {"mail": ("regex",), "sms": ("regex",), "webhook": ("json", "regex")}
_FROM = {"mail": "a mail", "sms": "an SMS", "webhook": "a webhook"}


def letter_faults(spec: SigninSpec, step: Step, path: Path, what: str) -> Iterator[Fault]:
    """Of the step's own keys."""
    work, path = getattr(step, what), (*path, what)
    if isinstance(work, MailStep):
        if work.to is None and spec.user is None:
            yield Fault((*path, "to"), "is missing, and the check has no user whose address it could be")
        if good(work.authenticated) and len(set(work.authenticated)) < len(work.authenticated):
            yield Fault((*path, "authenticated"), "names one of them twice")
    elif isinstance(work, SmsStep):
        yield from number_faults(work.to, (*path, "to"))
    elif isinstance(work, WebhookStep):
        for place, where in enumerate(work.where if good(work.where) else ()):
            if good(where) and good(where.json) and (complaint := path_complaint(where.json)):
                yield Fault((*path, "where", place, "json"), complaint)
    if what != "mail":
        yield from late_faults(work.within, work.late, path)


def number_faults(to: str, path: Path) -> Iterator[Fault]:
    """Of the number that an SMS is sent to; what is in braces may be any digits."""
    if good(to) and number_of(re.sub(r"\{[^{}]*\}", "000", to)) is None:
        yield Fault(path, f"{shown(to)} is no phone number; write one like +15005550006")


def late_faults(within: Duration, late: Duration | None, path: Path) -> Iterator[Fault]:
    """Of how long a letter may take."""
    if good(within, late) and late is not None and late >= within:
        yield Fault((*path, "late"), f"{late} is not shorter than within, {within}: it would never be late")


def captures_from_letter(step: Step) -> tuple[str, tuple[str, ...]] | None:
    """What the step waits for, and how values are captured out of it; None for a step that waits for no letter."""
    what = next((name for name in WORK if getattr(step, name) is not None), None)
    return (_FROM[what], _CAPTURED_BY[what]) if what is not None else None


def letter_assert_faults(step: Step, path: Path) -> Iterator[Fault]:
    """What a webhook's assertions may look at."""
    for number, assertion in enumerate(step.assertions if good(step.assertions) else ()):
        if good(assertion) and assertion.json is None and assertion.body is None:
            yield Fault((*path, "assert", number), "is about a response; of a webhook, json and body are looked at")


def letter_texts(step: Step) -> Iterator[tuple[Path, str]]:
    """The texts with gaps, and where they are."""
    for what in ("mail", "sms"):
        work = getattr(step, what)
        if work is not None and good(work) and isinstance(work.to, str):
            yield (what, "to"), work.to
    if step.webhook is not None and good(step.webhook) and good(step.webhook.where):
        for place, where in enumerate(step.webhook.where):
            if good(where) and isinstance(where.equals, str):
                yield ("webhook", "where", place, "equals"), where.equals
