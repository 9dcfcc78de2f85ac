"""The whole probe over real sockets and the real journal, against a collector that does as told."""

import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import msgspec
import pytest
import trio

from parallax.state import StartError
from parallax.values import encode_value
from probe.main import main
from tests.fakes.http_collector import HttpCollector, Reply, Request, http_collector
from tests.fakes.probes import part, probe_config, tcp_check

pytestmark = pytest.mark.slow

WORK = part(tcp_check(*(f"http://127.0.0.1:1/{n}" for n in range(8))))


def counted(collector: HttpCollector) -> list[int]:
    return sorted(seq for _, seq in set(collector.seqs))


async def test_it_ships_ends_in_time_and_goes_on_where_it_was(tmp_path: Path) -> None:
    async with http_collector() as collector:
        collector.give_part(*WORK)
        config = probe_config(tmp_path, collector.port)
        streams = set()
        for _ in range(2):
            before = len(collector.seqs)
            async with trio.open_nursery() as nursery:
                streams.add((await nursery.start(main, config)).stream)
                await collector.wait_for(lambda least=before + 20: len(collector.seqs) >= least)  # type: ignore[misc]
                cancelled_at = trio.current_time()
                nursery.cancel_scope.cancel()
            assert trio.current_time() - cancelled_at < 5
        assert len(streams) == 1
        assert counted(collector) == list(range(1, len(collector.seqs) + 1))
        seen = [o for batch in collector.batches for o in batch.observations]
        assert {o.reason for o in seen if o.kind != "probe.health"} == {"connect_refused"}
        batch = collector.batches[-1]
        assert (batch.plan, batch.egress) == (WORK[1], {"4": "127.0.0.1"})
        assert all(r.headers["authorization"] == "Bearer t0ken" for r in collector.requests)
        assert collector.connections <= 2 * 2  # batches and plan, each kept alive, in two lives


async def test_a_second_one_on_the_same_folder_says_so_in_one_line(tmp_path: Path) -> None:
    config = probe_config(tmp_path, 1)
    async with trio.open_nursery() as nursery:
        await nursery.start(main, config)
        with pytest.raises(StartError, match=r"in use.*stop that one"):
            await main(config)
        nursery.cancel_scope.cancel()
    with trio.move_on_after(0.2):
        await main(config)  # the lock is gone


async def test_what_it_cannot_start_with_is_one_line(tmp_path: Path) -> None:
    config = probe_config(tmp_path, 1)
    (tmp_path / "token").unlink()
    with pytest.raises(StartError, match=r"the token for http://127\.0\.0\.1:1: .*token cannot be read"):
        await main(config)
    broken = tmp_path / "ca.pem"
    broken.write_text("no certificate")
    with pytest.raises(StartError, match=r"the CA file .*ca\.pem cannot be used"):
        await main(msgspec.structs.replace(config, ca=str(broken)))
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(StartError, match="cannot be written"):
        await main(msgspec.structs.replace(config, state=str(blocked / "state")))


async def test_it_works_by_the_saved_plan_while_the_collector_is_away(tmp_path: Path) -> None:
    async with http_collector() as witness:
        async with http_collector() as collector:
            collector.give_part(*WORK)
            config = probe_config(tmp_path, collector.port, witness.port)
            async with trio.open_nursery() as nursery:
                await nursery.start(main, config)
                await witness.wait_for(lambda: len(witness.seqs) >= 8)
                nursery.cancel_scope.cancel()
        before = len(witness.seqs)
        async with trio.open_nursery() as nursery:  # who gave the plan is away, and the witness has none
            await nursery.start(main, config)
            await witness.wait_for(lambda: len(witness.seqs) >= before + 16)
            nursery.cancel_scope.cancel()
        async with http_collector(collector.port) as again, trio.open_nursery() as nursery:
            await nursery.start(main, config)
            await again.wait_for(lambda: len(set(again.seqs + collector.seqs)) >= len(set(witness.seqs)))
            nursery.cancel_scope.cancel()
    assert sorted({seq for _, seq in again.seqs + collector.seqs})[: before + 16] == list(range(1, before + 17))


async def test_the_end_is_in_time_also_with_a_collector_that_hangs(tmp_path: Path) -> None:
    hung = trio.Event()
    async with http_collector() as collector:
        collector.give_part(*WORK)

        async def hang(request: Request) -> Reply:
            if request.method == "GET":
                return await collector.usual(request)
            hung.set()
            await trio.sleep_forever()
            raise AssertionError

        collector.answer = hang
        started = 0.0
        async with trio.open_nursery() as nursery:
            await nursery.start(main, probe_config(tmp_path, collector.port))
            await hung.wait()
            started = trio.current_time()
            nursery.cancel_scope.cancel()
        assert trio.current_time() - started < 5


async def test_one_dead_and_one_garbling_collector_do_not_hold_the_good_one_up(tmp_path: Path) -> None:
    async with http_collector() as good, http_collector() as bad:
        good.give_part(*WORK)

        async def garble(request: Request) -> Reply:
            return Reply(200, b"<html>welcome to the hotel</html>")

        bad.answer = garble
        async with trio.open_nursery() as nursery:
            await nursery.start(main, probe_config(tmp_path, 1, bad.port, good.port))
            await good.wait_for(lambda: len(good.seqs) >= 30)
            nursery.cancel_scope.cancel()
        assert len({r.body for r in bad.requests if r.method == "POST"}) == 1  # the first batch, again and again


PROBE = """
import sys, trio, msgspec
from parallax.config import ProbeConfig
from parallax.values import decode_value
from probe.main import main
trio.run(main, msgspec.json.decode(sys.argv[1], type=ProbeConfig, dec_hook=decode_value))
"""


@pytest.mark.parametrize("rounds", [int(os.environ.get("PARALLAX_SOAK_ROUNDS", "6"))])
async def test_killed_at_any_moment_no_seq_is_used_twice_and_none_is_missing(tmp_path: Path, rounds: int) -> None:
    """Two collectors, so that the kill hits between cursors too. A repeat must be the same bytes; at the end all seqs
    from 1 on are there."""
    async with http_collector() as one, http_collector() as two:
        targets = [f"http://127.0.0.1:1/{n}" for n in range(200)]
        for collector in (one, two):
            collector.give_part(*part(tcp_check(*targets)))
        config = probe_config(tmp_path, one.port, two.port)
        command = [sys.executable, "-c", PROBE, msgspec.json.encode(config, enc_hook=encode_value).decode()]
        for round_ in range(rounds):
            before = len(one.batches)
            process = subprocess.Popen(command, cwd=Path(__file__).parents[2], stderr=subprocess.DEVNULL)
            await one.wait_for(lambda n=before + 1 + 3 * round_ % 7: len(one.batches) >= n)  # type: ignore[misc]
            process.send_signal(signal.SIGKILL)
            await trio.to_thread.run_sync(process.wait)
        async with trio.open_nursery() as nursery:  # what was left is shipped by the next life
            await nursery.start(main, config)
            before = len(two.batches)
            await two.wait_for(lambda: len(two.batches) > before + 3)
            nursery.cancel_scope.cancel()
        for collector in (one, two):
            content: dict[tuple[str, int], bytes] = {}
            repeats: Counter[str] = Counter()
            for batch in collector.batches:
                for o in batch.observations:
                    raw = msgspec.msgpack.encode(o)
                    repeats["same" if content.setdefault((o.stream, o.seq), raw) == raw else "other"] += 1
            assert repeats["other"] == 0
            assert len({stream for stream, _ in content}) == 1
            assert counted(collector) == list(range(1, len(content) + 1))
