"""How hard the servers of one operator may be asked, as a bucket of tokens for each. Pure: time comes from outside.

The plan's cap holds for the whole fleet; each probe keeps to its share of it. A bucket holds BURST_S seconds' worth, so
that a run's queries go out together; over any longer time no more is sent than the share.
"""

from probe.bounded import Bounded
from probe.buckets import MOST_BUCKETS, Buckets, Limit

BURST_S = 30.0
SMALLEST_BURST = 20.0


class Budget:
    """Without a limit, everything is allowed. Addresses that belong to nobody known (resolvers, say) are free."""

    def __init__(self) -> None:
        self._per_minute: float | None = None
        self._owners: Bounded[str] = Bounded(10 * MOST_BUCKETS)
        self._buckets = Buckets()
        self.sent = 0
        """Queries that were let go, to whomever."""
        self.refused: dict[str, int] = {}
        """Queries that were not sent, by operator; at most MOST_BUCKETS of them."""

    def limit(self, per_minute: float | None) -> None:
        """What this probe may send to each operator; None: without limit."""
        self._per_minute = per_minute

    def belongs(self, address: str, operator: str) -> None:
        """A name server's address is this operator's."""
        self._owners.put(address, operator, float("inf"))

    def take(self, address: str, now: float) -> bool:
        """Whether one query may go to the address now; it is counted either way. `now` is trio's clock."""
        operator = self._owners.get(address, now) if self._per_minute is not None else None
        if operator is None or self._per_minute is None:
            self.sent += 1
            return True
        rate = self._per_minute / 60
        limit = Limit(key=operator, room=max(rate * BURST_S, SMALLEST_BURST), rate=rate)
        allowed = self._buckets.take([limit], now) is None
        self.sent += allowed
        if not allowed and (operator in self.refused or len(self.refused) < MOST_BUCKETS):
            self.refused[operator] = self.refused.get(operator, 0) + 1
        return allowed
