"""What a collector says of its probes: to themselves, on the board, and to `parallax probes`."""

import json
from pathlib import Path

import msgspec
import pytest
import trio
from click.testing import CliRunner, Result

from collector.tokens import add_token
from parallax import wire
from parallax.cli import parallax
from parallax.clock import wall_ns
from tests.collector.serving import PLAN, batch, collector, observation

pytestmark = pytest.mark.slow
PROBES = f"""{PLAN}
[[probe]]
id = "fra1"
region = "eu"
provider = "host-a"
asn = 64500
[[probe]]
id = "lon1"
"""


def run(*arguments: str) -> Result:
    return CliRunner().invoke(parallax, arguments)


async def test_a_probe_learns_who_it_is(tmp_path: Path) -> None:
    async with collector(tmp_path, plan=PROBES) as served, served.client() as client:
        before = wall_ns()
        reply = await client.request("GET", "/v1/whoami", token=served.token("lon1"))
        assert (reply.status, reply.json["probe"], reply.json["peer"]) == (200, "lon1", "127.0.0.1")
        assert before <= reply.json["at"] <= wall_ns()
        viewer = add_token(served.state, "viewer", "ann")
        for token, status in ((viewer, 403), ("x", 401), ("", 401)):
            assert (await client.request("GET", "/v1/whoami", token=token)).status == status


@pytest.mark.parametrize(
    ("token", "body", "status"),
    [
        ("", b"{}", 401),
        ("guess", b"{}", 401),
        ("join", b"", 400),
        ("join", b"[]", 400),
        ("join", b'{"id": 7}', 400),
        ("join", b"[" * 4000, 400),
        ("join", b"x" * 5000, 413),
        ("join", b'{"id": "lon1"}', 403),
        ("join", b'{"later": 1}', 200),
    ],
)
async def test_what_is_no_enrolment_leaves_the_join_token_whole(
    token: str, body: bytes, status: int, tmp_path: Path
) -> None:
    from collector.joins import add_join, look_up

    async with collector(tmp_path, plan=PROBES) as served, served.client() as client:
        join = add_join(served.state, "fra1")
        reply = await client.request("POST", "/v1/enroll", token=join if token == "join" else token, body=body)
        assert (reply.status, reply.body.count(join.encode())) == (status, 0)
        if status == 200:
            assert (await client.request("GET", "/v1/whoami", token=reply.json["token"])).json["probe"] == "fra1"
        else:
            assert look_up(served.state, join) == "fra1"


async def test_what_a_host_lacks_is_listed(tmp_path: Path) -> None:
    async with collector(tmp_path, plan=PROBES) as served, served.client() as client:
        at = wall_ns()
        said = {"lacks": {"ipv6": "no route"}, "not_run": {"ipv6": 12}}
        report = msgspec.structs.replace(
            observation(1, at=at), kind="probe.health", check="probe", target="fra1", subject="fra1", findings=said
        )
        one = msgspec.structs.replace(batch(observations=[report], cut_at=at), agent="0.0.1")
        assert (await client.post(served.token("fra1"), wire.encode(one))).status == 200
        viewer = add_token(served.state, "viewer", "ann")
        board = {}

        async def look() -> None:
            answer = (await client.request("GET", "/v1/board", token=viewer)).json
            board.update({probe["id"]: probe for probe in answer["probes"]})

        with trio.fail_after(60):
            while not board.get("fra1", {}).get("lacks"):
                await look()
                await trio.sleep(0.01)
        assert (board["fra1"]["not_run"], board["lon1"]["lacks"]) == ({"ipv6": 12}, {})
        page = await client.request("GET", "/probes", headers={"host": str(served.running.address)})
        assert b"ipv6: no route (12 runs)" in page.body
        state = str(served.state)
        shown = await trio.to_thread.run_sync(run, "probes", "--state", state)
        assert shown.exit_code == 0, shown.output
        row = next(line for line in shown.output.splitlines() if line.startswith("fra1 "))
        assert row.split()[1:6] == ["healthy", "0.0.1*", "eu", "host-a", "64500"]
        assert row.endswith("ipv6")
        listed = await trio.to_thread.run_sync(run, "probes", "--outdated", "--json", "--state", state)
        assert [probe["id"] for probe in json.loads(listed.output)["probes"]] == ["fra1"]
