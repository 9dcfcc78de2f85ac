"""The records of the journal `events`: what detection concluded, in the order it was concluded.

Everything that a person is told comes from here: alerts, the page, the history of incidents. Each record's body is a
JSON object (few, and worth reading with a pager); fields are only ever added, with a default. Times are wall clock, ns
since the Unix epoch, UTC.
"""

from collections.abc import Mapping
from typing import Literal

import msgspec

from parallax.clock import NS
from parallax.journal import Entry, Record
from parallax.reasons import Fault
from parallax.spans import lasting

VERSION = 1

CheckState = Literal["unknown", "up", "suspected", "degraded", "down"]
"""Of one (check, target, subject) over all probes that measure it. `unknown`: nobody's word on it is fresh."""
ComponentState = Literal[
    "operational",
    "degraded_performance",
    "partial_outage",
    "full_outage",
    "under_maintenance",
    "not_measured",
    "unknown",
]
Severity = Literal["critical", "warning", "info"]
DomainKind = Literal[
    "operator", "zone", "name_server", "resolver", "region", "site", "address", "endpoint", "network", "probe"
]


class FaultDomain(msgspec.Struct, frozen=True, kw_only=True):
    """Where the evidence says the fault is. `certain` is False where another place would explain it as well."""

    kind: DomainKind
    name: str
    certain: bool = True

    def __str__(self) -> str:
        return f"{self.kind.replace('_', ' ')} {self.name}"


class Extent(msgspec.Struct, frozen=True, kw_only=True):
    """How much of it fails, 0 to 1, with a 95 % interval: apart from how sure it is that anything does. Only runs that
    were launched after the trouble began count. Of the vantages, each network weighing the same, as nobody knows of the
    users; of `users` only with weights that the owner supplied."""

    share: float
    low: float
    high: float
    of: Literal["vantages", "users"] = "vantages"
    since: int = 0
    """When the trouble began, by the runs."""

    @property
    def words(self) -> str:
        """For people: "90 % of vantages, likely 70-98 %"."""
        return f"{self.share:.0%} of {self.of}, likely {100 * self.low:.0f}-{self.high:.0%}".replace("%", " %")


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """How many probes say it. Probes that abstain or are silent are no voters."""

    failing: int
    voters: int
    networks: int
    """Networks (ASN, else provider) that the failing probes are in."""
    span_ns: int
    """From the first to the last of the failing probes' attempts."""
    abstaining: int = 0
    silent: int = 0
    reasons: Mapping[str, int] = {}
    """Reason words and how many of the failing probes give them, the most frequent first."""
    single: bool = False
    """Only one probe measures it."""
    extent: Extent | None = None
    """None while all is well."""

    @property
    def words(self) -> str:
        """For people: "4 of 5 probes in 3 networks failed within 9 s"."""
        if self.single:
            what = "failed" if self.failing else "passed"
            return f"the one probe {what}; single vantage: cannot tell target from network"
        text = f"{self.failing} of {self.voters} probes"
        if self.failing > 1:
            text += f" in {self.networks} network{'s' * (self.networks != 1)}"
        text += " failed"
        if self.failing > 1:
            text += f" within {_span(self.span_ns)}"
        more = [f"{n} {word}" for n, word in ((self.abstaining, "abstained"), (self.silent, "silent")) if n]
        return f"{text} ({', '.join(more)})" if more else text


class Affected(msgspec.Struct, frozen=True, kw_only=True):
    """A subject of a check within an incident, and how it stands."""

    check: str
    kind: str
    target: str
    subject: str
    state: CheckState
    since: int
    reason: str | None = None
    """The word that most failing probes gave."""


Stage = Literal["investigating", "identified", "monitoring", "resolved", "reopened"]
"""Where people are with it: `identified` once the fault domain is known or a person says so, `monitoring` once it is
over as far as probes see, `reopened` after a relapse until it is identified again."""
MomentWord = Literal[
    "began",
    "detected",
    "identified",
    "paged",
    "acknowledged",
    "switched",
    "effective",
    "vendor_posted",
    "monitoring",
    "resolved",
    "reopened",
    "note",
]


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """A line of an incident's timeline. `actor` is empty where the machine saw it, else who said it."""

    at: int
    what: MomentWord
    text: str = ""
    actor: str = ""


