"""What a check kind is on the probe: how it gathers evidence, and how it judges it.

`run` does the I/O of one attempt at one address and only writes on the tape; the caller owns the timeout and turns what
`run` raises into a failure on the tape. `judge` is pure: a threshold changes without touching I/O.
"""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from parallax.dialling.route import Routes
from parallax.dialling.tls import Trust
from parallax.reasons import REASONS, Fault
from parallax.values import Address
from probe.tape import Evidence, Tape


class Verdict(msgspec.Struct, frozen=True):
    """Why an attempt is not ok. `fault` None means the reason's usual side."""

    reason: str
    fault: Fault | None = None
    note: dict[str, Any] = {}
    """Findings that only the verdict can tell: what was expected, what was found. They join the observation's."""

    @property
    def side(self) -> Fault:
        return self.fault or REASONS[self.reason].fault


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """What one attempt goes to: the plan's target text, its host, and one address of it (literal, after lookup)."""

    target: str
    host: str
    address: Address


class Tools(msgspec.Struct, frozen=True, kw_only=True):
    """What a run may use of its probe: where dials go, whom TLS trusts, the addresses of the host's resolvers."""

    routes: Routes
    trust: Trust
    resolvers: tuple[Address, ...]


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """One check kind. `spec` types differ by kind, hence Any: the registry pairs each run and judge with its own."""

    run: Callable[[Any, Subject, Tape, Tools], Awaitable[None]]
    judge: Callable[[Any, Evidence], Verdict | None]
    prepare: Callable[[str, Tools], None] | None = None
    """Given the target, makes what all runs share and the first would else wait for; called before anything is
    measured, every time, so it is cheap the second time. May raise OSError, which the run then meets again."""
    load: Callable[[str], None] | None = None
    """Given the target, imports what is else imported once an attempt is over. A probe calls it when a plan comes into
    force: later it would stand in the phases of whatever else is measured then."""
