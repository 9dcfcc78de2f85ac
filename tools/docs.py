"""Writes docs/plan.md and docs/config.md from the types: every key, its type, default, bounds and meaning. And
docs/series.md from the names of series.

Run `python -m tools.docs` after a change to a key; a test fails while a page is stale or a key has no description.
"""

from datetime import date, datetime
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec

from parallax.config import CollectorConfig, ProbeConfig
from parallax.loading.convert import bounds_text, fields_of
from parallax.loading.descriptions import describe
from parallax.plan.kinds import SPECS
from parallax.plan.load import MANY, SINGLE
from parallax.plan.types import CheckKeys
from parallax.points import MEASUREMENTS, OBSERVATION_TAGS
from parallax.values import VALUE_TYPES, Address, Cidr, DnsName, Duration, Endpoint, Rate, Redirect, Size, Url
from tools import ansible_readme

FOLDER = Path(__file__).parent.parent / "docs"

_MADE = "<!-- Made by `python -m tools.docs` from the types; edit those. -->\n"

_PLAN_HEAD = """# The plan

The plan says what to check: probes, checks, and what is built on them. It is TOML, in one file or in a folder of
`*.toml` that are read together in name order. A list of tables (`[[check]]`) may be spread over the files of a folder;
what is there once (`[defaults]`, `[control]`, `schema`) stands in one of them. A folder also has the `*.ics` that
`[[maintenance]]` names. A plan never holds secrets, and never says where state lives; that is [config](config.md).

- `parallax plan check PLAN` says everything that is wrong with it, with file, line, section and key.
- `parallax plan schema` prints its JSON Schema, for editors.
- `parallax plan diff OLD NEW` says what a change means: checks, load on each target, probes touched.

Complete examples are in [examples](examples/).
"""

_PLAN_FORMS = """
## How values are written

| Form | Written as |
|---|---|
| duration | a number above 0 and a unit: `"500ms"`, `"30s"`, `"5m"`, `"2h"`, `"1d"` |
| size | a whole number and a decimal unit: `"512B"`, `"64kB"`, `"1MB"` |
| address | a literal IP address and a port: `"192.0.2.1:53"`, `"[2001:db8::1]:53"` |
| address or name | as an address, or a name in its place: `"ns1.example.org:53"` |
| redirect | an address, and `/udp` or `/tcp` where only one is meant: `"192.0.2.1:53/udp"` |
| network | `"10.0.0.0/8"`, `"fd00::/8"` |
| name | a DNS name, with or without its last dot; an IDN in its A-labels, `xn--bcher-kva.example` |
| URL | absolute, `https://` or `http://`, without a user, password or fragment |
| time | with its offset from UTC, without quotes: `2027-01-31T02:00:00Z` |
"""

_CONFIG_HEAD = """# Config

Config says how one program runs on its host: where its state is, whom it talks to, its limits. Only the host's owner
writes it. It is TOML, read whole at start; anything wrong is said with its line, and the program does not start. A
relative path starts at the folder of the file. Values are written as in [the plan](plan.md#how-values-are-written).

A secret is never in the file; the file says where it is: `file:PATH` (which not everyone may read), `env:NAME`, or
`credential:NAME` (systemd's `LoadCredential=`).
"""

