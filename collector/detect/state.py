"""What detection remembers between two records, and its snapshot.

Everything is plain values, so that a snapshot is the state itself, and bounded. Times are ns since the Unix epoch by
the collector's clock. Keys of dicts keep the order in which they came: it decides ties, and a snapshot keeps it.
"""

from typing import Literal

import msgspec

from collector.detect.asking.inquiries import Inquiries
from collector.detect.dns.moves import Moves
from collector.detect.dns.zones import Zones
from collector.detect.published.certificates import Name
from collector.detect.published.providers import Published
from collector.detect.sites.catchments import Catchments
from collector.detect.switching.memory import Switching
from collector.events import Affected, CheckState, ComponentState, Extent, FaultDomain, Incident, Risk
from collector.routing.state import Routing
from parallax.reasons import Fault
from parallax.values import encode_value

VERSION = 3

MAX_KEYS = 20_000
"""Subjects in all; past it those go that nobody spoke of for longest."""
MAX_SUBJECTS = 200
"""Subjects of one (check, target): a probe looks at 16 addresses, and a name may have others elsewhere."""
MAX_OPEN = 1000
"""Open incidents; past it a fault joins the newest."""
MAX_RECENT = 100
"""Resolved incidents that a relapse can reopen."""
MAX_PLACES = 1000
"""Places by which a further subject joins an incident, and addresses whose region is known."""
MAX_MEMBERS = 200
"""Subjects that an incident lists."""
KEPT_PLANS = 4
"""Versions whose text waits for a word on what becomes of them."""


class Vote(msgspec.Struct, array_like=True):
    """The newest word of one probe on one subject. `at` is when it was measured."""

    at: int
    duration_ns: int = 0
    reason: str | None = None
    fault: Fault | None = None
    abstain: str | None = None
    soft: bool = False
    counts: bool = True
    """False: it abstains, or its trouble is its own."""
    streak: int = 0
    """Consecutive failures that count; below zero: passes."""
    failing_since: int = 0
    """The first of them."""
    site: str | None = None
    """The site that last answered this probe; a failure keeps the one before."""
    region: str | None = None
    until: int = 0
    """What it saw ends then: a cached answer, a certificate. 0: nothing ends."""
    warn_at: int = 0
    """From when on that end is a risk."""
    looking: bool = False
    """It was slow, and most of that time went by looking up the name."""
    aside: str | None = None
    """A reason word that is no failure of what is measured: an answer that a resolver held for longer than its time."""
    every_ns: int = 0
    """When the probe looks at it again, where that is later than the check's period says."""
    unreached: Literal["", "failed", "kept"] = ""
    """A step that the probe's runs no longer get to: an earlier one fails, or keeps them from it though what is
    measured may be well (refused, or wrongly set up)."""
    hard: float = 0.0
    """The chart that looks for an outage, nats (charts.py)."""
    partial: float = 0.0
    """The one that looks for a part that fails."""
    p0: float = 0.005
    """How many of its runs fail while all is well."""
    passed_at: int = 0
    """The newest run that passed, by its launch; so is `at`."""
    runs: float = 0.0
    """Of this trouble, of late; and how many of them failed."""
    fails: float = 0.0
    pending_at: int = 0
    """The launch of a run that waits for longer than passes take; 0 where none does."""
    usual: float = 0.0
    """How long it takes while all is well: the mean of ln(ns), learnt from so many runs."""
    learnt: int = 0
    lately: float = 0.0
    """The same over the last few runs."""
    slow_since: int = 0
    """Since when it takes a multiple of what is usual; 0 where it does not."""
    address: str = ""
    """For a step of a flow: the address that it went to, as its runs choose one of several."""
    certificate: str = ""
    """What it was shown, by the first 16 hex digits of its fingerprint."""
    slow: float = 0.0
    """The chart that looks for a small part that fails, and goes on to, nats (charts.py)."""
    failed_at: int = 0
    """The newest run that failed, by its launch, whatever came after it."""
    onset_at: int = 0
    """And the first of the failures in a row that it ended."""


