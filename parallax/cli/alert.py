"""`parallax alert`: whether messages come through to the receivers of the plan in force, and what became of them."""

from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import click
import msgspec

from parallax.cli.group import Group
from parallax.cli.place import collector_state, place_and_json, place_options
from parallax.cli.remote import ask
from parallax.cli.silence import SPAN
from parallax.cli.text import clean
from parallax.clock import NS, rfc3339, wall_ns
from parallax.spans import lasting

if TYPE_CHECKING:
    from collector.routing.rehearsal import Report


TOLD = {
    "sent": "sent",
    "retried": "NOT SENT yet, tried again",
    "given_up": "GIVEN UP",
    "left_out": "told by a later alert of the same key",
    "waiting": "nothing came of it yet",
}
"""What came of telling a receiver, for people."""


@click.group(cls=Group)
def alert() -> None:
    """Try the receivers of alerts, and look what became of messages."""


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


@alert.command()
@click.argument("about", required=False, default="")
@place_and_json
def show(about: str, config: Path | None, state: Path | None, as_json: bool) -> None:
    """Show what became of alerts: who was told when, after how many tries, who was not and why, who acknowledged.

    ABOUT is the id of an alert or an incident, or a key (edge/blocked); the last ones if left out.
    """
    query = f"?about={quote(about, safe='')}" if about else ""
    answer = ask("GET", f"/v1/alerts{query}", collector_state(config, state))
    if as_json:
        click.echo(msgspec.json.encode(answer))
        return
    lines = [line for each in answer["alerts"] for line in life_lines(each)]
    none = (
        f"nothing is known of an alert {about!r}: name an alert, an incident or a key" if about else "no alert so far"
    )
    click.echo("\n".join(clean(line) for line in lines or [none]))


def life_lines(life: dict[str, Any]) -> list[str]:
    """One alert's life, for people. Pure."""
    word = "page" if life["pages"] else life["phase"]
    facts = [life["about"], life["severity"], f"tier {life['tier']}", f"key {life['key']}"]
    facts += [f"incident {life['incident']}"] if life["incident"] and life["incident"] != life["key"] else []
    lines = [f"{life['id']}  {word}: {life['title']}", f"    {rfc3339(life['at'])}  created: {', '.join(facts)}"]
    for each in life["told"]:
        lines.append(f"    routed to {each['receiver']}: {TOLD.get(each['outcome'], each['outcome'])}")
        for one in each["tries"]:
            tries = f" (try {one['tries']})" if one["tries"] > 1 else ""
            text = f": {one['text']}" if one["text"] else ""
            lines.append(f"        {rfc3339(one['at'])}  {one['outcome'].replace('_', ' ')}{tries}{text}")
    lines += [f"    not told {each['receiver']}: {each['by']}: {each['why']}" for each in life["suppressed"]]
    if not life["told"] and not life["suppressed"]:
        lines.append("    no route picks it")
    for each in life["acknowledged"]:
        text = f": {each['text']}" if each["text"] else ""
        lines.append(f"    {rfc3339(each['at'])}  acknowledged by {each['by']}{text}")
    return lines


def report_lines(found: "Report") -> list[str]:
    """For people. Pure."""
    lines = [f"pages         {found.pages} in {lasting(found.span_ns)}: {found.pages_a_week:g} a week"]
    soon = "" if found.median_ack_ns is None else f", half of them within {lasting(found.median_ack_ns)}"
    lines.append(f"acknowledged  {found.acknowledged} of {found.paged} incidents that paged{soon}")
    noisy = ", ".join(f"{name} ({count})" for name, count in found.noisiest) or "none"
    return [*lines, f"noisiest      {noisy}"]
