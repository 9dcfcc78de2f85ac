"""GET /v1/attempts as values: what is asked, and what is answered. Pure."""

from collections.abc import Mapping, Sequence

import msgspec

from collector.board import Board
from collector.history import Retried
from collector.retries import PATIENCES_S, Report
from collector.retries.replay import WINDOW_S
from parallax.clock import NS
from parallax.plan.types import Retry

USUAL_NS = 3600 * NS
LONGEST_NS = 7 * 86_400 * NS
_MOST_DIGITS = 19


class AttemptsError(ValueError):
    """The question cannot be answered; `status` is 400 or 404. The message is for whoever asked."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Asked(msgspec.Struct, frozen=True):
    """One question: a check of the plan, and a time, ns since the Unix epoch."""

    check: str
    since: int
    until: int


class PolicyName(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    about: str


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """The body of the answer. `since` is later than was asked for where there were too many attempts."""

    check: str
    since: int
    until: int
    window_s: float
    patiences_s: tuple[int, ...]
    policies: tuple[PolicyName, ...]
    report: Report


def read_asked(query: Mapping[str, str], board: Board, now: int) -> Asked:
    """The question from a URL's query: check=NAME, and from=, to= in ns. Raises AttemptsError."""
    unknown = sorted(set(query) - {"check", "from", "to"})
    if unknown:
        raise AttemptsError(400, f"{unknown[0][:50]!r} is not known here; there are check, from and to")
    names = [check.name for check in board.checks]
    check = query.get("check", "")
    if not check:
        raise AttemptsError(400, f"check is missing: ?check=NAME; there are: {', '.join(names[:20]) or 'none'}")
    if check not in names:
        raise AttemptsError(404, f"the plan has no check {check[:100]!r}; it has: {', '.join(names[:20]) or 'none'}")
    until = _moment(query, "to", now)
    since = _moment(query, "from", until - USUAL_NS)
    if not since < until:
        raise AttemptsError(400, "from is not before to")
    if until - since > LONGEST_NS:
        raise AttemptsError(400, f"from and to are more than {LONGEST_NS // (86_400 * NS)} days apart; ask for less")
    return Asked(check, since, until)


def answer(asked: Asked, found: Retried, policies: Sequence[Retry]) -> Answer:
    """What is answered."""
    return Answer(
        check=asked.check,
        since=found.since,
        until=found.until,
        window_s=WINDOW_S,
        patiences_s=PATIENCES_S,
        policies=tuple(PolicyName(name=policy.name, about=policy.about) for policy in policies),
        report=found.report,
    )


def _moment(query: Mapping[str, str], key: str, usual: int) -> int:
    text = query.get(key)
    if text is None:
        return usual
    if not (text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS and int(text) < 2**62):
        raise AttemptsError(400, f"{key} wants ns since 1970 as a whole number, like {usual}")
    return int(text)
