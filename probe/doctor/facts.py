"""What was found out about a host, as plain values. Whatever was not asked is left at its default: nobody knows."""

import msgspec

from parallax.values import Family
from probe.clocks import ClockSync


class Exchanged(msgspec.Struct, frozen=True, kw_only=True):
    """One DNS exchange: `outcome` "ok" or a failure word (probe.dns.client.Asked), and what the answer had."""

    server: str
    outcome: str
    transport: str = "udp"
    nsid: bool = False
    edns: bool = False
    size: int = 0
    """Octets of the answer over UDP."""
    truncated: bool = False

    @property
    def family(self) -> Family:
        return 6 if self.server.startswith("[") else 4


class OfFamily(msgspec.Struct, frozen=True, kw_only=True):
    """One address family. `local` is the address that packets leave from, "" without a route."""

    local: str = ""
    controls: int = 0
    answered: int = 0
    nowhere: tuple[Exchanged, ...] = ()
    """What came of asking an address at which nobody is (RFC 5737, RFC 3849), over UDP and over TCP."""
    roots: tuple[Exchanged, ...] = ()
    """A few root servers, asked directly."""


class Dialled(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a host takes TCP connections at a port, and at others. None: it was not allowed, or not asked."""

    address: str
    port: int
    answered: bool | None
    elsewhere: bool | None = None
    """Whether it answers at another port of the same address."""


class AtCollector(msgspec.Struct, frozen=True, kw_only=True):
    """One collector of the config. `word` is "" where it knew this probe; else a failure word or its status."""

    url: str
    dialled: str
    word: str = ""
    detail: str = ""
    probe: str = ""
    peer: str = ""
    """The address that it saw."""
    offset_s: float | None = None
    """Its clock minus ours, wrong by half the round trip at most."""
    certificate_s: float | None = None
    """How long this probe's client certificate still holds, less than 0 once it has expired; None without one."""


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """All of it."""

    id: str = ""
    families: dict[Family, OfFamily] = {}
    wanted: tuple[Family, ...] = (4, 6)
    """What the plan says of this probe."""
    planned: bool = False
    """Whether a plan is known."""
    resolvers: tuple[str, ...] = ()
    """Whom this host asks for names."""
    from_config: bool = False
    """They are the config's own, not those of /etc/resolv.conf."""
    asked: tuple[Exchanged, ...] = ()
    """What they said when asked for the root, with EDNS and signatures."""
    nat64: tuple[str, ...] | None = None
    """Prefixes under which IPv4 is reached by IPv6 (RFC 7050); None where no resolver said."""
    ports: tuple[Dialled, ...] = ()
    clock: ClockSync = ClockSync()
    collectors: tuple[AtCollector, ...] = ()
    targets: dict[str, tuple[str, ...]] = {}
    """By host of the plan's targets, its addresses."""
    asn: int | None = None
    watched: tuple[str, ...] = ()
    """Zones and names whose DNS the plan watches."""
    receivers: dict[str, str] | None = None
    """By receiver whose host is looked up when it is told: that host. None where the whole plan is not known here."""
