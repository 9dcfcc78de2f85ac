"""Where the fault is, by who fails and who passes. Pure. The first that explains all of it wins:

only probes in data centres are refused          network
name servers of one operator                     operator if all are dark, name server if it is one
name servers of a zone, or of several operators  zone if all of its servers are dark
only probes that one anycast site answers        site
one address of several, or a region's            region where it is known, else address
every address of a host                          endpoint
names that no longer resolve                     resolver if it is one of several, else zone
"""

from collections import Counter
from collections.abc import Callable, Mapping
from types import MappingProxyType

import msgspec

from collector.detect.places import (
    RESOLVER_DOWN,
    VIEWS,
    Spot,
    asked_names,
    heard_by_more,
    is_resolver,
    is_server,
    spot_of,
    zones_of,
)
from collector.detect.state import Key, State
from collector.detect.verdict import PROBES_ONLY
from collector.detect.view import OVER_TCP, CheckView, View
from collector.events import FaultDomain

DATA_CENTRES = "data centres"
WRONG = ("dns_nxdomain", "dns_nodata", "dns_wrong_answer")
"""What a name server says that is up."""
HOPS = ("dns_hop_dark", "dns_hop_lame")
"""Hops of a chain that none of their servers answers for."""


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """The domain, the subjects that it rests on, and how many of how many of its parts fail."""

    domain: FaultDomain
    spots: tuple[Spot, ...]
    failing: int = 0
    of: int = 0
    over: str = ""
    """Where only one way of asking fails: "TCP", "IPv6"."""
    addresses: bool = False
    """The parts that are counted are addresses, not servers."""
    in_doubt: int = 0
    """Further parts that may be failing too: the domain is what it will be if they do."""


def infer(state: State, view: View, bad: list[Spot], *, early: bool = False) -> Finding:
    """The domain of subjects that fail together; `bad` is not empty. `early`: it has just begun, and no narrower claim
    is made than what is known by now bears out."""
    if all(spot.key.blocked and spot.key.reason not in PROBES_ONLY for spot in bad):
        certain = any(
            vote.reason is None and vote.counts and (probe := view.probe(name)) is not None and probe.access
            for spot in bad
            for name, vote in spot.key.votes.items()
        )
        return Finding(domain=FaultDomain(kind="network", name=DATA_CENTRES, certain=certain), spots=tuple(bad))
    for find in (_early if early else _servers, _site, _one_server, _fronts, _names):
        finding = find(state, view, bad)
        if finding is not None:
            return finding
    host, _ = Counter(spot.host for spot in bad).most_common(1)[0]
    return _finding("endpoint", host, bad, certain=len({spot.host for spot in bad}) == 1)


def _early(state: State, view: View, bad: list[Spot]) -> Finding | None:
    """Name servers that are down, and what it would be if those in doubt were down too."""
    down = [spot for spot in bad if spot.server and spot.key.counts_as == "down"]
    certain = {spot.ip for spot in down}
    if not down:
        return None
    doubtful = in_doubt(state, view, down)
    if not doubtful:
        return _servers(state, view, bad)
    turned = {spot.name: _turned(spot) for spot in doubtful}
    finding = _servers(state, view, [*bad, *turned.values()], turned)
    if finding is None:
        return None
    part = {spot.ip for spot in finding.spots if spot.name in turned} - certain
    return msgspec.structs.replace(
        finding,
        domain=msgspec.structs.replace(finding.domain, certain=finding.domain.certain and not part),
        spots=tuple(spot for spot in finding.spots if spot.name not in turned) or tuple(down),
        failing=finding.failing - len(part) if finding.of else 0,
        in_doubt=len(part),
    )


def in_doubt(state: State, view: View, down: list[Spot]) -> list[Spot]:
    """Name servers beside those that are down that may well be too: they fail for most of those who looked since it
    began, or nobody has looked since, and all that is known of the server is that it fails at another address."""
    begun = min(spot.key.since for spot in down)
    operators, hosts = {spot.operator for spot in down}, {spot.host for spot in down}

    def doubtful(key: Key, check: CheckView) -> bool:
        if key.operator not in operators or key.state not in ("up", "suspected") or not is_server(key, check):
            return False
        votes = [vote for vote in key.votes.values() if vote.counts and vote.at >= begun]
        if not votes:
            return key.server in hosts and not key.subject.endswith(OVER_TCP)
        return 2 * sum(vote.reason is not None for vote in votes) > len(votes)

    return _spots(state, view, doubtful)


