"""What a browser of a flow brings back, and how a step ends early."""

import msgspec

from parallax.dialling.http import Headers
from probe.fault import Fault
from probe.http.response import Answer
from probe.tape import Evidence, Tape

ENDED = "ended"
"""The key of the fault that ended a step in the tape's material."""
CLEANING = "cleaning"
"""The key that says that the step is a cleanup."""
NO_ADDRESS = "no_address"
"""The key that says that a lookup brought nothing."""
REMARKED = "remarked"
"""The key of the first fault that the step went on from."""


class Ended(Exception):
    """The step is over. What ended it is on the tape already; it never leaves the step."""


def end(tape: Tape, fault: Fault) -> Ended:
    """Writes the fault down; for `raise end(tape, fault)`."""
    tape.material.setdefault(ENDED, fault)
    return Ended()


def remark(tape: Tape, fault: Fault) -> None:
    """Writes down a soft fault, and the step goes on. The first counts."""
    tape.material.setdefault(REMARKED, fault)


def passed(evidence: Evidence) -> bool:
    """Whether the step did what it is for, so that the next may follow; it may still be degraded."""
    return evidence.failure is None and evidence.material.keys().isdisjoint((ENDED, NO_ADDRESS))


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """The last response of a request and its redirects. It must not leave the probe."""

    method: str
    url: str
    """Where it came from, after redirects."""
    status: int
    headers: Headers
    body: bytes = b""
    callback: str | None = None
    """The address that the browser was sent to and did not go to, as it is the flow's own (the redirect URI with what
    came with it). Then there is no page."""

    @property
    def answer(self) -> Answer:
        """As the checks of responses take it."""
        return Answer(status=self.status, headers=self.headers, body=self.body)

    def __repr__(self) -> str:
        return f"Reply({self.status}, {len(self.body)} octets)"
