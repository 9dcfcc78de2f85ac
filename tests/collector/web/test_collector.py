"""The page of a whole collector: beside the API, from what detection and history really say."""

from pathlib import Path

import msgspec
import pytest

from collector.alerts.chart_links import open_links
from collector.events import Affected
from parallax import wire
from parallax.clock import wall_ns
from parallax.config import CollectorConfig
from parallax.values import Url
from tests.collector.serving import batch, collector
from tests.collector.web.serving import Listening
from tests.fakes.notifications import changed, notification

pytestmark = pytest.mark.slow


async def test_the_page_stands_beside_the_api(tmp_path: Path) -> None:
    async with collector(tmp_path) as served, served.client() as client:
        own = {"host": str(served.running.address)}
        page = await client.request("GET", "/", headers=own)
        assert page.status == 200
        assert page.headers["content-type"].startswith("text/html")
        assert "default-src 'none'" in page.headers["content-security-policy"]
        assert (await client.request("GET", "/incidents", headers=own)).status == 200
        assert (await client.request("GET", "/nothing", headers=own)).status == 404
        assert (await client.request("GET", "/")).status == 421  # asked for as "collector"
        # the API goes by tokens, whatever the name, and answers for its own paths
        assert (await client.request("GET", "/v1/status", token=served.running.token)).status == 200
        assert (await client.request("GET", "/v1/nothing", headers=own)).json["error"] == "not_found"
        assert (await client.request("GET", "/v1/batches", headers=own)).json["error"] == "wrong_method"
        assert (await client.post(served.token(), wire.encode(batch(1)))).status == 200


async def test_a_chart_is_fetched_without_a_token_and_under_any_name(tmp_path: Path) -> None:
    base = Url("https://charts.example.org")
    async with collector(tmp_path, charts=base) as served, served.client() as client:
        links = open_links(CollectorConfig(state=str(served.state), plan="p", charts=base), served.state)
        assert links is not None
        affected = Affected(check="front door", kind="tls", target="t", subject="s", state="down", since=0)
        told = msgspec.structs.replace(notification(changed(checks=(affected,))), at=wall_ns())
        path = links.link_of(told).removeprefix("https://charts.example.org")
        chart = await client.request("GET", path, headers={"host": "charts.example.org"})
        assert (chart.status, chart.headers["content-type"]) == (200, "image/png")
        assert chart.body.startswith(b"\x89PNG")
        other = await client.request("GET", path.replace("front", "back"), headers={"host": "charts.example.org"})
        assert other.status == 404
    async with collector(tmp_path) as served, served.client() as client:
        assert (await client.request("GET", path, headers={"host": str(served.running.address)})).status == 404


async def test_what_probes_say_reaches_an_open_page_and_the_end_is_quick(tmp_path: Path) -> None:
    async with collector(tmp_path) as served, served.client() as client:
        own = {"host": str(served.running.address)}
        page = (await client.request("GET", "/", headers=own)).body.decode()
        ids = [part.partition('"')[0] for part in page.split('data-live="')[1:]]
        token = served.token()
        async with await served.connect() as stream:
            listening = Listening(stream)
            have = ",".join(f"{id_}:x" for id_ in ids)
            await listening.ask(own["host"], f"/live?path=/&have={have}", {})
            name, data = await listening.event()
            assert (name, set(data["sections"])) == ("message", set(ids))
            assert (await client.post(token, wire.encode(batch(1)))).status == 200
            name, _ = await listening.event()
            assert name in ("message", "reload")
            # the collector ends here, with the stream open; `collector` checks that it takes less than 2 s
