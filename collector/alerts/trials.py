"""Whom a test message goes to: a receiver, or all that a route or a group of the plan names. Pure."""

from collections.abc import Iterable

from parallax.plan.types import Plan


def receivers_named(plan: Plan, name: str) -> tuple[str, ...]:
    """The receivers behind a name, each once, in the plan's order of naming: a receiver's, a group's, a route's, or the
    number of a route that has no name, from 1. Empty where the plan has none of these."""
    if any(receiver.name == name for receiver in plan.receiver):
        return (name,)
    groups = {group.name: group.receivers for group in plan.group}
    if name in groups:
        return tuple(dict.fromkeys(groups[name]))
    for number, route in enumerate(plan.route, 1):
        if name == (route.name or str(number)):
            return tuple(dict.fromkeys(each for to in route.to for each in groups.get(to, [to])))
    return ()


def names_to_try(plan: Plan) -> Iterable[str]:
    """Every name that can be tried: receivers, groups, routes."""
    yield from (receiver.name for receiver in plan.receiver)
    yield from (group.name for group in plan.group)
    yield from (route.name or str(number) for number, route in enumerate(plan.route, 1))
