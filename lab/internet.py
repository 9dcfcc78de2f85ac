"""The virtual internet: hosts with documentation addresses at sites, and what a packet meets on its way to one.

A host has one site, or several under one address (anycast): a client reaches the nearest one, and goes on doing so
while that site is dark, as a site that is still announced draws its catchment's packets whether it answers or not.
"""

from collections.abc import Awaitable, Callable, Mapping
from random import Random

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

    def site_for(self, client: Place) -> Site:
        """The one whose announcement the client's packets follow: the nearest."""
        return min(self.sites, key=lambda site: distance_km(client, site.place))


class Conditions:
    """What is wrong with the world now; one object that everything in it looks at."""

    def __init__(self) -> None:
        self.now: Effect = NOTHING

    def answers(self, host: Host, site: Site) -> bool:
        """Whether packets to this site of the host are answered."""
        return host.ip not in self.now.dark_addresses and (host.ip, site.name) not in self.now.dark_sites

    def has_uplink(self, probe: str) -> bool:
        return probe not in self.now.dark_uplinks


class Way:
    """The way between two places: a delay for each packet, with seeded jitter."""

    def __init__(self, a: Place, b: Place, seed: str) -> None:
        self.one_way_s = one_way_s(a, b)
        self._random = Random(seed)  # noqa: S311 - reproducible, nothing to keep secret

    def delay_s(self) -> float:
        mean_s = max(LEAST_JITTER_S, self.one_way_s * JITTER)
        return self.one_way_s + min(self._random.expovariate(1 / mean_s), 10 * mean_s)
