"""What a probe remembers of DNS between runs. All of it bounded, none of it on disk.

A probe has one for its life; a check that is run by hand has one for itself. What only one mechanism remembers (walks,
resolvers, a kind of check) is a class beside that mechanism, and found here by it: Memory.of.
"""

from collections import OrderedDict
from typing import Any, TypeVar

from probe.bounded import Bounded
from probe.dns.budget import Budget
from probe.dns.cookies import Cookies
from probe.dns.udp import UdpSockets

MOST_NAMES = 2000
MOST_TURNS = 10_000

Part = TypeVar("Part")


class Names:
    """The names that checks met: they belong to the inventories of their zones. At most MOST_NAMES."""

    def __init__(self) -> None:
        self._names: OrderedDict[str, None] = OrderedDict()

    def note(self, name: str) -> None:
        self._names[name] = None
        self._names.move_to_end(name)
        while len(self._names) > MOST_NAMES:
            self._names.popitem(last=False)

    def under(self, zone: str) -> list[str]:
        """The names met at or under a zone, in the order they were last met."""
        return [name for name in self._names if name == zone or name.endswith(f".{zone}")]


class Memory:
    """Owned by the probe; the checks of all targets share it, in one thread."""

    def __init__(self) -> None:
        self.cookies = Cookies()
        self.udp = UdpSockets()
        """Those that queries under way share; none else."""
        self.budget = Budget()
        """How hard operators may be asked."""
        self.names = Names()
        self._turns: Bounded[int] = Bounded(MOST_TURNS)
        self._parts: dict[type[Any], Any] = {}

    def of(self, part: type[Part]) -> Part:
        """What one mechanism remembers: the one object of its class, made when it is first asked for."""
        found: Part | None = self._parts.get(part)
        if found is None:
            found = self._parts[part] = part()
        return found

    def turn(self, key: str) -> int:
        """0, 1, 2... from call to call: for those who ask only some of many, each time others."""
        turn = (self._turns.stale(key) or 0) + 1
        self._turns.put(key, turn, float("inf"))
        return turn - 1
