"""Detection live: reads `inputs`, has an engine take it, and puts what was concluded into `events`.

The events of some records, the snapshot after them and the position in `inputs` are one transaction. So a restart is
the last snapshot and the records after it: they are stepped through again, and only what was not yet in `events` gets
there. Records that led to nothing are committed now and then, as they can be read again at no harm.

A record that detection cannot take (a bug: the rules never raise) must not end the collector, at this start and at
every one after it. Then the state is what it was when it was last good, the records since are stepped through one by
one, and the one that fails again is left out, logged and counted.

A snapshot that cannot be read is a state that is lost: detection begins anew, and first ends what people were told of.

An engine that is lost (a process of its own that was killed) costs nothing but the time to start another: that goes on
from what was last good, too. One that is lost over one and the same record again and again is a bug of that record's.
"""

import secrets
from collections.abc import Callable, Iterable
from contextlib import suppress

import trio

from collector.board import Board
from collector.detect import Open, State, StateError, decode_state, encode_state, endings, initial, note, of_now
from collector.detect.asking.asks import Ask
from collector.engine import Engine, EngineLost, Here, Taken
from collector.events import Event, EventError, Incident, decode_event, encode_event
from collector.inputs import ClockInput, encode_input
from collector.peer_word import PeerWord
from collector.routing.state import Charge, Silence
from collector.routing.watchdog import is_heartbeat
from parallax.clock import wall_ns
from parallax.journal import Entry, Journal, JournalBusy, JournalError, JournalFull, Record
from parallax.log import get_log

SNAPSHOT = "detect.snapshot"
"""The mark in `events`: the state, and with it the position in `inputs`."""
QUIET_S = 5.0
"""How long `inputs` may be without a record before one says that time has passed."""
SNAPSHOT_EVERY_S = 10.0
READ_RECORDS, READ_BYTES = 200, 300_000
RETRY_S = 1.0
MOST_LOSSES = 3
"""Engines that one record may cost."""
_log = get_log(__name__)


