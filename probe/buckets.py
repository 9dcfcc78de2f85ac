"""Token buckets by key: how often something may be done. Pure: time comes from outside.

A bucket holds `room` and fills by `rate` a second; what is not in it may not be done.
"""

from collections.abc import Sequence

import msgspec

from probe.bounded import Bounded

MOST_BUCKETS = 2_000


class Limit(msgspec.Struct, frozen=True, kw_only=True):
    """How often what goes by this key may be done. A key's limit may change from one question to the next."""

    key: str
    room: float
    rate: float
    """A second."""


class Buckets:
    """The buckets; the one that was used least recently goes where there are more than MOST_BUCKETS."""

    def __init__(self, most: int = MOST_BUCKETS) -> None:
        self._levels: Bounded[tuple[float, float]] = Bounded(most)

    def take(self, limits: Sequence[Limit], now: float) -> str | None:
        """None if it may be done now by all of these limits, and each has one token less; else the key of the first
        that forbids it, and none has. `now` is trio's clock."""
        levels = [(limit, self._level(limit, now)) for limit in limits]
        spent = next((limit.key for limit, level in levels if level < 1), None)
        for limit, level in levels:
            self._levels.put(limit.key, (level if spent else level - 1, now), float("inf"))
        return spent

    def _level(self, limit: Limit, now: float) -> float:
        tokens, since = self._levels.stale(limit.key) or (limit.room, now)
        return min(limit.room, tokens + max(0.0, now - since) * limit.rate)
