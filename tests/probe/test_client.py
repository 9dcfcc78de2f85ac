"""The client of one collector, over real sockets."""

from functools import partial
from pathlib import Path

from parallax import wire
from parallax.secret import read_secret
from probe.client import open_client
from tests.fakes.http_collector import Reply, Request, http_collector
from tests.fakes.probes import probe_config


async def test_a_changed_token_file_is_seen_and_the_next_request_has_it(tmp_path: Path) -> None:
    async with http_collector() as collector:

        async def refuse(request: Request) -> Reply:
            return Reply(401, b"no\x1b such\ntoken")

        collector.answer = refuse
        config = probe_config(tmp_path, collector.port).collector[0]
        async with open_client(config, partial(read_secret, config.token)) as client:
            answer = await client.post_batch(b"x", {})
            assert (answer.status, answer.ack, answer.detail) == (401, None, "no  such token")
            assert not client.has_new_token()
            (tmp_path / "token").write_text("an0ther")
            assert client.has_new_token()
            (tmp_path / "token").unlink()
            assert not client.has_new_token(), "nothing to try with"
            assert (await client.post_batch(b"x", {})).failure == "token"
            (tmp_path / "token").write_text("third")
            (tmp_path / "token").chmod(0o600)
            assert client.has_new_token()
            await client.post_batch(b"x", {})
        assert [r.headers["authorization"] for r in collector.requests] == ["Bearer t0ken", "Bearer third"]


async def test_retry_after_comes_in_seconds_and_the_plans_date_too(tmp_path: Path) -> None:
    async with http_collector() as collector:

        async def busy(request: Request) -> Reply:
            date = "Sat, 21 Nov 2026 12:00:00 GMT"
            return Reply(503, b"", {"Retry-After": "Sat, 21 Nov 2026 12:00:09 GMT", "Date": date})

        collector.answer = busy
        config = probe_config(tmp_path, collector.port).collector[0]
        async with open_client(config, partial(read_secret, config.token)) as client:
            assert (await client.post_batch(b"x", {wire.SENT_AT: "1"})).retry_after_s == 9.0
            assert (await client.get_plan("", 0)).date_s == 1795262400.0
