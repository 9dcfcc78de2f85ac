"""The data source that deployed dashboards ask: an InfluxDB, by InfluxQL."""

from typing import Any

import msgspec

from dashboards.alerting import SOURCE_NAME, SOURCE_UID
from dashboards.influxql import KIND


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """Where series are. `header`: what InfluxDB 2 and 3 want as Authorization; `user` and `password` what 1 wants."""

    url: str
    database: str = "parallax"
    user: str = ""
    password: str = ""
    header: str = ""

    def __repr__(self) -> str:
        return f"Source({self.url!r}, {self.database!r})"


def data_source(source: Source) -> dict[str, Any]:
    """As Grafana's API takes it. Secrets stand in `secureJsonData` alone."""
    json_data: dict[str, Any] = {"dbName": source.database, "httpMode": "POST", "version": "InfluxQL"}
    secret: dict[str, str] = {}
    made: dict[str, Any] = {
        "uid": SOURCE_UID, "name": SOURCE_NAME, "type": KIND, "access": "proxy", "url": source.url,
        "database": source.database, "isDefault": False, "basicAuth": False,
    }  # fmt: skip
    if source.header:
        json_data["httpHeaderName1"] = "Authorization"
        secret["httpHeaderValue1"] = source.header
    if source.password:
        made["user"] = source.user
        secret["password"] = source.password
    return made | {"jsonData": json_data} | ({"secureJsonData": secret} if secret else {})
