"""Which prefixes a network translates IPv6 to IPv4 by: RFC 7050, from the answers for ipv4only.arpa. Pure."""

import ipaddress
from collections.abc import Iterable

NAME = "ipv4only.arpa"
_KNOWN = (ipaddress.IPv4Address("192.0.0.170"), ipaddress.IPv4Address("192.0.0.171"))
_PLACES: dict[int, tuple[int, ...]] = {
    96: (12, 13, 14, 15),
    64: (9, 10, 11, 12),
    56: (7, 9, 10, 11),
    48: (6, 7, 9, 10),
    40: (5, 6, 7, 9),
    32: (4, 5, 6, 7),
}
"""Prefix length to the octets that hold the IPv4 address (RFC 6052 section 2.2); octet 8 is never one of them."""


def prefixes_of(answers: Iterable[str]) -> tuple[str, ...]:
    """The prefixes that these AAAA answers show, without repeats, in their order. What is no address is passed over,
    and an address that has neither of the known ones in it."""
    found: dict[str, None] = {}
    for text in answers:
        try:
            address = ipaddress.IPv6Address(text)
        except ValueError:
            continue
        for length, places in _PLACES.items():
            if ipaddress.IPv4Address(bytes(address.packed[place] for place in places)) in _KNOWN:
                found[str(ipaddress.IPv6Network((address, length), strict=False))] = None
                break
    return tuple(found)
