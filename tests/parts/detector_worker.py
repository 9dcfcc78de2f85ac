"""A detector over two journals in a folder, to be killed: prints the position in `inputs` after each piece of work."""

import sys
from pathlib import Path

import trio

from collector.detector import Detector
from parallax.journal import Limits, open_journal

LIMITS = Limits(max_bytes=10**9, max_age_s=10**9, ballast_bytes=0)


async def main(folder: Path) -> None:
    async with (
        open_journal(folder / "inputs.db", LIMITS) as inputs,
        open_journal(folder / "events.db", LIMITS) as events,
    ):
        detector = Detector(inputs, events)
        async with trio.open_nursery() as nursery:
            await nursery.start(detector.run)
            while True:
                board = detector.board()
                print(board.position, flush=True)
                await detector.wait_changed(board)


trio.run(main, Path(sys.argv[1]))
