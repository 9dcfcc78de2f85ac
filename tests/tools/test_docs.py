from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from tools.docs import FOLDER, PAGES, _table


@pytest.mark.parametrize(("name", "page"), PAGES.items())
def test_a_page_is_not_stale(name: str, page: Callable[[], str]) -> None:
    assert (FOLDER / name).read_text("utf-8") == page(), "run: python -m tools.docs"


class Bare(msgspec.Struct):
    key: int
    """A number."""
    other: int


def test_a_key_without_a_description_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^Bare\.other has no description"):
        _table(Bare)


def test_the_pages_links_lead_somewhere() -> None:
    text = "".join((FOLDER / name).read_text("utf-8") for name in PAGES)
    for target in ("config.md", "plan.md", "examples/"):
        assert f"]({target}" in text
        assert (Path(FOLDER) / target).exists()
