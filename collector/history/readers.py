"""Who reads the history's file right now: each in a worker thread, within bounds of memory, and stopped when the file
must be let go."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import trio

from collector.history.store import Interrupted, ReadDamaged, ReadError, Reading, Store, StoreError
from collector.history.types import QueryError

_WATCH_S = 0.05

T = TypeVar("T")


class Readers:
    """The readings under way."""

    def __init__(self, memory_bytes: int) -> None:
        """`memory_bytes`: how much the process may grow while one of them runs."""
        self._memory_bytes = memory_bytes
        self._readings: set[Reading] = set()
        """Those that may be interrupted: one that is being closed must not be."""
        self._open = 0
        """The same, and those that are being closed."""
        self._done = trio.Event()

    async def read(self, store: Store, work: Callable[[Reading], T]) -> T:
        """The work's result. Cancelled: the statement is interrupted, and its thread waited for. Raises QueryError,
        ReadDamaged."""
        try:
            reading = store.reading()
        except StoreError as error:
            raise QueryError(f"the history cannot be read now: {error}") from None
        self._readings.add(reading)
        self._open += 1
        failure: QueryError | ReadDamaged = QueryError("the query was stopped as the history was closed: ask again")
        results: list[T] = []
        ended, most = trio.Event(), _resident() + self._memory_bytes

        async def watch() -> None:
            nonlocal failure
            try:
                while _resident() < most:  # noqa: ASYNC110  nobody tells
                    await trio.sleep(_WATCH_S)
                failure = QueryError("the query was stopped as it took too much memory: ask for less at once")
            finally:
                with trio.CancelScope(shield=True):
                    while not ended.is_set():
                        reading.interrupt()
                        with trio.move_on_after(_WATCH_S):
                            await ended.wait()

        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(watch)
                with trio.CancelScope(shield=True):
                    try:
                        results.append(await trio.to_thread.run_sync(work, reading))
                    except Interrupted:
                        pass
                    except (QueryError, ReadDamaged) as error:
                        failure = error
                    except ReadError as error:
                        failure = QueryError(str(error))
                    finally:
                        ended.set()
                nursery.cancel_scope.cancel()
        finally:
            self._readings.discard(reading)
            try:
                with trio.CancelScope(shield=True):
                    await trio.to_thread.run_sync(reading.close)
            finally:
                self._open -= 1
                done, self._done = self._done, trio.Event()
                done.set()
        if not results:
            await trio.lowlevel.checkpoint_if_cancelled()
            raise failure
        return results[0]

    async def stop(self) -> None:
        """Returns once nobody reads, and each connection is closed: DuckDB shares what is open in a process, so the
        file is only let go then."""
        while self._open:
            for reading in self._readings:
                reading.interrupt()
            with trio.move_on_after(_WATCH_S):
                await self._done.wait()


def _resident() -> int:
    """This process's resident memory, octets."""
    with Path("/proc/self/statm").open() as file:
        return int(file.read().split()[1]) * 4096
