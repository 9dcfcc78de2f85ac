"""What a plan's checks cost at vendors that bill by the piece, with the sum. Pure."""

from collections import defaultdict
from collections.abc import Iterator

import msgspec

from parallax.plan.types import Plan
from parallax.plan.vendors import MONTH_S, PRICES, Price, uses_of, vendor_of
from parallax.values import Duration


class Cost(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that one vendor bills, over the whole plan, for a month of 30 days."""

    name: str
    """Clerk: M2M tokens."""
    times: float
    """How often in a month."""
    dollars: float
    sum: str
    """How it comes about, for people."""


def costs_of(plan: Plan) -> list[Cost]:
    """What is billed, the dearest first. What is free of a month is counted once for the whole plan, as if nobody else
    used it."""
    terms: dict[int, list[tuple[str, float]]] = defaultdict(list)
    for check in plan.check:
        probes = len(set(check.probes)) or len(plan.probe) or 1
        for target in check.targets:
            vendor = vendor_of(check.spec, target)
            for use in uses_of(check.spec, target, check.period):
                for number, price in enumerate(PRICES):
                    if (price.vendor, price.what) == (vendor, use.what):
                        many = f"{probes} probe{'s' if probes > 1 else ''} x {use.times}/{Duration(use.every_s)}"
                        terms[number].append((many, probes * use.times * MONTH_S / use.every_s))
    found = [_cost(PRICES[number], some) for number, some in terms.items()]
    return sorted(found, key=lambda cost: (-cost.dollars, cost.name))


def cost_notes(plan: Plan) -> Iterator[str]:
    """The costs, a sentence each."""
    for cost in costs_of(plan):
        yield f"{cost.name} cost ${cost.dollars:,.2f} a month: {cost.sum}"


def _cost(price: Price, terms: list[tuple[str, float]]) -> Cost:
    times = sum(each for _, each in terms)
    dollars = max(0.0, times - price.free) * price.dollars
    free = f", less {price.free:,} that are free," if price.free else ""
    said = " + ".join(text for text, _ in terms[:5]) + (" + ..." if len(terms) > 5 else "")
    each = f"{price.dollars:.5f}".rstrip("0")
    return Cost(
        name=f"{price.vendor}: {price.what}",
        times=times,
        dollars=round(dollars, 2),
        sum=f"{said} = {times:,.0f} in 30 days{free} at ${each} ({price.source})",
    )
