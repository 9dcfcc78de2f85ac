import json
import tomllib
from pathlib import Path

import pytest

from parallax.plan.kinds import SPECS
from parallax.plan.load import MANY, SINGLE
from parallax.plan.schema import plan_schema
from tests.parts.json_schema import valid

ROOT = Path(__file__).parents[3]
SCHEMA = plan_schema()
EXAMPLES = [ROOT / "docs/examples/small.toml", *sorted((ROOT / "docs/examples/fleet").glob("*.toml"))]

UNSEEN = {
    "empty", "pace", "defaults_timeout", "check_name_twice", "probes_unknown", "probes_none", "secret", "control_twice",
    "dns_targets", "http_targets", "component_references", "syntax", "syntax_unterminated", "key_twice",
    "failover_decides", "failover_limits", "heartbeat", "routing",
}  # fmt: skip
"""Bad plans whose fault is between keys or tables, in a target, or in the TOML: no schema of a file shows those."""


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.stem)
def test_the_examples_validate(file: Path) -> None:
    assert valid(tomllib.loads(file.read_text("utf-8")), SCHEMA, SCHEMA)


@pytest.mark.parametrize(
    "file",
    [file for file in sorted((ROOT / "tests/bad_plans").glob("*.toml")) if file.stem not in UNSEEN],
    ids=lambda file: file.stem,
)
def test_a_fault_within_one_key_is_seen_by_the_schema(file: Path) -> None:
    assert not valid(tomllib.loads(file.read_text("utf-8")), SCHEMA, SCHEMA)


def test_the_schema_names_every_section_and_kind() -> None:
    assert SCHEMA["properties"].keys() == {"schema", *SINGLE, *MANY}
    kinds = [member["properties"]["kind"]["const"] for member in SCHEMA["$defs"]["check"]["oneOf"]]
    assert kinds == list(SPECS)
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_every_key_of_the_schema_says_what_it_means() -> None:
    tables = [t for name, t in SCHEMA["$defs"].items() if name != "check"] + SCHEMA["$defs"]["check"]["oneOf"]
    assert [key for t in tables for key, schema in t["properties"].items() if not schema.get("description")] == []


def test_the_schema_is_the_same_each_time_and_is_json() -> None:
    assert json.dumps(plan_schema()) == json.dumps(SCHEMA)
