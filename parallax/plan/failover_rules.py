"""What must hold of a [[failover]], and between it and what it names. Pure.

A group that is wrong would look like one that is watched: a standby that nothing is run against, a switch that nobody
sees. So what cannot work is refused when the plan is loaded.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from parallax.loading.convert import Fault, good
from parallax.loading.problems import nearest, quoted, shown
from parallax.plan.dns_specs import ResolveSpec, ZoneSpec
from parallax.plan.failover_types import Failover, Member, StandbyFact
from parallax.plan.hours import parse_hours
from parallax.plan.members import operator_name, shown_by, told_by
from parallax.plan.pinned import PINNABLE, pinned_name
from parallax.plan.repeats import repeat_faults
from parallax.plan.specs import DnsSpec, HttpSpec
from parallax.plan.types import Check

if TYPE_CHECKING:
    from parallax.plan.rules import Entry

MAX_GROUPS = 50
"""[[failover]] of one plan: each is decided on whenever time goes on."""
LONGEST_NAME = 100
"""Characters of a check's name."""
TELLS = {
    "region": ("http",),
    "address": ("http", "tls", "dns", "dns.resolve"),
    "certificate": ("http", "tls"),
    "nsid": ("dns", "dns.zone"),
    "marker": ("dns", "dns.resolve", "dns.zone"),
    "operator": ("dns.zone", "dns.parity"),
}
"""By `told_by`: the kinds of check whose observations have it."""
OF_KIND = {
    "region": ("region", "address", "certificate", "nsid", "marker"),
    "address": ("region", "address", "certificate", "nsid", "marker"),
    "dns-operator": ("operator", "nsid", "marker"),
}
"""By kind of group: what may tell who serves."""
_FINGERPRINT = re.compile(r"[0-9A-Fa-f]{64}")


def failover_faults(entries: Sequence["Entry"]) -> Iterator[tuple["Entry", Fault]]:
    """Every fault of a plan's groups, of which any value may be BAD."""
    checks = {
        entry.name: entry.value if isinstance(entry.value, Check) else None
        for entry in entries
        if entry.section == "check" and entry.name is not None
    }
    operators = [entry.name for entry in entries if entry.section == "operator" and entry.name]
    made: dict[str, str] = {}
    groups = [entry for entry in entries if entry.section == "failover"]
    for beyond in groups[MAX_GROUPS:]:
        yield beyond, Fault((), f"is beyond the {MAX_GROUPS} [[failover]] that a plan may have")
    for entry in groups[:MAX_GROUPS]:
        if isinstance(entry.value, Failover):
            yield from ((entry, fault) for fault in _group(entry.value, checks, operators, made))


def _group(
    group: Failover, checks: Mapping[str, Check | None], operators: list[str], made: dict[str, str]
) -> Iterator[Fault]:
    if good(group.hold) and good(*group.hold) and group.hold[0] > group.hold[1]:
        yield Fault(("hold",), f'has its longer span first; write ["{group.hold[1]}", "{group.hold[0]}"]')
    if good(group.hours):
        try:
            parse_hours(group.hours)
        except ValueError as error:
            yield Fault(("hours",), str(error))
    if group.mode == "auto" and group.actions == []:
        yield Fault(("mode",), '"auto" acts, and the group has no actions; name an [[action]], or write "recommend"')
    if good(group.mode) and group.mode != "auto" and good(group.drill) and group.drill is not None:
        yield Fault(("drill",), f'moves traffic, and mode = "{group.mode}" moves none; write mode = "auto"')
    yield from repeat_faults(("actions",), group.actions if good(group.actions) else ())
    yield from repeat_faults(("components",), group.components if good(group.components) else ())
    yield from _facts(group.facts if good(group.facts) else [])
    yield from _members(group, operators)
    yield from _told(group, checks)
    yield from _checks(group, checks, made)


