"""Which runs are under way, and whether one more may begin. Pure.

One run at a time for each pair; a few at a time towards one endpoint, across all checks that measure it, so that a
slow target is not loaded more the slower it gets; and a bound for the whole probe. A tick that finds no room is
skipped, not put off: it would be measured at another time than its own.
"""

from collections import Counter

from parallax.values import Endpoint
from probe.schedule import Pair

MAX_RUNNING = 200
MAX_PER_ENDPOINT = 4


class Admission:
    """The runs under way. `enter` and `leave` stand in pairs."""

    def __init__(self, max_running: int = MAX_RUNNING, max_per_endpoint: int = MAX_PER_ENDPOINT) -> None:
        self._max_running, self._max_per_endpoint = max_running, max_per_endpoint
        self._running: dict[Pair, Endpoint | None] = {}
        self._towards: Counter[Endpoint] = Counter()

    @property
    def running(self) -> int:
        """How many runs are under way."""
        return len(self._running)

    def enter(self, pair: Pair, endpoint: Endpoint | None) -> str | None:
        """None if the run may begin, and it counts from now on; else why its tick is skipped: "running" (the pair's
        last run goes on), "target_busy" or "overload". A run without an endpoint goes nowhere."""
        if pair in self._running:
            return "running"
        if endpoint is not None and self._towards[endpoint] >= self._max_per_endpoint:
            return "target_busy"
        if len(self._running) >= self._max_running:
            return "overload"
        self._running[pair] = endpoint
        if endpoint is not None:
            self._towards[endpoint] += 1
        return None

    def leave(self, pair: Pair) -> None:
        """The pair's run has ended."""
        endpoint = self._running.pop(pair)
        if endpoint is not None:
            self._towards[endpoint] -= 1
            if not self._towards[endpoint]:
                del self._towards[endpoint]
