"""Something that will hurt users, and how long caches put it off."""

import msgspec

from collector.events.places import FaultDomain


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """One RRset that the failing operator hosts, as one sampled resolver holds it. `until` is when it runs out there;
    0 where that is not known."""

    resolver: str
    owner: str
    type: str
    until: int


class Runway(msgspec.Struct, frozen=True, kw_only=True):
    """How long caches carry names whose operator is dark. Sampled resolvers are those that checks ask, not users.

    Times are ns since the Unix epoch: `earliest_at` the first RRset to run out at a sampled resolver, `latest_at` when
    the last has run out everywhere, without serve-stale; None where no TTL was seen."""

    names: tuple[str, ...]
    """The names that are carried."""
    earliest_at: int | None
    latest_at: int | None
    sampled: int
    """Sampled resolvers."""
    expired: int
    """Those of them at which a name has run out already."""
    stale: int = 0
    """Those of them that give stale answers (RFC 8767)."""
    users: float | None = None
    """The share of users, 0 to 1, behind the expired ones; None where the plan gives the resolvers no weights."""
    held: tuple[Held, ...] = ()
    """The next to run out first; bounded."""


class Risk(msgspec.Struct, frozen=True, kw_only=True):
    """Something that will hurt users. `expected_at` is when at the earliest, None where nobody can say."""

    id: str
    title: str
    check: str
    components: tuple[str, ...]
    since: int
    expected_at: int | None = None
    why: str = ""
    domain: FaultDomain | None = None
    runway: Runway | None = None
    incident: str = ""
    """The incident that it is a risk of; empty where it is none of one."""
    failover: str = ""
    """The failover group whose standby it is about, of which readiness.lost tells people; empty where it is none."""
