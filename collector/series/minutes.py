"""Figures by the minute, from the history to the servers: what is kept for 13 months.

They are written by us, and not made by the server out of what it has: so InfluxDB 1, 2 and 3 and VictoriaMetrics all
have the same, a medium of probes that were late counts them, and `backfill` can bring a year that no server saw.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from parallax import points
from parallax.clock import NS
from parallax.exposition import Point

MINUTE_NS = 60 * NS
AT_ONCE = 5_000
"""Rows of one write."""
AGAIN_NS = 10 * MINUTE_NS
"""How far back minutes are written again, for what came late."""
_COLUMNS = "minute, check_name, kind, target, subject, probe, total, failed, abstained, p50_ns, p95_ns"


def minutes_sql(since: int, until: int, offset: int) -> str:
    """A page of the minutes that begin in [since, until), ns; in an order that pages keep."""
    return (
        f"SELECT {_COLUMNS} FROM minute WHERE minute >= make_timestamp({since // 1000}) "  # noqa: S608  numbers alone
        f"AND minute < make_timestamp({until // 1000}) ORDER BY minute, check_name, target, subject, probe, kind "
        f"LIMIT {AT_ONCE} OFFSET {offset}"
    )


def minute_points(rows: Sequence[Sequence[Any]]) -> list[Point]:
    """The rows of `minutes_sql` as points."""
    return [_point(row) for row in rows]


def _point(row: Sequence[Any]) -> Point:
    minute, check, kind, target, subject, probe, total, failed, abstained, p50_ns, p95_ns = row
    return Point(
        of=points.MINUTE,
        at=_ns(minute),
        tags={"probe": probe, "check": check, "kind": kind, "target": target, "subject": subject},
        fields={
            "total": total,
            "failed": failed,
            "abstained": abstained,
            "counted": total - abstained,
            "p50_seconds": None if p50_ns is None else p50_ns / NS,
            "p95_seconds": None if p95_ns is None else p95_ns / NS,
        },
    )


def _ns(text: str) -> int:
    """The history gives times as ISO 8601, in UTC."""
    return round(datetime.fromisoformat(f"{text}+00:00").timestamp()) * NS
