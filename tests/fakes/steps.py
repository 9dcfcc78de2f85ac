"""Cancels a task at its n-th step: the way to try every checkpoint of an operation, one after the other."""

from collections.abc import Awaitable, Callable

import trio


class _CancelAtStep(trio.abc.Instrument):
    def __init__(self, task: trio.lowlevel.Task, scope: trio.CancelScope, step: int) -> None:
        self._task, self._scope, self._left = task, scope, step

    def after_task_step(self, task: trio.lowlevel.Task) -> None:
        if task is self._task:
            if self._left == 0:
                self._scope.cancel()
            self._left -= 1


async def cancelled_at_step(step: int, operation: Callable[[], Awaitable[object]]) -> bool:
    """Runs the operation and cancels it when its task has taken `step` steps (0: before its first checkpoint).
    Whether the cancellation came in before the end."""
    with trio.CancelScope() as scope:
        if step == 0:
            scope.cancel()
        instrument = _CancelAtStep(trio.lowlevel.current_task(), scope, step - 1)
        trio.lowlevel.add_instrument(instrument)
        try:
            await operation()
        finally:
            trio.lowlevel.remove_instrument(instrument)
    return scope.cancelled_caught
