"""DNS as people see it: fallbacks, chains, and changes on their way.

Times are wall clock, ns since the Unix epoch, UTC.
"""

from typing import Literal

import msgspec


class Gap(msgspec.Struct, frozen=True, kw_only=True):
    """One record set in which the fallback is not as the primary."""

    name: str
    type: str
    what: str
    """Its class: missing_at_fallback, value_diff, ..."""
    severity: str
    purpose: str = ""
    primary: tuple[str, ...] = ()
    fallback: tuple[str, ...] = ()


class FallbackBoard(msgspec.Struct, frozen=True, kw_only=True):
    """Whether an operator that stands by could take over a zone. `ready` is None where nobody knows."""

    check: str
    zone: str
    primary: str
    fallback: str
    ready: bool | None
    because: str
    """What is missing, or why nobody knows; empty if it is ready."""
    since: int
    components: tuple[str, ...] = ()
    gaps: tuple[Gap, ...] = ()
    """The worst first; bounded."""
    compared: int = 0
    """Record sets that were compared."""
    why: str = ""
    """Since when and why they cannot be compared; empty while they can. What was known before stands."""
    serves: bool = False
    """The zone is delegated to it alone: it stands by no more."""
    lacks: str = ""
    """Once it serves: what it was found to lack, which is not known to be mended."""
    mended: bool = False
    """What it was found to lack is there by now, as far as all who look at those records see, though nobody can
    compare."""


class HopBoard(msgspec.Struct, frozen=True, kw_only=True):
    """One hop of a chain: the name, where it leads, and who serves it."""

    owner: str
    target: str
    type: str
    zone: str
    operator: str
    ttl: int | None = None
    state: str = "ok"


class ChainBoard(msgspec.Struct, frozen=True, kw_only=True):
    """Where a name leads, as most probes last saw it."""

    check: str
    name: str
    hops: tuple[HopBoard, ...]
    since: int
    """Since when it is like this."""
    flags: tuple[str, ...] = ()
    """shared_fate, flattened, workaround, unexpected, stale, disagree; service_dead: its DNS is well, and what answers
    at its addresses is down."""


MoveState = Literal["moving", "done", "stuck", "given_up"]


class MoveBoard(msgspec.Struct, frozen=True, kw_only=True):
    """A change of a delegation or a chain on its way through parent servers and resolvers. Shares are counts: those on
    the new set, of how many. Times are ns since the Unix epoch."""

    id: str
    kind: Literal["delegation", "chain"]
    name: str
    """The zone, or the name whose chain changed."""
    state: MoveState
    started_at: int
    by: str
    """What started it: the check that saw it, or who commanded it."""
    old: tuple[str, ...]
    new: tuple[str, ...]
    parents: tuple[int, int] = (0, 0)
    resolvers: tuple[int, int] = (0, 0)
    bound_at: int | None = None
    """When it should be through, from the TTLs seen."""
    t50_at: int | None = None
    t90_at: int | None = None
    t100_at: int | None = None
    """When half, 90 % and all of the sampled resolvers were on the new set."""
    ended_at: int | None = None
    words: tuple[str, ...] = ()
    """stuck, regressed, old_set_withdrawn_early, mixed."""
    points: tuple[tuple[int, int, int], ...] = ()
    """When, and per mille of parents and resolvers on the new set then; bounded, oldest first."""
