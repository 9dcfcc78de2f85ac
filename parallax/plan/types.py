"""The plan's sections as frozen values: what to check. Never secrets, never where state lives (that is config)."""

from typing import Annotated, Literal

import msgspec

from parallax.plan.alert_types import Group, Inhibit, Maintenance, Receiver, Route
from parallax.plan.failover_types import Action, Failover
from parallax.plan.specs import Spec
from parallax.plan.texts import Name, Text
from parallax.values import Address, DnsName, Duration, Endpoint, Family, Redirect, Url

SCHEMA = 1

CheckName = Annotated[
    str,
    msgspec.Meta(
        pattern=r"(?!\.{1,2}$)[^\x00-\x1f\x7f]{1,100}",
        description="1 to 100 characters, none of them a control character; not . or .., which browsers take out of "
        "the address of its page",
    ),
]
"""What a check is called: a segment of a URL besides."""

ProbeId = Annotated[
    str, msgspec.Meta(pattern=r"[A-Za-z0-9_.-]{1,64}", description="1 to 64 letters, digits, '-', '_' and '.'")
]
"""A probe's id goes into tokens, file names and labels."""

Targets = Annotated[list[str], msgspec.Meta(min_length=1, description="at least one target")]


class Defaults(msgspec.Struct, frozen=True, kw_only=True):
    """What a check has that does not say otherwise."""

    period: Duration = Duration(30)
    """How often each probe runs a check."""
    timeout: Duration = Duration(5)
    """How long one attempt may take, shorter than the period."""


class Probe(msgspec.Struct, frozen=True, kw_only=True):
    """One vantage point: who measures, and from where."""

    id: ProbeId
    """Short and unique, as the probe's own config has it: letters, digits, '-', '_' and '.'."""
    region: Text = ""
    """Where it stands, in the owner's words."""
    provider: Text = ""
    """Whose network or data centre it is in."""
    asn: Annotated[int, msgspec.Meta(ge=1, le=4294967295)] | None = None
    """The network it is in: autonomous system number."""
    location: (
        tuple[Annotated[float, msgspec.Meta(ge=-90, le=90)], Annotated[float, msgspec.Meta(ge=-180, le=180)]] | None
    ) = None
    """Latitude and longitude, degrees."""
    families: Annotated[tuple[Family, ...], msgspec.Meta(min_length=1, max_length=2, description="4, 6 or both")] = (
        4,
        6,
    )
    """The address families that it can reach: 4, 6."""
    network: Literal["data-centre", "access"] = "data-centre"
    """Whether it is in a data centre, or on a line as users have (home, office, mobile). Services treat the two
    differently: what only data centres get says nothing of users."""
    weight: Annotated[float, msgspec.Meta(ge=0, le=1)] | None = None
    """The share of users that it stands for, 0 to 1: those of its region, say, divided among the probes there. Only
    where each probe that measures a thing has one is it said how many users are hurt."""


class Control(msgspec.Struct, frozen=True, kw_only=True):
    """What tells a probe that its own uplink is fine; run by others than the targets."""

    addresses: Annotated[list[Address], msgspec.Meta(max_length=32)] = []
    """Answered TCP connections (or refusals) prove the uplink of their family."""


class Operator(msgspec.Struct, frozen=True, kw_only=True):
    """An operator of DNS."""

    name: Name
    """What it is called in findings and alerts."""
    servers: list[str] = []
    """Suffix patterns of name-server names (*.dns-a.example) or their addresses."""
    role: Literal["primary", "fallback"] = "primary"
    """Whether it serves, or stands by to take over."""


RESOLVER_PORTS = {"udp": 53, "tcp": 53, "dot": 853, "doq": 853, "doh": 443}
"""By transport (RFC 7858, RFC 8484, RFC 9250)."""


class Resolver(msgspec.Struct, frozen=True, kw_only=True):
    """A resolver to ask by name."""

    name: Name
    """What it is called in findings and alerts."""
    address: Endpoint
    """An address or name, with a port if it is not its transport's own (53; 853 for dot and doq; 443 for doh)."""
    transport: Literal["udp", "tcp", "dot", "doh", "doq"] = "udp"
    """How it is asked."""
    path: Annotated[
        str,
        msgspec.Meta(
            pattern=r"/[!-~]{0,255}",
            description='the path of a URL: it begins with "/", without spaces, at most 256 long',
        ),
    ] = "/dns-query"
    """Of the URL that doh asks (RFC 8484)."""
    control: DnsName | None = None
    """A name on unrelated infrastructure, which tells a dead resolver from a dead name."""
    own: bool = False
    """Whether it is the owner's. Only such a one is asked what its cache holds without fetching it (RD=0)."""
    weight: Annotated[float, msgspec.Meta(ge=0, le=1)] | None = None
    """The share of users behind it, 0 to 1. Only where resolvers have it are shares of users said."""


class Site(msgspec.Struct, frozen=True, kw_only=True):
    """Where a site of an anycast service, or an edge of a front end, stands."""

    name: Name
    """The site as observations have it: docs/anycast.md."""
    location: tuple[Annotated[float, msgspec.Meta(ge=-90, le=90)], Annotated[float, msgspec.Meta(ge=-180, le=180)]]
    """Latitude and longitude, degrees."""
    operator: Text = ""
    """Whose site it is, where two have one of this name; any operator's if left out."""


