"""The journal: durable, append-only, bounded, with named cursors. A probe's spool, the collector's inputs and events.

    async with open_journal(path, Limits(max_bytes=..., max_age_s=...)) as journal:
        position = await journal.append([Entry(kind="batch", body=body, at_ns=wall_ns(), count=500)])

`types` has the words, `bounds` decides what must go (pure), `file` is tables and rows, `store` a transaction on them,
`writer` the thread that commits in groups, `ballast` the room kept for a full disk, `opening` and `salvage` what
happens at the start, `journal` the face to the event loop.
"""

from parallax.journal.journal import Journal, open_journal
from parallax.journal.types import (
    Entry,
    JournalBusy,
    JournalError,
    JournalFull,
    Limits,
    Record,
    Salvage,
    Stats,
)

__all__ = [
    "Entry",
    "Journal",
    "JournalBusy",
    "JournalError",
    "JournalFull",
    "Limits",
    "Record",
    "Salvage",
    "Stats",
    "open_journal",
]
