"""`parallax notify`: whether messages come through to whom a route names."""

from pathlib import Path
from urllib.parse import quote

import click
import msgspec

from parallax.cli.group import Group
from parallax.cli.place import collector_state, place_options
from parallax.cli.remote import ask
from parallax.cli.text import clean


@click.group(cls=Group)
def notify() -> None:
    """Try whom alerts go to."""


@notify.command()
@click.argument("name")
@place_options
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def test(name: str, config: Path | None, state: Path | None, as_json: bool) -> None:
    """Send a real test message to every receiver of NAME at once: a route (its name, or its number from 1), a group or
    a receiver of the plan in force. Exit status 1 when one of them does not take it."""
    answer = ask("POST", f"/v1/notify/test?to={quote(name, safe='')}", collector_state(config, state))
    if as_json:
        click.echo(msgspec.json.encode(answer))
    else:
        for each in answer["receivers"]:
            click.echo(clean(line_of(each)))
    if not all(each["delivered"] for each in answer["receivers"]):
        raise SystemExit(1)


def line_of(tested: dict[str, object]) -> str:
    """What came of one receiver's test."""
    word = "delivered" if tested["delivered"] else "not delivered"
    return f"{tested['receiver']}: {word} ({tested['words']}; {tested['took_s']:.2f} s)"