class Human(msgspec.Struct, frozen=True, kw_only=True):
    """What people said of an incident. The machine goes by it, and never changes it."""

    title: str = ""
    title_by: str = ""
    domain: FaultDomain | None = None
    domain_by: str = ""
    acknowledged_at: int | None = None
    acknowledged_by: str = ""


class Incident(msgspec.Struct, frozen=True, kw_only=True):
    """A fault with a start, a fault domain, affected components and an end, as it is known at one moment."""

    id: str
    title: str
    """One line without a final stop: "DNS operator dns-a is dark: 4 of 4 name servers do not answer"."""
    severity: Severity
    domain: FaultDomain | None
    started_at: int
    """The first failing attempt that belongs to it."""
    opened_at: int
    updated_at: int
    resolved_at: int | None = None
    components: tuple[str, ...] = ()
    impact: ComponentState = "operational"
    """The worst that it did to a component so far; operational: nobody is hurt yet as far as can be told."""
    checks: tuple[Affected, ...] = ()
    evidence: Evidence | None = None
    probes: tuple[str, ...] = ()
    """For trouble of the probes themselves: whose."""
    stage: Stage = "investigating"
    parent: str = ""
    """The incident that explains this one."""
    because: tuple[str, ...] = ()
    """Why the fault is said to be there, in sentences."""
    alternatives: tuple[FaultDomain, ...] = ()
    """Where else it might be: what explains the evidence nearly as well."""
    timeline: tuple[Moment, ...] = ()
    """The oldest first; bounded."""
    left_out: int = 0
    """Moments that the machine saw and the timeline had no room for."""
    over_at: int | None = None
    """Since when all of it passes, as far as probes see; None while anything fails. Resolved after a calm time."""
    human: Human = Human()
    seen_title: str = ""
    """The machine's own title, where a person gave another."""
    seen_domain: FaultDomain | None = None
    """The machine's own fault domain, where a person named another."""

    @property
    def ended_at(self) -> int | None:
        """When it ended: since when all of it passes, else when it was resolved; None while anything fails."""
        return self.resolved_at if self.over_at is None else self.over_at


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """One RRset that the failing operator hosts, as one sampled resolver holds it. `until` is when it runs out there;
    0 where that is not known."""

    resolver: str
    owner: str
    type: str
    until: int


class Runway(msgspec.Struct, frozen=True, kw_only=True):
    """How long caches carry names whose operator is dark. Sampled resolvers are those that checks ask, not users.

    Times are ns since the Unix epoch: `earliest_at` the first RRset to run out at a sampled resolver, `latest_at` when
    the last has run out everywhere, without serve-stale; None where no TTL was seen."""

    names: tuple[str, ...]
    """The names that are carried."""
    earliest_at: int | None
    latest_at: int | None
    sampled: int
    """Sampled resolvers."""
    expired: int
    """Those of them at which a name has run out already."""
    stale: int = 0
    """Those of them that give stale answers (RFC 8767)."""
    users: float | None = None
    """The share of users, 0 to 1, behind the expired ones; None where the plan gives the resolvers no weights."""
    held: tuple[Held, ...] = ()
    """The next to run out first; bounded."""


class Risk(msgspec.Struct, frozen=True, kw_only=True):
    """Something that will hurt users. `expected_at` is when at the earliest, None where nobody can say."""

    id: str
    title: str
    check: str
    components: tuple[str, ...]
    since: int
    expected_at: int | None = None
    why: str = ""
    domain: FaultDomain | None = None
    runway: Runway | None = None


NoticeWord = Literal[
    "chain_changed",
    "delegation_changed",
    "move_started",
    "move_done",
    "move_stuck",
    "move_regressed",
    "old_set_withdrawn_early",
    "site_lost",
    "site_bad",
    "site_flapping",
    "site_renumbered",
    "catchment_shift",
    "remote_catchment",
    "anycast_confirmed",
    "probe_location_suspect",
    "certificate_changed",
    "certificate_issuer_changed",
    "keys_rotated",
    "discovery_changed",
]


