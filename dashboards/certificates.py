"""TLS: certificates and handshakes."""

from dashboards.frame import Placed, Row, dashboard_of
from dashboards.influxql import Query, one_of, select
from dashboards.panels import (
    CHART,
    GREEN,
    MINUTES,
    ORANGE,
    RED,
    YELLOW,
    Steps,
    bars_panel,
    table_panel,
    timeseries_panel,
)  # fmt: skip
from dashboards.sdk import dashboard
from parallax import points

TLS = points.OBSERVATIONS["tls"]
_COUNTED = f"\"outcome\" <> 'abstained' AND {one_of('probe')} AND {one_of('target')}"
LEFT: Steps = ((None, RED), (3, ORANGE), (14, YELLOW), (21, GREEN))
"""Of days until a certificate expires."""


def tls() -> dashboard.Dashboard:
    """Certificates and handshakes."""
    return dashboard_of(
        "tls",
        "TLS",
        "How long certificates are still good, and how handshakes do.",
        ["probe", "target"],
        [
            Row("Certificates", [Placed(12, CHART, expiry_bars()), Placed(12, CHART, certificates_table())]),
            Row("Handshakes", [
                Placed(12, CHART, handshakes_timeseries()), Placed(12, CHART, handshake_time_timeseries()),
                Placed(24, CHART, phases_timeseries()),
            ]),
        ],
    )  # fmt: skip


def expiry_bars() -> dashboard.Panel:
    return bars_panel(
        "Days left",
        "Days until the first certificate of a target expires; red is less than three.",
        Query(select('min("days_left")', TLS, where=_COUNTED, by=["target"], every=""), alias="$tag_target"),
        unit="d",
        steps=LEFT,
        high=90,
    )


def certificates_table() -> dashboard.Panel:
    what = 'last("days_left") AS "days left", last("ok") AS "ok"'
    return table_panel(
        "Certificates by address",
        "What each address of a target last presented: addresses that differ are a roll-out that has not reached all.",
        Query(select(what, TLS, where=_COUNTED, by=["target", "subject"], every=""), form="table"),
        units={"days left": "d"},
        hidden=("Time",),
    )


def handshakes_timeseries() -> dashboard.Panel:
    return timeseries_panel(
        "Success by target",
        "The share of handshakes that were good, the certificate included.",
        Query(select('mean("ok")', TLS, where=_COUNTED, by=["target"]), alias="$tag_target"),
        unit="percentunit",
        steps=((None, RED), (0.95, GREEN)),
        low=0,
        high=1,
    )


def handshake_time_timeseries() -> dashboard.Panel:
    return timeseries_panel(
        "Handshake time by probe",
        "The median time of the TLS handshake alone, without lookup and connection.",
        Query(select('median("tls_seconds")', TLS, where=_COUNTED, by=["probe"]), alias="$tag_probe"),
        unit="s",
        low=0,
    )


def phases_timeseries() -> dashboard.Panel:
    what = ", ".join(f'mean("{name}_seconds") AS "{name}"' for name in ("lookup", "connect", "tls", "first_byte"))
    where = f"\"kind\" = 'http' AND {one_of('probe')} AND {one_of('target')}"
    return timeseries_panel(
        "Where the time goes",
        "The mean time of each phase of HTTPS requests, of figures by the minute, one on top of the other.",
        Query(select(what, points.ANSWER_MINUTE, where=where), alias="$col"),
        unit="s",
        stacked=True,
        least=MINUTES,
    )
