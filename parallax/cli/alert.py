"""`parallax alert`: whether messages come through to the receivers of the plan in force."""

from pathlib import Path
from urllib.parse import quote

import click
import msgspec

from parallax.cli.group import Group
from parallax.cli.place import collector_state, place_options
from parallax.cli.remote import ask
from parallax.cli.text import clean


@click.group(cls=Group)
def alert() -> None:
    """Try the receivers of alerts."""


@alert.command()
@click.argument("receiver")
@place_options
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def test(receiver: str, config: Path | None, state: Path | None, as_json: bool) -> None:
    """Send RECEIVER a test message at once. Exit status 1 when it does not take it."""
    path = f"/v1/receivers/test?receiver={quote(receiver, safe='')}"
    answer = ask("POST", path, collector_state(config, state))
    if as_json:
        click.echo(msgspec.json.encode(answer))
    else:
        word = "delivered" if answer["delivered"] else "not delivered"
        click.echo(clean(f"{answer['receiver']}: {word} ({answer['words']}; {answer['took_s']:.2f} s)"))
    if not answer["delivered"]:
        raise SystemExit(1)
