"""What must hold between a plan's sections: unique names, references that lead somewhere, windows that end. Pure.

The rules look at entries rather than at a finished plan, so that they can speak about an entry's file and line, and so
that an entry that does not convert still counts as there for those that refer to it.
"""

from collections.abc import Iterator
from typing import Any

import msgspec

from parallax.loading.convert import Fault, good
from parallax.loading.problems import nearest, quoted, shown
from parallax.plan.action_rules import action_faults
from parallax.plan.alert_types import Maintenance, Route
from parallax.plan.failover_limits import limit_faults, pair_faults
from parallax.plan.failover_rules import failover_faults
from parallax.plan.loads import load_faults
from parallax.plan.repeats import repeat_faults
from parallax.plan.route_rules import routing_faults
from parallax.plan.types import Check, ConnectTo, Control, Load, Operator, Probe, Resolver, Retry
from parallax.plan.vendor_limits import Placed, vendor_faults
from parallax.values import dns_name, is_ip

MAX_PAIRS = 10_000
"""(check, target) pairs of one plan."""
MAX_RETRIES = 10
"""[[retry]] of one plan: each is reckoned through whenever the page is looked at."""
MOST_WEIGHT = 1.01
"""What shares of users add up to at most: that of seven probes with 0.143 each."""


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One table of a plan: where it stands, as written, and as converted."""

    document: int
    """Which file, from 0."""
    section: str
    number: int | None
    """Its place among the section's tables of that file, from 0; None for a section that is there once."""
    table: Any
    value: Any = None
    """As converted: a draft if it has faults; None if there is nothing to look at."""

    @property
    def name(self) -> str | None:
        """What the entry is called (a probe's id), if anything."""
        name = self.table.get("id" if self.section == "probe" else "name") if isinstance(self.table, dict) else None
        return name if isinstance(name, str) else None


Found = Iterator[tuple[Entry, Fault]]


def plan_faults(entries: list[Entry]) -> Found:
    """Every fault between the sections of a plan."""
    yield from _unique_names(entries)
    yield from _references(entries)
    yield from _connect_to(entries)
    yield from _weights(entries)
    for beyond in [entry for entry in entries if entry.section == "retry"][MAX_RETRIES:]:
        yield beyond, Fault((), f"is beyond the {MAX_RETRIES} [[retry]] that a plan may have")
    pairs = 0
    for entry in entries:
        for fault in _own_faults(entry.value):
            yield entry, fault
        if entry.section == "check" and entry.value is not None:
            before, pairs = pairs, pairs + len(entry.value.targets)
            if before <= MAX_PAIRS < pairs:
                yield entry, Fault(("targets",), f"brings the plan past {MAX_PAIRS} pairs of check and target")
    yield from _vendors(entries)
    yield from routing_faults(entries)
    yield from failover_faults(entries)
    if pairs <= MAX_PAIRS:
        yield from pair_faults(entries, pairs, MAX_PAIRS)
    yield from action_faults(entries)


def _vendors(entries: list[Entry]) -> Found:
    """What takes the number of probes to tell."""
    probes = tuple(dict.fromkeys(entry.name for entry in entries if entry.section == "probe" and entry.name))
    placed = [
        Placed(entry.value, tuple(dict.fromkeys(entry.value.probes)) or probes or ("",), entry)
        for entry in entries
        if isinstance(entry.value, Check) and good(entry.value.probes) and good(*entry.value.probes)
    ]
    load = next((entry.value for entry in entries if isinstance(entry.value, Load)), Load())

    def beyond(placed: list[Placed]) -> Iterator[tuple[Placed, Fault]]:
        yield from vendor_faults(placed)
        if good(load.most_per_target):
            yield from load_faults(placed, load.most_per_target)

    found = list(beyond(placed))
    yield from ((each.entry, fault) for each, fault in found)
    if not found:
        yield from limit_faults(entries, placed, beyond)


def _unique_names(entries: list[Entry]) -> Found:
    seen: set[tuple[str, str, str]] = set()
    for entry in entries:
        key = "id" if entry.section == "probe" else "name"
        # Two operators may well have a site of one name: FRA.
        whose = str(entry.table.get("operator", "")) if entry.name is not None and entry.section == "site" else ""
        if entry.name is not None and (entry.section, entry.name, whose) in seen:
            yield entry, Fault((key,), f"{shown(entry.name)} is there already; give every [[{entry.section}]] its own")
        elif entry.name is not None:
            seen.add((entry.section, entry.name, whose))


def _references(entries: list[Entry]) -> Found:
    names = {s: dict.fromkeys(e.name for e in entries if e.section == s and e.name) for s in _NAMED}
    for entry in entries:
        for section, keys in _REFERENCES.get(entry.section, ()):
            for path, name in _texts(entry.table, keys):
                if name not in names[section]:
                    yield entry, Fault(path, _nowhere(name, section, list(names[section])))


