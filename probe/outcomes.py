"""What a collector's answer means for the spool, as tables. Pure.

The rule behind them: a batch leaves the spool only when the collector has it (a 200 with an acknowledgement that
decodes; a captive portal also says 200), or when the collector says that these very bytes can never be taken.
Everything else keeps it, and says how soon to try again.
"""

import random
from collections.abc import Callable
from typing import Literal

import msgspec

from parallax.wire import Ack

Action = Literal["done", "retry", "wait", "restamp", "drop", "stop"]
"""done: the next one. retry: again after the backoff. wait: again after what the collector asked for. restamp: again
at once, under another identity, as this one was used for other content. drop: these bytes are refused for good. stop: a
person must act; keep the spool, say so, look again slowly."""

STOP_PAUSE_S = 60.0
LONGEST_WAIT_S = 120.0
SHORTEST_WAIT_S = 0.05


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one sending: a status and what it carried, or a failure word of `parallax.dialling.errors`."""

    status: int | None = None
    failure: str | None = None
    ack: Ack | None = None
    retry_after_s: float | None = None
    """What `Retry-After` asked for, if it could be read."""
    detail: str = ""
    """What the collector wrote in its error answer, for the log."""


class Outcome(msgspec.Struct, frozen=True):
    """What to do next; `word` names the cause in statistics and logs, "" when all is well."""

    action: Action
    word: str = ""
    wait_s: float = 0.0


BY_STATUS: dict[int, Outcome] = {
    400: Outcome("drop", "malformed"),
    401: Outcome("stop", "token_refused", STOP_PAUSE_S),
    403: Outcome("stop", "token_refused", STOP_PAUSE_S),
    404: Outcome("stop", "no_such_path", STOP_PAUSE_S),
    405: Outcome("stop", "no_such_path", STOP_PAUSE_S),
    408: Outcome("retry", "timeout"),
    409: Outcome("restamp", "conflict"),
    413: Outcome("drop", "too_large"),
    415: Outcome("drop", "media_type"),
    422: Outcome("stop", "unknown_schema", STOP_PAUSE_S),
    425: Outcome("retry", "too_early"),
    429: Outcome("wait", "throttled"),
    500: Outcome("retry", "server_error"),
    502: Outcome("retry", "server_error"),
    503: Outcome("wait", "busy"),
    504: Outcome("retry", "server_error"),
    507: Outcome("wait", "collector_full"),
}
BY_CLASS: dict[int, Outcome] = {
    1: Outcome("retry", "no_acknowledgement"),
    2: Outcome("retry", "no_acknowledgement"),
    3: Outcome("stop", "redirected", STOP_PAUSE_S),
    4: Outcome("stop", "refused", STOP_PAUSE_S),
    5: Outcome("retry", "server_error"),
}
BY_FAILURE: dict[str, Outcome] = {
    "certificate": Outcome("stop", "certificate", STOP_PAUSE_S),
    "not_allowed": Outcome("stop", "not_allowed", STOP_PAUSE_S),
    "token": Outcome("stop", "token_unreadable", STOP_PAUSE_S),
}
"""The words that are more than bad luck; all others are tried again under their own name."""


def outcome_of(answer: Answer) -> Outcome:
    """The outcome of one sending."""
    if answer.status is None:
        word = answer.failure or "no_answer"
        return BY_FAILURE.get(word, Outcome("retry", word))
    if answer.status == 200 and answer.ack is not None:
        return Outcome("done")
    found = BY_STATUS.get(answer.status) or BY_CLASS.get(answer.status // 100, BY_CLASS[5])
    if found.action != "wait":
        return found
    if answer.retry_after_s is None:
        return Outcome("retry", found.word)
    return Outcome("wait", found.word, min(max(answer.retry_after_s, SHORTEST_WAIT_S), LONGEST_WAIT_S))


class Backoff:
    """The pause before the next try, in seconds: doubles up to a cap, with jitter, so that a fleet does not return
    to a restarted collector all at once."""

    def __init__(self, first_s: float = 0.5, cap_s: float = 30.0, jitter: Callable[[], float] = random.random) -> None:
        self._first, self._cap, self._jitter = first_s, cap_s, jitter
        self._next = first_s

    def next_s(self) -> float:
        pause, self._next = self._next, min(self._next * 2, self._cap)
        return pause * (0.5 + self._jitter() / 2)

    def reset(self) -> None:
        self._next = self._first
