"""What all dashboards have in common: their variables, links, annotations, and where panels stand."""

from collections.abc import Sequence
from typing import NamedTuple

from dashboards.influxql import KIND, Query, select
from dashboards.panels import SOURCE
from dashboards.sdk import builders, dashboard
from parallax import points
from parallax.points import Measurement

TAG = "parallax"
"""Of every dashboard; links lead to all that have it."""
UID_PREFIX = "parallax-"
WIDTH = 24
OBJECTIVE, SIGN_IN_OBJECTIVE = 99.9, 99.0
"""In percent: what a dashboard begins with, and what alert rules go by."""

CHOICES: dict[str, tuple[str, str, Measurement]] = {
    "component": ("Component", "a line of the status page", points.COMPONENT_STATE),
    "region": ("Region", "the region that served", points.OBSERVATIONS["http"]),
    "probe": ("Probe", "where it was measured", points.PROBE_STATE),
    "target": ("Target", "what was measured", points.CHECK_STATE),
}
"""Variables whose values are a tag's: label, what it is, and the measurement that has the tag."""
NUMBERS: dict[str, tuple[str, str, float]] = {
    "objective": ("Objective, %", "the share of time that a component should be there", OBJECTIVE),
    "signin_objective": ("Objective, %", "the share of sign-ins that should succeed at once", SIGN_IN_OBJECTIVE),
}
"""Variables that a person types: label, what it is, what it begins with."""
NOTES: tuple[tuple[str, str, str], ...] = (
    ("Incidents", "red", r"^incident\."),
    ("Switchovers", "purple", r"^(failover|failback|readiness)\.|^fact\.switched$"),
    ("Risks and notices", "orange", r"^(risk|notice|probe)\."),
    ("Plan and facts", "blue", r"^plan\.|^fact\.([^s]|s[^w])"),
)
"""Annotations: name, colour, and the types of what happened."""


class Placed(NamedTuple):
    """A panel and its size in the grid, which is 24 wide."""

    width: int
    height: int
    panel: dashboard.Panel


class Row(NamedTuple):
    """A heading, and panels from left to right under it."""

    title: str
    panels: Sequence[Placed]


def dashboard_of(uid: str, title: str, why: str, variables: Sequence[str], rows: Sequence[Row]) -> dashboard.Dashboard:
    """The whole of it. `uid` without the prefix; `variables` of CHOICES and NUMBERS."""
    made = (
        builders.Dashboard(f"Parallax / {title}")
        .uid(f"{UID_PREFIX}{uid}")
        .description(why)
        .tags([TAG])
        .editable()
        .tooltip(dashboard.DashboardCursorSync.CROSSHAIR)
        .time("now-3h", "now")
        .refresh("30s")
        .timezone("browser")
        .link(
            builders.DashboardLink("Parallax")
            .type(dashboard.DashboardLinkType.DASHBOARDS)
            .tags([TAG])
            .include_vars(True)
            .keep_time(True)
        )
        .with_variable(
            builders.DatasourceVariable("datasource")
            .label("Data source")
            .description("the InfluxDB that Parallax writes to")
            .type(KIND)
        )
    )
    for name in variables:
        made = made.with_variable(_number(name) if name in NUMBERS else _choice(name))
    for number, (name, colour, types) in enumerate(NOTES):
        made = made.annotation(_annotation(name, colour, types, f"N{number}"))
    whole = made.build()
    whole.panels = _laid_out(rows)
    return whole


def notes_query(types: str) -> str:
    """What happened, of these types: a regular expression."""
    return select('"title", "text", "type", "severity"', points.ANNOTATION, where=f'"type" =~ /{types}/', every="")


def _choice(name: str) -> builders.QueryVariable:
    label, what, of = CHOICES[name]
    query = f'SHOW TAG VALUES FROM "{of.name}" WITH KEY = "{name}"'
    return (
        builders.QueryVariable(name)
        .label(label)
        .description(what)
        .datasource(SOURCE)
        .query(query)
        .definition(query)
        .refresh(dashboard.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(dashboard.VariableSort.ALPHABETICAL_ASC)
        .multi(True)
        .include_all(True)
        .all_value(".*")
        .current(dashboard.VariableOption(selected=True, text="All", value="$__all"))
    )


def _number(name: str) -> builders.TextBoxVariable:
    label, what, start = NUMBERS[name]
    text = f"{start:g}"
    return (
        builders.TextBoxVariable(name)
        .label(label)
        .description(what)
        .default_value(text)
        .current(dashboard.VariableOption(selected=True, text=text, value=text))
    )


def _annotation(name: str, colour: str, types: str, ref: str) -> builders.AnnotationQuery:
    # where Grafana looks for the columns: in the target since version 8
    columns = {"fromAnnotations": True, "titleColumn": "title", "textColumn": "text", "tagsColumn": "type,severity"}
    query = Query(notes_query(types), form="table", ref=ref, more=columns)
    return builders.AnnotationQuery().name(name).datasource(SOURCE).enable(True).icon_color(colour).target(query)


def _laid_out(rows: Sequence[Row]) -> list[dashboard.Panel | dashboard.RowPanel]:
    panels: list[dashboard.Panel | dashboard.RowPanel] = []
    y = 0
    for row in rows:
        panels.append(
            dashboard.RowPanel(
                title=row.title, id_val=len(panels) + 1, grid_pos=dashboard.GridPos(h=1, w=WIDTH, x=0, y=y)
            )
        )
        y += 1
        x = tallest = 0
        for width, height, panel in row.panels:
            if x + width > WIDTH:
                x, y, tallest = 0, y + tallest, 0
            panel.id_val = len(panels) + 1
            panel.grid_pos = dashboard.GridPos(h=height, w=width, x=x, y=y)
            x, tallest = x + width, max(tallest, height)
            panels.append(panel)
        y += tallest
    return panels
