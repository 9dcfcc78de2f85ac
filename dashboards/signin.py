"""Sign-in, step by step: first attempts, beside what retries make of them."""

from dashboards.frame import Placed, Row, dashboard_of
from dashboards.influxql import LONG, Query, one_of, select
from dashboards.panels import (
    CHART,
    GREEN,
    MINUTES,
    RED,
    SHARE,
    stat_panel,
    table_panel,
    timeline_panel,
    timeseries_panel,
)
from dashboards.sdk import dashboard
from parallax import points

SIGN_IN, OIDC = points.OBSERVATIONS["signin"], points.OBSERVATIONS["oidc"]
COUNTED = f"\"outcome\" <> 'abstained' AND {one_of('probe')} AND {one_of('target')}"
_MINUTES = f"\"kind\" = 'signin' AND {one_of('probe')} AND {one_of('target')}"
FIRST = f"{COUNTED} AND \"attempt\" = ''"
"""First attempts: what the user of a client without retries sees."""


def signin() -> dashboard.Dashboard:
    """Whole sign-ins."""
    return dashboard_of(
        "signin",
        "Sign-in",
        "Whole sign-ins from outside, by step: the first attempt's truth, and what retries hide of it.",
        ["probe", "target", "signin_objective"],
        [
            Row("First attempts", [
                Placed(6, CHART, first_stat()), Placed(6, CHART, against_stat()), Placed(12, CHART,
                retries_timeseries()), ]),
            Row("Steps", [
                Placed(12, CHART, steps_timeline()), Placed(12, CHART, steps_duration_timeseries()),
                Placed(12, CHART, steps_timeseries()), Placed(12, CHART, reasons_table()),
                Placed(24, CHART, checks_timeline()),
            ]),
        ],
    )  # fmt: skip


def first_stat() -> dashboard.Panel:
    return stat_panel(
        "First attempts that succeeded",
        "The share of steps that were well at the first attempt, in the time shown.",
        Query(select('mean("ok")', SIGN_IN, where=FIRST, by=["check"], every=""), alias="$tag_check"),
        unit="percentunit",
        steps=SHARE,
        decimals=2,
    )


def against_stat() -> dashboard.Panel:
    text = select('mean("ok") - $signin_objective / 100', SIGN_IN, where=FIRST, by=["check"], every="")
    return stat_panel(
        "Against the objective",
        "The share of first attempts that succeeded, less the objective: below 0 it is missed.",
        Query(text, alias="$tag_check"),
        unit="percentunit",
        steps=((None, RED), (0, GREEN)),
        decimals=2,
    )


def retries_timeseries() -> dashboard.Panel:
    first = select('mean("ok")', SIGN_IN, where=FIRST, by=["check"])
    last = select('mean("well")', points.MINUTE, where=_MINUTES, by=["check"], policy=LONG)
    return timeseries_panel(
        "First attempt against after retries",
        "The share of steps that were well at once, and of those that were well at least once within a minute, as a "
        "client that tries again sees it. Where the lines part, retries hide a failure.",
        Query(first, alias="$tag_check: first attempt"),
        Query(last, alias="$tag_check: after retries"),
        unit="percentunit",
        low=0,
        high=1,
        least=MINUTES,
    )


def steps_timeline() -> dashboard.Panel:
    return timeline_panel(
        "Steps",
        "The share of good runs of each step. What follows a step that fails is not run, and so not blamed.",
        Query(select('mean("ok")', SIGN_IN, where=FIRST, by=["step"]), alias="$tag_step"),
        steps=SHARE,
        unit="percentunit",
    )


def steps_duration_timeseries() -> dashboard.Panel:
    return timeseries_panel(
        "Time of each step",
        "The mean time that a step takes, one on top of the other: what a user waits for a sign-in.",
        Query(select('mean("duration_seconds")', SIGN_IN, where=FIRST, by=["step"]), alias="$tag_step"),
        unit="s",
        stacked=True,
    )


def steps_timeseries() -> dashboard.Panel:
    return timeseries_panel(
        "Success by probe",
        "The share of good first attempts by probe. Data centres that fail alone are blocked rather than down.",
        Query(select('mean("ok")', SIGN_IN, where=FIRST, by=["probe"]), alias="$tag_probe"),
        unit="percentunit",
        low=0,
        high=1,
    )


def reasons_table() -> dashboard.Panel:
    text = select(
        'count("ok") AS "observations"', SIGN_IN, beside=[OIDC], where=f"\"reason\" <> '' AND {COUNTED}",
        by=["check", "step", "reason", "fault"], every="",
    )  # fmt: skip
    return table_panel(
        "Why steps failed",
        "How often each reason was met in the time shown, and whose side it is on.",
        Query(text, form="table"),
        hidden=("Time",),
    )


def checks_timeline() -> dashboard.Panel:
    text = select('mean("ok")', SIGN_IN, beside=[OIDC], where=COUNTED, by=["check", "step"])
    return timeline_panel(
        "Checks by step",
        "The share of good runs of each step of every check: sign-ins as people do them, and what clients ask of the "
        "provider (discovery, keys, tokens).",
        Query(text, alias="$tag_check: $tag_step"),
        steps=SHARE,
        unit="percentunit",
    )