class Key(msgspec.Struct):
    """One (check, target, subject), and what the probes say of it."""

    check: str
    target: str
    subject: str
    born_at: int
    lookup: bool = False
    """The name itself: it stands for the lookup that failed."""
    votes: dict[str, Vote] = {}
    state: CheckState = "unknown"
    since: int = 0
    held: CheckState = "up"
    """The last state that probes vouched for."""
    told: CheckState = "up"
    """What events last said; nothing said means up."""
    reason: str | None = None
    blocked: bool = False
    """Failures are refusals that nothing corroborates."""
    throttled: bool = False
    """Nearly everyone gets 429, access lines too."""
    single: bool = False
    spoke_at: int = 0
    failed_at: int = 0
    due: int = 0
    """When it is to be looked at again, whatever comes."""
    incident: str | None = None
    last_incident: str | None = None
    region: str | None = None
    names: tuple[str, ...] = ()
    """Names that good answers led through: aliases and their ends."""
    server: str = ""
    """The name server that is measured, as probes call it; so are the next three."""
    operator: str = ""
    zone: str = ""
    resolver: str = ""
    address: str = ""
    """The address behind a subject that has a name."""
    renamed: dict[str, tuple[str, ...]] = {}
    """Probes that last gave it other labels than these, and which."""
    apart: bool = False
    """It is at an operator, which users reach through resolvers only, and perhaps not yet: no component is hurt by what
    fails there alone, though it will be."""

    places: dict[str, int] = {}
    """For a step of a flow: its place among the steps of a run, by cadence."""
    blind: str = ""
    """The reason word of most, where no probe gets through and none of them can say whether it works: refused with
    nothing to corroborate it, or wrongly set up."""
    blind_since: int = 0
    extent: Extent | None = None
    """How much of it fails, while it does."""
    users: float | None = None
    """The same for the users who go there, by the weights of their probes; None where the plan does not say."""
    trouble_at: int = 0
    """The launch of the first run that failed since all was well; 0 while all is well (trouble.py)."""
    partly_at: int = 0
    """The launch of the run by which the partial charts were sure first."""
    share: float = 0.0
    """So much of it fails at least; while it is down, at the worst."""
    onset_at: int = 0
    """The launch of the run by which a slow chart rose last."""
    calm: float = 0.0
    """The mirror chart: how sure it is that what failed no longer does, nats."""
    may_switch: bool = False
    """It is down by enough vantages in enough networks for a failover to rest on it."""
    failing: int = 0
    voters: int = 0
    """How many failed when it was last looked at, of how many."""
    warns_at: int = 0
    """No word on it says that what it saw is a risk before this: so long the words need not be looked through."""

    @property
    def counts_as(self) -> CheckState:
        """Its state; one that was down and is not heard of since still counts as down."""
        return self.held if self.state == "unknown" else self.state


class Ends(msgspec.Struct):
    """All the subjects of one (check, target)."""

    born_at: int
    spoke_at: int = 0
    keys: list[str] = []
    lookup: str | None = None
    """The one that stands for the name."""
    whole: dict[str, int] = {}
    """For a flow: when a run of each cadence last got to its last step."""


class Case(msgspec.Struct):
    """An incident under way. `shown` is what the last event said."""

    shown: Incident
    bad: list[str] = []
    """Its subjects that are degraded or down now, or of which nothing is known since."""
    members: dict[str, Affected] = {}
    """All that were ever in it (bounded), as last seen."""
    places: dict[str, bool] = {}
    """Where its subjects are (the values say nothing: a set that keeps its order)."""
    kin: str = ""
    """What sort of trouble it began with, or came back as."""
    was: tuple[str, ...] = ()
    """The other sorts that it was before it came back."""
    domain: FaultDomain | None = None
    title: str = ""
    grown: bool = False
    """A subject joined, left, or fails in another way, since domain and title were drawn."""
    in_doubt: bool = False
    """They rest on subjects that may be failing too."""
    drawn_at: int = 0
    left_at: int = 0
    """When a subject last left it."""
    weighed_at: int = 0
    """When its evidence was last looked at."""
    peak: int = 0
    """The most subjects that were bad at once; its name and place then are what it is remembered by."""
    peak_title: str = ""
    peak_domain: FaultDomain | None = None
    dirty_at: int | None = None
    """Since when there is something to say that can wait a moment."""
    pending: Literal["", "opened", "reopened"] = ""
    """What is still to be said of its beginning."""
    left: str = ""
    """Why its last subject left it, where that was not because it passes."""
    deserted: bool = False
    """What it was about is out of use, and other subjects go on to fail: it is something else by now."""
    relapses: int = 0
    """How often it was reopened."""
    calm_at: int | None = None
    """Since when nothing of it is bad, where that does not end it at once."""
    located: bool = False
    """The machine is sure of its domain."""
    because: tuple[str, ...] = ()
    alternatives: tuple[FaultDomain, ...] = ()
    peak_because: tuple[str, ...] = ()
    peak_alternatives: tuple[FaultDomain, ...] = ()
    longest_calm_ns: int = 0
    """The longest span without trouble after which it relapsed."""
    thinned: bool = False
    """Subjects left it that `bad` still lists."""


class Spell(msgspec.Struct, array_like=True):
    """The results of a probe that came within one second."""

    at: int
    total: int = 0
    abstaining: dict[str, int] = {}
    """How many of them by the word they abstain with."""


