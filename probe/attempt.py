"""One attempt, of a check at one address or of a name's lookup: the deadline, the error table, and nothing else.

Every exception that a library raises on the way becomes a failure word here, by a table applied along its cause chain;
what the table does not know is a bug of ours and is reported as such, logged once with its traceback.
"""

import errno
from collections.abc import Awaitable, Callable, Iterator
from functools import partial

import structlog
import trio

from parallax.dialling.errors import FAILURES
from parallax.dialling.route import NotAllowed
from probe.checks.kind import Kind, Subject, Tools
from probe.tape import Tape

_log = structlog.get_logger()


async def attempt(
    kind: Kind, spec: object, subject: Subject, timeout_s: float, tools: Tools, *, after: Tape | None = None
) -> Tape:
    """Runs once against one address; the timeout counts from the start of the tape that it goes on from, if any."""
    tape = Tape(after)
    await record(tape, timeout_s, partial(kind.run, spec, subject, tape, tools))
    return tape


async def record(tape: Tape, timeout_s: float, gather: Callable[[], Awaitable[None]]) -> None:
    """Gathers onto the tape until its timeout. Never raises but for cancellation: how it ended is on the tape."""
    with trio.move_on_at(tape.started + timeout_s) as deadline:
        try:
            await gather()
        except Exception as error:  # the one place of the probe: a bug in a check must not stop the others
            failure = failure_of(error)
            if failure == "bug":
                _log.exception("bug in a check")
            tape.fail(failure, str(error))
    if deadline.cancelled_caught:
        tape.fail("timeout")


def failure_of(error: BaseException) -> str:
    """The failure word of an exception: the innermost known one along its cause chain decides."""
    word = "bug"
    for link in _chain(error):
        if isinstance(link, NotAllowed):
            return "not_allowed"
        word = FAILURES.get(type(link), word) if not isinstance(link, OSError) else _os_failure(link, word)
    return word


_ERRNO = {
    errno.ECONNREFUSED: "refused",
    errno.ENETUNREACH: "unreachable",
    errno.EHOSTUNREACH: "unreachable",
    errno.EADDRNOTAVAIL: "unreachable",
    errno.ECONNRESET: "reset",
    errno.EPIPE: "reset",
    errno.ECONNABORTED: "reset",
    errno.ETIMEDOUT: "timeout",
    errno.EMFILE: "local_error",
    errno.ENFILE: "local_error",
    errno.ENOBUFS: "local_error",
    errno.ENOMEM: "local_error",
    errno.EAFNOSUPPORT: "local_error",
    errno.EACCES: "local_error",
    errno.EPERM: "local_error",
}


def _os_failure(error: OSError, otherwise: str) -> str:
    return _ERRNO.get(error.errno or 0, otherwise)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The exception and its causes, outermost first; groups are walked into their first member."""
    seen = 0
    link: BaseException | None = error
    while link is not None and seen < 20:
        yield link
        seen += 1
        link = link.exceptions[0] if isinstance(link, BaseExceptionGroup) else link.__cause__ or link.__context__