_SERIES_HEAD = """# Time series

The collector writes what is measured and concluded to servers of time series: InfluxDB 1, 2 and 3, and
VictoriaMetrics, several at once. Each stands in [collector.toml](config.md#series):

```toml
[[series]]
name = "influx"
kind = "influxdb1"                  # influxdb2, influxdb3, victoriametrics
url = "http://127.0.0.1:8086"
```

- `parallax series setup --config collector.toml` makes there what is needed: databases or buckets, how long they keep
  what they have (every observation for 14 days, figures by the minute for 400), and on InfluxDB 2 the mappings for
  InfluxQL. Done again it changes nothing. The retention of a database of InfluxDB 3 is fixed when it is made.
- InfluxDB 2 and 3 need one more package: `pip install parallax-monitor[series]`.
- VictoriaMetrics keeps all for one span: start it with `-retentionPeriod=400d`, and with
  `-dedup.minScrapeInterval=1ms`, so that what is written twice counts once. Its times are whole milliseconds, and it
  holds no texts.
- `parallax series backfill --from 2026-02-10T17:00:00Z --to 2026-02-10T20:00:00Z` writes again what came in then:
  observations and events from the collector's journals, as far back as they go, and figures by the minute from the
  history, as far back as the server keeps them (`raw_age`, `minutes_age`).
- `GET /metrics` of the collector has what is known right now in OpenMetrics, under the same names, for Prometheus
  (with a viewer's token as the bearer token). A probe has it at the address that `metrics` of its config says, on
  loopback.
- [Dashboards](dashboards.md) for Grafana, with alert rules, come with it.

## What is kept, and what is not

A point is written once its record is durable, and the reader's position moves once the server has acknowledged it.
While a server is away its backlog waits in the journals (`parallax status --json`, `series`: `behind`, `problem`),
and is written in order once it is back, `rate` observations a second at most, and slower while ingest or detection
are busy. Points are known by their tags and time, so what is written again after a crash is the same point.
VictoriaMetrics loses some seconds of what it acknowledged when it is killed: the last 60 s are written again whenever
another process of it answers.

Of a write that a server takes in part the good points land; the others are counted (`rejected`), with what the server
said of them (`why`): points beyond its retention, a field of another type. VictoriaMetrics drops what is beyond its
retention without a word. What the journals drop before it was written is counted as `missed`.

Tags are bounded. Past the bounds below values are called `other` (`folded` counts them), and past 200,000 sets of
tags only what the plan names is told apart. No secret, no title and no id is a tag.

## What was tried on real servers

InfluxDB 1.6.7 and VictoriaMetrics 1.79.5, each killed again and again under load; the API of InfluxDB 2 through a
proxy in front of InfluxDB 1, and on VictoriaMetrics. InfluxDB 2 and 3 themselves were not run: their set-up was tried
on a server that answers as their published descriptions say.

## Names

In InfluxDB a measurement is a measurement; in VictoriaMetrics and in OpenMetrics each field is a series of its own,
`MEASUREMENT_FIELD`. `parallax_minute` and `parallax_check_minute` stand in the retention policy `long` (InfluxDB 1, and
2 by the mapping), or in the bucket or database with `_long` behind its name. All numbers are floats.
"""

_FORMS: dict[Any, str] = {
    Duration: "duration",
    Rate: "rate",
    Size: "size",
    Address: "address",
    Endpoint: "address or name",
    DnsName: "name",
    Redirect: "redirect",
    Cidr: "network",
    Url: "URL",
    str: "text",
    bool: "true or false",
    int: "whole number",
    float: "number",
    datetime: "time",
    date: "date",
    Any: "any value",
}


def plan_page() -> str:
    """docs/plan.md."""
    parts = [_MADE, _PLAN_HEAD, _PLAN_FORMS]
    for name, kind in SINGLE.items():
        parts.append(_section(f"[{name}]", kind))
    for name, kind in MANY.items():
        parts.append(_checks() if name == "check" else _section(f"[[{name}]]", kind))
    return "\n".join(parts)


def config_page() -> str:
    """docs/config.md."""
    parts = [_MADE, _CONFIG_HEAD]
    for title, kind in (("collector.toml", CollectorConfig), ("probe.toml", ProbeConfig)):
        parts.append(f"\n## {title}\n\n{_table(kind)}")
        parts.extend(_inner_tables(kind, 3))
        example = (FOLDER / "examples" / title).read_text("utf-8")
        parts.append(f"\nExample:\n\n```toml\n{example}```\n")
    return "\n".join(parts)


def _section(title: str, kind: type[msgspec.Struct]) -> str:
    inner = "".join(f"\n{table}" for table in _inner_tables(kind, 3))
    return f"\n## {title}\n\n{describe(kind).text}\n\n{_table(kind)}{inner}"


def _checks() -> str:
    text = "\n## [[check]]\n\nOne entry of the plan: what is done, to which targets, how often. Every check has these "
    text += f"keys; each kind adds its own.\n\n{_table(CheckKeys)}"
    for name, kind in SPECS.items():
        pace = " Every {} by default, with a timeout of {}.".format(*kind.pace) if kind.pace else ""
        text += f'\n### kind = "{name}"\n\n{describe(kind.spec).text}{pace}\n\n{_table(kind.spec)}'
        text += "".join(f"\n{table}" for table in _inner_tables(kind.spec, 4))
    return text


def _table(kind: type[msgspec.Struct]) -> str:
    rows = ["| Key | Type | Default | Meaning |", "|---|---|---|---|"]
    described = describe(kind).fields
    for key, field in fields_of(kind).items():
        text = described.get(field.name)
        if not text:
            raise ValueError(f"{kind.__name__}.{field.name} has no description: write a docstring below it")
        cells = (f"`{key}`", type_text(field.type), _default(field), text)
        rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(rows) + "\n"


