"""Config: how one program runs on its host. Only the host's owner writes it. TOML, strict, complete at load.

A relative path is relative to the folder of the config file; the loaded values have absolute paths.
"""

import ipaddress
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from parallax.hook_config import Hook, hook_faults
from parallax.loading.convert import Fault, convert_table, key_text
from parallax.loading.document import Document, parse_document, read_text
from parallax.loading.problems import LoadErrors, Problem, shown
from parallax.plan.types import ConnectTo, Control, ProbeId
from parallax.secret import SecretError, check_reference
from parallax.values import Address, Cidr, DnsName, Duration, Size, Url
from parallax.watch_config import Pager, PeerAddress, pager_faults, peer_faults


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


SeriesKind = Literal["influxdb1", "influxdb2", "influxdb3", "victoriametrics"]


class SeriesServer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A server of time series that everything measured and concluded is written to. Several are written to at once,
    each with its own cursor. `parallax series setup` makes there what is needed."""

    name: Annotated[str, msgspec.Meta(pattern=r"[a-z0-9][a-z0-9_-]{0,31}", description="a word in lower case")]
    """Its name here."""
    kind: SeriesKind
    """Which program it is."""
    url: Url
    """Where it is, without the path that is written to; a path in front of that is kept."""
    address: Address | None = None
    """What to dial, so that writing does not need the DNS that is watched; left out if the URL has an address. Not for
    influxdb2 and influxdb3."""
    database: Annotated[str, msgspec.Meta(pattern=r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", description="a word")] = "parallax"
    """The database, or on influxdb2 the bucket. What is kept longer goes to its retention policy `long`, or on
    influxdb2 and influxdb3 to the bucket or database with `_long` behind the name."""
    org: str = ""
    """The organisation, on influxdb2."""
    token: str | None = None
    """Where the token is (influxdb2, influxdb3; sent as a bearer token to the others): file:PATH, env:NAME or
    credential:NAME."""
    user: str = ""
    """The user, on influxdb1 with passwords."""
    password: str | None = None
    """Where the user's password is: file:PATH, env:NAME or credential:NAME."""
    ca: str | None = None
    """A PEM file with the CA of the server's certificate, beside the host's trust store."""
    rate: Annotated[int, msgspec.Meta(ge=1000, le=1_000_000)] = 40_000
    """Observations a second that it is sent at most, while it catches up."""
    raw_age: Duration = Duration(14 * 86400)
    """How long it keeps every observation, as `parallax series setup` tells it."""
    minutes_age: Duration = Duration(400 * 86400)
    """How long it keeps figures by the minute, likewise."""


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


class ConfigErrors(LoadErrors):
    """A config was refused; `problems` holds everything that is wrong with it."""


def load_collector_config(path: Path) -> CollectorConfig:
    """collector.toml with absolute paths. Raises ConfigErrors with every problem."""
    config: CollectorConfig = _load(path, CollectorConfig, _collector_faults)
    return config


def load_probe_config(path: Path) -> ProbeConfig:
    """probe.toml with absolute paths. Raises ConfigErrors with every problem."""
    config: ProbeConfig = _load(path, ProbeConfig, _probe_faults)
    return config


def _load(path: Path, kind: type[Any], rules: Callable[[Any], Iterator[Fault]]) -> Any:
    text = read_text(path)
    document = text if isinstance(text, Problem) else parse_document(text, str(path))
    if isinstance(document, Problem):
        raise ConfigErrors([document])
    faults: list[Fault] = []
    config = convert_table(document.table, kind, faults)
    if not faults:
        config = _with_folder(config, path.absolute().parent)
        faults.extend(rules(config))
    if faults:
        problems = [_problem(document, fault) for fault in faults]
        raise ConfigErrors(sorted(problems, key=lambda problem: problem.line or 0))
    return config


