"""The plan from its files to the probes, over real sockets: trial, promotion, refusal, roll-back, restart."""

from pathlib import Path
from typing import Any

import pytest
import trio

from collector.inputs import PlanInput, PlanStateInput, decode_input
from collector.tokens import add_token, revoke_tokens
from parallax import wire
from parallax.clock import NS
from parallax.journal import JournalError, JournalFull
from parallax.plan.load import load_plan_source
from parallax.plan.part import decode_part, part_hash, part_of
from parallax.plan.source import PlanSource
from tests.collector.serving import PLAN, Client, Served, batch, collector, observation, until
from tests.fakes.inputs import MemoryInputs

CHANGED = PLAN.replace("192.0.2.1", "192.0.2.2")
LOADED_S = 2.0
pytestmark = pytest.mark.slow


async def get(client: Client, token: str, etag: str = "", wait: float = 0) -> Any:
    headers = {"if-none-match": etag} if etag else {}
    return await client.request("GET", f"/v1/plan?wait={wait}", token=token, headers=headers)


async def plan_status(client: Client, served: Served) -> Any:
    return (await client.request("GET", "/v1/status", token=served.running.token)).json["plan"]


def changes(served: Served) -> list[str]:
    values = [decode_input(record) for record in served.journal.records if record.kind == "plan_state"]
    return [value.change for value in values if isinstance(value, PlanStateInput)]


async def report(client: Client, token: str, first: int, etag: str, at: float, **more: Any) -> None:
    """A batch cut at that time (s), with one observation scheduled then."""
    one = observation(first, at=round(at * NS), **more)
    sent = batch(first, 1, plan=etag.strip('"'), cut_at=round(at * NS), observations=[one])
    assert (await client.post(token, wire.encode(sent))).status == 200


async def test_a_probe_gets_its_part_and_polls_for_another(tmp_path: Path) -> None:
    async with collector(tmp_path) as served, served.client() as client:
        token = served.token()
        reply = await get(client, token)
        assert reply.status == 200
        assert decode_part(reply.body).probe.id == "fra1"
        etag = reply.headers["etag"]
        began = trio.current_time()
        reply = await get(client, token, etag, wait=0.2)
        assert (reply.status, reply.headers["etag"], reply.body) == (304, etag, b"")
        assert trio.current_time() - began >= 0.2
        assert (await get(client, token, '"another"', wait=20)).status == 200
        for nonsense in ("nan", "inf", "x", "-1"):
            assert (
                await client.request("GET", f"/v1/plan?wait={nonsense}", token=token, headers={"if-none-match": etag})
            ).status == 304


async def test_a_change_goes_to_one_probe_then_to_all(tmp_path: Path) -> None:
    async with collector(tmp_path) as served, served.client() as one, served.client() as two:
        fra, lon = served.token("fra1"), served.token("lon1")
        before = (await get(two, lon)).headers["etag"]
        old = (await get(one, fra)).headers["etag"]
        async with trio.open_nursery() as nursery:
            canary: list[Any] = []

            async def poll() -> None:
                canary.append(await get(one, fra, old, wait=20))

            nursery.start_soon(poll)
            served.plan.write_text(CHANGED)
            with trio.fail_after(LOADED_S):
                await until(lambda: bool(canary))
        assert canary[0].status == 200
        new = canary[0].headers["etag"]
        assert b"192.0.2.2" in canary[0].body
        assert (await get(two, lon, before, wait=0)).status == 304
        status = await plan_status(two, served)
        assert status["canary"] == "fra1"
        await report(one, fra, 1, new, 1000)
        await report(one, fra, 2, new, 1029)
        assert (await plan_status(two, served))["canary"] == "fra1"
        await report(one, fra, 3, new, 1030)
        with trio.fail_after(60):
            assert (await get(two, lon, before, wait=20)).status == 200
        assert changes(served) == ["promoted", "candidate", "canary", "promoted"]
        texts = [decode_input(record) for record in served.journal.records if record.kind == "plan"]
        assert [t.files["plan.toml"] for t in texts if isinstance(t, PlanInput)] == [PLAN, CHANGED, CHANGED]


