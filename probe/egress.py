"""Which address this host's packets leave from, by family, and whether there is any."""

import socket
from collections.abc import Iterable

from parallax.values import Address, Family


def egress_addresses(towards: Iterable[Address]) -> dict[str, str]:
    """Family ("4", "6") to the local address that the kernel takes towards the first address of that family that has a
    route. Connecting a UDP socket only looks the route up: no packet is sent."""
    egress: dict[str, str] = {}
    for address in towards:
        family = str(address.family)
        if family in egress:
            continue
        try:
            with socket.socket(socket.AF_INET6 if family == "6" else socket.AF_INET, socket.SOCK_DGRAM) as sock:
                sock.connect((address.ip, address.port))
                egress[family] = sock.getsockname()[0]
        except OSError:
            continue
    return egress


_SOMEWHERE: dict[Family, Address] = {4: Address("192.0.2.1:53"), 6: Address("[2001:db8::1]:53")}  # RFC 5737, RFC 3849


def routed_families() -> frozenset[Family]:
    """The families that this host has a route to the world for. Nothing is sent."""
    egress = egress_addresses(_SOMEWHERE.values())
    return frozenset(family for family in _SOMEWHERE if str(family) in egress)
