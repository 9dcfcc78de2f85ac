"""A command through its group's actions: one after the other until one has carried it out, each tried again by the fast
lane, all before the command's time is over."""

from collections.abc import Awaitable, Callable, Sequence

import trio

from collector.actions.actor import Actor, Command, Result
from collector.inputs import ActionInput
from parallax.clock import NS, wall_ns
from parallax.log import get_log

TRIES_S = (0.0, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
"""The tries of one action, seconds from its first one; then every `EVERY_S`."""
EVERY_S = 30.0
TRY_S = 5.0
"""How long one try may take."""
CLOSEST_S = 0.5
"""Between the end of one try and the start of the next."""
DEFAULT_S = 60.0
"""How long a command is good that does not say so."""
NO_ACTION = "no action"
"""What stands for the action of a command that names none."""
_log = get_log(__name__)

Write = Callable[[ActionInput], Awaitable[None]]


class Carrying:
    """One command. `run` carries it out; where that is cancelled, `broken_off` says how far it got."""

    def __init__(self, command: Command, actors: Sequence[tuple[str, Actor | None]], wall: Callable[[], int] = wall_ns):
        """`actors` are the command's, by name, in order; None where the plan has no such action."""
        self.command, self._wall = command, wall
        self._actors = list(actors) or [(NO_ACTION, None)]
        self._tries = _Tries(command, None)
        self._name, self._started = self._actors[0][0], trio.current_time()

    async def run(self, write: Write) -> None:
        """What comes of each action that is tried is written down. Raises nothing but for cancellation."""
        data = self.command.data
        left_s = DEFAULT_S if data.not_after is None else (data.not_after - self._wall()) / NS
        end = trio.current_time() + left_s
        if left_s <= 0:
            await write(self._written(Result(outcome="expired", text="its time was over before it could be sent")))
            return
        for number, (name, actor) in enumerate(self._actors):
            self._name, self._started, self._tries = name, trio.current_time(), _Tries(self.command, actor)
            others = len(self._actors) - number
            result = await self._tries.until(self._started + (end - self._started) / others, last=others == 1)
            await write(self._written(result))
            if result.then in ("done", "stop"):
                return

    def broken_off(self) -> ActionInput:
        """For a later command, or as it is needless by now."""
        return self._written(self._tries.broken_off)

    def _written(self, result: Result) -> ActionInput:
        data = self.command.data
        log = _log.info if result.outcome in ("applied", "dry_run") else _log.error
        came = {"epoch": data.epoch, "to": data.target, "came": result.outcome, "why": result.text}
        log("command of a failover group", group=data.group, action=self._name, **came)
        return ActionInput(
            at=self._wall(),
            group=data.group,
            action=self._name,
            outcome=result.outcome,
            epoch=data.epoch,
            member=data.target,
            before=result.before,
            after=result.after,
            text=result.text,
            took_ns=round((trio.current_time() - self._started) * NS),
        )


class _Tries:
    """The tries of one action."""

    def __init__(self, command: Command, actor: Actor | None) -> None:
        self._command, self._actor = command, actor
        self._sent = False
        self._last = ""

    @property
    def broken_off(self) -> Result:
        return Result(
            outcome="failed" if self._sent else "expired", text=f"broken off{self._said}", sent=self._sent, then="stop"
        )

    @property
    def _said(self) -> str:
        return f"; the last try: {self._last}" if self._last else ""

    async def until(self, end: float, *, last: bool) -> Result:
        """The result that counts; `last` where no other action is to follow."""
        if self._actor is None:
            return Result(outcome="failed", then="next", text="the plan in force has no such action", sent=False)
        first = trio.current_time()
        while True:
            result = await self._try(self._actor, end)
            if result.then != "again":
                return result
            pause_s = max(pause(trio.current_time() - first), result.wait_s)
            if trio.current_time() + pause_s >= end:
                break
            await trio.sleep(pause_s)
        if last and not self._sent:
            return Result(outcome="expired", text=f"it could not be sent in time{self._said}", sent=False)
        return Result(outcome="failed", then="next", text=f"given up{self._said}", sent=self._sent)

    async def _try(self, actor: Actor, end: float) -> Result:
        limit_s = min(TRY_S, end - trio.current_time())
        result = Result(outcome="failed", then="again", text=f"no answer within {limit_s:.1f} s")
        sent, self._sent = self._sent, True  # until it is known better, in case it is broken off
        with trio.move_on_after(limit_s):
            try:
                result = await actor.carry_out(self._command)
            except Exception as error:  # the actions' one place: what one answer brings out must not end the collector
                _log.exception("an action met a bug", group=self._command.data.group, id=self._command.id)
                result = Result(outcome="failed", then="next", text=f"{type(error).__name__}; the log has more")
        self._sent = sent or result.sent
        self._last = result.text
        return result


def pause(since_first_s: float) -> float:
    """From the end of a failed try to the next one."""
    earliest = since_first_s + CLOSEST_S
    if earliest <= TRIES_S[-1]:
        return min(at for at in TRIES_S if at >= earliest) - since_first_s
    return -(-earliest // EVERY_S) * EVERY_S - since_first_s
