"""The tables and columns of the history, as data: the store makes them, and docs/history.md lists them.

Times are TIMESTAMP: UTC, whole microseconds. That is what SQL's own functions for time work on, and half a
millionth of a second is below what any clock of ours is good for; spans keep their nanoseconds. `at` is a reserved
word of DuckDB, so no column has that name, and `check` is SQL's, so checks are `check_name`.
"""

from collections.abc import Collection

import msgspec

VERSION = 2
"""Rises when a column changes; a file with another one is kept beside, and a new one made from the journals."""


class Column(msgspec.Struct, frozen=True):
    name: str
    type: str
    meaning: str


PHASES = ("lookup", "connect", "tls", "send", "first_byte", "body", "query", "tcp_connect", "tcp_query")
"""Phases of an observation that have a column of their own, PHASE_ns."""
DIMS = ("address", "family", "region", "operator", "zone", "server", "resolver", "transport", "step")
"""Dimensions that have a column of their own; the others stand in `dims`."""

FLOW_KINDS = ("signin", "oidc")
"""Kinds whose runs are steps, one after another: a run of theirs is shown whole."""
SEEN = (
    "place", "status", "url", "title", "page", "form", "pressed", "alerts", "every_s", "halted_until", "because",
)  # fmt: skip
"""Findings that are kept of a flow's step that is well."""

_WHAT = (
    Column("check_name", "VARCHAR", "the check, as the plan names it"),
    Column("kind", "VARCHAR", "its kind: dns, http, tls, ..."),
    Column("target", "VARCHAR", "the target, as the plan has it"),
    Column("subject", "VARCHAR", "the exact thing measured: a name server's address, an endpoint's address, ..."),
)

OBSERVATION = (
    Column("probe", "VARCHAR", "the probe's id"),
    *_WHAT,
    Column("attempt", "INTEGER", "1 for the first"),
    Column("scheduled", "TIMESTAMP", "when it was due"),
    Column("started", "TIMESTAMP", "when it began; by the collector's clock where the probe's is wrong"),
    Column("received", "TIMESTAMP", "when the collector got it"),
    Column("duration_ns", "BIGINT", "how long it took"),
    Column("reason", "VARCHAR", "the word for what failed; NULL where nothing did"),
    Column("fault", "VARCHAR", "whose side that is on: target, resolver, network, probe, config, blocked"),
    Column("abstain", "VARCHAR", "why it must not count; NULL where it does"),
    Column("site", "VARCHAR", "the anycast site that answered"),
    *(Column(name, "VARCHAR", f"its dimension `{name}`") for name in DIMS),
    Column("dims", "JSON", "its other dimensions, an object; NULL without any"),
    *(Column(f"{name}_ns", "BIGINT", f"how long the phase `{name}` took; NULL without one") for name in PHASES),
    Column(
        "findings",
        "JSON",
        "what was seen, for those with a reason; of a flow's steps that are well, what the page shows",
    ),
    Column(
        "phases", "JSON", "of a flow's steps: each phase as [name, start, span], ns, in order; NULL for other kinds"
    ),
    Column("run", "VARCHAR", "joins the attempts, addresses and steps of one run"),
    Column("stream", "VARCHAR", "with `probe` and `seq`: its identity"),
    Column("seq", "BIGINT", "counts within the stream"),
)

PROBE_HEALTH = (
    Column("probe", "VARCHAR", "the probe's id"),
    Column("started", "TIMESTAMP", "when it was said; by the collector's clock where the probe's is wrong"),
    Column("received", "TIMESTAMP", "when the collector got it"),
    Column("lag_s", "DOUBLE", "the longest that its event loop stood still since the last report"),
    Column("rss", "BIGINT", "its memory, octets"),
    Column("clock_offset_s", "DOUBLE", "what it takes its clock to be off by"),
    Column("clock_synchronised", "BOOLEAN", "whether its host says that the clock is kept right"),
    Column("running", "INTEGER", "runs under way"),
    Column("spool_records", "BIGINT", "batches in its spool"),
    Column("spool_bytes", "BIGINT", "the spool's octets"),
    Column("agent", "VARCHAR", "the program's version"),
    Column("plan", "VARCHAR", "the hash of the plan in force"),
    Column("body", "JSON", "the whole report"),
)

MINUTE = (
    Column("minute", "TIMESTAMP", "where the minute begins"),
    *_WHAT,
    Column("probe", "VARCHAR", "the probe's id"),
    Column("total", "INTEGER", "observations that began in it"),
    Column("failed", "INTEGER", "those with a reason, without those that abstain"),
    Column("abstained", "INTEGER", "those that must not count"),
    Column("p50_ns", "BIGINT", "the median duration of those without a reason; NULL without any"),
    Column("p95_ns", "BIGINT", "the same, 95th percentile"),
)

EVENT = (
    Column("position", "BIGINT", "in the journal `events`"),
    Column("id", "VARCHAR", "stable over restarts"),
    Column("happened", "TIMESTAMP", "the moment of the record that led to it"),
    Column("type", "VARCHAR", "incident.opened, check.down, ..."),
    Column("incident", "VARCHAR", "the incident it belongs to"),
    Column("check_name", "VARCHAR", "the check it is about"),
    Column("component", "VARCHAR", "the component it is about"),
    Column("probe", "VARCHAR", "the probe it is about"),
    Column("body", "JSON", "the whole event"),
)

