"""What a receiver has taken, kept on disk: its cursor in `events`, and with it what it was told of, in one commit
behind the deliveries. A crash before it says the same alert again, under the same id.
"""

from collections.abc import Callable

import msgspec
import trio

from collector.alerts.knowing import Told
from parallax.journal import Journal, JournalFull
from parallax.log import get_log

SAVE_EVERY_S = 10.0
LAST_COMMIT_S = 0.3
"""How long the end waits for the cursor to be on disk; without it, an alert is said again."""
_log = get_log(__name__)


class Memory(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept with the cursor: what is known of each key that is not over, and the positions beyond the cursor
    that are done. `disabled` is the hash of the plan under which the receiver said 410. `known` is what an earlier
    version kept."""

    known: dict[str, bool] = {}
    disabled: str | None = None
    keys: dict[str, Told] = {}
    done: list[int] = []


def reader_of(name: str) -> str:
    """The name of a receiver's cursor in `events`."""
    return f"receiver {name}"


def mark_of(name: str) -> str:
    """The name of the mark that goes with it."""
    return f"alerts {name}"


class Saving:
    """One task runs `keep`. Its methods raise JournalError where the journal takes no more."""

    def __init__(self, events: Journal, name: str, position: Callable[[], int], memory: Callable[[], Memory]) -> None:
        """Of the receiver `name`: `position` and `memory` are what there is to keep now."""
        self._events, self._name, self._position, self._memory = events, name, position, memory
        self._dirty = trio.Event()
        self._committed = events.cursor(reader_of(name))

    def note_change(self) -> None:
        """There is something to commit."""
        self._dirty.set()

    async def keep(self) -> None:
        """Commits behind the deliveries until cancelled. What is passed over is committed at times, so that the journal
        need not keep it for this reader."""
        try:
            while True:
                with trio.move_on_after(SAVE_EVERY_S):
                    await self._dirty.wait()
                if self._dirty.is_set() or self._position() > self._committed:
                    self._dirty = trio.Event()
                    await self.commit()
        except trio.Cancelled:
            if self._dirty.is_set():
                with trio.move_on_after(LAST_COMMIT_S, shield=True):
                    await self.commit()
            raise

    async def commit(self) -> None:
        """Commits it as it is now; what the disk has no room for is said again after a restart, at worst."""
        position = self._position()
        marks = {mark_of(self._name): msgspec.json.encode(self._memory())}
        try:
            try:
                await self._events.commit(reader_of(self._name), position, marks)
            except trio.Cancelled:
                self._dirty.set()  # said once more at the end
                raise
        except JournalFull as error:
            _log.error("what was delivered is not noted", receiver=self._name, why=str(error))
            return
        self._committed = position


def remembered(events: Journal, name: str) -> Memory:
    """What was last kept of the receiver `name`; nothing where that does not decode."""
    raw = events.mark(mark_of(name))
    try:
        memory = msgspec.json.decode(raw, type=Memory) if raw is not None else Memory()
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        _log.error("what a receiver was told of is not known any more: a mark does not decode", receiver=name)
        return Memory()
    before = {key: Told(told=told) for key, told in memory.known.items()}
    return msgspec.structs.replace(memory, known={}, keys=before | memory.keys)
