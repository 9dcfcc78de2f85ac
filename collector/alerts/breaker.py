"""The circuit breaker of one receiver: how much is tried at once, and how soon again. Pure; times are trio's clock.

Closed, a few alerts are under way at once, and places are kept for the fast lane. After some failures in a row it
opens: one try at a time, which stands for all that is due, and news of the slow lane must wait for the last one to lie
some time back. A page is tried at once all the same. The first success closes it.
"""

import msgspec

from collector.alerts.outcomes import CLOSEST_S, FAST_EVERY_S
from collector.events.alert import Lane

MOST_UNDER_WAY, MOST_SLOW = 4, 2
"""Alerts under way at once, and those of the slow lane among them."""
OPENS_AFTER = 3
"""Failures in a row."""
LONGEST_FAST_WAIT_S = 30.0
"""How long a receiver that asks for time keeps the fast lane from it."""


class Breaker(msgspec.Struct):
    """What the last tries came to. `not_before`: the receiver asked for time until then; the fast lane goes by
    `fast_not_before`."""

    failures: int = 0
    tried_at: float = float("-inf")
    not_before: float = float("-inf")
    fast_not_before: float = float("-inf")

    @property
    def is_open(self) -> bool:
        return self.failures >= OPENS_AFTER

    def succeeded(self, now: float) -> None:
        self.failures, self.tried_at = 0, now
        self.not_before = self.fast_not_before = float("-inf")

    def failed(self, now: float) -> None:
        self.failures, self.tried_at = self.failures + 1, now

    def asked(self, now: float, wait_s: float) -> None:
        """The receiver wants to be left alone for so long."""
        self.tried_at = now
        self.not_before = max(self.not_before, now + wait_s)
        self.fast_not_before = max(self.fast_not_before, now + min(wait_s, LONGEST_FAST_WAIT_S))

    def earliest(self, lane: Lane) -> float:
        """The moment before which nothing of a lane is tried."""
        asked = self.fast_not_before if lane == "fast" else self.not_before
        if not self.is_open:
            return asked
        return max(asked, self.tried_at + (CLOSEST_S if lane == "fast" else FAST_EVERY_S))

    def has_place(self, lane: Lane, under_way: int, slow: int) -> bool:
        """Whether one more may be under way beside so many, `slow` of which are of the slow lane."""
        if self.is_open:
            return under_way == 0
        return under_way < MOST_UNDER_WAY and (lane == "fast" or slow < MOST_SLOW)
