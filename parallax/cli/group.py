"""Groups of commands that say, of a word they do not know, which ones there are."""

from typing import Any

import click


class Group(click.Group):
    """A click group with a better answer to a slip of the fingers. `noun` is what its commands are."""

    def __init__(self, *arguments: Any, noun: str = "command", **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._noun = noun

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if not name.startswith("-") and self.get_command(ctx, name) is None:
            from difflib import get_close_matches  # slow to import, and only a slip needs it

            known = self.list_commands(ctx)
            close = get_close_matches(name, known, 1)
            meant = f"did you mean {close[0]!r}? " if close else ""
            ctx.fail(f"there is no {self._noun} {name!r}; {meant}known are {', '.join(known)}")
        return super().resolve_command(ctx, args)
