"""Whether a plan keeps what vendors document of their limits, counted over all of its probes, and that no two probes
share an account. Pure.

A probe's budget holds one probe back; a fleet that is within every probe's budget may still be beyond a vendor's limit,
and then it is the vendor's other users who are throttled, or the check that sees its own doing and calls it an outage.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from parallax.loading.convert import Fault, good
from parallax.loading.problems import shown
from parallax.plan.pinned import own_name
from parallax.plan.signin_specs import Budget, SigninSpec
from parallax.plan.templates import TemplateError, gaps_of
from parallax.plan.types import Check
from parallax.plan.vendors import LIMITS, MINUTE_S, Limit, Use, uses_of, vendor_of
from parallax.values import Duration, Rate

_SHOWN = 4
"""Terms of a sum that are written out."""


class Placed(msgspec.Struct, frozen=True):
    """A check, and the ids of the probes that run it; one that nobody knows where the plan lists none."""

    check: Check
    probes: tuple[str, ...]
    entry: Any
    """The plan's entry, as the rules between sections have it; its `table` tells what was left out."""

    @property
    def whole(self) -> bool:
        """Whether it is converted without a fault that matters here."""
        check = self.check
        return good(check.spec, check.period, check.targets) and all(good(each) for each in check.targets)


Found = Iterator[tuple[Placed, Fault]]


def vendor_faults(placed: Sequence[Placed]) -> Found:
    """Every fault of a plan's checks against what vendors document, and every account that probes share."""
    flows = [each for each in placed if each.whole and _is_whole(each.check.spec)]
    yield from _shared_users(flows)
    yield from _rates(flows)
    for each in flows:
        yield from ((each, fault) for fault in _budgets(each))


def _is_whole(spec: Any) -> bool:
    """A draft with a hole in it is not reckoned with: its own fault is told."""
    if isinstance(spec, SigninSpec):
        parts = (spec.use, spec.every, spec.leave_out, spec.user, spec.scope, spec.budget, spec.instance)
        named = good(spec.user) and (spec.user is None or good(spec.user.name))
        return named and good(*parts) and good(spec.every.full, spec.every.silent)
    return hasattr(spec, "every") and good(spec.every)


def user_text(check: Check) -> str | None:
    """The account that every probe uses by this check; None where each has its own, or there is none."""
    user = check.spec.user if isinstance(check.spec, SigninSpec) else None
    if user is None:
        return None
    try:
        gaps = [gap.name for gap in gaps_of(user.name) if not gap.secret]
    except TemplateError:
        return None
    if "probe" in gaps or "run" in gaps:
        return None
    return user.name.replace("{check}", own_name(check))


def _shared_users(flows: Sequence[Placed]) -> Found:
    by_account: dict[tuple[str, str], dict[str, None]] = defaultdict(dict)
    for each in flows:
        text = user_text(each.check)
        for target in each.check.targets if text is not None else ():
            account = by_account[target, text or ""]
            others = [probe for probe in account if probe not in each.probes]
            account.update(dict.fromkeys(each.probes))
            if len(account) > 1:
                whose = f"{len(each.probes)} probes" if not others else f"{len(account)} probes of several checks"
                yield (
                    each,
                    Fault(
                        ("user", "name"),
                        f"{shown(text or '')} is one account for {whose}, and a provider throttles or locks a user who "
                        'signs in from many places; give each its own: write {probe} in it, like "synthetic-{probe}"',
                    ),
                )
                break


class _Term(msgspec.Struct, frozen=True):
    placed: Placed
    use: Use
    probes: int
    """How many of them go by the same key."""

    @property
    def per_minute(self) -> float:
        return self.probes * self.use.times * MINUTE_S / self.use.every_s

    def __str__(self) -> str:
        many = f"{self.probes} probes x " if self.probes > 1 else ""
        return f"{many}{self.use.times}/{Duration(self.use.every_s)}"


def _rates(flows: Sequence[Placed]) -> Found:
    sums: dict[tuple[int, str, str], list[_Term]] = defaultdict(list)
    for each in flows:
        for target in each.check.targets:
            for number, use in _limited(each, target):
                for who, probes in _keys(LIMITS[number], each):
                    sums[number, target, who].append(_Term(each, use, probes))
    told: set[tuple[int, str]] = set()
    for (number, target, _), terms in sums.items():
        limit = LIMITS[number]
        total = sum(term.per_minute for term in terms)
        if total <= limit.per_minute * (1 + 1e-9) or (number, target) in told:
            continue
        told.add((number, target))
        worst = max(terms, key=lambda term: term.per_minute)
        yield worst.placed, Fault(("every", "full"), _sum_text(terms, total, limit))


