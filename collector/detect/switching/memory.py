"""What is known of failover groups, part of detection's snapshot: fields are only ever added, with a default.

Times are ns since the Unix epoch by the collector's clock.
"""

import msgspec

from collector.events import FailoverChanged, FailoverWord, Severity
from collector.failover.types import Cause, GroupState, Override, ReadyLine

MAX_SEEN = 2000
"""Vantages of one group."""
MAX_SWITCHES = 20
MAX_FACTS = 50
"""Facts of one member."""
MAX_ACTIONS = 20
MAX_NEWS = 20
MAX_SAID = 20
MAX_OVERRIDES = 20
MAX_LEFT = 200
BUCKET_NS = 5_000_000_000
MAX_BUCKETS = 240


class Sight(msgspec.Struct, array_like=True):
    """What the newest run of one vantage showed."""

    at: int
    run: str
    members: tuple[str, ...] = ()
    """Who served it, when last a run told; several where the name leads to several."""
    told_at: int = 0
    since: int = 0
    """Since when its runs show these."""
    failed: str = ""
    """The run that was last counted as failed."""
    of: str = ""
    showing: tuple[str, ...] = ()
    """The last run that told, and what it showed so far."""


class Switch(msgspec.Struct, frozen=True, kw_only=True):
    """A switchover that was seen. `points`: when, and per mille of vantages at the new member then."""

    direction: str
    source: str
    target: str
    started_at: int
    at: int
    """When 80 % of vantages were at the new member."""
    dwell_ns: int = 0
    hurt: int = 0
    flaps: int = 0
    incident: str | None = None
    by: str = ""
    """Who decided it: empty where it was somebody else than this program."""
    points: tuple[tuple[int, int], ...] = ()


class Pushed(msgspec.Struct, array_like=True):
    """A fact that was pushed."""

    value: str
    at: int
    actor: str = ""


class Reached(msgspec.Struct, array_like=True):
    """What a look at an action came to."""

    ok: bool
    at: int
    text: str = ""


class Result(msgspec.Struct, array_like=True):
    """What came of the last command by an action."""

    epoch: int
    outcome: str
    at: int
    member: str = ""
    text: str = ""


class Ready(msgspec.Struct):
    """How ready a member is."""

    lines: tuple[ReadyLine, ...] = ()
    well_ns: int = 0
    """How long all lines hold by now, blind time left out."""
    looked_at: int = 0
    ready: bool = False
    since: int = 0
    told: bool | None = None
    """What was last said; None: nothing yet."""
    other_since: int = 0
    """Since when it is otherwise than was said; 0: it is not."""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A person's order to switch."""

    member: str
    actor: str
    at: int
    why: str = ""
    drill: bool = False


class Spoken(msgspec.Struct, frozen=True, kw_only=True):
    """Something that was said of the group."""

    at: int
    said: FailoverChanged


class News(msgspec.Struct, frozen=True, kw_only=True):
    """Something to be said at the next look: what a person ordered, or what came of an action."""

    word: FailoverWord
    title: str
    why: str = ""
    actor: str = ""
    severity: Severity = "info"


class Frozen(msgspec.Struct, frozen=True, kw_only=True):
    """No switch until a person thaws it, or until then; `until` 0: no end."""

    actor: str
    why: str
    since: int
    until: int = 0


class GroupMemory(msgspec.Struct):
    """One failover group."""

    decision: GroupState = msgspec.field(default_factory=GroupState)
    seen: dict[str, Sight] = {}
    """By probe."""
    born_at: int = 0
    """When the first vantage spoke."""
    fails: list[tuple[int, int]] = []
    """Failed runs of late: by the start of five seconds, how many."""
    settled: str = ""
    """The member that 80 % of vantages last were at; empty until that was ever so."""
    settled_at: int = 0
    both_since: int = 0
    both_said: bool = False
    both_open: bool = False
    """That two serve was said, and not yet that it is over."""
    incident: str | None = None
    """The one that it was last in."""
    flaps: int = 0
    switches: list[Switch] = []
    """The newest last."""
    ready: dict[str, Ready] = {}
    """By member."""
    long_ttl: tuple[int, int, str] = (0, 0, "")
    """The last TTL seen that is longer than configured, when, and at which resolver."""
    ttl_at: int = 0
    """When TTLs were last looked at; `ttl_seen` whether any was ever seen."""
    ttl_seen: bool = False
    facts: dict[str, dict[str, Pushed]] = {}
    """By member, by name."""
    reached: dict[str, Reached] = {}
    """By action."""
    outcomes: dict[str, tuple[int, str]] = {}
    """By action: the last command's epoch, and what came of it."""
    results: dict[str, Result] = {}
    """The same, as people see it."""
    frozen: Frozen | None = None
    overrides: list[Override] = []
    asked: Asked | None = None
    news: list[News] = []
    looked_at: int = 0
    cause: Cause = "unknown"
    awaits_since: int = 0
    """Since when the serving member is in trouble without an incident; 0: it is not."""
    words: tuple[Spoken, ...] = ()
    """What was last said of it, the newest last: for the board."""


class Switching(msgspec.Struct):
    """All of them, by name."""

    groups: dict[str, GroupMemory] = {}
    left: dict[str, int] = {}
    """By name, of groups that the plan no longer has: the epoch of the last command. Who is back goes on from it, as
    the other side refuses what is lower."""
