"""Where a subject is: its address, its host, whose name server it is, its region, the zones it hangs on.

Two faults that share a place are one incident. What they share weighs: an operator says more than a host, as a host's
name stops resolving when its operator is dark.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache

import msgspec

from collector.detect.state import Key, State, Vote
from collector.detect.view import CheckView, View, ip_of
from parallax.operators import REGISTRIES

WEIGHTS = {"operator": 16, "zone": 8, "address": 4, "certificate": 4, "site": 4, "region": 2, "host": 1, "alike": 1}
SERVERS, RESOLVERS = ("dns", "dns.zone"), ("dns", "dns.resolve")
"""The kinds that measure name servers, and resolvers."""
RESOLVER_DOWN = "dns_resolver_down"
"""Its control name fails as well: no matter of any zone."""
VIEWS = ("dns.mail", "dns.dnssec")
"""The kinds that look at resolvers and at operators side by side."""

Serving = Mapping[str, tuple[str, ...]]
"""By zone: the operators that its delegation names."""


class Spot(msgspec.Struct, frozen=True, kw_only=True):
    """A subject and where it is. `operator` is the name of the one that is measured: whose name server it is, who
    serves the hop of a chain that fails; `zones` only where names are what fails."""

    name: str
    key: Key
    check: CheckView
    host: str
    ip: str
    region: str | None
    operator: str
    sites: frozenset[str]
    zones: frozenset[str]
    standby: bool = False
    """It is at an operator that is to take over, and does not serve yet; or at a member that is addressed directly."""
    gone_to: frozenset[tuple[str, str]] = frozenset()
    """The address and region, by kind, to which all failing runs went that chose one of several."""
    certificates: frozenset[str] = frozenset()
    """What they were shown whose handshake fails."""

    @property
    def server(self) -> bool:
        return is_server(self.key, self.check)

    @property
    def resolver(self) -> bool:
        return is_resolver(self.key, self.check)

    @property
    def places(self) -> dict[str, int]:
        """Where it is, as "kind name", and what each of them weighs."""
        named = [("host", self.host), ("address", self.ip), ("region", self.region), ("operator", self.operator)]
        named += sorted(self.gone_to)
        named += [("certificate", shown) for shown in sorted(self.certificates)]
        named += [("site", site) for site in sorted(self.sites)]
        named += [("zone", zone) for zone in sorted(self.zones)]
        served = (self.ip and not self.check.of_dns) or self.check.of_steps
        if served and self.key.reason:  # a bot wall may stand before all hosts of an owner
            named += [("alike", f"{self.key.reason} {zone}") for zone in sorted(zones_of({self.host}))]
        return {f"{kind} {name}": WEIGHTS[kind] for kind, name in named if name}


def is_server(key: Key, check: CheckView) -> bool:
    """Whether a subject is an address of a name server, or its name where that has none."""
    return bool(key.server) and check.kind in SERVERS and not key.lookup


def heard_by_more(keys: Sequence[Key]) -> list[Key]:
    """Of the servers of one operator or zone: without those that one probe alone speaks of, where others of the same
    family have more voices. One that is made up, or that one probe was led to, hides nothing of what the others see."""
    shared = {":" in ip_of(key.subject) for key in keys if len(key.votes) > 1}
    return [key for key in keys if len(key.votes) > 1 or (":" in ip_of(key.subject)) not in shared]


def is_resolver(key: Key, check: CheckView) -> bool:
    """Whether a subject is a name as a resolver gives it."""
    return bool(key.resolver) and check.kind in RESOLVERS and not key.lookup


def is_standby(view: View, serving: Serving, key: Key, check: CheckView) -> bool:
    """Whether a subject is at an operator that is to take over, or at a member of a failover group that is addressed
    directly: a fault there is a risk, and hurts nobody yet. Where that member serves, what users reach shows it."""
    if check.kind == "dns.parity" or check.member:
        return True
    if not key.operator or check.kind == "dns.chain" or not view.stands_by(key.operator):
        return False
    found = serving.get(key.zone)
    return found is None or key.operator not in found


def asked_names(key: Key, check: CheckView) -> set[str]:
    """The names that a check is about, by the plan: what is asked for, or the host that is dialled."""
    target = check.targets.get(key.target)
    return {check.query} if check.query else {target.host} if target is not None else set()


def spot_of(state: State, view: View, name: str) -> Spot | None:
    """None where the state or the plan no longer has it."""
    key = state.keys.get(name)
    check = view.checks.get(key.check) if key else None
    target = check.targets.get(key.target) if key and check else None
    if key is None or check is None or target is None:
        return None
    ip = "" if key.lookup else key.address or ip_of(key.subject)
    server, resolver = is_server(key, check), is_resolver(key, check)
    failing = [vote for vote in key.votes.values() if vote.reason is not None and vote.counts]
    by_name = key.lookup or check.of_dns or (key.reason or "").startswith(("dns_", "lookup_"))
    by_name = by_name or sum(vote.looking for vote in failing) * 2 > len(failing)
    names = {target.host} if check.kind != "dns" or key.lookup else set()
    names |= {check.query} if check.query and not key.lookup else set()
    if check.kind == "dns.chain" and key.zone:  # the hop that fails, not all that the chain leads through
        names = {key.zone}
    return Spot(
        name=name,
        key=key,
        check=check,
        host=key.server if server else key.resolver if resolver else target.host,
        ip=ip if server or resolver or not check.of_dns else "",
        region=key.region or (state.regions.get(ip) if ip and not check.of_dns else None),
        operator=key.operator if server or check.kind == "dns.chain" else "",
        sites=frozenset(vote.site for vote in failing if vote.site) if server else frozenset(),
        zones=zones_of(names | set(key.names)) if by_name and key.reason != RESOLVER_DOWN else frozenset(),
        standby=is_standby(view, state.zones.serving, key, check),
        gone_to=_gone_to(state, failing) if check.of_steps else frozenset(),
        certificates=frozenset(shown for vote in failing if (shown := shown_to(vote))),
    )


def shown_to(vote: Vote) -> str:
    """The certificate that a word speaks of: a handshake's. A request that fails got past it."""
    return vote.certificate if vote.reason is None or vote.reason.startswith("tls_") else ""


def _gone_to(state: State, failing: Sequence[Vote]) -> frozenset[tuple[str, str]]:
    """None where they went to several: then the address, or the region, is not what they share."""
    addresses = {vote.address for vote in failing}
    regions = {state.regions.get(address, "") for address in addresses}
    shared = [("address", addresses), ("region", regions)]
    return frozenset((kind, name) for kind, names in shared if len(names) == 1 for name in names if name)


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
