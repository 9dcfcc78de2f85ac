"""One attempt, of a check at one address or of a name's lookup: the deadline, the error table, and nothing else.

Every exception that a library raises on the way becomes a failure word here, by a table applied along its cause chain;
what the table does not know is a bug of ours and is reported as such, logged once with its traceback.
"""

import traceback
from collections.abc import Awaitable, Callable
from functools import partial

import trio

from parallax.dialling.errors import detail_of, failure_of
from parallax.log import get_log
from probe.kind import Kind, Subject
from probe.tape import Evidence, Tape
from probe.tools import Tools
from probe.vault import Withheld

_log = get_log(__name__)


async def attempt(kind: Kind, spec: object, subject: Subject, timeout_s: float, tools: Tools) -> Tape:
    """Runs once against one subject; the timeout counts from the start of the tape that it goes on from, if any."""
    tape = Tape(subject.after, tools.hidden)
    tape.dims.update(subject.dims)
    if subject.address:
        tape.dims.update(address=subject.address.ip, family=str(subject.address.family))
    assert kind.run is not None
    await record(tape, timeout_s, partial(kind.run, spec, subject, tape, tools))
    return tape


async def record(tape: Tape, timeout_s: float, gather: Callable[[], Awaitable[None]]) -> None:
    """Gathers onto the tape until its timeout. Never raises but for cancellation: how it ended is on the tape."""
    with trio.move_on_at(tape.started + timeout_s) as deadline, _FailureNoted(tape):
        await gather()
    if deadline.cancelled_caught:
        tape.fail("timeout")
    tape.stop()


def evidence_of(tape: Tape) -> Evidence:
    """What an attempt that is over gathered, with what its tape left for later. Never raises.

    Reading takes CPU time (certificates), so a run calls this once all its attempts are over: else one attempt's
    reading would stand in another's phases."""
    with _FailureNoted(tape):
        tape.read_rest()
    return tape.evidence()


class _FailureNoted:
    """The one place of the probe that takes any exception: a bug in a check must not stop the others."""

    __slots__ = ("_tape",)

    def __init__(self, tape: Tape) -> None:
        self._tape = tape

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, where: object) -> bool:
        if not isinstance(error, Exception):
            return False
        if isinstance(error, Withheld):
            self._tape.fail(error.word, str(error))
            return True
        failure = failure_of(error)
        if failure == "bug":
            told = "".join(traceback.format_exception(error))
            _log.error("bug in a check", traceback=self._tape.hidden.scrub(told))
        self._tape.fail(failure, detail_of(error))
        return True
