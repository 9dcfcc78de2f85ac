"""Observations and points as line protocol. Pure; what it costs is in bench/series.py.

https://docs.influxdata.com/influxdb/v1/write_protocols/line_protocol_reference/ has the syntax.

Written again, a point is the same point: InfluxDB knows it by measurement, tags and time. So its time is the
observation's own, and tags are made of nothing but the observation.
"""

from collections.abc import Sequence

import msgspec

from collector.series.labels import MOST_SERIES, Labels
from collector.series.measured import Measured, dims_of, findings_of
from parallax.exposition import Point, number_of
from parallax.observation import PENDING, Phase
from parallax.points import DIMS, FOUND, OTHER, OTHER_KINDS, PHASES, measurement_of
from parallax.reasons import REASONS

NANO = 1e-9
_OLDEST_NS = 0
MAX_TEXT = 2_000
_MOST = {tag.name: tag.most for tag in OTHER_KINDS.tags}
_PLAN_TAGS = frozenset({"probe", "check", "kind", "outcome", "attempt", "fault"})
"""What is told apart past MOST_SERIES."""
_phase_field = {name: f",{name}_seconds=" for name in PHASES}.get
_DIM_NAMES = frozenset(tag.name for tag in DIMS)
_FAULTS = frozenset({"target", "resolver", "network", "probe", "config", "blocked"})
_FOUND = {
    kind: tuple(
        (each.finding, f",{each.field.name}=", "e-9" if each.scale == NANO else "", each.scale) for each in found
    )
    for kind, found in FOUND.items()
}
_Head = tuple[str, tuple[tuple[str, str, str, float], ...]]
"""Measurement, tags, and the fields up to the number of `duration_seconds`; and what comes of findings."""
_packed = msgspec.msgpack.Encoder().encode
"""Octets of all that tags are made of: quicker to make and to look up than a tuple of strings that were just decoded,
and a tenth of its size where 200,000 are remembered. Labels go in as they came."""
_TEXT = str.maketrans({'"': r"\"", "\\": r"\\"})


class Encoder:
    """Makes lines; remembers how tags are written. One thread at a time."""

    def __init__(self, most_series: int = MOST_SERIES) -> None:
        self.labels, self._most_series = Labels(), most_series
        self._heads: dict[bytes, _Head] = {}

    @property
    def series(self) -> int:
        """Sets of tags that observations had so far."""
        return len(self._heads)

    def observations(self, observations: Sequence[Measured], shift_ns: int, latest_ns: int) -> list[str]:
        """A line each, but for attempts that are not over. Their times are moved by `shift_ns`, and none is later than
        `latest_ns`: those that would be stand before it in their order, a nanosecond apart. Raises
        msgspec.DecodeError for findings or labels that are none."""
        lines, heads, first, taken = list[str](), self._heads, dict[int, str](), set[tuple[str, int]]()
        last = len(observations) - 1
        for o in observations:
            abstain = o.abstain
            if abstain == PENDING:
                continue
            key = _packed(
                (
                    o.probe, o.check, o.kind, o.target, o.subject, o.reason, o.fault, abstain, o.site, o.attempt > 1,
                    o.dims,
                )
            )  # fmt: skip
            head, found = heads.get(key) or self._head(key, o)
            phases, fields = o.phases, ""
            if len(phases) == 1:
                if field := _phase_field(phases[0].name):
                    fields = f"{field}{phases[0].duration_ns}e-9"
            elif phases:
                spans = {phase.name: phase.duration_ns for phase in phases}
                if len(spans) < len(phases):
                    spans = _summed(phases)
                for name, span in spans.items():
                    if field := _phase_field(name):
                        fields = f"{fields}{field}{span}e-9"
            if found:
                findings = findings_of(o.findings)
                for name, field, power, factor in found:
                    value = getattr(findings, name)
                    if type(value) is int:
                        fields = f"{fields}{field}{value}{power}"
                    elif value is not None and (number := number_of(value, factor)) is not None:
                        fields = f"{fields}{field}{number}"
            at = o.started_at + shift_ns
            if at > latest_ns or not at > _OLDEST_NS:
                at = latest_ns - last + len(lines)
            if at in first:  # parts of one run that begin as one, and may differ in no tag
                taken.add((first[at], at))
                while (head, at) in taken or first.get(at) == head:
                    at += 1
                taken.add((head, at))
            first.setdefault(at, head)
            lines.append(f"{head}{o.duration_ns}e-9{fields} {at}")
        return lines

    def point(self, point: Point, *, texts: bool = True) -> str:
        """A line, or "" for a point without fields. Texts can be left out."""
        known = {field.name: field.text for field in point.of.fields}
        fields = []
        for name, value in point.fields.items():
            text = known[name]  # a field that no measurement names is a bug
            if text:
                if texts and isinstance(value, str):
                    fields.append(f'{name}="{_one_line(value).translate(_TEXT)}"')
            elif value is not None and (number := number_of(value)) is not None:
                fields.append(f"{name}={number}")
        if not fields:
            return ""
        tags = self.labels.tags(point.tags, {tag.name: tag.most for tag in point.of.tags})
        return f"{point.of.name}{tags} {','.join(fields)} {point.at}"

    def _head(self, key: bytes, o: Measured) -> "_Head":
        """What begins a line of such observations, and which findings are its fields."""
        values = {name: value for name, value in dims_of(o.dims).items() if name in _DIM_NAMES} | {
            "probe": o.probe,
            "check": o.check,
            "target": o.target,
            "subject": o.subject,
            "site": o.site or "",
            "attempt": "again" if o.attempt > 1 else "",
            "outcome": outcome_of(o),
            "reason": "" if o.reason is None else o.reason if o.reason in REASONS else OTHER,
            "fault": "" if o.fault is None else o.fault if o.fault in _FAULTS else OTHER,
            "abstain": o.abstain or "",
        }
        measurement = measurement_of(o.kind)
        if measurement == OTHER_KINDS.name:
            values["kind"] = o.kind
        full = len(self._heads) >= self._most_series
        if full:
            self.labels.folded += 1
            values = {name: value if name in _PLAN_TAGS or not value else OTHER for name, value in values.items()}
        made = f"{measurement}{self.labels.tags(values, _MOST)} ok={int(o.reason is None)},duration_seconds="
        head = made, _FOUND.get(o.kind, ())
        if not full:
            self._heads[key] = head
        return head


def _summed(phases: Sequence[Phase]) -> dict[str, int]:
    spans: dict[str, int] = {}
    for phase in phases:
        spans[phase.name] = spans.get(phase.name, 0) + phase.duration_ns
    return spans


def outcome_of(o: Measured) -> str:
    """The tag `outcome`."""
    if o.abstain is not None:
        return "abstained"
    if o.reason is None:
        return "ok"
    reason = REASONS.get(o.reason)
    return "degraded" if reason is not None and reason.soft else "failed"


def _one_line(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text[:MAX_TEXT])
