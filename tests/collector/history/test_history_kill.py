"""kill -9 at random points: what is in the journals is in the history, once.

PARALLAX_SOAK_ROUNDS sets the number of rounds (12 unless told), PARALLAX_SOAK_SEED repeats a run's kill points.
"""

import os
import random
import sys
from collections import Counter
from pathlib import Path
from subprocess import PIPE

import pytest
import trio

from collector.history.store import FILE
from collector.inputs import BatchInput, decode_input
from parallax import wire
from parallax.journal import Journal
from tests.fakes.histories import world

pytestmark = pytest.mark.slow

ROUNDS = int(os.environ.get("PARALLAX_SOAK_ROUNDS", "12"))
SEED = int(os.environ.get("PARALLAX_SOAK_SEED", "0")) or random.SystemRandom().randrange(1, 10**9)
ROOT = Path(__file__).parents[3]


async def round_of(folder: Path, lines: int, wait_s: float) -> int:
    """Runs the worker, kills it a moment after so many lines; the last position that it said is in the history."""
    command = [sys.executable, "-m", "tests.parts.history_worker", str(folder)]
    process = await trio.lowlevel.open_process(command, stdout=PIPE, cwd=ROOT)
    assert process.stdout is not None
    said = b""
    async with process.stdout:
        async for part in process.stdout:
            said += part
            if said.count(b"\n") > lines and process.poll() is None:
                # the moment is the point: it spreads the kills over what lies between two lines
                with trio.move_on_after(wait_s):
                    await trio.sleep_forever()
                process.kill()
    assert await process.wait() == -9, "the worker ended by itself"
    told = [int(line.split()[1]) for line in said.decode().splitlines() if line.startswith("W")]
    assert told == sorted(told)
    return told[-1]


async def numbers(journal: Journal) -> Counter[tuple[str, int]]:
    """Stream and number of every observation in the journal."""
    found: Counter[tuple[str, int]] = Counter()
    position = 0
    while records := await journal.read(position):
        for record in records:
            value = decode_input(record)
            assert isinstance(value, BatchInput)
            found.update((o.stream, o.seq) for o in wire.decode(value.body).observations)
        position = records[-1].position
    return found


async def test_kill_9_loses_and_repeats_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    dice = random.Random(SEED)
    with capsys.disabled():
        print(f"\n  seed {SEED}, {ROUNDS} rounds")
    told = 0
    for _ in range(ROUNDS):
        now = await round_of(tmp_path, dice.randint(1, 15), dice.random() * 0.05)
        assert now > told, "what was in the history stayed there"
        told = now
    async with world(tmp_path) as here, here.history(tmp_path / "history") as history:
        status = history.status
        assert (status.inputs.missed, status.events.missed, status.unreadable, status.problem) == (0, 0, 0, None)
        rows = await history.query("SELECT stream, seq FROM observation", max_rows=10**6, timeout_s=60)
        arrived = Counter((stream, seq) for stream, seq in rows.rows)
        expected = await numbers(here.inputs)
        if rows.more:  # an answer has a bound; the sums do not
            sums = await history.query("SELECT count(*), count(DISTINCT (stream, seq)) FROM observation")
            assert sums.rows == [[expected.total(), len(expected)]]
        else:
            assert arrived == expected
        events = await history.query("SELECT count(*), count(DISTINCT position), max(position) FROM event")
        assert events.rows == [[here.events.stats.last] * 3]
        assert len(await history.incidents()) == 7
        figures = (
            "SELECT (SELECT sum(total) FROM minute) - (SELECT count(*) FROM observation), (SELECT count(*) FROM due)"
        )
        with trio.fail_after(60):
            while (await history.query(figures)).rows != [[0, 0]]:
                await trio.lowlevel.checkpoint()
    assert list((tmp_path / "history").glob(f"{FILE}.damaged*")) == []
