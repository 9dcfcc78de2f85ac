"""The names of series: measurements, their tags and their fields. The one place that has them.

The writers, `GET /metrics`, docs/series.md and the dashboards go by it. In InfluxDB a measurement is a measurement. In
VictoriaMetrics and in OpenMetrics each field is a series of its own, MEASUREMENT_FIELD.

Every number is a float, also one that is always whole: InfluxDB fixes a field's type at its first point, and a field
that is now 1i, now 1.5 loses points. A text is a field of annotations alone: VictoriaMetrics makes 0 of it.

A tag is bounded: a word of a closed list, a name of the plan, or something found (a name server, a site) of which so
many get a name of their own and the rest are `other` (`most`). What nobody bounds (an incident's id) is no tag.
"""

import msgspec


class Tag(msgspec.Struct, frozen=True):
    """`most`: how many values get a name of their own."""

    name: str
    meaning: str
    most: int


class Field(msgspec.Struct, frozen=True):
    """A number, or a text where `text`."""

    name: str
    meaning: str
    text: bool = False


class Measurement(msgspec.Struct, frozen=True, kw_only=True):
    """`kind`: the check kind whose observations these are, if they are any."""

    name: str
    meaning: str
    tags: tuple[Tag, ...]
    fields: tuple[Field, ...]
    kind: str = ""


OTHER = "other"
"""The value of a tag past its bound."""
MAX_TAG = 128
"""Characters of a tag's value; what is longer is cut."""

PROBE = Tag("probe", "the probe's id", 2_000)
CHECK = Tag("check", "the check, as the plan names it", 5_000)
TARGET = Tag("target", "the target, as the plan has it", 5_000)
SUBJECT = Tag("subject", "the exact thing measured: an address, a resolver, a step", 20_000)
COMPONENT = Tag("component", "the component, as the plan names it", 1_000)
SITE = Tag("site", "the anycast site that answered", 1_000)
_KIND = Tag("kind", "the check's kind", 50)

REGION = Tag("region", "the region that served", 500)
RESOLVER = Tag("resolver", "the resolver's name", 2_000)
DIMS = (
    Tag("family", "4 or 6", 2),
    REGION,
    Tag("operator", "the DNS operator", 500),
    Tag("zone", "the zone", 2_000),
    Tag("server", "the name server's name", 5_000),
    RESOLVER,
    Tag("transport", "udp, tcp, dot, doh", 20),
    Tag("step", "the step of a sign-in", 200),
)
"""Dimensions of an observation that are tags."""
PHASES = ("lookup", "connect", "tls", "send", "first_byte", "body", "query", "tcp_connect", "tcp_query")
"""Phases of an attempt that are fields, PHASE_seconds."""

OBSERVATION_TAGS = (
    PROBE,
    CHECK,
    TARGET,
    SUBJECT,
    *DIMS,
    SITE,
    Tag("attempt", "again: a control attempt after one that failed; none of the first", 1),
    Tag("outcome", "ok, degraded, failed, or abstained: it must not count", 4),
    Tag("reason", "the word for what failed (parallax/reasons); none where nothing did", 1_000),
    Tag("fault", "whose side that is on: target, resolver, network, probe, config, blocked", 10),
    Tag("abstain", "why it must not count", 50),
)
_SHARED = (
    Field("ok", "1 where nothing failed, 0 where something did"),
    Field("duration_seconds", "how long the attempt took"),
    *(Field(f"{name}_seconds", f"how long its phase `{name}` took") for name in PHASES),
)


class Found(msgspec.Struct, frozen=True):
    """A field that comes of a finding. `scale`: what the finding is multiplied by."""

    field: Field
    finding: str
    scale: float = 1.0