def _with_folder(config: Any, folder: Path) -> Any:
    """The config with its paths made absolute."""
    changes: dict[str, Any] = {}
    for name in config.__struct_fields__:
        value = getattr(config, name)
        if name in ("collector", "hook", "peer", "series"):
            changes[name] = [_with_folder(entry, folder) for entry in value]
        elif isinstance(value, Tls | Pager):
            changes[name] = _with_folder(value, folder)
        elif name in _references(config) and value:
            changes[name] = _reference_from(folder, value)
        elif name in _PATHS and value:
            changes[name] = str(folder / Path(value).expanduser())
        elif name == "keys":
            changes[name] = [_reference_from(folder, reference) for reference in value]
        elif name == "secrets":
            changes[name] = {key: _secret_from(folder, entry) for key, entry in value.items()}
    return msgspec.structs.replace(config, **changes)


def _secret_from(folder: Path, entry: "str | BoundSecret") -> "str | BoundSecret":
    if isinstance(entry, BoundSecret):
        return msgspec.structs.replace(entry, source=_reference_from(folder, entry.source))
    return _reference_from(folder, entry)


def _reference_from(folder: Path, reference: str) -> str:
    """A secret's place with its path made absolute."""
    if not reference.startswith("file:") or reference == "file:":
        return reference
    return f"file:{folder / Path(reference.removeprefix('file:')).expanduser()}"


_PATHS = ("state", "plan", "certificate", "key", "ca")


def _references(config: Any) -> tuple[str, ...]:
    """The keys that say where a secret is."""
    more = ["certificate"] * isinstance(config, CollectorAddress) + ["key"] * isinstance(config, Pager)
    return ("token", "password", *more)


def _collector_faults(config: CollectorConfig) -> Iterator[Fault]:
    if not _is_loopback(config.listen) and config.tls is None:
        yield Fault(
            ("listen",), f"{config.listen} can be reached from other hosts, so it needs [tls] with certificate and key"
        )
    for key in ("state", "plan"):
        if not getattr(config, key):
            yield Fault((key,), "is empty")
    if config.tls is not None:
        yield from _file_faults(("tls", "certificate"), config.tls.certificate)
        yield from _file_faults(("tls", "key"), config.tls.key)
    yield from _file_faults(("ca",), config.ca)
    if config.charts is not None and not config.charts.https:
        yield Fault(("charts",), f"{shown(str(config.charts))} is fetched by others; write https://")
    for name, reference in config.secrets.items():
        try:
            check_reference(reference)
        except SecretError as error:
            yield Fault(("secrets", name), str(error))
    yield from hook_faults(config.hook)
    yield from _series_faults(config.series)
    yield from peer_faults(config.peer, config.role)
    for place, peer in enumerate(config.peer):
        yield from _file_faults(("peer", place, "ca"), peer.ca)
    yield from _redirect_faults(config.connect_to)
    yield from _ballast_faults(config.limits.ballast, config.limits.inputs_size, "inputs_size")


def _probe_faults(config: ProbeConfig) -> Iterator[Fault]:
    if not config.state:
        yield Fault(("state",), "is empty")
    for name, bound in config.secrets.items():
        try:
            check_reference(bound.source)
        except SecretError as error:
            yield Fault(("secrets", name, "from"), str(error))
    yield from _file_faults(("ca",), config.ca)
    if config.metrics is not None and not config.metrics.parsed_ip.is_loopback:
        yield Fault(("metrics",), "has no authentication, and so must be a loopback address, as 127.0.0.1:9464")
    if config.pager is not None:
        yield from pager_faults(config.pager)
    urls: set[str] = set()
    for place, collector in enumerate(config.collector):
        path = ("collector", place)
        yield from _shipping_faults(path, collector)
        url = collector.url.rstrip("/")
        if url in urls:
            yield Fault((*path, "url"), f"{shown(url)} is there already")
        urls.add(url)
    yield from _redirect_faults(config.connect_to)
    yield from _ballast_faults(config.limits.ballast, config.limits.spool_size, "spool_size")