_NAMED = ("probe", "check", "component", "receiver", "resolver", "operator", "action", "failover")
_OPERATORS = (("operator", ("primary",)), ("operator", ("fallback",)), ("operator", ("operators",)))
_ONE_NAME = {("check",), ("primary",), ("fallback",)}
_REFERENCES: dict[str, tuple[tuple[str, tuple[str, ...]], ...]] = {
    "check": (("probe", ("probes",)), ("resolver", ("resolvers",)), *_OPERATORS),
    "component": (("check", ("checks",)), ("check", ("risks",))),
    "failover": (
        ("check", ("check",)),
        ("check", ("also",)),
        ("action", ("actions",)),
        ("component", ("components",)),
    ),
    "group": (("receiver", ("receivers",)),),
    "route": (("component", ("match", "component")), ("failover", ("match", "failover"))),
    "maintenance": (("component", ("components",)),),
}
"""By section: whose names the texts under a key are."""


def _texts(table: Any, keys: tuple[str, ...]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    value = table
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    if isinstance(value, str) and keys in _ONE_NAME:
        yield keys, value
    for place, text in enumerate(value if isinstance(value, list) else ()):
        if isinstance(text, str):
            yield (*keys, place), text


def _nowhere(name: str, section: str, known: list[str]) -> str:
    if not known:
        return f"there is no [[{section}]] {shown(name)}; the plan has none at all"
    return f"there is no [[{section}]] {shown(name)}; {nearest(name, known)}there are {quoted(known)}"


def _connect_to(entries: list[Entry]) -> Found:
    seen: set[tuple[str, str]] = set()
    for entry in entries:
        if isinstance(entry.value, ConnectTo) and good(entry.value.source):
            source = entry.value.source
            sources = {(str(source.address), protocol) for protocol in source.protocols}
            if sources & seen:
                yield entry, Fault(("from",), f"{shown(str(source))} is redirected already; one entry can win only")
            seen |= sources


def _weights(entries: list[Entry]) -> Found:
    """Shares of users are no more than all of them."""
    total = 0.0
    for entry in entries:
        if isinstance(entry.value, Probe) and good(entry.value.weight) and entry.value.weight:
            before, total = total, total + entry.value.weight
            if before <= MOST_WEIGHT < total:
                yield entry, Fault(("weight",), f"brings the shares of users to {total:.2f} in all; they are 1 at most")


def _own_faults(value: Any) -> Iterator[Fault]:
    """What a section's own keys must keep among each other."""
    if isinstance(value, Operator) and good(value.servers):
        for place, server in enumerate(value.servers):
            if good(server) and (complaint := server_complaint(server)):
                yield Fault(("servers", place), complaint)
    elif isinstance(value, Resolver) and value.transport == "doq":
        yield Fault(("transport",), '"doq" is not built yet; write "dot" or "doh"')
    elif isinstance(value, Maintenance) and good(value.start, value.end):
        if value.start is not None and value.end is not None and value.start >= value.end:
            yield Fault(("to",), "is not after from")
    elif isinstance(value, Probe):
        yield from repeat_faults(("families",), value.families)
    elif isinstance(value, Control):
        yield from repeat_faults(("addresses",), value.addresses)
    elif isinstance(value, Route):
        yield from repeat_faults(("to",), value.to)
    elif isinstance(value, Check):
        yield from repeat_faults(("probes",), value.probes)
    elif isinstance(value, Retry):
        yield from _retry_faults(value)


def _retry_faults(retry: Retry) -> Iterator[Fault]:
    for key in ("on", "methods", "retry_after"):
        yield from repeat_faults((key,), getattr(retry, key) if good(getattr(retry, key)) else ())
    if good(retry.jitter) and good(*retry.jitter) and retry.jitter[0] > retry.jitter[1]:
        yield Fault(("jitter",), "has its smaller multiple second; write it first")
    if good(retry.on, retry.retry_after):
        for place, outcome in enumerate(retry.retry_after):
            if good(outcome) and good(*retry.on) and outcome not in retry.on:
                yield Fault(("retry_after", place), f"{shown(outcome)} is not in `on`: it is never tried again")
    if good(retry.name) and retry.name == "none":
        yield Fault(("name",), '"none" is there already: it is what no client does')


def server_complaint(server: str) -> str | None:
    """Why a text is no pattern of an operator's servers; None if it is one."""
    if is_ip(server):
        return None
    try:
        if "*" in dns_name(server.removeprefix("*.")):
            return f"{shown(server)} has a * elsewhere than as its first label"
    except ValueError as error:
        return f"is no name-server pattern (*.dns-a.example), name or address: {error}"
    return None
