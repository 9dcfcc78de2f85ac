"""`parallax journal`: a collector's records as a file, and back."""

from datetime import UTC, datetime
from pathlib import Path

import click
import msgspec

from parallax.cli.daemon import fail
from parallax.cli.group import Group
from parallax.cli.text import clean
from parallax.clock import NS, rfc3339

PATH = click.Path(path_type=Path)


class Instant(click.ParamType):  # type: ignore[type-arg]  # generic from click 8.3 on only
    """An instant on the command line, RFC 3339; UTC where no offset is written. Its value is ns since the epoch."""

    name = "instant"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        try:
            at = datetime.fromisoformat(str(value))
        except ValueError:
            self.fail(f"{clean(value)!r} is no time; write one like 2026-02-10T17:06:00Z", param, ctx)
        at = at.replace(tzinfo=UTC) if at.tzinfo is None else at
        return round(at.timestamp() * 1000) * (NS // 1000)


@click.group(cls=Group)
def journal() -> None:
    """Keep a stretch of what a collector was told, as a file."""


@journal.command(name="export")
@click.argument("state", type=PATH)
@click.argument("file", type=PATH)
@click.option("--from", "start", type=Instant(), metavar="TIME", help="The first moment; the oldest if left out.")
@click.option("--to", "end", type=Instant(), metavar="TIME", help="The last moment; now if left out.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def export_journal(state: Path, file: Path, start: int | None, end: int | None, as_json: bool) -> None:
    """Write the records of the collector with its state folder at STATE into FILE. The collector may run meanwhile.

    `parallax replay FILE` plays it. Begin some minutes before the outage: detection begins anew with the first record.
    """
    from collector.recording import RecordingError, export, inputs_of

    if start is not None and end is not None and start > end:
        fail("--from is after --to")
    try:
        done = export(inputs_of(state), file, start=start, end=end)
    except RecordingError as error:
        fail(clean(error))
    if as_json:
        click.echo(msgspec.json.encode(done))
        return
    assert done.first_at is not None
    assert done.last_at is not None
    stretch = f"from {rfc3339(done.first_at)} to {rfc3339(done.last_at)}"
    click.echo(clean(f"{file}: {done.records} records, {done.observations} observations, {stretch}"))
    if done.damaged:
        click.echo(f"parallax: {done.damaged} damaged records are left out", err=True)


@journal.command(name="import")
@click.argument("file", type=PATH)
@click.argument("state", type=PATH)
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def import_journal(file: Path, state: Path, as_json: bool) -> None:
    """Make a state folder at STATE with the records of FILE as its journal. One that has a journal stays as it is."""
    import trio

    from collector.importing import import_recording
    from collector.recording import RecordingError
    from parallax.journal import JournalError
    from parallax.state import StartError

    try:
        records = trio.run(import_recording, file, state)
    except (RecordingError, StartError, JournalError) as error:
        fail(clean(error))
    if as_json:
        click.echo(msgspec.json.encode({"records": records}))
    else:
        click.echo(clean(f"{state}: {records} records"))
