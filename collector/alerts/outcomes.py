"""What a receiver's answer means for the alert, and when it is tried again, as tables. Pure.

The rule behind them: an alert is done when the receiver says 2xx, or 410 (it wants nothing any more). Everything else
keeps it and tries again until it is too old, as most of what goes wrong is mended by somebody: a receiver restarts, a
key is put right, a certificate is renewed.
"""

from itertools import accumulate
from typing import Literal

import msgspec

from collector.events.alert import Lane
from parallax.dialling.post import Answer

Action = Literal["deliver", "retry", "slow", "refuse", "wait", "disable"]
"""deliver: the receiver has it. retry: again by the lanes below. slow: again by the slow lane, as a person must act
first. refuse: as slow, but it may be this alert alone that is not liked: see `collector.alerts.delivery`. wait: again
after what the receiver asked for. disable: nothing more until the plan changes."""

FAST_S = (0.0, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
"""The first tries of the fast lane, seconds from the first one."""
FAST_EVERY_S, FAST_UNTIL_S = 30.0, 15 * 60.0
"""Then so often, and until then; what is left goes on by the slow lane."""
SLOW_PAUSES_S = (5.0, 300.0, 1800.0, 7200.0, 18000.0, 36000.0, 50400.0, 72000.0, 86400.0)
"""The slow lane's pauses, as Standard Webhooks 1.0.0 recommends them ("Retry schedule"): 75 h in all."""
SLOW_S = (0.0, *accumulate(SLOW_PAUSES_S))
GIVE_UP_S = 75 * 3600.0
"""How old an alert gets. Then it is given up, counted and logged."""
CLOSEST_S = 0.5
"""Between the end of one try and the start of the next."""
CAREFUL_S = 60.0
"""Between tries while a person must act first, as long as the fast lane lasts."""
FAST_TIMEOUT_S, SLOW_TIMEOUT_S = 5.0, 15.0
"""How long one try may take in either lane."""
SHORTEST_WAIT_S, LONGEST_WAIT_S = 1.0, 300.0


class Outcome(msgspec.Struct, frozen=True):
    """What to do next; `word` names the cause, "" when all is well."""

    action: Action
    word: str = ""
    wait_s: float = 0.0


BY_STATUS: dict[int, Outcome] = {
    400: Outcome("refuse", "refused"),
    408: Outcome("retry", "timeout"),
    410: Outcome("disable", "gone"),
    413: Outcome("refuse", "refused"),
    415: Outcome("refuse", "refused"),
    422: Outcome("refuse", "refused"),
    425: Outcome("retry", "too_early"),
    429: Outcome("wait", "throttled"),
    502: Outcome("wait", "server_error"),
    503: Outcome("wait", "server_error"),
    504: Outcome("wait", "server_error"),
}
BY_CLASS: dict[int, Outcome] = {
    1: Outcome("retry", "malformed"),
    2: Outcome("deliver"),
    3: Outcome("slow", "redirected"),
    4: Outcome("slow", "refused"),
    5: Outcome("retry", "server_error"),
}
BY_FAILURE: dict[str, Outcome] = {
    "bug": Outcome("refuse", "bug"),
    "certificate": Outcome("slow", "certificate"),
    "mail_login": Outcome("slow", "mail_login"),
    "mail_refused": Outcome("refuse", "mail_refused"),
    "no_starttls": Outcome("slow", "no_starttls"),
    "not_allowed": Outcome("slow", "not_allowed"),
    "not_https": Outcome("slow", "not_https"),
    "secret": Outcome("slow", "secret"),
}
"""The words that a person must act on; all others are tried again under their own name."""


def outcome_of(answer: Answer) -> Outcome:
    """The outcome of one try."""
    if answer.status is None:
        word = answer.failure or "no_answer"
        return BY_FAILURE.get(word, Outcome("retry", word))
    found = BY_STATUS.get(answer.status) or BY_CLASS.get(answer.status // 100, BY_CLASS[5])
    if found.action != "wait":
        return found
    if answer.retry_after_s is None:
        return Outcome("retry", found.word)
    return Outcome("wait", found.word, min(max(answer.retry_after_s, SHORTEST_WAIT_S), LONGEST_WAIT_S))


def pause_s(outcome: Outcome, since_first_s: float, lane: Lane) -> float:
    """From the end of a failed try to the next one, seconds; `since_first_s` is from the start of the alert's first."""
    if outcome.action == "wait":
        return outcome.wait_s
    slow_s = since_first_s - (FAST_UNTIL_S if lane == "fast" else 0.0)
    if slow_s < 0 and outcome.action in ("slow", "refuse"):
        return CAREFUL_S
    earliest = since_first_s + CLOSEST_S
    if lane == "fast" and earliest <= FAST_S[-1]:
        return min(at for at in FAST_S if at >= earliest) - since_first_s
    if lane == "fast" and earliest <= FAST_UNTIL_S:
        return -(-earliest // FAST_EVERY_S) * FAST_EVERY_S - since_first_s
    pause = next((at for at in SLOW_S if at >= slow_s + CLOSEST_S), slow_s + SLOW_PAUSES_S[-1]) - slow_s
    return max(pause, CAREFUL_S) if outcome.action in ("slow", "refuse") else pause


def timeout_s(since_first_s: float, lane: Lane) -> float:
    """How long a try may take that begins so long after the alert's first."""
    return FAST_TIMEOUT_S if lane == "fast" and since_first_s < FAST_UNTIL_S else SLOW_TIMEOUT_S