def _series_faults(servers: list[SeriesServer]) -> Iterator[Fault]:
    names: set[str] = set()
    for place, server in enumerate(servers):
        path = ("series", place)
        if server.name in names:
            yield Fault((*path, "name"), f"{shown(server.name)} is there already")
        names.add(server.name)
        if "?" in server.url:
            yield Fault((*path, "url"), f"{shown(server.url)} has a query (?...); take it out")
        address = server.address or server.url.endpoint.address
        if (server.token or server.password) and not server.url.https and not (address and _is_loopback(address)):
            yield Fault((*path, "url"), f"{shown(server.url)} would send the secret in the clear; write https://")
        by_client = server.kind in ("influxdb2", "influxdb3")
        if by_client and server.address is not None:
            yield Fault((*path, "address"), f"is not for {server.kind}; write the address into url")
        if by_client and server.token is None:
            yield Fault((*path, "token"), f"is missing: {server.kind} takes nothing without one")
        if server.kind == "influxdb2" and not server.org:
            yield Fault((*path, "org"), "is missing: on influxdb2 a bucket belongs to an organisation")
        if (server.password is None) != (not server.user):
            yield Fault((*path, "user"), "goes with password: write both, or none")
        for key, reference in (("token", server.token), ("password", server.password)):
            if reference is not None:
                try:
                    check_reference(reference)
                except SecretError as error:
                    yield Fault((*path, key), str(error))
        yield from _file_faults((*path, "ca"), server.ca)


def _redirect_faults(entries: list[ConnectTo]) -> Iterator[Fault]:
    sources: set[tuple[str, str]] = set()
    for place, entry in enumerate(entries):
        source = {(str(entry.source.address), protocol) for protocol in entry.source.protocols}
        if source & sources:
            yield Fault(("connect_to", place, "from"), f"{shown(str(entry.source))} is redirected already")
        sources |= source


def _shipping_faults(path: tuple[str, int], collector: CollectorAddress) -> Iterator[Fault]:
    address = collector.address or collector.url.endpoint.address
    if address is None:
        yield Fault(
            (*path, "address"),
            f"is missing: shipping must not depend on the DNS that is watched; write the address of "
            f'{collector.url.endpoint.host}, like "192.0.2.1:{collector.url.endpoint.port}"',
        )
    elif not collector.url.https and not _is_loopback(address):
        yield Fault((*path, "url"), f"{shown(collector.url)} would send the token in the clear; write https://")
    if "?" in collector.url:
        yield Fault((*path, "url"), f"{shown(collector.url)} has a query (?...); take it out")
    try:
        check_reference(collector.token)
    except SecretError as error:
        yield Fault((*path, "token"), str(error))
    yield from _file_faults((*path, "ca"), collector.ca)
    if collector.certificate is not None:
        try:
            check_reference(collector.certificate)
            if collector.certificate.startswith("env:"):
                raise SecretError("is no file; write file:PATH or credential:NAME")
        except SecretError as error:
            yield Fault((*path, "certificate"), str(error))


def _file_faults(path: tuple[str | int, ...], file: str | None) -> Iterator[Fault]:
    if file is not None and not (Path(file).is_file() and os.access(file, os.R_OK)):
        yield Fault(path, f"{file} is no file that can be read" if file else "is empty")


def _ballast_faults(ballast: Size, size: Size, name: str) -> Iterator[Fault]:
    if ballast >= size:
        yield Fault(("limits", "ballast"), f"{ballast} is not smaller than {name}, {size}")


def _is_loopback(address: Address) -> bool:
    return ipaddress.ip_address(address.ip).is_loopback


def _problem(document: Document, fault: Fault) -> Problem:
    """The fault with its line; the first keys of its way are the section where they lead into one."""
    section, path = "", fault.path
    inner = document.table.get(str(path[0])) if len(path) > 1 else None
    if isinstance(inner, dict):
        section, path = f"[{path[0]}]", path[1:]
    elif isinstance(inner, list) and len(path) > 2 and isinstance(path[1], int):
        section, path = f"[[{path[0]}]] number {path[1] + 1}", path[2:]
    line = document.lines.of(fault.path)
    return Problem(file=document.file, line=line, section=section, key=key_text(path), message=fault.message)
