"""kill -9 at random points under load: nothing acknowledged is lost, nothing committed is handed out again.

PARALLAX_SOAK_ROUNDS sets the number of rounds (30 unless told; `make soak` asks for 500), PARALLAX_SOAK_SEED repeats a
run's kill points.
"""

import os
import random
import sys
from pathlib import Path
from subprocess import PIPE

import pytest
import trio

from parallax.journal import Journal, open_journal
from tests.parts.journal_worker import READER, TASKS, limits

pytestmark = pytest.mark.slow

ROUNDS = int(os.environ.get("PARALLAX_SOAK_ROUNDS", "30"))
ROOT = Path(__file__).parents[2]


class Seen:
    """What the killed programs were promised, over all rounds."""

    def __init__(self) -> None:
        self.acknowledged: dict[int, tuple[int, int]] = {}
        self.committed = 0
        self.floor = 0
        """What was committed when the current round began, as the journal itself says: nothing at or below it may be
        handed out any more."""

    def take(self, line: str) -> None:
        what, *numbers = line.split()
        if what == "S":
            return
        values = [int(n) for n in numbers]
        if what == "A":
            position, task, number = values
            assert position not in self.acknowledged, f"position {position} was given twice"
            self.acknowledged[position] = task, number
        elif what == "H":
            position, task, number = values
            assert position > self.committed, f"{position} was handed out after {self.committed} was committed"
            assert position > self.floor, f"{position} was handed out after a start with the cursor at {self.floor}"
            assert self.acknowledged.get(position, (task, number)) == (task, number)
        else:
            assert values[0] > self.committed
            self.committed = values[0]


async def round_of(path: Path, keep_read: bool, lines: int, seen: Seen, first: int) -> int:
    """Runs the worker, kills it after so many lines, takes in all it said; the number of lines."""
    command = [
        sys.executable,
        "-m",
        "tests.parts.journal_worker",
        str(path),
        "keep" if keep_read else "drop",
        str(first),
    ]
    process = await trio.lowlevel.open_process(command, stdout=PIPE, cwd=ROOT)
    assert process.stdout is not None
    said = b""
    count = 0
    async with process.stdout:
        async for part in process.stdout:
            said += part
            count = said.count(b"\n")
            if count >= lines:
                process.kill()
    assert await process.wait() == -9, "the worker ended by itself"
    assert said.endswith(b"\n")
    for line in said.decode().splitlines():
        seen.take(line)
    return count


async def check(journal: Journal, seen: Seen, keep_read: bool) -> int:
    """What is in the journal against what was promised; the highest number in use."""
    assert journal.salvaged is None
    assert journal.cursor(READER) >= seen.committed
    assert int(journal.mark("read") or b"0") == journal.cursor(READER)
    found: dict[int, tuple[int, int]] = {}
    position = 0
    while records := await journal.read(position, max_records=500):
        for record in records:
            task, number, _ = record.body.split(b" ", 2)
            found[record.position] = int(task), int(number)
        position = records[-1].position
    assert len(found) == journal.stats.records
    assert journal.stats.lost == {}
    gone = 0 if keep_read else journal.cursor(READER)
    missing = [p for p in seen.acknowledged if p > gone and found.get(p) != seen.acknowledged[p]]
    assert missing == [], f"acknowledged and lost: {missing[:5]}"
    high = 0
    for task in range(TASKS):
        mark = int(journal.mark(f"high/{task}") or b"-1")
        acknowledged = [number for owner, number in seen.acknowledged.values() if owner == task]
        assert mark >= max(acknowledged, default=-1)
        mine = [number for owner, number in found.values() if owner == task]
        assert mark == max(mine, default=mark), "a mark and its records are of one transaction"
        assert mine == sorted(mine)
        high = max(high, mark)
    return high


@pytest.mark.parametrize("keep_read", [True, False])
async def test_nothing_acknowledged_is_lost_by_kill_9(tmp_path: Path, keep_read: bool) -> None:
    seed = int(os.environ.get("PARALLAX_SOAK_SEED", random.SystemRandom().randrange(2**32)))
    print(f"PARALLAX_SOAK_SEED={seed}")
    points = random.Random(seed)
    lines = 0
    for number in range(max(ROUNDS // 2, 1)):
        if number % 25 == 0:  # a new file now and then: its making is killed too, and no round grows long
            path, seen, high = tmp_path / f"j{number}", Seen(), -1
        # One round in five dies while the journal opens, the others after some hundred promises.
        kill_after = 1 if points.random() < 0.2 else 1 + int(points.expovariate(1 / 200))
        lines += await round_of(path, keep_read, kill_after, seen, high + 1)
        async with open_journal(path, limits(keep_read)) as journal:
            high = await check(journal, seen, keep_read)
            seen.floor = journal.cursor(READER)
    print(f"{lines} promises")
    assert lines > ROUNDS
