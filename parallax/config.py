"""Config: how one program runs on its host. Only the host's owner writes it. TOML, strict, complete at load."""

import msgspec

from parallax.plan.types import ConnectTo, Control
from parallax.values import Address, Cidr, Duration, Size, Url


class Tls(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The certificate of the collector's listener, PEM files."""

    certificate: str
    key: str


class CollectorLimits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Bounds of what the collector keeps."""

    inputs_size: Size = Size(8_000_000_000)
    inputs_age: Duration = Duration(14 * 86400)
    ballast: Size = Size(16_000_000)


class ProbeLimits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Bounds of what the probe keeps."""

    spool_size: Size = Size(256_000_000)
    spool_age: Duration = Duration(7 * 86400)
    ballast: Size = Size(4_000_000)


class CollectorConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """collector.toml."""

    state: str
    """The folder for everything that must survive a restart."""
    plan: str
    """The plan: one file, or a folder of *.toml."""
    listen: Address = Address("127.0.0.1:8600")
    """Loopback unless said otherwise; another address needs [tls]."""
    tls: Tls | None = None
    limits: CollectorLimits = CollectorLimits()


class CollectorAddress(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A collector that the probe ships to. Several are shipped to at once, each with its own cursor."""

    url: Url
    """https://..., or http:// on loopback only."""
    token: str
    """Where the token is: file:PATH, env:NAME or credential:NAME (systemd); never the token itself."""
    address: Address | None = None
    """The address to dial, so that shipping does not depend on the DNS that is watched; needed unless the URL has one."""
    ca: str | None = None
    """A PEM file with the CA of the collector's certificate, beside the host's trust store."""


class ProbeConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """probe.toml."""

    id: str
    """As in the plan's [[probe]]."""
    state: str
    """The folder for the spool and the last good plan."""
    collector: list[CollectorAddress]
    allow: list[Cidr] = []
    """Networks that this probe may dial though they are not public (private, link-local, loopback, metadata)."""
    resolvers: list[Address] = []
    """Whom to ask for targets' addresses; the host's /etc/resolv.conf if left out."""
    ca: str | None = None
    """A PEM file with CAs that checks trust beside the host's trust store."""
    connect_to: list[ConnectTo] = []
    """As in the plan, for this probe only; wins over the plan's."""
    control: Control | None = None
    """As in the plan, for this probe only; instead of the plan's."""
    limits: ProbeLimits = ProbeLimits()
