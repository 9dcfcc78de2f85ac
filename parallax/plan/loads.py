"""What a fleet may ask of others, shared out: each probe's part of what all of them together may. Pure.

Two things are the fleet's as a whole: how many runs a minute go to one host that others run ([load] most_per_target),
on their grids and on suspicion together, and a sign-in's budget at its provider (per_tenant). Nobody counts the runs of
all probes at once: each has its share from the plan and keeps to it alone, so a probe that is cut off, or one that
starts anew, takes nothing that is another's, and the shares never come to more than the whole. A share is as large as
the probe's part in what the grids of all ask: who runs more, may more. A silent probe's share lies idle; another plan
gives it to others.

Queries to the name servers of an operator are shared likewise, evenly ([dns] most_per_operator).
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

import msgspec

from parallax.loading.convert import Fault, good
from parallax.loading.problems import shown
from parallax.plan.kinds import SPECS
from parallax.plan.signin_specs import Budget, OidcSpec, SigninSpec
from parallax.plan.types import Check, Plan, Share
from parallax.plan.vendor_limits import Placed
from parallax.values import Duration

MINUTE_S = 60.0
_TOLERANCE = 1 + 1e-9


class Loads(msgspec.Struct, frozen=True):
    """What all probes' grids ask a minute: of each host that others run, and of each provider in whole sign-ins."""

    hosts: dict[str, float]
    tenants: dict[str, float]
    most_per_target: float

    def shares(self, checks: Sequence[Check], *, alone: bool = False) -> dict[str, Share]:
        """The shares of a probe that runs these checks: by host, and by target of its flows. `alone`: the plan names no
        probes, and who asks has all of it."""
        hosts, tenants = _rates([(check, 1) for check in checks])
        found = {
            host: Share(
                grid=round(rate, 6), most=round(self.most_per_target * (1 if alone else rate / self.hosts[host]), 6)
            )
            for host, rate in hosts.items()
        }
        for tenant, rate in tenants.items():
            of = 1.0 if alone else rate / self.tenants[tenant]
            found[tenant] = msgspec.structs.replace(found.get(tenant, Share()), of=round(of, 9))
        return {key: share for key, share in found.items() if share != Share()}


def loads_of(plan: Plan) -> Loads:
    """What the plan's grids ask in all; whoever makes many parts makes it once."""
    everyone = max(1, len(plan.probe))
    hosts, tenants = _rates([(check, len(set(check.probes)) or everyone) for check in plan.check])
    return Loads(hosts, tenants, plan.load.most_per_target)


def host_of(check: Check, target: str) -> str | None:
    """The host that runs of a check go to; None where they go to name servers, whose load is counted by queries."""
    read = SPECS[check.kind].endpoint
    if check.kind.startswith("dns"):
        return None
    try:
        return (read(target).host if read else urlsplit(target).hostname) or target
    except ValueError:
        return target


def load_faults(placed: Sequence[Placed], most_per_target: float) -> Iterator[tuple[Placed, Fault]]:
    """Grids that alone are more than the fleet may ask of a host, and budgets at a provider that are less than what the
    plan itself wants there: such a check would be left out now and then for ever."""
    whole = [each for each in placed if each.whole]
    hosts, tenants = _rates([(each.check, len(each.probes)) for each in whole])
    told: set[str] = set()
    for each in whole:
        check = each.check
        for target in check.targets:
            host = host_of(check, target) if check.external else None
            if host is not None and host not in told and hosts[host] > most_per_target * _TOLERANCE:
                told.add(host)
                yield each, Fault(("period",), _host_text(host, hosts[host], most_per_target))
            budget = getattr(check.spec, "budget", None)
            rate = budget.per_tenant if isinstance(budget, Budget) and good(budget.per_tenant) else None
            asked = tenants.get(target, 0.0)
            if rate is not None and target not in told and asked > rate.per_minute * _TOLERANCE:
                told.add(target)
                yield (
                    each,
                    Fault(
                        ("budget", "per_tenant"),
                        f"{shown(str(rate))} for the whole fleet, and its probes sign in {asked:.3g} times a minute in "
                        f"all at {target}; write a longer every, or a larger budget",
                    ),
                )


def _host_text(host: str, rate: float, most: float) -> str:
    return (
        f"the probes' runs at {host} come to {rate:.4g} a minute, and [load] most_per_target allows {most:.4g}; write "
        "a longer period, fewer probes, or a larger most_per_target; external = false where it is your own"
    )


def _rates(checks: Sequence[tuple[Check, int]]) -> tuple[dict[str, float], dict[str, float]]:
    """Runs a minute by host, whole sign-ins a minute by target, of checks and how many probes run each."""
    hosts: dict[str, float] = defaultdict(float)
    tenants: dict[str, float] = defaultdict(float)
    for check, probes in checks:
        every = whole_every(check)
        for target in check.targets:
            host = host_of(check, target) if check.external else None
            if host is not None:
                hosts[host] += probes * MINUTE_S / check.period
            if every is not None:
                tenants[target] += probes * MINUTE_S / max(every, check.period)
    return hosts, tenants


def whole_every(check: Check) -> Duration | None:
    """How often a flow does what its budget is about; None where a check is no such flow."""
    spec = check.spec
    if isinstance(spec, SigninSpec):
        return spec.every.full if good(spec.every) and good(spec.every.full) else None
    return spec.every if isinstance(spec, OidcSpec) and spec.client is not None and good(spec.every) else None
