"""Queries in InfluxQL, the language that InfluxDB 1, 2 (by its mapping) and 3 all speak. The SDK has no class for it.

https://docs.influxdata.com/influxdb/v1/query_language/ has the language;
https://grafana.com/docs/grafana/latest/datasources/influxdb/query-editor/ what Grafana puts in: `$timeFilter`,
`$__interval`, and variables, of which one with several values stands between slashes as `(one|other)`.
"""

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any, Literal, Self

from dashboards.sdk import Builder, Dataquery, DataqueryConfig, register_dataquery_variant, register_default_plugins
from parallax.points import ANSWER_MINUTE, Measurement

DATASOURCE = "${datasource}"
"""The variable that holds the data source's uid."""
KIND = "influxdb"
LONG = "long"
"""The retention policy that keeps figures by the minute."""
_NAME = re.compile(r'"([^"]+)"')
_ALIAS = re.compile(r'\bAS\s+"([^"]+)"', re.IGNORECASE)
_VARIABLE = re.compile(r"\$(\w+)|\$\{(\w+)\}")
_CHOSEN = re.compile(r"/\^\$(\w+)\$/")
_INTERVALS_S = (
    (1.5, 1), (3.5, 2), (7.5, 5), (12.5, 10), (17.5, 15), (25, 20), (45, 30), (90, 60), (210, 120), (450, 300),
    (750, 600), (1050, 900), (1500, 1200), (2700, 1800), (5400, 3600), (9000, 7200), (16200, 10800), (32400, 21600),
    (86400, 43200), (604800, 86400), (1814400, 604800), (math.inf, 2592000),
)  # fmt: skip
"""Below how many seconds which `$__interval` is taken, as Grafana rounds it."""
_LEAST_S = {"": 1, "15s": 15, "1m": 60}
_POINTS = 400
"""Of a query that has no panel."""
_REGEX_SIGNS = re.compile(r"([\\^$.|?*+()\[\]{}/])")

Format = Literal["time_series", "table"]


class Query(Dataquery, Builder["Query"]):
    """One query of a panel, an annotation or an alert rule. `alias` names its series ($tag_x: the tag's value)."""

    def __init__(
        self,
        query: str,
        *,
        alias: str = "",
        form: Format = "time_series",
        ref: str = "A",
        datasource: str = DATASOURCE,
        more: Mapping[str, Any] | None = None,
    ) -> None:
        self.query, self.alias, self.form, self.ref, self.datasource = query, alias, form, ref, datasource
        self.more = dict(more or {})

    def build(self) -> "Query":
        return self

    def to_json(self) -> dict[str, object]:
        made: dict[str, object] = {
            "datasource": {"type": KIND, "uid": self.datasource},
            "query": self.query,
            "rawQuery": True,
            "refId": self.ref,
            "resultFormat": self.form,
        }
        return made | ({"alias": self.alias} if self.alias else {}) | self.more

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        known = {"datasource", "query", "rawQuery", "refId", "resultFormat", "alias"}
        return cls(
            data["query"],
            alias=data.get("alias", ""),
            form=data["resultFormat"],
            ref=data["refId"],
            datasource=data["datasource"]["uid"],
            more={name: value for name, value in data.items() if name not in known},
        )


def register() -> None:
    """Lets the SDK read these queries back from JSON."""
    register_default_plugins()
    register_dataquery_variant(DataqueryConfig(identifier=KIND, from_json_hook=Query.from_json))


def select(
    what: str,
    of: Measurement,
    *,
    where: str = "",
    by: Iterable[str] = (),
    every: str = "$__interval",
    fill: str = "none",
    policy: str = "",
    beside: Iterable[Measurement] = (),
) -> str:
    """A query's text: `what` over the dashboard's time, by `every` ("" for one row) and by tags. `beside`: measurements
    that are asked the same; what only some of them have is empty for the others.

    Raises ValueError for a name that the measurement does not have."""
    tags, every_one = tuple(by), (of, *beside)
    known = {tag.name for one in every_one for tag in one.tags} | set(_ALIAS.findall(what))
    known |= {field.name for one in every_one for field in one.fields}
    wanted = [*_NAME.findall(what), *_NAME.findall(where), *tags]
    if unknown := sorted({name for name in wanted if name not in known}):
        raise ValueError(f"{of.name} has no {', '.join(unknown)}")
    source = ", ".join(f'"{policy}"."{one.name}"' if policy else f'"{one.name}"' for one in every_one)
    condition = f"$timeFilter AND {where}" if where else "$timeFilter"
    groups = [*([f"time({every})"] if every else []), *(f'"{tag}"' for tag in tags)]
    text = f"SELECT {what} FROM {source} WHERE {condition}"  # noqa: S608 (no SQL, and nobody's words but ours)
    if groups:
        text += f" GROUP BY {', '.join(groups)}"
    return text + (f" fill({fill})" if every else "")


def answer_time(kind: str, by: str, where: Iterable[str]) -> str:
    """The 95th percentile of what answers of a kind took, by a tag. It is taken of each minute's own, at one probe and
    target: of every observation of a day it would cost an InfluxDB seconds."""
    conditions = " AND ".join([f"\"kind\" = '{kind}'", *where])
    return select('percentile("p95_seconds", 95)', ANSWER_MINUTE, where=conditions, by=[by])


def one_of(tag: str, variable: str = "") -> str:
    """The condition that a tag is one of what is chosen in the variable of the same name."""
    return f'"{tag}" =~ /^${variable or tag}$/'


def expand(
    query: str,
    variables: Mapping[str, list[str]],
    since: int,
    until: int,
    panel: Mapping[str, Any] | None = None,
) -> str:
    """The text as Grafana sends it for what is between two moments (ns since the Unix epoch). A variable without
    values means all. A panel says of how many points its lines are, and what `$__interval` is at least."""
    of = panel or {}
    step = (until - since) / 1e9 / of.get("maxDataPoints", _POINTS)
    rounded = next(s for below, s in _INTERVALS_S if step < below)
    interval = max(rounded, _LEAST_S[of.get("interval", "")])

    def put(found: re.Match[str]) -> str:
        name = found[1] or found[2]
        if name == "timeFilter":
            return f"time >= {since // 1_000_000}ms and time <= {until // 1_000_000}ms"
        if name in ("__interval", "interval"):
            return f"{interval}s"
        if name not in variables:
            return found[0]
        values = variables[name]
        return values[0] if values else ""

    def choose(found: re.Match[str]) -> str:
        if found[1] not in variables:
            return found[0]
        values = variables[found[1]]
        chosen = "(" + "|".join(_REGEX_SIGNS.sub(r"\\\1", value) for value in values) + ")" if values else ".*"
        return f"/^{chosen}$/"

    return _VARIABLE.sub(put, _CHOSEN.sub(choose, query))
