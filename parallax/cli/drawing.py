"""What rich draws, on standard output: as wide as the terminal, and without blanks at the ends of lines."""

import shutil
import sys
from collections.abc import Callable

import click
from rich.console import Console, RenderableType


def bar(start_ns: int, duration_ns: int, whole_ns: int, room: int, *, plain: bool) -> str:
    """When something ran, on a scale of `room` columns for `whole_ns`; a column at the least."""
    start = min(room - 1, start_ns * room // whole_ns)
    end = max(start + 1, min(room, -(-(start_ns + duration_ns) * room // whole_ns)))
    return " " * start + ("#" if plain else "█") * (end - start)


def draw(make: Callable[[Console], RenderableType]) -> None:
    """Prints what `make` gives for this console."""
    console = Console(highlight=False, width=None if sys.stdout.isatty() else shutil.get_terminal_size().columns)
    with console.capture() as capture:
        console.print(make(console))
    click.echo("\n".join(line.rstrip() for line in capture.get().splitlines()))