_TTL = Found(Field("ttl_seconds", "the lowest TTL in the answer"), "min_ttl")
_RTT = Found(Field("rtt_seconds", "from the send to the kernel's time stamp on the answer"), "rtt_ns", 1e-9)
_DAYS = Found(Field("days_left", "days until the leaf expires; below 0 once it has"), "days_left")
_STATUS = Found(Field("status", "the status of the last response"), "status")
FOUND: dict[str, tuple[Found, ...]] = {
    "dns": (_TTL, _RTT),
    "dns.zone": (
        Found(Field("serial", "the SOA's serial"), "serial"),
        Found(Field("ttl_seconds", "the SOA's TTL"), "ttl"),
        _RTT,
    ),
    "dns.resolve": (_TTL, _RTT),
    "dns.chain": (),
    "dns.parity": (Found(Field("inventory", "record sets that were compared"), "inventory"),),
    "dns.mail": (),
    "dns.dnssec": (
        Found(
            Field("rrsig_expires_in_seconds", "until the first good signature ends"),
            "rrsig_expires_in_s",
        ),
    ),
    "tls": (_DAYS,),
    "http": (_STATUS, _DAYS),
    "oidc": (_STATUS,),
    "signin": (_STATUS,),
}
"""By check kind: its own fields."""


def measurement_of(kind: str) -> str:
    """The measurement of a kind's observations; a kind that is not known here goes to parallax_other."""
    return f"parallax_{kind.replace('.', '_')}" if kind in FOUND else "parallax_other"


def _of_kind(kind: str, found: tuple[Found, ...]) -> Measurement:
    return Measurement(
        name=measurement_of(kind),
        kind=kind,
        meaning=f"every observation of the kind `{kind}`, at the moment when it began",
        tags=OBSERVATION_TAGS,
        fields=(*_SHARED, *(each.field for each in found)),
    )


STATES = {
    "operational": 0, "degraded_performance": 1, "partial_outage": 2, "full_outage": 3, "under_maintenance": 4,
    "not_measured": 5, "unknown": 6,
}  # fmt: skip
"""A component's states as numbers."""
CHECK_STATES = {"up": 0, "degraded": 1, "suspected": 2, "down": 3, "unknown": 4}
PROBE_STATES = {"healthy": 0, "unhealthy": 1, "silent": 2, "unknown": 3}


def _codes(states: dict[str, int]) -> str:
    return ", ".join(f"{code} {word.replace('_', ' ')}" for word, code in states.items())


