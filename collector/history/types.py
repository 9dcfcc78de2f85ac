"""What history answers. Times are wall clock, ns since the Unix epoch, UTC."""

from typing import Any

import msgspec

from collector.events import Event, Incident
from collector.retries import Report


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


class Retried(msgspec.Struct, frozen=True, kw_only=True):
    """The attempts of a check, and what retries would have made of them."""

    since: int
    """From when on they are all there: later than was asked for, where there were too many."""
    until: int
    report: Report


class StepSeen(msgspec.Struct, frozen=True, kw_only=True):
    """One step of one run of a flow. `phases` are (name, start since the step's own start, span), ns."""

    name: str
    attempt: int
    at: int
    duration_ns: int
    reason: str | None
    fault: str | None
    findings: dict[str, Any]
    phases: tuple[tuple[str, int, int], ...]


class FlowRun(msgspec.Struct, frozen=True, kw_only=True):
    """The steps of one run of a flow, in order."""

    probe: str
    target: str
    cadence: str
    """light, silent, full; empty where the kind has none."""
    run: str
    steps: tuple[StepSeen, ...]


class FunnelCount(msgspec.Struct, frozen=True, kw_only=True):
    """How many runs of a flow took a step; of those whose last step it was with a reason, that one. `place` is where
    among the steps it stands."""

    cadence: str
    step: str
    place: float
    runs: int
    stopped: str | None
    fault: str | None


class Flow(msgspec.Struct, frozen=True, kw_only=True):
    """What the page shows of a flow: each probe's latest run of each cadence, and how far all runs came."""

    runs: tuple[FlowRun, ...]
    counts: tuple[FunnelCount, ...]


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
