"""What is asked of probes, held and handed out: on virtual time, and by HTTP."""

from pathlib import Path

import msgspec
import pytest
import trio
import trio.testing

from collector.asking import MAX_POLLS, SPACING_S, Asking, asks_at
from collector.detect.asking.asks import Ask as Asked
from parallax.asks import LONGEST_S, MAX_ASKS, Asks
from parallax.clock import NS, wall_ns
from tests.collector.serving import Client, collector, observation, until
from tests.fakes.inputs import batch_entry

BASE = 1_790_000_000 * NS


def asked(probe: str = "fra1", id_: str = "1", *, target: str = "t", **more: int) -> Asked:
    times = {"every_ns": 0, "not_before": BASE, "until": BASE + 45 * NS, **more}
    return Asked(id=id_, check="api", target=target, probe=probe, why="suspicion", **times)


@pytest.fixture
def asking(autojump_clock: trio.testing.MockClock) -> Asking:
    return Asking(wall=lambda: BASE + int(trio.current_time() * NS))


async def test_each_probe_is_told_its_own(asking: Asking, autojump_clock: trio.testing.MockClock) -> None:
    asking.publish([asked(), asked("lon1", "2")])
    assert [ask.id for ask in asking.of("fra1").asks] == ["1"]
    assert [ask.id for ask in asking.of("lon1").asks] == ["2"]
    assert asking.of("gru1") == Asks()


async def test_a_question_waits_for_another_version(asking: Asking, autojump_clock: trio.testing.MockClock) -> None:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(asking.wait_other, "fra1", "")
        await trio.sleep(10)
        asking.publish([asked("lon1")])
        await trio.sleep(1)
        assert nursery.child_tasks
        asking.publish([asked("lon1"), asked(until=BASE + 60 * NS)])
        await trio.testing.wait_all_tasks_blocked()
        assert not nursery.child_tasks
    (ask,) = asking.of("fra1").asks
    assert ask.left_s == pytest.approx(60 - 11)


async def test_what_ran_out_is_no_longer_asked(asking: Asking, autojump_clock: trio.testing.MockClock) -> None:
    asking.publish([asked()])
    await trio.sleep(46)
    assert asking.of("fra1") == Asks()


async def test_the_version_changes_with_what_is_asked_and_not_with_time(
    asking: Asking, autojump_clock: trio.testing.MockClock
) -> None:
    asking.publish([asked()])
    first = asking.of("fra1").version
    await trio.sleep(5)
    assert asking.of("fra1").version == first != ""
    asking.publish([asked(every_ns=4 * NS)])
    assert asking.of("fra1").version not in ("", first)
    asking.publish([])
    assert asking.of("fra1").version == ""


async def test_answers_to_one_probe_are_apart(asking: Asking, autojump_clock: trio.testing.MockClock) -> None:
    times = []
    for number in range(8):
        asking.publish([asked(id_=str(number))])
        await asking.wait_other("fra1", "another")
        times.append(trio.current_time())
        asking.answer("fra1")
    assert times[-1] - times[0] == pytest.approx(7 * SPACING_S)


async def test_it_is_bounded(asking: Asking, autojump_clock: trio.testing.MockClock) -> None:
    asking.publish([asked(target=str(n)) for n in range(10_000)])
    assert len(asking.of("fra1").asks) == MAX_ASKS
    far = asks_at([asked(until=BASE + 10**6 * NS, not_before=BASE + 10**6 * NS)], BASE)
    assert (far.asks[0].left_s, far.asks[0].in_s) == (LONGEST_S, LONGEST_S)


async def test_questions_beyond_a_few_are_refused(asking: Asking, autojump_clock: trio.testing.MockClock) -> None:
    held = [asking.polling("fra1") for _ in range(MAX_POLLS)]
    assert all(each.__enter__() for each in held)
    with asking.polling("fra1") as may:
        assert not may
    with asking.polling("lon1") as may:
        assert may
    for each in held:
        each.__exit__(None, None, None)
    with asking.polling("fra1") as may:
        assert may


def asks_of(body: bytes) -> Asks:
    return msgspec.json.decode(body, type=Asks)


async def test_a_failure_asks_the_other_probes_at_once(tmp_path: Path) -> None:
    plan = "".join(f'[[probe]]\nid = "{n}"\nasn = {64496 + i}\n' for i, n in enumerate(("fra1", "lon1", "gru1")))
    plan += '[[check]]\nname = "front door"\nkind = "tls"\nexternal = false\ntargets = ["192.0.2.1:443"]\n'
    async with collector(tmp_path, plan=plan) as served:
        tokens = {name: served.token(name) for name in ("fra1", "lon1", "gru1")}
        for name in tokens:
            await served.journal.append([batch_entry([observation(1, probe=name, at=wall_ns())], wall_ns())])
        await until(lambda: len(served.running.detector.board().probes) == 3)
        async with served.client() as client:
            await client.send("GET", "/v1/asks?after=&wait=20", token=tokens["lon1"])
            failing = observation(2, at=wall_ns(), reason="connect_refused", fault="target")
            began = trio.current_time()
            await served.journal.append([batch_entry([failing], wall_ns())])
            with trio.fail_after(60):
                reply = await client.receive()
            assert trio.current_time() - began < 15, "it is told at once, and not when the poll ends"
            (ask,) = asks_of(reply.body).asks
            assert (ask.check, ask.target, ask.every_s, ask.why) == ("front door", "192.0.2.1:443", 0, "suspicion")
            again = await client.request("GET", "/v1/asks?after=x", token=tokens["fra1"])
            assert [each.every_s for each in asks_of(again.body).asks] == [4.0]


async def test_only_probes_are_told(tmp_path: Path) -> None:
    async with collector(tmp_path) as served, served.client() as client:
        assert (await client.request("GET", "/v1/asks")).status == 401
        assert (await client.request("GET", "/v1/asks", token=served.running.token)).status == 403
        token = served.token()
        for query in ("", "?after=%00&wait=nan", "?wait=-1", f"?after={'x' * 4000}", "?wait=0.01"):
            reply = await client.request("GET", f"/v1/asks{query}", token=token)
            assert (reply.status, asks_of(reply.body)) == (200, Asks())


async def test_who_asks_often_at_once_is_refused_and_others_are_not(tmp_path: Path) -> None:
    async with collector(tmp_path) as served:
        token, other = served.token(), served.token("lon1")
        async with trio.open_nursery() as nursery:

            async def poll(task_status: trio.TaskStatus[None]) -> None:
                async with await served.connect() as stream:
                    await Client(stream).send("GET", "/v1/asks?wait=20", token=token)
                    task_status.started()
                    await trio.sleep_forever()

            for _ in range(MAX_POLLS):
                await nursery.start(poll)
            async with served.client() as client:
                with trio.fail_after(60):
                    while (await client.request("GET", "/v1/asks?wait=0", token=token)).status != 429:
                        await trio.lowlevel.checkpoint()
                assert (await client.request("GET", "/v1/asks?wait=0", token=other)).status == 200
            nursery.cancel_scope.cancel()
