"""Where a subject is: its address, its host, whose name server it is, its region, the zones it hangs on.

Two faults that share a place are one incident. What they share weighs: an operator says more than a host, as a host's
name stops resolving when its operator is dark.
"""

from functools import lru_cache

import msgspec

from collector.detect.state import Key, State
from collector.detect.view import CheckView, View
from parallax.operators import REGISTRIES
from parallax.plan.types import Operator

WEIGHTS = {"operator": 16, "zone": 8, "address": 4, "site": 4, "region": 2, "host": 1, "alike": 1}


class Spot(msgspec.Struct, frozen=True, kw_only=True):
    """A subject and where it is. `operator` is set at authoritative name servers only; `zones` only where names are
    what fails."""

    name: str
    key: Key
    check: CheckView
    host: str
    ip: str
    region: str | None
    operator: Operator | None
    sites: frozenset[str]
    zones: frozenset[str]

    @property
    def server(self) -> bool:
        return self.check.role == "authoritative" and not self.key.lookup

    @property
    def resolver(self) -> bool:
        return self.check.role == "resolver" and not self.key.lookup

    @property
    def fallback(self) -> bool:
        """A name server that stands by."""
        return self.operator is not None and self.operator.role == "fallback"

    @property
    def places(self) -> dict[str, int]:
        """Where it is, as "kind name", and what each of them weighs."""
        named = [("host", self.host), ("address", self.ip), ("region", self.region)]
        named += [("operator", self.operator.name)] if self.operator else []
        named += [("site", site) for site in sorted(self.sites)]
        named += [("zone", zone) for zone in sorted(self.zones)]
        if self.ip and not self.check.role and self.key.reason:  # a bot wall may stand before all hosts of an owner
            named += [("alike", f"{self.key.reason} {zone}") for zone in sorted(zones_of({self.host}))]
        return {f"{kind} {name}": WEIGHTS[kind] for kind, name in named if name}


def spot_of(state: State, view: View, name: str) -> Spot | None:
    """None where the state or the plan no longer has it."""
    key = state.keys.get(name)
    check = view.checks.get(key.check) if key else None
    target = check.targets.get(key.target) if key and check else None
    if key is None or check is None or target is None:
        return None
    ip = "" if key.lookup else ip_of(key.subject)
    authoritative = check.role == "authoritative"
    failing = [vote for vote in key.votes.values() if vote.reason is not None and vote.counts]
    by_name = key.lookup or check.kind == "dns" or (key.reason or "").startswith(("dns_", "lookup_"))
    by_name = by_name or sum(vote.looking for vote in failing) * 2 > len(failing)
    names = {target.host} if check.kind != "dns" or key.lookup else set()
    names |= {check.query} if check.query and not key.lookup else set()
    return Spot(
        name=name,
        key=key,
        check=check,
        host=target.host,
        ip=ip,
        region=key.region or (state.regions.get(ip) if ip and not check.role else None),
        operator=view.operator_of(target.host, ip) if authoritative else None,
        sites=frozenset(vote.site for vote in failing if vote.site) if authoritative else frozenset(),
        zones=zones_of(names | set(key.names)) if by_name else frozenset(),
    )


def ip_of(subject: str) -> str:
    """The address without its port."""
    return subject.rpartition(":")[0].strip("[]")


def zones_of(names: set[str]) -> frozenset[str]:
    """The zones that names may be in: their suffixes of two labels and more."""
    return frozenset(zone for name in names for zone in _suffixes(name))


@lru_cache(maxsize=4096)
def _suffixes(name: str) -> tuple[str, ...]:
    labels = name.strip(".").split(".")
    found = [".".join(labels[start:]) for start in range(len(labels) - 1)]
    if found and len(labels[-1]) == 2 and labels[-2] in REGISTRIES:
        found.pop()
    return tuple(found)
