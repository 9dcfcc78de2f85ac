"""What dns.zone remembers of a zone from run to run: its servers, in case the parent cannot be reached, and when each
thing that is not asked every time was asked last."""

from collections.abc import Container

import msgspec

from parallax.plan.dns_specs import ZoneSpec
from parallax.values import Address
from probe.bounded import Bounded
from probe.dns.client import Transport
from probe.dns.cuts import Delegation
from probe.dns.memory import Memory

DATA_PERIOD_S = 60.0
NS_PERIOD_S = 300.0
MOVE_S = 900.0
"""How long the zone's own servers are asked for its NS set at every run, once it or the delegation has changed."""
MOST_ONLY_CHILD = 16
"""Servers that only the zone names are looked for: each is a walk of its own, and each server may name others."""
SLACK_S = 2.0
"""Runs do not begin to the millisecond."""
LONGEST_FORMER_S = 2 * 86400.0
MOST_ZONES = 10_000


class ChildSays(msgspec.Struct, frozen=True, kw_only=True):
    """A zone's NS set as one of its servers has it; `failure` is a class or an outcome, with an empty set."""

    ns: tuple[str, ...] = ()
    ttl: int = 0
    failure: str | None = None


class Last(msgspec.Struct):
    """Owned by the one run of a check's zone that is under way. Times are trio's clock."""

    delegation: Delegation | None = None
    children: dict[Address, ChildSays] = {}
    glue_differs: dict[str, tuple[str, ...]] = {}
    """Server name to the addresses that the zone has for it, where the parent's glue has others."""
    former: tuple[Address, ...] = ()
    """Servers of the delegation before: resolvers ask them until its TTL is over."""
    former_until: float = 0.0
    moved_at: float = float("-inf")
    tcp_at: float = float("-inf")
    data_at: float = float("-inf")
    ns_at: float = float("-inf")
    failing: dict[str, set[Address]] = {}
    """By transport: the servers that did not serve the zone when they were last asked."""
    again: set[Address] = set()
    """Servers to be asked over TCP at the next run, whatever the period."""

    def met(self, found: Delegation, now: float) -> None:
        """The delegation as it is now."""
        before, self.delegation = self.delegation, found
        if before is None or before.ns == found.ns:
            return
        self.moved_at = now
        mine = set(found.cut.addresses)
        self.former = tuple(address for address in before.cut.addresses if address not in mine)
        self.former_until = now + min(float(before.ttl), LONGEST_FORMER_S)

    def heard(self, children: dict[Address, ChildSays], now: float) -> None:
        """The zone's own NS sets, of all servers that were asked."""
        known = {each.ns for each in self.children.values() if each.failure is None}
        new = {each.ns for each in children.values() if each.failure is None}
        if known and new - known:
            self.moved_at = now
        self.children, self.ns_at = children, now

    def only_child(self) -> list[str]:
        """The servers that only the zone itself names. Those of the delegation say so: an operator that a zone has left
        goes on naming its own servers for as long as it serves the zone, and would be watched for ever by its own
        word."""
        if self.delegation is None:
            return []
        delegated = {address for server in self.delegation.servers for address in server.addresses}
        named = {name for address, each in self.children.items() if address in delegated for name in each.ns}
        return sorted(named - set(self.delegation.ns))[:MOST_ONLY_CHILD]

    def asked(self, address: Address, transport: Transport, *, well: bool) -> None:
        """What came of asking a server. One that answers over UDP again is asked over TCP at the next run, if that
        failed too: else its last word there would be from the outage for as long as the TCP period."""
        failing = self.failing.setdefault(transport, set())
        if well and transport == "udp" and address in failing and address in self.failing.get("tcp", ()):
            self.again.add(address)
        (failing.discard if well else failing.add)(address)

    def forget(self, kept: Container[Address]) -> None:
        """Drops what is known of servers that are not asked any more."""
        for addresses in (self.again, *self.failing.values()):
            addresses.difference_update([address for address in addresses if address not in kept])

    def in_move(self, now: float) -> bool:
        return now - self.moved_at < MOVE_S

    def ns_due(self, now: float) -> bool:
        return self.in_move(now) or due(self.ns_at, NS_PERIOD_S, now)


def due(at: float, period_s: float, now: float) -> bool:
    """Whether what was done at `at` is to be done again."""
    return now - at >= period_s - SLACK_S


class Zones:
    """Part of a probe's memory."""

    def __init__(self) -> None:
        self.last: Bounded[Last] = Bounded(MOST_ZONES)
        """By spec: it stays while the check runs, and checks with equal specs share it."""


def last_of(spec: ZoneSpec, memory: Memory) -> Last:
    """What is remembered of this check's zone."""
    key, kept = repr(spec), memory.of(Zones).last
    last = kept.stale(key) or Last()
    kept.put(key, last, float("inf"))
    return last
