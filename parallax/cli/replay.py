"""`parallax replay`: an incident script, or a recorded journal, through the code that runs live."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from parallax.cli.daemon import Ending, fail, run
from parallax.cli.text import clean
from parallax.cli.values import LISTEN
from parallax.values import Address

if TYPE_CHECKING:
    from lab.replay.playing import Performance, Piece, Tell

BAR_EVERY_NS = 10_000_000_000


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--seed", type=click.IntRange(0, 2**31), default=0, show_default=True, help="The first seed of chance.")
@click.option("--seeds", type=click.IntRange(1, 10_000), default=1, show_default=True, help="How many seeds to play.")
@click.option("--watch", is_flag=True, help="Show it on the page, at a speed.")
@click.option("--speed", type=click.FloatRange(0.1, 100_000), default=60.0, show_default=True, help="With --watch.")
@click.option("--listen", type=LISTEN, default="127.0.0.1:8600", show_default=True, help="With --watch: where.")
@click.option("--json", "as_json", is_flag=True, help="As JSON: events, and expectations.")
def replay(file: Path, seed: int, seeds: int, watch: bool, speed: float, listen: Address, as_json: bool) -> None:
    """Play an outage: FILE is an incident script (TOML), a recording (parallax journal export), a collector's inputs.db
    or its state folder. Some incidents come with this program: name one without its path.

    Shows what Parallax says beside what really happened, and which expectations are met. Exit status: 0 all met, 1 one
    was missed, 2 usage.
    """
    from collector.recording import RecordingError
    from lab.replay.loading import ScriptErrors
    from lab.replay.playing import INCIDENTS, incidents, open_piece
    from lab.replay.seeds import perform_seeds

    if not file.exists() and str(file) in incidents():
        file = INCIDENTS / f"{file}.toml"
    if not file.exists():
        fail(clean(f"{file}: there is no such file; incidents that come with this program: {', '.join(incidents())}"))
    if watch and (as_json or seeds > 1):
        fail("--watch shows one seed on the page; leave out --json and --seeds")
    try:
        piece = open_piece(file)
        if piece.records is not None and seeds > 1:
            fail("a recording leaves nothing to chance; leave out --seeds")
        if watch:
            _watch(piece, seed, speed, listen)
        performances = []
        with _Bar(piece, seeds, shown=sys.stderr.isatty()) as bar:
            for performance in perform_seeds(piece, range(seed, seed + seeds), bar.tell):
                performances.append(performance)
                bar.played_one()
    except ScriptErrors as error:
        fail(*(clean(problem) for problem in error.problems))
    except RecordingError as error:
        fail(clean(error))
    if as_json:
        from lab.replay.report import as_json as report

        click.echo(msgspec.json.encode(report(performances)))
    else:
        _show(piece, performances)
    if any(performance.missed for performance in performances):
        raise SystemExit(1)


class _Bar:
    """How far it is, on a terminal."""

    def __init__(self, piece: "Piece", seeds: int, *, shown: bool) -> None:
        self._shown, self._told, self._seeds = shown and piece.script is not None, 0, seeds
        self._start = self._end = 0
        if piece.script is not None:
            from lab.replay.script import ns_of

            self._start, self._end = ns_of(piece.script.window.start), ns_of(piece.script.window.end)
        self._bar: Any = None

    def __enter__(self) -> "_Bar":
        if self._shown:
            self._bar = click.progressbar(
                length=self._seeds if self._seeds > 1 else max(self._end - self._start, 1),
                label=f"{self._seeds} seeds" if self._seeds > 1 else "playing",
                file=sys.stderr,
                show_pos=self._seeds > 1,
            )
            self._bar.__enter__()
        return self

    def __exit__(self, *what: Any) -> None:
        if self._bar is not None:
            self._bar.__exit__(*what)

    def played_one(self) -> None:
        """A seed of several is done."""
        if self._bar is not None and self._seeds > 1:
            self._bar.update(1)

    @property
    def tell(self) -> "Tell":
        def tell(record: Any, player: Any) -> None:
            if self._bar is None or self._seeds > 1:
                return
            gone = min(max(record.at_ns - self._start, 0), self._end - self._start)
            if gone - self._told >= BAR_EVERY_NS:
                self._bar.update(gone - self._told)
                self._told = gone

        return tell


def _show(piece: "Piece", performances: "list[Performance]") -> None:
    """The timeline, then the expectations."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from lab.replay.report import clock_text, outcome_lines, over_seeds, timeline
    from parallax.cli.drawing import draw

    script, played = piece.script, performances[0].played
    title = script.title if script is not None else str(piece.file)
    click.echo(clean(title))
    for source in script.source if script is not None else ():
        click.echo(clean(f"  source: {source}"))
    click.echo(f"  {played.records} records, {played.observations} observations\n")
    lines = Table(box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False)
    for name in ("UTC", "after"):
        lines.add_column(name, no_wrap=True)
    if script is not None and script.fact:
        lines.add_column("what happened", ratio=2, overflow="fold")
    lines.add_column("what Parallax says", ratio=3, overflow="fold")
    for line in timeline(script, played):
        real = [Text(clean(line.real))] if script is not None and script.fact else []
        lines.add_row(clock_text(line.at), line.after, *real, Text(clean(line.said)))
    draw(lambda console: lines)
    outcomes = over_seeds(performances)
    if not outcomes:
        return
    table = Table(box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False)
    for name in ("", "expectation", "expected", "observed"):
        table.add_column(name, overflow="fold")
    for row in outcome_lines(outcomes):
        table.add_row(*(Text(clean(cell)) for cell in row))
    draw(lambda console: table)


def _watch(piece: "Piece", seed: int, speed: float, listen: Address) -> None:
    """Until a signal comes."""
    ending = Ending()
    from functools import partial

    from lab.replay.watch import watch

    def say(line: str) -> None:
        click.echo(clean(line), err=True)

    run(ending, partial(watch, piece, seed, speed, listen, say))