def _turned(spot: Spot) -> Spot:
    return msgspec.structs.replace(spot, key=msgspec.structs.replace(spot.key, state="down", held="down"))


def _servers(
    state: State, view: View, bad: list[Spot], turned: Mapping[str, Spot] = MappingProxyType({})
) -> Finding | None:
    """Name servers that are down, by operator. `turned` are those that are taken for down."""
    dark = [spot for spot in bad if spot.server and spot.key.counts_as == "down"]
    if not dark:
        return None
    peers = [turned.get(spot.name, spot) for spot in _spots(state, view, is_server) if _vouched(state, spot)]
    peers = [spot for spot in peers if spot.name in turned or spot.name.removesuffix(OVER_TCP) not in turned]
    heard = {id(key) for key in heard_by_more([spot.key for spot in peers])}
    peers = [spot for spot in peers if id(spot.key) in heard]
    dark = [spot for spot in dark if id(spot.key) in heard] or dark
    counts = Counter(spot.operator for spot in dark)
    if len(counts) > 1 and (whole := _whole_zone(dark, peers)) is not None:
        return whole
    if all(spot.key.reason in WRONG for spot in dark) and (whole := _whole_zone(dark, peers)) is not None:
        return whole  # they all do what they are told: the zone's content is to blame, not who serves it
    operator = counts.most_common(1)[0][0]
    own = [spot for spot in dark if spot.operator == operator]
    over, peers = _slice(own, [spot for spot in peers if spot.operator == operator])
    hosts, alive = {spot.host for spot in peers}, {spot.host for spot in peers if not _is_down(spot)}
    failing = {spot.host for spot in own} - alive
    if not failing:
        if (whole := _whole_zone(own, peers)) is not None:  # the operator answers, but for this zone
            return whole
        if len({spot.ip for spot in own}) == 1:  # one of its addresses, or one of its checks
            return _finding("address", own[0].ip, own, over=over)
        return _finding("name_server", own[0].host, own, certain=False, over=over)
    if len(failing) == 1:
        return _finding("name_server", min(failing), own, failing=len(failing), of=len(hosts), over=over)
    part = _parts(own, peers)
    if len(part[1]) > len(hosts):
        number, of, addresses = len(part[0]), len(part[1]), True
    else:
        number, of, addresses = len(failing), len(hosts), False
    finding = _finding("operator", operator, own, certain=not alive, failing=number, of=of, over=over)
    return msgspec.structs.replace(finding, addresses=addresses)


def _is_down(spot: Spot) -> bool:
    return spot.key.counts_as == "down"


def _vouched(state: State, spot: Spot) -> bool:
    """Whether its state says anything: TCP is asked so rarely that its last word may be from before UDP went dark."""
    if spot.key.state == "unknown":
        return _is_down(spot)
    if not spot.key.subject.endswith(OVER_TCP) or _is_down(spot):
        return True
    plain = state.keys.get(spot.name.removesuffix(OVER_TCP))
    return (
        plain is None
        or plain.counts_as != "down"
        or any(vote.reason is None and vote.counts and vote.at > plain.since for vote in spot.key.votes.values())
    )


_SLICES: tuple[tuple[str, Callable[[Spot], bool]], ...] = (
    ("TCP", lambda spot: spot.key.subject.endswith(OVER_TCP)),
    ("UDP", lambda spot: not spot.key.subject.endswith(OVER_TCP)),
    ("IPv6", lambda spot: ":" in spot.ip),
    ("IPv4", lambda spot: "." in spot.ip),
)


def _slice(own: list[Spot], peers: list[Spot]) -> tuple[str, list[Spot]]:
    """The way of asking by which all fail, where another still brings answers, and those that are asked in that way."""
    if all(_is_down(spot) for spot in peers):
        return "", peers
    for over, fits in _SLICES:
        part = [spot for spot in peers if fits(spot)]
        if all(fits(spot) for spot in own) and part and all(_is_down(spot) for spot in part):
            hosts = {spot.host for spot in part}
            if hosts <= {spot.host for spot in peers if not fits(spot) and not _is_down(spot)}:
                return over, part
    return "", peers


