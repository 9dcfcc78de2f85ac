"""InfluxDB 2's way to write, by its client: on a real InfluxDB 1 behind a proxy that rewrites the path, and on
VictoriaMetrics, which speaks it. No InfluxDB 2 or 3 was there to test with: set-up is tested on a server of ours."""

import json
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import trio

from collector.series.influx2 import ClientSender
from collector.series.setup import SetupError, set_up
from parallax.clock import NS, wall_ns
from parallax.config import CollectorConfig
from parallax.series_config import SeriesServer
from tests.fakes.histories import World, world
from tests.fakes.observations import observation
from tests.fakes.series import running, server, settle
from tests.parts.influxdb import InfluxDb, influxdb
from tests.parts.nginx import Site, nginx
from tests.parts.ports import free_port
from tests.parts.victoria_metrics import victoria_metrics

pytest.importorskip("influxdb_client", reason="influxdb-client is not installed: pip install parallax-monitor[series]")
pytestmark = pytest.mark.slow
CONFIG = CollectorConfig(state="/nowhere", plan="/nowhere")
TOKEN = "a-token-of-the-test"

_REWRITE = """
location = /api/v2/write {{
  if ($http_authorization != "Token {token}") {{ return 401 '{{"code":"unauthorized","message":"no"}}'; }}
  rewrite ^ /write?db=$arg_bucket&precision=$arg_precision? break;
  proxy_pass http://{address};
}}
"""


@pytest.fixture
def token(tmp_path: Path) -> str:
    path = tmp_path / "token"
    path.write_text(TOKEN)
    path.chmod(0o600)
    return f"file:{path}"


@asynccontextmanager
async def behind_nginx(token: str) -> AsyncIterator[tuple[InfluxDb, SeriesServer]]:
    async with influxdb() as db:
        inside = _REWRITE.format(address=db.address, token=TOKEN)
        async with nginx({"v2": Site(inside=inside)}) as front:
            db.ask("CREATE DATABASE parallax")
            yield db, server(f"http://{front.addresses['v2']}", "influxdb2", token=token, org="acme")


async def take(here: World, count: int, at: int) -> None:
    made = [observation(started_at=at + n * 1_000_000, scheduled_at=at) for n in range(count)]
    await here.take(*made, received_at=at + 3600 * NS)


async def test_all_that_is_measured_is_there_also_after_a_kill(tmp_path: Path, token: str):
    now = wall_ns() - 600 * NS
    async with behind_nginx(token) as (db, at), world(tmp_path, now=now) as here:
        async with running(here, at, ClientSender(at)) as sink:
            await take(here, 200, now)
            await settle(here, sink)
            db.daemon.kill()
            await take(here, 200, now + 10 * NS)
            await db.daemon.restart()
            await settle(here, sink)
            assert sink.status.rejected == 0
        (row,) = db.rows('SELECT count("ok") AS n FROM parallax_http')
        assert row["n"] == 400


async def test_a_partial_write_and_a_wrong_token_are_told_apart(tmp_path: Path, token: str):
    now = wall_ns() - 600 * NS
    async with behind_nginx(token) as (_, at):
        by = ClientSender(at)
        first = await by.write(f'm x=1 {now}\nm x="a" {now + 1}\nm x=2 {now + 2}'.encode(), "raw")
        assert first.status == 400
        good = await by.write(f"m x=1 {now}".encode(), "raw")
        assert good.status == 204
        mixed = await by.write(f'm x=1 {now}\nm x="a" {now + 1}\nm x=2 {now + 2}'.encode(), "raw")
        assert mixed.status == 400
        assert b"dropped=1" in mixed.body
        (tmp_path / "token").write_text("another")
        assert (await by.write(b"m x=1 1", "raw")).status == 401
        by.close()


async def test_a_server_that_is_not_there_is_a_failure(token: str):
    by = ClientSender(server(f"http://127.0.0.1:{free_port()}", "influxdb2", token=token, org="acme"))
    answer = await by.write(b"m x=1 1", "raw")
    assert (answer.status, answer.failure) == (None, "not_reached")
    assert TOKEN not in answer.words


async def test_victoria_metrics_takes_the_same(tmp_path: Path, token: str):
    now = wall_ns() // NS * NS - 600 * NS
    async with victoria_metrics() as db, world(tmp_path, now=now) as here:
        at = server(db.url, "influxdb2", token=token, org="acme")
        async with running(here, at, ClientSender(at)) as sink:
            await take(here, 50, now)
            await settle(here, sink)
        (row,) = db.query("count_over_time(parallax_http_ok[1h])", wall_ns() / NS)
        assert row["value"][1] == "50"