async def test_a_refused_trial_brings_the_canary_back(tmp_path: Path) -> None:
    async with collector(tmp_path) as served, served.client() as client:
        token = served.token()
        old = (await get(client, token)).headers["etag"]
        served.plan.write_text(CHANGED)
        reply = await get(client, token, old, wait=10)
        await report(client, token, 1, reply.headers["etag"], 1000)
        await report(client, token, 2, reply.headers["etag"], 1001, reason="unsupported", fault="config")
        back = await get(client, token, reply.headers["etag"], wait=10)
        assert (back.status, back.headers["etag"]) == (200, old)
        status = await plan_status(client, served)
        assert status["refused"]
        assert status["candidate"] is None
        assert changes(served)[-1] == "rejected"


async def test_a_broken_file_keeps_the_old_plan_and_says_so(tmp_path: Path) -> None:
    async with collector(tmp_path) as served, served.client() as client:
        token = served.token()
        etag = (await get(client, token)).headers["etag"]
        served.plan.write_text('[[check]]\nname = "x"\nkind = "tsl"\ntargets = ["192.0.2.1"]\n')
        await until_status(client, served, "problems")
        [problem] = (await plan_status(client, served))["problems"]
        assert "kind" in problem
        assert (await get(client, token, etag)).status == 304
        served.plan.write_text(PLAN)
        await until_status(client, served, "problems", value=[])
        assert changes(served) == ["promoted"]


async def test_the_owner_is_shown_the_text_of_the_plan_in_force(tmp_path: Path) -> None:
    async with collector(tmp_path) as served, served.client() as client:
        viewer = add_token(served.state, "viewer", "wall")
        served.plan.write_text(CHANGED)  # on trial at best
        answer = await client.request("GET", "/v1/plan/files", token=served.running.token)
        assert answer.json["files"] == {"plan.toml": PLAN}
        assert answer.json["hash"] == (await plan_status(client, served))["in_force"]["hash"]
        for token in (viewer, served.token()):
            assert (await client.request("GET", "/v1/plan/files", token=token)).status == 403


async def test_rolling_back(tmp_path: Path) -> None:
    async with collector(tmp_path) as served, served.client() as client:
        token, owner = served.token(), served.running.token
        viewer = add_token(served.state, "viewer", "wall")
        reply = await client.request("POST", "/v1/plan/rollback", token=owner)
        assert (reply.status, reply.json["message"]) == (409, "there is no earlier version of the plan to go back to")
        old = (await get(client, token)).headers["etag"]
        served.plan.write_text(CHANGED)
        new = (await get(client, token, old, wait=10)).headers["etag"]
        await report(client, token, 1, new, 1000)
        await report(client, token, 2, new, 1031)
        await until_status(client, served, "candidate", value=None)
        assert (await client.request("POST", "/v1/plan/rollback", token=viewer)).status == 403
        assert (await client.request("POST", "/v1/plan/rollback", token=owner)).status == 200
        assert (await get(client, token, new)).headers["etag"] == old
        last = decode_input([r for r in served.journal.records if r.kind == "plan_state"][-1])
        assert isinstance(last, PlanStateInput)
        assert (last.change, last.actor) == ("promoted", "local")


async def test_everything_is_there_again_after_a_restart(tmp_path: Path) -> None:
    journal = MemoryInputs()
    async with collector(tmp_path, journal) as served, served.client() as client:
        token = served.token()
        old = (await get(client, token)).headers["etag"]
        await report(client, token, 1, old, 1)
        served.plan.write_text(CHANGED)
        new = (await get(client, token, old, wait=10)).headers["etag"]
    journal.records.clear()  # aged out
    served.plan.write_text("broken")
    async with collector(tmp_path, journal) as served, served.client() as client, served.client() as other:
        assert (await get(client, token)).headers["etag"] == new
        assert (await get(other, served.token("lon1"))).headers["etag"] != new
        status = (await client.request("GET", "/v1/status", token=served.running.token)).json
        assert status["plan"]["canary"] == "fra1"
        assert status["plan"]["problems"]
        [fra] = [probe for probe in status["probes"] if probe["id"] == "fra1"]
        assert (fra["observations"], fra["plan"]) == (1, old.strip('"'))
        assert (await client.post(token, wire.encode(batch(1, 1)))).status == 409  # its numbers are known still


