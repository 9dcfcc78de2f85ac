"""What routing remembers, as part of detection's snapshot: fields are only ever added, with a default. Times are ns
since the Unix epoch by the collector's clock."""

from typing import Literal

import msgspec

from collector.events import SuppressedBy, Told
from collector.peer_word import PeerAlert, PeerRole, PeerWord
from collector.routing.sinks import Sink
from parallax.plan.alert_types import Match

NEVER = (1 << 63) - 1
"""Later than any moment."""
MAX_ALERTS = 1000
"""Keys that are remembered; past it the oldest of those that ended go first, then the oldest."""
MAX_SILENCES = 200
MAX_SPAN_NS = 30 * 24 * 3600 * 1_000_000_000
"""How long a silence may last."""
MAX_EVENTS = 4
"""Events of a key that wait to be said together: the first and the newest."""


class Ear(msgspec.Struct, array_like=True):
    """What one receiver knows of one alert."""

    told: bool = False
    """It was told of the beginning, and is owed the end."""
    before: bool = False
    """It was told of the end within the last hour: what comes back is no news to be woken for."""
    at: int = 0
    """When it was last told something."""
    since: int = 0
    """Since when something waits to be said; 0: nothing does."""
    seen: int = 0
    """The number of the last event that it knows."""
    paged_at: int = 0
    """When it was last paged; 0: never."""
    again: bool = False
    """It was paged once more, as nobody acknowledged."""
    group: str = ""
    """The notification group by which it is told; empty where a route names it."""
    held: SuppressedBy | None = None
    why: str = ""
    """What keeps it from being told now."""


class Alert(msgspec.Struct):
    """What is said under one key, from its trigger to an hour after its resolve."""

    key: str
    stage: Literal["open", "over", "closed"] = "open"
    """over: the all-clear of an incident, which may still come back."""
    opened_at: int = 0
    since: int = 0
    """When it opened, or was last reopened."""
    closed_at: int = 0
    acknowledged: bool = False
    count: int = 0
    """Events so far."""
    events: list[Told] = []
    """The newest last; bounded."""
    ears: dict[str, Ear] = {}
    due: int = NEVER
    """When it must be looked at, whatever happens."""
    woke: tuple[str, ...] = ()
    """Words on the incident's failover by which people were woken again: once by each."""
    told_as: dict[str, tuple[str, ...]] = {}
    """With another collector beside this one: who was really told, by either of them, under which key."""
    told_at: int = 0
    """When that was first so."""
    known_as: str = ""
    """With another collector: the key under which this one tells of it, also when it comes back."""


class Owed(msgspec.Struct):
    """An alert that the other collector told, and that is not open here: somebody must say its end."""

    alert: PeerAlert
    since: int
    ended: Told | None = None
    """What ended it, where this collector knows it."""


class Charge(msgspec.Struct):
    """Which of two collectors pages. Alone, a collector is in charge."""

    role: PeerRole = ""
    peer: str = ""
    silent_ns: int = 0
    in_charge: bool = True
    since: int = 0
    led_at: int = 0
    """When this one was last in charge."""
    heard: bool = False
    """A word came in this life of the collector."""
    heard_at: int = 0
    """When the last one came from a collector that is alive, or since when one is waited for."""
    word: PeerWord | None = None
    """The last one, also of an earlier life."""
    merged_at: int = 0
    """The other's moment up to which it is known here what the other told."""
    owed: dict[str, Owed] = {}
    resolved: dict[str, int] = {}
    """Keys whose end was told, and when."""


class Trial(msgspec.Struct):
    """The weekly test of a receiver; ns since the Unix epoch, 0: not so."""

    due: int = 0
    sent_at: int = 0
    """Of the test under way."""
    delivered: bool = False
    hour: str = ""
    """By which `due` was found."""


class Silence(msgspec.Struct, frozen=True, kw_only=True):
    """What a person wants to hear nothing of, until then."""

    id: str
    match: Match = Match()
    keys: tuple[str, ...] = ()
    """Any of these incidents, risks or keys of alerts; all if empty."""
    author: str
    comment: str = ""
    since: int
    until: int


class Routing(msgspec.Struct):
    """Alerts that are open, what waits to be grouped, silences."""

    alerts: dict[str, Alert] = {}
    silences: dict[str, Silence] = {}
    silenced: int = 0
    """How many silences there were, for ids."""
    due: int = NEVER
    """Before this moment there is nothing to do without an event."""
    sinks: dict[str, Sink] = {}
    """Receivers that cannot be told, by name."""
    beat_due: int = 0
    """When the next heartbeat is due."""
    trials: dict[str, Trial] = {}
    """Weekly tests, by receiver."""
    charge: Charge = msgspec.field(default_factory=Charge)
    trials_due: int = 0
    """Before this moment no test has anything to do."""
