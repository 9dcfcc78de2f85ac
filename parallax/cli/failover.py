"""`parallax failover`: failover groups as the collector on this host knows them, and what people order of them."""

from pathlib import Path
from typing import Any
from urllib.parse import quote

import click
import msgspec

from parallax.cli.group import Group
from parallax.cli.place import collector_state, given, place_and_json
from parallax.cli.remote import ask
from parallax.cli.silence import SPAN
from parallax.cli.text import clean
from parallax.clock import rfc3339, wall_ns
from parallax.spans import lasting

LATE = "the collector has it in its journal, and is behind with taking it; see `parallax failover` in a while"
PHASES = {
    "primary": "the primary serves",
    "to_failover": "on the way to the standby",
    "failover": "a standby serves",
    "to_primary": "on the way back to the primary",
    "hold_both_bad": "no member is well: traffic stays",
    "blind": "nothing can be seen: nothing is decided",
}
"""A group's phase, for people."""


@click.group(cls=Group, invoke_without_command=True)
@place_and_json
@click.pass_context
def failover(ctx: click.Context, config: Path | None, state: Path | None, as_json: bool) -> None:
    """Show failover groups, and order a freeze, a switch, a drill.

    Without a command: list all groups: who serves, and what is to be done.
    """
    if ctx.invoked_subcommand is None:
        _list(config, state, as_json)
        return
    ctx.obj = (config, state, as_json)


@failover.command(name="list")
@place_and_json
@click.pass_context
def list_groups(ctx: click.Context, config: Path | None, state: Path | None, as_json: bool) -> None:
    """List all groups: who serves, and what is to be done."""
    _list(*given(ctx, config, state, as_json))


@failover.command()
@click.argument("group")
@place_and_json
@click.pass_context
def show(ctx: click.Context, group: str, config: Path | None, state: Path | None, as_json: bool) -> None:
    """Show GROUP: who serves whom, what each standby lacks, the decision with its rules, the last switchovers."""
    config, state, as_json = given(ctx, config, state, as_json)
    _answer(ask("GET", _path(group), collector_state(config, state)), as_json)


@failover.command()
@click.argument("group")
@click.argument("why", nargs=-1, required=True)
@click.option("--for", "for_s", type=SPAN, help="How long: 30m, 2h, 7d; until `thaw` if left out.")
@place_and_json
@click.pass_context
def freeze(
    ctx: click.Context,
    group: str,
    why: tuple[str, ...],
    for_s: float | None,
    config: Path | None,
    state: Path | None,
    as_json: bool,
) -> None:
    """Let nobody switch GROUP, and say WHY."""
    body = {"why": " ".join(why), "for_s": for_s}
    _order(group, "freeze", body, *given(ctx, config, state, as_json))


@failover.command()
@click.argument("group")
@click.argument("why", nargs=-1)
@place_and_json
@click.pass_context
def thaw(
    ctx: click.Context, group: str, why: tuple[str, ...], config: Path | None, state: Path | None, as_json: bool
) -> None:
    """End a freeze of GROUP."""
    _order(group, "thaw", {"why": " ".join(why)}, *given(ctx, config, state, as_json))


@failover.command()
@click.argument("group")
@click.argument("rule")
@click.argument("why", nargs=-1, required=True)
@click.option("--for", "for_s", type=SPAN, default="1h", show_default=True, help="How long; 24h at most.")
@place_and_json
@click.pass_context
def override(
    ctx: click.Context,
    group: str,
    rule: str,
    why: tuple[str, ...],
    for_s: float,
    config: Path | None,
    state: Path | None,
    as_json: bool,
) -> None:
    """Let safety rule RULE (S1 to S10) of GROUP count as held, and say WHY."""
    body = {"rule": rule.upper(), "why": " ".join(why), "for_s": for_s}
    _order(group, "override", body, *given(ctx, config, state, as_json))


@failover.command()
@click.argument("group")
@click.argument("member")
@click.argument("why", nargs=-1, required=True)
@place_and_json
@click.pass_context
def switch(
    ctx: click.Context,
    group: str,
    member: str,
    why: tuple[str, ...],
    config: Path | None,
    state: Path | None,
    as_json: bool,
) -> None:
    """Switch GROUP to MEMBER, if the safety rules let it, and say WHY. Its actions carry it out."""
    body = {"member": member, "why": " ".join(why)}
    _order(group, "switch", body, *given(ctx, config, state, as_json))