def _facts(facts: list[StandbyFact]) -> Iterator[Fault]:
    whole = [fact for fact in facts if good(fact)]
    yield from repeat_faults(("facts",), [fact.name if good(fact) else fact for fact in facts], below=("name",))
    for place, fact in enumerate(facts):
        if fact in whole and (fact.most is not None) + (fact.least is not None) + fact.same != 1:
            yield Fault(("facts", place), "wants one of most, least and same = true: what a good value is")


def _members(group: Failover, operators: list[str]) -> Iterator[Fault]:
    if not good(group.members):
        return
    members = group.members
    names = [member.name if good(member) else member for member in members]
    yield from repeat_faults(("members",), names, below=("name",))
    if good(group.primary, *names) and group.primary not in names:
        yield Fault(("primary",), f"{shown(group.primary)} is no member; the members are {quoted(map(str, names))}")
    yield from repeat_faults(
        ("members",),
        [member.connect_to or object() if good(member) else member for member in members],
        below=("connect_to",),
    )
    for place, member in enumerate(members):
        if good(member, group.kind):
            yield from (Fault(("members", place, key), message) for key, message in _member(group, member, operators))


def _member(group: Failover, member: Member, operators: list[str]) -> Iterator[tuple[str, str]]:
    if "/" in member.name:
        yield "name", f"{shown(member.name)} has a slash in it, which parts a group from its member elsewhere"
    if group.kind == "dns-operator":
        if member.connect_to is not None:
            yield "connect_to", "is for regions and addresses; a DNS operator is told by its [[operator]]"
        operator = operator_name(member)
        if operator not in operators:
            known = f"{nearest(operator, operators)}there are {quoted(operators)}" if operators else "the plan has none"
            yield "operator" if member.operator else "name", f"there is no [[operator]] {shown(operator)}; {known}"
        return
    if member.operator:
        yield "operator", f"is for dns-operator; the group's kind is {shown(group.kind)}"
    if member.connect_to is None:
        yield "connect_to", "is missing: where this member is reached whatever the DNS says, like 192.0.2.1:443"


def _told(group: Failover, checks: Mapping[str, Check | None]) -> Iterator[Fault]:
    """Whether anything can tell who serves."""
    if not good(group.kind, group.told_by):
        return
    told = told_by(group)
    if told not in OF_KIND[group.kind]:
        fits = quoted(OF_KIND[group.kind])
        yield Fault(
            ("told_by",), f"{shown(told)} does not tell the members of a {group.kind} apart; write one of {fits}"
        )
        return
    check = checks.get(group.check) if good(group.check) else None
    if check is not None and check.kind not in TELLS[told]:
        yield Fault(
            ("check",),
            f"{shown(check.name)} is a {check.kind} check, which does not see who serves by {told}; that takes "
            f"{_one_of(TELLS[told])}{_other_way(group, check.kind)}",
        )
    elif check is not None and (lack := _lack(told, check)):
        yield Fault(("check",), f"{shown(check.name)} does not see who serves by {told}: {lack}")
    yield from _values(group, told)


def _lack(told: str, check: Check) -> str:
    """What a check of the right kind needs besides."""
    spec: Any = check.spec
    if told == "region" and isinstance(spec, HttpSpec) and spec.serving is None:
        return 'it has no serving; write serving = { header = "x-region" }, say'
    if told == "certificate" and check.kind == "http" and any(not text.startswith("https:") for text in check.targets):
        return "a target is http://, which has no certificate"
    if told == "marker" and isinstance(spec, DnsSpec | ResolveSpec) and spec.type != "TXT":
        return 'it does not ask for TXT; write type = "TXT"'
    if told == "marker" and isinstance(spec, ZoneSpec) and spec.marker is None:
        return "it has no marker; write marker, the name whose TXT record differs"
    if told == "address" and isinstance(spec, DnsSpec | ResolveSpec) and spec.type not in ("A", "AAAA", "CNAME"):
        return f"it asks for {spec.type}, which has no address"
    return ""


