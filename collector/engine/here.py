"""Detection in the collector's event loop."""

from collections.abc import Sequence

import trio

from collector.detect import State, initial, step
from collector.engine.core import LONGEST_S, Core, Step
from collector.engine.values import Shown, Standing, Taken
from collector.events import Event
from collector.precedence import MakeWay, have_it_all
from parallax.journal import Record


class Here:
    """An `Engine`. `make_way` is called after each record, as a batch may hold 500 observations."""

    def __init__(self, *, step: Step = step, make_way: MakeWay = have_it_all) -> None:
        self._step, self._make_way = step, make_way
        self._changed = trio.Event()
        self.load(initial(""))

    def load(self, state: State) -> None:
        self._core = Core(state, self._step)
        self._standing = Core(state).standing()  # of another: the first answer of this one says all that is asked
        self._shown: Shown | None = None

    @property
    def standing(self) -> Standing:
        return self._standing

    @property
    def shown(self) -> Shown:
        if self._shown is None:
            self._shown = self._core.shown()
        return self._shown

    async def take(self, records: Sequence[Record], *, save: bool) -> Taken:
        events: list[Event] = []
        until = trio.current_time() + LONGEST_S
        for record in records:
            began = trio.current_time()
            events += self._core.step(record)
            await self._make_way(trio.current_time() - began)
            if trio.current_time() >= until:
                break
        taken = self._core.taken(events, save=save)
        self._standing = taken.standing
        return taken

    def publish(self) -> None:
        self._shown = None
        changed, self._changed = self._changed, trio.Event()
        changed.set()

    async def wait_shown(self, shown: Shown) -> None:
        while self._shown is shown:
            await self._changed.wait()

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        task_status.started()
        await trio.sleep_forever()
