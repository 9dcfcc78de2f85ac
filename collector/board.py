"""The board: everything that is known right now, as plain values. The page, the terminal and the API show it.

It is made from detection's state by a pure function (`collector.detect.board`), never kept. Times are wall clock, ns
since the Unix epoch, UTC.
"""

from typing import Literal

import msgspec

from collector.events import CheckState, ComponentState, Evidence, FailoverChanged, Incident, Risk
from collector.failover.types import Cause, Mode, Override, Phase, ReadyLine, Standing
from parallax.reasons import Fault

ProbeState = Literal["healthy", "unhealthy", "silent", "unknown"]
"""`unknown`: in the plan, and never heard."""


class Latest(msgspec.Struct, frozen=True, kw_only=True):
    """The last that one probe said about one subject. `fresh` is False once it is too old to count."""

    probe: str
    at: int
    duration_ns: int
    reason: str | None
    fault: Fault | None
    abstain: str | None
    soft: bool
    fresh: bool
    site: str | None = None
    region: str | None = None


class SubjectBoard(msgspec.Struct, frozen=True, kw_only=True):
    """One (check, target, subject)."""

    target: str
    subject: str
    state: CheckState
    since: int
    evidence: Evidence
    incident: str | None
    latest: tuple[Latest, ...]
    """By probe id."""
    server: str = ""
    """For a name server: its name, its operator, its zone."""
    operator: str = ""
    zone: str = ""
    resolver: str = ""
    """For a resolver: its name."""


class CheckBoard(msgspec.Struct, frozen=True, kw_only=True):
    """One check of the plan; `state` is the worst of its subjects, and unknown for a flow that is kept from a step."""

    name: str
    kind: str
    period_s: float
    state: CheckState
    subjects: tuple[SubjectBoard, ...]
    """By target, then subject."""
    why: str = ""
    """At which step a flow is kept out, and by what."""


class ComponentBoard(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    state: ComponentState
    since: int
    why: str
    owner: str = ""
    runbook: str | None = None
    checks: tuple[str, ...] = ()
    risks: tuple[str, ...] = ()


class ProbeBoard(msgspec.Struct, frozen=True, kw_only=True):
    """A probe. Spans are seconds; None where nothing is known."""

    id: str
    state: ProbeState
    since: int
    why: str
    region: str = ""
    provider: str = ""
    asn: int | None = None
    location: tuple[float, float] | None = None
    """Latitude and longitude, degrees."""
    network: str = ""
    """data-centre or access."""
    heard_at: int | None = None
    lag_s: float | None = None
    """From the cut of its last batch to the batch's arrival."""
    clock_offset_s: float | None = None
    agent: str = ""
    plan: str = ""
    lacks: dict[str, str] = {}
    """What its host lacks, by word (ipv4, ipv6, direct_dns, dot): why."""
    not_run: dict[str, int] = {}
    """By word, runs of checks that need it, which it therefore did not begin since its start."""


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


class SiteBoard(msgspec.Struct, frozen=True, kw_only=True):
    """A site of an anycast address, and who reaches it. `rtt_ns` is the median over its probes."""

    name: str
    probes: tuple[str, ...]
    rtt_ns: int | None = None
    location: tuple[float, float] | None = None
    """Latitude and longitude, degrees; None where nobody said."""


class Caught(msgspec.Struct, frozen=True, kw_only=True):
    """One probe's site of an address."""

    probe: str
    site: str
    since: int
    rtt_ns: int | None = None
    changes: int = 0
    """In the last 24 h."""
    remote: bool = False
    """Far from the nearest known site, and slow for it."""
    flip_share: float | None = None
    """The share of the last ten minutes' answers that came from other sites, 0 to 1; None of fewer than eight."""
    further_km: float | None = None
    """How much further its site is than the nearest known one; None where the plan does not place both."""
    slower_ns: int | None = None
    """How much longer its round trip is than the nearest one's could be."""


class CatchmentBoard(msgspec.Struct, frozen=True, kw_only=True):
    """An address and the sites that answer for it. Anycast where the speed of light says so, or several sites do;
    `unicast_consistent` is not unicast."""

    address: str
    server: str
    operator: str
    family: int
    verdict: Literal["anycast", "unicast_consistent", "unknown"]
    why: str = ""
    sites: tuple[SiteBoard, ...] = ()
    caught: tuple[Caught, ...] = ()


class LeafBoard(msgspec.Struct, frozen=True, kw_only=True):
    """A certificate, and where it is shown now. `ends_at` is 0 where that could not be read."""

    sha256: str
    issuer: str
    ends_at: int
    addresses: tuple[str, ...]
    probes: tuple[str, ...]


class CertificateBoard(msgspec.Struct, frozen=True, kw_only=True):
    """The certificates of a name (with its port, where that is not 443): several are a renewal under way, or one a site
    or a kind of key. The one that ends last comes first."""

    name: str
    check: str
    leaves: tuple[LeafBoard, ...]


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
    components: tuple[str, ...] = ()
    incident: str | None = None


class Board(msgspec.Struct, frozen=True, kw_only=True):
    """Everything at one moment. `position` is the last record of `inputs` that it knows."""

    at: int
    position: int
    components: tuple[ComponentBoard, ...] = ()
    """In the plan's order, as are checks and probes."""
    checks: tuple[CheckBoard, ...] = ()
    probes: tuple[ProbeBoard, ...] = ()
    incidents: tuple[Incident, ...] = ()
    """Open ones, the newest first."""
    watched: tuple[Incident, ...] = ()
    """Over as far as probes see, and not resolved yet; the last to end first."""
    risks: tuple[Risk, ...] = ()
    fallbacks: tuple[FallbackBoard, ...] = ()
    chains: tuple[ChainBoard, ...] = ()
    moves: tuple[MoveBoard, ...] = ()
    """Under way, and those that ended of late, the newest first."""
    catchments: tuple[CatchmentBoard, ...] = ()
    certificates: tuple[CertificateBoard, ...] = ()
    groups: tuple[GroupBoard, ...] = ()
    """Failover groups, in the plan's order."""
