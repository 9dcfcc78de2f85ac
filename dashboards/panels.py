"""Panels, by how they look. Each takes a title, a sentence that says what it shows, and its queries.

The functions that say what is shown stand with the dashboards (overview.py, ...), as WHAT_KIND().
"""

import msgspec

from dashboards.influxql import DATASOURCE, KIND, Query
from dashboards.sdk import (
    TooltipMode,
    bargauge,
    builders,
    common,
    common_builders,
    dashboard,
    geomap,
    stat,
    statetimeline,
    table,
    timeseries,
)

GREEN, YELLOW, ORANGE, RED, BLUE, GREY = "green", "yellow", "orange", "red", "blue", "text"
Steps = tuple[tuple[float | None, str], ...]
"""Colours of a value: from where on which. The first begins at None."""
SHARE: Steps = ((None, RED), (0.5, ORANGE), (0.95, YELLOW), (0.999, GREEN))
"""Of a share of success."""
COUNT: Steps = ((None, GREEN), (1, RED))
"""Of something that should not be."""
CHART, CARD, STRIP = 8, 4, 6
"""Heights in Grafana's grid."""
LEAST_INTERVAL, MINUTES = "15s", "1m"
"""Of `$__interval`: what is known now is written every 15 s, so less would draw gaps; figures by the minute, each
minute."""
MOST_POINTS = 180
"""Of a line. What a query costs an InfluxDB goes by its series times its points; more than these nobody can see on a
panel. Three hours come by the minute."""
SOURCE = common.DataSourceRef(type_val=KIND, uid=DATASOURCE)


class State(msgspec.Struct, frozen=True):
    """What a number stands for."""

    text: str
    colour: str


States = dict[float, State]
READY: States = {1: State("ready", GREEN), 0: State("not ready", RED), -1: State("nobody knows", GREY)}
YES_NO: States = {1: State("yes", GREEN), 0: State("no", GREY)}


def timeseries_panel(
    title: str,
    why: str,
    *queries: Query,
    unit: str = "short",
    steps: Steps = (),
    low: float | None = None,
    high: float | None = None,
    stacked: bool = False,
    bars: bool = False,
    least: str = LEAST_INTERVAL,
) -> dashboard.Panel:
    """Lines over time; `steps` are drawn as lines across."""
    panel = (
        timeseries.Panel()
        .unit(unit)
        .legend(
            common_builders.VizLegendOptions()
            .display_mode(common.LegendDisplayMode.LIST)
            .placement(common.LegendPlacement.BOTTOM)
            .show_legend(True)
        )
        .tooltip(
            common_builders.VizTooltipOptions().mode(common.TooltipDisplayMode.MULTI).sort(common.SortOrder.DESCENDING)
        )
        .line_width(1)
        .fill_opacity(70 if bars else 40 if stacked else 0)
        .draw_style(common.GraphDrawStyle.BARS if bars else common.GraphDrawStyle.LINE)
        .show_points(common.VisibilityMode.AUTO)
        .span_nulls(True)
    )
    if steps:
        panel = panel.thresholds(_steps(steps)).thresholds_style(
            common_builders.GraphThresholdsStyleConfig().mode(common.GraphThresholdsStyleMode.DASHED)
        )
    if stacked:
        panel = panel.stacking(common_builders.StackingConfig().mode(common.StackingMode.NORMAL))
    if (stacked or bars) and low is None:
        low = 0
    if low is not None:
        panel = panel.min(low)
    if high is not None:
        panel = panel.max(high)
    return _told(panel.build(), title, why, queries, least)


def stat_panel(
    title: str,
    why: str,
    *queries: Query,
    unit: str = "short",
    steps: Steps = ((None, BLUE),),
    states: States | None = None,
    decimals: int | None = None,
) -> dashboard.Panel:
    """The last value, large."""
    panel = (
        stat.Panel()
        .unit(unit)
        .thresholds(_steps(steps))
        .color_mode(common.BigValueColorMode.BACKGROUND if states else common.BigValueColorMode.VALUE)
        .graph_mode(common.BigValueGraphMode.NONE)
        .reduce_options(common_builders.ReduceDataOptions().calcs(["lastNotNull"]).values(False))
        .text_mode(common.BigValueTextMode.AUTO)
    )
    if states:
        panel = panel.mappings([_mapping(states)])
    if decimals is not None:
        panel = panel.decimals(decimals)
    return _told(panel.build(), title, why, queries)


