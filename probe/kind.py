"""What a check kind is on the probe: how it gathers evidence, and how it judges it.

`run` does the I/O of one attempt at one address and only writes on the tape; the caller owns the timeout and turns what
`run` raises into a failure on the tape. `judge` is pure: a threshold changes without touching I/O.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from parallax.values import Address
from probe.tape import Evidence, Tape
from probe.tools import Tools
from probe.verdict import Verdict

if TYPE_CHECKING:
    from probe.steps import Steps


NOWHERE = Address("")


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """What one attempt goes to. Of a target that is host:port, each address of the host is one; of another, the kind's
    `find` says."""

    target: str
    """As the plan has it."""
    host: str
    """The target's host, or the name of the server or resolver."""
    address: Address = NOWHERE
    """Literal, after lookup; empty where an attempt asks several."""
    name: str = ""
    """What the observation calls it; the address if left out."""
    dims: dict[str, str] = {}
    """Labels of the observation, known before the attempt."""
    task: Any = None
    """What the kind's `find` tells its `run`."""
    after: Tape | None = None
    """The tape that the attempt goes on from: same start, its phases and findings first."""
    apart: bool = False
    """It must not use what an attempt before has left: a control attempt dials anew."""


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """One check kind. `spec` types differ by kind, hence Any: the registry pairs each run and judge with its own."""

    run: Callable[[Any, Subject, Tape, Tools], Awaitable[None]] | None = None
    """None for a kind with `play`."""
    judge: Callable[[Any, Evidence], Verdict | None]
    find: Callable[[Any, str, Tape, Tools], Awaitable[list[Subject]]] | None = None
    """Given the spec and the target, finds what to measure; it has half of the check's time. None: the addresses of the
    target's host. Where it finds nothing or fails, `judge` gets the tape that it wrote on."""
    judge_together: Callable[[Any, Sequence[Evidence]], list[Verdict | None]] | None = None
    """Judges all attempts of a run at once, in the order of `find`, where one bears on another."""
    play: "Callable[[Any, Steps], Awaitable[None]] | None" = None
    """Given the spec, takes the steps of a run one after another, each deciding on the next. It has the run's time;
    what it must clean up it does in a shielded scope with a deadline of its own."""
    repeats: Callable[[Any], bool] | None = None
    """Given the spec, whether a failed attempt may be repeated at once, as a control: it changes nothing at the target.
    None: never."""
    prepare: Callable[[str, Tools], None] | None = None
    """Given the target, makes what all runs share and the first would else wait for; called before anything is
    measured, every time, so it is cheap the second time. May raise OSError, which the run then meets again."""
    load: Callable[[str], None] | None = None
    """Given the target, imports what is else imported once an attempt is over. A probe calls it when a plan comes into
    force: later it would stand in the phases of whatever else is measured then."""
