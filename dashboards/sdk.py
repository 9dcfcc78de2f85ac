"""grafana-foundation-sdk, imported in one place: its module for dashboards warns on import that a newer schema exists,
which Grafana before 12 cannot read."""

import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    from grafana_foundation_sdk.builders import bargauge, geomap, stat, statetimeline, table, timeseries
    from grafana_foundation_sdk.builders import common as common_builders
    from grafana_foundation_sdk.builders import dashboard as builders
    from grafana_foundation_sdk.cog.builder import Builder
    from grafana_foundation_sdk.cog.encoder import JSONEncoder
    from grafana_foundation_sdk.cog.plugins import register_default_plugins
    from grafana_foundation_sdk.cog.runtime import DataqueryConfig, register_dataquery_variant
    from grafana_foundation_sdk.cog.variants import Dataquery
    from grafana_foundation_sdk.models import alerting, common, dashboard
    from grafana_foundation_sdk.models.geomap import TooltipMode

__all__ = [
    "Builder",
    "Dataquery",
    "DataqueryConfig",
    "JSONEncoder",
    "TooltipMode",
    "alerting",
    "bargauge",
    "builders",
    "common",
    "common_builders",
    "dashboard",
    "geomap",
    "register_dataquery_variant",
    "register_default_plugins",
    "stat",
    "statetimeline",
    "table",
    "timeseries",
]  # fmt: skip