class Detector:
    """One task runs `run`; the rest may be called from any other."""

    def __init__(
        self,
        inputs: Journal,
        events: Journal,
        engine: Engine | None = None,
        *,
        heed: Callable[[Iterable[Ask]], None] = lambda asks: None,
    ) -> None:
        """`heed` is told all that probes are asked, whenever that has changed."""
        self._inputs, self._events, self._heed = inputs, events, heed
        self._engine: Engine = engine or Here()
        state, anew = _restore(events, inputs)
        self._good = encode_state(state)
        self._engine.load(state)
        self._anew = state if anew else None
        self._doubtful = 0
        self._losses = 0
        self._left_out = 0
        self._saved_at = float("-inf")

    def board(self) -> Board:
        """Everything that is known now."""
        return self._engine.shown.board

    def incidents(self) -> tuple[Incident, ...]:
        """Open ones and the last that ended, the newest first: those that people can say something of."""
        return self._engine.shown.incidents

    def serving(self, group: str) -> tuple[str, int]:
        """Who serves in a failover group, "" while nobody can tell, and the epoch of its last command."""
        return self._engine.standing.serving.get(group, ("", 0))

    @property
    def charge(self) -> Charge:
        """Which of two collectors pages; not to be kept."""
        return self._engine.standing.charge

    def peer_word(self) -> PeerWord:
        """What the other collector is told."""
        return of_now(self._engine.shown.peer_word, wall_ns())

    def silences(self) -> tuple[Silence, ...]:
        """Those in force."""
        return self._engine.standing.silences

    @property
    def position(self) -> int:
        """The last record of `inputs` that it has taken."""
        return self._engine.standing.position

    @property
    def blind_after(self) -> int | None:
        """The position in `inputs` after which it reads on and knows no plan; None where it knows one."""
        return None if self._engine.standing.planned else self.position

    @property
    def left_out(self) -> int:
        """Records that detection could not take, since the start of the process."""
        return self._left_out

    async def wait_changed(self, board: Board) -> None:
        """Returns once there is another board than this one."""
        while (shown := self._engine.shown).board is board:
            await self._engine.wait_shown(shown)

    async def run(self, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Reads on until cancelled."""
        async with trio.open_nursery() as nursery:
            await nursery.start(self._engine.run)
            nursery.start_soon(self._tell_time)
            task_status.started()
            try:
                if self._anew is not None:
                    await self._end_what_was_told(self._anew)
                    self._anew = None
                while True:
                    await self._inputs.wait_beyond(self.position)
                    await self._take()
            except JournalError:
                await trio.sleep_forever()  # the whole program ends by it: see collector.main

    async def _end_what_was_told(self, state: State) -> None:
        told: Open = {}
        position = 0
        while records := await self._events.read(position):
            position = records[-1].position
            for record in records:
                with suppress(EventError):
                    note(told, decode_event(record))
        at, events = wall_ns(), list[Event]()
        for data in endings(told, at):
            state.events += 1
            events.append(Event(id=f"{state.seed}-{state.events}", at=at, cause=state.position, data=data))
        if events:
            _log.warning("what was open is ended, as nobody follows it any further", number=len(events))
            await self._save([encode_event(event) for event in events], encode_state(state))
            self._engine.load(state)

    async def _take(self) -> None:
        doubtful = self.position < self._doubtful
        records = await self._inputs.read(
            self.position, max_records=1 if doubtful else READ_RECORDS, max_bytes=READ_BYTES
        )
        try:
            taken = await self._engine.take(
                records, save=doubtful or trio.current_time() - self._saved_at >= SNAPSHOT_EVERY_S
            )
            entries = [encode_event(event) for event in taken.events]
        except EngineLost as error:
            _log.error("detection goes on from what was last good", why=str(error))
            self._losses += doubtful and error.at_work
            if error.at_work and (not doubtful or self._losses >= MOST_LOSSES):
                self._contain(records, doubtful=doubtful)
            else:
                self._engine.load(decode_state(self._good))
            await trio.sleep(RETRY_S)
        except Exception:  # detection's one place: see above
            self._contain(records, doubtful=doubtful)
        else:
            self._losses = 0
            await self._keep(taken, entries)

    async def _keep(self, taken: Taken, entries: list[Entry]) -> None:
        if taken.standing.asks is not None:
            self._heed(taken.standing.asks)
        for event in taken.events:
            if not is_heartbeat(event):
                _log.info(event.type, id=event.id, cause=event.cause)
        if taken.snapshot is not None:
            await self._save(entries, taken.snapshot)
        self._engine.publish()

    def _contain(self, records: list[Record], *, doubtful: bool) -> None:
        """Back to what was good; one of these records is left out once it is known which."""
        state = decode_state(self._good)
        if doubtful:
            (record,) = records
            state.position = record.position
            self._good = encode_state(state)
            self._left_out += 1
            self._losses = 0
            _log.exception("detection leaves a record out (a bug)", position=record.position, kind=record.kind)
        else:
            self._doubtful = records[-1].position
        self._engine.load(state)

    async def _save(self, entries: list[Entry], snapshot: bytes) -> None:
        """Puts it all into `events`; waits where that has no room, as an event must not be lost."""
        waits = False
        while True:
            try:
                await self._events.append(entries, {SNAPSHOT: snapshot})
            except (JournalBusy, JournalFull) as error:
                if not entries:
                    break  # nothing is lost by saving later
                if not waits:
                    _log.error("events wait for the disk", number=len(entries), why=str(error))
                waits = True
                await trio.sleep(RETRY_S)
            else:
                self._saved_at = trio.current_time()
                break
        self._good = snapshot

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


def _restore(events: Journal, inputs: Journal) -> tuple[State, bool]:
    """The snapshot, and whether there was none, or none to be read. Without one the state begins with the oldest record
    of `inputs`; where it cannot be read, at their end, as what they led to has been told."""
    raw = events.mark(SNAPSHOT)
    if raw is None:
        return initial(secrets.token_hex(8)), True
    try:
        state = decode_state(raw)
    except StateError as error:
        _log.error("detection begins anew at the end of the inputs", why=str(error))
        state = initial(secrets.token_hex(8))
        state.position = inputs.stats.last
        return state, True
    if state.position > inputs.stats.last:
        _log.error("the inputs are older than the events: detection goes on at their end", position=state.position)
        state.position = inputs.stats.last
    return state, False
