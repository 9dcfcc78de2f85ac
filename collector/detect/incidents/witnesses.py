"""What the probes' words say of places: a row for each set of places that results passed through. Pure.

Passes matter as much as failures: a place that still lets results through is acquitted. Only words that count and that
were measured since the trouble began are taken, whatever they are on; what is another incident's is left to that one.
A name that a cache gives acquits its zone, which does not hurt anyone there, but not who serves it.
"""

from collections.abc import Mapping
from typing import Any

from collector.detect.dns.zones import hosted_by, zone_among
from collector.detect.places import RESOLVER_DOWN, Spot, asked_names, is_resolver, is_server, shown_to, zones_of
from collector.detect.state import Key, State
from collector.detect.verdicts.flows import vote_fresh_ns
from collector.detect.view import CheckView, View, ip_of
from collector.locate import Place, Row
from collector.locate.rows import rows_of

MAX_BAD, MAX_NEAR, MAX_FAR = 150, 150, 150
"""Subjects that are looked at, spread evenly over all there are: those that fail, those beside them, and all others.
More of them say nothing new."""
HOPS = ("dns_hop_dark", "dns_hop_lame")
"""Hops of a chain that none of their servers answers for."""
UNLOCATED = ("dns.parity",)
"""Comparisons: what they find is at no place that users pass."""


def rows_about(state: State, view: View, bad: list[Spot]) -> list[Row]:
    """Who failed and who passed since these began to fail, at them and elsewhere."""
    begun = min(spot.key.since for spot in bad)
    near, far = _others(state, view, bad, begun)
    counts: dict[frozenset[Place], dict[frozenset[Place], list[int]]] = {}
    heard = _heard(state, view)
    hosted = hosted_by(state.zones, view)
    seen = sample(bad)
    refused = {vote.fault == "blocked" for s in seen for vote in s.key.votes.values() if vote.reason and vote.counts}
    names = [*(spot.name for spot in seen), *_spread(near, MAX_NEAR), *_spread(far, MAX_FAR)]
    for name in names:
        key = state.keys[name]
        check = view.checks.get(key.check)
        if check is None or key.target not in check.targets or check.kind in UNLOCATED:
            continue
        failing, passing = _places(state, check, key, hosted)
        usual_ns = vote_fresh_ns(check, key.subject, 0)
        ways: dict[tuple[bool, str, str, str], frozenset[Place]] = {}  # most probes go the same
        for probe, vote in key.votes.items():
            who = heard.get(probe)
            if vote.at < begun or who is None or not vote.counts or vote.unreached:
                continue
            fresh_ns = vote_fresh_ns(check, key.subject, vote.every_ns) if vote.every_ns else usual_ns
            if vote.at + fresh_ns < state.now:
                continue
            passes = vote.reason is None
            if not passes and (vote.fault == "blocked") not in refused:
                continue  # refusals are another matter than failures
            site, shown = vote.site if vote.site and key.server else "", shown_to(vote)
            way = ways.get((passes, site, shown, vote.address))
            if way is None:
                at_site = (Place("site", site),) if site else ()
                gone_to = _at_address(state, vote.address) if vote.address else ()
                by = (Place("certificate", shown),) if shown else ()
                way = frozenset((*at_site, *by, *gone_to, *(passing if passes else failing)))
                ways[passes, site, shown, vote.address] = way
            counts.setdefault(way, {}).setdefault(who, [0, 0])[passes] += 1
    return rows_of(counts)


def alike(rows: list[Row], bad: list[Spot]) -> list[Row]:
    """Of these, the words of the checks that fail. A region whose sign-in is broken still shakes hands: what passes
    there by another check acquits it of that, and of nothing else."""
    failing = {Place("application", spot.check.name) for spot in bad}
    return [row for row in rows if not failing.isdisjoint(row.places)]


def well_in_part(rows: list[Row], host: str) -> bool:
    """Whether an address of the host lets everything through."""
    failed: dict[Place, int] = {}
    for row in rows:
        if Place("endpoint", host) in row.places:
            for place in row.places:
                if place.kind == "address":
                    failed[place] = failed.get(place, 0) + row.failed
    return 0 in failed.values()


def _others(state: State, view: View, bad: list[Spot], begun: int) -> tuple[list[str], list[str]]:
    """Subjects that were measured since: those that share a target, an operator, a zone or a resolver with what fails,
    and the rest. What is another incident's is not among them, nor what is addressed directly, where no user goes."""
    chosen, own = {spot.name for spot in bad}, {spot.key.incident for spot in bad}
    shared = {word for s in bad for word in (s.key.target, s.host, s.key.operator, s.key.zone, s.key.resolver) if word}
    direct = {check.name for check in view.checks.values() if check.member}
    near: list[str] = []
    far: list[str] = []
    for name, key in state.keys.items():
        if key.check in direct:
            continue
        if key.spoke_at < begun or name in chosen or (key.incident is not None and key.incident not in own):
            continue
        beside = not shared.isdisjoint((key.target, key.server, key.operator, key.zone, key.resolver))
        (near if beside else far).append(name)
    return near, far