class CheckChanged(msgspec.Struct, frozen=True, kw_only=True, tag="check"):
    """A subject of a check turned. `since` is when the new state began, by the evidence."""

    check: str
    kind: str
    target: str
    subject: str
    state: CheckState
    before: CheckState
    since: int
    reason: str | None = None
    fault: Fault | None = None
    evidence: Evidence
    incident: str | None = None
    why: str = ""
    """Said where the evidence alone does not explain it: "the plan no longer has it"."""

    @property
    def type(self) -> str:
        return f"check.{self.state}"


class IncidentChanged(msgspec.Struct, frozen=True, kw_only=True, tag="incident"):
    """An incident as it stands after the change. `what` is one line on what this change says. `monitoring` is the
    all-clear: all of it passes again, and it is watched for a while before it is resolved."""

    change: Literal["opened", "updated", "reopened", "monitoring", "resolved"]
    what: str
    incident: Incident

    @property
    def type(self) -> str:
        return f"incident.{self.change}"


class IncidentNoted(msgspec.Struct, frozen=True, kw_only=True, tag="noted"):
    """Something was put on an incident's timeline, by a person or as a fact, that nobody need be told of."""

    moment: Moment
    incident: Incident

    @property
    def type(self) -> str:
        return "incident.noted"


class RiskChanged(msgspec.Struct, frozen=True, kw_only=True, tag="risk"):
    """`updated`: what is known of it changed so that people must hear: users are nearer to it than was said."""

    change: Literal["raised", "updated", "cleared"]
    risk: Risk

    @property
    def type(self) -> str:
        return f"risk.{self.change}"


class ProbeChanged(msgspec.Struct, frozen=True, kw_only=True, tag="probe"):
    """A probe fell silent, says that it cannot be trusted, or is well again."""

    probe: str
    state: Literal["silent", "unhealthy", "healthy"]
    since: int
    why: str
    incident: str | None = None

    @property
    def type(self) -> str:
        return f"probe.{self.state}"


class ComponentChanged(msgspec.Struct, frozen=True, kw_only=True, tag="component"):
    component: str
    state: ComponentState
    before: ComponentState
    since: int
    why: str

    @property
    def type(self) -> str:
        return "component.changed"


class Noticed(msgspec.Struct, frozen=True, kw_only=True, tag="notice"):
    """Something that people should know and that neither lasts nor ends: a chain leads elsewhere, an anycast site is
    gone. `title` is one line without a final stop."""

    word: NoticeWord
    title: str
    severity: Severity = "info"
    check: str = ""
    target: str = ""
    """The name, zone or address that it is about."""
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    domain: FaultDomain | None = None
    components: tuple[str, ...] = ()
    probes: tuple[str, ...] = ()
    why: str = ""

    @property
    def type(self) -> str:
        return f"notice.{self.word}"


EventData = CheckChanged | IncidentChanged | IncidentNoted | RiskChanged | ProbeChanged | ComponentChanged | Noticed


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One conclusion. `id` is stable over restarts and replays of the same `inputs`."""

    version: int = VERSION
    id: str
    at: int
    """The moment of the record that led to it."""
    cause: int
    """That record's position in `inputs`."""
    data: EventData

    @property
    def type(self) -> str:
        """As receivers get it: incident.opened, check.down, ..."""
        return self.data.type


class EventError(ValueError):
    """The record is no event of a version known here."""


def encode_event(event: Event) -> Entry:
    """The journal's entry."""
    return Entry(kind=event.type, body=msgspec.json.encode(event), at_ns=event.at)


def decode_event(record: Record | Entry) -> Event:
    """The event in a record of the journal. Raises EventError."""
    try:
        event = msgspec.json.decode(record.body, type=Event)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise EventError(f"a {record.kind[:40]} record does not decode: {error}") from None
    if event.version != VERSION:
        raise EventError(f"a {record.kind[:40]} record has version {event.version}; this program knows {VERSION}")
    return event


def _span(ns: int) -> str:
    seconds = ns / NS
    return f"{seconds:.1f} s" if seconds < 9.95 else lasting(ns)
