"""Records of the journals to rows of the tables. Pure, and slow enough (some microseconds a row) for a worker thread.

A probe whose clock is wrong must not put its observations into next year: there they would be the latest for ever. So
its times are shifted by what the collector knows of its clock, and none is later than the batch's arrival.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from collector.events import (
    AlertRouted,
    CheckChanged,
    ComponentChanged,
    EventError,
    FailoverChanged,
    Incident,
    IncidentChanged,
    IncidentNoted,
    Noticed,
    ProbeChanged,
    RiskChanged,
    decode_event,
)
from collector.history.tables import DIMS, FLOW_KINDS, PHASES, SEEN
from collector.inputs import BatchInput, DeliveryInput, InputError, decode_input
from parallax import wire
from parallax.journal import Record
from parallax.observation import PENDING, Observation, Phase
from parallax.plan.types import Probe

HEALTH = "probe.health"
MINUTE_NS = 60 * 1_000_000_000
Row = tuple[Any, ...]

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001  DuckDB's TIMESTAMP has no zone; all of ours are UTC
_DIMS = frozenset(DIMS)
_NO_PHASES = (None,) * len(PHASES)
_MAX_FINDINGS = 20_000


class Rows(msgspec.Struct, kw_only=True):
    """What some records come to. `minutes` are those that got observations, ns."""

    position: int
    observations: list[Row] = []
    health: list[Row] = []
    minutes: set[int] = set()
    events: list[Row] = []
    deliveries: list[Row] = []
    incidents: dict[str, Row] = {}
    unreadable: int = 0


def timestamp(ns: int) -> datetime:
    """As DuckDB's TIMESTAMP has it: UTC without a zone, microseconds."""
    return _EPOCH + timedelta(microseconds=_int64(ns) // 1000)


def nanoseconds(value: datetime) -> int:
    """A TIMESTAMP as ns since the Unix epoch."""
    return (value - _EPOCH) // timedelta(microseconds=1) * 1000


def input_rows(records: Sequence[Record]) -> Rows:
    """Of the journal `inputs`: batches become observations, what came of deliveries its rows, the rest nothing."""
    rows = Rows(position=records[-1].position)
    for record in records:
        if record.kind not in ("batch", "delivery"):
            continue
        try:
            value = decode_input(record)
            if isinstance(value, DeliveryInput):
                rows.deliveries.append(_delivery_row(record.position, value))
                continue
            assert isinstance(value, BatchInput)
            batch = wire.decode(value.body, content_type=value.content_type, encoding=value.encoding)
        except (InputError, wire.WireError):
            rows.unreadable += 1
            continue
        _take_batch(rows, value, batch.observations)
    return rows


def event_rows(records: Sequence[Record]) -> Rows:
    """Of the journal `events`."""
    rows = Rows(position=records[-1].position)
    for record in records:
        try:
            event = decode_event(record)
        except EventError:
            rows.unreadable += 1
            continue
        if isinstance(event.data, AlertRouted) and not event.data.of:  # a sign of life, each minute
            continue
        incident: str | None = None
        check: str | None = None
        component: str | None = None
        probe: str | None = None
        match event.data:
            case IncidentChanged(incident=changed) | IncidentNoted(incident=changed):
                incident = changed.id
                rows.incidents[incident] = _incident_row(changed)
            case AlertRouted(incident=of) | FailoverChanged(incident=of):
                incident = of
            case CheckChanged() as turned:
                check, incident = turned.check, turned.incident
            case RiskChanged(risk=risk):
                check = risk.check
            case ProbeChanged() as said:
                probe, incident = said.probe, said.incident
            case ComponentChanged() as moved:
                component = moved.component
            case Noticed() as noticed:
                check = noticed.check or None
        rows.events.append(
            (
                record.position,
                event.id,
                timestamp(event.at),
                event.type,
                incident,
                check,
                component,
                probe,
                record.body.decode(),
            )
        )
    return rows


def vantage_labels(probe: Probe) -> Row:
    """The labels of a probe, as the table `vantage` has them behind `since`."""
    latitude, longitude = probe.location or (None, None)
    return probe.region, probe.provider, probe.asn, latitude, longitude, probe.network


def _take_batch(rows: Rows, value: BatchInput, observations: list[Observation]) -> None:
    latest = value.received_at
    shift = (value.offset_ns or 0) if value.skewed else 0
    received = timestamp(latest)
    add, minutes = rows.observations.append, rows.minutes
    for o in observations:
        if o.abstain == PENDING:  # no outcome: that follows
            continue
        started_ns = min(o.started_at + shift, latest)
        if o.kind == HEALTH:
            rows.health.append(_health_row(o, timestamp(started_ns), received))
            continue
        minutes.add(started_ns // MINUTE_NS)
        dims = o.dims
        get = dims.get
        add(
            (
                o.probe,
                o.check,
                o.kind,
                o.target,
                o.subject,
                min(max(o.attempt, 0), 2**31 - 1),
                timestamp(min(o.scheduled_at + shift, latest)),
                timestamp(started_ns),
                received,
                o.duration_ns,
                o.reason,
                o.fault,
                o.abstain,
                o.site,
                *map(get, DIMS),
                None if dims.keys() <= _DIMS else _json({k: v for k, v in dims.items() if k not in _DIMS}),
                *_phase_cells(o.phases),
                *_seen_cells(o),
                o.run,
                o.stream,
                o.seq,
            )
        )


def _phase_cells(phases: list[Phase]) -> Sequence[int | None]:
    """A span for each of PHASES; one that came more than once is added up."""
    if not phases:
        return _NO_PHASES
    spans: dict[str, int] = {}
    for phase in phases:
        spans[phase.name] = spans.get(phase.name, 0) + phase.duration_ns
    return [_int64(spans[name]) if name in spans else None for name in PHASES]


def _seen_cells(o: Observation) -> tuple[str | None, str | None]:
    """What was seen, and the phases one by one."""
    if o.kind not in FLOW_KINDS:
        return (None if o.reason is None else _json(o.findings)), None
    findings = o.findings if o.reason is not None else {key: o.findings[key] for key in SEEN if key in o.findings}
    return (_json(findings) if findings else None), (_json(o.phases) if o.phases else None)


def _health_row(o: Observation, started: datetime, received: datetime) -> Row:
    found = o.findings
    spool = found.get("spool")
    spool = spool if isinstance(spool, dict) else {}
    synchronised = found.get("clock_synchronised")
    return (
        o.probe,
        started,
        received,
        _number(found.get("lag_s")),
        _whole(found.get("rss")),
        _number(found.get("clock_offset_s")),
        synchronised if isinstance(synchronised, bool) else None,
        _whole(found.get("running"), 2**31 - 1),
        _whole(spool.get("records")),
        _whole(spool.get("bytes")),
        _text(found.get("agent")),
        _text(found.get("plan")),
        _json(found),
    )


def _delivery_row(position: int, value: DeliveryInput) -> Row:
    return (
        position,
        timestamp(value.at),
        value.alert,
        value.key,
        value.incident or None,
        value.receiver,
        value.outcome,
        min(max(value.tries, 0), 2**31 - 1),
        value.text,
    )


def _incident_row(incident: Incident) -> Row:
    domain = incident.domain
    return (
        incident.id,
        incident.title,
        incident.severity,
        incident.impact,
        domain.kind if domain else None,
        domain.name if domain else None,
        list(incident.components),
        timestamp(incident.started_at),
        timestamp(incident.opened_at),
        timestamp(incident.updated_at),
        None if incident.ended_at is None else timestamp(incident.ended_at),
        msgspec.json.encode(incident).decode(),
    )


def _json(value: object) -> str | None:
    """As text; None for what JSON cannot say, or what would be too much of it."""
    try:
        text = msgspec.json.encode(value)
    except (TypeError, ValueError, OverflowError, RecursionError):
        return None
    return text.decode() if len(text) <= _MAX_FINDINGS else None


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value)
    except OverflowError:  # JSON's numbers have no end
        return None


def _whole(value: object, most: int = 2**63 - 1) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and -most <= value <= most else None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _int64(value: int) -> int:
    return min(max(value, -(2**63)), 2**63 - 1)
