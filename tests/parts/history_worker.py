"""A program that fills both journals and has the history read them until it is killed.

    python -m tests.parts.history_worker FOLDER

It says `S` at the start, and `W position` when the history has the inputs up to there.
"""

import os
import sys
from pathlib import Path

import trio

from collector.history import History
from tests.fakes.events import incident
from tests.fakes.histories import AT, World, some, world


def say(line: str) -> None:
    os.write(1, line.encode() + b"\n")  # one write a line: a killed writer leaves no half line in a pipe


async def fill(here: World) -> None:
    while True:
        last = here.inputs.stats.last
        await here.take(*some(AT + last * 10**9, 1 + last * 37 % 20, reason="timeout" if last % 3 else None))
        await here.conclude(incident(f"i{last % 7}", at=AT + last * 10**9, number=here.events.stats.last))


async def tell(here: World, history: History) -> None:
    position = history.status.inputs.position
    while True:
        await history.wait_position(inputs=position + 1)
        position = history.status.inputs.position
        say(f"W {position}")


async def main(folder: Path) -> None:
    say("S")
    async with world(folder) as here, here.running(folder / "history") as history, trio.open_nursery() as nursery:
        nursery.start_soon(fill, here)
        nursery.start_soon(tell, here, history)


if __name__ == "__main__":
    trio.run(main, Path(sys.argv[1]))
