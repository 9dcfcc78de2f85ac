"""What a probe says of itself, as a point: the collector makes it of the report, the probe serves it. Pure."""

from collections.abc import Mapping
from typing import Any

from parallax import points
from parallax.exposition import Point


def health_point(probe: str, found: Mapping[str, Any], at: int) -> Point:
    """`found` are the findings of its report; `at` is in ns since the Unix epoch."""
    spool, collectors = _table(found.get("spool")), _table(found.get("collectors"))
    backlogs = [number for each in collectors.values() if (number := _number(_table(each).get("backlog"))) is not None]
    return Point(
        of=points.PROBE_HEALTH,
        at=at,
        tags={"probe": probe},
        fields={
            "lag_seconds": _number(found.get("lag_s")),
            "rss_bytes": _number(found.get("rss")),
            "clock_offset_seconds": _number(found.get("clock_offset_s")),
            "clock_synchronised": _truth(found.get("clock_synchronised")),
            "running": _number(found.get("running")),
            "spool_records": _number(spool.get("records")),
            "spool_bytes": _number(spool.get("bytes")),
            "backlog": max(backlogs, default=None),
            "skipped": _sum(found.get("skipped")),
            "lost": _sum(found.get("lost")),
        },
    )


def _number(value: object) -> float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _truth(value: object) -> float | None:
    return float(value) if isinstance(value, bool) else None


def _table(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _sum(value: object) -> float | None:
    return sum(number for each in _table(value).values() if (number := _number(each)) is not None)
