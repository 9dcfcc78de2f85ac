"""docs/lab.md says what the lab can do."""

from pathlib import Path

import pytest

from lab.faults import FAULTS

PAGE = Path(__file__).parents[2] / "docs" / "lab.md"


@pytest.mark.parametrize("name", FAULTS)
def test_every_fault_has_its_row(name: str):
    fault = FAULTS[name]
    assert f"| `{name}` | {fault.title}: {fault.does} | {fault.expect} |" in PAGE.read_text("utf-8").splitlines()
