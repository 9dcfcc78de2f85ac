"""What one collector tells the other, each time that it is asked: GET /v1/peer.

Plain values, as they are kept in `inputs` too. Fields are only ever added, with a default.
"""

from typing import Literal

import msgspec

PeerRole = Literal["", "first", "second"]
"""Empty: there is no other collector."""
MOST_ALERTS = 300
MOST_MEMBERS = 50
MOST_OCTETS = 2_000_000
"""Of a word as JSON."""


class PeerAlert(msgspec.Struct, frozen=True, kw_only=True):
    """An alert that is open and that people were told of, with what it is known by at another collector."""

    key: str
    """The key within the collector that says it."""
    sort: str
    """incident, risk, failover, readiness."""
    title: str = ""
    components: tuple[str, ...] = ()
    domain: str = ""
    """The fault domain: "operator dns-a"."""
    members: tuple[tuple[str, str], ...] = ()
    """Check and target of each subject; bounded."""
    told_as: dict[str, tuple[str, ...]] = {}
    """By the key that people know it under: the receivers that were told. Several only where both paged at a time."""
    told_at: int = 0
    """When it was first told, ns since the Unix epoch."""


class PeerGroup(msgspec.Struct, frozen=True, kw_only=True):
    """A failover group as it is seen there."""

    name: str
    serving: str = ""
    epoch: int = 0
    standings: dict[str, str] = {}
    """By member: up, degraded, down, unknown."""


class PeerWord(msgspec.Struct, frozen=True, kw_only=True):
    """How a collector stands."""

    role: PeerRole = ""
    position: int = 0
    """The last record of its inputs that it has taken."""
    at: int = 0
    """The moment of that record, by its own clock."""
    echo: int = 0
    """The moment of the asker's last word that it has taken, by the asker's clock."""
    ready: bool = False
    """It knows a plan, and what it concludes is of now."""
    in_charge: bool = False
    led_at: int = 0
    """When it was last in charge, by its own clock: who was later knows what people were told."""
    alerts: tuple[PeerAlert, ...] = ()
    groups: tuple[PeerGroup, ...] = ()
