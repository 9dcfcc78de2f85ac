"""Where the fault is, by who fails and who passes. Pure.

Two ways lead there. Name servers that are down are counted by rules: what people need to know is how many of how many
are dark, over which transport or family, and how many more may be; and an operator whose servers all give the same
wrong answer does what it is told, so the zone is what is wrong. Refusals that meet data centres alone are a rule, too:
they are a matter of who asks. Everything else (sites, addresses, regions, hosts, resolvers, zones) is inferred: the
words of all probes on everything since it began go into rows (`witnesses.py`), and `collector.locate` finds the places
that explain them, be there a broken probe among the witnesses or another fault beside. What the rules say is held
against what is inferred, and inference has the last word on what else it may be and on why.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from types import MappingProxyType

import msgspec

from collector.detect.incidents.findings import Finding, reasoned
from collector.detect.incidents.witnesses import alike, rows_about, sample, stands_at, well_in_part
from collector.detect.places import Spot, heard_by_more, is_server, spot_of
from collector.detect.state import Key, State
from collector.detect.verdicts.verdict import PROBES_ONLY
from collector.detect.view import OVER_TCP, CheckView, View
from collector.events import FaultDomain
from collector.locate import Cause, Located, Row, locate

DATA_CENTRES = "data centres"
WRONG = ("dns_nxdomain", "dns_nodata", "dns_wrong_answer")
"""What a name server says that is up."""
DOMAINS = ("operator", "zone", "name_server", "resolver", "region", "site", "address", "certificate")
"""Places that are fault domains by their own name; others are called by the host."""
WHOLE, PARTS = ("endpoint", "application"), ("region", "address")
"""What a host is as a whole, and what it may be in part."""


def infer(state: State, view: View, bad: list[Spot], *, early: bool = False) -> Finding:
    """The domain of subjects that fail together; `bad` is not empty. `early`: it has just begun, and no narrower claim
    is made than what is known by now bears out."""
    if all(spot.key.blocked and spot.key.reason not in PROBES_ONLY for spot in bad):
        return _data_centres(view, bad)
    rows = rows_about(state, view, bad)
    located = locate(rows, certain=True)
    finding = (_early if early else _servers)(state, view, bad)
    if finding is not None:
        return reasoned(finding, located, rows)
    finding, cause = _inferred(state, view, bad, located, rows)
    if cause is not None and cause.place.kind in WHOLE and cause.passed:
        narrower = alike(rows, bad)
        nearer, part = _inferred(state, view, bad, closer := locate(narrower, certain=True), narrower)
        if part is not None and (part.place.kind in PARTS or cause.place.kind == "application"):
            return reasoned(nearer, closer, narrower, part)
    return reasoned(finding, located, rows, cause)


def _data_centres(view: View, bad: list[Spot]) -> Finding:
    passing = {
        name
        for spot in bad
        for name, vote in spot.key.votes.items()
        if vote.reason is None and vote.counts and (probe := view.probe(name)) is not None and probe.access
    }
    domain = FaultDomain(kind="network", name=DATA_CENTRES, certain=bool(passing))
    well = f"{len(passing)} probe{'s' * (len(passing) != 1)} on lines as users have get through" if passing else ""
    because = ("only probes in data centres are refused", well or "nobody outside of data centres was asked")
    return Finding(domain=domain, spots=tuple(bad), because=because)


def _inferred(
    state: State, view: View, bad: list[Spot], located: Located, rows: list[Row]
) -> tuple[Finding, Cause | None]:
    """The likeliest place that the failing subjects are at, and its cause. What a probe or a network alone explains did
    not bring the quorum about that made them fail."""
    places = [(spot, stands_at(state, spot)) for spot in sample(bad)]
    for cause in located.causes:
        spots = [spot for spot, at in places if cause.place in at]
        if spots and cause.place.kind not in ("vantage", "network"):
            finding = _at(state, view, cause, spots, bad, rows)
            return finding, cause if finding.domain.kind != "zone" or finding.domain.name == cause.place.name else None
    zone = _common_zone([spot for spot in bad if spot.zones])
    if zone and all(spot.zones for spot in bad):
        return _finding("zone", zone, bad, certain=False), None
    return _finding("endpoint", _most(spot.host for spot in bad), bad, certain=False), None


def _at(state: State, view: View, cause: Cause, spots: list[Spot], bad: list[Spot], rows: list[Row]) -> Finding:
    kind, name = cause.place
    if kind == "operator" and any(spot.server for spot in spots):
        own = [spot for spot in spots if spot.server]
        every = {spot.host for spot in _spots(state, view, is_server) if spot.operator == name}
        hosts = {spot.host for spot in own}
        return _finding("operator", name, own, certain=False, failing=len(hosts), of=len(every | hosts))
    named = [spot for spot in bad if spot.zones]
    if kind == "zone" and len(spots) < len(sample(named)):
        return _finding("zone", _common_zone(named), named, certain=False)
    if kind in DOMAINS:
        return _finding(kind, name, spots)
    fronts = [spot for spot in bad if not spot.check.of_dns and spot.ip] or bad  # all that a host serves there
    known = kind == "endpoint" and any(spot.host == name for spot in fronts)
    host = name if known else _most(spot.host for spot in fronts)
    fronts = sorted(fronts, key=lambda spot: spot.host != host)
    whole = len({spot.host for spot in fronts}) == 1 and not well_in_part(alike(rows, bad), host)
    return _finding("endpoint", host, fronts, certain=whole)


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


def _common_zone(spots: list[Spot]) -> str:
    """The longest zone that most of them hang on."""
    counts = Counter(zone for spot in spots for zone in spot.zones)
    return max(counts, key=lambda zone: (counts[zone], zone.count("."), zone), default="")


def _spots(state: State, view: View, fits: Callable[[Key, CheckView], bool]) -> list[Spot]:
    """Those of all the subjects that may bear on it."""
    found = []
    for name, key in state.keys.items():
        check = view.checks.get(key.check)
        if check is not None and not check.member and key.target in check.targets and fits(key, check):
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
