"""`parallax silence`: what nobody is to be told of for a while, as the collector on this host knows it."""

import re
from pathlib import Path
from typing import Any

import click
import msgspec

from parallax.cli.group import Group
from parallax.cli.place import collector_state, given, place_and_json
from parallax.cli.remote import ask
from parallax.cli.text import clean
from parallax.clock import rfc3339, wall_ns
from parallax.spans import lasting

LATE = "the collector has it in its journal, and is behind with taking it; see `parallax silence list` in a while"
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


class _Span(click.ParamType):  # type: ignore[type-arg]
    name = "span"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        found = re.fullmatch(r"(\d{1,6}(?:\.\d+)?)([smhd])", str(value))
        if found is None:
            self.fail(f"{str(value)[:40]!r} is no span; write 30m, 2h or 7d", param, ctx)
        return float(found[1]) * _UNITS[found[2]]


SPAN = _Span()
"""A span of time on the command line (30m, 2h, 7d), as seconds."""


@click.group(cls=Group, invoke_without_command=True)
@place_and_json
@click.pass_context
def silence(ctx: click.Context, config: Path | None, state: Path | None, as_json: bool) -> None:
    """Keep alerts from everybody for a while.

    Without a command: list the silences in force. Ends are told all the same, and so are failover commands.
    """
    if ctx.invoked_subcommand is None:
        _list(config, state, as_json)
        return
    ctx.obj = (config, state, as_json)


@silence.command(name="list")
@place_and_json
@click.pass_context
def list_silences(ctx: click.Context, config: Path | None, state: Path | None, as_json: bool) -> None:
    """List the silences in force."""
    _list(*given(ctx, config, state, as_json))


@silence.command()
@click.option("--for", "for_s", type=SPAN, default="1h", show_default=True, help="How long: 30m, 2h, 7d; at most 30d.")
@click.option("--severity", multiple=True, help="Alerts of this severity; each option may be given several times.")
@click.option("--component", multiple=True, help="Alerts about this component.")
@click.option("--cause", multiple=True, help="Alerts of this class of cause: operator, zone, region, ...")
@click.option("--failover", multiple=True, help="What is said of this failover group.")
@click.option("--type", "types", multiple=True, help="Events of this type: incident.*, risk.raised, ...")
@click.option("--tier", multiple=True, help="Alerts of this tier: page, ticket, log.")
@click.option("--key", "keys", multiple=True, help="This incident, risk or key of an alert.")
@click.argument("comment", nargs=-1)
@place_and_json
@click.pass_context
def add(
    ctx: click.Context,
    for_s: float,
    severity: tuple[str, ...],
    component: tuple[str, ...],
    cause: tuple[str, ...],
    failover: tuple[str, ...],
    types: tuple[str, ...],
    tier: tuple[str, ...],
    keys: tuple[str, ...],
    comment: tuple[str, ...],
    config: Path | None,
    state: Path | None,
    as_json: bool,
) -> None:
    """Silence what matches all of these, and say why in COMMENT."""
    config, state, as_json = given(ctx, config, state, as_json)
    words = {"severity": severity, "component": component, "cause": cause, "failover": failover, "type": types}
    match = {name: list(each) for name, each in {**words, "tier": tier}.items() if each}
    body = {"match": match, "keys": list(keys), "for_s": for_s, "comment": " ".join(comment)}
    _answer(ask("POST", "/v1/silences", collector_state(config, state), body=body), as_json, LATE)


@silence.command()
@click.argument("silence_id", metavar="ID")
@place_and_json
@click.pass_context
def end(ctx: click.Context, silence_id: str, config: Path | None, state: Path | None, as_json: bool) -> None:
    """End it now; `parallax silence` has the ids."""
    config, state, as_json = given(ctx, config, state, as_json)
    answer = ask("POST", "/v1/silences/end", collector_state(config, state), body={"id": silence_id})
    _answer(answer, as_json, f"silence {silence_id} is ended")


def _list(config: Path | None, state: Path | None, as_json: bool) -> None:
    answer = ask("GET", "/v1/silences", collector_state(config, state))
    if as_json:
        click.echo(msgspec.json.encode(answer))
        return
    lines = [line for each in answer["silences"] for line in silence_lines(each, wall_ns())]
    click.echo("\n".join(clean(line) for line in lines) or "nothing is silenced")


def _answer(answer: dict[str, Any], as_json: bool, otherwise: str) -> None:
    if as_json:
        click.echo(msgspec.json.encode(answer))
    elif answer["silence"] is None:
        click.echo(otherwise)
    else:
        click.echo("\n".join(clean(line) for line in silence_lines(answer["silence"], wall_ns())))


def silence_lines(silence: dict[str, Any], now: int) -> list[str]:
    """A silence for people. Pure."""
    what = [f"{name} {' or '.join(words)}" for name, words in silence["match"].items() if words]
    what += [f"key {' or '.join(silence['keys'])}"] if silence["keys"] else []
    line = f"{silence['id']}  {'; '.join(what)}"
    by = f"    by {silence['author']}, until {rfc3339(silence['until'])} ({lasting(silence['until'] - now)} left)"
    return [line, by + (f": {silence['comment']}" if silence["comment"] else "")]