@failover.command()
@click.argument("group")
@click.argument("why", nargs=-1)
@click.option("--member", default="", help="The standby that is to serve for a while; the first one if left out.")
@place_and_json
@click.pass_context
def drill(
    ctx: click.Context,
    group: str,
    why: tuple[str, ...],
    member: str,
    config: Path | None,
    state: Path | None,
    as_json: bool,
) -> None:
    """Switch GROUP to a standby and back, to prove that it works."""
    body = {"member": member, "why": " ".join(why)}
    _order(group, "drill", body, *given(ctx, config, state, as_json))


@failover.command(context_settings={"ignore_unknown_options": True})
@click.argument("group")
@click.argument("member")
@click.argument("name")
@click.argument("value")
@place_and_json
@click.pass_context
def fact(
    ctx: click.Context,
    group: str,
    member: str,
    name: str,
    value: str,
    config: Path | None,
    state: Path | None,
    as_json: bool,
) -> None:
    """Push a fact of a member that cannot be seen from outside: replication_lag_s, headroom, config_hash, fenced."""
    body = {"member": member, "facts": {name: value}}
    config, state, as_json = given(ctx, config, state, as_json)
    answer = ask("POST", f"{_path(group)}/facts", collector_state(config, state), body=body)
    if as_json:
        click.echo(msgspec.json.encode(answer))
        return
    found = [each for each in (answer["group"] or {"members": []})["members"] if each["name"] == member]
    lines = [line for each in found for line in each["lines"] if line["id"] == f"fact:{name}"]
    click.echo("\n".join(clean(_ready_line(line)) for line in lines) or clean(f"{member}: {name} is {value}"))


def _list(config: Path | None, state: Path | None, as_json: bool) -> None:
    answer = ask("GET", "/v1/failover", collector_state(config, state))
    if as_json:
        click.echo(msgspec.json.encode(answer))
        return
    lines = [line for each in answer["groups"] for line in group_lines(each, wall_ns())]
    click.echo("\n".join(clean(line) for line in lines) or "the plan has no failover group; add a [[failover]]")


def _order(group: str, word: str, body: dict[str, Any], config: Path | None, state: Path | None, as_json: bool) -> None:
    _answer(ask("POST", f"{_path(group)}/{word}", collector_state(config, state), body=body), as_json)


def _answer(answer: dict[str, Any], as_json: bool) -> None:
    if as_json:
        click.echo(msgspec.json.encode(answer))
    elif answer.get("group") is None:
        click.echo(LATE)
    else:
        click.echo("\n".join(clean(line) for line in story_lines(answer["group"], wall_ns())))


def _path(group: str) -> str:
    return f"/v1/failover/{quote(group, safe='')}"


def group_lines(group: dict[str, Any], now: int) -> list[str]:
    """A group in a list, for people. Pure."""
    serving = group["serving"]
    who = f"{serving} serves since {rfc3339(group['serving_since'])}: {PHASES[group['phase']]}"
    lines = [f"{group['name']}  {who if serving else 'nobody can tell who serves'}"]
    facts = [group["kind"], f"mode {group['mode']}"]
    for member in group["members"]:
        if member["name"] != serving:
            facts.append(f"{member['name']} {'ready' if member['ready'] else 'NOT READY'}")
    lines.append(f"    {'; '.join(facts)}")
    lines += _frozen(group, now)
    lines += [f"    {group['now']['said']['title']}"] if group["now"] else []
    return lines


def story_lines(group: dict[str, Any], now: int) -> list[str]:
    """A group with all that is known of it, for people. Pure."""
    lines = group_lines(group, now)
    lines += [
        f"    rule {each['rule']} is overridden by {each['actor']} until {rfc3339(each['until'])}: {each['why']}"
        for each in group["overrides"]
    ]
    lines += [f"    incident {group['incident']}"] if group["incident"] else []
    for member in group["members"]:
        lines += ["", *_member(member, group["serving"], now)]
    if group["now"]:
        lines += ["", *decision_lines(group["now"])]
    lines += ["", *_back(group["back"])] if group.get("back") else []
    actions = group.get("actions", ())
    lines += ["", "actions"] if actions else []
    lines += [_action(each) for each in actions]
    switches = group["switches"]
    lines += ["", "switchovers"] if switches else []
    lines += [_switch(each) for each in switches]
    spoken = group["spoken"]
    lines += ["", "said"] if spoken else []
    lines += [f"    {rfc3339(each['at'])}  {_said(each['said'])}" for each in spoken]
    return lines


