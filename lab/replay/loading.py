"""A script from its file, with its plan, or everything that is wrong with it."""

from pathlib import Path
from typing import Any

import msgspec

from lab.replay.rules import complaints_of
from lab.replay.script import Script
from parallax.loading.convert import Fault as Complaint
from parallax.loading.convert import convert_table
from parallax.loading.document import Document, parse_document, read_text
from parallax.loading.places import problems_of
from parallax.loading.problems import LoadErrors, Problem
from parallax.plan.load import load_plan_source
from parallax.plan.source import PlanErrors, PlanSource, read_plan_source
from parallax.plan.types import Plan

MANY = ("operator", "zone", "name", "region", "front", "cache", "fault", "random", "change", "fact")
ONCE = ("window", "noise", "expect")
"""The tables of a script."""
PLANS = ("probe", "check", "component")
"""Tables that only a plan has."""


class Loaded(msgspec.Struct, frozen=True, kw_only=True):
    """A script with its plan. `plan` and `source` are None where a recording is played."""

    script: Script
    file: Path
    plan: Plan | None = None
    source: PlanSource | None = None
    journal: Path | None = None


class ScriptErrors(LoadErrors):
    """A script was refused; `problems` holds everything that is wrong with it."""


def load_script(path: Path) -> Loaded:
    """Raises ScriptErrors, with the plan's own problems among them."""
    text = read_text(path)
    document = text if isinstance(text, Problem) else parse_document(text, str(path))
    if isinstance(document, Problem):
        raise ScriptErrors([document])
    if "title" not in document.table and any(key in document.table for key in PLANS):
        way = "give the incident script, whose `plan` names it, as in: parallax replay INCIDENT.toml"
        raise ScriptErrors([Problem(file=document.file, message=f"is a plan; {way}")])
    faults: list[Complaint] = []
    script: Any = convert_table(document.table, Script, faults)
    faults = [_brackets(fault, document.table) for fault in faults]
    if faults:
        raise ScriptErrors(problems_of(document, faults))
    plan, source = _plan(document, path, script)
    faults.extend(complaints_of(script, plan))
    journal = path.parent / script.journal if script.journal else None
    if journal is not None and not journal.is_file():
        faults.append(Complaint(("journal",), f"{journal} is no file; make it by: parallax journal export"))
    if faults:
        raise ScriptErrors(problems_of(document, faults))
    return Loaded(script=script, file=path, plan=plan, source=source, journal=journal)


def _brackets(fault: Complaint, table: dict[str, Any]) -> Complaint:
    """The same, said of the brackets where those are what is wrong."""
    key, written = fault.path[0], table.get(str(fault.path[0]))
    if len(fault.path) > 1:
        return fault
    if key in MANY and isinstance(written, dict):
        return Complaint(fault.path, f"a script has many of these; write [[{key}]], with two brackets")
    if key in ONCE and isinstance(written, list):
        return Complaint(fault.path, f"a script has one of these; write [{key}], with single brackets")
    return fault


def _plan(document: Document, path: Path, script: Script) -> tuple[Plan | None, PlanSource | None]:
    if not script.plan:
        return None, None
    try:
        if "\n" in script.plan:
            source = PlanSource({f"{path.name}, plan": script.plan})
        else:
            source = read_plan_source(path.parent / script.plan)
        return load_plan_source(source), source
    except PlanErrors as error:
        raise ScriptErrors(error.problems) from None