def _heard(state: State, view: View) -> dict[str, frozenset[Place]]:
    """The probes whose words count, each with where it stands."""
    found = {}
    for probe, member in state.probes.items():
        if member.state != "silent" and not member.cloned_at:
            known = view.probe(probe)
            found[probe] = frozenset((Place("vantage", probe), Place("network", known.network if known else probe)))
    return found


def sample(bad: list[Spot]) -> list[Spot]:
    """Those of them that are looked at."""
    return _spread(bad, MAX_BAD)


def _spread(found: list[Any], most: int) -> list[Any]:
    return found if len(found) <= most else found[:: -(-len(found) // most)]


def stands_at(state: State, spot: Spot) -> frozenset[Place]:
    """The places that a failing subject is at itself; not who serves a name that others ask for."""
    failing, _ = _places(state, spot.check, spot.key, {})
    votes = spot.key.votes.values() if spot.check.of_steps else ()
    gone_to = {vote.address for vote in votes if vote.address and vote.reason is not None and vote.counts}
    places = [place for ip in gone_to for place in _at_address(state, ip)]
    places += [Place("certificate", certificate) for certificate in spot.certificates]
    return frozenset((*failing, *places, *(Place("site", site) for site in spot.sites)))


def _at_address(state: State, ip: str) -> tuple[Place, ...]:
    """Where a run went that chose one of a host's addresses."""
    region = state.regions.get(ip)
    at = (Place("address", ip), Place("family", "IPv6" if ":" in ip else "IPv4"))
    return (*at, Place("region", region)) if region else at


def _places(
    state: State, check: CheckView, key: Key, hosted: Mapping[str, frozenset[str]]
) -> tuple[tuple[Place, ...], tuple[Place, ...]]:
    """The places of a failure and of a pass."""
    ip = "" if key.lookup else key.address or ip_of(key.subject)
    at = (Place("address", ip), Place("family", "IPv6" if ":" in ip else "IPv4")) if ip else ()
    host = check.targets[key.target].host
    operator = (Place("operator", key.operator),) if key.operator else ()
    if is_server(key, check):
        zone = (Place("zone", key.zone),) if key.zone else ()
        server = (*zone, *operator, Place("name_server", key.server), *at)
        return server, server
    resolver = (Place("resolver", key.resolver),) if key.resolver else ()
    if is_resolver(key, check):
        if key.reason == RESOLVER_DOWN:  # its control name fails as well: no matter of any zone
            return resolver, resolver
        names = asked_names(key, check) | set(key.names)
        return (*resolver, *_zones(names), *_servers_of(names, hosted)), (*resolver, *_zones(names))
    if check.kind == "dns.chain":  # the hop that fails, not all that the chain leads through
        names = {key.zone or host}
        served = operator if key.reason in HOPS else () if operator else _servers_of(names, hosted)
        return (*resolver, *_zones(names), *served), resolver
    if check.of_dns:
        served = operator or _servers_of({host}, hosted)
        return (*resolver, *_zones({host}), *served), (*resolver, *_zones({host}), *operator)
    names = {host} | set(key.names)
    if key.lookup:
        return (*_zones(names), *_servers_of(names, hosted)), ()
    region = key.region or state.regions.get(ip)
    front = (Place("endpoint", host), *at, *((Place("region", region),) if region else ()))
    front = (*front, Place("application", check.name))
    if (key.reason or "").startswith(("dns_", "lookup_")) or _looking(key):
        return (*front, *_zones(names), *_servers_of(names, hosted)), front
    return front, front


def _looking(key: Key) -> bool:
    failing = [vote for vote in key.votes.values() if vote.reason is not None and vote.counts]
    return sum(vote.looking for vote in failing) * 2 > len(failing)


def _zones(names: set[str]) -> tuple[Place, ...]:
    return tuple(Place("zone", zone) for zone in sorted(zones_of(names)))


def _servers_of(names: set[str], hosted: Mapping[str, frozenset[str]]) -> tuple[Place, ...]:
    """Who serves the zones that the names are in."""
    zones = {zone_among(hosted, name) for name in names} - {""}
    return tuple(Place("operator", name) for name in sorted({each for zone in zones for each in hosted[zone]}))
