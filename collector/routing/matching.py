"""Who is told of an alert by the plan's routes and groups. Pure."""

from collections.abc import Iterable

import msgspec

from collector.routing.facts import Facts
from parallax.clock import to_ns
from parallax.plan.alert_types import Group, Match
from parallax.plan.types import Plan


class Pace(msgspec.Struct, frozen=True):
    """How a receiver is told: by which group, how long a first alert that is no page waits, how far messages are apart,
    and after how long it is said again. ns; 0: at once, or never again."""

    group: str = ""
    wait: int = 0
    interval: int = 0
    repeat: int = 0


DIRECT = Pace()
"""Of a receiver that a route names itself: everything at once, nothing twice."""


def matches(match: Match, facts: Facts) -> bool:
    """Whether an alert is one of those."""
    return (
        (not match.severity or facts.severity in match.severity)
        and (not match.tier or facts.tier in match.tier)
        and (not match.component or not facts.components.isdisjoint(match.component))
        and (not match.cause or facts.cause in match.cause)
        and (not match.failover or facts.failover in match.failover)
        and (not match.type or is_type(facts.type, match.type))
    )


def is_type(word: str, patterns: Iterable[str]) -> bool:
    """Whether a type of event is one of these; a pattern may end in *."""
    return any(word.startswith(pattern[:-1]) if pattern.endswith("*") else word == pattern for pattern in patterns)


def audience(plan: Plan, facts: Facts) -> dict[str, Pace]:
    """The receivers that the plan picks, and how each is told. Without any [[route]]: all, of what is no log line."""
    if not plan.route:
        return {} if facts.tier == "log" else {receiver.name: DIRECT for receiver in plan.receiver}
    groups = {group.name: group for group in plan.group}
    found: dict[str, Pace] = {}
    for route in plan.route:
        if not matches(route.match, facts):
            continue
        for name in route.to:
            group = groups.get(name)
            if group is None:
                found[name] = DIRECT
            elif (not group.severity or facts.severity in group.severity) and (
                not group.type or is_type(facts.type, group.type)
            ):
                for receiver in group.receivers:
                    found.setdefault(receiver, pace_of(group))
    return {receiver.name: found[receiver.name] for receiver in plan.receiver if receiver.name in found}


def pace_of(group: Group) -> Pace:
    """How a group is told."""
    return Pace(group.name, to_ns(group.wait), to_ns(group.interval), to_ns(group.repeat))


def pace_by_name(plan: Plan, name: str) -> Pace:
    """The same by name; as directly named where the plan has no such group any more."""
    return next((pace_of(group) for group in plan.group if group.name == name), DIRECT)