def _whole_zone(own: list[Spot], peers: list[Spot]) -> Finding | None:
    """A zone whose servers are all down, whoever runs them."""
    zones = Counter(spot.key.zone for spot in own if spot.key.zone)
    for zone, _ in zones.most_common():
        of_zone = [spot for spot in peers if spot.key.zone == zone and not spot.standby]
        if of_zone and all(_is_down(spot) for spot in of_zone):
            mine = [spot for spot in own if spot.key.zone == zone]
            failing, of = _parts(mine, of_zone)
            finding = _finding("zone", zone, mine, failing=len(failing), of=len(of))
            return msgspec.structs.replace(finding, addresses=True)
    return None


def _parts(own: list[Spot], peers: list[Spot]) -> tuple[set[str], set[str]]:
    """The addresses that fail, and all of them."""
    alive = {spot.ip for spot in peers if not _is_down(spot)}
    return {spot.ip for spot in own} - alive, {spot.ip for spot in peers}


def _site(state: State, view: View, bad: list[Spot]) -> Finding | None:
    """All who fail were last answered by one site, and nobody who passes is."""
    sites: set[str | None] = set()
    names = {spot.name for spot in bad}
    for spot in bad:
        if spot.key.subject.endswith(OVER_TCP) and spot.name.removesuffix(OVER_TCP) in names:
            continue  # asked so rarely that its sites may not be known: where it stands is known over UDP
        votes = [vote for vote in spot.key.votes.values() if vote.counts]
        failing = {vote.site for vote in votes if vote.reason is not None}
        passing = {vote.site for vote in votes if vote.reason is None}
        if not passing or not failing or failing & passing:
            return None
        sites |= failing
    site = next(iter(sites)) if len(sites) == 1 else None
    return _finding("site", site, bad) if site else None


def _one_server(state: State, view: View, bad: list[Spot]) -> Finding | None:
    """One name server, or one address of it, that fails for some."""
    hosts, ips = {spot.host for spot in bad}, {spot.ip for spot in bad}
    if len(hosts) > 1 or not all(spot.server for spot in bad):
        return None
    kind, name = ("address", ips.pop()) if len(ips) == 1 and "" not in ips else ("name_server", hosts.pop())
    return _finding(kind, name, bad, certain=kind == "address")


def _fronts(state: State, view: View, bad: list[Spot]) -> Finding | None:
    """Addresses of hosts, where some of them pass."""
    fronts = [spot for spot in bad if not spot.check.of_dns and spot.ip]
    if not fronts or any(spot.key.lookup for spot in bad if spot.key.counts_as == "down"):
        return None
    hosts, addresses = {spot.host for spot in fronts}, {spot.ip for spot in fronts}
    peers = _spots(state, view, lambda key, check: not check.of_dns and check.targets[key.target].host in hosts)
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
    lost = [spot for spot in bad if spot.key.reason == RESOLVER_DOWN]
    if lost and len(lost) == len(bad):
        return _finding("resolver", _most(spot.host for spot in lost), lost, certain=len({s.host for s in lost}) == 1)
    named = [spot for spot in bad if spot.zones]
    if not named:
        return None
    chains = [spot for spot in named if spot.check.kind == "dns.chain"]
    operators = {spot.operator for spot in chains if spot.key.reason in HOPS}
    if chains == named and len(operators) == 1 and (operator := operators.pop()):
        return _finding("operator", operator, chains, certain=False)
    at = {spot.key.operator if spot.check.kind in VIEWS else "" for spot in named}
    if len(at) == 1 and (operator := at.pop()):
        return _finding("operator", operator, named, certain=False)
    asked = [spot for spot in named if spot.resolver]
    if asked and len(asked) == len(named) and len({spot.host for spot in asked}) == 1:
        zones = frozenset(zone for spot in asked for zone in spot.zones)
        passing = _spots(state, view, lambda key, check: is_resolver(key, check) and key.state == "up")
        others = [s for s in passing if s.host != asked[0].host and zones_of(asked_names(s.key, s.check)) & zones]
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


def _most(values: object) -> str:
    return Counter(values).most_common(1)[0][0]  # type: ignore[call-overload,no-any-return]


def _finding(
    kind: str, name: str, spots: list[Spot], *, certain: bool = True, failing: int = 0, of: int = 0, over: str = ""
) -> Finding:
    domain = FaultDomain(kind=kind, name=name, certain=certain)  # type: ignore[arg-type]
    return Finding(domain=domain, spots=tuple(spots), failing=failing, of=of, over=over)
