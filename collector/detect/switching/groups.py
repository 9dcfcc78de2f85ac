"""Failover groups as detection looks at them: which checks tell who serves, and which tell how a member stands."""

import msgspec

from parallax.clock import NS
from parallax.plan.alert_types import Maintenance
from parallax.plan.dns_specs import ParitySpec, ResolveSpec
from parallax.plan.failover_types import Failover
from parallax.plan.kinds import SPECS
from parallax.plan.members import operator_name
from parallax.plan.specs import DnsSpec
from parallax.plan.types import Check, Plan


class GroupView(msgspec.Struct, frozen=True, kw_only=True):
    """A group of the plan, indexed. Spans in ns."""

    group: Failover
    members: tuple[str, ...]
    """In the plan's order."""
    pinned: dict[str, tuple[str, ...]]
    """By member: the checks that are run against it directly, the group's own `check` first."""
    operators: dict[str, str] = {}
    """For dns-operator: by the operator's name, the member that it is."""
    zone: str = ""
    """For dns-operator: the zone that is delegated to one of them."""
    parity: tuple[str, ...] = ()
    """For dns-operator: the checks that compare the members' records."""
    answers: tuple[tuple[str, str, str], ...] = ()
    """(check, target, name) of what resolvers are asked for: the names that the group serves under."""
    components: tuple[str, ...] = ()
    period_ns: int = 0
    """Of the group's check; with its timeout."""
    timeout_ns: int = 0
    ttl_ns: int = 0
    frozen_by: tuple[Maintenance, ...] = ()
    """Windows in which nobody may switch it."""

    @property
    def standing_checks(self) -> tuple[str, ...]:
        """For dns-operator: the check whose subjects are the operators' servers."""
        return (self.group.check, *self.group.also)


def groups_of(plan: Plan) -> dict[str, GroupView]:
    """By name."""
    checks = {check.name: check for check in plan.check}
    return {group.name: _group(plan, checks, group) for group in plan.failover if group.check in checks}


def by_check(groups: dict[str, GroupView]) -> dict[str, tuple[GroupView, ...]]:
    """By check: the groups of which it tells who serves."""
    found: dict[str, tuple[GroupView, ...]] = {}
    for each in groups.values():
        found[each.group.check] = (*found.get(each.group.check, ()), each)
    return found


def _group(plan: Plan, checks: dict[str, Check], group: Failover) -> GroupView:
    check = checks[group.check]
    order = (group.check, *group.also)
    pinned: dict[str, list[Check]] = {member.name: [] for member in group.members}
    for each in plan.check:
        of, _, member = each.member.rpartition("/")
        if of == group.name and member in pinned:
            pinned[member].append(each)
    operators = {operator_name(member): member.name for member in group.members} if _is_dns(group) else {}
    zone = str(getattr(check.spec, "zone", ""))
    named = [c.name for c in plan.component if group.check in (*c.checks, *c.risks)]
    hosts = _hosts(check)
    components = tuple(group.components or named)
    return GroupView(
        group=group,
        members=tuple(pinned),
        pinned={
            member: tuple(each.name for each in sorted(found, key=lambda each: _place(order, each)))
            for member, found in pinned.items()
        },
        operators=operators,
        zone=zone,
        parity=tuple(
            each.name
            for each in plan.check
            if isinstance(each.spec, ParitySpec)
            and str(each.spec.zone) == zone
            and {each.spec.primary, each.spec.fallback} <= set(operators)
        ),
        answers=tuple(
            (each.name, str(target), name)
            for each in plan.check
            for target in each.targets
            if (name := _asked(each, str(target))) in hosts
        ),
        components=components,
        period_ns=int(check.period * NS),
        timeout_ns=int(check.timeout * NS),
        ttl_ns=int(group.ttl * NS),
        frozen_by=tuple(
            window for window in plan.maintenance if window.freeze and set(window.components) & set(components)
        ),
    )


def _is_dns(group: Failover) -> bool:
    return group.kind == "dns-operator"


def _place(order: tuple[str, ...], check: Check) -> int:
    own = [number for number, name in enumerate(order) if check.name == name or check.name.startswith(f"{name} @ ")]
    return own[0] if own else len(order)


def _hosts(check: Check) -> set[str]:
    read = SPECS[check.kind].endpoint
    return {read(str(target)).host for target in check.targets} if read is not None else set(map(str, check.targets))


def _asked(check: Check, target: str) -> str:
    """The name that a check asks resolvers for; empty where it asks none."""
    if isinstance(check.spec, ResolveSpec):
        return target
    return str(check.spec.query) if isinstance(check.spec, DnsSpec) and check.spec.role == "resolver" else ""
