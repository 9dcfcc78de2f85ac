"""A piece played with many seeds, each in a process of its own while there are cores."""

import multiprocessing
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import msgspec

from lab.replay.playing import Performance, Piece, Tell, open_piece, perform


def perform_seeds(piece: Piece, seeds: range, tell: Tell, workers: int | None = None) -> Iterator[Performance]:
    """In the order of the seeds, each as soon as it is there. `tell` gets the records of a single seed alone.

    What is said, event by event, is that of the first seed; the others have their outcomes, for a hundred nights of
    events would fill the memory. Raises RecordingError, ScriptErrors."""
    if len(seeds) == 1:
        yield perform(piece, seeds[0], tell)
        return
    workers = min(workers or len(os.sched_getaffinity(0)), len(seeds))
    pool = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"))
    try:
        yield from pool.map(partial(_perform, piece.file, seeds[0]), seeds)
    finally:
        pool.shutdown(cancel_futures=True)


def _perform(file: Path, first: int, seed: int) -> Performance:
    performance = perform(open_piece(file), seed)
    if seed == first:
        return performance
    return msgspec.structs.replace(performance, played=msgspec.structs.replace(performance.played, events=(), told=()))
