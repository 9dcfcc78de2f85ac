"""docs/api.md has every call and every field of the board."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest

from collector.board import Board
from collector.events import Affected, Evidence, Extent, FaultDomain, Human, Incident, Moment

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "api.md").read_text("utf-8")
ROWS: dict[str, str] = dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", PAGE, re.MULTILINE))
SHARED = {Evidence: PAGE.partition("Where it says `evidence`")[2], FaultDomain: PAGE.partition("says `domain`")[2]}
SHARED |= {Extent: SHARED[Evidence]} | dict.fromkeys((Incident, Affected, Moment, Human), ROWS["incidents"])


def structs_in(kind: Any) -> Iterator[type[msgspec.Struct]]:
    """The structs that a type is made of, those within them too."""
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        yield kind
        for field in msgspec.structs.fields(kind):
            yield from structs_in(field.type)
    else:
        for each in get_args(kind):
            yield from structs_in(each)


FIELDS = {field.name: field.type for field in msgspec.structs.fields(Board) if field.name not in ("at", "position")}


def test_every_part_of_the_board_has_its_row() -> None:
    assert list(ROWS) == list(FIELDS)


@pytest.mark.parametrize("name", FIELDS)
def test_every_field_is_told(name: str) -> None:
    wanted = [
        (field.name, SHARED.get(struct, ROWS[name]))
        for struct in structs_in(FIELDS[name])
        for field in msgspec.structs.fields(struct)
    ]
    assert len(wanted) > 3
    assert [field for field, text in wanted if f"`{field}`" not in text.partition("\n\n")[0]] == []


def test_every_call_is_told() -> None:
    sources = "".join(path.read_text("utf-8") for path in sorted((ROOT / "collector").rglob("*.py")))
    routes = re.findall(r'Route\(\s*f?"(/v1/[^"]+)".*?methods=\["(\w+)"\]', sources, re.DOTALL)
    assert len(routes) >= 14
    assert [(path, method) for path, method in routes if f"{method} {path}" not in PAGE] == []
