"""Resolvers: what those see who ask them, what is left in their caches, and how far a change has come."""

from dashboards.frame import Placed, Row, dashboard_of
from dashboards.influxql import Query, answer_time, one_of, select
from dashboards.panels import CHART, MINUTES, SHARE, table_panel, timeline_panel, timeseries_panel
from dashboards.sdk import dashboard
from parallax import points

RESOLVE, CHAIN = points.OBSERVATIONS["dns.resolve"], points.OBSERVATIONS["dns.chain"]
_COUNTED = f"\"outcome\" <> 'abstained' AND {one_of('probe')} AND {one_of('target')}"
_MOVES = 'max("parents_share") AS "parents", max("resolvers_share") AS "resolvers"'


def resolvers() -> dashboard.Dashboard:
    """What users' resolvers see."""
    return dashboard_of(
        "resolvers",
        "Resolvers and propagation",
        "What sampled resolvers answer, what is left in their caches, and how far a change of a delegation has come.",
        ["probe", "target"],
        [
            Row("Resolvers", [
                Placed(12, CHART, resolvers_timeseries()), Placed(12, CHART, resolvers_duration_timeseries()),
                Placed(12, CHART, caches_timeseries()), Placed(12, CHART, names_timeline()),
                Placed(24, CHART, reasons_table()),
            ]),
            Row("Chains and propagation", [
                Placed(12, CHART, chains_timeline()), Placed(12, CHART, moves_timeseries()),
            ]),
        ],
    )  # fmt: skip


def resolvers_timeseries() -> dashboard.Panel:
    return timeseries_panel(
        "Success by resolver",
        "The share of names that each sampled resolver answered well.",
        Query(select('mean("ok")', RESOLVE, where=_COUNTED, by=["resolver"]), alias="$tag_resolver"),
        unit="percentunit",
        steps=((None, "red"), (0.95, "green")),
        low=0,
        high=1,
    )


def resolvers_duration_timeseries() -> dashboard.Panel:
    return timeseries_panel(
        "Time to an answer",
        "The 95th percentile of the time that a resolver took, of figures by the minute; a cache that runs dry shows "
        "here first.",
        Query(answer_time("dns.resolve", "resolver", [one_of("probe"), one_of("target")]), alias="$tag_resolver"),
        unit="s",
        low=0,
        least=MINUTES,
    )


def caches_timeseries() -> dashboard.Panel:
    return timeseries_panel(
        "What is left in caches",
        "The lowest TTL that resolvers gave with a name. It falls and starts again while the zone's servers answer, "
        "and falls to 0 when they do not.",
        Query(select('min("ttl_seconds")', RESOLVE, where=_COUNTED, by=["target"]), alias="$tag_target"),
        unit="s",
        low=0,
    )


def names_timeline() -> dashboard.Panel:
    return timeline_panel(
        "Names",
        "The share of good answers for each name over all sampled resolvers.",
        Query(select('mean("ok")', RESOLVE, where=_COUNTED, by=["target"]), alias="$tag_target"),
        steps=SHARE,
        unit="percentunit",
    )


def reasons_table() -> dashboard.Panel:
    where = f"\"reason\" <> '' AND {_COUNTED}"
    text = select('count("ok") AS "observations"', RESOLVE, where=where, by=["reason", "resolver", "target"], every="")
    return table_panel(
        "Why names failed",
        "How often each reason was met in the time shown, by resolver and name.",
        Query(text, form="table"),
        hidden=("Time",),
    )


def chains_timeline() -> dashboard.Panel:
    return timeline_panel(
        "Chains of CNAMEs",
        "The share of walks along a name's chain that ended where they should.",
        Query(select('mean("ok")', CHAIN, where=_COUNTED, by=["target"]), alias="$tag_target"),
        steps=SHARE,
        unit="percentunit",
    )


def moves_timeseries() -> dashboard.Panel:
    return timeseries_panel(
        "A change on its way",
        "While a delegation or a chain changes: the share of the parent's servers, and of sampled resolvers, that have "
        "the new set. There is none while nothing moves.",
        Query(select(_MOVES, points.MOVE, by=["zone"]), alias="$tag_zone: $col"),
        unit="percentunit",
        low=0,
        high=1,
    )
