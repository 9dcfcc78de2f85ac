"""`parallax alert`: whether messages come through to the receivers of the plan in force."""

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import click
import msgspec

from parallax.cli.group import Group
from parallax.cli.place import collector_state, place_and_json, place_options
from parallax.cli.remote import ask
from parallax.cli.silence import SPAN
from parallax.cli.text import clean
from parallax.clock import NS, wall_ns
from parallax.spans import lasting

if TYPE_CHECKING:
    from collector.routing.rehearsal import Report


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


@alert.command()
@click.option("--last", "last_s", type=SPAN, default="7d", show_default=True, help="What to look at: 12h, 7d, 30d.")
@place_and_json
def report(last_s: float, config: Path | None, state: Path | None, as_json: bool) -> None:
    """How alerting went: pages a week, how many were acknowledged and how soon, the noisiest components."""
    from collector.routing.rehearsal import report_of
    from parallax.cli.routes import stored

    until = wall_ns()
    since = until - int(last_s * NS)
    found = report_of(stored(collector_state(config, state) / "events.db", since), since, until)
    if as_json:
        click.echo(msgspec.json.encode(found))
    else:
        click.echo("\n".join(clean(line) for line in report_lines(found)))


def report_lines(found: "Report") -> list[str]:
    """For people. Pure."""
    lines = [f"pages         {found.pages} in {lasting(found.span_ns)}: {found.pages_a_week:g} a week"]
    soon = "" if found.median_ack_ns is None else f", half of them within {lasting(found.median_ack_ns)}"
    lines.append(f"acknowledged  {found.acknowledged} of {found.paged} incidents that paged{soon}")
    noisy = ", ".join(f"{name} ({count})" for name, count in found.noisiest) or "none"
    return [*lines, f"noisiest      {noisy}"]