def _limited(placed: Placed, target: str) -> Iterator[tuple[int, Use]]:
    """The limits that a check's uses count against, by their place in LIMITS."""
    check = placed.check
    vendor, instance = vendor_of(check.spec, target), getattr(check.spec, "instance", None)
    for use in uses_of(check.spec, target, check.period):
        for number, limit in enumerate(LIMITS):
            fits = limit.vendor == vendor and limit.what == use.what
            if fits and limit.instance in (None, instance):
                yield number, use


def _keys(limit: Limit, placed: Placed) -> list[tuple[str, int]]:
    """Whom a limit counts, and how many of the check's probes count as that one."""
    if limit.key == "tenant":
        return [("", len(placed.probes))]
    if limit.key == "address":
        return [(probe, 1) for probe in placed.probes]
    text = user_text(placed.check)
    if text is not None:
        return [(text, len(placed.probes))]
    spec = placed.check.spec
    name = spec.user.name if isinstance(spec, SigninSpec) and spec.user is not None else ""
    return [(f"{name}\0{probe}", 1) for probe in placed.probes]


def _sum_text(terms: Sequence[_Term], total: float, limit: Limit) -> str:
    parts = [str(term) for term in terms[:_SHOWN]]
    if len(terms) > _SHOWN:
        parts.append(f"{len(terms) - _SHOWN} more")
    return (
        f"{' + '.join(parts)} = {_rate_text(total, limit)} of {limit.what}; {limit.vendor} allows {limit.said} per "
        f"{limit.key} ({limit.source}); {_way_out(terms, limit)}"
    )


def _rate_text(per_minute: float, limit: Limit) -> str:
    """In a unit in which the limit is no fraction."""
    for span_s, unit in ((1.0, "/s"), (MINUTE_S, "/min"), (3600.0, "/h")):
        if limit.span_s <= span_s:
            return f"{per_minute * span_s / MINUTE_S:.4g}{unit}"
    return f"{per_minute * limit.span_s / MINUTE_S:,.0f} a month"


def _way_out(terms: Sequence[_Term], limit: Limit) -> str:
    each_s = sum(term.probes * term.use.times for term in terms) * limit.span_s / limit.times
    way = f"write every.full = {shown(_up(each_s))} or longer"
    if limit.what == "mails with codes":
        return f'{way}, or a test address that takes no mail: code = "424242" and +clerk_test in the name'
    if limit.what == "SMS with codes":
        return f'{way}, or a test number that takes no SMS: code = "424242" and a number like +12015550100'
    if limit.what == "requests at userinfo":
        return f'{way}, or leave_out = ["userinfo"]'
    return way


def _up(seconds: float) -> str:
    """A span that is at least so long, as people write them."""
    for unit_s, unit in ((86_400, "d"), (3600, "h"), (60, "m"), (1, "s")):
        if seconds > 2 * unit_s or unit == "s":
            return f"{-int(-seconds // unit_s)}{unit}"
    raise AssertionError


def _budgets(placed: Placed) -> Iterator[Fault]:
    """A budget that lets through what the vendor does not: it would protect nobody. Those that were left out are not
    looked at; how often a check really runs is counted elsewhere."""
    spec, target = placed.check.spec, placed.check.targets[0]
    table = placed.entry.table
    written = table.get("budget") if isinstance(table, dict) else None
    budget = getattr(spec, "budget", None)
    if not isinstance(written, dict) or not isinstance(budget, Budget):
        return
    for number, use in _limited(placed, target):
        limit = LIMITS[number]
        name = f"per_{limit.key}"
        rate: Rate | None = getattr(budget, name)
        if name not in written or rate is None or not good(rate):
            continue
        at_once = limit.at_once or limit.times
        each = f" of {use.times} each" if use.times > 1 else ""
        most = limit.times // use.times
        if rate.per_minute * use.times > limit.per_minute * (1 + 1e-9):
            said = f"{shown(str(rate))}{each} is {_rate_text(rate.per_minute * use.times, limit)} of {limit.what}"
        elif rate.times * use.times > at_once:
            said = f"{shown(str(rate))}{each} lets {rate.times * use.times} {limit.what} through at once"
        else:
            continue
        unit = limit.said.partition(" ")[0].partition("/")[2]
        write = f"; write at most {shown(f'{most}/{unit}')}" if unit and most else "; write a smaller one"
        yield Fault(
            ("budget", name),
            f"{said}, and {limit.vendor} allows {limit.said} per {limit.key} ({limit.source}){write}",
        )
