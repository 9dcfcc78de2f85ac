"""Probes and collector: whether what measures is well itself."""

from dashboards.frame import Placed, Row, dashboard_of
from dashboards.influxql import Query, one_of, select
from dashboards.panels import (
    CARD,
    CHART,
    GREEN,
    GREY,
    ORANGE,
    RED,
    STRIP,
    YELLOW,
    State,
    States,
    stat_panel,
    table_panel,
    timeline_panel,
    timeseries_panel,
)  # fmt: skip
from dashboards.sdk import dashboard
from parallax import points

PROBE_STATES: States = {
    code: State(word, colour)
    for (word, code), colour in zip(points.PROBE_STATES.items(), (GREEN, ORANGE, RED, GREY), strict=True)
}
_PROBE = one_of("probe")


def probes() -> dashboard.Dashboard:
    """For who runs Parallax."""
    return dashboard_of(
        "probes",
        "Probes and collector",
        "Whether probes and collector are well, keep up, and lose nothing.",
        ["probe"],
        [
            Row("Probes", [
                Placed(24, STRIP + 1, probes_timeline()),
                Placed(8, CHART, lag_timeseries()), Placed(8, CHART, arrival_timeseries()),
                Placed(8, CHART, clock_timeseries()),
                Placed(8, CHART, spool_timeseries()), Placed(8, CHART, losses_timeseries()),
                Placed(8, CHART, memory_timeseries()), Placed(24, STRIP, places_table()),
            ]),
            Row("Collector", [
                Placed(4, CARD, up_stat()), Placed(4, CARD, connected_stat()), Placed(4, CARD, behind_stat()),
                Placed(4, CARD, lost_stat()), Placed(4, CARD, refused_stat()), Placed(4, CARD, sinks_stat()),
                Placed(8, CHART, observations_timeseries()), Placed(8, CHART, behind_timeseries()),
                Placed(8, CHART, journals_timeseries()),
                Placed(12, STRIP, sinks_table()), Placed(12, STRIP, receivers_table()),
            ]),
        ],
    )  # fmt: skip


def probes_timeline() -> dashboard.Panel:
    return timeline_panel(
        "Probes",
        "A probe as the collector sees it. One that is silent or unhealthy has no vote.",
        Query(select('last("state")', points.PROBE_STATE, where=_PROBE, by=["probe"]), alias="$tag_probe"),
        states=PROBE_STATES,
    )


def lag_timeseries() -> dashboard.Panel:
    return _by_probe(
        "Event loop", "The longest that a probe's event loop stood still; past 0.25 s its times are in doubt.",
        'max("lag_seconds")', "s", 0.25,
    )  # fmt: skip


def arrival_timeseries() -> dashboard.Panel:
    return timeseries_panel(
        "Arrival",
        "From the cut of a probe's last batch to its arrival: how late the collector learns of a failure.",
        Query(select('max("lag_seconds")', points.PROBE_STATE, where=_PROBE, by=["probe"]), alias="$tag_probe"),
        unit="s",
        steps=((None, GREEN), (10, ORANGE)),
        low=0,
    )


def clock_timeseries() -> dashboard.Panel:
    return _by_probe(
        "Clocks", "What a probe takes its clock to be off by. Far off it abstains.", 'last("clock_offset_seconds")', "s"
    )


def spool_timeseries() -> dashboard.Panel:
    return _by_probe(
        "Waiting to be shipped", "Batches that a probe's collectors have yet to take; they grow while one is away.",
        'max("backlog")', "short", 100,
    )  # fmt: skip


def losses_timeseries() -> dashboard.Panel:
    what = 'max("lost") AS "lost", max("skipped") AS "skipped"'
    return timeseries_panel(
        "Lost and skipped",
        "Observations lost at a spool's bounds, and runs that were skipped because the one before was still under way, "
        "since the probe started.",
        Query(select(what, points.PROBE_HEALTH, where=_PROBE, by=["probe"]), alias="$tag_probe: $col"),
        steps=((None, GREEN), (1, ORANGE)),
        low=0,
    )


def memory_timeseries() -> dashboard.Panel:
    return _by_probe("Memory", "A probe's memory; it should be flat.", 'max("rss_bytes")', "bytes")


