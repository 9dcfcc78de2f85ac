"""The alerts that a receiver has not taken yet: read from `events` as far as there is room for them in memory; the rest
waits in the journal."""

from collector.alerts.routing import Waiting, is_alert
from collector.events import EventError, decode_event
from parallax.journal import Journal
from parallax.log import get_log

READ_RECORDS, READ_BYTES = 200, 1_000_000
MOST_WAITING, MOST_WAITING_BYTES = 200, 4_000_000
"""What is held in memory, beyond which nothing more is read."""
_log = get_log(__name__)


class Ahead:
    """Reads on behind what it has. Its methods raise JournalError where the journal takes no more."""

    def __init__(self, events: Journal, position: int) -> None:
        """Begins behind `position`."""
        self._events = events
        self._read = self._done = position
        self._bytes: dict[int, int] = {}
        self.waiting: list[Waiting] = []
        """Oldest first, whoever they are for."""

    @property
    def done(self) -> int:
        """The position up to which there is nothing left to do."""
        return self._done if self.waiting else self._read

    @property
    def has_room(self) -> bool:
        return len(self.waiting) < MOST_WAITING and sum(self._bytes.values()) < MOST_WAITING_BYTES

    async def wait_more(self) -> None:
        """Returns once the journal has records that were not read yet."""
        await self._events.wait_beyond(self._read)

    async def read_on(self) -> list[Waiting]:
        """Reads what has come, as far as there is room for it; the alerts among it."""
        if not self.has_room:
            return []
        records = await self._events.read(self._read, max_records=READ_RECORDS, max_bytes=READ_BYTES)
        found = []
        for record in records:
            self._read = record.position
            try:
                event = decode_event(record)
            except EventError as error:
                _log.error("an event is passed over", position=record.position, why=str(error))
                continue
            if is_alert(event):
                found.append(Waiting(record.position, event))
                self._bytes[record.position] = len(record.body)
        self.waiting += found
        return found

    def leave_behind(self, number: int) -> None:
        """The oldest of those that wait are done."""
        for each in self.waiting[:number]:
            self._done = each.position
            del self._bytes[each.position]
        del self.waiting[:number]
