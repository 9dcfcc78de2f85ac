"""`parallax routes`: who would have been told what, by a plan's routes; and how alerting went."""

from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from parallax.cli.daemon import fail
from parallax.cli.group import Group
from parallax.cli.place import OWNER, collector_state, load_collector, place_and_json
from parallax.cli.remote import NO_COLLECTOR, ask
from parallax.cli.silence import SPAN
from parallax.cli.text import clean
from parallax.clock import NS, rfc3339, wall_ns

if TYPE_CHECKING:
    from collections.abc import Iterator

    from collector.events import Event
    from collector.routing.rehearsal import Counts, Ordered, Routed
    from parallax.plan.types import Plan

FILE = click.Path(dir_okay=False, exists=True, path_type=Path)
BY_FILE = "or say by which plan: --plan FILE"
MOST_LINES = 500
"""Alerts that are listed; all are counted."""


@click.group(cls=Group)
def routes() -> None:
    """Try the routes of alerts."""


@routes.command()
@click.option("--last", "last_s", type=SPAN, default="30d", show_default=True, help="What to play again: 12h, 30d.")
@click.option("--plan", "plan_path", type=click.Path(exists=True, path_type=Path), help="A plan with other routes.")
@click.option("--events", "file", type=FILE, help="An events.db; the collector's if left out.")
@place_and_json
def test(
    last_s: float, plan_path: Path | None, file: Path | None, config: Path | None, state: Path | None, as_json: bool
) -> None:
    """Play what was concluded through a plan's routes: who would have been told what, and what was kept back why.

    By the plan in force at the collector that runs on this host; where none runs, by the one that --config names; or by
    that of --plan. Nobody is told anything. Silences and maintenance are played as
    they were, as far back as inputs.db beside events.db goes.
    """
    from collector.routing.rehearsal import counts_of, rehearse

    plan = _plan(plan_path, config, state)
    until = wall_ns()
    file = file or collector_state(config, state) / "events.db"
    since = until - int(last_s * NS)
    orders, silenced = _orders(file)
    routed = rehearse(plan, stored(file, since), until, orders, silenced)
    if as_json:
        click.echo(msgspec.json.encode({"alerts": routed, "receivers": counts_of(plan, routed)}))
        return
    lines = [line for each in routed[-MOST_LINES:] for line in routed_lines(each)]
    if len(routed) > MOST_LINES:
        lines.insert(0, f"the last {MOST_LINES} of {len(routed)} alerts:")
    lines += counts_lines(counts_of(plan, routed))
    click.echo("\n".join(clean(line) for line in lines))


def routed_lines(each: "Routed") -> list[str]:
    """An alert for people. Pure."""
    alert = each.alert
    to = ", ".join(alert.to) or "nobody"
    word = "PAGE" if alert.pages else alert.tier
    lines = [f"{rfc3339(each.at)[:19]}Z  {word:<6}  {alert.phase:<7}  {each.title}", f"    to {to}"]
    kept: dict[str, list[str]] = {}
    for suppressed in alert.suppressed:
        kept.setdefault(f"{suppressed.by}: {suppressed.why}", []).append(suppressed.receiver)
    return lines + [f"    kept from {', '.join(names)} by {why}" for why, names in kept.items()]


def counts_lines(counts: "list[Counts]") -> list[str]:
    """What each receiver would have got, for people. Pure."""
    if not counts:
        return ["the plan has no receivers"]
    width = max(len(each.receiver) for each in counts)
    return [
        f"{each.receiver:<{width}}  {_number(each.pages, 'page')}, {_number(each.triggers, 'trigger')}, "
        f"{_number(each.updates, 'update')}, {_number(each.resolves, 'resolve')}, {_number(each.notices, 'notice')}; "
        f"{each.kept} kept back"
        for each in counts
    ]


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}{'s' * (count != 1)}"


def stored(file: Path, since: int) -> "Iterator[Event]":
    """The events in a collector's journal from a moment on. Ends the command (status 2) where it cannot be read."""
    from collector.events import EventError, decode_event
    from collector.recording import RecordingError, read_inputs

    try:
        for record in read_inputs(file, since):
            try:
                yield decode_event(record)
            except EventError:
                continue  # a plan that recordings begin with, or another version's
    except RecordingError as error:
        fail(clean(error))


def _orders(events: Path) -> "tuple[list[Ordered], int]":
    """The silences and windows that the journal of inputs beside one of events has, and how many silences there were
    before; none where there is none."""
    from collector.orders import orders_in, silenced_before
    from collector.recording import RecordingError

    inputs = events.with_name("inputs.db")
    if not inputs.exists():
        click.echo(f"{clean(inputs)} is not there: silences and past maintenance are not played", err=True)
        return [], 0
    try:
        orders = list(orders_in(inputs))
        return orders, silenced_before(events, orders)
    except RecordingError as error:
        fail(clean(error))


def _plan(path: Path | None, config: Path | None, state: Path | None) -> "Plan":
    from parallax.plan.load import load_plan, load_plan_source
    from parallax.plan.source import PlanErrors, PlanSource

    place = collector_state(config, state)
    try:
        if path is not None:
            return load_plan(path)
        if config is not None and not (place / OWNER).exists():
            return load_plan(Path(load_collector(config).plan))
        return load_plan_source(
            PlanSource(ask("GET", "/v1/plan/files", place, none=f"{NO_COLLECTOR}; {BY_FILE}")["files"])
        )
    except PlanErrors as errors:
        fail(*str(errors).splitlines())
