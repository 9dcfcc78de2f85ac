"""A check kind is whole for a person too: a command, a line in the index of pages, no reason that stands nowhere."""

from pathlib import Path

from parallax.cli.check import check
from parallax.plan.kinds import SPECS
from parallax.reasons import REASONS

PAGES = Path(__file__).parents[3] / "docs" / "checks"


def test_every_kind_has_its_command() -> None:
    assert check.commands.keys() == SPECS.keys()


def test_every_kind_stands_in_the_index() -> None:
    index = (PAGES / "README.md").read_text("utf-8")
    assert [kind for kind in SPECS if f"[`{kind}`]({kind}.md)" not in index] == []


def test_every_reason_stands_on_a_page() -> None:
    pages = "".join(path.read_text("utf-8") for path in PAGES.glob("*.md"))
    assert [word for word in REASONS if f"`{word}`" not in pages] == []
