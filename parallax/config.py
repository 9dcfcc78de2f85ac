"""Config: how one program runs on its host. Only the host's owner writes it. TOML, strict, complete at load.

A relative path is relative to the folder of the config file; the loaded values have absolute paths.
"""

from typing import Annotated, Literal

import msgspec

from parallax.hook_config import Hook
from parallax.plan.types import ConnectTo, Control, ProbeId
from parallax.series_config import SeriesServer
from parallax.values import Address, Cidr, DnsName, Duration, Size, Url
from parallax.watch_config import Pager, PeerAddress


class Tls(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The certificate of the collector's listener, PEM files."""

    certificate: str
    """The chain that clients get, leaf first."""
    key: str
    """The leaf's private key, without a passphrase."""
    client_certificates: bool = False
    """Whether probes can have client certificates: the collector keeps a small CA in its state folder, signs what they
    ask for as they enrol, and takes the token of a probe that has come with one only beside it."""


class MailServer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A mail server of the collector's own, for sign-ins that wait for a code by mail. It takes mails of up to 256 kB
    for its own domains, keeps 1,000 of them for ten minutes at most, in memory, and sends none. It asks nobody for a
    password, as no mail exchanger does."""

    listen: Address = Address("127.0.0.1:2525")
    """Where it takes mail (SMTP). The domains' MX records lead here, by way of port 25."""
    domains: Annotated[list[DnsName], msgspec.Meta(min_length=1, max_length=20, description="at least one domain")]
    """The domains that it takes mail for; any name before the @ is an address."""
    resolvers: Annotated[list[Address], msgspec.Meta(max_length=5, description="5 resolvers at most")] = []
    """Whom to ask for the records that prove a mail (DKIM, SPF, DMARC). Without any, no mail is proven, and a step with
    `authenticated` cannot be taken."""


class CollectorLimits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Bounds of what the collector keeps."""

    inputs_size: Size = Size(8_000_000_000)
    """How large the journal of what came in may grow before the oldest goes."""
    inputs_age: Duration = Duration(14 * 86400)
    """How old a record of it may get."""
    events_size: Size = Size(1_000_000_000)
    """How large the journal of what was concluded may grow before the oldest goes."""
    events_age: Duration = Duration(400 * 86400)
    """How old a record of it may get."""
    raw_age: Duration = Duration(30 * 86400)
    """How long the history keeps every observation."""
    minutes_age: Duration = Duration(400 * 86400)
    """How long the history keeps figures by the minute, and incidents."""
    ballast: Size = Size(16_000_000)
    """A file of this size is given up when the disk is full, so that room can be made."""


class ProbeLimits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Bounds of what the probe keeps."""

    spool_size: Size = Size(256_000_000)
    """How large the spool may grow before the oldest goes."""
    spool_age: Duration = Duration(7 * 86400)
    """How old an observation in it may get."""
    ballast: Size = Size(4_000_000)
    """A file of this size is given up when the disk is full, so that room can be made."""


class CollectorConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """collector.toml."""

    state: str
    """The folder for everything that must survive a restart."""
    plan: str
    """The plan: one file, or a folder of *.toml."""
    listen: Address = Address("127.0.0.1:8600")
    """Loopback unless said otherwise; another address needs [tls]."""
    tls: Tls | None = None
    """The certificate of the listener; plain HTTP on loopback if left out."""
    page: Url | None = None
    """What people reach the page under: what alerts link to. Alerts have no link if left out."""
    charts: Url | None = None
    """What the whole Internet reaches `/chart/` of this collector under (https). Slack, Teams, PagerDuty and Grafana
    IRM fetch the chart of a message there, from an address that is signed and holds for a week; nothing else of the
    page needs to be let through. Their messages come without a chart if left out."""
    hosts: list[DnsName] = []
    """Names that browsers may ask for the page under, beside the listener's own address and localhost. They mean that a
    proxy stands in front, so under them the page needs a token, on loopback too."""
    secrets: dict[str, str] = {}
    """By the name that the plan uses (secret:NAME): where the secret is, file:PATH, env:NAME or credential:NAME."""
    allow: list[Cidr] = []
    """Networks that alerts may be delivered to though they are not public (private, link-local, loopback)."""
    ca: str | None = None
    """A PEM file with CAs that deliveries trust beside the host's trust store."""
    connect_to: list[ConnectTo] = []
    """As in the plan, for the deliveries of this collector."""
    resolvers: Annotated[list[Address], msgspec.Meta(max_length=5, description="5 resolvers at most")] = []
    """Whom to ask for the addresses of receivers, beside the host's own resolver: it may fail with the DNS that is
    watched."""
    mail: MailServer | None = None
    """A mail server for codes by mail; none if left out."""
    hook: Annotated[list[Hook], msgspec.Meta(max_length=50, description="50 hooks at most")] = []
    """Webhooks that are taken, for the steps `webhook` and `sms` of sign-ins."""
    series: Annotated[list[SeriesServer], msgspec.Meta(max_length=10, description="10 servers at most")] = []
    """Servers of time series that are written to."""
    detection: Literal["within", "apart"] = "within"
    """Where detection runs: within the collector, or apart, in a process of its own. That costs some 40 MB of memory,
    and leaves ingest, history and alerts a core: for fleets that send thousands of observations a second."""
    role: Literal["first", "second"] | None = None
    """Which of two collectors this is; only with [[peer]]. The first pages whenever it is alive, the second while
    nothing is heard of the first."""
    peer: Annotated[list[PeerAddress], msgspec.Meta(max_length=1, description="one peer at most")] = []
    """The other collector; none if left out."""
    limits: CollectorLimits = CollectorLimits()
    """Bounds of what the collector keeps."""


class CollectorAddress(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A collector that the probe ships to. Several are shipped to at once, each with its own cursor."""

    url: Url
    """https://..., or http:// on loopback only."""
    token: str
    """Where the token is: file:PATH, env:NAME or credential:NAME (systemd); never the token itself."""
    address: Address | None = None
    """What to dial, so that shipping does not need the DNS that is watched; left out if the URL has an address."""
    ca: str | None = None
    """A PEM file with the CA of the collector's certificate, beside the host's trust store."""
    certificate: str | None = None
    """Where this probe's client certificate and its key are, in one PEM file: file:PATH or credential:NAME. For a
    collector that asks for one."""


HostPattern = Annotated[
    str,
    msgspec.Meta(
        pattern=r"(\*\.)?[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63}){0,10}|[0-9.]{7,15}|\[[0-9a-f:.]{2,45}\]",
        description='a host in lower case, like "sso.example.com", or "*.example.com" for every host below',
    ),
]


class BoundSecret(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a secret is, and where it may go. No plan can widen that."""

    source: str = msgspec.field(name="from")
    """Where it is: file:PATH, env:NAME or credential:NAME (systemd); never the secret itself."""
    hosts: Annotated[list[HostPattern], msgspec.Meta(min_length=1, max_length=50, description="at least one host")]
    """The hosts that it may be sent to, over TLS."""


class ProbeConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """probe.toml."""

    id: ProbeId
    """As in the plan's [[probe]]."""
    state: str
    """The folder for the spool and the last good plan."""
    collector: Annotated[list[CollectorAddress], msgspec.Meta(min_length=1, description="at least one [[collector]]")]
    """The collectors that it ships to."""
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
    metrics: Address | None = None
    """A loopback address and port at which `GET /metrics` says how the probe is, for Prometheus (OpenMetrics); nowhere
    if left out."""
    secrets: dict[str, BoundSecret] = {}
    """By the name that the plan uses (secret:NAME): where the secret is, and the hosts that it may be sent to."""
    pager: Pager | None = None
    """Whom to page when no collector can be reached; nobody if left out."""
    limits: ProbeLimits = ProbeLimits()
    """Bounds of what the probe keeps."""