class Member(msgspec.Struct):
    """A probe as its batches show it."""

    first_at: int
    heard_at: int
    state: str = "healthy"
    since: int = 0
    why: str = ""
    incident: str | None = None
    skewed: int = 0
    """Batches in a row; below zero: good ones since."""
    spells: list[Spell] = []
    """Its last results, the newest last."""
    streams: list[str] = []
    """The last two, the newest last."""
    cloned_at: int = 0
    lag_ns: int | None = None
    offset_ns: int | None = None
    agent: str = ""
    plan: str = ""
    turned_at: list[int] = []
    """When it fell into trouble of late, the newest last."""
    astray: str = ""
    """How its words contradict those of all others on most of what it measures: then they do not count."""
    rounds: int = 0
    """Looks in a row at which they did; below zero: did not."""
    lacks: dict[str, str] = {}
    """What its host lacks, by word: why."""
    not_run: dict[str, int] = {}
    """By word, runs that it therefore did not begin."""


class Line(msgspec.Struct):
    """A component as the status page has it."""

    state: ComponentState = "unknown"
    since: int = 0
    why: str = ""
    told: ComponentState = "operational"
    better: ComponentState | None = None
    """A better state that has to last first, and since when it does."""
    better_at: int = 0


class Said(msgspec.Struct, array_like=True):
    """What was last said of a risk: when, how far its runway was, when that was last looked at; and when the risk was
    last seen."""

    at: int
    step: int = 0
    looked_at: int = 0
    seen_at: int = 0


class State(msgspec.Struct, kw_only=True):
    """Handed over from step to step: whoever gives it to `step` uses the returned one from then on."""

    version: int = VERSION
    seed: str
    """64 random bits as 16 hex digits, made with the journal: keeps ids apart over reinstallations."""
    position: int = 0
    """The last record of `inputs` that was taken."""
    now: int = 0
    """The time that records tell, ns since the Unix epoch."""
    events: int = 0
    incidents: int = 0
    risks_raised: int = 0
    """How many there were, for ids."""
    started_at: int = 0
    """Since when the collector listens without a gap."""
    ticked_at: int = 0
    digest: str = ""
    plan: tuple[tuple[str, str], ...] = ()
    """The texts of the plan in force, by file name."""
    plans: dict[str, tuple[tuple[str, str], ...]] = {}
    """Texts by digest, of versions that may come into force."""
    keys: dict[str, Key] = {}
    ends: dict[str, Ends] = {}
    open: dict[str, Case] = {}
    recent: dict[str, Case] = {}
    regions: dict[str, str] = {}
    """By address: the region that it was last seen to serve from."""
    probes: dict[str, Member] = {}
    blind: str | None = None
    """The incident that too few probes can vote, or none is heard. While there is one, nothing new may be concluded of
    targets, and nothing be switched."""
    blind_since: int = 0
    """Since when too few can vote; 0: enough can."""
    had_quorum: bool = False
    """Whether enough could, under this plan: a fleet that never had a quorum is small, not blind."""
    compared_at: int = 0
    """When the probes' words were last laid beside each other's."""
    lines: dict[str, Line] = {}
    risks: dict[str, Risk] = {}
    risks_said: dict[str, Said] = {}
    wished: dict[str, int] = {}
    """Risks that must last a moment before they are raised, and since when they are seen."""
    risks_at: int = 0
    """When risks were last looked at."""
    zones: Zones = msgspec.field(default_factory=Zones)
    moves: Moves = msgspec.field(default_factory=Moves)
    catchments: Catchments = msgspec.field(default_factory=Catchments)
    certificates: dict[str, Name] = {}
    """By name and port."""
    published: dict[str, Published] = {}
    """What providers of sign-in publish: by what it is, and issuer."""
    switching: Switching = msgspec.field(default_factory=Switching)
    routing: Routing = msgspec.field(default_factory=Routing)
    inquiries: Inquiries = msgspec.field(default_factory=Inquiries)
    """What probes are asked to look at now."""


class StateError(ValueError):
    """The bytes are no snapshot of a version known here."""


def initial(seed: str) -> State:
    """Before the first record."""
    return State(seed=seed)


_encoder = msgspec.msgpack.Encoder(enc_hook=encode_value)
_decoder = msgspec.msgpack.Decoder(State)


def encode_state(state: State) -> bytes:
    """The snapshot."""
    return _encoder.encode(state)


def decode_state(raw: bytes) -> State:
    """A state from its snapshot. Raises StateError."""
    try:
        state = _decoder.decode(raw)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise StateError(f"the snapshot does not decode: {error}") from None
    if state.version != VERSION:
        raise StateError(f"the snapshot has version {state.version}; this program knows {VERSION}")
    return state