def _values(group: Failover, told: str) -> Iterator[Fault]:
    """What shows each member, and that it shows no other."""
    seen: dict[str, str] = {}
    for place, member in enumerate(group.members if good(group.members) else ()):
        if not good(member):
            continue
        shows = shown_by(group, member)
        if not shows and told in ("certificate", "nsid", "marker"):
            yield Fault(("members", place, "values"), f"is missing: what the {told} is while this member serves")
        for number, text in enumerate(shows):
            path = ("members", place, "values", number) if member.values else ("members", place)
            if told == "certificate" and not _FINGERPRINT.fullmatch(text.replace(":", "")):
                yield Fault(path, f"{shown(text)} is no SHA-256 of a certificate: 64 hex digits")
            elif seen.setdefault(text, member.name) != member.name:
                yield Fault(path, f"{shown(text)} shows {shown(seen[text])} already; what tells must differ")


def _checks(group: Failover, checks: Mapping[str, Check | None], made: dict[str, str]) -> Iterator[Fault]:
    """What is run against each member."""
    if not good(group.kind, group.check, group.also) or not good(*group.also):
        return
    yield from repeat_faults(("also",), group.also)
    for place, name in enumerate(group.also):
        if name == group.check:
            yield Fault(("also", place), f"{shown(name)} is the group's check already; take it out")
    named = [(("check",), group.check), *((("also", place), name) for place, name in enumerate(group.also))]
    found = [(path, check) for path, name in named if (check := checks.get(name)) is not None]
    if group.kind == "dns-operator":
        for path, check in found[1:] if found and found[0][0] == ("check",) else found:
            if not check.kind.startswith("dns"):
                yield Fault(
                    path, f"{shown(check.name)} is a {check.kind} check; a DNS operator is proven by dns checks"
                )
        return
    able = [(path, check) for path, check in found if check.kind in PINNABLE]
    for path, check in found:
        if path != ("check",) and check.kind not in PINNABLE:
            yield Fault(
                path,
                f"{shown(check.name)} is a {check.kind} check, which cannot be run against a member directly; "
                f"{_one_of(PINNABLE)} can",
            )
    if not able and len(found) == len(named):
        yield Fault(
            ("check",), f"nothing can be run against a member directly; write {_one_of(PINNABLE)} here or in also"
        )
    yield from _names(group, list(dict.fromkeys(check.name for _, check in able)), checks, made)


def _names(
    group: Failover, able: list[str], checks: Mapping[str, Check | None], made: dict[str, str]
) -> Iterator[Fault]:
    """The names of the checks that are made; `made` has those of the groups before, and whose they are."""
    own = {pinned_name(check, member.name) for member in group.members for check in able} if is_whole(group) else set()
    for place, member in enumerate(group.members if good(group.members) else ()):
        for check in able if good(member) else ():
            name = pinned_name(check, member.name)
            if len(name) > LONGEST_NAME:
                yield Fault(
                    ("members", place, "name"),
                    f"the check {shown(name)} would be called so, with {len(name)} characters; at most {LONGEST_NAME} "
                    "are taken",
                )
            elif name in checks:
                yield Fault(
                    ("members", place, "name"),
                    f"there is a [[check]] {shown(name)} already, as which {shown(check)} would be run against this "
                    "member; give one of them another name",
                )
            elif name in made:
                yield Fault(
                    ("members", place, "name"),
                    f"{shown(check)} is run against a member of that name for the group {shown(made[name])} already; "
                    "give one of them another name",
                )
    made.update(dict.fromkeys(own - made.keys(), str(group.name)))


def is_whole(group: Failover) -> bool:
    """Whether the checks that go to its members can be made."""
    if not good(group.name, group.kind, group.check, group.also, group.members):
        return False
    return good(*group.also, *group.members)


def _one_of(kinds: tuple[str, ...]) -> str:
    *first, last = kinds
    return f"a {', '.join(first)} or {last} check" if first else f"a {last} check"


def _other_way(group: Failover, kind: str) -> str:
    """What else this check could tell by."""
    others = [told for told in OF_KIND[group.kind] if kind in TELLS[told]]
    return f"; or write told_by = {quoted(others)}" if others else ""
