"""Who is on the virtual internet: every host with its sites and services, wired together."""

from collections.abc import Mapping

import trio

from lab import addresses, places, zones
from lab.dns_host import DnsService, authority
from lab.effects import Effect
from lab.front_end import FrontEnd
from lab.internet import Conditions, Edge, Host, Reach, Site, StreamService, Visit
from lab.places import Place
from lab.records import Answer, Question
from lab.resolver import Ask, Resolver
from lab.zone import Zone, authoritative_answer

HTTP, HTTPS = 80, 443
ANYCAST_SITES = {"fra": places.FRANKFURT, "iad": places.ASHBURN, "sin": places.SINGAPORE}
RESOLVER_SITES = {
    "resolver-1": {"iad": places.ASHBURN, "fra": places.FRANKFURT, "sin": places.SINGAPORE},
    "resolver-2": {"sjc": places.SAN_JOSE, "lon": places.LONDON, "nrt": places.TOKYO},
}
"""Anycast, as public resolvers are, and each site with a cache of its own."""
_CACHES = [(resolver, site) for resolver, sites in RESOLVER_SITES.items() for site in sites]
AGES = {cache: place / len(_CACHES) for place, cache in enumerate(_CACHES)}
"""Spread, so that caches run out one after the other."""
OWN_RESOLVER = "resolver-1"
"""Says what its cache holds to those who ask without recursion, as an owner's own may."""
REGIONS = {"us-east": places.ASHBURN, "eu-west": places.DUBLIN}
_SERVER_PLACES = (places.ASHBURN, places.LONDON, places.CHICAGO)
_CONTROL_PLACES = (places.SAN_JOSE, places.AMSTERDAM, places.SINGAPORE)

_HOSTED: tuple[tuple[dict[str, str], tuple[Zone, ...]], ...] = (
    (addresses.PARENT, (zones.PARENT,)),
    (addresses.DNS_A, (zones.VENDOR_AT_A, zones.OPERATOR_A)),
    (addresses.DNS_A_V6, (zones.VENDOR_AT_A, zones.OPERATOR_A)),
    (addresses.DNS_B, (zones.VENDOR_AT_B, zones.OPERATOR_B)),
    (addresses.DNS_B_V6, (zones.VENDOR_AT_B, zones.OPERATOR_B)),
    (addresses.CUSTOMER, (zones.CUSTOMER,)),
)
_ZONES_AT = {ip: held for servers, held in _HOSTED for ip in servers.values()}


def zones_at(ip: str, effect: Effect, edge: Edge = Edge()) -> tuple[Zone, ...]:  # noqa: B008 - frozen
    """What a name server serves while the world is like this; nothing where there is none."""
    held = _ZONES_AT.get(ip, ())
    if ip in effect.lame_servers:
        held = tuple(zone for zone in held if zone is not zones.VENDOR_AT_A)
    instead = {}
    if ip in effect.emptied_servers:
        instead[zones.VENDOR_AT_A] = zones.EMPTIED
    if effect.moved:
        instead[zones.PARENT] = zones.PARENT_MOVED
    if effect.repaired:
        instead[zones.VENDOR_AT_B] = zones.VENDOR_AT_B_WITH_MAIL
    return tuple(zones.with_edge(instead.get(zone, zone), edge.region, edge.epoch) for zone in held)


def build_hosts(conditions: Conditions, front_ends: Mapping[str, FrontEnd], seed: int) -> dict[str, Host]:
    """Every host that probes can reach, by address."""
    hosts = [*_name_servers(conditions), *_controls(), *_front_ends(front_ends)]
    servers = {host.ip: host for host in hosts}
    hosts += _resolvers(servers, conditions, seed)
    return {host.ip: host for host in hosts}


def _name_servers(conditions: Conditions) -> list[Host]:
    hosts = []
    for servers, _ in _HOSTED:
        for place, ip in zip((*_SERVER_PLACES, None), servers.values(), strict=False):
            sites = ANYCAST_SITES if ip == addresses.ANYCAST else {"": place or places.ASHBURN}
            hosts.append(Host(ip=ip, sites=tuple(_name_server(ip, conditions, *site) for site in sites.items())))
    return hosts


def _name_server(ip: str, conditions: Conditions, name: str, place: Place) -> Site:
    """An anycast server says its site to those who ask (NSID)."""
    service = DnsService(authority(lambda: zones_at(ip, conditions.now, conditions.edge)), nsid=name)
    return Site(name=name, place=place, datagrams=service.datagrams, streams=service.streams)


def _resolvers(servers: Mapping[str, Host], conditions: Conditions, seed: int) -> list[Host]:
    hosts = []
    for resolver, ip in addresses.RESOLVERS.items():
        sites = []
        for name, place in RESOLVER_SITES[resolver].items():
            ask = asking(place, servers, conditions, f"{seed}/{resolver}/{name}")
            own = Resolver(ask, tuple(addresses.PARENT.values()), age=AGES[resolver, name])
            peek = own.peek if resolver == OWN_RESOLVER else None
            service = DnsService(own.answer, recursive=True, nsid=f"{name}.{resolver}", peek=peek)
            sites.append(Site(name=name, place=place, datagrams=service.datagrams, streams=service.streams))
        hosts.append(Host(ip=ip, sites=tuple(sites)))
    return hosts


def asking(place: Place, servers: Mapping[str, Host], conditions: Conditions, seed: str) -> Ask:
    """How a resolver at a place asks name servers: over the same distances, and into the same dark, as the probes."""
    reached = {ip: Reach(place, host, conditions, f"{seed}/{ip}") for ip, host in servers.items()}

    async def ask(ip: str, question: Question) -> Answer:
        if ip not in reached:
            await trio.sleep_forever()
        for _ in range(2):  # there and back
            await trio.sleep(reached[ip].delay_s())
            if not reached[ip].answers:
                await trio.sleep_forever()
        return authoritative_answer(zones_at(ip, conditions.now, conditions.edge), question)

    return ask


def _controls() -> list[Host]:
    """Hosts that others run: they take a connection and say nothing."""
    streams: dict[int, StreamService] = {53: _hold, HTTPS: _hold}
    hosts = [
        Host(ip=ip, sites=(Site(name="", place=place, streams=streams),))
        for ip, place in zip(addresses.CONTROL, _CONTROL_PLACES, strict=True)
    ]
    return [*hosts, Host(ip=addresses.CONTROL_V6, sites=(Site(name="", place=places.AMSTERDAM, streams=streams),))]


HOLD_S = 30.0


async def _hold(visit: Visit, stream: trio.abc.Stream) -> None:
    with trio.move_on_after(HOLD_S):
        while await stream.receive_some():
            pass


def _front_ends(front_ends: Mapping[str, FrontEnd]) -> list[Host]:
    hosts = []
    for region, front_end in front_ends.items():
        streams: dict[int, StreamService] = {HTTP: front_end.serve_plain, HTTPS: front_end.serve_tls}
        site = Site(name="", place=REGIONS[region], streams=streams)
        for ip in (addresses.FRONT_ENDS_V4[region], addresses.FRONT_ENDS_V6[region]):
            hosts.append(Host(ip=ip, sites=(site,)))
    return hosts