class Dns(msgspec.Struct, frozen=True, kw_only=True):
    """How DNS is walked, and how hard it may be asked."""

    roots: Annotated[list[Address], msgspec.Meta(max_length=32)] = []
    """Where walks begin; the root servers of the Internet if left out."""
    most_per_operator: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] = 1200
    """Queries a minute that the whole fleet may send to the servers of one operator. What is beyond is not sent, and
    counted."""


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """How hard the fleet may use what others run."""

    most_per_target: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] = 600
    """Runs a minute that all probes together may make at one host, of checks with `external = true`; their periods must
    leave it room, and what they leave is for looking again on suspicion. Each probe keeps to its share."""


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
    member: str = ""
    """Of a check that is run against one member of a failover group directly: the member, as group/member. No plan file
    has such checks; they are made of the group's `check` and `also` when a plan is loaded."""
    pinned: Address | None = None
    """What is dialled instead of the addresses that the target's own host has: that member's address."""


class CheckKeys(msgspec.Struct, frozen=True, kw_only=True):
    """The keys that every check has; the rest of its table is the kind's own spec."""

    name: CheckName
    """What the check is called, everywhere."""
    kind: str
    """What is done; each kind adds keys of its own, below."""
    targets: Targets
    """What is measured: one entry or several; each kind's page says its form."""
    period: Duration | None = None
    """How often each probe runs it; if left out, the kind's own default, else that of [defaults]."""
    timeout: Duration | None = None
    """How long one attempt may take, shorter than the period; if left out, as for the period."""
    external: bool = True
    """Whether the target is run by others: those are never probed faster than every 15 s, also on suspicion."""
    probes: list[str] = []
    """The ids of the probes that run it; all if left out."""


class Component(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the status page."""

    name: Name
    """What the status page calls it."""
    owner: Text = ""
    """Who looks after it."""
    runbook: Url | None = None
    """Where it says what to do."""
    checks: list[str] = []
    """Checks whose failure is impact on this component."""
    risks: list[str] = []
    """Checks whose failure is a risk for it."""


Outcome = Literal["network", "timeout", "5xx", "429", "4xx"]
"""How a request can fail, as a client that retries tells it: no connection or no whole answer, no answer in time, or
the class of the status."""


class Retry(msgspec.Struct, frozen=True, kw_only=True):
    """How a client library tries again. What its users would have seen is worked out from the attempts; nothing is sent
    for it (docs/retries.md)."""

    name: Name
    """What it is called beside the figures."""
    about: Text = ""
    """Which client it is, and what it does, in a sentence."""
    on: Annotated[list[Outcome], msgspec.Meta(min_length=1, description="at least one outcome")]
    """After what it tries again: network (no connection, or no whole answer), timeout, 5xx, 429, 4xx (others)."""
    methods: list[Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]] = []
    """The request methods that it tries again; all if left out."""
    tries: Annotated[int, msgspec.Meta(ge=1, le=1000)] | None = None
    """How many requests a call is at most, the first one included; as many as fit into `give_up` if left out."""
    delays: Annotated[list[Duration], msgspec.Meta(max_length=20)] = []
    """How long it waits before the first retries; `initial` and `factor` say how it goes on."""
    initial: Duration = Duration(0.5)
    """The first wait after those in `delays`."""
    factor: Annotated[float, msgspec.Meta(ge=1, le=10)] = 2.0
    """What each wait is times the one before."""
    cap: Duration = Duration(60)
    """The longest wait."""
    jitter: tuple[Annotated[float, msgspec.Meta(ge=0, le=10)], Annotated[float, msgspec.Meta(ge=0, le=10)]] = (1.0, 1.0)
    """Each wait is drawn between these multiples of itself; its middle is what is reckoned with."""
    jitter_up_to: Duration | None = None
    """Each wait is lengthened by up to this; half of it is what is reckoned with."""
    give_up: Duration = Duration(3600)
    """After this long no further try is begun."""
    retry_after: list[Outcome] = []
    """After which outcomes a Retry-After in the answer is waited for instead."""


class ConnectTo(msgspec.Struct, frozen=True, kw_only=True):
    """As curl's --connect-to: dial elsewhere, measure as if there. Applied to the address after resolution."""

    source: Redirect = msgspec.field(name="from")
    """The address, with /udp or /tcp where only one of them is meant."""
    to: Address
    """The address that is dialled instead."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """A whole plan, every default filled in."""

    schema: int = SCHEMA
    defaults: Defaults = Defaults()
    probe: list[Probe] = []
    control: Control = Control()
    dns: Dns = Dns()
    load: Load = Load()
    operator: list[Operator] = []
    resolver: list[Resolver] = []
    site: list[Site] = []
    check: list[Check] = []
    component: list[Component] = []
    failover: list[Failover] = []
    action: list[Action] = []
    receiver: list[Receiver] = []
    group: list[Group] = []
    route: list[Route] = []
    inhibit: list[Inhibit] = []
    maintenance: list[Maintenance] = []
    retry: list[Retry] = []
    connect_to: list[ConnectTo] = []


class Share(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A probe's part of what the fleet may ask of a host, or of a provider (parallax.plan.loads)."""

    grid: float = 0.0
    """Runs a minute that its own grid makes there, of checks with `external = true`."""
    most: float | None = None
    """Runs a minute that it may make there, the grid's among them; None: nobody counts."""
    of: float = 1.0
    """Its part, 0 to 1, of a budget that is the whole fleet's."""


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
    """Tables as in a plan file, period and timeout filled in; keys at their default are left out."""
    dns: Dns = Dns()
    slots: dict[str, tuple[int, int]] = {}
    """By check: this probe's slot among the probes that run it, where those are not the whole fleet."""
    shares: dict[str, Share] = {}
    """By host, and by target of its flows: what it may ask there."""

    def slot_of(self, check: str) -> tuple[int, int]:
        """This probe's place among the probes that run the check, and their number."""
        return self.slots.get(check, self.slot)
