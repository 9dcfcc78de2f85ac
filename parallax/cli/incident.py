"""`parallax incident`: incidents as the collector on this host knows them, and what people have to say of them."""

from pathlib import Path
from typing import Any
from urllib.parse import quote

import click
import msgspec

from parallax.cli.group import Group
from parallax.cli.place import collector_state, given, place_and_json
from parallax.cli.remote import ask
from parallax.cli.text import clean
from parallax.clock import rfc3339, wall_ns
from parallax.spans import lasting, lasting_exactly

LATE = "the collector has it in its journal, and is behind with taking it; see `parallax incident show` in a while"


@click.group(cls=Group, invoke_without_command=True)
@place_and_json
@click.pass_context
def incident(ctx: click.Context, config: Path | None, state: Path | None, as_json: bool) -> None:
    """Show incidents, and say something of one.

    Without a command: list those that are open, those being watched, and the last that ended.
    """
    if ctx.invoked_subcommand is None:
        _list(config, state, as_json)
        return
    ctx.obj = (config, state, as_json)


@incident.command(name="list")
@place_and_json
@click.pass_context
def list_incidents(ctx: click.Context, config: Path | None, state: Path | None, as_json: bool) -> None:
    """List those that are open, those being watched, and the last that ended."""
    _list(*given(ctx, config, state, as_json))


@incident.command()
@click.argument("incident_id", metavar="ID")
@place_and_json
@click.pass_context
def show(ctx: click.Context, incident_id: str, config: Path | None, state: Path | None, as_json: bool) -> None:
    """Show one with its timeline; `parallax incident` has the ids."""
    config, state, as_json = given(ctx, config, state, as_json)
    answer = ask("GET", f"/v1/incidents/{quote(incident_id, safe='')}", collector_state(config, state))
    if as_json:
        click.echo(msgspec.json.encode(answer))
        return
    click.echo("\n".join(clean(line) for line in story_lines(answer["incident"], wall_ns())))


@incident.command()
@click.argument("incident_id", metavar="ID")
@click.argument("text", nargs=-1, required=True)
@place_and_json
@click.pass_context
def note(
    ctx: click.Context, incident_id: str, text: tuple[str, ...], config: Path | None, state: Path | None, as_json: bool
) -> None:
    """Put TEXT on its timeline."""
    _say(incident_id, "notes", {"text": " ".join(text)}, *given(ctx, config, state, as_json))


@incident.command()
@click.argument("incident_id", metavar="ID")
@click.argument("text", nargs=-1)
@place_and_json
@click.pass_context
def ack(
    ctx: click.Context, incident_id: str, text: tuple[str, ...], config: Path | None, state: Path | None, as_json: bool
) -> None:
    """Acknowledge it: somebody is on it."""
    _say(incident_id, "acknowledge", {"text": " ".join(text)}, *given(ctx, config, state, as_json))


@incident.command()
@click.argument("incident_id", metavar="ID")
@click.argument("text", nargs=-1)
@place_and_json
@click.pass_context
def title(
    ctx: click.Context, incident_id: str, text: tuple[str, ...], config: Path | None, state: Path | None, as_json: bool
) -> None:
    """Call it TEXT from now on; without TEXT the machine's title is back."""
    _say(incident_id, "title", {"title": " ".join(text)}, *given(ctx, config, state, as_json))


@incident.command()
@click.argument("incident_id", metavar="ID")
@click.option("--kind", default="", help="What it is: operator, region, zone, name_server, endpoint, ...")
@click.option("--name", default="", help="Which one.")
@click.argument("text", nargs=-1)
@place_and_json
@click.pass_context
def identify(
    ctx: click.Context,
    incident_id: str,
    kind: str,
    name: str,
    text: tuple[str, ...],
    config: Path | None,
    state: Path | None,
    as_json: bool,
) -> None:
    """Say where the fault is, and why; without --kind and --name the machine's word holds again."""
    body = {"kind": kind, "name": name, "text": " ".join(text)}
    _say(incident_id, "identify", body, *given(ctx, config, state, as_json))