def _inner_tables(kind: type[msgspec.Struct], level: int) -> list[str]:
    """The tables within a table, each under a heading of its own."""
    found = []
    for key, field in fields_of(kind).items():
        for inner in _structs(field.type):
            found.append(f"{'#' * level} {key}\n\n{describe(inner).text}\n\n{_table(inner)}")
            found.extend(_inner_tables(inner, level + 1))
    return found


def _structs(wanted: Any) -> list[type[msgspec.Struct]]:
    if isinstance(wanted, type) and issubclass(wanted, msgspec.Struct):
        return [wanted]
    return [inner for argument in get_args(wanted) for inner in _structs(argument)]


def type_text(wanted: Any) -> str:
    """A type in the words of the pages."""
    bounds = ""
    if get_origin(wanted) is Annotated:
        wanted, meta = get_args(wanted)
        bounds = _bounds(meta)
    origin = get_origin(wanted)
    if isinstance(wanted, UnionType) or origin is Union:
        return " or ".join(type_text(member) for member in get_args(wanted) if member is not type(None))
    if origin is Literal:
        return ", ".join(f"`{_toml(word)}`" for word in get_args(wanted))
    if origin is dict:
        return f"table of {type_text(get_args(wanted)[1])}"
    if origin in (list, tuple):
        kinds = [kind for kind in get_args(wanted) if kind is not Ellipsis]
        every = ", ".join(map(type_text, kinds))
        return f"list of {every}{bounds}" if origin is list or len(kinds) == 1 else f"[{every}]{bounds}"
    if wanted is not Any and issubclass(wanted, msgspec.Struct):
        return "table"
    return f"{_FORMS[wanted]}{bounds}"


def _bounds(meta: msgspec.Meta) -> str:
    if meta.description:
        return f" ({meta.description})"
    if meta.ge is not None:
        return f" ({bounds_text(meta)})"
    return f" (up to {meta.max_length})" if meta.max_length is not None else ""


def _default(field: msgspec.structs.FieldInfo) -> str:
    if field.required:
        return "required"
    if field.default_factory is not msgspec.NODEFAULT or field.default is None:
        return "none"
    if isinstance(field.default, msgspec.Struct) or field.default in ("", [], {}):
        return "none"
    return f"`{_toml(field.default)}`"


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (str, *VALUE_TYPES)):
        return f'"{value!s}"'
    return str(list(value)) if isinstance(value, tuple | list) else str(value)


def series_page() -> str:
    """docs/series.md."""
    parts = [_MADE, _SERIES_HEAD]
    for measurement in MEASUREMENTS:
        parts.append(f"\n### {measurement.name}\n\n{measurement.meaning[0].upper()}{measurement.meaning[1:]}.\n")
        if measurement.tags[: len(OBSERVATION_TAGS)] == OBSERVATION_TAGS:
            more = [f"`{tag.name}`" for tag in measurement.tags[len(OBSERVATION_TAGS) :]]
            parts.append(
                f"Tags: [those of observations](#tags-of-observations){', and ' * bool(more)}{', '.join(more)}.\n"
            )
        elif measurement.tags:
            parts.append(
                _names("Tag", [(tag.name, f"{tag.meaning}; {tag.most:,} at most") for tag in measurement.tags])
            )
        parts.append(
            _names("Field", [(field.name, field.meaning + " (text)" * field.text) for field in measurement.fields])
        )
    parts.append("\n### Tags of observations\n")
    parts.append(_names("Tag", [(tag.name, f"{tag.meaning}; {tag.most:,} at most") for tag in OBSERVATION_TAGS]))
    return "\n".join(parts)


def _names(what: str, rows: list[tuple[str, str]]) -> str:
    cells = (f"| `{name}` | {meaning.replace('|', chr(92) + '|')} |" for name, meaning in rows)
    return "\n".join([f"| {what} | Meaning |", "|---|---|", *cells, ""])


PAGES = {"plan.md": plan_page, "config.md": config_page, "series.md": series_page}


def main() -> None:
    """Writes the pages that changed."""
    for name, page in PAGES.items():
        (FOLDER / name).write_text(page(), "utf-8")
    (ansible_readme.COLLECTION / "README.md").write_text(ansible_readme.readme(), "utf-8")


if __name__ == "__main__":
    main()
