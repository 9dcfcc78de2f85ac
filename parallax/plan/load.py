"""A plan from its files: every problem at once, each with its file, line, section and key.

Tables are converted one by one and key by key; then the rules between sections run over what was found. A plan with
any problem is refused whole: half a plan would look like a quiet fleet.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from parallax.loading.convert import BAD, Fault, convert_table, first_of_each_path, good, key_text
from parallax.loading.document import Document, parse_document
from parallax.loading.problems import Problem, nearest, shown
from parallax.plan.action_rules import action_notes
from parallax.plan.alert_types import Group, Inhibit, Maintenance, Receiver, Route
from parallax.plan.calendar_files import with_calendars
from parallax.plan.checks import Unsupported, convert_check
from parallax.plan.costs import cost_notes
from parallax.plan.failover_types import Action, Failover
from parallax.plan.pinned import pinned_checks, pinned_notes
from parallax.plan.receivers import receiver_faults, receiver_notes, route_faults
from parallax.plan.resolver_notes import resolver_notes
from parallax.plan.rules import Entry, plan_faults
from parallax.plan.source import PlanErrors, PlanSource, is_calendar_file, read_plan_source
from parallax.plan.types import (
    RESOLVER_PORTS,
    SCHEMA,
    Component,
    ConnectTo,
    Control,
    Defaults,
    Dns,
    Load,
    Operator,
    Plan,
    Probe,
    Resolver,
    Retry,
    Site,
)
from parallax.values import Endpoint

SINGLE: dict[str, Any] = {"defaults": Defaults, "control": Control, "dns": Dns, "load": Load}
"""The sections that a plan has once, [defaults]."""

MANY: dict[str, Any] = {
    "probe": Probe,
    "operator": Operator,
    "resolver": Resolver,
    "site": Site,
    "check": None,
    "component": Component,
    "failover": Failover,
    "action": Action,
    "receiver": Receiver,
    "group": Group,
    "route": Route,
    "inhibit": Inhibit,
    "maintenance": Maintenance,
    "retry": Retry,
    "connect_to": ConnectTo,
}
"""The sections that a plan has many of, [[probe]]; a check's type goes by its kind."""

_OF_CONFIGS = {
    "secrets": "the config of the program that sends them, a probe's or the collector's",
    "mail": "the collector's config",
    "collector": "the config of each probe",
    "tls": "the collector's config",
}
"""Sections that people look for in a plan."""


def load_plan(path: Path) -> Plan:
    """The plan in one file or in a folder of *.toml and *.ics. Raises PlanErrors with every problem."""
    return _load(read_plan_source(path), path if path.is_dir() else path.parent)


def load_plan_source(source: PlanSource) -> Plan:
    """The plan from stored texts, as a journal keeps them. Raises PlanErrors with every problem."""
    return _load(source, Path())


def plan_notes(plan: Plan) -> list[str]:
    """What the owner should know of a plan that is right."""
    notes = []
    if not plan.control.addresses:
        notes.append("without addresses in [control] a probe cannot tell its own dead uplink from dead targets")
    notes += resolver_notes(plan.check, plan.resolver)
    notes += cost_notes(plan)
    notes += pinned_notes(plan.failover, plan.check)
    notes += action_notes(plan)
    return notes + receiver_notes(plan)


def _load(source: PlanSource, folder: Path) -> Plan:
    problems: list[Problem] = []
    documents: list[Document] = []
    calendars = {name: text for name, text in source.files.items() if is_calendar_file(name)}
    for name, text in sorted(source.files.items()):
        if name in calendars:
            continue
        document = parse_document(text, str(folder / name))
        if isinstance(document, Problem):
            problems.append(document)
        else:
            documents.append(document)
    if problems:  # the rest would complain about what the broken file may hold
        raise PlanErrors(problems)
    faults: list[tuple[Entry, Fault]] = []
    entries = [entry for number in range(len(documents)) for entry in _entries(documents, number, faults)]
    converted = with_calendars(_convert(entries, faults), calendars, faults)
    faults.extend(plan_faults(converted))
    if not faults and not any(entry.section == "check" for entry in converted):
        first = min(source.files.keys() - calendars.keys())
        raise PlanErrors([Problem(file=str(folder / first), message="has no [[check]]: nothing to do")])
    if faults:
        raise PlanErrors(_problems(documents, faults))
    values: dict[str, Any] = {section: [] for section in MANY}
    for entry in converted:
        if entry.section in MANY:
            values[entry.section].append(entry.value)
        else:
            values[entry.section] = entry.value
    values["check"] += pinned_checks(values["failover"], values["check"])
    return Plan(**values)


