"""What an engine is, to who feeds it."""

from collections.abc import Sequence
from typing import Protocol

import trio

from collector.detect import State
from collector.engine.values import Shown, Standing, Taken
from parallax.journal import Record


class EngineFailed(Exception):
    """Detection cannot take a record (a bug); the message is the traceback. The state is to be loaded again."""


class EngineLost(Exception):
    """The process is gone, cannot be started, or does not answer; says what is known of it. The state is to be loaded
    again, and nothing that was sent counts as taken. `at_work`: it was lost over what it was asked, so that may be the
    cause."""

    def __init__(self, why: str, *, at_work: bool = False) -> None:
        super().__init__(why)
        self.at_work = at_work


class Engine(Protocol):
    """One task feeds it; the rest may be read by any."""

    def load(self, state: State) -> None:
        """Goes on from this state, which is the engine's from now on."""

    @property
    def standing(self) -> Standing:
        """After what was taken last, or loaded."""

    @property
    def shown(self) -> Shown:
        """What may be shown now: a few seconds old at most. Of a process of its own, it is never newer than what was
        published; in the collector's loop, who asks while records are taken sees what they came to so far."""

    async def take(self, records: Sequence[Record], *, save: bool) -> Taken:
        """What the first of these records came to, as many as there was time for. Raises EngineLost; else what is
        raised is a bug in detection."""

    def publish(self) -> None:
        """What was taken is durable, and may be shown."""

    async def wait_shown(self, shown: Shown) -> None:
        """Returns once something else is shown."""

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Until cancelled, beside who feeds it."""
