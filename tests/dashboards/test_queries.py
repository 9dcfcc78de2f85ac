"""Every query of every panel, annotation, variable and alert rule, as Grafana sends it, at a real InfluxDB that holds
what a lab shows: each gives rows, and of the right types. And the preview of it."""

import os
from pathlib import Path
from typing import Any

import pytest

from dashboards.alerting import Rule, rules
from dashboards.build import built
from dashboards.influxdb import Ask, Series, asker
from dashboards.influxql import expand
from dashboards.preview import ALL, page_of
from dashboards.source import Source
from parallax.cli.dashboards import preview_assets
from parallax.clock import NS
from parallax.points import MEASUREMENTS
from tests.parts.lab_series import Filled, lab_in_influxdb

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("whole")]  # a lab of its own: one of them at a time
TEXTS = {field.name for of in MEASUREMENTS for field in of.fields if field.text}
TAGS = {tag.name for of in MEASUREMENTS for tag in of.tags}


async def test_every_query_gives_rows_of_the_right_types(tmp_path: Path):
    async with lab_in_influxdb(tmp_path) as filled:
        ask = asker(Source(url=filled.db.url))
        boards = built()
        wrong: list[str] = []
        for name, board in boards.items():
            for where, query in _queries(board):
                wrong += [f"{name}, {where}: {fault}" for fault in _faults(ask, filled, query, ALL)]
            wrong += [f"{name}, {fault}" for fault in _chosen_faults(ask, filled, board)]
        for rule in rules():
            wrong += [f"rule {rule.name}: {fault}" for fault in _faults(ask, _window(filled, rule), rule.query, {})]
        assert wrong == []
        fires = {rule.name for rule in rules() if _fires(rule, ask, filled)}
        assert {"runway", "signin-first-attempt"} <= fires
        assert not fires & {"collector-silent", "region-silent", "probe-silent"}

        page, empty = page_of(boards, ask, filled.since, filled.until, preview_assets())
        assert empty == []
        assert page.count('class="panel"') == sum(p["type"] != "row" for b in boards.values() for p in b["panels"])
        if place := os.environ.get("PARALLAX_KEEP_PREVIEW"):
            Path(place).write_text(page)


def _queries(board: dict[str, Any]) -> list[tuple[str, str]]:
    found = [(p["title"], target["query"]) for p in board["panels"] for target in p.get("targets", ())]
    found += [(f"variable {v['name']}", v["query"]) for v in board["templating"]["list"] if v["type"] == "query"]
    return found + [(f"annotation {a['name']}", a["target"]["query"]) for a in board["annotations"]["list"]]


def _faults(ask: Ask, filled: Filled, query: str, variables: dict[str, list[str]]) -> list[str]:
    found = ask(expand(query, variables, filled.since, filled.until))
    if not any(series["values"] for series in found):
        return [f"nothing came back of {query}"]
    return [f"{column} holds {value!r}" for column, value in _values(found) if not _is_right(column, value)]


def _values(found: Series) -> list[tuple[str, Any]]:
    return [
        (column, value)
        for series in found
        for row in series["values"]
        for column, value in zip(series["columns"], row, strict=True)
    ]


def _is_right(column: str, value: Any) -> bool:
    if column == "time":
        return isinstance(value, int)
    if column in TEXTS | TAGS | {"key", "value"} and isinstance(value, str):
        return True
    return value is None or (isinstance(value, int | float) and column not in TEXTS)


def _chosen_faults(ask: Ask, filled: Filled, board: dict[str, Any]) -> list[str]:
    """Each variable with one value chosen, of those that it offers: what names it gives rows still."""
    wrong = []
    for variable in board["templating"]["list"]:
        if variable["type"] != "query":
            continue
        offered = [row[1] for series in ask(variable["query"]) for row in series["values"]]
        using = [(w, q) for w, q in _queries(board) if f"${variable['name']}$/" in q]
        if not using:
            wrong.append(f"nothing uses the variable {variable['name']}")
        for where, query in using:
            if not any(not _faults(ask, filled, query, ALL | {variable["name"]: [value]}) for value in offered):
                wrong.append(f"{where}: nothing for any {variable['name']}")
            if _faults(ask, filled, query, ALL | {variable["name"]: offered}):
                wrong.append(f"{where}: nothing for all {variable['name']} that are offered")
    return wrong


def _window(filled: Filled, rule: Rule) -> Filled:
    """As the rule looks back from the end; what is there only while an operator is dark, from a moment of it."""
    until = filled.dark_until if rule.name == "runway" else filled.until
    return Filled(filled.db, until - rule.since_s * NS, until, filled.dark_until)


def _fires(rule: Rule, ask: Ask, filled: Filled) -> bool:
    window = _window(filled, rule)
    lasts = [
        [row[1] for row in series["values"] if row[1] is not None][-1]
        for series in ask(expand(rule.query, {}, window.since, window.until))
    ]
    return any(last < rule.limit if rule.test == "lt" else last > rule.limit for last in lasts)
