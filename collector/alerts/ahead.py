"""The alerts that a receiver has not taken yet, by key: read from `events` as far as there is room for them in memory;
the rest waits in the journal.

Where there is no room, what comes behind is still looked through for alerts of the fast lane: a page must not wait for
a backlog. What is passed over then is read again once there is room.

Alerts are done in any order. The cursor is the position up to which all are done, and those beyond it that are done too
go along with it, so that a restart says nothing twice.
"""

from collections.abc import Iterable, Iterator

from collector.alerts.knowing import Waiting
from collector.events import AlertRouted, EventError, decode_event
from parallax.journal import Journal, Record
from parallax.log import get_log

READ_RECORDS, READ_BYTES = 200, 1_000_000
MOST_WAITING, MOST_WAITING_BYTES = 200, 4_000_000
"""What is held in memory, beyond which nothing more is read."""
MOST_FAST = 200
"""Alerts of the fast lane that are held beyond that."""
MOST_DONE = 1000
"""Alerts beyond the cursor that may be done; past it nothing more is read."""
_log = get_log(__name__)


class Ahead:
    """Reads on behind what it has. Its methods raise JournalError where the journal takes no more."""

    def __init__(self, events: Journal, name: str, position: int, done: Iterable[int] = ()) -> None:
        """Of alerts for the receiver `name`, behind `position`, but for those that are `done` already."""
        self._events, self._name = events, name
        self._read = self._scouted = position
        self._held: dict[int, int] = {}  # octets by position
        self._octets = self._fast = self._dry = 0
        self._done = {each for each in done if each > position}
        self.by_key: dict[str, list[Waiting]] = {}
        """What waits, oldest first."""

    @property
    def number(self) -> int:
        """How many alerts wait in memory."""
        return len(self._held)

    @property
    def done(self) -> int:
        """The position up to which there is nothing left to do."""
        oldest = min(self._held, default=None)
        return self._read if oldest is None else min(oldest - 1, self._read)

    @property
    def done_beyond(self) -> list[int]:
        """Those behind it that are done."""
        done = self.done
        self._done = {each for each in self._done if each > done}
        return sorted(self._done)

    @property
    def has_room(self) -> bool:
        return (
            len(self._held) - self._fast < MOST_WAITING
            and self._octets < MOST_WAITING_BYTES
            and len(self._done) < MOST_DONE
        )

    @property
    def may_scout(self) -> bool:
        """Whether there is room for more of the fast lane."""
        return self._fast < MOST_FAST

    @property
    def has_more(self) -> bool:
        """Whether there is something to read, and room for it."""
        last = self._events.stats.last
        return last > max(self._after, self._dry) and (self.has_room or self.may_scout)

    @property
    def _after(self) -> int:
        return self._read if self.has_room else max(self._read, self._scouted)

    async def wait_more(self) -> None:
        """Returns once the journal has records that were not read yet, and there may be room for them."""
        await self._events.wait_beyond(max(self._after, self._dry))

    async def read_on(self) -> list[Waiting]:
        """Reads what has come, as far as there is room for it; the alerts among it."""
        whole, last = self.has_room, self._events.stats.last
        if not whole and not self.may_scout:
            return []
        records = await self._events.read(self._after, max_records=READ_RECORDS, max_bytes=READ_BYTES)
        if not records:
            self._dry = last  # what was there is gone
        found = []
        for record in records:
            if whole:
                self._read = record.position
            else:
                self._scouted = record.position
            waiting = self._waiting(record)
            if waiting is not None and (whole or waiting.alert.lane == "fast"):
                self._hold(waiting, len(record.body), beyond=not whole)
                found.append(waiting)
        return found

    async def read_again(self, position: int) -> Waiting | None:
        """The alert at a position, whether it is done or not; None where the journal has it no more."""
        records = await self._events.read(position - 1, max_records=1)
        if not records or records[0].position != position:
            return None
        return _decoded(records[0])

    def leave(self, waiting: Waiting) -> None:
        """It is done."""
        octets = self._held.pop(waiting.position)
        self._octets -= abs(octets)
        self._fast -= octets < 0
        self._done.add(waiting.position)
        queue = self.by_key[waiting.alert.key]
        queue.remove(waiting)
        if not queue:
            del self.by_key[waiting.alert.key]

    def __iter__(self) -> Iterator[Waiting]:
        for queue in self.by_key.values():
            yield from queue

    def _waiting(self, record: Record) -> Waiting | None:
        if not record.kind.startswith("alert.") or record.position in self._held or record.position in self._done:
            return None
        waiting = _decoded(record)
        return waiting if waiting is not None and self._name in waiting.alert.to else None

    def _hold(self, waiting: Waiting, octets: int, *, beyond: bool) -> None:
        self._held[waiting.position] = -octets if beyond else octets  # below nothing: held beyond the room
        self._octets += octets
        self._fast += beyond
        queue = self.by_key.setdefault(waiting.alert.key, [])
        queue.append(waiting)
        queue.sort(key=lambda each: each.position)


def _decoded(record: Record) -> Waiting | None:
    """None where it is no alert, or none that this version knows."""
    try:
        event = decode_event(record)
    except EventError as error:
        _log.error("an event is passed over", position=record.position, why=str(error))
        return None
    if not isinstance(event.data, AlertRouted):
        return None
    return Waiting(position=record.position, id=event.id, at=event.at, alert=event.data)
