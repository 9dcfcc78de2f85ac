"""Where a check that is run against one member of a failover group directly dials. Pure.

The URL, SNI and Host stay the target's own, and so does the name that its certificate must be for: only the address is
the member's. What a run goes to besides, another host that a redirect or a page leads to, is looked up as usual.
"""

import msgspec

from parallax.plan.pinned import pinned_endpoints
from parallax.plan.types import Check
from parallax.values import Address


class Pin(msgspec.Struct, frozen=True):
    """The hosts of a target, and the member's address."""

    ports: dict[str, int]
    """By host: the port that the address stands for."""
    address: Address

    def of(self, host: str, port: int) -> Address | None:
        """What is dialled for this host and port; None where that is looked up. At another port of a host that is
        pinned, it is that port of the member's."""
        own = self.ports.get(host)
        if own is None:
            return None
        return self.address if port == own else Address.of(self.address.ip, port)


def pin_of(check: Check, target: str) -> Pin | None:
    """The pin of a check's run at a target; None where it goes where the name leads."""
    if check.pinned is None:
        return None
    return Pin({each.host: each.port for each in reversed(pinned_endpoints(check, target))}, check.pinned)
