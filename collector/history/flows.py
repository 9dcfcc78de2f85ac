"""Attempts and the steps of flows, as SQL. Blocking; each runs on a reading of its own, in a worker thread."""

import math
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any

import msgspec

from collector.history.rows import nanoseconds, timestamp
from collector.history.store import Reading
from collector.history.types import Flow, FlowRun, FunnelCount, Retried, StepSeen
from collector.retries import Attempt, outcome_of, report_on
from parallax.plan.types import Retry

MAX_ATTEMPTS = 20_000
"""What one answer is reckoned from: in an outage of everything, up to two seconds of a worker thread."""
MAX_STEPS = 5_000
MAX_COUNTS = 1_000
CLEANUP = "cleanup"
"""The step that comes after the last one, whatever that was."""
_LONGEST_WAIT_S = 1e9

_ATTEMPTS = """
SELECT started, duration_ns, probe, target, subject, run, attempt, reason, fault,
       TRY_CAST(findings->>'status' AS INTEGER), TRY_CAST(findings->>'retry_after' AS DOUBLE),
       coalesce(findings->>'$.hops[#-1].method', findings->>'method')
FROM observation
WHERE check_name = ? AND started >= ? AND started < ? AND abstain IS NULL AND subject != ?
ORDER BY started DESC LIMIT ?
"""
_RUNS = """
WITH mine AS (
  SELECT *, coalesce(dims->>'cadence', '') AS cadence FROM observation
  WHERE check_name = ? AND started >= ? AND started < ?
), newest AS (SELECT probe, target, cadence, arg_max(run, started) AS run FROM mine GROUP BY ALL)
SELECT probe, target, cadence, run, subject, attempt, started, duration_ns, reason, fault, findings, mine.phases
FROM mine JOIN newest USING (probe, target, cadence, run)
ORDER BY probe, target, cadence, started, attempt, seq LIMIT ?
"""
_COUNTS = """
WITH mine AS (
  SELECT probe, run, subject, reason, fault, coalesce(dims->>'cadence', '') AS cadence, started,
         coalesce(TRY_CAST(findings->>'$.place[0]' AS DOUBLE), epoch(started - min(started) OVER each)) AS place,
         row_number() OVER (PARTITION BY probe, run, subject ORDER BY attempt DESC, seq DESC) AS again,
         row_number() OVER (PARTITION BY probe, run ORDER BY started DESC, attempt DESC, seq DESC) AS back
  FROM observation
  WHERE check_name = ? AND started >= ? AND started < ? AND abstain IS NULL AND subject != ?
  WINDOW each AS (PARTITION BY probe, run)
)
SELECT cadence, subject, median(place), count(*), CASE WHEN back = 1 THEN reason END AS stopped,
       CASE WHEN back = 1 AND reason IS NOT NULL THEN fault END AS side
FROM mine WHERE again = 1 GROUP BY cadence, subject, stopped, side ORDER BY ALL LIMIT ?
"""


def read_retried(reading: Reading, check: str, policies: Sequence[Retry], *, since: int, until: int) -> Retried:
    """The latest MAX_ATTEMPTS at most, and their report. Raises ReadError, Interrupted."""
    most = MAX_ATTEMPTS + 1
    _, rows = reading.run(_ATTEMPTS, (check, timestamp(since), timestamp(until), CLEANUP, most), most=most)
    if len(rows) == most:
        rows.pop()
        since = nanoseconds(rows[-1][0])
    return Retried(since=since, until=until, report=report_on([_attempt(*row) for row in rows], policies))


def read_flow(reading: Reading, check: str, *, since: int, until: int, runs_since: int) -> Flow:
    """Each probe's latest run of each cadence, and how far all runs came. Raises ReadError, Interrupted."""
    _, steps = reading.run(_RUNS, (check, timestamp(runs_since), timestamp(until), MAX_STEPS), most=MAX_STEPS)
    _, counts = reading.run(_COUNTS, (check, timestamp(since), timestamp(until), CLEANUP, MAX_COUNTS), most=MAX_COUNTS)
    return Flow(
        runs=tuple(_run(key, some) for key, some in groupby(steps, key=lambda row: row[:4])),
        counts=tuple(
            FunnelCount(cadence=cadence, step=step, place=place or 0.0, runs=runs, stopped=stopped, fault=fault)
            for cadence, step, place, runs, stopped, fault in counts
        ),
    )


def _attempt(*row: Any) -> Attempt:
    started, duration_ns, probe, target, subject, run, attempt, reason, fault, status, retry_after_s, method = row
    return Attempt(
        at=nanoseconds(started),
        duration_ns=duration_ns,
        probe=probe,
        target=target,
        subject=subject,
        run=run,
        attempt=attempt,
        met=outcome_of(reason, fault, status),
        method=method,
        retry_after_s=_wait(retry_after_s),
    )


def _wait(seconds: float | None) -> float | None:
    if seconds is None or not math.isfinite(seconds):
        return None
    return min(max(seconds, 0.0), _LONGEST_WAIT_S)


def _run(key: Any, rows: Iterable[Any]) -> FlowRun:
    probe, target, cadence, run = key
    return FlowRun(
        probe=probe,
        target=target,
        cadence=cadence,
        run=run,
        steps=tuple(
            StepSeen(
                name=name,
                attempt=attempt,
                at=nanoseconds(started),
                duration_ns=duration_ns,
                reason=reason,
                fault=fault,
                findings=_object(findings),
                phases=_phases(phases),
            )
            for *_, name, attempt, started, duration_ns, reason, fault, findings, phases in rows
        ),
    )


def _object(text: str | None) -> dict[str, Any]:
    value = msgspec.json.decode(text) if text else None
    return value if isinstance(value, dict) else {}


def _phases(text: str | None) -> tuple[tuple[str, int, int], ...]:
    return msgspec.json.decode(text, type=tuple[tuple[str, int, int], ...]) if text else ()
