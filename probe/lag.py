"""How late the event loop runs: a task that wakes ten times a second and sees by how much it overslept.

The same beat watches the wall clock against trio's, which no setting of the clock can move: a jump between two beats
is a step.
"""

from collections import deque
from collections.abc import Callable

import trio

from parallax.clock import NS, to_ns, wall_ns
from probe.clocks import STEP_S

BEAT_S = 0.1
KEPT = 1200
"""Beats that are remembered: two minutes."""


class Beat:
    """Remembers the lags of the last two minutes. `stepped` is called with the jump (seconds) when the clock steps."""

    def __init__(
        self, stepped: Callable[[float], None] = lambda jump_s: None, wall: Callable[[], int] = wall_ns
    ) -> None:
        self._stepped, self._wall = stepped, wall
        self._lags: deque[tuple[float, float]] = deque(maxlen=KEPT)
        self._expected = float("inf")

    async def serve(self) -> None:
        """Beats until cancelled."""
        ahead = self._ahead_ns()
        while True:
            self._expected = trio.current_time() + BEAT_S
            await trio.sleep_until(self._expected)
            now = trio.current_time()
            self._lags.append((now, now - self._expected))
            jump_s = (self._ahead_ns() - ahead) / NS
            if abs(jump_s) > STEP_S:
                self._stepped(jump_s)
            ahead = self._ahead_ns()

    def worst_since(self, moment: float) -> float:
        """The longest lag (seconds) that ended after a moment of trio's clock; the one under way counts too."""
        worst = max(trio.current_time() - self._expected, 0.0)
        for ended, lag in reversed(self._lags):
            if ended < moment:
                break
            worst = max(worst, lag)
        return worst

    def _ahead_ns(self) -> int:
        return self._wall() - to_ns(trio.current_time())
