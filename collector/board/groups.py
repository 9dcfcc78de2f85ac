"""Failover groups as people see them.

Times are wall clock, ns since the Unix epoch, UTC.
"""

import msgspec

from collector.events import FailoverChanged
from collector.failover.types import Cause, Mode, Override, Phase, ReadyLine, Standing


class StandbyFactBoard(msgspec.Struct, frozen=True, kw_only=True):
    """A fact that was pushed of a member."""

    name: str
    value: str
    at: int
    actor: str = ""


class MemberBoard(msgspec.Struct, frozen=True, kw_only=True):
    """A member of a failover group: how it stands, what it serves, whether it could be switched to."""

    name: str
    standing: Standing
    since: int
    share: float = 0.0
    """The share of vantages at which it fails, each network weighing the same."""
    voters: int = 0
    failing: int = 0
    serves: float = 0.0
    """The share of vantages that it serves."""
    seen_by: tuple[str, ...] = ()
    """The probes that it serves, by name; of very many the first."""
    primary: bool = False
    ready: bool = False
    ready_since: int = 0
    """Since when it is ready, or is not."""
    lines: tuple[ReadyLine, ...] = ()
    facts: tuple[StandbyFactBoard, ...] = ()
    checks: tuple[str, ...] = ()
    """Those that are run against it directly."""


class SwitchBoard(msgspec.Struct, frozen=True, kw_only=True):
    """A switchover that was seen. `points`: when, and per mille of vantages at the new member then."""

    direction: str
    source: str
    target: str
    started_at: int
    duration_ns: int
    dwell_ns: int = 0
    """How long the member before had served."""
    hurt: int = 0
    """Runs that failed from its start to its end."""
    flaps: int = 0
    incident: str | None = None
    by: str = ""
    """command, recommendation; empty where it was not decided here."""
    points: tuple[tuple[int, int], ...] = ()


class FrozenBoard(msgspec.Struct, frozen=True, kw_only=True):
    """Who froze a group, why, since when and until when; `until` 0: no end."""

    actor: str
    why: str
    since: int
    until: int = 0


class SpokenBoard(msgspec.Struct, frozen=True, kw_only=True):
    """Something that was said of a group."""

    at: int
    said: FailoverChanged


class ActionBoard(msgspec.Struct, frozen=True, kw_only=True):
    """An action of a group: whether it could be carried out, and what came of the last command by it."""

    name: str
    reachable: bool | None = None
    """None: nobody has looked yet."""
    looked_at: int = 0
    why: str = ""
    """What the look came to."""
    epoch: int = 0
    """Of the last command by it; 0: there was none."""
    member: str = ""
    outcome: str = ""
    """applied, refused, failed, expired, dry_run; empty while nothing is known of that command."""
    at: int = 0
    text: str = ""
    """What the other side said."""
    effect: str = ""
    """What was seen of that command from outside: effective, not_effective, failed, withdrawn; empty while nothing."""


class BackBoard(msgspec.Struct, frozen=True, kw_only=True):
    """The way back to the primary, while another serves. Spans in ns."""

    primary: str
    well_since: int
    """Since when the primary is up without a break; 0 while it is not."""
    counted_ns: int
    """How long of that counts: where a person sent traffic away, only what came after."""
    needed_ns: int
    longest_gap_ns: int = 0
    """The longest span of health after which it relapsed in this trouble; 0 where none is known."""
    vendor_open: bool = False
    """Its vendor reports an incident: what is needed is doubled."""
    how: str = ""
    """Who decides: auto, hours, manual, as the plan says; person where a person sent traffic away."""
    hours: str = ""


class GroupBoard(msgspec.Struct, frozen=True, kw_only=True):
    """A failover group: who serves whom, since when, who could take over, and what is decided."""

    name: str
    kind: str
    mode: Mode
    phase: Phase
    since: int
    """Since when it is in this phase."""
    serving: str
    """The member that 80 % of vantages last were at; empty until that was so."""
    serving_since: int
    epoch: int
    members: tuple[MemberBoard, ...]
    """In the plan's order."""
    cause: Cause = "unknown"
    moving: tuple[tuple[int, int], ...] = ()
    """While vantages leave the member that serves: when, and per mille of them elsewhere then."""
    target: str = ""
    """While a move is recommended or commanded: where to."""
    now: SpokenBoard | None = None
    """What was last said of a decision (recommended, command, blocked, ...), with all its rules; None where nothing is
    to be done."""
    spoken: tuple[SpokenBoard, ...] = ()
    """The last things said, the newest first."""
    switches: tuple[SwitchBoard, ...] = ()
    """The last ones, the newest first."""
    frozen: FrozenBoard | None = None
    overrides: tuple[Override, ...] = ()
    actions: tuple[ActionBoard, ...] = ()
    """In the plan's order."""
    back: BackBoard | None = None
    """None while the primary serves, or nobody can tell who does."""
    components: tuple[str, ...] = ()
    incident: str | None = None
