"""InfluxDB 1, a real one, on loopback; and a way to ask it."""

import http.client
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from parallax.values import Address
from tests.parts.daemon import Daemon, daemon, find_program
from tests.parts.ports import free_port

_CONFIG = """
reporting-disabled = true
bind-address = "127.0.0.1:{rpc}"
[meta]
  dir = "{folder}/meta"
[data]
  dir = "{folder}/data"
  wal-dir = "{folder}/wal"
  query-log-enabled = false
[monitor]
  store-enabled = false
[http]
  bind-address = "{address}"
  log-enabled = false
  auth-enabled = {auth}
"""


class InfluxDb:
    """A server that runs. `daemon` kills, pauses and restarts it."""

    def __init__(self, running: Daemon) -> None:
        self.daemon = running

    @property
    def address(self) -> Address:
        return self.daemon.address

    @property
    def url(self) -> str:
        return f"http://{self.address}"

    def ask(self, query: str, database: str = "", **more: str) -> list[dict[str, Any]]:
        """The series of the first statement's result; raises AssertionError with what the server says is wrong."""
        connection = http.client.HTTPConnection(self.address.ip, self.address.port, timeout=30)
        try:
            path = "/query?" + urlencode({"db": database, "q": query, "epoch": "ns"} | more)
            connection.request("POST", path)
            answer = json.loads(connection.getresponse().read())
        finally:
            connection.close()
        (result, *_) = answer["results"]
        assert "error" not in result, result["error"]
        found: list[dict[str, Any]] = result.get("series", [])
        return found

    def rows(self, query: str, database: str = "parallax") -> list[dict[str, Any]]:
        """Every row of every series, with the tags that it was grouped by."""
        return [
            series.get("tags", {}) | dict(zip(series["columns"], values, strict=True))
            for series in self.ask(query, database)
            for values in series["values"]
        ]


@asynccontextmanager
async def influxdb(*, auth: bool = False) -> AsyncIterator[InfluxDb]:
    """Runs until the end of the block. Skips the test where InfluxDB is missing."""
    program = find_program("influxd", "influxdb")
    port, rpc = free_port(), free_port()
    address = Address.of("127.0.0.1", port)

    def config(folder: Path) -> str:
        return _CONFIG.format(folder=folder, address=address, rpc=rpc, auth=str(auth).lower())

    command = lambda folder: [program, "-config", str(folder / "influxdb.conf")]  # noqa: E731
    async with daemon(command, "127.0.0.1", port, "Listening for signals", {"influxdb.conf": config}) as running:
        yield InfluxDb(running)
