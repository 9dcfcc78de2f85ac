"""Detection live: reads `inputs`, steps, and puts what it concluded into `events`.

The events of some records, the snapshot after them and the position in `inputs` are one transaction. So a restart is
the last snapshot and the records after it: they are stepped through again, and only what was not yet in `events` gets
there. Records that led to nothing are committed now and then, as they can be read again at no harm.
"""

import secrets
from contextlib import suppress

import trio

from collector.board import Board
from collector.detect import State, StateError, board_of, decode_state, encode_state, initial, step
from collector.events import Event, encode_event
from collector.inputs import ClockInput, encode_input
from parallax.clock import wall_ns
from parallax.journal import Journal, JournalBusy, JournalError, JournalFull
from parallax.log import get_log

SNAPSHOT = "detect.snapshot"
"""The mark in `events`: the state, and with it the position in `inputs`."""
QUIET_S = 5.0
"""How long `inputs` may be without a record before one says that time has passed."""
SNAPSHOT_EVERY_S = 10.0
READ_RECORDS = 200
RETRY_S = 1.0
_log = get_log(__name__)


class Detector:
    """One task runs `run`; the rest may be called from any other."""

    def __init__(self, inputs: Journal, events: Journal) -> None:
        self._inputs, self._events = inputs, events
        self._state = _restore(events, inputs)
        self._board: Board | None = None
        self._stepped = trio.Event()
        self._saved_at = float("-inf")

    def board(self) -> Board:
        """Everything that is known now."""
        if self._board is None:
            self._board = board_of(self._state)
        return self._board

    async def wait_changed(self, board: Board) -> None:
        """Returns once there is another board than this one."""
        while self._board is board:
            await self._stepped.wait()

    async def run(self, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Reads on until cancelled."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._tell_time)
            task_status.started()
            try:
                while True:
                    await self._inputs.wait_beyond(self._state.position)
                    await self._take()
            except JournalError:
                await trio.sleep_forever()  # the whole program ends by it: see collector.main

    async def _take(self) -> None:
        events: list[Event] = []
        for record in await self._inputs.read(self._state.position, max_records=READ_RECORDS):
            self._state, more = step(self._state, record)
            events += more
            await trio.lowlevel.checkpoint()  # a batch may hold 500 observations: others have their turn
        for event in events:
            _log.info(event.type, id=event.id, cause=event.cause)
        if events or trio.current_time() - self._saved_at >= SNAPSHOT_EVERY_S:
            await self._save(events)
        self._board = None
        stepped, self._stepped = self._stepped, trio.Event()
        stepped.set()

    async def _save(self, events: list[Event]) -> None:
        """Puts it all into `events`; waits where that has no room, as an event must not be lost."""
        entries = [encode_event(event) for event in events]
        marks = {SNAPSHOT: encode_state(self._state)}
        waits = False
        while True:
            try:
                await self._events.append(entries, marks)
            except (JournalBusy, JournalFull) as error:
                if not events:
                    return  # nothing is lost by saving later
                if not waits:
                    _log.error("events wait for the disk", number=len(events), why=str(error))
                waits = True
                await trio.sleep(RETRY_S)
            else:
                self._saved_at = trio.current_time()
                return

    async def _tell_time(self) -> None:
        """Writes a clock record at the start, and whenever nothing else came for a while."""
        await self._append_clock(started=True)
        while True:
            last = self._inputs.stats.last
            await trio.sleep(QUIET_S)
            if self._inputs.stats.last == last:
                await self._append_clock()

    async def _append_clock(self, *, started: bool = False) -> None:
        now = wall_ns()
        with suppress(JournalBusy, JournalFull, JournalError):  # time goes on with the next record
            await self._inputs.append([encode_input(ClockInput(at=now, started=started), at_ns=now, count=0)])


def _restore(events: Journal, inputs: Journal) -> State:
    """The snapshot; where there is none, a new state that begins with the oldest record of `inputs`."""
    raw = events.mark(SNAPSHOT)
    if raw is None:
        return initial(secrets.token_hex(8))
    try:
        state = decode_state(raw)
    except StateError as error:
        _log.error("detection begins anew at the end of the inputs", why=str(error))
        state = initial(secrets.token_hex(8))
        state.position = inputs.stats.last
        return state
    if state.position > inputs.stats.last:
        _log.error("the inputs are older than the events: detection goes on at their end", position=state.position)
        state.position = inputs.stats.last
    return state
