"""Which letters a probe may read: those that its part of the plan waits for, and no other. Pure.

A plan names where its letters arrive: `user.address`, and `to` and `hook` of steps. What stands there in braces is
filled in as the probe would: its own id, a run's id, which nobody can guess; a value of the run may be anything.
"""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

from parallax.letters import LetterKind
from parallax.plan.signin_specs import SigninSpec, User
from parallax.plan.step_specs import Step
from parallax.plan.templates import TemplateError, parse_template
from parallax.plan.types import Check

_RUN = "[0-9a-f]{16}"
_GAP = r"[^@\s]"
_Pieces = list[str | None]
"""Expressions of a length that is known, and None for what may be anything."""


def may_read(checks: Iterable[Check], probe: str, kind: LetterKind, to: str) -> bool:
    """Whether one of these checks, run by this probe, waits for letters of the kind at this address, which is as
    letters have it (parallax.letters)."""
    return any(
        pattern.fullmatch(to) is not None
        for check in checks
        if isinstance(check.spec, SigninSpec)
        for text in _awaited(check.spec, kind)
        if (pattern := _pattern(text, probe, check.name, *_names(check.spec.user), kind)) is not None
    )


def _awaited(spec: SigninSpec, kind: LetterKind) -> Iterator[str]:
    user = spec.user
    if kind == "mail" and user is not None and user.mail is not None:
        yield user.address or user.name
    if kind == "sms" and user is not None and user.sms is not None:
        yield user.sms.to
    for step in spec.step:
        yield from _awaited_by(step, user, kind)


def _awaited_by(step: Step, user: User | None, kind: LetterKind) -> Iterator[str]:
    if kind == "mail" and step.mail is not None:
        if step.mail.to is not None:
            yield step.mail.to
        elif user is not None:
            yield user.address or user.name
    elif kind == "sms" and step.sms is not None:
        yield step.sms.to
    elif kind == "webhook" and step.webhook is not None:
        yield step.webhook.hook


def _names(user: User | None) -> tuple[str, str]:
    return (user.name, user.address or user.name) if user is not None else ("", "")


@lru_cache(4096)
def _pattern(text: str, probe: str, check: str, user: str, address: str, kind: str) -> re.Pattern[str] | None:
    """What the text fits; None where it is no text with gaps."""
    known: dict[str, _Pieces] = {
        "probe": [re.escape(probe.lower())],
        "check": [re.escape(check.lower())],
        "run": [_RUN],
    }
    try:
        known["user.name"] = _filled(user, known)
        known["user.address"] = _filled(address, known)
        return re.compile(_joined(_filled("".join(text.split()) if kind == "sms" else text, known)))
    except TemplateError:
        return None


def _filled(text: str, known: dict[str, _Pieces]) -> _Pieces:
    return [
        part
        for piece in parse_template(text)
        for part in ([re.escape(piece.lower())] if isinstance(piece, str) else known.get(piece.name, [None]))
    ]


def _joined(pieces: _Pieces) -> str:
    """The expression, in which what follows on a gap is looked for once: of several places where it stands the first is
    as good as any, as gaps are all alike and what is between them has a length of its own. So a probe that asks for an
    address of its making takes no more time than any."""
    last = max((number for number, piece in enumerate(pieces) if piece is None), default=-1)
    text, is_open = "", False
    for number, piece in enumerate(pieces):
        if piece is None:
            text += (")" if is_open else "") + (f"(?>{_GAP}+?" if number < last else f"{_GAP}+")
            is_open = number < last
        else:
            text += piece
    return text
