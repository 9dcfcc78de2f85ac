"""Who reads the history's file, on a reading that closes when it is told to."""

import threading

import trio
import trio.testing

from collector.history.readers import Readers


class SlowReading:
    """As store.Reading; `close` takes until `may_close`."""

    def __init__(self) -> None:
        self.may_close = threading.Event()
        self.closing = trio.Event()
        self.interrupted_late = 0

    def close(self) -> None:
        trio.from_thread.run_sync(self.closing.set)
        self.may_close.wait()

    def interrupt(self) -> None:
        self.interrupted_late += self.closing.is_set()


class OneReading:
    """As store.Store, for one read."""

    def __init__(self, reading: SlowReading) -> None:
        self._reading = reading

    def reading(self) -> SlowReading:
        return self._reading


async def test_stopping_waits_until_the_last_connection_is_closed() -> None:
    readers, reading, stopped = Readers(memory_bytes=10**12), SlowReading(), trio.Event()

    async def stop() -> None:
        await readers.stop()
        stopped.set()

    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(readers.read, OneReading(reading), lambda _: None)  # type: ignore[arg-type]
            await reading.closing.wait()
            nursery.start_soon(stop)
            await trio.testing.wait_all_tasks_blocked()
            early = stopped.is_set()
            reading.may_close.set()
    assert not early
    assert stopped.is_set()
    assert reading.interrupted_late == 0, "DuckDB frees a connection that is being closed"
