"""What changes from one plan to another: checks, load on each target, probes touched. Pure.

Load is counted per target and minute over the whole fleet, for one address of the target: a name with several
addresses gets that much at each. Looking a target's name up asks the probes' resolvers, and is counted there. What the
plan's own resolvers are asked is counted at each of them, beside the target that they are asked about.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from fractions import Fraction

import msgspec

from parallax.plan.checks import check_table, endpoint_text
from parallax.plan.costs import Cost, costs_of
from parallax.plan.dns_specs import ResolveSpec
from parallax.plan.kinds import SPECS
from parallax.plan.loads import loads_of
from parallax.plan.part import NoSuchProbe, check_texts, part_of
from parallax.plan.types import Check, Plan
from parallax.values import Endpoint

_SECTIONS = (
    "control",
    "dns",
    "load",
    "operator",
    "resolver",
    "site",
    "component",
    "failover",
    "action",
    "receiver",
    "group",
    "route",
    "inhibit",
    "maintenance",
    "retry",
    "connect_to",
)


class ChangedCheck(msgspec.Struct, frozen=True):
    """A check that is in both plans, and the keys in which it differs."""

    name: str
    keys: list[str]


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """Queries a minute over the fleet, at one target (host:port, or a name) or resolver, by the old and new plan."""

    target: str
    before: float
    after: float


class ChangedCost(msgspec.Struct, frozen=True, kw_only=True):
    """What one thing costs in a month of 30 days, in US dollars, by the old and new plan."""

    name: str
    before: float
    after: float
    sum: str
    """How it comes about in the new plan; empty where it is no more."""


class PlanDiff(msgspec.Struct, frozen=True, kw_only=True):
    """What a new plan changes."""

    added: list[str]
    removed: list[str]
    changed: list[ChangedCheck]
    load: list[Load]
    """Targets whose load changes."""
    lookups: tuple[float, float]
    """Queries a minute at the probes' resolvers, for the targets' names: old, new."""
    probes: dict[str, list[str]]
    """Probes touched, and what of theirs changes: added, removed, or sections of their part; "" is every probe of a
    plan that lists none."""
    sections: list[str]
    """Other sections that differ."""
    resolvers: list[Load] = []
    """The plan's resolvers, by name, whose load changes."""
    costs: list[ChangedCost] = []
    """What vendors bill, where that changes."""

    @property
    def empty(self) -> bool:
        """Whether the plans mean the same."""
        return not (self.added or self.removed or self.changed or self.probes or self.sections)


def diff(old: Plan, new: Plan) -> PlanDiff:
    """What changes from the old plan to the new one."""
    before, after = ({check.name: check for check in plan.check} for plan in (old, new))
    both = [name for name in after if name in before]
    return PlanDiff(
        added=[name for name in after if name not in before],
        removed=[name for name in before if name not in after],
        changed=[ChangedCheck(name, keys) for name in both if (keys := _changed_keys(before[name], after[name]))],
        load=_changed_loads(_loads(old), _loads(new)),
        lookups=(_lookups(old), _lookups(new)),
        probes=_probes_touched(old, new),
        sections=[name for name in _SECTIONS if getattr(old, name) != getattr(new, name)],
        resolvers=_changed_loads(_resolver_loads(old), _resolver_loads(new)),
        costs=_changed_costs(costs_of(old), costs_of(new)),
    )


def diff_lines(found: PlanDiff) -> list[str]:
    """The difference as people read it."""
    if found.empty:
        return ["no change"]
    lines = [f"+ check {name}" for name in found.added]
    lines += [f"- check {name}" for name in found.removed]
    lines += [f"~ check {check.name}: {', '.join(check.keys)}" for check in found.changed]
    lines += [f"~ {name}" for name in found.sections]
    rows = [(load.target, load.before, load.after) for load in found.load]
    if found.lookups[0] != found.lookups[1]:
        rows.append(("lookups at resolvers", *found.lookups))
    at_resolvers = [(load.target, load.before, load.after) for load in found.resolvers]
    width = max((len(name) for name, *_ in (*rows, *at_resolvers)), default=0)
    for heading, some in (
        ("queries a minute, whole fleet, for each address of a target (all servers of a zone):", rows),
        ("queries a minute, whole fleet, at each [[resolver]]:", at_resolvers),
    ):
        if some:
            lines += ["", heading]
            lines += [f"  {name:<{width}}  {before:8.2f} -> {after:8.2f}" for name, before, after in some]
    if found.costs:
        lines += ["", "billed by vendors, in 30 days:"]
        for cost in found.costs:
            lines.append(f"  {cost.name}  ${cost.before:,.2f} -> ${cost.after:,.2f}")
            lines += [f"    {cost.sum}"] if cost.sum else []
    lines += (
        ["", f"probes touched: {len(found.probes)}"] if "" not in found.probes else ["", "probes touched: every one"]
    )
    lines += [f"  {probe or 'every probe'}: {', '.join(what)}" for probe, what in found.probes.items()]
    return lines


