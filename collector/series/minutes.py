"""Figures by the minute, from the history to the servers: what is kept for 13 months, and what charts of a day ask for
in place of every observation.

They are written by us, and not made by the server out of what it has: so InfluxDB 1, 2 and 3 and VictoriaMetrics all
have the same, a medium of probes that were late counts them, and `backfill` can bring a year that no server saw.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from collector.series.senders import Place
from parallax import points
from parallax.clock import NS
from parallax.exposition import Point

MINUTE_NS = 60 * NS
AT_ONCE = 5_000
"""Rows of one write."""
AGAIN_NS = 10 * MINUTE_NS
"""How far back minutes are written again, for what came late."""
_COLUMNS = "minute, check_name, kind, target, subject, probe, total, failed, abstained, p50_ns, p95_ns"
_SUMS = "sum(total)::BIGINT, sum(failed)::BIGINT, sum(abstained)::BIGINT"


_ANSWERED_BY = "minute, probe, check_name, kind, target, resolver, region"
_SPANS = ", ".join(f"avg({name}_ns)" for name in points.PHASES)
_KINDS = ", ".join(f"'{kind}'" for kind in points.ANSWERS)


class Figures(NamedTuple):
    """One measurement's figures: a page of the minutes that begin in [since, until), ns, in an order that pages keep;
    a row of it as a point; where it is kept. `at_once_ns`: of how much time the history can tell them within seconds,
    where that is not of all."""

    sql: Callable[[int, int, int], str]
    point: Callable[[Sequence[Any]], Point]
    place: Place = "long"
    at_once_ns: int | None = None

    def spans(self, since: int, until: int) -> list[tuple[int, int]]:
        """What [since, until) is asked in. Each begins with a minute, so that none is told in part."""
        whole = -(-since // MINUTE_NS) * MINUTE_NS
        step = self.at_once_ns or max(until - whole, 1)
        return [(first, min(first + step, until)) for first in range(whole, until, step)]


def minutes_sql(since: int, until: int, offset: int) -> str:
    """By check, target, subject and probe."""
    return _page(_COLUMNS, "minute, check_name, target, subject, probe, kind", since, until, offset)


def check_minutes_sql(since: int, until: int, offset: int) -> str:
    """By check and target."""
    key = "minute, check_name, kind, target"
    return _page(f"{key}, {_SUMS}", key, since, until, offset, f"GROUP BY {key} ")


def _page(columns: str, order: str, since: int, until: int, offset: int, group: str = "") -> str:
    return (
        f"SELECT {columns} FROM minute WHERE minute >= make_timestamp({since // 1000}) "  # noqa: S608  numbers alone
        f"AND minute < make_timestamp({until // 1000}) {group}ORDER BY {order} LIMIT {AT_ONCE} OFFSET {offset}"
    )


def answer_minutes_sql(since: int, until: int, offset: int) -> str:
    """By probe, check, target, resolver and region, of minutes that are over; of the observations themselves."""
    return (
        f"SELECT date_trunc('minute', started) AS {_ANSWERED_BY}, count(*), quantile_disc(duration_ns, 0.95), "  # noqa: S608
        f"{_SPANS} FROM observation WHERE abstain IS NULL AND kind IN ({_KINDS}) "
        f"AND started >= make_timestamp({since // 1000}) "
        f"AND started < make_timestamp({until // MINUTE_NS * MINUTE_NS // 1000}) "
        f"GROUP BY {_ANSWERED_BY} ORDER BY {_ANSWERED_BY} LIMIT {AT_ONCE} OFFSET {offset}"
    )


def minute_point(row: Sequence[Any]) -> Point:
    """A row of `minutes_sql`."""
    minute, check, kind, target, subject, probe, total, failed, abstained, p50_ns, p95_ns = row
    counts = _counts(total, failed, abstained)
    return Point(
        of=points.MINUTE,
        at=_ns(minute),
        tags={"probe": probe, "check": check, "kind": kind, "target": target, "subject": subject},
        fields=counts
        | {
            "well": int(failed < counts["counted"]) if counts["counted"] else None,
            "p50_seconds": None if p50_ns is None else p50_ns / NS,
            "p95_seconds": None if p95_ns is None else p95_ns / NS,
        },
    )


def check_minute_point(row: Sequence[Any]) -> Point:
    """A row of `check_minutes_sql`."""
    minute, check, kind, target, total, failed, abstained = row
    return Point(
        of=points.CHECK_MINUTE,
        at=_ns(minute),
        tags={"check": check, "kind": kind, "target": target},
        fields=_counts(total, failed, abstained),
    )


def answer_minute_point(row: Sequence[Any]) -> Point:
    """A row of `answer_minutes_sql`."""
    minute, probe, check, kind, target, resolver, region, counted, p95_ns, *spans = row
    return Point(
        of=points.ANSWER_MINUTE,
        at=_ns(minute),
        tags={
            "probe": probe, "check": check, "kind": kind, "target": target,
            "resolver": resolver or "", "region": region or "",
        },
        fields={"counted": counted, "p95_seconds": p95_ns / NS}
        | {
            f"{name}_seconds": None if span is None else span / NS
            for name, span in zip(points.PHASES, spans, strict=True)
        },
    )  # fmt: skip


FIGURES = (
    Figures(minutes_sql, minute_point),
    Figures(check_minutes_sql, check_minute_point),
    Figures(answer_minutes_sql, answer_minute_point, place="raw", at_once_ns=15 * MINUTE_NS),
)


def _counts(total: int, failed: int, abstained: int) -> dict[str, float | None]:
    return {"total": total, "failed": failed, "abstained": abstained, "counted": total - abstained}


def _ns(text: str) -> int:
    """The history gives times as ISO 8601, in UTC."""
    return round(datetime.fromisoformat(f"{text}+00:00").timestamp()) * NS
