"""The virtual internet: hosts with documentation addresses at sites, and what a packet meets on its way to one.

A host has one site, or several under one address (anycast): a client reaches the nearest one, and goes on doing so
while that site is dark, as a site that is still announced draws its catchment's packets whether it answers or not.
"""

from collections.abc import Awaitable, Callable, Mapping
from random import Random
from typing import Protocol

import msgspec
import trio

from lab.effects import NOTHING, Effect
from lab.places import Place, ProbePlace, distance_km, one_way_s

JITTER = 0.04
"""The mean of what a packet takes longer, as a share of its way; never less."""
LEAST_JITTER_S = 0.0001


class Visit(msgspec.Struct, frozen=True, kw_only=True):
    """Who a service talks with: None is somebody outside of the lab's probes."""

    client: ProbePlace | None


DatagramService = Callable[[Visit, bytes], Awaitable[bytes | None]]
"""A datagram to the answer; None is silence."""
StreamService = Callable[[Visit, trio.abc.Stream], Awaitable[None]]
"""Serves one connection; the caller closes the stream."""


class Site(msgspec.Struct, frozen=True, kw_only=True):
    """One place where a host's services run."""

    name: str
    place: Place
    datagrams: Mapping[int, DatagramService] = {}
    """By port."""
    streams: Mapping[int, StreamService] = {}


class Host(msgspec.Struct, frozen=True, kw_only=True):
    """An address and its sites."""

    ip: str
    sites: tuple[Site, ...]

    def site_for(self, client: Place, withdrawn: frozenset[tuple[str, str]] = frozenset()) -> Site:
        """The one whose announcement the client's packets follow: the nearest that is announced."""
        announced = [site for site in self.sites if (self.ip, site.name) not in withdrawn]
        return min(announced or self.sites, key=lambda site: distance_km(client, site.place))


class Edge(msgspec.Struct, frozen=True, kw_only=True):
    """Which region the edge's name leads to, by the command of which epoch."""

    region: str = "us-east"
    epoch: int = 0


class Conditions:
    """What is wrong with the world now, and what its owner has switched; one object that everything in it looks at."""

    def __init__(self) -> None:
        self.now: Effect = NOTHING
        self.edge = Edge()

    def answers(self, host: Host, site: Site) -> bool:
        """Whether packets to this site of the host are answered."""
        return host.ip not in self.now.dark_addresses and (host.ip, site.name) not in self.now.dark_sites

    def has_uplink(self, probe: str) -> bool:
        return probe not in self.now.dark_uplinks


class Delaying(Protocol):
    """What holds packets back."""

    def delay_s(self) -> float:
        """One way, seconds; another each time."""


class Way:
    """The way between two places: a delay for each packet, with seeded jitter."""

    def __init__(self, a: Place, b: Place, seed: str) -> None:
        self.one_way_s = one_way_s(a, b)
        self._random = Random(seed)  # noqa: S311 - reproducible, nothing to keep secret

    def delay_s(self) -> float:
        mean_s = max(LEAST_JITTER_S, self.one_way_s * JITTER)
        return self.one_way_s + min(self._random.expovariate(1 / mean_s), 10 * mean_s)


class Reach:
    """One client's way to a host: at each packet to the site that its announcement leads to then."""

    def __init__(self, client: Place, host: Host, conditions: Conditions, seed: str) -> None:
        self._client, self._host, self._conditions = client, host, conditions
        self._ways = {site.name: Way(client, site.place, seed) for site in host.sites}

    @property
    def site(self) -> Site:
        return self._host.site_for(self._client, self._conditions.now.withdrawn_sites)

    @property
    def answers(self) -> bool:
        return self._conditions.answers(self._host, self.site)

    def delay_s(self) -> float:
        return self._ways[self.site.name].delay_s()

    def datagrams(self, port: int) -> DatagramService:
        """What is there on a UDP port."""

        async def serve(visit: Visit, wire: bytes) -> bytes | None:
            return await self.site.datagrams[port](visit, wire)

        return serve

    def streams(self, port: int) -> StreamService:
        """What is there on a TCP port."""

        async def serve(visit: Visit, stream: trio.abc.Stream) -> None:
            await self.site.streams[port](visit, stream)

        return serve
