"""The journal's record: one conclusion."""

import msgspec

from collector.events.alert import AlertRouted, Conclusion
from parallax.journal import Entry, Record

VERSION = 1
EventData = Conclusion | AlertRouted


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One conclusion. `id` is stable over restarts and replays of the same `inputs`."""

    version: int = VERSION
    id: str
    at: int
    """The moment of the record that led to it."""
    cause: int
    """That record's position in `inputs`."""
    data: EventData

    @property
    def type(self) -> str:
        """As receivers get it: incident.opened, check.down, ..."""
        return self.data.type


class EventError(ValueError):
    """The record is no event of a version known here."""


def encode_event(event: Event) -> Entry:
    """The journal's entry."""
    return Entry(kind=event.type, body=msgspec.json.encode(event), at_ns=event.at)


def decode_event(record: Record | Entry) -> Event:
    """The event in a record of the journal. Raises EventError."""
    try:
        event = msgspec.json.decode(record.body, type=Event)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise EventError(f"a {record.kind[:40]} record does not decode: {error}") from None
    if event.version != VERSION:
        raise EventError(f"a {record.kind[:40]} record has version {event.version}; this program knows {VERSION}")
    return event