async def test_a_change_waits_for_a_full_disk(tmp_path: Path) -> None:
    refused = trio.Event()

    async def full() -> None:
        refused.set()
        raise JournalFull

    journal = MemoryInputs()
    async with collector(tmp_path, journal) as served, served.client() as client:
        token, well = served.token(), journal.hold
        old = (await get(client, token)).headers["etag"]
        journal.hold = full
        served.plan.write_text(CHANGED)
        await refused.wait()
        assert (await get(client, token, old)).status == 304
        journal.hold = well
        assert (await get(client, token, old, wait=10)).status == 200


async def test_the_plan_is_written_anew_when_its_record_has_left_the_journal(tmp_path: Path) -> None:
    journal = MemoryInputs()
    async with collector(tmp_path, journal) as served, served.client() as client:
        token = served.token()
        old = (await get(client, token)).headers["etag"]
        journal.drop()
        await until(lambda: changes(served) == ["promoted"])
        served.plan.write_text(CHANGED)
        assert (await get(client, token, old, wait=10)).status == 200
        journal.drop()
        await until(lambda: changes(served) == ["promoted", "candidate", "canary"])
        texts = [decode_input(record) for record in journal.records if record.kind == "plan"]
        assert [t.files["plan.toml"] for t in texts if isinstance(t, PlanInput)] == [PLAN, CHANGED]
    journal.drop()  # while the collector is down, as far as it can know
    async with collector(tmp_path, journal) as served:
        await until(lambda: changes(served)[:1] == ["promoted"])
        written = changes(served)
    async with collector(tmp_path, journal) as served, served.client() as client:
        served.plan.write_text("broken")
        await until_status(client, served, "problems")  # so it has looked a few times
        assert changes(served) == written, "once is enough"


async def test_a_journal_that_takes_no_more_leaves_the_plan_as_it_is(tmp_path: Path) -> None:
    refused = trio.Event()

    async def broken() -> None:
        refused.set()
        raise JournalError("broken")

    journal = MemoryInputs()
    async with collector(tmp_path, journal) as served, served.client() as client:
        token = served.token()
        old = (await get(client, token)).headers["etag"]
        journal.hold = broken
        served.plan.write_text(CHANGED)
        await refused.wait()
        assert (await get(client, token, old)).status == 304


async def test_polls_whose_clients_left_hold_nothing(tmp_path: Path) -> None:
    def open_files() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    async with collector(tmp_path) as served, served.client() as client:
        token = served.token()
        etag = (await get(client, token)).headers["etag"]
        before = open_files()
        streams = [await served.connect() for _ in range(50)]
        for stream in streams:
            await Client(stream).send("GET", "/v1/plan?wait=30", token=token, headers={"if-none-match": etag})
        await until(lambda: open_files() >= before + 100)
        for stream in streams:
            await stream.aclose()
        await until(lambda: open_files() <= before)


async def test_who_gets_no_plan(tmp_path: Path) -> None:
    plan = '[[probe]]\nid = "lon1"\n' + PLAN
    async with collector(tmp_path, plan=plan) as served, served.client() as client:
        token, lon = served.token(), served.token("lon1")
        reply = await get(client, token)
        assert (reply.status, reply.json["error"]) == (404, "not_found")
        assert 'no [[probe]] with id = "fra1"' in reply.json["message"]
        assert (await client.request("GET", "/v1/plan", token=served.running.token)).status == 403
        assert (await client.request("GET", "/v1/plan")).status == 401
        assert (await client.request("GET", "/v1/nothing")).status == 404
        assert (await client.request("PUT", "/v1/plan", token=lon)).status == 405
        etag = part_hash(part_of(load_plan_source(PlanSource({"plan.toml": plan})), "lon1"))
        async with served.client() as other, trio.open_nursery() as nursery:

            async def poll() -> None:
                assert (await get(other, lon, etag, wait=1)).status == 401

            nursery.start_soon(poll)
            with trio.fail_after(60):  # until the poll has shown its token, while it was still valid
                while "lon1" in (await client.request("GET", "/v1/status", token=served.running.token)).json["waiting"]:
                    pass
            revoke_tokens(served.state, "lon1")


async def until_status(client: Client, served: Served, key: str, **wanted: Any) -> None:
    """Until a key of the plan's status has the value, or any value where none is given."""
    with trio.fail_after(LOADED_S):
        while True:
            value = (await plan_status(client, served))[key]
            if value == wanted["value"] if wanted else value:
                return
            await trio.sleep(0.02)
