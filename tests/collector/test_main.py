"""The whole collector on its real journal: start, restart, refusals to start, and the end under load."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trio

from bench.ingest import batches, receive, wait_for
from collector.detector import SNAPSHOT
from collector.main import Running, _events_limits, main
from collector.tokens import add_token
from parallax import wire
from parallax.config import CollectorConfig
from parallax.journal import JournalFull, open_journal
from parallax.state import StartError
from parallax.values import Address
from tests.collector.serving import PLAN, Client, batch, collector
from tests.fakes.inputs import MemoryInputs
from tests.parts.ports import free_port

pytestmark = pytest.mark.slow


def config(folder: Path, **more: Any) -> CollectorConfig:
    (folder / "plan.toml").write_text(PLAN)
    return CollectorConfig(
        **{"state": str(folder / "state"), "plan": str(folder / "plan.toml"), "listen": Address("127.0.0.1:0"), **more}
    )


async def connect(running: Running) -> trio.SocketStream:
    return await trio.open_tcp_stream(running.address.ip, running.address.port)


async def test_a_second_start_goes_on_where_it_was(tmp_path: Path) -> None:
    loaded = config(tmp_path)
    token = add_token(tmp_path / "state", "probe", "fra1")
    for start in range(3):
        async with trio.open_nursery() as nursery:
            running = await nursery.start(main, loaded)
            way = json.loads((running.state / "owner.json").read_text())
            assert (running.state / "owner.json").stat().st_mode & 0o777 == 0o600
            async with await connect(running) as stream:
                client = Client(stream)
                for seq in range(1, start + 2):
                    assert (await client.post(token, wire.encode(batch(seq)))).status == 200
                status = (await client.request("GET", "/v1/status", token=way["token"])).json
                assert status["probes"][0]["observations"] == start + 1
            assert sum(r.kind == "batch" for r in await running.inputs.read(0)) == start + 1
            nursery.cancel_scope.cancel()
        assert not (tmp_path / "state" / "owner.json").exists()


async def test_detection_that_begins_anew_learns_the_plan_that_is_in_force(tmp_path: Path) -> None:
    loaded = config(tmp_path)
    for start in range(3):
        async with trio.open_nursery() as nursery:
            running: Running = await nursery.start(main, loaded)
            with trio.fail_after(60):
                while not (board := running.detector.board()).checks:
                    await running.detector.wait_changed(board)
            records = await running.inputs.read(0)
            assert sum(record.kind == "plan" for record in records) == (1 if start == 0 else 2), "once is enough"
            nursery.cancel_scope.cancel()
        if start == 0:
            async with open_journal(tmp_path / "state" / "events.db", _events_limits(loaded)) as events:
                await events.append([], {SNAPSHOT: b"of another version"})


async def test_the_end_waits_for_nobody_whatever_is_open(tmp_path: Path) -> None:
    loaded = config(tmp_path)
    token = add_token(tmp_path / "state", "probe", "fra1")
    answers: list[int] = []
    async with trio.open_nursery() as nursery:
        running = await nursery.start(main, loaded)
        async with await connect(running) as idle, await connect(running) as poll, await connect(running) as upload:
            client = Client(poll)
            etag = (await client.request("GET", "/v1/plan", token=token)).headers["etag"]
            await client.send("GET", "/v1/plan?wait=30", token=token, headers={"if-none-match": etag})
            head = (
                f"POST /v1/batches HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\ncontent-length: 900\r\n\r\n"
            )
            await upload.send_all(head.encode())
            await Client(idle).request("GET", "/v1/plan", token=token)
            nursery.cancel_scope.cancel()
            began = trio.current_time()
            with trio.CancelScope(shield=True):
                answers.append((await client.receive()).status)
    assert trio.current_time() - began < 5  # a poll would be held for 30
    assert answers == [304]  # asserted here: closing a stream under cancellation would hide it
    async with trio.open_nursery() as nursery:  # nothing is left: lock, port and journal are free
        await nursery.start(main, loaded)
        nursery.cancel_scope.cancel()


async def no_folder(folder: Path) -> CollectorConfig:
    (folder / "file").write_text("")
    return config(folder, state=str(folder / "file" / "state"))


async def no_plan(folder: Path) -> CollectorConfig:
    return config(folder, plan=str(folder / "none.toml"))


async def bad_plan(folder: Path) -> CollectorConfig:
    loaded = config(folder)
    (folder / "plan.toml").write_text("[[check]]\nname = 1\n")
    return loaded


async def no_journal(folder: Path) -> CollectorConfig:
    (folder / "state" / "inputs.db").mkdir(parents=True)
    return config(folder)


@pytest.mark.parametrize(
    ("prepare", "words"),
    [
        (no_folder, ["file/state cannot be written", "set another `state`"]),
        (no_plan, ["the plan is refused", "none.toml", 'see "parallax plan check']),
        (bad_plan, ["the plan is refused", "plan.toml:", 'see "parallax plan check']),
        (no_journal, ["inputs.db"]),
    ],
)
async def test_what_hinders_the_start_is_one_line(
    tmp_path: Path, prepare: Callable[[Path], Any], words: list[str]
) -> None:
    loaded = await prepare(tmp_path)
    with pytest.raises(StartError) as caught:
        await main(loaded)
    assert all(word in str(caught.value) for word in words), str(caught.value)
    assert "\n" not in str(caught.value)


async def test_a_second_instance_and_a_port_in_use_are_one_line(tmp_path: Path) -> None:
    loaded = config(tmp_path)
    async with trio.open_nursery() as nursery:
        running = await nursery.start(main, loaded)
        with pytest.raises(StartError, match="is in use by process"):
            await main(loaded)
        with pytest.raises(StartError, match="something else listens there"):
            await main(config(tmp_path, state=str(tmp_path / "other"), listen=running.address))
        nursery.cancel_scope.cancel()


async def test_killed_under_load_it_has_everything_it_acknowledged(tmp_path: Path) -> None:
    """kill -9 in mid-load, three times over; senders go on after each restart with what was not acknowledged."""
    folder, port = tmp_path, free_port()
    (folder / "plan.toml").write_text(PLAN)
    (folder / "collector.toml").write_text(
        f'state = "{folder}/state"\nplan = "{folder}/plan.toml"\nlisten = "127.0.0.1:{port}"\n'
    )
    load = batches("fra1", 60)
    token = add_token(folder / "state", "probe", "fra1")
    acknowledged = 0
    for _ in range(3):
        collector = start(folder)
        reached = threading.Event()
        sent: list[int] = []
        sender = threading.Thread(target=send_until_dead, args=(port, token, load[acknowledged:], sent, reached))
        sender.start()
        await trio.to_thread.run_sync(reached.wait)
        collector.send_signal(signal.SIGKILL)
        await trio.to_thread.run_sync(collector.wait)
        await trio.to_thread.run_sync(sender.join)
        acknowledged += len(sent)
    async with trio.open_nursery() as nursery:
        running = await nursery.start(main, config(folder))
        records = [r for r in await running.inputs.read(0, max_records=1000, max_bytes=10**9) if r.kind == "batch"]
        nursery.cancel_scope.cancel()
    assert acknowledged >= 15
    assert acknowledged <= len(records) <= acknowledged + 1  # the last may be in, its answer lost
    assert len({record.body for record in records}) == len(records)


def start(folder: Path) -> subprocess.Popen[bytes]:
    (folder / "state" / "owner.json").unlink(missing_ok=True)
    command = [sys.executable, "-m", "parallax", "collector", "--config", str(folder / "collector.toml")]
    collector = subprocess.Popen(command, stderr=subprocess.DEVNULL, env=dict(os.environ))
    wait_for(folder / "state" / "owner.json")
    return collector


def send_until_dead(port: int, token: str, bodies: list[bytes], sent: list[int], reached: threading.Event) -> None:
    try:
        with socket.create_connection(("127.0.0.1", port)) as sock:
            for number, body in enumerate(bodies):
                head = (
                    f"POST /v1/batches HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n"
                    f"content-type: {wire.MSGPACK}\r\ncontent-encoding: zstd\r\ncontent-length: {len(body)}\r\n\r\n"
                )
                sock.sendall(head.encode() + body)
                status, answer = receive(sock)
                assert status == 200, answer
                sent.append(number)
                if number == 5:
                    reached.set()
    except (OSError, StopIteration):
        pass
    finally:
        reached.set()


async def test_a_journal_that_takes_no_more_ends_the_collector(tmp_path: Path) -> None:
    loaded = config(tmp_path)
    token = add_token(tmp_path / "state", "probe", "fra1")
    ended: list[StartError] = []

    async def run(task_status: trio.TaskStatus[Running]) -> None:
        try:
            await main(loaded, task_status=task_status)
        except StartError as error:
            ended.append(error)

    async with trio.open_nursery() as nursery:
        running = await nursery.start(run)
        await running.inputs.wait_beyond(2)  # the plan's two records, and detection's first word
        (running.state / "inputs.db").unlink()
        async with await connect(running) as stream:
            assert (await Client(stream).post(token, wire.encode(batch(1)))).status == 507
    assert "inputs.db: the file was removed or replaced" in str(ended[0])
    async with trio.open_nursery() as nursery:  # and a restart is the way out
        running = await nursery.start(main, loaded)
        async with await connect(running) as stream:
            assert (await Client(stream).post(token, wire.encode(batch(1)))).status == 200
        nursery.cancel_scope.cancel()


async def test_a_first_start_that_the_journal_refuses_is_one_line(tmp_path: Path) -> None:
    async def full() -> None:
        raise JournalFull

    with pytest.raises(BaseExceptionGroup) as caught:
        async with collector(tmp_path, MemoryInputs(hold=full)):
            pass
    [error] = caught.value.exceptions
    assert isinstance(error, StartError)
    assert str(error) == "the plan cannot be written to the journal: the disk is full; free some room on it"
