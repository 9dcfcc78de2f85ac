"""What decisions are made of. Times are ns since the Unix epoch by the collector's clock, shares 0 to 1."""

from collections.abc import Mapping
from typing import Literal

import msgspec

from collector.events import FailoverWord, RuleOutcome, SafetyRule, Severity
from collector.inputs import ActionOutcome

Standing = Literal["up", "degraded", "down", "unknown"]
Cause = Literal["region", "app", "dns", "shared", "probe", "unknown"]
CAUSES: Mapping[Cause, str] = {
    "region": "in the member that serves",
    "app": "in the application of the member that serves",
    "dns": "in the DNS",
    "shared": "in something that all members share",
    "probe": "in the probes or their networks",
    "unknown": "not known",
}
"""What the trouble of the member that serves is rooted in, in words."""
"""What the trouble of the serving member is rooted in, as far as detection can tell. A switch of regions cures `region`
and `app`; one of DNS operators cures `dns`; `shared` is what all members have in common."""
Mode = Literal["observe", "recommend", "auto"]


Wanted = Literal["down", "degraded", "lesser", "back", "asked", "drill"]
"""Why a move is wanted. down, degraded: the serving member is, and another is well. lesser: none is well, and one is
much less bad. back: the primary was well for long enough. asked: a person asks. drill: to prove that it works."""


class MemberWord(msgspec.Struct, frozen=True, kw_only=True):
    """How a member stands by the checks that address it directly."""

    name: str
    standing: Standing
    since: int
    """Since when it stands so."""
    share: float = 0.0
    """The share of vantages at which it fails, each network weighing the same."""
    voters: int = 0
    failing: int = 0
    enrolled: int = 0
    """Probes that should have a word."""
    networks: int = 0
    """Networks that the voters are in."""
    may_switch: bool = False
    """It is down by enough vantages in enough networks for a failover to rest on it."""


