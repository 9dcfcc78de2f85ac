"""What can stand in for what, and what may be done about it: [[failover]] and [[action]]."""

from typing import Annotated, Literal

import msgspec

from parallax.plan.texts import Name, Text
from parallax.values import Address, DnsName, Duration, Url


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """One of those that stand in for each other."""

    name: Name
    """What it is called in findings and alerts."""
    connect_to: Address | None = None
    """The address that it is reached at, whatever the DNS says; for regions and addresses."""
    operator: Text = ""
    """For dns-operator: the [[operator]] that it is; the one of the member's name if left out."""
    values: Annotated[list[Text], msgspec.Meta(max_length=50)] = []
    """What `told_by` shows while this member serves: its name for a region, the address of `connect_to` for an address,
    the operator for dns-operator, if left out."""


class StandbyFact(msgspec.Struct, frozen=True, kw_only=True):
    """Something that cannot be seen from outside, and that the owner's own systems push (`parallax failover fact`).
    Never pushed, it is "not checked" and blocks nothing; once pushed, it must stay fresh and hold."""

    name: Name
    """What is pushed: replication_lag_s, headroom, config_hash, min_instances, fenced, ..."""
    rule: Literal["S1", "S8", "S9"] = "S1"
    """Which safety rule it belongs to: S1 readiness, S8 room for the load, S9 data."""
    most: float | None = None
    """The largest number that is good."""
    least: float | None = None
    """The smallest number that is good."""
    same: bool = False
    """Good where it is the same as the serving member's (a version, a hash of the configuration)."""
    stale: Duration = Duration(120)
    """After so long without a new value it blocks."""


class Failover(msgspec.Struct, frozen=True, kw_only=True):
    """Endpoints or DNS operators that stand in for each other."""

    name: Name
    """What the group is called."""
    kind: Literal["region", "dns-operator", "address"]
    """What is switched over."""
    check: str
    """The check whose answers say who serves, and that is run against each member directly besides."""
    also: list[str] = []
    """Further checks that each member must pass when it is addressed directly: a whole sign-in, a TLS front door. For
    dns-operator: the dns.parity and dns.dnssec checks that must hold before anybody moves."""
    members: Annotated[list[Member], msgspec.Meta(min_length=2, max_length=8, description="at least two members")]
    """Those that stand in for each other."""
    primary: str
    """The member that should serve."""
    told_by: Literal["", "region", "address", "certificate", "nsid", "marker", "operator"] = ""
    """What tells who serves: the region that answers name (`serving` of the check), the address that the name has, the
    certificate's SHA-256, the name server's NSID, a marker record, the delegation. region, address and operator for the
    three kinds, if left out."""
    mode: Literal["observe", "recommend", "auto"] = "recommend"
    """Whether it only watches, tells people what to do, or acts."""
    several: bool = False
    """Whether several members may serve at once; if not, people are told where two do for longer than a switch
    takes."""
    ttl: Duration = Duration(60)
    """The TTL of the record that is switched, as configured. A longer one that is seen is a fault of readiness."""
    facts: Annotated[list[StandbyFact], msgspec.Meta(max_length=20)] = []
    """What must hold of a standby and cannot be seen from outside."""
    actions: Annotated[list[str], msgspec.Meta(max_length=5)] = []
    """The [[action]]s that carry a switch out, in the order in which they are tried."""
    hold: tuple[Duration, Duration] = (Duration(900), Duration(3600))
    """How long the primary must be well before it serves again: twice the longest gap between relapses, within
    these."""
    back: Literal["auto", "hours", "manual"] = "auto"
    """When traffic goes back: as soon as `hold` is over, in working hours only, or when a person says so."""
    hours: Text = "Mon-Fri 09:00-17:00 UTC"
    """The working hours for `back = "hours"`."""
    single_writer: bool = False
    """Whether the members share a writer: then a pushed fact `fenced` of the old one must be 1 before another
    serves."""
    drill: Duration | None = None
    """How often, in mode auto, traffic is moved to the standby and back to prove that it works (30d, say); never if
    left out."""
    components: list[str] = []
    """The components that it carries; those of `check` if left out."""


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """A record that an action writes. The key's grant on the name server should be these and nothing else."""

    name: DnsName
    """Its owner name, within the zone."""
    type: Literal["A", "AAAA", "CNAME"]
    """Its type."""
    ttl: Duration = Duration(60)
    """The TTL that it is given."""
    values: dict[str, list[Text]]
    """By member: what the record is while that member serves."""


class Action(msgspec.Struct, frozen=True, kw_only=True):
    """What a failover decision may do: tell the owner's own automation, or change records by dynamic update."""

    name: Name
    """What groups call it."""
    kind: Literal["command", "dns-update"]
    """command: a signed webhook to the owner's automation. dns-update: RFC 2136, signed by TSIG (RFC 8945)."""
    url: Url | None = None
    """For command: where it is sent. https://, or http:// to this host itself."""
    address: Address | None = None
    """For command: what to dial, so that it does not need the DNS that is watched; looked up if left out."""
    key: str = ""
    """secret:NAME. For command: what it is signed with (Standard Webhooks). For dns-update: the TSIG secret, Base64."""
    server: Address | None = None
    """For dns-update: the primary name server, address and port."""
    zone: DnsName | None = None
    """For dns-update: the zone that is updated."""
    key_name: DnsName | None = None
    """For dns-update: the TSIG key's name."""
    algorithm: Literal["hmac-sha256", "hmac-sha384", "hmac-sha512"] = "hmac-sha256"
    """For dns-update: the TSIG key's algorithm."""
    epoch: DnsName | None = None
    """For dns-update: the TXT record that holds the epoch and fences late controllers; `_epoch.` and the first record's
    name if left out."""
    records: Annotated[list[Record], msgspec.Meta(max_length=20)] = []
    """For dns-update: what is written."""
    not_after: Duration = Duration(60)
    """Nobody may carry a command out that is older than this."""
