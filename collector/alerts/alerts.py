"""The receivers of the plan in force, each with a task of its own."""

import msgspec
import trio

from collector.plans import Plans
from parallax.config import CollectorConfig
from parallax.journal import Journal


class ReceiverStatus(msgspec.Struct, frozen=True, kw_only=True):
    """How a receiver stands."""

    name: str
    kind: str
    waiting: int
    """Alerts that it has not taken yet."""
    delivered: int
    """Since the start of the process."""
    last_word: str
    """What became of the last attempt."""


class Alerts:
    """One task runs `run`."""

    def __init__(self, events: Journal, plans: Plans, config: CollectorConfig) -> None:
        self._events, self._plans, self._config = events, plans, config

    @property
    def status(self) -> list[ReceiverStatus]:
        """By name."""
        return []

    async def run(self, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Delivers until cancelled."""
        task_status.started()
        await trio.sleep_forever()