class ReadyLine(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that a standby must have. `ok` None: not checked, which blocks nothing."""

    id: str
    """checks, sign-in, certificate, parity, dnssec, ttl, action, fact:NAME"""
    ok: bool | None
    why: str
    """One sentence on what was seen."""
    rule: SafetyRule = "S1"
    since: int = 0


class Readiness(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a member could be switched to: all lines hold, and have for ten minutes."""

    member: str
    ready: bool
    since: int
    """Since when it is ready, or is not."""
    lines: tuple[ReadyLine, ...] = ()

    @property
    def missing(self) -> tuple[ReadyLine, ...]:
        """Lines that do not hold."""
        return tuple(line for line in self.lines if line.ok is False)


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """A group as the plan has it. Spans in ns."""

    name: str
    kind: Literal["region", "dns-operator", "address"]
    members: tuple[str, ...]
    primary: str
    mode: Mode = "recommend"
    ttl_ns: int
    hold_ns: tuple[int, int]
    back: Literal["auto", "hours", "manual"] = "auto"
    hours: str = ""
    actions: tuple[str, ...] = ()
    not_after_ns: int
    single_writer: bool = False
    drill_ns: int | None = None
    components: tuple[str, ...] = ()


class Override(msgspec.Struct, frozen=True, kw_only=True):
    """A person's word that a rule counts as held, until it expires."""

    rule: SafetyRule
    actor: str
    why: str
    until: int


class Situation(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that a decision looks at, at one moment."""

    now: int
    members: Mapping[str, MemberWord]
    ready: Mapping[str, Readiness]
    """By member, of those that do not serve and of the primary."""
    serving: Mapping[str, float]
    """By member: the share of vantages that it serves now. Empty: nobody can tell."""
    cause: Cause = "unknown"
    incident: str | None = None
    blind: bool = False
    listens_since: int = 0
    """Since when the collector listens without a break: what lies before, while it was down or before its clock was
    set, nobody saw."""
    frozen: str = ""
    """Who froze the group and why; empty where nobody did."""
    maintenance: str = ""
    """The window with `freeze` that is open, by name."""
    overrides: tuple[Override, ...] = ()
    lease: bool = True
    """This collector holds the lease: it may command."""
    agreed: bool | None = None
    """Whether the other collectors see the same; None where there is none."""
    alone: bool = False
    """There is another collector, and nothing is heard of it."""
    vendor_open: bool = False
    """The vendor of the primary's region has an incident of its own open."""
    asked: str = ""
    """The member that a person asks to switch to now; a drill asks so too."""
    actor: str = ""
    """The person who asks."""
    drill: bool = False
    """What is asked is a drill to `asked`: there and back, as soon as everything holds."""
    outcomes: Mapping[str, ActionOutcome] = {}
    """By action, what came of the command of the epoch that the state has. Left out where nothing is known yet."""


Phase = Literal["primary", "to_failover", "failover", "to_primary", "hold_both_bad", "blind"]


class Saying(msgspec.Struct, kw_only=True):
    """Something that was said before: when it last was so, and when it was said, of late."""

    so_at: int
    times: list[int] = []


class GroupState(msgspec.Struct, kw_only=True):
    """What is remembered of a group between two looks, part of detection's snapshot: fields are only ever added, with a
    default. Frozen is no phase: it is a rule (S7) that keeps every phase from moving."""

    phase: Phase = "primary"
    since: int = 0
    serving: str = ""
    """The member that serves as far as is settled: seen by 80 % of vantages; empty until somebody could tell."""
    source: str = ""
    target: str = ""
    """While it moves."""
    epoch: int = 0
    decided_at: int = 0
    """When the move under way was recommended or commanded."""
    moves: list[int] = []
    """When it was commanded or recommended away from the primary, of late: for S5."""
    relapses: list[int] = []
    """When the primary went down, of late; with `well_since`, the gaps between."""
    longest_gap: int = 0
    """ns: the longest span of health after which the primary relapsed in this incident."""
    well_since: int = 0
    """Since when the primary is up without a break; 0 while it is not."""
    incident: str | None = None
    said: str = ""
    """What was last said of it, so that it is not said again: word, target and the rules that did not hold."""
    said_at: int = 0
    drilled_at: int = 0
    """When the last drill began, or the group was first seen."""
    primary: str = ""
    """Whose health is remembered."""
    away_since: int = 0
    """Since when another than the primary serves."""
    by_person: bool = False
    """It does because somebody wanted it so: the primary was well, or a person asked. Then nobody goes back unasked."""
    looked_at: int = 0
    """The last look: between two, time that nobody can tell of counts as neither health nor trouble."""
    commanded: bool = False
    """The move under way was commanded; otherwise it is recommended."""
    left: tuple[str, ...] = ()
    """Actions that the move under way was not tried by yet."""
    tried: tuple[str, ...] = ()
    """Those of the last command, in order."""
    gave_word: str = ""
    """What was said of the last command: not_effective or failed."""
    wanted: Wanted | None = None
    why: str = ""
    """Why the move under way was wanted."""
    worse_since: int = 0
    """Since when the serving member fails at so large a share that it should be left, though it is not down."""
    apart_since: int = 0
    """Since when another member is that much better that it is the lesser evil."""
    needless_since: int = 0
    """Since when what is recommended is no longer wanted."""
    both_bad: bool = False
    """No member is well."""
    both_bad_at: int = 0
    """When it last was so."""
    hindered: str = ""
    """The member that a switch was blocked to, as it was said outside of any incident: nothing else would end it."""
    hindered_until: int = 0
    """When that was last so."""
    pending: str = ""
    pending_since: int = 0
    pending_calm: bool = False
    """What is to be said, since when it is so, and whether it was not so for long enough before."""
    heard: dict[str, Saying] = {}
    asked: str = ""
    """What a person asked for and got, until it is no longer asked."""
    drill: Literal["", "out", "stay", "back"] = ""
    drill_started_at: int = 0
    drill_stay_at: int = 0
    """When the standby began to serve in it."""
    drill_out_ns: int = 0
    drill_back_ns: int = 0
    """How long the way there and the way back took, from the command to 80 % of the vantages."""


class Decided(msgspec.Struct, frozen=True, kw_only=True):
    """Something to say, or to do, of a group: what becomes a FailoverChanged."""

    word: FailoverWord
    direction: Literal["failover", "failback", ""] = ""
    source: str = ""
    target: str = ""
    title: str
    why: str = ""
    severity: Severity = "warning"
    epoch: int = 0
    not_after: int | None = None
    dry_run: bool = False
    rules: tuple[RuleOutcome, ...] = ()
    evidence: Mapping[str, str] = {}
    actor: str = ""
    actions: tuple[str, ...] = ()
    """Of a command: the actions that are tried, in order."""
