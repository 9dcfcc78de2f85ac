"""Points of series, and the text that `GET /metrics` gives of them: OpenMetrics. Pure.

https://prometheus.io/docs/specs/om/open_metrics_spec/ : a gauge is MEASUREMENT_FIELD, with the tags as labels, as
VictoriaMetrics makes of the same points. Texts have no place in it.
"""

import math
from collections.abc import Iterable, Mapping

import msgspec

from parallax.points import MAX_TAG, MEASUREMENTS, OTHER, Measurement

MEDIA_TYPE = "application/openmetrics-text; version=1.0.0; charset=utf-8"
_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """A point of any measurement but observations'. `at`: ns since the Unix epoch. Of the fields those that are None
    are not there, and a text is one where the measurement says so."""

    of: Measurement
    at: int
    tags: Mapping[str, str] = {}
    fields: Mapping[str, float | str | None] = {}


def exposition(points: Iterable[Point]) -> str:
    """The whole text. Each metric's samples stand together, and no two have the same labels."""
    samples: dict[str, dict[str, str]] = {}
    values: dict[tuple[str, str], set[str]] = {}
    for point in points:
        labels = []
        most = {tag.name: tag.most for tag in point.of.tags}
        for name, value in sorted(point.tags.items()):
            seen = values.setdefault((point.of.name, name), set())
            text = clean(value)
            if text not in seen and len(seen) >= most[name]:
                text = OTHER
            seen.add(text)
            if text:
                labels.append(f'{name}="{text.translate(_ESCAPES)}"')
        for field in point.of.fields:
            number = None if field.text else number_of(point.fields.get(field.name))
            if number is not None:
                shown = "{" + ",".join(labels) + "}" if labels else ""
                samples.setdefault(f"{point.of.name}_{field.name}", {})[shown] = number
    lines = []
    for measurement in MEASUREMENTS:
        for field in measurement.fields:
            name = f"{measurement.name}_{field.name}"
            if name not in samples:
                continue
            lines.append(f"# TYPE {name} gauge")
            unit = field.name.rpartition("_")[2]
            if unit in ("seconds", "bytes"):
                lines.append(f"# UNIT {name} {unit}")
            lines.append(f"# HELP {name} {measurement.meaning}: {field.meaning}".translate(_ESCAPES))
            lines += (f"{name}{labels} {number}" for labels, number in samples[name].items())
    return "\n".join([*lines, "# EOF", ""])


def number_of(value: object, scale: float = 1.0) -> str | None:
    """A number as line protocol has a float; None for what is none, or has no end."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value) * scale
    except OverflowError:
        return None
    return repr(number) if math.isfinite(number) else None


def clean(value: str) -> str:
    """As a tag's value: one line, without what a line protocol cannot say at a value's end, cut."""
    return "".join(c if c.isprintable() else " " for c in value[:MAX_TAG]).strip()
