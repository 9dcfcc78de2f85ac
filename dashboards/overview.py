"""Overview: components, incidents, availability against the objective, what is left of the error budget."""

from dashboards.frame import Placed, Row, dashboard_of, notes_query
from dashboards.influxql import LONG, Query, one_of, select
from dashboards.panels import (
    CHART,
    COUNT,
    GREEN,
    GREY,
    MINUTES,
    ORANGE,
    RED,
    SHARE,
    STRIP,
    YELLOW,
    State,
    States,
    bars_panel,
    stat_panel,
    table_panel,
    timeline_panel,
    timeseries_panel,
)  # fmt: skip
from dashboards.sdk import dashboard
from parallax import points

_COLOURS = (GREEN, YELLOW, ORANGE, RED, "blue", GREY, GREY)
COMPONENT_STATES: States = {
    code: State(word.replace("_", " "), colour)
    for (word, code), colour in zip(points.STATES.items(), _COLOURS, strict=True)
}
_COMPONENT = one_of("component")


def overview() -> dashboard.Dashboard:
    """The first one to open."""
    return dashboard_of(
        "overview",
        "Overview",
        "How the components stand, what is wrong now, and how much of the error budget is left.",
        ["component", "target", "objective"],
        [
            Row("Now", [
                Placed(18, STRIP + 1, components_timeline()), Placed(6, STRIP + 1, incidents_stat()),
            ]),
            Row("Against the objective", [
                Placed(8, CHART, availability_bars()), Placed(8, CHART, budget_bars()),
                Placed(8, CHART, success_timeseries()),
            ]),
            Row("What happened", [
                Placed(16, CHART + 2, incidents_table()), Placed(8, CHART + 2, alerts_timeseries()),
            ]),
        ],
    )  # fmt: skip


def components_timeline() -> dashboard.Panel:
    text = select('last("state")', points.COMPONENT_STATE, where=_COMPONENT, by=["component"])
    return timeline_panel(
        "Components",
        "How each line of the status page stood; unknown is where too few probes could tell.",
        Query(text, alias="$tag_component"),
        states=COMPONENT_STATES,
    )


def incidents_stat() -> dashboard.Panel:
    text = select('last("open")', points.INCIDENTS, by=["severity"])
    return stat_panel(
        "Open incidents",
        "Incidents that are open at the end of the time shown, by severity.",
        Query(text, alias="$tag_severity"),
        steps=COUNT,
    )


def availability_bars() -> dashboard.Panel:
    text = select('mean("available")', points.COMPONENT_STATE, where=_COMPONENT, by=["component"], every="")
    return bars_panel(
        "Availability",
        "The share of the time shown in which a component was operational or degraded; what nobody could tell counts "
        "for nothing. Green begins at 99.9 %.",
        Query(text, alias="$tag_component"),
        unit="percentunit",
        steps=SHARE,
        high=1,
    )


def budget_bars() -> dashboard.Panel:
    left = '1 - (1 - mean("available")) / (1 - $objective / 100)'
    text = select(left, points.COMPONENT_STATE, where=_COMPONENT, by=["component"], every="")
    return bars_panel(
        "Error budget left",
        "Of the time that the objective allows a component to be out, within the time shown: what is left. Below 0 the "
        "objective is missed.",
        Query(text, alias="$tag_component"),
        unit="percentunit",
        steps=((None, RED), (0, ORANGE), (0.25, YELLOW), (0.5, GREEN)),
        low=-1,
        high=1,
    )


def success_timeseries() -> dashboard.Panel:
    share = '1 - sum("failed") / sum("counted")'
    text = select(share, points.CHECK_MINUTE, where=one_of("target"), by=["check"], policy=LONG)
    return timeseries_panel(
        "Success by check",
        "The share of observations without a reason, of all probes, from the figures that are kept for 13 months. "
        "Observations that must not count are left out.",
        Query(text, alias="$tag_check"),
        unit="percentunit",
        steps=((None, RED), (0.95, GREEN)),
        low=0,
        high=1,
        least=MINUTES,
    )


def incidents_table() -> dashboard.Panel:
    text = notes_query("^(incident|risk|failover|failback)\\.") + " ORDER BY time DESC LIMIT 100"
    return table_panel(
        "What happened",
        "Incidents, risks and switchovers as they were told, the newest first.",
        Query(text, form="table"),
    )


def alerts_timeseries() -> dashboard.Panel:
    text = select('sum("told")', points.ALERT, by=["tier"])
    return timeseries_panel(
        "Alerts",
        "How many receivers were told something: page, because users are hurt or soon will be; ticket, because "
        "somebody should look.",
        Query(text, alias="$tag_tier"),
        bars=True,
    )