def _entries(documents: list[Document], number: int, faults: list[tuple[Entry, Fault]]) -> Iterator[Entry]:
    """The tables of one file; what is no table of a known section goes to the faults."""
    for key, raw in documents[number].table.items():
        top = Entry(document=number, section="", number=None, table=None)
        earlier = next((d.file for d in documents[:number] if key in d.table), None)
        if key in MANY:
            if isinstance(raw, list):
                for place, table in enumerate(raw):
                    yield Entry(document=number, section=key, number=place, table=table)
            else:
                faults.append((top, Fault((key,), f"a plan has many of these; write [[{key}]], with two brackets")))
        elif key != "schema" and key not in SINGLE:
            if key in _OF_CONFIGS:
                faults.append((top, Fault((key,), f"is no matter of the plan; it stands in {_OF_CONFIGS[key]}")))
                continue
            hint = nearest(key, [*SINGLE, *MANY])
            sections = ", ".join([*(f"[{name}]" for name in SINGLE), *(f"[[{name}]]" for name in MANY)])
            faults.append((top, Fault((key,), f"unknown section; {hint}the sections are {sections}")))
        elif earlier is not None:
            faults.append((top, Fault((key,), f"may stand in one file only; it is in {earlier} too")))
        elif key == "schema":
            if raw != SCHEMA or isinstance(raw, bool):
                complaint = f"{shown(raw)} is a schema that this version does not know; it reads {SCHEMA}"
                faults.append((top, Fault((key,), complaint)))
        elif isinstance(raw, dict):
            yield Entry(document=number, section=key, number=None, table=raw)
        else:
            complaint = (
                f"a plan has this once; write [{key}], with one bracket" if isinstance(raw, list) else "wants a table"
            )
            faults.append((top, Fault((key,), complaint)))


def _convert(entries: Iterable[Entry], faults: list[tuple[Entry, Fault]]) -> list[Entry]:
    """The entries with their values; [defaults] first, as checks need them."""
    defaults = Defaults()
    converted = []
    for entry in sorted(entries, key=lambda entry: entry.section != "defaults"):
        value, found = _convert_entry(entry, defaults)
        faults.extend((entry, fault) for fault in found)
        if isinstance(value, Defaults):  # a draft, maybe: then checks are held against the rest of it
            defaults = Defaults(**{k: v for k in ("period", "timeout") if good(v := getattr(value, k))})
        converted.append(
            Entry(document=entry.document, section=entry.section, number=entry.number, table=entry.table, value=value)
        )
    return converted


def _convert_entry(entry: Entry, defaults: Defaults) -> tuple[Any, list[Fault]]:
    found: list[Fault] = []
    if entry.section == "check":
        check = convert_check(entry.table, defaults)
        return (None, check.faults) if isinstance(check, Unsupported) else (check, found)
    table = _with_port(entry.table, found) if entry.section == "resolver" else entry.table
    value = convert_table(table, SINGLE.get(entry.section) or MANY[entry.section], found)
    if isinstance(value, Receiver):
        found.extend(receiver_faults(value))
    elif isinstance(value, Route):
        found.extend(route_faults(value))
    return None if value is BAD else value, first_of_each_path(found)


def _with_port(table: Any, found: list[Fault]) -> Any:
    """A resolver's table with the port of its transport in the address, where none is written."""
    if not isinstance(table, dict) or not isinstance(table.get("address"), str):
        return table
    try:
        return table | {
            "address": str(Endpoint.parse(table["address"], RESOLVER_PORTS.get(str(table.get("transport")), 53)))
        }
    except ValueError as error:
        found.append(Fault(("address",), str(error)))
        return table


def _problems(documents: list[Document], faults: list[tuple[Entry, Fault]]) -> list[Problem]:
    """The faults with their places, in the files' order."""
    placed: list[tuple[int, int, tuple[int, ...], Problem]] = []
    for entry, fault in faults:
        document = documents[entry.document]
        inside = () if entry.number is None else (entry.number,)
        path = (entry.section, *inside, *fault.path) if entry.section else fault.path
        line = document.lines.of(path)
        problem = Problem(
            file=document.file,
            line=line,
            section=_section_text(entry),
            key=key_text(fault.path),
            message=fault.message,
        )
        entries = tuple(part for part in fault.path if isinstance(part, int))
        placed.append((entry.document, line or 0, entries, problem))
    return [problem for *_, problem in sorted(placed, key=lambda place: place[:3])]


def _section_text(entry: Entry) -> str:
    if not entry.section:
        return ""
    if entry.number is None:
        return f"[{entry.section}]"
    name = f" {shown(entry.name)}" if entry.name else f" number {entry.number + 1}"
    return f"[[{entry.section}]]{name}"
