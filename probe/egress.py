"""Which address this host's packets leave from, by family."""

import socket
from collections.abc import Iterable

from parallax.values import Address


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
