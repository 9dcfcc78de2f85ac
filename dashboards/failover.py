"""Regions and failover: who answers, who could, and when that changed."""

from dashboards.frame import Placed, Row, dashboard_of, notes_query
from dashboards.influxql import Query, answer_time, one_of, select
from dashboards.panels import (
    CHART,
    GREEN,
    GREY,
    MINUTES,
    ORANGE,
    READY,
    RED,
    STRIP,
    table_panel,
    timeline_panel,
    timeseries_panel,
)  # fmt: skip
from dashboards.sdk import dashboard
from parallax import points

HTTP = points.OBSERVATIONS["http"]
_CHOSEN = " AND ".join(one_of(tag) for tag in ("region", "probe", "target"))
_ANSWERED = f"\"region\" <> '' AND \"outcome\" <> 'abstained' AND {_CHOSEN}"


def failover() -> dashboard.Dashboard:
    """Regions, and groups that stand in for each other."""
    return dashboard_of(
        "failover",
        "Regions and failover",
        "Which region serves whom, which members stand ready, and every switchover.",
        ["region", "probe", "target"],
        [
            Row("Regions", [
                Placed(24, STRIP, regions_timeline()),
                Placed(8, CHART, regions_share_timeseries()), Placed(8, CHART, regions_success_timeseries()),
                Placed(8, CHART, regions_duration_timeseries()),
            ]),
            Row("Failover groups", [
                Placed(12, STRIP, serving_timeline()), Placed(12, STRIP, readiness_timeline()),
                Placed(12, CHART, switchovers_table()), Placed(12, CHART, words_table()),
            ]),
        ],
    )  # fmt: skip


def regions_timeline() -> dashboard.Panel:
    text = select('count("ok")', HTTP, where=_ANSWERED, by=["region"], fill="0")
    return timeline_panel(
        "Who serves",
        "Regions that answered probes: a band is green wherever an answer came from the region.",
        Query(text, alias="$tag_region"),
        steps=((None, GREY), (1, GREEN)),
        least=MINUTES,
    )


def regions_share_timeseries() -> dashboard.Panel:
    return timeseries_panel(
        "Answers by region",
        "How many answers came from each region, one on top of the other: traffic that moves shows as one giving way "
        "to another.",
        Query(select('count("ok")', HTTP, where=_ANSWERED, by=["region"], fill="0"), alias="$tag_region"),
        stacked=True,
        least=MINUTES,
    )


def regions_success_timeseries() -> dashboard.Panel:
    return timeseries_panel(
        "Success by region",
        "The share of answers of a region that were good. A region that takes no connections gives none: it is missing "
        "from the band above.",
        Query(select('mean("ok")', HTTP, where=_ANSWERED, by=["region"]), alias="$tag_region"),
        unit="percentunit",
        steps=((None, RED), (0.95, GREEN)),
        low=0,
        high=1,
    )


def regions_duration_timeseries() -> dashboard.Panel:
    text = answer_time("http", "region", ["\"region\" <> ''", _CHOSEN])
    return timeseries_panel(
        "Time to an answer",
        "The 95th percentile of whole requests by region, of figures by the minute. Slow is how a grey failure begins; "
        "the line is at 1.2 s.",
        Query(text, alias="$tag_region"),
        unit="s",
        steps=((None, GREEN), (1.2, ORANGE)),
        low=0,
        least=MINUTES,
    )


def serving_timeline() -> dashboard.Panel:
    return timeline_panel(
        "Serving member",
        "The share of vantages that a member of a failover group serves: green serves, grey stands by.",
        Query(
            select('last("serving")', points.FAILOVER, by=["group", "member"]),
            alias="$tag_group: $tag_member",
        ),
        steps=((None, GREY), (0.2, ORANGE), (0.8, GREEN)),
        unit="percentunit",
    )


def readiness_timeline() -> dashboard.Panel:
    return timeline_panel(
        "Readiness",
        "Whether a member could be switched to: all that it needs holds, and has for ten minutes.",
        Query(
            select('last("ready")', points.FAILOVER, by=["group", "member"]),
            alias="$tag_group: $tag_member",
        ),
        states=READY,
    )


def switchovers_table() -> dashboard.Panel:
    text = select(
        '"group", "direction", "duration_seconds", "dwell_seconds", "hurt", "flaps"', points.SWITCHOVER, every=""
    )
    return table_panel(
        "Switchovers",
        "Every change of the serving member: which way, how long it took to reach 80 % of vantages, how long the "
        "member before had served, runs that failed meanwhile, and switchovers in the incident so far.",
        Query(f"{text} ORDER BY time DESC LIMIT 100", form="table"),
        units={"duration_seconds": "s", "dwell_seconds": "s"},
    )


def words_table() -> dashboard.Panel:
    text = notes_query("^(failover|failback|readiness)\\.") + " ORDER BY time DESC LIMIT 100"
    return table_panel(
        "What was said of failover",
        "Recommendations, commands, what blocked them, and what came of them, the newest first.",
        Query(text, form="table"),
    )
