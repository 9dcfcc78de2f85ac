"""`parallax collector token`: who may send to the collector, and who may ask it. Works while it runs, and before."""

from pathlib import Path
from typing import Any

import click
import msgspec

from parallax.cli.daemon import fail
from parallax.cli.group import Group
from parallax.cli.place import collector_state, place_options

ROLES = ["probe", "viewer", "owner", "facts", "peer", "join"]


@click.group(cls=Group)
def token() -> None:
    """Make, end and list the tokens of probes and people.

    Two tokens of a name hold at a time, so that a new one can be brought out before the old one goes.
    """


@token.command()
@click.argument("name")
@click.option("--role", type=click.Choice(ROLES), default="probe", show_default=True)
@place_options
@click.pass_context
def add(context: click.Context, name: str, role: Any, config: Path | None, state: Path | None) -> None:
    """Make a token for the probe NAME (or a person or program, by --role). It is printed now and never again.

    With --role join it lets the probe NAME enrol, once and within an hour: `parallax probe enroll` makes it a token and
    a config of its own.
    """
    from collector.joins import add_join
    from collector.tokens import TokenError, add_token

    place = _state(context, config, state)
    try:
        text = add_join(place, name) if role == "join" else add_token(place, role, name)
    except TokenError as error:
        fail(str(error))
    click.echo(text)
    if role == "join":
        click.echo(
            f"The probe {name} can enrol with it once, within an hour, at the collector with its state in {place}: "
            "parallax probe enroll URL --token -",
            err=True,
        )
        return
    click.echo(
        f"The token of {role} {name}, for the collector with its state in {place}. Keep it in a file that only its "
        "owner can read; it is not shown again.",
        err=True,
    )


@token.command()
@click.argument("which")
@place_options
@click.pass_context
def revoke(context: click.Context, which: str, config: Path | None, state: Path | None) -> None:
    """End the token with this id, or all tokens of this name; client certificates likewise. It holds from the next
    request on, and ends those that wait within 5 s."""
    from collector.clients import revoke_clients
    from collector.joins import revoke_joins
    from collector.tokens import TokenError, revoke_tokens

    place = _state(context, config, state)
    try:
        ended, joins = revoke_tokens(place, which), revoke_joins(place, which)
        clients = revoke_clients(place, which)
    except TokenError as error:
        fail(str(error))
    if not ended and not joins and not clients:
        fail(f"there is no token {which!r}; `parallax collector token list` shows them")
    for each in ended:
        click.echo(f"ended {each.id}, of {each.role} {each.name}")
    for join in joins:
        click.echo(f"ended {join.id}, with which {join.name} could have enrolled")
    for client in clients:
        click.echo(f"ended {client.id}, a client certificate of {client.name}")


@token.command(name="list")
@place_options
@click.option("--json", "as_json", is_flag=True, help="As JSON, one a line.")
@click.pass_context
def list_(context: click.Context, config: Path | None, state: Path | None, as_json: bool) -> None:
    """List the tokens and client certificates: id, role, name, and when each was made. Their text is not kept."""
    from collector.clients import ROLE as CLIENT
    from collector.clients import list_clients
    from collector.joins import ROLE, list_joins
    from collector.tokens import TokenError, list_tokens

    place = _state(context, config, state)
    try:
        tokens, joins, clients = list_tokens(place), list_joins(place), list_clients(place)
    except TokenError as error:
        fail(str(error))
    if not tokens and not joins and not clients:
        click.echo(
            f"There are no tokens in {place}; is that the collector's state? --config or --state says it.", err=True
        )
    for each in tokens:
        if as_json:
            plain = {"id": each.id, "role": each.role, "name": each.name, "made_at": each.made_at}
            click.echo(msgspec.json.encode(plain))
        else:
            click.echo(f"{each.id}  {each.role:<6}  {each.name}  {each.made_at}")
    lasting: list[tuple[str, Any]] = [*((ROLE, join) for join in joins), *((CLIENT, client) for client in clients)]
    for role, entry in lasting:
        made_at, until = (moment.isoformat(timespec="seconds") for moment in (entry.made_at, entry.expires_at))
        if as_json:
            plain = {"id": entry.id, "role": role, "name": entry.name, "made_at": made_at, "expires_at": until}
            click.echo(msgspec.json.encode(plain))
        else:
            click.echo(f"{entry.id}  {role:<6}  {entry.name}  {made_at}  until {until}")


def _state(context: click.Context, config: Path | None, state: Path | None) -> Path:
    """The place given here, or else with the group: `parallax collector --config FILE token list` works too."""
    group = context.parent.parent if context.parent else None
    return collector_state(config or (group.params.get("config") if group else None), state)
