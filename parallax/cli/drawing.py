"""What rich draws, on standard output: as wide as the terminal, and without blanks at the ends of lines."""

import shutil
import sys
from collections.abc import Callable

import click
from rich.console import Console, RenderableType


def draw(make: Callable[[Console], RenderableType]) -> None:
    """Prints what `make` gives for this console."""
    console = Console(highlight=False, width=None if sys.stdout.isatty() else shutil.get_terminal_size().columns)
    with console.capture() as capture:
        console.print(make(console))
    click.echo("\n".join(line.rstrip() for line in capture.get().splitlines()))