def _changed_keys(old: Check, new: Check) -> list[str]:
    before, after = check_table(old), check_table(new)
    return [key for key in {**after, **before} if before.get(key) != after.get(key)]


def _runs(plan: Plan) -> Iterable[tuple[Check, str, Fraction]]:
    """Each (check, target) with its runs a minute over the fleet."""
    for check in plan.check:
        runners = len(set(check.probes)) or len(plan.probe) or 1
        for target in check.targets:
            yield check, target, runners * 60 / Fraction(float(check.period)).limit_denominator(1000)


def _loads(plan: Plan) -> dict[str, Fraction]:
    loads: dict[str, Fraction] = defaultdict(Fraction)
    for check, target, runs in _runs(plan):
        where = endpoint_text(check.kind, target) if check.pinned is None else str(check.pinned)
        loads[where] += runs * SPECS[check.kind].cost(check.spec)
    return loads


def _resolver_loads(plan: Plan) -> dict[str, Fraction]:
    loads: dict[str, Fraction] = defaultdict(Fraction)
    for check, _, runs in _runs(plan):
        queries = SPECS[check.kind].at_resolver(check.spec)
        wanted = check.spec.resolvers if isinstance(check.spec, ResolveSpec) else []
        for resolver in plan.resolver if queries else []:
            if not wanted or resolver.name in wanted:
                loads[resolver.name] += runs * queries
    return loads


def _changed_loads(before: Mapping[str, Fraction], after: Mapping[str, Fraction]) -> list[Load]:
    loads = ((name, before.get(name, 0), after.get(name, 0)) for name in sorted({*before, *after}))
    return [Load(target=name, before=float(old), after=float(new)) for name, old, new in loads if old != new]


def _changed_costs(before: Iterable[Cost], after: Iterable[Cost]) -> list[ChangedCost]:
    old, new = ({cost.name: cost for cost in costs} for costs in (before, after))
    return [
        ChangedCost(
            name=name,
            before=old[name].dollars if name in old else 0.0,
            after=new[name].dollars if name in new else 0.0,
            sum=new[name].sum if name in new else "",
        )
        for name in {**new, **old}
        if name not in old or name not in new or old[name].times != new[name].times
    ]


def _lookups(plan: Plan) -> float:
    """A and AAAA, one query each, for every run whose target is a name; probes ask for the families that they have."""
    families = {probe.id: len(probe.families) for probe in plan.probe}
    total = Fraction(0)
    for check, target, runs in _runs(plan):
        if (
            check.pinned is None
            and SPECS[check.kind].endpoint
            and Endpoint(endpoint_text(check.kind, target)).address is None
        ):
            runners = set(check.probes) or set(families) or {""}
            total += runs * sum(families.get(probe, 2) for probe in runners) / len(runners)
    return float(total)


def _probes_touched(old: Plan, new: Plan) -> dict[str, list[str]]:
    ids = sorted({probe.id for plan in (old, new) for probe in plan.probe})
    if not old.probe or not new.probe:
        ids = ["", *ids]
    touched = {}
    old_texts, new_texts = check_texts(old), check_texts(new)
    old_loads, new_loads = loads_of(old), loads_of(new)
    for probe in ids:
        before, after = part_of(old, probe, old_texts, old_loads), part_of(new, probe, new_texts, new_loads)
        if isinstance(before, NoSuchProbe) and isinstance(after, NoSuchProbe):
            continue
        if isinstance(before, NoSuchProbe) or isinstance(after, NoSuchProbe):
            touched[probe] = ["added" if isinstance(before, NoSuchProbe) else "removed"]
            continue
        if what := [key for key in before.__struct_fields__ if getattr(before, key) != getattr(after, key)]:
            touched[probe] = what
    return touched
