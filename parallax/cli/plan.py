"""`parallax plan`: whether a plan is right, what its schema is, what a new one would change. It changes nothing."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from parallax.cli.group import Group
from parallax.cli.remote import rollback, show

if TYPE_CHECKING:
    from parallax.loading.problems import LoadErrors
    from parallax.plan.types import Plan

_PATH = click.Path(path_type=Path)
_USAGE = 2


@click.group(cls=Group)
def plan() -> None:
    """Check, describe and compare plans; show and roll back the collector's."""


plan.add_command(show)
plan.add_command(rollback)


@plan.command()
@click.argument("path", type=_PATH)
@click.option("--json", "as_json", is_flag=True, help="Print the problems for machines.")
def check(path: Path, as_json: bool) -> None:
    """Say everything that is wrong with the plan at PATH: one TOML file, or a folder of *.toml."""
    loaded = _load(path, as_json)
    from parallax.plan.load import plan_notes
    from parallax.plan.part import plan_hash

    notes = plan_notes(loaded)
    if as_json:
        click.echo(json.dumps({"ok": True, "hash": plan_hash(loaded), "problems": [], "notes": notes}))
        return
    targets = sum(len(check.targets) for check in loaded.check)
    probes = _count(len(loaded.probe), "probe") if loaded.probe else "any probe"
    click.echo(f"{path}: right. {_count(len(loaded.check), 'check')}, {_count(targets, 'target')}, {probes}")
    for note in notes:
        click.echo(f"note: {note}")


@plan.command()
def schema() -> None:
    """Print the JSON Schema of a plan file."""
    from parallax.plan.schema import plan_schema

    click.echo(json.dumps(plan_schema(), indent=2, ensure_ascii=False))


@plan.command()
@click.argument("old", type=_PATH)
@click.argument("new", type=_PATH)
@click.option("--json", "as_json", is_flag=True, help="Print the difference for machines.")
def diff(old: Path, new: Path, as_json: bool) -> None:
    """Say what changes from the plan OLD to the plan NEW: checks, load on targets, probes touched."""
    before, after = _load(old, as_json), _load(new, as_json)
    import msgspec

    from parallax.plan.diff import diff as find_diff
    from parallax.plan.diff import diff_lines

    found = find_diff(before, after)
    click.echo(msgspec.json.encode(found).decode() if as_json else "\n".join(diff_lines(found)))


def _load(path: Path, as_json: bool) -> "Plan":
    from parallax.plan.load import load_plan
    from parallax.plan.source import PlanErrors

    try:
        return load_plan(path)
    except PlanErrors as errors:
        _refuse(errors, as_json)


def _refuse(errors: "LoadErrors", as_json: bool) -> NoReturn:
    if as_json:
        import msgspec

        click.echo(json.dumps({"ok": False, "problems": msgspec.to_builtins(errors.problems)}))
    else:
        click.echo(str(errors), err=True)
        click.echo(_count(len(errors.problems), "problem"), err=True)
    raise SystemExit(_USAGE)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