def places_table() -> dashboard.Panel:
    return table_panel(
        "Where they stand",
        "The labels of each probe, as the plan has them.",
        Query(
            select(
                'last("known") AS "known"', points.VANTAGE, where=_PROBE,
                by=["probe", "region", "provider", "asn", "network"], every="",
            ),
            form="table",
        ),
        hidden=("Time", "known"),
    )  # fmt: skip


def up_stat() -> dashboard.Panel:
    return _of_collector("Up", "Since the collector started.", 'last("up_seconds")', "s", ((None, ORANGE), (60, GREEN)))


def connected_stat() -> dashboard.Panel:
    return _of_collector(
        "Probes heard", "Probes that the collector has heard of late.", 'last("probes_connected")', "short",
        ((None, RED), (1, YELLOW), (3, GREEN)),
    )  # fmt: skip


def behind_stat() -> dashboard.Panel:
    return _of_collector(
        "Detection behind", "Records that detection has yet to take: verdicts are late by as much.",
        'last("detection_behind")', "short", ((None, GREEN), (100, ORANGE), (1000, RED)),
    )  # fmt: skip


def lost_stat() -> dashboard.Panel:
    return _of_collector(
        "Lost", "Observations dropped at the journal's bounds before anything read them.", 'last("inputs_lost")',
        "short", ((None, GREEN), (1, RED)),
    )  # fmt: skip


def refused_stat() -> dashboard.Panel:
    return _of_collector(
        "Refused", "Requests refused for want of room since the start; probes keep what they hold.", 'last("refused")',
        "short", ((None, GREEN), (1, ORANGE)),
    )  # fmt: skip


def sinks_stat() -> dashboard.Panel:
    return stat_panel(
        "Series failing",
        "Servers of time series that cannot be written now; what waits for them is in the journal.",
        Query(select('max("failing")', points.SINK, by=["sink"]), alias="$tag_sink"),
        steps=((None, GREEN), (1, RED)),
    )


def observations_timeseries() -> dashboard.Panel:
    text = select('non_negative_derivative(last("observations"), 1s)', points.COLLECTOR)
    return timeseries_panel(
        "Observations",
        "Observations taken a second.",
        Query(text, alias="observations"),
        unit="ops",
        low=0,
    )


def behind_timeseries() -> dashboard.Panel:
    what = 'max("detection_behind") AS "detection", max("history_behind") AS "history"'
    return timeseries_panel(
        "Records behind",
        "Records of the journal that detection and history have yet to take.",
        Query(select(what, points.COLLECTOR), alias="$col"),
        low=0,
    )


def journals_timeseries() -> dashboard.Panel:
    what = 'max("inputs_bytes") AS "inputs", max("events_bytes") AS "events"'
    return timeseries_panel(
        "Journals",
        "Octets of both journals; inputs is bounded by 8 GB and 14 days unless the config says otherwise.",
        Query(select(what, points.COLLECTOR), alias="$col"),
        unit="bytes",
        low=0,
    )


def sinks_table() -> dashboard.Panel:
    what = 'last("behind") AS "behind", last("written") AS "written", last("rejected") AS "rejected"'
    return table_panel(
        "Servers of time series",
        "Records that wait for each server, points that it took, and points that it refused.",
        Query(select(what, points.SINK, by=["sink"], every=""), form="table"),
        hidden=("Time",),
    )


def receivers_table() -> dashboard.Panel:
    what = 'last("waiting") AS "waiting", last("delivered") AS "delivered", last("given_up") AS "given up"'
    return table_panel(
        "Receivers of alerts",
        "Alerts that wait for each receiver, that it took, and that were given up.",
        Query(select(what, points.RECEIVER, by=["receiver"], every=""), form="table"),
        hidden=("Time",),
    )


def _by_probe(title: str, why: str, what: str, unit: str, most: float | None = None) -> dashboard.Panel:
    return timeseries_panel(
        title,
        why,
        Query(select(what, points.PROBE_HEALTH, where=_PROBE, by=["probe"]), alias="$tag_probe"),
        unit=unit,
        steps=((None, GREEN), (most, ORANGE)) if most is not None else (),
    )


def _of_collector(
    title: str, why: str, what: str, unit: str, steps: tuple[tuple[float | None, str], ...]
) -> dashboard.Panel:
    return stat_panel(title, why, Query(select(what, points.COLLECTOR), alias=title), unit=unit, steps=steps)
