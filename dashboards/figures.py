"""What a panel's queries come to, drawn apart from any look: lines, rows, last values. Pure; reads the JSON that is
deployed."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from dashboards.influxdb import Series

Panel = Mapping[str, Any]


class Line(msgspec.Struct, frozen=True):
    """One series: its name, and points as (ms since the Unix epoch, value or None)."""

    name: str
    points: list[tuple[int, Any]]

    @property
    def last(self) -> Any:
        return next((value for _, value in reversed(self.points) if value is not None), None)


class Look(msgspec.Struct, frozen=True):
    """How a value is shown."""

    text: str
    colour: str


def lines_of(target: Mapping[str, Any], found: Series) -> Iterator[Line]:
    """The series of a query whose answer is lines, named as Grafana names them."""
    for series in found:
        for place, column in enumerate(series["columns"][1:], 1):
            name = target.get("alias") or f"{column} {series.get('tags', '')}"
            for tag, value in series.get("tags", {}).items():
                name = name.replace(f"$tag_{tag}", value or "-")
            yield Line(name.replace("$col", column), [(row[0], row[place]) for row in series["values"]])


def rows_of(panel: Panel, found: Series) -> tuple[list[str], list[list[Any]]]:
    """Columns and rows of a query whose answer is a table, without what the panel hides."""
    if not found:
        return [], []
    tags = list(found[0].get("tags", {}))
    columns = ["Time", *tags, *found[0]["columns"][1:]]
    hidden = {name for name, properties in _overrides(panel) if properties.get("custom.hidden")}
    kept = [place for place, column in enumerate(columns) if column not in hidden]
    rows = [
        [row[0], *(series.get("tags", {}).get(tag, "") for tag in tags), *row[1:]]
        for series in found
        for row in series["values"]
    ]
    return [columns[place] for place in kept], [[row[place] for place in kept] for row in rows]


def look_of(panel: Panel, value: Any, column: str = "") -> Look:
    """A value as the panel shows it, or one column of it does."""
    defaults = panel.get("fieldConfig", {}).get("defaults", {})
    own = dict(_overrides(panel)).get(column, {}) if column else {}
    mappings = own.get("mappings") or ([] if column else defaults.get("mappings")) or []
    if value is None:
        return Look("–", "")
    if isinstance(value, int | float):
        for mapping in mappings:
            if meant := mapping.get("options", {}).get(f"{value:g}"):
                return Look(str(meant["text"]), str(meant["color"]))
        unit = own.get("unit") or ("" if column else defaults.get("unit", ""))
        return Look(worded(value, unit), "" if column else step_colour(defaults, value))
    return Look(str(value), "")


def step_colour(defaults: Mapping[str, Any], value: float) -> str:
    """The colour of the last step that the value has reached."""
    colour = ""
    for step in defaults.get("thresholds", {}).get("steps", []):
        if step.get("value") is None or value >= step["value"]:
            colour = step["color"]
    return colour


def worded(value: float, unit: str) -> str:
    """A number with its unit, as short as can be read."""
    if unit == "percentunit":
        return f"{value * 100:,.0f} %" if abs(value) >= 10 else f"{value * 100:.4g} %"
    if unit == "s":
        return _span(value)
    if unit == "d":
        return f"{value:.3g} d"
    if unit == "bytes":
        for size, name in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
            if abs(value) >= size:
                return f"{value / size:.3g} {name}"
        return f"{value:.0f} B"
    text = f"{value:.0f}" if float(value).is_integer() else f"{value:.3g}"
    return f"{text}/s" if unit == "ops" else text


def _span(seconds: float) -> str:
    size = abs(seconds)
    for length, name in ((86400, "d"), (3600, "h"), (60, "min")):
        if size >= length:
            return f"{seconds / length:.3g} {name}"
    return f"{seconds:.3g} s" if size >= 1 or not size else f"{seconds * 1000:.3g} ms"


def _overrides(panel: Panel) -> Iterator[tuple[str, dict[str, Any]]]:
    for override in panel.get("fieldConfig", {}).get("overrides", []):
        if override["matcher"]["id"] == "byName":
            yield (
                override["matcher"]["options"],
                {each["id"]: each["value"] for each in override["properties"]},
            )
