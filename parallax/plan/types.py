"""The plan's sections as frozen values: what to check. Never secrets, never where state lives (that is config)."""

from datetime import datetime
from typing import Literal

import msgspec

from parallax.plan.specs import Spec
from parallax.values import Address, DnsName, Duration, Endpoint, Family, Redirect, Url

SCHEMA = 1


class Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A table of the plan. Unknown keys are refused when a plan file is read."""


class Defaults(Section, frozen=True, kw_only=True):
    """What a check has that does not say otherwise."""

    period: Duration = Duration(30)
    timeout: Duration = Duration(5)


class Probe(Section, frozen=True, kw_only=True):
    """One vantage point: who measures, and from where."""

    id: str
    """Short and unique, as the probe's own config has it: letters, digits, '-', '_' and '.'."""
    region: str = ""
    provider: str = ""
    asn: int | None = None
    """The network it is in: autonomous system number."""
    location: tuple[float, float] | None = None
    """Latitude and longitude, degrees."""
    families: tuple[Family, ...] = (4, 6)
    """The address families that it can reach: 4, 6."""


class Control(Section, frozen=True, kw_only=True):
    """What tells a probe that its own uplink is fine; run by others than the targets."""

    addresses: list[Address] = []
    """Answered TCP connections (or refusals) prove the uplink of their family."""


class Operator(Section, frozen=True, kw_only=True):
    """An operator of DNS."""

    name: str
    servers: list[str] = []
    """Suffix patterns of name-server names (*.dns-a.example) or their addresses."""
    role: Literal["primary", "fallback"] = "primary"


class Resolver(Section, frozen=True, kw_only=True):
    """A resolver to ask by name."""

    name: str
    address: Endpoint
    transport: Literal["udp", "tcp", "dot", "doh", "doq"] = "udp"
    control: DnsName | None = None
    """A name on unrelated infrastructure, which tells a dead resolver from a dead name."""


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of the plan: a kind, its spec, targets, period and timeout."""

    name: str
    kind: str
    targets: list[str]
    """Text as in the plan; the kind's `endpoint` reads it."""
    period: Duration
    timeout: Duration
    external: bool
    probes: list[str]
    """Ids of the probes that run it; empty means all."""
    spec: Spec


class CheckKeys(Section, frozen=True, kw_only=True):
    """The keys that every check has; the rest of its table is the kind's own spec."""

    name: str
    kind: str
    targets: list[str]
    """What is measured: one entry or several; each kind's page says its form."""
    period: Duration | None = None
    """How often each probe runs it; [defaults] if left out."""
    timeout: Duration | None = None
    """How long one attempt may take, shorter than the period; [defaults] if left out."""
    external: bool = True
    """Whether the target is run by others: those are never probed faster than every 15 s, also on suspicion."""
    probes: list[str] = []
    """The ids of the probes that run it; all if left out."""


class Component(Section, frozen=True, kw_only=True):
    """A line of the status page."""

    name: str
    owner: str = ""
    runbook: Url | None = None
    checks: list[str] = []
    """Checks whose failure is impact on this component."""
    risks: list[str] = []
    """Checks whose failure is a risk for it."""


class Member(Section, frozen=True, kw_only=True):
    name: str
    connect_to: Address


class Failover(Section, frozen=True, kw_only=True):
    """Endpoints or DNS operators that stand in for each other."""

    name: str
    kind: Literal["region", "dns-operator", "address"]
    check: str
    members: list[Member]
    primary: str
    mode: Literal["observe", "recommend", "auto"] = "recommend"


class Receiver(Section, frozen=True, kw_only=True):
    """The thing that delivers an alert."""

    name: str
    kind: str
    url: Url | None = None
    key: str = ""
    """secret:NAME; the value lives in the collector's config."""


class Match(Section, frozen=True, kw_only=True):
    severity: list[str] = []
    component: list[str] = []


class Route(Section, frozen=True, kw_only=True):
    """The rule that picks who gets an alert."""

    match: Match = Match()
    to: list[str]


class Maintenance(Section, frozen=True, kw_only=True):
    """A window in which a component is worked on."""

    name: str
    components: list[str]
    start: datetime = msgspec.field(name="from")
    end: datetime = msgspec.field(name="to")


class ConnectTo(Section, frozen=True, kw_only=True):
    """As curl's --connect-to: dial elsewhere, measure as if there. Applied to the address after resolution."""

    source: Redirect = msgspec.field(name="from")
    """The address, with /udp or /tcp where only one of them is meant."""
    to: Address


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """A whole plan, every default filled in."""

    schema: int = SCHEMA
    defaults: Defaults = Defaults()
    probe: list[Probe] = []
    control: Control = Control()
    operator: list[Operator] = []
    resolver: list[Resolver] = []
    check: list[Check] = []
    component: list[Component] = []
    failover: list[Failover] = []
    receiver: list[Receiver] = []
    route: list[Route] = []
    maintenance: list[Maintenance] = []
    connect_to: list[ConnectTo] = []


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """What one probe needs of a plan, as the collector serves it (JSON). Tolerant of fields from a newer collector:
    the checks stay raw, and the probe converts them one by one, so that an unknown kind costs only itself."""

    schema: int = SCHEMA
    probe: Probe
    slot: tuple[int, int]
    """This probe's place among the fleet's probes, and their number: spreads the fleet over a check's period."""
    control: Control = Control()
    operator: list[Operator] = []
    resolver: list[Resolver] = []
    connect_to: list[ConnectTo] = []
    check: list[msgspec.Raw] = []
