"""What is built holds together without a server: types, schemas, uids, places, words."""

import json
import os
import re
from functools import lru_cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from dashboards.alerting import contact_point, rule_group, rules
from dashboards.build import DASHBOARDS, built, plain, to_text
from dashboards.influxql import Query, expand, register, select
from dashboards.sdk import alerting, dashboard
from parallax import points

KINDS = {"timeseries", "stat", "bargauge", "state-timeline", "table", "geomap"}
UNITS = {"short", "s", "percentunit", "d", "bytes", "ops"}
BOARDS = lru_cache(built)
EACH = pytest.mark.parametrize("name", list(DASHBOARDS))


def panels(board: dict[str, Any]) -> list[dict[str, Any]]:
    return [panel for panel in board["panels"] if panel["type"] != "row"]


def schemas() -> Path:
    folder = os.environ.get("PARALLAX_GRAFANA_SCHEMAS")
    if not folder:
        pytest.skip("PARALLAX_GRAFANA_SCHEMAS does not name a folder with Grafana's JSON Schemas")
    return Path(folder)


@EACH
def test_the_same_source_gives_the_same_octets_and_the_types_of_the_kit_take_them_back(name: str):
    board = BOARDS()[name]
    assert to_text(plain(DASHBOARDS[name]())) == to_text(board)
    register()
    again = dashboard.Dashboard.from_json(json.loads(to_text(board)))
    assert to_text(plain(again)) == to_text(board)
    targets = [
        target for panel in again.panels or () if isinstance(panel, dashboard.Panel) for target in panel.targets or ()
    ]
    assert targets
    assert all(isinstance(target, Query) for target in targets)


@EACH
def test_panels_are_of_known_kinds_say_what_they_show_and_ask_by_the_variable(name: str):
    board = BOARDS()[name]
    assert board["templating"]["list"][0]["name"] == "datasource"
    for panel in panels(board):
        assert panel["type"] in KINDS
        assert panel["description"].endswith("."), panel["title"]
        assert len(panel["description"]) > 20
        assert panel["datasource"]["uid"] == "${datasource}"
        assert {target["datasource"]["uid"] for target in panel["targets"]} == {"${datasource}"}
        assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"])
        if panel["type"] != "table":
            assert panel["fieldConfig"]["defaults"].get("unit") in UNITS, panel["title"]
    assert len(board["annotations"]["list"]) >= 4
    assert board["links"][0]["tags"] == ["parallax"]
    assert board["links"][0]["includeVars"] is True
    assert board["tags"] == ["parallax"]


@EACH
def test_every_variable_that_a_query_names_is_there(name: str):
    board = BOARDS()[name]
    known = {v["name"]: ["x"] for v in board["templating"]["list"]}
    for panel in panels(board):
        for target in panel["targets"]:
            left = expand(target["query"], known, 0, 10**12)
            assert not re.search(r"\$[\w{]", left), left


@EACH
def test_no_two_panels_overlap_and_none_stands_over_the_edge(name: str):
    taken: dict[tuple[int, int], str] = {}
    for panel in BOARDS()[name]["panels"]:
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= 24
        for x in range(at["x"], at["x"] + at["w"]):
            for y in range(at["y"], at["y"] + at["h"]):
                assert (x, y) not in taken, (panel["title"], taken[x, y])
                taken[x, y] = panel["title"]


def test_uids_titles_and_ids_are_unique():
    boards = list(BOARDS().values())
    assert len({board["uid"] for board in boards}) == len(boards)
    assert len({board["title"] for board in boards}) == len(boards)
    assert all(board["uid"].startswith("parallax-") and len(board["uid"]) <= 40 for board in boards)
    for board in boards:
        ids = [panel["id"] for panel in board["panels"]]
        assert len(set(ids)) == len(ids)
        titles = [panel["title"] for panel in panels(board)]
        assert len(set(titles)) == len(titles)
    uids = [rule["uid"] for rule in rule_group()["rules"]]
    assert len(set(uids)) == len(uids) == len(rules())


def test_every_measurement_is_on_some_dashboard():
    text = "".join(to_text(board) for board in BOARDS().values())
    absent = {of.name for of in points.MEASUREMENTS if f'\\"{of.name}\\"' not in text}
    assert absent == {"parallax_other"}


@EACH
def test_dashboards_are_as_grafanas_schemas_say(name: str):
    folder = schemas()
    board = BOARDS()[name]
    _check(folder, "dashboard", "Dashboard", board)
    for panel in panels(board):
        _check(folder, "dashboard", "Panel", panel)
        kind = panel["type"].replace("-", "")
        _check(folder, kind, "Options", panel["options"])
        _check(folder, "dashboard", "FieldConfigSource", panel["fieldConfig"])


def test_alerting_is_as_grafanas_schemas_say_and_the_types_of_the_kit_take_it():
    folder, group = schemas(), rule_group()
    assert len(alerting.RuleGroup.from_json(group).rules or ()) == len(rules())
    for rule in group["rules"]:
        _check(folder, "alerting", "Rule", rule)
    _check(folder, "alerting", "ContactPoint", contact_point("email", "ops@example.org"))
    assert all(rule["annotations"]["description"].endswith(".") for rule in group["rules"])


def _any_is_any(node: dict[str, Any]) -> dict[str, Any]:
    """In what is published, a value of any type is written as an object of any kind."""
    anything = node.get("type") == "object" and node.get("additionalProperties") == {}
    return {} if anything or {} in node.get("anyOf", ()) or {} in node.get("oneOf", ()) else node


def _check(folder: Path, file: str, name: str, value: Any) -> None:
    schema = json.loads((folder / f"{file}.json").read_bytes(), object_hook=_any_is_any)
    whole = {"$ref": f"#/definitions/{name}", "definitions": schema["definitions"]}
    faults = [
        f"{'/'.join(map(str, e.path))}: {e.message[:300]}" for e in jsonschema.Draft7Validator(whole).iter_errors(value)
    ]
    assert faults == [], (file, name)


@pytest.mark.parametrize(
    ("what", "where", "by"),
    [('last("nothing")', "", ()), ('last("state")', "\"zone\" = 'x'", ()), ('last("state")', "", ("probe",))],
)
def test_a_name_that_no_measurement_has_does_not_build(what: str, where: str, by: tuple[str, ...]):
    with pytest.raises(ValueError, match="parallax_component has no"):
        select(what, points.COMPONENT_STATE, where=where, by=by)


def test_chosen_values_cannot_break_out_of_their_expression():
    query = "SELECT x FROM y WHERE $timeFilter AND a =~ /^$target$/ GROUP BY time($__interval)"
    text = expand(query, {"target": ["https://a.example/v1", "b|c"]}, 0, 3600 * 10**9, {"interval": "15s"})
    assert r"/^(https:\/\/a\.example\/v1|b\|c)$/" in text
    assert "time >= 0ms and time <= 3600000ms" in text
    assert "time(15s)" in text
    assert "/^.*$/" in expand(query, {"target": []}, 0, 10**9)