@incident.command()
@click.argument("what", metavar="WHAT")
@click.argument("text", nargs=-1)
@click.option("--incident", "incident_id", default="", help="Its id; may be left out where only one is open.")
@click.option("--at", default="", help="When it was, as 2026-02-10T17:35:00Z; now if left out.")
@place_and_json
@click.pass_context
def fact(
    ctx: click.Context,
    what: str,
    text: tuple[str, ...],
    incident_id: str,
    at: str,
    config: Path | None,
    state: Path | None,
    as_json: bool,
) -> None:
    """Put a fact on a timeline: vendor_posted, switched or effective."""
    config, state, as_json = given(ctx, config, state, as_json)
    body = {"what": what, "text": " ".join(text), "incident": incident_id, "at": at}
    _answer(ask("POST", "/v1/facts", collector_state(config, state), body=body), as_json)


def _list(config: Path | None, state: Path | None, as_json: bool) -> None:
    answer = ask("GET", "/v1/incidents", collector_state(config, state))
    if as_json:
        click.echo(msgspec.json.encode(answer))
        return
    now = wall_ns()
    lines = [line for each in answer["incidents"] for line in incident_lines(each, now)]
    lines += [f"those that ended are not known now: {answer['missing']}"] if answer["missing"] else []
    click.echo("\n".join(clean(line) for line in lines) or "no incident so far")


def _say(id_: str, word: str, body: dict[str, str], config: Path | None, state: Path | None, as_json: bool) -> None:
    path = f"/v1/incidents/{quote(id_, safe='')}/{word}"
    _answer(ask("POST", path, collector_state(config, state), body=body), as_json)


def _answer(answer: dict[str, Any], as_json: bool) -> None:
    if as_json:
        click.echo(msgspec.json.encode(answer))
    elif answer.get("incident") is None:
        click.echo(LATE)
    else:
        click.echo("\n".join(clean(line) for line in story_lines(answer["incident"], wall_ns())))


def incident_lines(incident: dict[str, Any], now: int) -> list[str]:
    """An incident in a list, for people. Pure."""
    ended = incident["resolved_at"] if incident["over_at"] is None else incident["over_at"]
    started = incident["started_at"]
    span = f"for {lasting(now - started)}" if ended is None else f"lasted {lasting(ended - started)}"
    facts = [incident["severity"], span, _domain(incident["domain"])]
    facts += [f"acknowledged by {incident['human']['acknowledged_by']}"] if _acknowledged(incident) else []
    facts += [f"part of {incident['parent']}"] if incident["parent"] else []
    return [f"{incident['id']}  {incident['stage']}: {incident['title']}", f"    {'; '.join(facts)}"]


def story_lines(incident: dict[str, Any], now: int) -> list[str]:
    """An incident with its timeline, for people. Pure."""
    lines = incident_lines(incident, now)
    if incident["seen_title"]:
        lines.append(f"    probes see: {incident['seen_title']}")
    if incident["seen_domain"] is not None:
        lines.append(f"    by the probes at {_domain(incident['seen_domain'])}")
    if incident["components"]:
        lines.append(
            f"    hurts {', '.join(incident['components'])}: {incident['impact'].replace('_', ' ')} at its worst"
        )
    lines += _evidence(incident["evidence"]) if incident["evidence"] else []
    lines += [f"    because {sentence}" for sentence in incident["because"]]
    others = [_domain(each) for each in incident["alternatives"]]
    lines += [f"    or else {', '.join(others)}"] if others else []
    for moment in incident["timeline"]:
        away = moment["at"] - incident["started_at"]
        after = f"+{lasting_exactly(away)}" if away >= 0 else f"-{lasting_exactly(-away)}"
        who = f" by {moment['actor']}" if moment["actor"] else ""
        text = f": {moment['text']}" if moment["text"] else ""
        lines.append(f"    {rfc3339(moment['at'])}  {after:>10}  {moment['what'].replace('_', ' ')}{who}{text}")
    lines += [f"    {incident['left_out']} more had no room"] if incident["left_out"] else []
    return lines


def _evidence(found: dict[str, Any]) -> list[str]:
    lines = [f"    seen by {found['failing']} of {found['voters']} probe{'s' * (found['voters'] != 1)}"]
    for extent in (found.get("users"), found["extent"]):
        if extent is not None:
            share, low, high = (round(100 * extent[key]) for key in ("share", "low", "high"))
            lines.append(f"    extent {share} % of {extent['of']}, likely {low}-{high} %")
    return lines


def _acknowledged(incident: dict[str, Any]) -> bool:
    return bool(incident["human"]["acknowledged_by"])


def _domain(domain: dict[str, Any] | None) -> str:
    if domain is None:
        return "not located yet"
    return f"{domain['kind'].replace('_', ' ')} {domain['name']}" + ("" if domain["certain"] else " (likely)")
