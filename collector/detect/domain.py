"""Where the fault is, by who fails and who passes. Pure. The first that explains all of it wins:

only probes in data centres are refused          network
name servers of one operator                     operator if all are dark, name server if it is one
only probes that one anycast site answers        site
one address of several, or a region's            region where it is known, else address
every address of a host                          endpoint
names that no longer resolve                     resolver if it is one of several, else zone
"""

from collections import Counter
from collections.abc import Callable

import msgspec

from collector.detect.places import Spot, spot_of, zones_of
from collector.detect.state import Key, State
from collector.detect.view import CheckView, View
from collector.events import FaultDomain

DATA_CENTRES = "data centres"


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """The domain, the subjects that it rests on, and how many of how many of its parts fail."""

    domain: FaultDomain
    spots: tuple[Spot, ...]
    failing: int = 0
    of: int = 0


def infer(state: State, view: View, bad: list[Spot]) -> Finding:
    """The domain of subjects that fail together; `bad` is not empty."""
    if all(spot.key.blocked for spot in bad):
        certain = any(
            vote.reason is None and vote.counts and (probe := view.probe(name)) is not None and probe.access
            for spot in bad
            for name, vote in spot.key.votes.items()
        )
        return Finding(domain=FaultDomain(kind="network", name=DATA_CENTRES, certain=certain), spots=tuple(bad))
    for find in (_servers, _site, _fronts, _names):
        finding = find(state, view, bad)
        if finding is not None:
            return finding
    host, _ = Counter(spot.host for spot in bad).most_common(1)[0]
    return _finding("endpoint", host, bad, certain=len({spot.host for spot in bad}) == 1)


def _servers(state: State, view: View, bad: list[Spot]) -> Finding | None:
    """Name servers that are down, by operator."""
    dark = [spot for spot in bad if spot.server and spot.key.counts_as == "down"]
    if not dark:
        return None
    operator = Counter(spot.operator.name if spot.operator else "" for spot in dark).most_common(1)[0][0]
    own = [spot for spot in dark if (spot.operator.name if spot.operator else "") == operator]
    servers = _spots(state, view, lambda key, check: check.role == "authoritative" and not key.lookup)
    peers = [spot for spot in servers if _operator(spot) == operator]
    if not operator:  # the plan does not say whose they are: those that are asked for the same zone
        peers = [spot for spot in peers if spot.zones & own[0].zones]
    hosts = {spot.host for spot in peers if spot.key.state != "unknown" or spot.key.counts_as == "down"}
    alive = {spot.host for spot in peers if spot.key.state != "unknown" and spot.key.counts_as != "down"}
    failing = {spot.host for spot in own} - alive
    if not failing:  # one of its addresses, or one of its checks
        if len({spot.ip for spot in own}) == 1:
            return _finding("address", own[0].ip, own)
        return _finding("name_server", own[0].host, own, certain=False)
    if len(failing) == 1:
        return _finding("name_server", min(failing), own, failing=len(failing), of=len(hosts))
    if operator:
        return _finding("operator", operator, own, certain=not alive, failing=len(failing), of=len(hosts))
    zone = _common_zone(own)
    return _finding("zone", zone, own, certain=not alive) if zone else None


def _site(state: State, view: View, bad: list[Spot]) -> Finding | None:
    """All who fail were last answered by one site, and nobody who passes is."""
    sites: set[str | None] = set()
    for spot in bad:
        votes = [vote for vote in spot.key.votes.values() if vote.counts]
        failing = {vote.site for vote in votes if vote.reason is not None}
        passing = {vote.site for vote in votes if vote.reason is None}
        if not passing or not failing or failing & passing:
            return None
        sites |= failing
    site = next(iter(sites)) if len(sites) == 1 else None
    return _finding("site", site, bad) if site else None


def _fronts(state: State, view: View, bad: list[Spot]) -> Finding | None:
    """Addresses of hosts, where some of them pass."""
    fronts = [spot for spot in bad if not spot.check.role and spot.ip]
    if not fronts or any(spot.key.lookup for spot in bad if spot.key.counts_as == "down"):
        return None
    hosts, addresses = {spot.host for spot in fronts}, {spot.ip for spot in fronts}
    peers = _spots(state, view, lambda key, check: not check.role and check.targets[key.target].host in hosts)
    peers = [spot for spot in peers if spot.ip]
    passing = {spot.ip for spot in peers if spot.key.state in ("up", "suspected")} - addresses
    well = {spot.ip for spot in peers if spot.key.state == "up"} - addresses
    regions = {spot.region for spot in fronts}
    region = next(iter(regions)) if len(regions) == 1 else None
    if not passing:
        return _finding("endpoint", _most(spot.host for spot in fronts), fronts, certain=len(hosts) == 1)
    if region and not any(spot.region == region for spot in peers if spot.ip in well):
        return _finding("region", region, fronts)
    if len(addresses) == 1:
        return _finding("address", fronts[0].ip, fronts)
    return _finding("endpoint", _most(spot.host for spot in fronts), fronts, certain=False)


def _names(state: State, view: View, bad: list[Spot]) -> Finding | None:
    """Names that do not resolve: the resolver's fault if another one gives them, else their zone's."""
    named = [spot for spot in bad if spot.zones]
    if not named:
        return None
    asked = [spot for spot in named if spot.resolver]
    if asked and len(asked) == len(named) and len({spot.host for spot in asked}) == 1:
        zones = frozenset(zone for spot in asked for zone in spot.zones)
        passing = _spots(state, view, lambda key, check: check.role == "resolver" and key.state == "up")
        others = [s for s in passing if s.host != asked[0].host and zones_of({s.check.query}) & zones]
        return _finding("resolver", asked[0].host, asked, certain=bool(others))
    zone = _common_zone(named)
    if zone:
        return _finding("zone", zone, named)
    return _finding("endpoint", _most(spot.host for spot in named), named, certain=False)


def _common_zone(spots: list[Spot]) -> str:
    """The longest zone that most of them hang on."""
    counts = Counter(zone for spot in spots for zone in spot.zones)
    return max(counts, key=lambda zone: (counts[zone], zone.count("."), zone), default="")


def _spots(state: State, view: View, fits: Callable[[Key, CheckView], bool]) -> list[Spot]:
    """Those of all the subjects that may bear on it."""
    found = []
    for name, key in state.keys.items():
        check = view.checks.get(key.check)
        if check is not None and key.target in check.targets and fits(key, check):
            spot = spot_of(state, view, name)
            found += [spot] if spot is not None else []
    return found


def _operator(spot: Spot) -> str:
    return spot.operator.name if spot.operator else ""


def _most(values: object) -> str:
    return Counter(values).most_common(1)[0][0]  # type: ignore[call-overload,no-any-return]


def _finding(
    kind: str, name: str, spots: list[Spot], *, certain: bool = True, failing: int = 0, of: int = 0
) -> Finding:
    domain = FaultDomain(kind=kind, name=name, certain=certain)  # type: ignore[arg-type]
    return Finding(domain=domain, spots=tuple(spots), failing=failing, of=of)
