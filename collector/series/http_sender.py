"""InfluxDB 1 and VictoriaMetrics: POST /write, over our own dialling.

https://docs.influxdata.com/influxdb/v1/tools/api/#write-http-endpoint says what is answered. VictoriaMetrics loses what
it had in memory when it is killed, and says nothing of it: so whether another process answers now is asked whenever a
connection is new.
"""

import base64
import gzip
import re
from collections.abc import Mapping
from typing import Literal
from urllib.parse import quote

import trio

from collector.series.outcomes import Answer
from parallax import __version__
from parallax.clock import NS, wall_ns
from parallax.config import CollectorConfig
from parallax.dialling.errors import EXPECTED, detail_of, failure_of
from parallax.dialling.fields import retry_after_s
from parallax.dialling.http import Http
from parallax.dialling.post import look_up
from parallax.dialling.route import EVERYWHERE, Routes
from parallax.dialling.tls import Trust
from parallax.secret import read_secret
from parallax.series_config import SeriesServer
from parallax.values import Address

MOST_ANSWER = 64_000
MOST_METRICS = 4_000_000
YOUNG_S = 3
"""A process that began so lately, to the second, may have been there twice in one second."""
_STARTED = re.compile(rb"^vm_app_start_timestamp (\d+)", re.MULTILINE)


class Reply:
    """A whole answer. `dialled`: over a new connection."""

    __slots__ = ("body", "dialled", "retry_after_s", "status")

    def __init__(self, status: int, body: bytes, retry_s: float | None, *, dialled: bool) -> None:
        self.status, self.body, self.retry_after_s, self.dialled = status, body, retry_s, dialled


class HttpSender:
    """One server. A connection is kept from one write to the next."""

    def __init__(self, server: SeriesServer, config: CollectorConfig) -> None:
        self._server = server
        self._url = server.url.rstrip("/")
        # the owner of the host wrote the URL: no plan leads here, so any address will do
        self._routes = Routes.of(((entry.source, entry.to) for entry in config.connect_to), EVERYWHERE)
        self._http: Http | None = None
        self._near = False
        self._process: bytes | None = None

    async def write(self, body: bytes, place: Literal["raw", "long"]) -> Answer:
        path = f"/write?db={quote(self._server.database)}&precision=ns"
        if self._server.kind == "influxdb1":
            path += f"&rp={place}"
        try:
            reply = await self.ask("POST", path, body)
            fresh = reply.dialled and self._server.kind == "victoriametrics" and await self._is_fresh()
        except ValueError as error:  # a secret that cannot be read, an answer without an end
            self.close()
            return Answer(failure="not_sent", detail=str(error)[:200])
        except EXPECTED as error:
            word = failure_of(error)
            if word == "bug":
                raise
            self.close()
            return Answer(failure=word, detail=detail_of(error)[:200])
        return Answer(status=reply.status, body=reply.body[:2000], retry_after_s=reply.retry_after_s, fresh=fresh)

    async def ask(self, method: str, path: str, body: bytes = b"", most: int = MOST_ANSWER) -> Reply:
        """One request, and its whole answer. Raises ValueError, and what dialling raises."""
        http = self._http
        if http is None:
            address = await self._address()
            self._near = address.parsed_ip.is_loopback
            http = self._http = Http(address, self._routes, Trust(self._server.ca))
        headers = dict(self._headers())
        if body and not self._near:  # on this host packing costs more than it saves
            body = await trio.to_thread.run_sync(gzip.compress, body, 1)
            headers["Content-Encoding"] = "gzip"
        dialled = False

        def enter(phase: str) -> None:
            nonlocal dialled
            dialled = dialled or phase == "connect"

        async with http.request(method, self._url + path, headers=headers, body=body, enter=enter) as response:
            wait_s = retry_after_s(response.headers, wall_ns() / NS)
            return Reply(response.status_code, await response.aread(most), wait_s, dialled=dialled)

    def close(self) -> None:
        if self._http is not None:
            self._http.close()
            self._http = None

    async def _is_fresh(self) -> bool:
        """Whether another process answers than the last time. Where nobody says, it may be."""
        reply = await self.ask("GET", "/metrics", most=MOST_METRICS)
        found = _STARTED.search(reply.body) if reply.status == 200 else None
        before, self._process = self._process, found[1] if found else None
        if found is None:
            return True
        young = abs(wall_ns() // NS - int(found[1])) <= YOUNG_S
        return before != found[1] or young

    def _headers(self) -> Mapping[str, str]:
        """Secrets are read anew each time: who mends one need not restart anything."""
        headers = {"User-Agent": f"Parallax/{__version__}", "Content-Type": "text/plain; charset=utf-8"}
        if self._server.token is not None:
            headers["Authorization"] = f"Bearer {read_secret(self._server.token).reveal()}"
        elif self._server.password is not None:
            pair = f"{self._server.user}:{read_secret(self._server.password).reveal()}"
            headers["Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
        return headers

    async def _address(self) -> Address:
        endpoint = self._server.url.endpoint
        pinned = self._server.address or endpoint.address
        if pinned is not None:
            return pinned
        found = await look_up(endpoint.host, endpoint.port)
        if not found:
            raise OSError(f"{endpoint.host} has no address")
        return found[0]
