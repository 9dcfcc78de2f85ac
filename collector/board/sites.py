"""Anycast sites as people see them.

Times are wall clock, ns since the Unix epoch, UTC.
"""

from typing import Literal

import msgspec


class SiteBoard(msgspec.Struct, frozen=True, kw_only=True):
    """A site of an anycast address, and who reaches it. `rtt_ns` is the median over its probes."""

    name: str
    probes: tuple[str, ...]
    rtt_ns: int | None = None
    location: tuple[float, float] | None = None
    """Latitude and longitude, degrees; None where nobody said."""


class Caught(msgspec.Struct, frozen=True, kw_only=True):
    """One probe's site of an address."""

    probe: str
    site: str
    since: int
    rtt_ns: int | None = None
    changes: int = 0
    """In the last 24 h."""
    remote: bool = False
    """Far from the nearest known site, and slow for it."""
    flip_share: float | None = None
    """The share of the last ten minutes' answers that came from other sites, 0 to 1; None of fewer than eight."""
    further_km: float | None = None
    """How much further its site is than the nearest known one; None where the plan does not place both."""
    slower_ns: int | None = None
    """How much longer its round trip is than the nearest one's could be."""


class CatchmentBoard(msgspec.Struct, frozen=True, kw_only=True):
    """An address and the sites that answer for it. Anycast where the speed of light says so, or several sites do;
    `unicast_consistent` is not unicast."""

    address: str
    server: str
    operator: str
    family: int
    verdict: Literal["anycast", "unicast_consistent", "unknown"]
    why: str = ""
    sites: tuple[SiteBoard, ...] = ()
    caught: tuple[Caught, ...] = ()
