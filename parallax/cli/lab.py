"""`parallax lab`: breaks and mends things in the lab that `parallax up` runs on this host, through its API."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

import click
import msgspec

from parallax.cli.daemon import fail
from parallax.cli.group import Group
from parallax.cli.place import FOLDER, lab_state
from parallax.cli.remote import ask
from parallax.cli.text import clean
from parallax.clock import wall_ns
from parallax.spans import lasting

Command = TypeVar("Command", bound=Callable[..., Any])


def _options(command: Command) -> Command:
    command = click.option("--json", "as_json", is_flag=True, help="As JSON.")(command)
    return click.option(
        "--state", type=FOLDER, help="As given to `parallax up`; $XDG_STATE_HOME/parallax/lab if left out."
    )(command)


@click.group(cls=Group)
def lab() -> None:
    """Break things in the lab, and mend them.

    `parallax up` without a plan runs it; what was really broken is logged in its state folder, world/faults.jsonl.
    """


@lab.command(name="list")
@_options
def list_faults(state: Path | None, as_json: bool) -> None:
    """Show what can be broken, and what is."""
    _show(_ask("GET", "", state), as_json)


@lab.command(name="break")
@click.argument("name")
@_options
def break_fault(name: str, state: Path | None, as_json: bool) -> None:
    """Break something, or do what people do against it; `parallax lab list` has the names."""
    _check(name)
    _show(_ask("POST", f"/break/{quote(name, safe='')}", state), as_json, name)


@lab.command(name="mend")
@click.argument("name", required=False)
@click.option("--all", "every", is_flag=True, help="Mend everything.")
@_options
def mend_fault(name: str | None, every: bool, state: Path | None, as_json: bool) -> None:
    """Mend what was broken."""
    if every == (name is not None):
        raise click.UsageError("say what to mend: a NAME, or --all")
    if name is not None:
        _check(name)
    _show(_ask("POST", "/mend" if name is None else f"/mend/{quote(name, safe='')}", state), as_json, name)


@lab.command(name="report")
@click.option("--last", type=click.IntRange(min=1), help="Only the last so many.")
@_options
def report(last: int | None, state: Path | None, as_json: bool) -> None:
    """Show what was said of each fault that was injected, beside the truth.

    When each was suspected, confirmed, named and cleared, and what was blamed wrongly meanwhile. It reads the state
    folder, whether the lab runs or not. Seconds count from the break; "cleared" from the mending.
    """
    from lab.report import report_of, report_table
    from lab.told import EventsUnreadable, read_events
    from lab.truth import read_truth

    folder = state or lab_state()
    try:
        facts = read_truth(folder / "world" / "faults.jsonl")
    except OSError as error:
        fail(
            f"{folder}/world/faults.jsonl cannot be read: {error.strerror}; a lab that ran has one; --state says where "
            "its state is"
        )
    try:
        events = list(read_events(folder / "collector" / "events.db", min((fact.at for fact in facts), default=0)))
    except EventsUnreadable as error:
        fail(str(error))
    found = report_of(facts, events)[-(last or 0) :]
    if as_json:
        click.echo(msgspec.json.encode(found))
        return
    click.echo("\n".join(clean(line) for line in report_table(found)))


def _check(name: str) -> None:
    from lab.faults import FAULTS
    from lab.names import unknown_words

    if name not in FAULTS:
        width = max(map(len, FAULTS))
        fail(clean(unknown_words(name)), *(f"  {known:<{width}}  {fault.title}" for known, fault in FAULTS.items()))


def _ask(method: str, path: str, state: Path | None) -> dict[str, Any]:
    folder = (state or lab_state()) / "collector"
    answer = ask(
        method,
        f"/v1/lab{path}",
        folder,
        none="no lab runs with its state in {state}; start one: parallax up; or say where it is: --state",
        missing="the collector there watches no lab; a lab is what `parallax up` runs without --plan",
    )
    if not isinstance(answer, dict):
        fail("the lab's answer is not understood; is it of another version?")
    return answer


def _show(answer: dict[str, Any], as_json: bool, name: str | None = None) -> None:
    if as_json:
        click.echo(msgspec.json.encode(answer))
        return
    faults = [fault for fault in answer["faults"] if name is None or fault["name"] == name]
    click.echo("\n".join(clean(line) for line in fault_lines(faults, wall_ns())))


def fault_lines(faults: list[dict[str, Any]], now: int) -> list[str]:
    """The faults for people. Pure."""
    width = max((len(fault["name"]) for fault in faults), default=0)
    lines = []
    for fault in faults:
        since = fault["since"]
        no, yes = ("not done", "done") if fault.get("remedy") else ("not broken", "BROKEN")
        state = no if since is None else f"{yes} for {lasting(now - since)}, by {fault['actor']}"
        lines += [
            f"{fault['name']:<{width}}  {state}",
            f"{'':<{width}}  {fault['title']}: {fault['does']}",
            f"{'':<{width}}  expect: {fault['expect']}",
        ]
    return lines
