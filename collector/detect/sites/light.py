"""What the speed of light says of where an answer can have come from. Pure.

An answer that took a round trip of r ms came from within 98.62 r km: light in fibre goes at c/1.52, and there and back.
Two probes whose discs do not meet were answered from two places: the address is anycast. Of several such discs, the
largest set of which no two meet says how many sites there are at least; a greedy choice by rising radius finds nearly
all of it (D. Cicalese et al., "Latency-Based Anycast Geolocation: Algorithms, Software, and Data Sets", IEEE JSAC
34(6), 2016). Wrong places of probes are the one thing that makes it lie.
"""

import math
from collections.abc import Sequence
from functools import lru_cache

import msgspec

KM_A_MS = 98.62
SLACK_KM = 50.0
"""Probes are placed by city."""
EARTH_KM = 6371.0088
"""The mean radius (IUGG)."""

Place = tuple[float, float]
"""Latitude and longitude, degrees."""


class Disc(msgspec.Struct, frozen=True, kw_only=True):
    """Where the answer to one probe can have come from."""

    probe: str
    place: Place
    rtt_ns: int

    @property
    def km(self) -> float:
        return reach_km(self.rtt_ns)


class Witness(msgspec.Struct, frozen=True, kw_only=True):
    """Two probes that one place cannot have answered, how far apart they are, and how far their discs are from one
    another."""

    one: str
    other: str
    km: float
    gap_km: float


def reach_km(rtt_ns: int) -> float:
    """How far away an answer can have come from."""
    return rtt_ns / 1_000_000 * KM_A_MS


@lru_cache(maxsize=8192)
def distance_km(one: Place, other: Place) -> float:
    """Along the great circle, by the haversine formula: exact enough for near and for opposite places, and the same
    across the antimeridian and the poles (R. W. Sinnott, "Virtues of the Haversine", Sky and Telescope 68, 1984)."""
    (north_a, east_a), (north_b, east_b) = one, other
    half_north = math.radians(north_b - north_a) / 2
    half_east = math.radians(east_b - east_a) / 2
    shared = math.cos(math.radians(north_a)) * math.cos(math.radians(north_b))
    chord = math.sin(half_north) ** 2 + shared * math.sin(half_east) ** 2
    return 2 * EARTH_KM * math.asin(min(1.0, math.sqrt(chord)))


def apart(one: Disc, other: Disc) -> bool:
    """Whether no one place can have answered both."""
    return distance_km(one.place, other.place) > one.km + other.km + SLACK_KM


def witnesses(discs: Sequence[Disc]) -> list[Witness]:
    """Every pair that no one place can have answered, the clearest first."""
    found = []
    for number, one in enumerate(discs):
        for other in discs[number + 1 :]:
            if apart(one, other):
                km = distance_km(one.place, other.place)
                found.append(Witness(one=one.probe, other=other.probe, km=km, gap_km=km - one.km - other.km))
    return sorted(found, key=lambda pair: (-pair.gap_km, pair.one, pair.other))


def sites_at_least(discs: Sequence[Disc]) -> list[Disc]:
    """Discs of which no two meet, the smallest first: each holds a site of its own."""
    chosen: list[Disc] = []
    for disc in sorted(discs, key=lambda each: (each.rtt_ns, each.probe)):
        if all(apart(disc, other) for other in chosen):
            chosen.append(disc)
    if len(chosen) < 2:  # the smallest disc may meet two that do not meet one another
        pair = next(((one, other) for n, one in enumerate(discs) for other in discs[n + 1 :] if apart(one, other)), ())
        return list(pair) or chosen
    return chosen
