"""Where everything of the lab stands, and how long a packet takes between two places. Pure.

Eight probes in eight regions, in six data centres of four providers and on two access lines; AS numbers are those kept
for documentation (RFC 5398). Distances are along the great circle.
"""

import math
from typing import Literal

import msgspec

from parallax.values import Family

EARTH_KM = 6371.0
FIBRE_KM_PER_S = 299_792.458 * 2 / 3
"""Light in glass."""
DETOUR = 1.3
"""Cables don't follow the great circle."""
EQUIPMENT_S = 0.001


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """A spot on the earth, degrees."""

    latitude: float
    longitude: float


class ProbePlace(Place, frozen=True, kw_only=True):
    """Where a probe stands, as the lab's plan has it."""

    id: str
    region: str
    provider: str
    asn: int
    network: Literal["data-centre", "access"] = "data-centre"
    families: tuple[Family, ...] = (4,)


PROBES: tuple[ProbePlace, ...] = (
    ProbePlace(
        id="iad1",
        region="us-east",
        provider="cumulus",
        asn=64496,
        latitude=39.04,
        longitude=-77.49,
        families=(4, 6),
    ),
    ProbePlace(id="pdx1", region="us-west", provider="stratus", asn=64497, latitude=45.59, longitude=-122.6),
    ProbePlace(
        id="gru1",
        region="sao-paulo",
        provider="fibra-casa",
        asn=64501,
        network="access",
        latitude=-23.55,
        longitude=-46.63,
    ),
    ProbePlace(
        id="lon1",
        region="london",
        provider="home-line",
        asn=64500,
        network="access",
        latitude=51.51,
        longitude=-0.13,
        families=(4, 6),
    ),
    ProbePlace(
        id="fra1", region="frankfurt", provider="nimbus", asn=64498, latitude=50.11, longitude=8.68, families=(4, 6)
    ),
    ProbePlace(id="bom1", region="mumbai", provider="cirrus", asn=64499, latitude=19.08, longitude=72.88),
    ProbePlace(id="sin1", region="singapore", provider="cumulus", asn=64496, latitude=1.35, longitude=103.82),
    ProbePlace(
        id="nrt1", region="tokyo", provider="stratus", asn=64497, latitude=35.77, longitude=140.39, families=(4, 6)
    ),
)

ASHBURN = Place(latitude=39.04, longitude=-77.49)
CHICAGO = Place(latitude=41.88, longitude=-87.63)
SAN_JOSE = Place(latitude=37.34, longitude=-121.89)
AMSTERDAM = Place(latitude=52.37, longitude=4.9)
DUBLIN = Place(latitude=53.35, longitude=-6.26)
LONDON = Place(latitude=51.51, longitude=-0.13)
FRANKFURT = Place(latitude=50.11, longitude=8.68)
SINGAPORE = Place(latitude=1.35, longitude=103.82)
TOKYO = Place(latitude=35.77, longitude=140.39)


def distance_km(a: Place, b: Place) -> float:
    """Along the great circle (haversine)."""
    phi_a, phi_b = math.radians(a.latitude), math.radians(b.latitude)
    half_phi = (phi_b - phi_a) / 2
    half_lambda = math.radians(b.longitude - a.longitude) / 2
    h = math.sin(half_phi) ** 2 + math.cos(phi_a) * math.cos(phi_b) * math.sin(half_lambda) ** 2
    return 2 * EARTH_KM * math.asin(math.sqrt(min(1.0, h)))


def one_way_s(a: Place, b: Place) -> float:
    """How long a packet takes from one place to another, seconds, without jitter."""
    return distance_km(a, b) / FIBRE_KM_PER_S * DETOUR + EQUIPMENT_S
