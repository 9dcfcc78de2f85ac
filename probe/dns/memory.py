"""What a probe remembers of DNS between runs. All of it bounded, none of it on disk.

A probe has one for its life; a check that is run by hand has one for itself.
"""

from collections import OrderedDict
from typing import Any

import trio

from parallax.values import Address
from probe.dns.budget import Budget
from probe.dns.cookies import Cookies
from probe.dns.cuts import Cut, Host
from probe.dns.kept import Kept
from probe.dns.resolvers import Control, Trace
from probe.dns.udp import UdpSockets

MOST_NAMES = 2000
MOST_CUTS = 10_000
MOST_HOSTS = 10_000
MOST_ZONES = 10_000
MOST_SILENT = 2_000
MOST_RESOLVERS = 1_000
MOST_TRACES = 20_000


class Memory:
    """Owned by the probe; the checks of all targets share it, in one thread."""

    def __init__(self) -> None:
        self._names: OrderedDict[str, None] = OrderedDict()
        self.cookies = Cookies()
        self.udp = UdpSockets()
        """Those that queries under way share; none else."""
        self.cuts: Kept[Cut] = Kept(MOST_CUTS)
        """By zone: where walks may begin."""
        self.zone_of: Kept[str] = Kept(MOST_HOSTS)
        """By name: the zone it was found in."""
        self.hosts: Kept[Host] = Kept(MOST_HOSTS)
        """By host: the addresses that walks found."""
        self.zones: Kept[Any] = Kept(MOST_ZONES)
        """By check: what dns.zone saw of a zone last (probe.checks.zone_last)."""
        self.found_cuts: Kept[Cut] = Kept(MOST_ZONES)
        """By name: the zone it is in, for checks whose walk fails later (probe.dns.views)."""
        self.ds: Kept[tuple[str, ...]] = Kept(MOST_ZONES)
        """By zone: the DS set that its parent had when it last had one."""
        self.silent: Kept[bool] = Kept(MOST_SILENT)
        """By address: it did not answer a walk a moment ago, so others are asked before it."""
        self.controls: Kept[Control] = Kept(MOST_RESOLVERS)
        """By resolver: how its control name went last."""
        self.controls_under_way: dict[str, trio.Event] = {}
        """By resolver, while its control name is asked: set at the end, however that comes."""
        self.resolver_addresses: Kept[Address] = Kept(MOST_RESOLVERS)
        """By endpoint of a resolver that is given by a name: where it is."""
        self.traces: Kept[Trace] = Kept(MOST_TRACES)
        """By resolver and record: the TTLs seen."""
        self._turns: Kept[int] = Kept(MOST_ZONES)
        self.budget = Budget()
        """How hard operators may be asked."""

    def note_name(self, name: str) -> None:
        """A name that some check met: it belongs to the inventory of its zone."""
        self._names[name] = None
        self._names.move_to_end(name)
        while len(self._names) > MOST_NAMES:
            self._names.popitem(last=False)

    def names_under(self, zone: str) -> list[str]:
        """The names met at or under a zone, in the order they were last met."""
        return [name for name in self._names if name == zone or name.endswith(f".{zone}")]

    def turn(self, key: str) -> int:
        """0, 1, 2... from call to call: for those who ask only some of many, each time others."""
        turn = (self._turns.stale(key) or 0) + 1
        self._turns.put(key, turn, float("inf"))
        return turn - 1
