"""POST /v1/query, and the history in /v1/status, on a collector that serves."""

import json
from pathlib import Path
from typing import Any

import trio

from collector.tokens import add_token
from parallax import wire
from tests.collector.serving import Reply, Served, batch, collector


async def ask(here: Served, token: str, body: Any) -> Reply:
    async with here.client() as client:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return await client.request("POST", "/v1/query", token=token, body=raw)


async def test_what_came_in_can_be_asked_for(tmp_path: Path):
    async with collector(tmp_path) as here:
        viewer = add_token(here.state, "viewer", "anna")
        async with here.client() as client:
            assert (await client.post(here.token(), wire.encode(batch(1, 3)))).status == 200
            with trio.fail_after(60):
                await here.running.stores.history.wait_position(inputs=here.journal.stats.last)
            reply = await ask(here, viewer, {"sql": "SELECT probe, seq FROM observation ORDER BY seq", "max_rows": 2})
            assert (reply.status, reply.headers["cache-control"]) == (200, "no-store")
            assert reply.json == {"columns": ["probe", "seq"], "rows": [["fra1", 1], ["fra1", 2]], "more": True}
            history = (await client.request("GET", "/v1/status", token=viewer)).json["history"]
            assert history["observations"] == 3
            assert history["inputs"]["behind"] == 0
            assert history["problem"] is None


async def test_who_may_not_ask_and_what_is_no_question(tmp_path: Path):
    async with collector(tmp_path) as here:
        viewer = add_token(here.state, "viewer", "anna")
        assert (await ask(here, "", {"sql": "SELECT 1"})).status == 401
        assert (await ask(here, here.token(), {"sql": "SELECT 1"})).status == 403
        for body in (b"", b"SELECT 1", b"\xff", b"[" * 50_000, {}, {"sql": 1}, {"sql": "SELECT 1", "more": 1}):
            reply = await ask(here, viewer, body)
            assert reply.status == 400, body
            assert reply.json["message"].startswith('the body is to be {"sql": "SELECT ..."}'), body
        reply = await ask(here, viewer, {"sql": "SELECT 1", "max_rows": 0})
        assert (reply.status, reply.json["message"]) == (400, "max_rows is 0; 1 to 100000 are taken")
        reply = await ask(here, viewer, {"sql": "DROP TABLE minute"})
        assert (reply.status, reply.json["error"]) == (400, "bad_query")
        reply = await ask(here, viewer, b" " * 200_000)
        assert reply.status == 413