INCIDENT = (
    Column("id", "VARCHAR", "the incident's id"),
    Column("title", "VARCHAR", "one line"),
    Column("severity", "VARCHAR", "critical, warning, info"),
    Column("impact", "VARCHAR", "the worst that it did to a component"),
    Column("domain_kind", "VARCHAR", "where the fault is: operator, zone, name_server, region, ..."),
    Column("domain", "VARCHAR", "its name"),
    Column("components", "VARCHAR[]", "the components affected"),
    Column("started", "TIMESTAMP", "the first failing attempt that belongs to it"),
    Column("opened", "TIMESTAMP", "when it was opened"),
    Column("updated", "TIMESTAMP", "when it last changed"),
    Column("resolved", "TIMESTAMP", "when it ended, as all of it passed again; NULL while it is open"),
    Column("body", "JSON", "the incident as last known"),
)

DELIVERY = (
    Column("position", "BIGINT", "in the journal `inputs`"),
    Column("happened", "TIMESTAMP", "when it came of it"),
    Column("alert", "VARCHAR", "the id of the alert's event"),
    Column("key", "VARCHAR", "its key: the same from trigger to resolve"),
    Column("incident", "VARCHAR", "the incident it belongs to; NULL without one"),
    Column("receiver", "VARCHAR", "who was to be told"),
    Column("outcome", "VARCHAR", "sent, retried, given_up"),
    Column("tries", "INTEGER", "how many tries it took so far"),
    Column("text", "VARCHAR", "what the receiver said, in words"),
)

PROGRESS = (
    Column("name", "VARCHAR", "inputs or events"),
    Column("position", "BIGINT", "the last record that is in the history"),
    Column("missed", "BIGINT", "records that were gone before they were read"),
    Column("unreadable", "BIGINT", "records of no known version"),
)

DUE = (Column("minute", "TIMESTAMP", "a minute whose figures are to be made"),)

VANTAGE = (
    Column("probe", "VARCHAR", "the probe's id"),
    Column("since", "TIMESTAMP", "from when on these are its labels; of the first, from ever on"),
    Column("region", "VARCHAR", "where it stands, in the plan's words"),
    Column("provider", "VARCHAR", "whose network or data centre it is in"),
    Column("asn", "BIGINT", "its network's number; NULL where the plan has none"),
    Column("latitude", "DOUBLE", "degrees north; NULL where the plan has none"),
    Column("longitude", "DOUBLE", "degrees east, likewise"),
    Column("network", "VARCHAR", "data-centre or access"),
)

TABLES: dict[str, tuple[str, tuple[Column, ...]]] = {
    "observation": ("every observation, for `raw_age`", OBSERVATION),
    "minute": ("figures by minute, check, target, subject and probe, for `minutes_age`", MINUTE),
    "incident": ("every incident as last known", INCIDENT),
    "event": ("everything that was concluded, in order", EVENT),
    "delivery": ("what came of telling receivers of alerts, for `minutes_age`", DELIVERY),
    "probe_health": ("what probes say of themselves, for `raw_age`", PROBE_HEALTH),
    "vantage": ("the labels of each probe, as the plan in force had them, a row for each change", VANTAGE),
    "cursor": ("how far the journals are in here", PROGRESS),
    "due": ("minutes that are not yet, or no longer, as in `minute`", DUE),
}
"""Name to what it holds, and its columns in order."""

LATEST = """
CREATE VIEW latest AS
SELECT check_name, kind, target, subject, probe, max(started) AS started,
       arg_max(duration_ns, started) AS duration_ns,
       arg_max_null(reason, started) AS reason, arg_max_null(fault, started) AS fault,
       arg_max_null(abstain, started) AS abstain, arg_max_null(site, started) AS site,
       arg_max_null(region, started) AS region
FROM observation
WHERE started > (SELECT max(received) FROM observation) - INTERVAL 1 DAY
GROUP BY ALL
"""
"""The last word of each probe on each subject, of those of the last day."""

OBSERVED = """
CREATE VIEW observed AS
SELECT observation.*, vantage.region AS probe_region, vantage.provider AS probe_provider, vantage.asn AS probe_asn,
       vantage.latitude AS probe_latitude, vantage.longitude AS probe_longitude, vantage.network AS probe_network
FROM observation ASOF LEFT JOIN vantage ON observation.probe = vantage.probe AND observation.started >= vantage.since
"""
"""Every observation with its probe's labels as they were then."""


def missing_tables(found: Collection[str]) -> list[str]:
    """What makes the tables that are not there: a later version may only add some, without another VERSION."""
    tables = [
        f"CREATE TABLE {name} ({', '.join(f'{column.name} {column.type}' for column in columns)})"
        for name, (_, columns) in TABLES.items()
        if name not in found
    ]
    return [*tables, *([OBSERVED] if "observed" not in found else [])]


def statements() -> list[str]:
    """What makes an empty file the history."""
    return [
        *missing_tables(()),
        LATEST,
        f"CREATE VIEW layout AS SELECT {VERSION} AS version",
        "INSERT INTO cursor VALUES ('inputs', 0, 0, 0), ('events', 0, 0, 0)",
    ]
