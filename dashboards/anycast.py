"""Anycast: which site each probe reaches, and how that changes."""

from dashboards.frame import Placed, Row, dashboard_of
from dashboards.influxql import Query, one_of, select
from dashboards.panels import (
    CHART,
    GREEN,
    MINUTES,
    ORANGE,
    RED,
    YELLOW,
    YES_NO,
    map_panel,
    table_panel,
    timeseries_panel,
)
from dashboards.sdk import dashboard
from parallax import points

_PROBE = one_of("probe")


def anycast() -> dashboard.Dashboard:
    """Catchments."""
    return dashboard_of(
        "anycast",
        "Anycast",
        "Which site of an anycast address each probe reaches, how far that is, and when it changed.",
        ["probe"],
        [
            Row("Catchment", [
                Placed(14, CHART + 4, catchment_map()), Placed(10, CHART + 4, catchment_table()),
            ]),
            Row("Sites", [
                Placed(8, CHART, sites_rtt_timeseries()), Placed(8, CHART, sites_share_timeseries()),
                Placed(8, CHART, changes_timeseries()),
            ]),
        ],
    )  # fmt: skip


def catchment_map() -> dashboard.Panel:
    what = 'last("latitude") AS "latitude", last("longitude") AS "longitude", last("rtt_seconds") AS "rtt"'
    return map_panel(
        "Catchment by probe",
        "Probes where they are, with the site of the DNS operators that answers them; the colour is the round trip to "
        "it. Resolvers stand in the table.",
        Query(
            select(
                what,
                points.CATCHMENT,
                where=f"\"operator\" <> '' AND {_PROBE}",
                by=["probe", "site", "operator"],
                every="",
            ),
            form="table",
        ),
        shown="rtt",
        unit="s",
        steps=((None, GREEN), (0.05, YELLOW), (0.1, ORANGE), (0.2, RED)),
    )


def catchment_table() -> dashboard.Panel:
    what = 'last("rtt_seconds") AS "rtt", last("changes") AS "changes in 24 h", last("remote") AS "remote"'
    return table_panel(
        "Catchment",
        "The site that each probe reaches at each anycast address, changes of it in the last 24 hours, and whether a "
        "nearer site is passed by.",
        Query(
            select(what, points.CATCHMENT, where=_PROBE, by=["operator", "address", "probe", "site"], every=""),
            form="table",
        ),
        units={"rtt": "s"},
        states={"remote": YES_NO},
        hidden=("Time",),
    )


def sites_rtt_timeseries() -> dashboard.Panel:
    return timeseries_panel(
        "Round trip by site",
        "The median round trip of the probes that a site answers.",
        Query(select('median("rtt_seconds")', points.CATCHMENT, where=_PROBE, by=["site"]), alias="$tag_site"),
        unit="s",
        low=0,
    )


def sites_share_timeseries() -> dashboard.Panel:
    return timeseries_panel(
        "Catchment over time",
        "How much each site has of the probes, one on top of the other: a site that is withdrawn gives way to others.",
        Query(
            select('count("remote")', points.CATCHMENT, where=_PROBE, by=["site"], fill="0"),
            alias="$tag_site",
        ),
        stacked=True,
        least=MINUTES,
    )


def changes_timeseries() -> dashboard.Panel:
    return timeseries_panel(
        "Changes of site",
        "Changes of a probe's site in the 24 hours before; more than a few are a route that flaps.",
        Query(select('max("changes")', points.CATCHMENT, where=_PROBE, by=["probe"]), alias="$tag_probe"),
        steps=((None, GREEN), (5, ORANGE)),
        low=0,
    )
