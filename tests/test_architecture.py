"""docs/architecture.md names every folder of the code, and no path that is not there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs/architecture.md").read_text()
PACKAGES = ("parallax", "probe", "collector", "collector/detect", "lab")
DATA = {"templates", "incidents"}
"""What a folder's own line covers."""


@pytest.mark.parametrize("package", PACKAGES)
def test_every_folder_has_its_line(package: str) -> None:
    folders = {init.parent.name for init in (ROOT / package).glob("*/__init__.py")} - DATA
    assert folders
    assert {name for name in folders if f" {name}/" not in PAGE} == set()


def test_every_file_that_it_names_is_there() -> None:
    named = set(re.findall(r"`((?:parallax|probe|collector|dashboards|lab|tests|tools)/[\w/.]+)`", PAGE))
    named |= {link.removeprefix("../") for link in re.findall(r"\]\((\.\./[\w/.]+)\)", PAGE)}
    assert len(named) > 20
    assert {path for path in named if not (ROOT / path).exists()} <= {
        "probe/checks/ntp.py",
        "tests/bad_plans/ntp_targets.toml",
    }
