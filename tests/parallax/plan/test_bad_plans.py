"""Every file in tests/bad_plans/ is refused with exactly the messages that stand in it, in its lines `#= ...`."""

from pathlib import Path

import pytest

from parallax.plan.kinds import SPECS
from parallax.plan.load import MANY, SINGLE, load_plan
from parallax.plan.source import PlanErrors

FOLDER = Path(__file__).parents[2] / "bad_plans"
FILES = sorted(FOLDER.glob("*.toml"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_bad_plan_is_refused_with_its_exact_messages(file: Path) -> None:
    expected = [line[3:] for line in file.read_text("utf-8").splitlines() if line.startswith("#= ")]
    with pytest.raises(PlanErrors) as caught:
        load_plan(file)
    assert str(caught.value).replace(f"{FOLDER}/", "").splitlines() == expected


def test_every_kind_has_its_bad_plans() -> None:
    stems = {file.stem for file in FILES}
    for kind in SPECS:
        assert any(stem.startswith(f"{kind.replace('.', '_')}_") for stem in stems), kind


def test_every_section_has_a_bad_plan() -> None:
    messages = "\n".join(file.read_text("utf-8") for file in FILES)
    for section in SINGLE:
        assert f"[{section}]: " in messages
    for section in MANY:
        assert f"[[{section}]] " in messages
