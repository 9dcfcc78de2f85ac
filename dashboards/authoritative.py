"""Authoritative DNS, and how long caches carry it when its operator is dark."""

from dashboards.frame import Placed, Row, dashboard_of
from dashboards.influxql import Query, one_of, select
from dashboards.panels import (
    CARD,
    CHART,
    GREEN,
    ORANGE,
    READY,
    RED,
    SHARE,
    STRIP,
    YELLOW,
    YES_NO,
    Steps,
    stat_panel,
    table_panel,
    timeline_panel,
    timeseries_panel,
)  # fmt: skip
from dashboards.sdk import dashboard
from parallax import points

ZONE = points.OBSERVATIONS["dns.zone"]
OTHERS = tuple(points.OBSERVATIONS[kind] for kind in ("dns.dnssec", "dns.parity", "dns.mail", "dns"))
_OTHERS_COUNTED = f"\"outcome\" <> 'abstained' AND {one_of('probe')} AND {one_of('target')}"
COUNTED = f"\"operator\" <> '' AND \"outcome\" <> 'abstained' AND {one_of('probe')} AND {one_of('target')}"
"""Queries to name servers; the parent's word on the delegation has no operator."""
SHORT: Steps = ((None, RED), (600, ORANGE), (1800, YELLOW), (3600, GREEN))
"""Of a runway: below ten minutes somebody should have switched."""


def authoritative() -> dashboard.Dashboard:
    """For who runs, or depends on, a DNS operator."""
    return dashboard_of(
        "authoritative",
        "Authoritative DNS and runway",
        "Whether the zones' own servers answer, how long caches go on without them, and whether the fallback is ready.",
        ["probe", "target"],
        [
            Row("Runway", [
                Placed(6, CARD + 4, runway_stat()), Placed(10, CARD + 4, runway_timeseries()),
                Placed(8, CARD + 4, expired_timeseries()),
            ]),
            Row("Name servers", [
                Placed(12, CHART, operators_timeseries()), Placed(12, CHART, operators_rtt_timeseries()),
                Placed(24, STRIP + 2, servers_timeline()), Placed(24, CHART, servers_table()),
            ]),
            Row("Fallback", [Placed(24, STRIP, fallbacks_table())]),
            Row("DNSSEC, parity, mail and single questions", [
                Placed(12, CHART, others_timeline()), Placed(12, CHART, others_reasons_table()),
                Placed(24, CHART, others_table()),
            ]),
        ],
    )  # fmt: skip


def runway_stat() -> dashboard.Panel:
    return stat_panel(
        "Runway",
        "How long until the first cached record runs out at a sampled resolver, while an operator is dark. There is "
        "none while its servers answer.",
        Query(select('last("earliest_seconds")', points.RUNWAY, by=["check"]), alias="$tag_check"),
        unit="s",
        steps=SHORT,
    )


def runway_timeseries() -> dashboard.Panel:
    first = select('min("earliest_seconds")', points.RUNWAY, by=["check"])
    last = select('max("latest_seconds")', points.RUNWAY, by=["check"])
    return timeseries_panel(
        "Runway over time",
        "Until the first record set runs out at a sampled resolver, and until the last has run out everywhere. The "
        "line is drawn at ten minutes.",
        Query(first, alias="$tag_check: first"),
        Query(last, alias="$tag_check: last"),
        unit="s",
        steps=((None, RED), (600, GREEN)),
    )


def expired_timeseries() -> dashboard.Panel:
    expired = select('max("expired")', points.RUNWAY, by=["check"])
    sampled = select('max("sampled")', points.RUNWAY, by=["check"])
    return timeseries_panel(
        "Resolvers that have run out",
        "Sampled resolvers at which a name has run out, beside how many are sampled. No share of users is meant by it.",
        Query(expired, alias="$tag_check: run out"),
        Query(sampled, alias="$tag_check: sampled"),
        low=0,
    )


