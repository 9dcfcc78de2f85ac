"""What an action of a failover group is: how a command is carried out, and how it is found out that it could be."""

from typing import Literal, Protocol

import msgspec

from collector.events import FailoverChanged
from collector.inputs import ActionOutcome

Then = Literal["done", "again", "next", "stop"]
"""What a result means for the command. done: nothing is left to do. again: another try may succeed. next: not by this
action, perhaps by the one behind it. stop: by none, as somebody else has commanded since."""


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """A command as it stands in `events`."""

    id: str
    """The event's: the same over all tries and restarts."""
    at: int
    """When it was decided, ns since the Unix epoch."""
    data: FailoverChanged


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How a group stands: what a look is made from."""

    serving: str
    target: str
    """Whom a switch would lead to."""
    epoch: int
    """Of its last command; 0 before the first."""


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one try, or of one look."""

    outcome: ActionOutcome
    then: Then = "done"
    text: str = ""
    """One sentence for people: what was said, and the way out."""
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    wait_s: float = 0.0
    """How long the other side asks to be left alone."""
    sent: bool = True
    """Whether the other side may have it. Where nothing was sent, nothing can have been done."""


class Actor(Protocol):
    """One action of the plan. Never raises but for cancellation; the caller owns the timeouts."""

    async def prepare(self) -> str:
        """Gets ready; what a person must mend before anything can be carried out, or ""."""

    async def look(self, group: str, standing: Standing) -> Result:
        """Whether a switch could be carried out now; changes nothing. reachable or unreachable."""

    async def carry_out(self, command: Command) -> Result:
        """Tries once. Trying again what was done already does nothing more."""
