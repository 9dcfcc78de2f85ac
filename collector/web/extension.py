"""What a program that runs the collector may add to its page (the lab does: its banner, its page, its buttons)."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from starlette.routing import BaseRoute

if TYPE_CHECKING:
    from collector.app import Routes
    from collector.web.pages import Pages


class Extension(msgspec.Struct, frozen=True, kw_only=True):
    """Pages beside the collector's own, in the same frame."""

    banner: str
    """Said at the top of every page: "LAB"."""
    links: tuple[tuple[str, str], ...]
    """Entries of the navigation: path and words."""
    templates: Path
    """A folder of Jinja templates, which may extend the collector's "layout.html"."""
    pages: "Callable[[Pages], list[BaseRoute]]"
    """The pages' routes."""
    api: "Callable[[Routes], list[BaseRoute]]"
    """The API's routes, below /v1/, which use `Routes.guarded`."""
