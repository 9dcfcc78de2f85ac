"""First attempts beside what retries hide, as _retries.html shows it. Pure, but for `ask`."""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec

from collector.history import Retried
from collector.retries import PATIENCES_S, Report
from parallax.clock import NS
from parallax.plan.types import Retry

if TYPE_CHECKING:
    from collector.web.pages import NoHistory, Pages

MOST_LINES = 24
"""Subjects, and probes, of one table; the API has all."""


class RetriesView(msgspec.Struct, frozen=True, kw_only=True):
    """A report, with the policies that it was made by: a plan may have others by now. `since` is from when on the
    attempts are there, ns."""

    report: Report
    since: int
    policies: tuple[Retry, ...]
    line: str
    """What a line of the table by subject is: a step, an address."""
    patiences: tuple[int, ...] = PATIENCES_S
    usual: int = PATIENCES_S[1]
    """The patience of tables that have room for one."""
    most: int = MOST_LINES


async def ask(pages: "Pages", check: str, length_s: int, line: str) -> "RetriesView | NoHistory":
    """The last `length_s` seconds of a check."""
    now, policies = pages.view.now(), tuple(pages.view.policies())
    asked = pages.view.history.retried(check, policies, since=now - length_s * NS, until=now + NS)
    got = await pages.from_history(asked)
    if not isinstance(got, Retried):
        return got
    return RetriesView(report=got.report, since=got.since, policies=policies, line=line)


MET_WORDS: Mapping[str, str] = {
    "ok": "well",
    "network": "no connection, or no whole answer",
    "timeout": "no answer in time",
    "5xx": "server errors (5xx)",
    "429": "throttled (429)",
    "4xx": "other refusals (4xx)",
    "other": "not as it should be",
}
"""What came of a call, for people."""


def share(value: float | tuple[float, float] | None) -> str:
    """An availability in per cent: "99.97 %", or from to, "97.1 to 98.3 %". Never rounded up to 100."""
    if value is None:
        return "–"
    low, high = value if isinstance(value, tuple) else (value, value)
    return f"{_hundred(low)} %" if _hundred(low) == _hundred(high) else f"{_hundred(low)} to {_hundred(high)} %"


def factor(value: tuple[float, float] | None) -> str:
    """Requests a call: "1.25", or from to."""
    if value is None:
        return "–"
    low, high = (f"{each:.2f}" for each in value)
    return low if low == high else f"{low} to {high}"


def _hundred(value: float) -> str:
    return f"{math.floor(value * 10_000 + 1e-6) / 100:g}"