def bars_panel(
    title: str, why: str, *queries: Query, unit: str = "short", steps: Steps, low: float = 0, high: float | None = None
) -> dashboard.Panel:
    """The last value of each series, as bars beside one another."""
    panel = (
        bargauge.Panel()
        .unit(unit)
        .thresholds(_steps(steps))
        .min(low)
        .orientation(common.VizOrientation.HORIZONTAL)
        .display_mode(common.BarGaugeDisplayMode.BASIC)
        .reduce_options(common_builders.ReduceDataOptions().calcs(["lastNotNull"]).values(False))
    )
    if high is not None:
        panel = panel.max(high)
    return _told(panel.build(), title, why, queries)


def timeline_panel(
    title: str,
    why: str,
    *queries: Query,
    states: States | None = None,
    steps: Steps = (),
    unit: str = "short",
    least: str = LEAST_INTERVAL,
) -> dashboard.Panel:
    """States over time, a line each; or the steps of a number."""
    panel = (
        statetimeline.Panel()
        .unit(unit)
        .show_value(common.VisibilityMode.AUTO)
        .merge_values(True)
        .row_height(0.8)
        .fill_opacity(80)
    )
    if states:
        panel = panel.mappings([_mapping(states)])
    return _told(panel.thresholds(_steps(steps or ((None, GREY),))).build(), title, why, queries, least)


def table_panel(
    title: str,
    why: str,
    *queries: Query,
    units: dict[str, str] | None = None,
    states: dict[str, States] | None = None,
    hidden: tuple[str, ...] = (),
) -> dashboard.Panel:
    """Rows. `units`, `states`: by column. `hidden` columns are left out."""
    panel = table.Panel().filterable(True)
    for column, unit in (units or {}).items():
        panel = panel.override_by_name(column, [dashboard.DynamicConfigValue(id_val="unit", value=unit)])
    for column, meant in (states or {}).items():
        panel = panel.override_by_name(
            column,
            [
                dashboard.DynamicConfigValue(id_val="mappings", value=[_mapping(meant)]),
                dashboard.DynamicConfigValue(id_val="custom.cellOptions", value={"type": "color-text"}),
            ],
        )
    for column in hidden:
        panel = panel.override_by_name(column, [dashboard.DynamicConfigValue(id_val="custom.hidden", value=True)])
    return _told(panel.build(), title, why, queries)


def map_panel(title: str, why: str, query: Query, *, shown: str, unit: str, steps: Steps) -> dashboard.Panel:
    """A map with a circle at `latitude`, `longitude` of each row, coloured by the column `shown`. It shows as much of
    the world as they need, so that their labels have what room there is: Grafana moves none out of another's way."""
    circles = (
        common_builders.MapLayerOptions()
        .type("markers")
        .name("probes")
        .location(
            common_builders.FrameGeometrySource()
            .mode(common.FrameGeometrySourceMode.COORDS)
            .latitude("latitude")
            .longitude("longitude")
        )
        .config(
            {
                "showLegend": True,
                "style": {
                    "color": {"field": shown, "fixed": "dark-green"},
                    "opacity": 0.7,
                    "size": {"fixed": 8, "max": 15, "min": 4},
                    "symbol": {"fixed": "img/icons/marker/circle.svg", "mode": "fixed"},
                    "text": {"field": "site", "fixed": "", "mode": "field"},
                    "textConfig": {"fontSize": 12, "offsetX": 0, "offsetY": 14, "textAlign": "center"},
                },
            }
        )
        .tooltip(True)
    )
    panel = (
        geomap.Panel()
        .unit(unit)
        .thresholds(_steps(steps))
        .view(geomap.MapViewConfig().id("fit").all_layers(True).padding(10).zoom(5))
        .basemap(common_builders.MapLayerOptions().type("default").name("world"))
        .layers([circles])
        .tooltip(geomap.TooltipOptions().mode(TooltipMode.DETAILS))
    )
    return _told(panel.build(), title, why, (query,))


def _told(
    panel: dashboard.Panel, title: str, why: str, queries: tuple[Query, ...], least: str = LEAST_INTERVAL
) -> dashboard.Panel:
    """With what is said of it, and what it asks; `least` is the shortest interval."""
    panel.title, panel.description, panel.datasource = title, why, SOURCE
    if any("$__interval" in query.query for query in queries):
        panel.interval, panel.max_data_points = least, MOST_POINTS
    for number, query in enumerate(queries):
        query.ref = chr(ord("A") + number)
    panel.targets = list(queries)
    return panel


def _steps(steps: Steps) -> builders.ThresholdsConfig:
    return (
        builders.ThresholdsConfig()
        .mode(dashboard.ThresholdsMode.ABSOLUTE)
        .steps([dashboard.Threshold(value=value, color=colour) for value, colour in steps])
    )


def _mapping(states: States) -> dashboard.ValueMap:
    return dashboard.ValueMap(
        options={
            f"{code:g}": dashboard.ValueMappingResult(text=state.text, color=state.colour, index=number)
            for number, (code, state) in enumerate(states.items())
        }
    )
