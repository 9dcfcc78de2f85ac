"""`parallax probe doctor`: whether this host is fit to be a probe."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from parallax.cli.daemon import fail
from parallax.cli.place import FILE, load_probe
from parallax.cli.text import clean
from parallax.cli.values import CIDR, REDIRECT, RESOLVER, Parsed
from parallax.config import ProbeConfig
from parallax.plan.types import ConnectTo
from parallax.values import Address, Cidr, Redirect, encode_value

if TYPE_CHECKING:
    from parallax.plan.types import Plan
    from probe.doctor.judge import Line

ADDRESS = Parsed("address", lambda text: Address.parse(text, 443))
DOT = Parsed("address", lambda text: Address.parse(text, 853))


@click.command()
@click.option("--config", type=FILE, help="The probe's config; without one only the host is looked at.")
@click.option(
    "--plan", type=click.Path(path_type=Path), help="The whole plan, where it is: its receivers are looked at."
)
@click.option("--control", type=ADDRESS, multiple=True, help="A host of others that is dialled. Repeatable.")
@click.option("--dot", type=DOT, multiple=True, help="A resolver that is dialled at port 853. Repeatable.")
@click.option("--resolver", type=RESOLVER, multiple=True, help="Whom to ask for names; /etc/resolv.conf if left out.")
@click.option("--connect-to", type=REDIRECT, multiple=True, metavar="FROM=TO", help="Dial TO instead. Repeatable.")
@click.option("--allow", type=CIDR, multiple=True, metavar="CIDR", help="A private network that may be dialled.")
@click.option("--json", "as_json", is_flag=True, help="As JSON: the lines, and the facts they rest on.")
@click.pass_context
def doctor(
    context: click.Context,
    config: Path | None,
    plan: Path | None,
    control: tuple[Address, ...],
    dot: tuple[Address, ...],
    resolver: tuple[Address, ...],
    connect_to: tuple[tuple[Redirect, Address], ...],
    allow: tuple[Cidr, ...],
    as_json: bool,
) -> None:
    """Say whether this host is fit to be a probe, what it lacks, and what to do.

    It dials what the config and its plan name, asks its resolvers and root servers, and asks two addresses at which
    nobody is (192.0.2.1, 2001:db8::1), over each family. Exit status: 0 fit (what is missing costs the checks that need
    it), 1 something is wrong, 3 too little is known.
    """
    import trio

    config = config or (context.parent.params.get("config") if context.parent else None)
    loaded = load_probe(config) if config else ProbeConfig(id="", state="", collector=[])
    loaded = msgspec.structs.replace(
        loaded,
        resolvers=list(resolver) or loaded.resolvers,
        allow=[*loaded.allow, *allow],
        connect_to=[*loaded.connect_to, *(ConnectTo(source=source, to=to) for source, to in connect_to)],
    )
    whole = _plan(plan) if plan else None
    from probe.doctor.gather import examine
    from probe.doctor.judge import exit_status, judge

    try:
        facts = trio.run(lambda: examine(loaded, plan=whole, controls=control, more=dot))
    except KeyboardInterrupt:
        sys.exit(130)
    lines = judge(facts)
    if as_json:
        click.echo(msgspec.json.encode({"lines": lines, "facts": facts}, enc_hook=encode_value))
    else:
        click.echo("\n".join(table(lines)))
    sys.exit(exit_status(lines))


def table(lines: "list[Line]") -> list[str]:
    """The lines for people. Pure."""
    width = max(len(line.what) for line in lines)
    shown = []
    for line in lines:
        shown.append(clean(f"{line.what:<{width}}  {line.state:<7}  {line.why}"))
        shown += [f"{'':<{width}}           {clean(line.todo)}"] * bool(line.todo)
    return shown


def _plan(path: Path) -> "Plan":
    from parallax.plan.load import load_plan
    from parallax.plan.source import PlanErrors

    try:
        return load_plan(path)
    except PlanErrors as errors:
        fail(*str(errors).splitlines())
