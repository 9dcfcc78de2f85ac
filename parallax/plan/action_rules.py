"""What must hold of an [[action]], and between it and the groups that it carries out. Pure.

An action is the one thing that this program does to others, and it is done when all else fails: what cannot be carried
out is refused when the plan is loaded, not then.
"""

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from parallax.loading.convert import Fault, good
from parallax.loading.problems import nearest, quoted, shown
from parallax.plan.failover_types import Action, Failover, Record
from parallax.plan.types import Plan
from parallax.redaction import secret_query_key
from parallax.values import Address, dns_name, is_ip

if TYPE_CHECKING:
    from parallax.plan.rules import Entry

MAX_ACTIONS = 50
OF_COMMANDS = ("url", "address")
OF_UPDATES = ("server", "zone", "key_name", "epoch", "records")
_WANTED = {
    "url": "where the command is sent, like https://switch.example.org/failover",
    "key": "what it is signed with: write secret:NAME here, and where NAME is into the collector's config",
    "server": "the primary name server that is told, like 192.0.2.53:53",
    "zone": "the zone that is updated",
    "key_name": "the name of the TSIG key, as the name server's configuration has it",
    "records": "what is written, like { name = ..., type = ..., values = { ... } }",
}
_SECRET_NAME = re.compile(r"secret:[A-Za-z0-9_.-]{1,64}")


def action_faults(entries: Sequence["Entry"]) -> Iterator[tuple["Entry", Fault]]:
    """Every fault of a plan's actions, of which any value may be BAD."""
    groups = [entry.value for entry in entries if isinstance(entry.value, Failover)]
    actions = [entry for entry in entries if entry.section == "action"]
    for beyond in actions[MAX_ACTIONS:]:
        yield beyond, Fault((), f"is beyond the {MAX_ACTIONS} [[action]] that a plan may have")
    for entry in actions[:MAX_ACTIONS]:
        if isinstance(entry.value, Action) and good(entry.value.kind):
            yield from ((entry, fault) for fault in _action(entry.value))
            yield from ((entry, fault) for fault in _members(entry.value, groups))


def action_notes(plan: Plan) -> list[str]:
    """What the owner should know of actions that are right."""
    used = {name for group in plan.failover for name in group.actions}
    notes = []
    for action in plan.action:
        if action.name not in used:
            notes.append(f"[[action]] {shown(action.name)} is carried out for no [[failover]]: it is in no `actions`")
        url = action.url
        if url is not None and not (action.address or url.endpoint.address or url.endpoint.host == "localhost"):
            notes.append(
                f"[[action]] {shown(action.name)} has no address: it is looked up, by the DNS that may be what is down"
            )
    return notes


def _action(action: Action) -> Iterator[Fault]:
    is_command = action.kind == "command"
    for key in OF_UPDATES if is_command else OF_COMMANDS:
        if getattr(action, key):
            other = "dns-update" if is_command else "command"
            yield Fault((key,), f'is for "{other}"; the action\'s kind is "{action.kind}"')
    for key in ("url", "key") if is_command else ("server", "zone", "key_name", "key", "records"):
        if not getattr(action, key):
            yield Fault((key,), f"is missing; {_WANTED[key]}")
    if good(action.key) and action.key and not _SECRET_NAME.fullmatch(action.key):
        yield Fault(("key",), "names a secret, as secret:NAME; a plan holds no secrets")
    if good(action.not_after) and action.not_after < 1:
        yield Fault(("not_after",), f"{action.not_after} is over before anybody can act on it; write 1s or more")
    if is_command:
        yield from _command(action)
    elif good(action.zone) and action.zone is not None:
        yield from _update(action, str(action.zone))


def _command(action: Action) -> Iterator[Fault]:
    url = action.url
    if not good(url) or url is None:
        return
    if query_key := secret_query_key(url):
        yield Fault(("url",), f"its query has {query_key}=, which is a secret; a plan holds no secrets")
    if good(action.address) and not url.https:
        dialled = action.address or url.endpoint.address
        if not (dialled.parsed_ip.is_loopback if dialled is not None else url.endpoint.host == "localhost"):
            yield Fault(("url",), f"{shown(str(url))} would send commands in the clear; write https://")


def _update(action: Action, zone: str) -> Iterator[Fault]:
    records = action.records if good(action.records) else []
    whole = [(place, record) for place, record in enumerate(records) if good(record)]
    types: dict[str, list[str]] = {}
    for place, record in whole:
        if not _within(record.name, zone):
            yield Fault(("records", place, "name"), f"{shown(str(record.name))} is not in {shown(zone)}")
        others = types.setdefault(str(record.name), [])
        if record.type in others:
            yield Fault(
                ("records", place), f"{record.name} {record.type} is there already; one entry has all its values"
            )
        elif others and "CNAME" in (record.type, *others):
            yield Fault(
                ("records", place),
                f"{record.name} is an alias, and has other data beside it; no name server takes that (RFC 2181 "
                "section 10.1)",
            )
        others.append(record.type)
        if record.type == "CNAME" and record.name == zone:
            yield Fault(("records", place, "type"), "CNAME cannot stand at the zone itself; write A or AAAA")
        yield from (Fault(("records", place, "values", *path), message) for path, message in _data(record))
    if good(action.epoch) and action.epoch is not None:
        if not _within(action.epoch, zone):
            yield Fault(("epoch",), f"{shown(str(action.epoch))} is not in {shown(zone)}")
        elif "CNAME" in types.get(str(action.epoch), ()):
            yield Fault(("epoch",), f"{shown(str(action.epoch))} is an alias, and a TXT record cannot stand beside it")


def _within(name: str, zone: str) -> bool:
    return name == zone or name.endswith(f".{zone}")


def _data(record: Record) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """What is no data of the record's type."""
    for member, values in record.values.items():
        if not good(values):
            continue
        if not values:
            yield (member,), "is empty; a record that is not there serves nobody"
        if record.type == "CNAME" and len(values) > 1:
            yield (member,), "has several values; a name is an alias of one other"
        for place, text in enumerate(values):
            if good(text) and not _fits(record.type, text):
                yield (member, place), f"{shown(text)} is no {_DATA[record.type]}"


_DATA = {"A": "IPv4 address", "AAAA": "IPv6 address", "CNAME": "name"}


def _fits(kind: str, text: str) -> bool:
    if kind == "CNAME":
        try:
            return not is_ip(text) and bool(dns_name(text))
        except ValueError:
            return False
    return is_ip(text) and Address.of(text, 1).family == (4 if kind == "A" else 6)


def _members(action: Action, groups: Sequence[Failover]) -> Iterator[Fault]:
    """Whether each record has values for just the members of the groups that the action is carried out for."""
    if not good(action.name, action.records) or not good(*action.records):
        return
    for group in groups:
        if not good(group.actions, group.members) or action.name not in group.actions:
            continue
        if not good(group.name, *group.members):
            continue
        names = [member.name for member in group.members]
        for place, record in enumerate(action.records):
            path = ("records", place, "values")
            for name in names:
                if name not in record.values:
                    yield Fault(path, f"has none for {shown(name)}, a member of [[failover]] {shown(group.name)}")
            for name in record.values:
                if name not in names:
                    yield Fault(
                        (*path, name),
                        f"is no member of [[failover]] {shown(group.name)}; {nearest(name, names)}there are "
                        f"{quoted(names)}",
                    )
