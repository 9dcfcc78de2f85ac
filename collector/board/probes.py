"""Probes as people see them.

Times are wall clock, ns since the Unix epoch, UTC.
"""

from typing import Literal

import msgspec

ProbeState = Literal["healthy", "unhealthy", "silent", "unknown"]
"""`unknown`: in the plan, and never heard."""


class ProbeBoard(msgspec.Struct, frozen=True, kw_only=True):
    """A probe. Spans are seconds; None where nothing is known."""

    id: str
    state: ProbeState
    since: int
    why: str
    region: str = ""
    provider: str = ""
    asn: int | None = None
    location: tuple[float, float] | None = None
    """Latitude and longitude, degrees."""
    network: str = ""
    """data-centre or access."""
    heard_at: int | None = None
    lag_s: float | None = None
    """From the cut of its last batch to the batch's arrival."""
    clock_offset_s: float | None = None
    agent: str = ""
    plan: str = ""
    lacks: dict[str, str] = {}
    """What it lacks, by word (ipv4, ipv6, direct_dns, dot; certificate): why."""
    not_run: dict[str, int] = {}
    """By word, runs of checks that need it, which it therefore did not begin since its start."""
