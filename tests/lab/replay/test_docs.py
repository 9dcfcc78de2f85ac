"""docs/replay.md has every key of a script, in the words of the types."""

from pathlib import Path
from typing import Any

import pytest

from lab.replay.expectations import Expect
from lab.replay.loading import load_script
from lab.replay.observe import KINDS
from lab.replay.playing import Piece, incidents, perform
from lab.replay.script import (
    MODES,
    Anchor,
    Cache,
    Change,
    Fact,
    Fault,
    Front,
    Name,
    Noise,
    Operator,
    Region,
    Row,
    Script,
    Window,
    Zone,
)
from parallax.loading.convert import fields_of
from parallax.loading.descriptions import describe

PAGE = (Path(__file__).parents[3] / "docs" / "replay.md").read_text()
SECTIONS: dict[str, type[Any]] = {
    "The top": Script,
    "window": Window,
    "[[operator]]": Operator,
    "[[zone]]": Zone,
    "[[name]]": Name,
    "[[region]]": Region,
    "[[front]]": Front,
    "[[cache]]": Cache,
    "[[fault]]": Fault,
    "[[random]]": Row,
    "anchors": Anchor,
    "[[change]]": Change,
    "[noise]": Noise,
    "[[fact]]": Fact,
    "[expect]": Expect,
}


@pytest.mark.parametrize("head", SECTIONS)
def test_every_key_is_there(head: str):
    section = PAGE.partition(f"### {head}\n")[2].partition("\n### ")[0]
    fields, texts = fields_of(SECTIONS[head]), describe(SECTIONS[head]).fields
    said = [line.split("`")[1] for line in section.splitlines() if line.startswith("| `")]
    sections = {"operator", "zone", "name", "region", "front", "cache", "fault", "random", "change", "noise", "fact"}
    told = [key for key in fields if SECTIONS[head] is not Script or key not in {*sections, "expect"}]
    assert said == told
    for key in told:
        assert f"| `{key}` | {' '.join(texts[fields[key].name].split())}" in section


def test_the_example_is_played_as_it_stands(tmp_path: Path):
    file = tmp_path / "outage.toml"
    file.write_text(PAGE.partition("## A script\n\n```toml\n")[2].partition("```")[0])
    loaded = load_script(file)
    assert {outcome.name: outcome.met for outcome in perform(Piece(file=file, loaded=loaded)).outcomes} == {
        "first_down_s": True,
        "cause": True,
        "pages": True,
    }


def test_what_comes_with_the_program_and_what_can_be_played_is_there():
    assert all(f"| `{name}` |" in PAGE for name in incidents())
    assert all(f"`{kind}`" in PAGE for kind in KINDS)
    assert all(f"`{place}" in PAGE for place in MODES)
    assert all(f"`{mode}`" in PAGE for modes in MODES.values() for mode in modes)