class Api:
    """Enough of the management APIs of InfluxDB 2 and 3, by their published descriptions; refuses all else."""

    def __init__(self) -> None:
        self.buckets: list[dict[str, Any]] = []
        self.mappings: list[dict[str, Any]] = []
        self.databases: dict[str, str] = {}

    def answer(self, method: str, path: str, query: dict[str, list[str]], body: Any) -> tuple[int, Any]:
        match method, path:
            case "GET", "/api/v2/orgs":
                orgs = [{"id": "00000000000000aa", "name": "acme"}] if query.get("org") == ["acme"] else []
                return (
                    (200, {"orgs": orgs}) if orgs else (404, {"code": "not found", "message": "organization not found"})
                )
            case "GET", "/api/v2/buckets":
                return 200, {"buckets": [each for each in self.buckets if [each["name"]] == query.get("name")]}
            case "POST", "/api/v2/buckets":
                assert body.keys() >= {"orgID", "name", "retentionRules"}
                assert body["retentionRules"][0]["everySeconds"] >= 3600
                self.buckets.append(body | {"id": f"{len(self.buckets):016x}"})
                return 201, self.buckets[-1]
            case "PATCH", _ if path.startswith("/api/v2/buckets/"):
                (bucket,) = (each for each in self.buckets if each["id"] == path.rpartition("/")[2])
                bucket["retentionRules"] = body["retentionRules"]
                return 200, bucket
            case "GET", "/api/v2/dbrps":
                return 200, {"content": [each for each in self.mappings if [each["bucketID"]] == query.get("bucketID")]}
            case "POST", "/api/v2/dbrps":
                assert body.keys() >= {"bucketID", "database", "retention_policy", "orgID"}
                self.mappings.append(body | {"id": f"{len(self.mappings):016x}"})
                return 201, self.mappings[-1]
            case "POST", "/api/v3/configure/database":
                assert body.keys() == {"db", "retention_period"}
                if body["db"] in self.databases:
                    return 409, {"error": "already exists"}
                self.databases[body["db"]] = body["retention_period"]
                return 200, {}
        return 404, {"code": "not found", "message": f"{method} {path}"}


@contextmanager
def serving(api: Api) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def handle_one(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            url = urlsplit(self.path)
            known = self.headers.get("Authorization") in (f"Token {TOKEN}", f"Bearer {TOKEN}")
            status, answer = 401, {"code": "unauthorized"}
            if known:
                status, answer = api.answer(self.command, url.path, parse_qs(url.query), body)
            raw = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        do_GET = do_POST = do_PATCH = handle_one  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        thread = threading.Thread(target=listening.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.server_address[1]}"
        finally:
            listening.shutdown()
            thread.join()


async def test_set_up_of_influxdb2_makes_buckets_and_mappings_once(token: str):
    api = Api()
    with serving(api) as url:
        at = server(url, "influxdb2", token=token, org="acme")
        said = await set_up(at, CONFIG)
        assert said == [
            "made the bucket parallax, which keeps what it has for 14 d",
            "mapped parallax.raw to the bucket parallax, for InfluxQL",
            "made the bucket parallax_long, which keeps what it has for 400 d",
            "mapped parallax.long to the bucket parallax_long, for InfluxQL",
        ]
        assert await set_up(at, CONFIG) == ["the bucket parallax is as it should be"]
        assert [(each["database"], each["retention_policy"], each["default"]) for each in api.mappings] == [
            ("parallax", "raw", True),
            ("parallax", "long", False),
        ]
        api.buckets[0]["retentionRules"] = [{"type": "expire", "everySeconds": 3600}]
        assert await set_up(at, CONFIG) == ["changed the bucket parallax: it keeps what it has for 14 d"]


async def test_set_up_says_what_is_wrong(token: str):
    with serving(Api()) as url, pytest.raises(SetupError, match=r"organi[sz]ation"):
        await set_up(server(url, "influxdb2", token=token, org="nobody"), CONFIG)
    with pytest.raises(SetupError, match="cannot be asked"):
        await set_up(server(url, "influxdb2", token=token, org="acme"), CONFIG)
    with pytest.raises(SetupError, match="is it running"):
        await set_up(server(f"http://127.0.0.1:{free_port()}"), CONFIG)


async def test_set_up_of_influxdb3_makes_databases_once(token: str):
    api = Api()
    with serving(api) as url:
        at = server(url, "influxdb3", token=token)
        assert len(await set_up(at, CONFIG)) == 2
        assert api.databases == {"parallax": "14d", "parallax_long": "400d"}
        assert await set_up(at, CONFIG) == ["the databases parallax and parallax_long are there already"]


async def test_a_hung_server_is_left(token: str):
    """The caller's deadline holds, though the client's own is longer."""
    with serving(Api()) as url:
        by = ClientSender(server(url, "influxdb2", token=token, org="acme"))
        with trio.move_on_after(0) as scope:
            await by.write(b"m x=1 1", "raw")
        assert scope.cancelled_caught
