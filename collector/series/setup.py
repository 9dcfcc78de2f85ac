"""`parallax series setup`: makes at a server what the writer needs. Done again it changes nothing, and says so.

InfluxDB 1: the database, its policies `raw` (the default) and `long`. InfluxDB 2: two buckets, and the mappings by
which InfluxQL finds them as a database with two policies
(https://docs.influxdata.com/influxdb/v2/reference/api/influxdb-1x/dbrp/). InfluxDB 3: two databases. VictoriaMetrics
makes what is written, and keeps it all for one span, said at its start.
"""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import msgspec
import trio

from collector.series.http_sender import HttpSender
from collector.series.influx2 import set_up_influxdb2, set_up_influxdb3
from parallax.clock import NS
from parallax.config import CollectorConfig
from parallax.dialling.errors import EXPECTED, detail_of
from parallax.series_config import SeriesServer
from parallax.spans import lasting

TIMEOUT_S = 30.0
_HOURS = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")


class SetupError(Exception):
    """It could not be done; one line with the server's name and the way out."""


async def set_up(server: SeriesServer, config: CollectorConfig) -> list[str]:
    """What was done, in sentences. Raises SetupError."""
    try:
        with trio.fail_after(TIMEOUT_S):
            match server.kind:
                case "influxdb1":
                    return await _influxdb1(server, config)
                case "influxdb2":
                    return await trio.to_thread.run_sync(set_up_influxdb2, server)
                case "influxdb3":
                    return await trio.to_thread.run_sync(set_up_influxdb3, server)
                case "victoriametrics":
                    return await _victoriametrics(server, config)
    except SetupError:
        raise
    except trio.TooSlowError:
        raise SetupError(f"{server.name}: {server.url} does not answer; is it running?") from None
    except ValueError as error:
        raise SetupError(f"{server.name}: {error}") from None
    except EXPECTED as error:
        raise SetupError(f"{server.name}: {server.url} cannot be asked: {detail_of(error)}; is it running?") from None


async def _influxdb1(server: SeriesServer, config: CollectorConfig) -> list[str]:
    sender, done = HttpSender(server, config), list[str]()
    try:
        database, raw_s, long_s = server.database, round(server.raw_age), round(server.minutes_age)
        there = await _ask(server, sender, "SHOW DATABASES")
        if [database] not in there:
            await _ask(server, sender, f'CREATE DATABASE "{database}" WITH DURATION {raw_s}s REPLICATION 1 NAME "raw"')
            done.append(f"made the database {database}, which keeps every observation for {_span(raw_s)}")
        policies = {row[0]: row for row in await _ask(server, sender, f'SHOW RETENTION POLICIES ON "{database}"')}
        for name, wanted_s, what in (
            ("raw", raw_s, "every observation"),
            ("long", long_s, "figures by the minute"),
        ):
            rest = f' ON "{database}" DURATION {wanted_s}s REPLICATION 1' + " DEFAULT" * (name == "raw")
            if name not in policies:
                await _ask(server, sender, f'CREATE RETENTION POLICY "{name}"{rest}')
                done.append(f"made the retention policy {name}: {what}, for {_span(wanted_s)}")
                continue
            is_s, default = _seconds(str(policies[name][1])), policies[name][4]
            if is_s != wanted_s or (name == "raw") != bool(default):
                await _ask(server, sender, f'ALTER RETENTION POLICY "{name}" ON "{database}" DURATION {wanted_s}s'
                                           + " DEFAULT" * (name == "raw"))  # fmt: skip
                was = f", where it was {_span(is_s)}" if is_s != wanted_s else ""
                done.append(f"changed the retention policy {name}: {_span(wanted_s)}{was}")
        return done or [f"the database {database} is as it should be"]
    finally:
        sender.close()


async def _ask(server: SeriesServer, sender: HttpSender, query: str) -> list[list[Any]]:
    """The rows of one InfluxQL statement."""
    reply = await sender.ask("POST", f"/query?q={quote(query)}")
    try:
        answer: Mapping[str, Any] = msgspec.json.decode(reply.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        answer = {"error": f"answered {reply.status}"}
    results = answer.get("results") or [{}]
    problem = answer.get("error") or results[0].get("error")
    if reply.status != 200 or problem:
        raise SetupError(f"{server.name}: {query.split(' WITH ')[0]}: {problem or f'answered {reply.status}'}")
    return [row for series in results[0].get("series", []) for row in series.get("values", [])]


async def _victoriametrics(server: SeriesServer, config: CollectorConfig) -> list[str]:
    sender = HttpSender(server, config)
    try:
        reply = await sender.ask("GET", "/metrics", most=4_000_000)
    finally:
        sender.close()
    if reply.status != 200:
        raise SetupError(f"{server.name}: {server.url}/metrics answered {reply.status}; see to the url and the token")
    return [
        f"VictoriaMetrics makes what is written, and keeps all of it for one span: start it with "
        f"-retentionPeriod={round(server.minutes_age / 86400)}d for the figures by the minute",
        "what is written again after its end is there twice unless it runs with -dedup.minScrapeInterval=1ms",
    ]


def _seconds(text: str) -> int:
    """InfluxDB's 336h0m0s."""
    found = _HOURS.fullmatch(text)
    hours, minutes, seconds = (int(part or 0) for part in found.groups()) if found else (0, 0, 0)
    return hours * 3600 + minutes * 60 + seconds


def _span(seconds: int) -> str:
    return lasting(seconds * NS)
