"""The attempts of a run that come one after another, each deciding on the next: the steps of a flow.

A kind with `play` gets this instead of a subject. Every step is gathered on a tape of its own, judged at once, and
becomes an observation of its own; what hung when the run's time was over, or was cancelled, is the step that was under
way.
"""

import secrets
from collections.abc import Awaitable, Callable
from functools import partial

import msgspec
import trio

from parallax.plan.types import Check
from probe.attempt import evidence_of, record
from probe.kind import Kind, Subject
from probe.tape import Evidence, Tape
from probe.tools import Tools
from probe.verdict import Verdict

CANCELLED = "cancelled"
"""The failure of a step that was cancelled from outside; its run does not count."""
Gather = Callable[[Tape], Awaitable[None]]


class Taken(msgspec.Struct, frozen=True):
    """One attempt that is over."""

    subject: Subject
    attempt: int
    tape: Tape
    evidence: Evidence
    verdict: Verdict | None

    @property
    def failed(self) -> bool:
        """Whether it ended with a hard reason."""
        return self.verdict is not None and not self.verdict.soft


class Steps:
    """Where a run's steps are taken. `taken` has them in order."""

    def __init__(
        self, kind: Kind, check: Check, target: str, tools: Tools, *, probe: str, scheduled_at: int, run: str = ""
    ) -> None:
        self._kind = kind
        self.check, self.target, self.tools = check, target, tools
        self.probe, self.scheduled_at = probe, scheduled_at
        self.run = run or secrets.token_hex(8)
        """The run's id: 16 hex digits."""
        self.taken: list[Taken] = []
        self._deadline = trio.current_time() + check.timeout

    @property
    def left_s(self) -> float:
        """Seconds until the run's time is over."""
        return max(0.0, self._deadline - trio.current_time())

    async def take(
        self, subject: Subject, gather: Gather, *, attempt: int = 1, timeout_s: float | None = None
    ) -> Taken:
        """Gathers one step, and judges it. `timeout_s` is for what has a deadline of its own, as cleaning up has; any
        other step has what is left of the run's time. Never raises but for cancellation."""
        if self.tools.on_step is not None:
            self.tools.on_step(subject.name)
        tape = Tape(hidden=self.tools.hidden)
        tape.dims.update(subject.dims)
        over = False
        try:
            await record(tape, self.left_s if timeout_s is None else timeout_s, partial(gather, tape))
            over = True
        finally:
            if not over:  # what was begun must be told, and not only what came of ending it
                tape.fail(CANCELLED)
                tape.stop()
                self._add(subject, attempt, tape)
        return self._add(subject, attempt, tape)

    def _add(self, subject: Subject, attempt: int, tape: Tape) -> Taken:
        evidence = evidence_of(tape)
        taken = Taken(subject, attempt, tape, evidence, self._kind.judge(self.check.spec, evidence))
        self.taken.append(taken)
        return taken