OBSERVATIONS = {kind: _of_kind(kind, found) for kind, found in FOUND.items()}  # by check kind
OTHER_KINDS = Measurement(
    name="parallax_other",
    meaning="observations of kinds that this version does not know",
    tags=(*OBSERVATION_TAGS, _KIND),
    fields=_SHARED,
)
MINUTE = Measurement(
    name="parallax_minute",
    meaning="figures by the minute of every check, kept for 13 months; at the beginning of the minute",
    tags=(PROBE, CHECK, _KIND, TARGET, SUBJECT),
    fields=(
        Field("total", "observations that began in it"),
        Field("failed", "those with a reason, without those that abstain"),
        Field("abstained", "those that must not count"),
        Field("counted", "those that count: total without abstained"),
        Field("well", "1 where at least one that counts was well, 0 where none was"),
        Field("p50_seconds", "the median duration of those without a reason"),
        Field("p95_seconds", "the same, 95th percentile"),
    ),
)
CHECK_MINUTE = Measurement(
    name="parallax_check_minute",
    meaning="the same over all probes and subjects of a check's target: few enough series to show months of",
    tags=(CHECK, _KIND, TARGET),
    fields=(
        Field("total", "observations that began in it"),
        Field("failed", "those with a reason, without those that abstain"),
        Field("abstained", "those that must not count"),
        Field("counted", "those that count: total without abstained"),
    ),
)
ANSWERS = ("dns.resolve", "http")
"""Kinds whose time to an answer is looked at by resolver or region."""
ANSWER_MINUTE = Measurement(
    name="parallax_answer_minute",
    meaning="how long answers took by the minute, by who gave them: of the kinds "
    + " and ".join(f"`{kind}`" for kind in ANSWERS)
    + ", without what must not count; kept as long as observations, at the beginning of the minute",
    tags=(PROBE, CHECK, _KIND, TARGET, RESOLVER, REGION),
    fields=(
        Field("counted", "observations that began in it"),
        Field("p95_seconds", "the 95th percentile of their durations"),
        *(Field(f"{name}_seconds", f"how long their phase `{name}` took, the mean") for name in PHASES),
    ),
)
PROBE_HEALTH = Measurement(
    name="parallax_probe",
    meaning="what a probe says of itself, every 30 s",
    tags=(PROBE,),
    fields=(
        Field("lag_seconds", "the longest that its event loop stood still since the last report"),
        Field("rss_bytes", "its memory"),
        Field("clock_offset_seconds", "what it takes its clock to be off by"),
        Field("clock_synchronised", "1 where its host says that the clock is kept right, else 0"),
        Field("running", "runs under way"),
        Field("spool_records", "batches in its spool"),
        Field("spool_bytes", "the spool's octets"),
        Field("backlog", "batches that its collectors have yet to take, the most of any"),
        Field("skipped", "runs skipped since it started"),
        Field("lost", "observations lost since it started"),
    ),
)
PROBE_STATE = Measurement(
    name="parallax_probe_state",
    meaning="a probe as the collector sees it",
    tags=(PROBE,),
    fields=(
        Field("state", _codes(PROBE_STATES)),
        Field("lag_seconds", "from the cut of its last batch to the batch's arrival"),
        Field("latitude", "where it is, degrees north"),
        Field("longitude", "where it is, degrees east"),
    ),
)
VANTAGE = Measurement(
    name="parallax_vantage",
    meaning="a probe of the plan in force, with its labels: what figures by probe are joined with",
    tags=(
        PROBE,
        Tag("region", "where it stands, in the plan's words", 500),
        Tag("provider", "whose network or data centre it is in", 500),
        Tag("asn", "its network's number", 1_000),
        Tag("network", "data-centre or access", 2),
    ),
    fields=(Field("known", "1"),),
)
CHECK_STATE = Measurement(
    name="parallax_check",
    meaning="how a subject stands over all probes",
    tags=(CHECK, _KIND, TARGET, SUBJECT),
    fields=(
        Field("state", _codes(CHECK_STATES)),
        Field("failing", "probes that say it fails"),
        Field("voters", "probes whose word counts"),
    ),
)
COMPONENT_STATE = Measurement(
    name="parallax_component",
    meaning="how a component stands",
    tags=(COMPONENT,),
    fields=(
        Field("state", _codes(STATES)),
        Field("available", "1 while it is operational or degraded, 0 in an outage; else nobody can tell"),
    ),
)
INCIDENTS = Measurement(
    name="parallax_incidents",
    meaning="incidents that are open",
    tags=(Tag("severity", "critical, warning, info", 3),),
    fields=(Field("open", "how many"),),
)
ANNOTATION = Measurement(
    name="parallax_annotation",
    meaning="what happened: incidents, risks, notices, silent probes, switchovers, changes of the plan",
    tags=(
        Tag("type", "incident.opened, notice.chain_changed, plan.promoted, fact.switched, ...", 200),
        Tag("severity", "critical, warning, info", 3),
    ),
    fields=(
        Field("value", "1"),
        Field("id", "the incident's or the event's id", text=True),
        Field("title", "one line", text=True),
        Field("text", "what there is to say beside it", text=True),
    ),
)
FALLBACK = Measurement(
    name="parallax_fallback",
    meaning="whether a DNS operator that stands by could take over a zone",
    tags=(CHECK, Tag("zone", "the zone", 2_000), Tag("operator", "who stands by", 500)),
    fields=(
        Field("ready", "1 ready, 0 not, -1 nobody knows"),
        Field("serves", "1 where the zone is delegated to it alone"),
        Field("compared", "record sets that were compared"),
        Field("gaps", "those in which it is not as the primary"),
    ),
)
RUNWAY = Measurement(
    name="parallax_runway",
    meaning="how long caches carry names whose operator is dark; there while it is",
    tags=(CHECK,),
    fields=(
        Field("earliest_seconds", "until the first record set runs out at a sampled resolver; below 0 once it has"),
        Field("latest_seconds", "until the last has run out everywhere"),
        Field("sampled", "sampled resolvers"),
        Field("expired", "those at which a name has run out"),
        Field("stale", "those that give stale answers"),
    ),
)
MOVE = Measurement(
    name="parallax_move",
    meaning="a change of a delegation or a chain on its way",
    tags=(Tag("kind", "delegation, chain", 2), Tag("zone", "the zone or name that moves", 2_000)),
    fields=(
        Field("parents_share", "of the parent's servers that have the new set, 0 to 1"),
        Field("resolvers_share", "of the sampled resolvers that have it, 0 to 1"),
    ),
)
CATCHMENT = Measurement(
    name="parallax_catchment",
    meaning="which anycast site a probe reaches",
    tags=(
        PROBE,
        Tag("address", "the anycast address", 5_000),
        Tag("operator", "whose it is", 500),
        SITE,
    ),
    fields=(
        Field("rtt_seconds", "the round trip"),
        Field("changes", "changes of its site in the last 24 h"),
        Field("remote", "1 where it is far from the nearest known site, and slow for it"),
        Field("latitude", "where the probe is, degrees north"),
        Field("longitude", "where the probe is, degrees east"),
    ),
)
_GROUP = Tag("group", "the failover group, as the plan names it", 500)
FAILOVER = Measurement(
    name="parallax_failover",
    meaning="the members of failover groups",
    tags=(_GROUP, Tag("member", "the member, as the plan names it", 2_000)),
    fields=(
        Field("serving", "the share of vantages that it serves, 0 to 1"),
        Field("ready", "1 where it could be switched to, 0 where not"),
    ),
)
SWITCHOVER = Measurement(
    name="parallax_switchover",
    meaning="changes of the serving member, once 80 % of vantages saw them",
    tags=(_GROUP, Tag("direction", "failover, failback", 2)),
    fields=(
        Field("duration_seconds", "from the first vantage to 80 % of them"),
        Field("dwell_seconds", "how long the member before had served"),
        Field("hurt", "runs that failed meanwhile"),
        Field("flaps", "switchovers in the incident so far"),
    ),
)
ALERT = Measurement(
    name="parallax_alert",
    meaning="alerts, as they were routed",
    tags=(
        Tag("phase", "trigger, update, resolve, notice", 4),
        Tag("tier", "page, ticket, log", 3),
        Tag("severity", "critical, warning, info", 3),
    ),
    fields=(
        Field("told", "receivers that it goes to"),
        Field("suppressed", "receivers that it was kept from"),
    ),
)
RECEIVER = Measurement(
    name="parallax_receiver",
    meaning="alerts, by receiver",
    tags=(Tag("receiver", "the receiver, as the plan names it", 200),),
    fields=(
        Field("waiting", "alerts that wait for it"),
        Field("delivered", "alerts that it took, since the collector started"),
        Field("given_up", "alerts given up, likewise"),
    ),
)
COLLECTOR = Measurement(
    name="parallax_collector",
    meaning="the collector itself",
    tags=(),
    fields=(
        Field("up_seconds", "since it started"),
        Field("inputs_records", "records in the journal `inputs`"),
        Field("inputs_bytes", "their octets"),
        Field("inputs_lost", "observations lost at the journal's bounds"),
        Field("events_records", "records in the journal `events`"),
        Field("events_bytes", "their octets"),
        Field("detection_behind", "records that detection has yet to take"),
        Field("history_behind", "records that the history has yet to take"),
        Field("refused", "requests refused for want of room"),
        Field("probes_connected", "probes heard of late"),
        Field("observations", "observations taken, since each probe's stream began"),
    ),
)
SINK = Measurement(
    name="parallax_series",
    meaning="what writes these series",
    tags=(Tag("sink", "its name in the collector's config", 50),),
    fields=(
        Field("behind", "records that wait for it"),
        Field("written", "points that its server took"),
        Field("rejected", "points that it refused"),
        Field("failing", "1 while nothing can be written"),
    ),
)

MEASUREMENTS: tuple[Measurement, ...] = (
    *OBSERVATIONS.values(),
    OTHER_KINDS,
    MINUTE,
    CHECK_MINUTE,
    ANSWER_MINUTE,
    CHECK_STATE,
    COMPONENT_STATE,
    INCIDENTS,
    ANNOTATION,
    RUNWAY,
    FALLBACK,
    MOVE,
    CATCHMENT,
    FAILOVER,
    SWITCHOVER,
    ALERT,
    PROBE_HEALTH,
    PROBE_STATE,
    VANTAGE,
    RECEIVER,
    COLLECTOR,
    SINK,
)
