"""What history answers. Times are wall clock, ns since the Unix epoch, UTC."""

from typing import Any

import msgspec

from collector.events import Event, Incident


class QueryError(ValueError):
    """The query is refused or fails; the message is for whoever wrote it."""


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """What a query gave. Values are JSON's: numbers, texts, booleans, None; times as ISO 8601 text."""

    columns: tuple[str, ...]
    rows: list[list[Any]]
    more: bool = False
    """There were more rows than are shown."""


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """One minute (or longer step) of one probe's observations of a check. Spans are ns, of those without a reason;
    None where there were none."""

    at: int
    """Where the step begins."""
    probe: str
    subject: str
    total: int
    failed: int
    abstained: int
    p50_ns: int | None
    p95_ns: int | None


class IncidentStory(msgspec.Struct, frozen=True, kw_only=True):
    """An incident as last known, and every event that belongs to it, oldest first."""

    incident: Incident
    events: tuple[Event, ...]


class ReaderStatus(msgspec.Struct, frozen=True, kw_only=True):
    """How far one journal is in the history."""

    position: int
    behind: int
    """Records that wait to be read."""
    missed: int
    """Records that the journal had dropped before they were read, over the history's whole life."""


class HistoryStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The history right now. `problem` says why nothing is written, None while it is."""

    inputs: ReaderStatus
    events: ReaderStatus
    observations: int
    bytes: int
    unreadable: int
    """Records that were no input or event of a version known here, over its whole life."""
    problem: str | None = None
