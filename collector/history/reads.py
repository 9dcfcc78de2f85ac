"""What the page asks for, as SQL. Blocking; each runs on a reading of its own, in a worker thread."""

import msgspec

from collector.events import Event, Incident
from collector.history.rows import MINUTE_NS, nanoseconds, timestamp
from collector.history.store import Reading
from collector.history.types import IncidentStory, Point
from collector.inputs import DeliveryInput
from collector.lives import Life, lives_of
from parallax.clock import NS

MAX_POINTS = 50_000
MAX_STORY = 2_000
MAX_TRIES = 5_000
RAW_SPAN_NS = 26 * 3600 * NS
"""A longer stretch is told by its minutes, not by every observation."""

_FIGURES = """
       count(*), count(*) FILTER (reason IS NOT NULL AND abstain IS NULL), count(*) FILTER (abstain IS NOT NULL),
       quantile_disc(duration_ns, 0.5) FILTER (reason IS NULL AND abstain IS NULL),
       quantile_disc(duration_ns, 0.95) FILTER (reason IS NULL AND abstain IS NULL)
"""
_STEP = "time_bucket(to_seconds(?), {}, TIMESTAMP '1970-01-01')"
_OF = "check_name = ? AND (?::VARCHAR IS NULL OR target = ?)"

_RAW = f"""
SELECT {_STEP.format("started")} AS step, probe, subject, {_FIGURES}
FROM observation WHERE {_OF} AND started >= ? AND started < ?
GROUP BY ALL ORDER BY step, probe, subject
"""  # noqa: S608
_MINUTES = f"""
SELECT minute AS step, probe, subject, total, failed, abstained, p50_ns, p95_ns
FROM minute WHERE {_OF} AND minute >= ? AND minute < ? AND minute NOT IN (SELECT minute FROM due)
UNION ALL
SELECT date_trunc('minute', started) AS step, probe, subject, {_FIGURES}
FROM observation WHERE {_OF} AND started >= greatest(?, (SELECT min(minute) FROM due)) AND started < ?
AND date_trunc('minute', started) IN (SELECT minute FROM due)
GROUP BY ALL ORDER BY step, probe, subject
"""  # noqa: S608
_LONG = f"""
SELECT {_STEP.format("minute")} AS step, probe, subject, sum(total)::BIGINT, sum(failed)::BIGINT,
       sum(abstained)::BIGINT, quantile_disc(p50_ns, 0.5), quantile_disc(p95_ns, 0.5)
FROM minute WHERE {_OF} AND minute >= ? AND minute < ?
GROUP BY ALL ORDER BY step, probe, subject
"""  # noqa: S608


_STORY = "SELECT body FROM event WHERE incident = ? AND NOT starts_with(type, 'alert.') ORDER BY position"
_ALERTS = """
SELECT id, incident, body FROM event
WHERE starts_with(type, 'alert.')
AND (?::VARCHAR IS NULL OR incident = ?)
AND (?::VARCHAR IS NULL OR id = ? OR incident = ? OR body->>'$.data.key' = ?)
ORDER BY position DESC LIMIT ?
"""
_DELIVERIES = """
SELECT happened, alert, key, incident, receiver, outcome, tries, text FROM delivery
WHERE alert IN (SELECT unnest(?::VARCHAR[])) ORDER BY position LIMIT ?
"""


def read_points(
    reading: Reading, check: str, target: str | None, *, since: int, until: int, step_s: int, raw_since: int
) -> list[Point]:
    """Steps of `step_s` seconds (whole minutes), the first of which holds `since`. Minutes are exact; so are longer
    steps as far as the observations are kept and over at most RAW_SPAN_NS; else a step's figure is the median of its
    minutes' figures. Raises ReadError, Interrupted."""
    step_s = max(step_s // 60, 1) * 60
    start = timestamp(since // (step_s * NS) * step_s * NS)
    of = (check, target, target, start, timestamp(until))
    if step_s * NS == MINUTE_NS:
        sql = _MINUTES
        parameters: tuple[object, ...] = (*of, *of)
    else:
        exact = since >= raw_since and until - since <= RAW_SPAN_NS
        sql, parameters = (_RAW if exact else _LONG), (step_s, *of)
    _, rows = reading.run(sql, parameters, most=MAX_POINTS)
    return [
        Point(
            at=nanoseconds(step),
            probe=probe,
            subject=subject,
            total=total,
            failed=failed,
            abstained=abstained,
            p50_ns=p50,
            p95_ns=p95,
        )
        for step, probe, subject, total, failed, abstained, p50, p95 in rows
    ]


def read_incidents(reading: Reading, limit: int, before: int | None) -> list[Incident]:
    """As last known, the latest opened first. Raises ReadError, Interrupted."""
    _, rows = reading.run(
        "SELECT body FROM incident WHERE opened < ? ORDER BY opened DESC, id LIMIT ?",
        (timestamp(2**63 if before is None else before), limit),
        most=limit,
    )
    return [msgspec.json.decode(body, type=Incident) for (body,) in rows]


def read_notices(reading: Reading, limit: int) -> list[Event]:
    """What was noticed, the latest first. Raises ReadError, Interrupted."""
    _, rows = reading.run(
        "SELECT body FROM event WHERE starts_with(type, 'notice.') ORDER BY position DESC LIMIT ?", (limit,), most=limit
    )
    return [msgspec.json.decode(body, type=Event) for (body,) in rows]


def read_incident(reading: Reading, name: str) -> IncidentStory | None:
    """None where there is no such incident. Raises ReadError, Interrupted."""
    _, found = reading.run("SELECT body FROM incident WHERE id = ?", (name,), most=1)
    if not found:
        return None
    _, rows = reading.run(_STORY, (name,), most=MAX_STORY)
    return IncidentStory(
        incident=msgspec.json.decode(found[0][0], type=Incident),
        events=tuple(msgspec.json.decode(body, type=Event) for (body,) in rows),
    )


def read_alerts(reading: Reading, incident: str | None, about: str | None, limit: int) -> tuple[Life, ...]:
    """The lives of the last alerts, oldest first: of an incident; or about something, by the id of an alert, a key or
    an incident. Raises ReadError, Interrupted."""
    _, rows = reading.run(_ALERTS, (incident, incident, about, about, about, about, limit), most=limit)
    rows.reverse()
    _, found = reading.run(_DELIVERIES, ([id_ for id_, _, _ in rows], MAX_TRIES), most=MAX_TRIES)
    deliveries = [
        DeliveryInput(
            at=nanoseconds(at),
            alert=alert,
            key=key,
            receiver=receiver,
            outcome=outcome,
            tries=tries,
            text=text,
            incident=of or "",
        )
        for at, alert, key, of, receiver, outcome, tries, text in found
    ]
    ids = sorted({of for _, of, _ in rows if of})
    _, known = reading.run(
        "SELECT body FROM incident WHERE id IN (SELECT unnest(?::VARCHAR[]))", (ids,), most=len(ids) + 1
    )
    incidents = [msgspec.json.decode(body, type=Incident) for (body,) in known]
    return lives_of(
        [msgspec.json.decode(body, type=Event) for _, _, body in rows],
        deliveries,
        {each.id: each for each in incidents},
    )
