"""An incident script: what there was, what broke when, what people know of it, and what is expected.

A script is a TOML file, read strictly: an unknown key names itself, its place and the known ones. These types are the
schema; docs/replay.md shows them. Times are instants with their offset from UTC.
"""

from datetime import datetime
from typing import Annotated, Literal

import msgspec

from lab.replay.expectations import Expect
from parallax.clock import NS
from parallax.loading.problems import quoted, shown
from parallax.values import Duration

Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Text = Annotated[str, msgspec.Meta(max_length=1000)]
Mode = Literal["dark", "refused", "errors", "throttled", "slow", "lame", "empty", "silent"]
Place = Literal["operator", "server", "region", "service", "resolver", "probe"]
MODES: dict[Place, tuple[Mode, ...]] = {
    "operator": ("dark", "lame", "empty"),
    "server": ("dark", "lame", "empty"),
    "region": ("dark", "refused", "errors", "throttled", "slow"),
    "service": ("dark", "refused", "errors", "throttled", "slow"),
    "resolver": ("dark",),
    "probe": ("dark", "silent"),
}
"""What can be broken, and how."""


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """The outage, as its owner dated it."""

    start: datetime = msgspec.field(name="from")
    """When it began."""
    end: datetime = msgspec.field(name="to")
    """When it was over."""


class Operator(msgspec.Struct, frozen=True, kw_only=True):
    """A DNS operator of the plan, and its name servers."""

    name: str
    """What the plan calls it."""
    servers: dict[str, list[str]]
    """Name of a server to its addresses."""
    lacks_mail: bool = False
    """Its copy of the zones has no mail records, until a [[change]] says `mail = true`."""


class Zone(msgspec.Struct, frozen=True, kw_only=True):
    """A zone, and who serves it."""

    name: str
    """The zone's name."""
    operator: str
    """Whom its delegation names at the start."""
    ttl: Duration = Duration(3600)
    """How long resolvers keep to a delegation that has changed."""


class Name(msgspec.Struct, frozen=True, kw_only=True):
    """A name that probes ask for: with an address for each region, an alias, or a text."""

    name: str
    """The name. It is in the longest of the zones that it ends with; in none of them it can always be had."""
    ttl: Duration = Duration(300)
    """How long caches hold it."""
    alias: str = ""
    """Another of the names, to which it leads."""
    regions: list[str] = []
    """The regions whose addresses it has."""
    fronts: list[str] = []
    """The fronts whose addresses it has."""


class Region(msgspec.Struct, frozen=True, kw_only=True):
    """Where requests are answered."""

    name: str
    """What answers call it."""
    address: str
    """The address of its own."""
    latency: Duration = Duration(0.12)
    """How long an answer takes, on the whole."""


class Front(msgspec.Struct, frozen=True, kw_only=True):
    """An address that leads to one of two regions: health checks behind it move traffic out and back, or Parallax
    does."""

    name: str
    """What scripts call it."""
    address: str
    """The address."""
    regions: Annotated[list[str], msgspec.Meta(min_length=2, max_length=2)]
    """The one that serves while it is well, and the one that stands by."""
    out: Duration = Duration(30)
    """How long the first fails until traffic leaves it."""
    back: Duration = Duration(60)
    """How long it is well again until traffic comes back."""
    group: str = ""
    """The [[failover]] of the plan that moves traffic, instead of health checks: it goes where the group commands, or
    recommends and people follow at once."""
    drain: Duration = Duration(60)
    """How long it takes until all of it has moved, when a group moves it; some goes at once, the rest evenly."""


class Cache(msgspec.Struct, frozen=True, kw_only=True):
    """What is special about the caches of a resolver; `system` is the one that a probe's own checks use."""

    resolver: str
    """A resolver of the plan, or "system"."""
    stale: bool = False
    """It goes on with what ran out while nobody answers (RFC 8767)."""


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """Something that was broken, for a while."""

    start: datetime = msgspec.field(name="from")
    """From when."""
    end: datetime = msgspec.field(name="to")
    """Until when."""
    where: str
    """What, and its name: "operator dns-a", "region us-east", "service"."""
    mode: Mode
    """How."""
    severity: Share = 1.0
    """The share of requests or queries that meet it."""


class Anchor(msgspec.Struct, frozen=True, kw_only=True):
    """An outage of a random row whose start is known."""

    at: datetime
    """When it began."""
    mode: Mode | None = None
    """How, if not as the others."""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A row of outages of which not all times are public: the rest is drawn, by the seed."""

    where: str
    """As for a fault."""
    mode: Mode
    """As for a fault."""
    severity: Share = 1.0
    """As for a fault."""
    lengths: tuple[Duration, Duration]
    """How long one lasts: between these, each length as likely as any other."""
    gaps: tuple[Duration, Duration]
    """How long all is well between two, likewise."""
    until: datetime
    """None lasts beyond."""
    anchors: Annotated[list[Anchor], msgspec.Meta(min_length=1, description="at least one outage whose start is known")]
    """Outages whose start is known; the first begins the row."""


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """Something that people did."""

    at: datetime
    """When."""
    zone: str = ""
    """This zone was delegated to `operator`."""
    operator: str
    """Whom it is about."""
    mail: bool | None = None
    """Whether the operator's copy has the mail records from now on."""


class Noise(msgspec.Struct, frozen=True, kw_only=True):
    """What goes wrong without a cause, drawn by the seed."""

    failures: Share = 0.0
    """The share of queries and requests that get no answer."""


class Fact(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the real timeline."""

    at: datetime
    """When."""
    what: Text
    """What happened, in our words."""


class Script(msgspec.Struct, frozen=True, kw_only=True):
    """The top of the file."""

    title: Text
    """What it was."""
    source: list[Text] = []
    """Where the facts are from."""
    window: Window
    """The outage."""
    before: Duration = Duration(180)
    """How long all is well before it."""
    after: Duration = Duration(60)
    """How long what is played goes on after it."""
    plan: str = ""
    """What is checked: a file or folder beside the script, or the plan itself, as text of several lines."""
    journal: str = ""
    """Instead of a world: a recording beside the script, made by `parallax journal export`."""
    operator: list[Operator] = []
    zone: list[Zone] = []
    name: list[Name] = []
    region: list[Region] = []
    front: list[Front] = []
    cache: list[Cache] = []
    fault: list[Fault] = []
    random: list[Row] = []
    change: list[Change] = []
    noise: Noise = Noise()
    fact: list[Fact] = []
    expect: Expect = Expect()


def ns_of(at: datetime) -> int:
    """An instant of the script, ns since the Unix epoch."""
    return round(at.timestamp() * 1000) * (NS // 1000)


def place_of(where: str) -> tuple[Place, str]:
    """What a fault is about, and its name. Raises ValueError with a sentence."""
    word, _, name = where.partition(" ")
    if word not in MODES:
        raise ValueError(f"{shown(where)} is nothing that can be broken; write one of {quoted(MODES)}, and its name")
    if (word == "service") == bool(name):
        raise ValueError(f"{shown(where)} wants " + ("no name" if name else f'a name, like "{word} NAME"'))
    return word, name
