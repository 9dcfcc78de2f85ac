"""History as the event loop sees it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import trio

from collector.events import Incident
from collector.history.types import IncidentStory, Point, Table
from parallax.config import CollectorLimits
from parallax.journal import Journal


class History:
    """One file, one writer; a reader of both journals."""

    async def run(
        self, inputs: Journal, events: Journal, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
    ) -> None:
        """Reads on until cancelled."""
        task_status.started()
        await trio.sleep_forever()

    async def query(self, sql: str, *, max_rows: int = 10_000, timeout_s: float = 10.0) -> Table:
        """What a SELECT gives. Raises QueryError: no SELECT, no such column, too slow, ..."""
        raise NotImplementedError

    async def points(
        self, check: str, *, since: int, until: int, step_s: int = 60, target: str | None = None
    ) -> list[Point]:
        """A check's figures in steps, by time, probe and subject."""
        return []

    async def incidents(self, *, limit: int = 50, before: int | None = None) -> list[Incident]:
        """Incidents as last known, the latest opened first; `before` pages back (opened_at)."""
        return []

    async def incident(self, id: str) -> IncidentStory | None:  # noqa: A002
        return None


@asynccontextmanager
async def open_history(path: Path, limits: CollectorLimits) -> AsyncIterator[History]:
    """Opens or makes the file. Raises StartError."""
    yield History()
    await trio.lowlevel.checkpoint()
