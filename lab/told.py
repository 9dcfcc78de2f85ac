"""The collector's events as they lie in a state folder, read beside a collector that may run. Blocking."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from collector.events import Event, EventError, decode_event
from parallax.journal.file import connect_reader, read_records, read_totals

AT_ONCE, OCTETS = 1000, 8_000_000


class EventsUnreadable(Exception):
    """The journal cannot be read; one line."""


def read_events(path: Path, since_ns: int = 0) -> Iterator[Event]:
    """The events of a journal from a moment on, the oldest first; what does not decode is passed over. Raises
    EventsUnreadable."""
    try:
        with closing(connect_reader(path)) as db:
            after, last = 0, read_totals(db).last
            while True:
                records, damaged = read_records(db, after, last, frozenset(), AT_ONCE, OCTETS)
                for record in records:
                    if record.at_ns >= since_ns:
                        try:
                            yield decode_event(record)
                        except EventError:
                            continue
                if not records and not damaged:
                    return
                after = max([after, *damaged, *(record.position for record in records)])
    except sqlite3.Error as error:
        raise EventsUnreadable(f"{path}: cannot be read ({error})") from None
