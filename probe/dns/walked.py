"""What walks from the roots have found, so that the next one need not begin there."""

from probe.bounded import Bounded
from probe.dns.cuts import Cut, Host

MOST_CUTS = 4_000
MOST_HOSTS = 10_000
MOST_SILENT = 2_000


class Walked:
    """Part of a probe's memory. Times are trio's clock."""

    def __init__(self) -> None:
        self.cuts: Bounded[Cut] = Bounded(MOST_CUTS)
        """By zone: where walks may begin."""
        self.zone_of: Bounded[str] = Bounded(MOST_HOSTS)
        """By name: the zone it was found in."""
        self.hosts: Bounded[Host] = Bounded(MOST_HOSTS)
        """By host: the addresses that walks found."""
        self.silent: Bounded[bool] = Bounded(MOST_SILENT)
        """By address: it did not answer a walk a moment ago, so others are asked before it."""
        self.last_cuts: Bounded[Cut] = Bounded(MOST_CUTS)
        """By name: the zone it was in, for checks whose walk fails later (probe.dns.views)."""
