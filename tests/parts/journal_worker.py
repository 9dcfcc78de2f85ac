"""A program that works a journal until it is killed, and says on its standard output what it was promised.

    python -m tests.parts.journal_worker PATH KEEP_READ FIRST

Lines: `S` at the start, `A position task number` once an append was acknowledged, `H position task number` when the
reader was handed a record, `C position` once its commit returned. `FIRST` is the first number that each task appends.
"""

import os
import sys
from pathlib import Path

import trio

from parallax.clock import wall_ns
from parallax.journal import Entry, Journal, Limits, open_journal

TASKS = 4
READER = "reader"


def limits(keep_read: bool) -> Limits:
    return Limits(max_bytes=500_000_000, max_age_s=1e6, keep_read=keep_read, ballast_bytes=100_000)


def say(line: str) -> None:
    os.write(1, line.encode() + b"\n")  # one write a line: a killed writer leaves no half line in a pipe


async def append_for_ever(journal: Journal, task: int, first: int) -> None:
    number = first
    while True:
        size = 1 + number % 3
        body = [b"%d %d " % (task, n) + bytes(n * 997 % 20_000) for n in range(number, number + size)]
        number += size
        entries = [Entry(kind="batch", body=b, at_ns=wall_ns()) for b in body]
        last = await journal.append(entries, {f"high/{task}": b"%d" % (number - 1)})
        for n in range(size):
            say(f"A {last - size + 1 + n} {task} {number - size + n}")


async def read_for_ever(journal: Journal) -> None:
    while True:
        await journal.wait_beyond(journal.cursor(READER))
        records = await journal.read(journal.cursor(READER), max_records=7)
        for record in records:
            task, number, _ = record.body.split(b" ", 2)
            say(f"H {record.position} {int(task)} {int(number)}")
        if records:
            last = records[-1].position
            await journal.commit(READER, last, {"read": b"%d" % last})
            say(f"C {last}")


async def main(path: Path, keep_read: bool, first: int) -> None:
    say("S")
    async with open_journal(path, limits(keep_read)) as journal, trio.open_nursery() as nursery:
        await journal.register([READER])
        for task in range(TASKS):
            nursery.start_soon(append_for_ever, journal, task, first)
        nursery.start_soon(read_for_ever, journal)


if __name__ == "__main__":
    trio.run(main, Path(sys.argv[1]), sys.argv[2] == "keep", int(sys.argv[3]))
