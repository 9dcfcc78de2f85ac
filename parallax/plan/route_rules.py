"""What must hold of those who are told: a [[route]] leads to receivers and groups that there are, asks for what can
come, and a [[maintenance]] has an end. Pure."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, get_args

from parallax.event_words import DomainKind, FailoverWord, IncidentWord, NoticeWord, ReadinessWord, RiskWord
from parallax.loading.convert import Fault, good
from parallax.loading.problems import nearest, quoted, shown
from parallax.plan.alert_types import Group, Inhibit, Maintenance, Match, Receiver, Route
from parallax.plan.calendars import calendar_fault
from parallax.plan.receivers import HEARTBEAT, SEVERITIES

if TYPE_CHECKING:
    from parallax.plan.rules import Entry

CAUSES = get_args(DomainKind)
TYPES = tuple(
    f"{kind}.{word}"
    for kind, words in (
        ("incident", IncidentWord),
        ("risk", RiskWord),
        ("failover", FailoverWord),
        ("failback", FailoverWord),
        ("readiness", ReadinessWord),
        ("notice", NoticeWord),
    )
    for word in get_args(words)
)
"""The types of events that people can be told of."""
_ABOUT_GROUPS = ("failover.", "failback.", "readiness.")
_HEARD = {"info": ("log", "ticket"), "warning": ("ticket", "page"), "critical": ("page", "ticket")}
"""By severity: the tiers that such an alert can have."""


def routing_faults(entries: "Sequence[Entry]") -> "Iterator[tuple[Entry, Fault]]":
    """Every fault of routes, groups, inhibitions and windows."""
    names = [entry.name for entry in entries if entry.section in ("receiver", "group") and entry.name]
    receivers = {entry.name for entry in entries if entry.section == "receiver"}
    beats = [entry.name for entry in entries if isinstance(entry.value, Receiver) and entry.value.kind == HEARTBEAT]
    for entry in entries:
        value = entry.value
        if beats and isinstance(value, Route | Group):
            yield from ((entry, fault) for fault in _heartbeat_faults(value, beats))
        if isinstance(value, Route):
            yield from ((entry, fault) for fault in _to_faults(value, names))
            yield from ((entry, fault) for fault in match_faults(value.match, ("match",)))
        elif isinstance(value, Group):
            yield from ((entry, fault) for fault in _type_faults(value.type, ("type",)))
            yield from ((entry, fault) for fault in _severity_faults(value.severity, ("severity",)))
            if entry.name in receivers:
                yield (
                    entry,
                    Fault(("name",), f"{shown(entry.name)} is a [[receiver]] already; routes could mean either"),
                )
        elif isinstance(value, Inhibit):
            for key in ("source", "target"):
                match = getattr(value, key)
                yield from ((entry, fault) for fault in match_faults(match, (key,)))
                if good(match):
                    yield from ((entry, fault) for fault in _severity_faults(match.severity, (key, "severity")))
        elif isinstance(value, Maintenance):
            yield from ((entry, fault) for fault in _window_faults(value))


def _heartbeat_faults(value: Route | Group, beats: Sequence[str | None]) -> Iterator[Fault]:
    key, names = ("to", value.to) if isinstance(value, Route) else ("receivers", value.receivers)
    if good(names):
        for place, name in enumerate(names):
            if name in beats:
                yield Fault((key, place), f"{shown(name)} is a heartbeat: nobody is told by it")


def match_faults(match: Any, path: tuple[str, ...]) -> Iterator[Fault]:
    """Words that nothing ever has, and words that nothing has together."""
    if not isinstance(match, Match) or not good(match.type, match.cause, match.severity, match.tier, match.failover):
        return
    found = list(_type_faults(match.type, (*path, "type")))
    for place, cause in enumerate(match.cause):
        if good(cause) and cause not in CAUSES:
            hint = f"{nearest(cause, CAUSES)}there are {quoted(CAUSES)}"
            found.append(Fault((*path, "cause", place), f"{shown(cause)} is no class of cause; {hint}"))
    yield from found
    if found or not good(*match.type, *match.severity, *match.tier, *match.failover):
        return
    if match.severity and match.tier and not any(t in _HEARD.get(s, (t,)) for s in match.severity for t in match.tier):
        heard = ", ".join(match.severity)
        yield Fault((*path, "tier"), f"can never match: no alert that is {heard} is for the {' or '.join(match.tier)}")
    of_groups = [each for each in match.type if each.startswith(_ABOUT_GROUPS)]
    if match.failover and match.type and not any(_about_groups(each) for each in match.type):
        yield Fault((*path, "failover"), "can never match: none of these types is about a failover group")
    if match.cause and (match.failover or (match.type and len(of_groups) == len(match.type))):
        yield Fault((*path, "cause"), "can never match: what is said of failover groups has no class of cause")


def _about_groups(pattern: str) -> bool:
    return any(each.startswith(_ABOUT_GROUPS) for each in TYPES if _fits(each, pattern))


def _fits(word: str, pattern: str) -> bool:
    return word.startswith(pattern[:-1]) if pattern.endswith("*") else word == pattern


def _type_faults(types: Any, path: tuple[str, ...]) -> Iterator[Fault]:
    for place, each in enumerate(types if good(types) else ()):
        if good(each) and not any(_fits(known, each) for known in TYPES):
            hint = nearest(each, TYPES)
            kinds = "incident.*, risk.*, failover.*, failback.*, readiness.* and notice.*; docs/routing.md has all"
            yield Fault((*path, place), f"{shown(each)} is no type of event; {hint}there are {kinds}")


def _severity_faults(severities: Any, path: tuple[str, ...]) -> Iterator[Fault]:
    for place, each in enumerate(severities if good(severities) else ()):
        if good(each) and each not in SEVERITIES:
            hint = f"{nearest(each, SEVERITIES)}there are {quoted(SEVERITIES)}"
            yield Fault((*path, place), f"{shown(each)} is no severity; {hint}")


def _to_faults(route: Route, names: list[str]) -> Iterator[Fault]:
    for place, name in enumerate(route.to if good(route.to) else ()):
        if good(name) and name not in names:
            there = f"{nearest(name, names)}there are {quoted(names)}" if names else "the plan has none at all"
            yield Fault(("to", place), f"there is no [[receiver]] or [[group]] {shown(name)}; {there}")


def _window_faults(window: Maintenance) -> Iterator[Fault]:
    if not good(window.start, window.end, window.calendar):
        return
    fixed = window.start is not None or window.end is not None
    if window.calendar and fixed:
        yield Fault(("calendar",), "is there beside from and to; write one or the other")
    elif window.calendar:
        if (why := calendar_fault(window.calendar)) is not None:
            yield Fault(("calendar",), why)
    elif window.start is None or window.end is None:
        yield Fault((), "never is: give it from and to, or a calendar")
