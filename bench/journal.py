"""The journal: durable batches and observations a second, beside what the disk's fdatasync allows in the same run.

    python bench/journal.py [SECONDS] [FOLDER]

Batches are 500 observations in 25,000 octets, random, so that nothing compresses. Prints one JSON line.
"""

import json
import os
import random
import sys
import tempfile
import time
from pathlib import Path

import trio

from parallax.clock import wall_ns
from parallax.journal import Entry, Limits, open_journal

OBSERVATIONS = 500
OCTETS = 25_000
LIMITS = Limits(max_bytes=1_000_000_000, max_age_s=1e6)


def fdatasyncs(folder: Path, seconds: float, octets: int) -> float:
    """Writes of so many octets at the end of a file, each made durable, a second."""
    count, block = 0, random.randbytes(octets)
    fd = os.open(folder / "fdatasync", os.O_CREAT | os.O_WRONLY, 0o600)
    try:
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            os.write(fd, block)
            os.fdatasync(fd)
            count += 1
    finally:
        os.close(fd)
        (folder / "fdatasync").unlink()
    return count / seconds


async def batches(path: Path, seconds: float, senders: int) -> dict[str, float]:
    """So many tasks append one batch after the other, each waiting for its acknowledgement."""
    waits: list[float] = []
    body = random.randbytes(OCTETS)

    async with open_journal(path, LIMITS) as journal:
        end = time.perf_counter() + seconds

        async def send() -> None:
            while (begun := time.perf_counter()) < end:
                await journal.append([Entry(kind="batch", body=body, at_ns=wall_ns(), count=OBSERVATIONS)])
                waits.append(time.perf_counter() - begun)

        async with trio.open_nursery() as nursery:
            for _ in range(senders):
                nursery.start_soon(send)
    waits.sort()
    return {
        "batches_per_s": round(len(waits) / seconds),
        "observations_per_s": round(len(waits) / seconds * OBSERVATIONS),
        "p50_ms": round(waits[len(waits) // 2] * 1000, 2),
        "p99_ms": round(waits[len(waits) * 99 // 100] * 1000, 2),
    }


async def main(seconds: float, folder: str | None) -> None:
    with tempfile.TemporaryDirectory(dir=folder) as name:
        place = Path(name)
        figures = {
            "bench": "journal",
            "fdatasync_4k_per_s": round(fdatasyncs(place, seconds / 4, 4096)),
            "fdatasync_25k_per_s": round(fdatasyncs(place, seconds / 4, OCTETS)),
        }
        for senders in (1, 8, 32):
            figures[f"senders_{senders}"] = await batches(place / f"j{senders}", seconds, senders)
    print(json.dumps(figures))


if __name__ == "__main__":
    trio.run(main, float(sys.argv[1]) if len(sys.argv) > 1 else 4.0, sys.argv[2] if len(sys.argv) > 2 else None)
