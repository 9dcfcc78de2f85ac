"""`parallax move`: changes of a delegation or a chain on their way through parent servers and resolvers, as the
collector on this host knows them."""

from pathlib import Path
from typing import Any

import click
import msgspec

from parallax.cli.group import Group
from parallax.cli.place import collector_state, given, place_and_json
from parallax.cli.remote import ask
from parallax.cli.text import clean
from parallax.clock import wall_ns
from parallax.spans import lasting

LATE = "the collector has it in its journal, and is behind with concluding from it; see `parallax move list` in a while"


@click.group(cls=Group, invoke_without_command=True)
@place_and_json
@click.pass_context
def move(ctx: click.Context, config: Path | None, state: Path | None, as_json: bool) -> None:
    """Watch a change of a delegation or a chain on its way.

    Without a command: show the moves under way, and those that ended of late. Changes that probes see start one by
    themselves.
    """
    if ctx.invoked_subcommand is None:
        _list(config, state, as_json)
        return
    ctx.obj = (config, state, as_json)


@move.command(name="list")
@place_and_json
@click.pass_context
def list_moves(ctx: click.Context, config: Path | None, state: Path | None, as_json: bool) -> None:
    """Show the moves under way, and those that ended of late."""
    _list(*given(ctx, config, state, as_json))


@move.command()
@click.option("--zone", default="", help="The zone whose delegation moves.")
@click.option("--name", default="", help="The name whose chain moves.")
@click.option(
    "--from", "old", multiple=True, help="The old name servers, or the names of the old chain in their order."
)
@click.option("--to", "new", multiple=True, required=True, help="The new ones; give it once for each.")
@place_and_json
@click.pass_context
def start(
    ctx: click.Context,
    zone: str,
    name: str,
    old: tuple[str, ...],
    new: tuple[str, ...],
    config: Path | None,
    state: Path | None,
    as_json: bool,
) -> None:
    """Watch a move that is about to be made. Without --from it is from what holds now."""
    if bool(zone) == bool(name):
        raise click.UsageError("say what moves: --zone ZONE, or --name NAME for a chain")
    config, state, as_json = given(ctx, config, state, as_json)
    body = {"from": list(old), "to": list(new), **({"zone": zone} if zone else {"name": name})}
    _show(ask("POST", "/v1/moves", collector_state(config, state), body=body), as_json)


@move.command()
@click.argument("move_id", metavar="ID")
@place_and_json
@click.pass_context
def end(ctx: click.Context, move_id: str, config: Path | None, state: Path | None, as_json: bool) -> None:
    """Watch it no longer; `parallax move` has the ids."""
    config, state, as_json = given(ctx, config, state, as_json)
    _show(ask("POST", "/v1/moves/end", collector_state(config, state), body={"id": move_id}), as_json)


def _list(config: Path | None, state: Path | None, as_json: bool) -> None:
    moves = ask("GET", "/v1/board", collector_state(config, state)).get("moves", [])
    if as_json:
        click.echo(msgspec.json.encode(moves))
        return
    lines = [line for each in moves for line in move_lines(each, wall_ns())]
    click.echo("\n".join(clean(line) for line in lines) or "no move is under way, and none ended within a day")


def _show(answer: dict[str, Any], as_json: bool) -> None:
    if as_json:
        click.echo(msgspec.json.encode(answer))
    elif answer.get("move") is None:
        click.echo(LATE)
    else:
        click.echo("\n".join(clean(line) for line in move_lines(answer["move"], wall_ns())))


def move_lines(move: dict[str, Any], now: int) -> list[str]:
    """A move for people. Pure."""
    ended, started = move["ended_at"], move["started_at"]
    state = {"moving": "under way", "done": "through", "stuck": "STUCK", "given_up": "given up"}.get(move["state"])
    span = f"for {lasting(now - started)}" if ended is None else f"after {lasting(ended - started)}"
    lines = [f"{move['id']}  {move['kind']} of {move['name']}: {state or move['state']} {span}, by {move['by']}"]
    lines.append(f"    from  {_names(move['old'])}")
    lines.append(f"    to    {_names(move['new'])}")
    who = "servers of the parent" if move["kind"] == "delegation" else "probes at the authoritative servers"
    lines.append(f"    on it {_share(move['parents'])} {who}, {_share(move['resolvers'])} sampled resolvers")
    reached = [
        f"{name} after {lasting(move[key] - started)}"
        for key, name in (("t50_at", "half"), ("t90_at", "90 %"), ("t100_at", "all"))
        if move[key] is not None
    ]
    lines += [f"    resolvers: {', '.join(reached)}"] if reached else []
    bound = move["bound_at"]
    if ended is None:
        if bound is None:
            lines.append("    not all of its sources have it yet; when it is through cannot be said before that")
        elif bound > now:
            lines.append(f"    by the TTLs it is through within {lasting(bound - now)}")
        else:
            lines.append(f"    by the TTLs it should be through since {lasting(now - bound)}")
    lines += [f"    {word.replace('_', ' ')}" for word in move["words"]]
    return lines


def _names(names: list[str]) -> str:
    return ", ".join(names) or "not known"


def _share(counts: list[int]) -> str:
    return f"{counts[0]} of {counts[1]}"