def decision_lines(spoken: dict[str, Any]) -> list[str]:
    """What was last decided, with its reasons and its rules. Pure."""
    said = spoken["said"]
    lines = [f"decision   {said['title']}, {rfc3339(spoken['at'])}"]
    lines += [f"    because {said['why']}"] if said["why"] and said["why"] not in said["title"] else []
    lines += [f"    {name}: {text}" for name, text in said["evidence"].items()]
    for rule in said["rules"]:
        word = "overridden" if rule["overridden_by"] and not rule["ok"] else "holds" if rule["ok"] else "DOES NOT HOLD"
        by = f" ({rule['overridden_by']})" if rule["overridden_by"] else ""
        lines.append(f"    {rule['id']:<4} {word:<13}  {rule['why']}{by}")
    return lines


def _member(member: dict[str, Any], serving: str, now: int) -> list[str]:
    name = member["name"]
    facts = ["primary"] if member["primary"] else ["standby"]
    facts.append(
        f"{member['standing']} for {lasting(now - member['since'])}" if member["since"] else member["standing"]
    )
    seen_by = member.get("seen_by", ())
    facts.append(f"serves {member['serves']:.0%} of vantages" + (f" ({', '.join(seen_by)})" if seen_by else ""))
    if member["voters"]:
        facts.append(f"fails for {member['failing']} of {member['voters']} probes")
    lines = [f"member     {name}: {'; '.join(facts)}".replace("%", " %")]
    word = "ready" if member["ready"] else "NOT READY"
    if name != serving:
        lines.append(f"    {word}" + (f" for {lasting(now - member['ready_since'])}" if member["ready_since"] else ""))
    lines += [f"    {_ready_line(line)}" for line in member["lines"]]
    for fact in member["facts"]:
        who = f" by {fact['actor']}" if fact["actor"] else ""
        lines.append(f"    pushed {lasting(now - fact['at'])} ago{who}: {fact['name']} = {fact['value']}")
    return lines


def _ready_line(line: dict[str, Any]) -> str:
    word = {True: "ok", False: "MISSING"}.get(line["ok"], "not checked")
    return f"{word:<11}  {line['why']}"


def _back(back: dict[str, Any]) -> list[str]:
    needed, left = lasting(back["needed_ns"]), back["needed_ns"] - back["counted_ns"]
    if not back["well_since"]:
        return [f"way back   {back['primary']} is not well; once it is, it must be for {needed}"]
    rest = f"{lasting(left)} are left" if left > 0 else "that is over"
    return [f"way back   {back['primary']} counts as well for {lasting(back['counted_ns'])} of {needed}: {rest}"]


def _action(action: dict[str, Any]) -> str:
    reach = {True: "could be carried out", False: f"cannot be carried out: {action['why']}"}
    facts = [reach.get(action["reachable"], "not looked at yet")]
    if action["epoch"]:
        came = [action["outcome"].replace("_", " ") or "no answer yet", action["effect"].replace("_", " ")]
        facts.append(f"command {action['epoch']} {', '.join(filter(None, came))}")
        facts += [action["text"]] * bool(action["text"])
    return f"    {action['name']}: {'; '.join(facts)}"


def _switch(switch: dict[str, Any]) -> str:
    by = {"command": "commanded", "recommendation": "as recommended"}.get(switch["by"], "by others")
    facts = [by, f"80 % of vantages after {lasting(switch['duration_ns'])}"]
    facts += [f"{switch['source']} had served {lasting(switch['dwell_ns'])}"] * bool(switch["dwell_ns"])
    facts += [f"{switch['hurt']} runs failed"] * bool(switch["hurt"])
    facts += [f"number {switch['flaps']} in {switch['incident']}"] * bool(switch["flaps"] and switch["incident"])
    where = f"{switch['source']} -> {switch['target']}"
    return f"    {rfc3339(switch['started_at'])}  {switch['direction']:<8}  {where}: {', '.join(facts)}"


def _said(said: dict[str, Any]) -> str:
    why = f": {said['why']}" if said["why"] and said["why"] not in said["title"] else ""
    return f"{said['word'].replace('_', ' ')}: {said['title']}{why}"


def _frozen(group: dict[str, Any], now: int) -> list[str]:
    frozen = group["frozen"]
    if frozen is None:
        return []
    until = f"until {rfc3339(frozen['until'])}" if frozen["until"] else "until it is thawed"
    return [f"    FROZEN by {frozen['actor']} for {lasting(now - frozen['since'])}, {until}: {frozen['why']}"]
