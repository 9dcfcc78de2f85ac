"""Time series: what was measured and concluded, as line protocol, in InfluxDB and VictoriaMetrics.

`parallax.points` has the names. `labels` bounds tags, `encode` and `annotations` make lines of the journals' records,
`gauges` makes points of what is known now, `minutes` of the history's figures: all pure. `outcomes` says what an
answer means; `http_sender` and `influx2` write; `sink` is one server with its cursor, `series` all of them.
"""

from collector.series.series import Series

__all__ = ["Series"]
