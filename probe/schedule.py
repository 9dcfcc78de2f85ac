"""When each (check, target) is due: a fixed grid on the wall clock. Pure: no clock, no I/O.

The ticks of a pair stand at `phase + k * period` since the Unix epoch, so a restarted probe goes on with the same grid.
The phase is a hash of check and target, which every probe of a fleet computes alike, plus this probe's slot as its
share of the period: so the fleet's samples of one target spread evenly over the period, and one probe's targets
spread by hash.

A tick is taken once, at its time, or skipped and counted; never made up for. So nothing bunches after a suspended
host, a stepped clock or a stall: each pair waits for its own next tick.
"""

import hashlib
import heapq
from collections.abc import Callable, Iterable
from typing import Self

import msgspec

from parallax.clock import NS, to_ns

TOO_LATE_S = 1.0
"""A tick found later than this is skipped as missed: a sample at another time than its own spoils the spread."""


class Grid(msgspec.Struct, frozen=True):
    """Ticks at `phase_ns + k * period_ns` since the Unix epoch."""

    period_ns: int
    phase_ns: int

    @classmethod
    def of(cls, check: str, target: str, period_s: float, slot: tuple[int, int] = (0, 1)) -> Self:
        """`slot` is the probe's place in the fleet and the fleet's size."""
        period = to_ns(period_s)
        digest = hashlib.blake2b(f"{check}\0{target}".encode(), digest_size=8).digest()
        place, size = slot
        return cls(period, (int.from_bytes(digest) % period + period * place // max(size, 1)) % period)

    def next_after(self, at_ns: int) -> int:
        """The first tick after a wall time."""
        return at_ns + self.period_ns - (at_ns - self.phase_ns) % self.period_ns


class Pair(msgspec.Struct, frozen=True, order=True):
    """What is scheduled: one target of one check. Names identify it; a changed period is a changed grid."""

    check: str
    target: str


class Due(msgspec.Struct, frozen=True):
    """A tick whose time has come."""

    pair: Pair
    scheduled_at: int


class Schedule:
    """The next tick of every pair. Wall times are nanoseconds, given by the caller."""

    def __init__(self, skip: Callable[[str, int], None] = lambda cause, count: None) -> None:
        self._skip = skip
        self._grids: dict[Pair, Grid] = {}
        self._next: dict[Pair, int] = {}
        self._heap: list[tuple[int, Pair]] = []

    def replace(self, grids: Iterable[tuple[Pair, Grid]], now_ns: int) -> None:
        """Puts other pairs in force. A pair that stays as it was keeps its next tick."""
        new = dict(grids)
        kept = {pair: at for pair, at in self._next.items() if self._grids[pair] == new.get(pair)}
        self._grids = new
        self._next = {pair: kept.get(pair) or grid.next_after(now_ns) for pair, grid in new.items()}
        self._rebuild()

    def take(self, now_ns: int) -> list[Due]:
        """The ticks due now, each at most once; missed ones are counted as "missed" and left out."""
        self._heed_step_back(now_ns)
        due = []
        while self._heap and self._heap[0][0] <= now_ns:
            at, pair = heapq.heappop(self._heap)
            grid = self._grids[pair]
            following = grid.next_after(now_ns)
            ticks = (following - at) // grid.period_ns
            last = following - grid.period_ns
            if now_ns - last <= to_ns(TOO_LATE_S):
                due.append(Due(pair, last))
                ticks -= 1
            if ticks:
                self._skip("missed", ticks)
            self._push(pair, following)
        return due

    def next_at(self) -> int | None:
        """When the next tick is due; None if nothing is scheduled."""
        return self._heap[0][0] if self._heap else None

    def _heed_step_back(self, now_ns: int) -> None:
        """After a wall clock's step back of more than a period, the grid is entered anew, or a pair would wait that
        long. After a smaller one the next tick stays, so that no tick is taken twice."""
        if not self._heap or self._heap[0][0] - now_ns <= NS:
            return
        stale = [pair for pair, at in self._next.items() if at - now_ns > 2 * self._grids[pair].period_ns]
        if stale:
            self._next.update({pair: self._grids[pair].next_after(now_ns) for pair in stale})
            self._rebuild()

    def _push(self, pair: Pair, at: int) -> None:
        self._next[pair] = at
        heapq.heappush(self._heap, (at, pair))

    def _rebuild(self) -> None:
        self._heap = [(at, pair) for pair, at in self._next.items()]
        heapq.heapify(self._heap)
