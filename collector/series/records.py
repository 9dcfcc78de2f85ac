"""Records of the journals to lines. Pure, but for the log of a bug; called in a worker thread."""

from collections.abc import Callable, Sequence

import msgspec

from collector.events import EventError, decode_event
from collector.inputs import BatchInput, FactInput, InputError, PlanStateInput, decode_input
from collector.series.annotations import event_points, fact_point, plan_point
from collector.series.encode import Encoder
from collector.series.measured import all_findings_of, read_batch
from parallax import wire
from parallax.exposition import Point
from parallax.health_point import health_point
from parallax.journal import Record
from parallax.log import get_log

HEALTH = "probe.health"
_log = get_log(__name__)


class Lines(msgspec.Struct, kw_only=True):
    """What some records come to."""

    lines: list[str] = []
    observations: int = 0
    unreadable: int = 0


def parted(records: Sequence[Record], most: float) -> tuple[list[Record], list[Record]]:
    """The first ones, of which so many observations are, and at least one record; and the rest."""
    number = 0
    for place, record in enumerate(records):
        number += record.count
        if place and number > most:
            return [*records[:place]], [*records[place:]]
    return [*records], []


def made_of(records: Sequence[Record], make: Callable[..., Lines], encoder: Encoder, *, texts: bool) -> Lines:
    """What `make` makes of them; a record that it cannot take (a bug) is left out, as it must not end the collector at
    this start and at every one after it."""
    try:
        return make(records, encoder, texts=texts)
    except Exception:  # the series' one place
        if len(records) == 1:
            _log.exception("series leave a record out (a bug)", position=records[0].position, kind=records[0].kind)
            return Lines(unreadable=1)
    whole = Lines()
    for record in records:
        made = made_of([record], make, encoder, texts=texts)
        whole.lines += made.lines
        whole.observations += made.observations
        whole.unreadable += made.unreadable
    return whole


def input_lines(records: Sequence[Record], encoder: Encoder, *, texts: bool = True) -> Lines:
    """Of the journal `inputs`: observations, and what became of plans."""
    made = Lines()
    for record in records:
        try:
            value = decode_input(record) if record.kind in ("batch", "plan_state", "fact") else None
            if isinstance(value, BatchInput):
                _take_batch(made, value, encoder)
            elif isinstance(value, PlanStateInput):
                _take(made, encoder, plan_point(value, record.position), texts=texts)
            elif isinstance(value, FactInput):
                _take(made, encoder, fact_point(value, record.position), texts=texts)
        except (InputError, wire.WireError, msgspec.DecodeError, UnicodeDecodeError):
            made.unreadable += 1
    return made


def event_lines(records: Sequence[Record], encoder: Encoder, *, texts: bool = True) -> Lines:
    """Of the journal `events`."""
    made = Lines()
    for record in records:
        try:
            event = decode_event(record)
        except EventError:
            made.unreadable += 1
            continue
        for point in event_points(event, record.position):
            _take(made, encoder, point, texts=texts)
    return made


def _take_batch(made: Lines, value: BatchInput, encoder: Encoder) -> None:
    observations = read_batch(value.body, content_type=value.content_type, encoding=value.encoding)
    shift = (value.offset_ns or 0) if value.skewed else 0  # as the history does
    measured = [o for o in observations if o.kind != HEALTH]
    made.lines += encoder.observations(measured, shift, value.received_at)
    made.observations += len(observations)
    if len(measured) < len(observations):
        for o in observations:
            if o.kind == HEALTH:
                at = min(o.started_at + shift, value.received_at)
                _take(made, encoder, health_point(o.probe, all_findings_of(o.findings), at))


def _take(made: Lines, encoder: Encoder, point: Point, *, texts: bool = True) -> None:
    if line := encoder.point(point, texts=texts):
        made.lines.append(line)
