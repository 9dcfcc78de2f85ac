"""`parallax series`: what a server of time series needs, and what it has not got."""

import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

import click

from parallax.cli.daemon import fail
from parallax.cli.group import Group
from parallax.cli.journal import Instant
from parallax.cli.place import FILE, collector_state, load_collector, place_options
from parallax.cli.remote import ask
from parallax.cli.text import clean
from parallax.clock import NS, rfc3339, wall_ns

POLL_S = 0.5
TELL_EVERY_S = 5.0
"""How often a backfill that goes on says how far it is."""
FAILED = 1


@click.group(cls=Group)
def series() -> None:
    """Set up servers of time series, and fill them."""


@series.command()
@click.option("--config", type=FILE, required=True, help="The collector's config, which names the servers.")
@click.option("--name", help="Only the server of this name.")
def setup(config: Path, name: str | None) -> None:
    """Make at each server of the config what is written to: databases or buckets, how long they keep it, mappings.

    Done again it changes nothing. Exit status 1 where a server could not be asked.
    """
    loaded = load_collector(config)
    servers = [server for server in loaded.series if name in (None, server.name)]
    if not servers:
        names = ", ".join(server.name for server in loaded.series)
        way_out = f" of the name {name}; it has: {names}" if names else ": write one as docs/series.md shows"
        fail(f"{config} has no [[series]]{way_out}")
    import trio

    from collector.series.setup import SetupError, set_up

    failed = False
    for server in servers:
        try:
            for line in trio.run(partial(set_up, server, loaded)):
                click.echo(clean(f"{server.name}: {line}"))
        except SetupError as error:
            failed = True
            click.echo(clean(f"parallax: {error}"), err=True)
    sys.exit(FAILED if failed else 0)


@series.command()
@place_options
@click.option("--from", "start", type=Instant(), metavar="TIME", required=True, help="The first moment.")
@click.option("--to", "end", type=Instant(), metavar="TIME", help="The last moment; now if left out.")
@click.option("--name", default="", help="Only to the server of this name.")
@click.option("--no-wait", is_flag=True, help="Do not wait for its end; `parallax status --json` says how far it is.")
def backfill(config: Path | None, state: Path | None, start: int, end: int | None, name: str, *, no_wait: bool) -> None:
    """Write to the servers of series again what came in between two moments: observations and events from the
    journals, as far back as these go, and figures by the minute from the history."""
    place, until = collector_state(config, state), end or wall_ns()
    if start >= until:
        fail("--from is after --to")
    wanted = {"sink": name, "since": start, "until": until}
    ask("POST", "/v1/series/backfill", place, body=wanted)
    if no_wait:
        return
    found = _wait_done(place, start, until, name)
    for each in found:
        click.echo(clean(backfill_line(each)))
    sys.exit(FAILED if any(each["state"] == "failed" for each in found) else 0)


def _wait_done(place: Path, start: int, until: int, name: str) -> list[dict[str, Any]]:
    """What came of the backfills between these moments. Meanwhile it says how far they are: at once where a server
    begins or ceases to be waited for, else now and then."""
    waiting: list[str | None] = []
    said, said_at = "", time.monotonic()
    while True:
        answer = ask("GET", "/v1/status", place)
        problems = {sink["name"]: sink["problem"] for sink in answer["series"]}
        mine = [
            each
            for each in answer["backfills"]
            if (each["since"], each["until"]) == (start, until) and name in ("", each["sink"])
        ]
        if not mine:
            fail("the collector started anew, which ends a backfill: give the command again")
        going = [each for each in mine if each["state"] == "running"]
        if not going:
            return mine
        before, waiting = waiting, [problems.get(each["sink"]) for each in going]
        text = "\n".join(clean(going_line(each, problems.get(each["sink"]))) for each in going)
        due = time.monotonic() - said_at >= TELL_EVERY_S
        if (due and text != said) or (waiting != before and any(waiting)):
            click.echo(text, err=True)
            said, said_at = text, time.monotonic()
        time.sleep(POLL_S)


def going_line(status: dict[str, Any], problem: str | None) -> str:
    """How far one is, for people. `problem`: why nothing can be written to its server now. Pure."""
    text = f"{status['sink']}: {status['observations']} observations, {status['minutes']} rows by the minute so far"
    return f"{text}; waits for its server: {problem} (Ctrl-C leaves the collector to it)" if problem else text


def backfill_line(status: dict[str, Any]) -> str:
    """What came of one, for people. Pure."""
    if status["state"] == "failed":
        return f"{status['sink']}: failed: {status['why']}"
    text = f"{status['sink']}: {status['observations']} observations, {status['minutes']} rows of figures by the minute"
    if status["oldest"] is not None and status["oldest"] > status["since"] + NS:
        text += f"; the journal begins at {rfc3339(status['oldest'])}, so observations from before are not there"
    return text