def operators_timeseries() -> dashboard.Panel:
    return timeseries_panel(
        "Success by operator",
        "The share of queries to an operator's name servers that were answered well, first attempts and control "
        "attempts alike. Below one half an alert rule fires.",
        Query(select('mean("ok")', ZONE, where=COUNTED, by=["operator"]), alias="$tag_operator"),
        unit="percentunit",
        steps=((None, RED), (0.5, GREEN)),
        low=0,
        high=1,
    )


def operators_rtt_timeseries() -> dashboard.Panel:
    return timeseries_panel(
        "Round trip by operator",
        "The median time from a query to the answer's arrival, by the kernel's own stamps.",
        Query(select('median("rtt_seconds")', ZONE, where=COUNTED, by=["operator"]), alias="$tag_operator"),
        unit="s",
        low=0,
    )


def servers_timeline() -> dashboard.Panel:
    return timeline_panel(
        "Name servers",
        "The share of good answers of each name server: green is nearly all, red is less than half.",
        Query(select('mean("ok")', ZONE, where=COUNTED, by=["server"]), alias="$tag_server"),
        steps=SHARE,
        unit="percentunit",
    )


def servers_table() -> dashboard.Panel:
    what = 'last("serial") AS "serial", last("ttl_seconds") AS "ttl", last("rtt_seconds") AS "rtt"'
    return table_panel(
        "What name servers have",
        "The serial that each address of a name server last gave, its TTL, and the round trip. Serials that stay apart "
        "are a zone that does not spread.",
        Query(select(what, ZONE, where=COUNTED, by=["zone", "operator", "server", "subject"], every=""), form="table"),
        units={"ttl": "s", "rtt": "s", "serial": "none"},
        hidden=("Time",),
    )


def fallbacks_table() -> dashboard.Panel:
    what = (
        'last("ready") AS "ready", last("gaps") AS "gaps", last("compared") AS "compared", last("serves") AS "serves"'
    )
    return table_panel(
        "Fallback operators",
        "Whether the operator that stands by could take over the zone now, in how many record sets it differs, and "
        "whether the zone is delegated to it alone.",
        Query(select(what, points.FALLBACK, by=["zone", "operator"], every=""), form="table"),
        states={"ready": READY, "serves": YES_NO},
        hidden=("Time",),
    )


def others_timeline() -> dashboard.Panel:
    text = select('mean("ok")', OTHERS[0], beside=OTHERS[1:], where=_OTHERS_COUNTED, by=["check", "target"])
    return timeline_panel(
        "Other checks of DNS",
        "The share of good observations of each check of DNSSEC, of parity between operators, of mail records, and of "
        "single questions.",
        Query(text, alias="$tag_check: $tag_target"),
        steps=SHARE,
        unit="percentunit",
    )


def others_reasons_table() -> dashboard.Panel:
    text = select(
        'count("ok") AS "observations"', OTHERS[0], beside=OTHERS[1:],
        where=f"\"reason\" <> '' AND {_OTHERS_COUNTED}", by=["check", "reason", "subject"], every="",
    )  # fmt: skip
    return table_panel(
        "Why they failed",
        "How often each reason was met in the time shown: signatures that end, record sets that differ, a mail record "
        "that is gone.",
        Query(text, form="table"),
        hidden=("Time",),
    )


def others_table() -> dashboard.Panel:
    what = (
        'last("ok") AS "ok", last("rrsig_expires_in_seconds") AS "signatures end in", last("inventory") AS "compared", '
        'last("duration_seconds") AS "took"'
    )
    text = select(
        what, OTHERS[0], beside=OTHERS[1:], where=_OTHERS_COUNTED, by=["check", "target", "subject"], every=""
    )
    return table_panel(
        "What they last found",
        "By operator, delegation or resolver: whether it was good, how long until the first good signature ends, and "
        "how many record sets were compared.",
        Query(text, form="table"),
        units={"signatures end in": "s", "took": "s"},
        states={"ok": YES_NO},
        hidden=("Time",),
    )
