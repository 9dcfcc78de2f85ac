"""What came of deliveries, written into `inputs` in batches. Nothing waits for it: a delivery hands its line over and
goes on. What finds no room, or no disk, is counted."""

from collections import deque
from collections.abc import Callable
from typing import Protocol

import trio

from collector.inputs import DeliveryInput, FactInput, encode_input
from parallax.clock import wall_ns
from parallax.journal import Entry, JournalBusy, JournalError, JournalFull
from parallax.log import get_log

MOST_HELD = 2000
MOST_TOGETHER = 200
PAUSE_S = 0.2
"""Between two commits, so that a burst is few of them."""
RETRY_S = 1.0
TRIES = 5
LAST_S = 0.3
"""How long the end waits for the last of it to be on disk."""
_log = get_log(__name__)

Line = DeliveryInput | FactInput
Write = Callable[[Line], None]
"""Takes a line, and waits for nothing."""


def forget(line: Line) -> None:
    """Where nobody keeps a ledger."""


class Inputs(Protocol):
    """The part of a journal that is needed here."""

    async def append(self, entries: list[Entry]) -> int:
        """Raises JournalBusy, JournalFull, JournalError."""


class Ledger:
    """One task runs `run`; `write_nowait` may be called from any other."""

    def __init__(self, inputs: Inputs, wall: Callable[[], int] = wall_ns) -> None:
        self._inputs, self._wall = inputs, wall
        self._held: deque[Line] = deque()
        self._came = trio.Event()
        self.lost = 0
        """Lines, since the start of the process."""

    def write_nowait(self, line: Line) -> None:
        if len(self._held) >= MOST_HELD:
            self._lose(1, "too many at once")
            return
        self._held.append(line)
        self._came.set()

    async def run(self) -> None:
        """Writes until cancelled."""
        try:
            while True:
                await self._came.wait()
                self._came = trio.Event()
                while self._held:
                    await self._write_some()
                await trio.sleep(PAUSE_S)
        finally:
            with trio.move_on_after(LAST_S, shield=True):
                while self._held:
                    await self._write_some()

    async def _write_some(self) -> None:
        lines = [self._held.popleft() for _ in range(min(len(self._held), MOST_TOGETHER))]
        written, why = False, ""
        try:
            for _ in range(TRIES):
                try:
                    now = self._wall()
                    await self._inputs.append([encode_input(line, at_ns=now) for line in lines])
                except (JournalBusy, JournalFull) as error:
                    why = str(error)
                    await trio.sleep(RETRY_S)
                except JournalError as error:  # the whole program ends by it: see collector.main
                    why = str(error)
                    return
                else:
                    written = True
                    return
        except trio.Cancelled:
            self._held.extendleft(reversed(lines))  # may be on disk already: a line twice harms nothing
            lines = []
            raise
        finally:
            if not written and lines:
                self._lose(len(lines), why)

    def _lose(self, number: int, why: str) -> None:
        if not self.lost:
            _log.warning("what came of deliveries is not kept", number=number, why=why)
        self.lost += number
