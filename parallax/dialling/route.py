"""Where a dial really goes: `connect_to` redirects it, and the guard refuses what a plan must not reach. Pure.

A plan comes from elsewhere; without the guard it could make a probe read its host's metadata service or walk its
private network. So non-public addresses are dialled only where the probe's own config allows the network. The guard
looks at the address that is really dialled, after `connect_to`.
"""

import ipaddress
from collections.abc import Iterable, Mapping
from typing import Self

import msgspec

from parallax.values import Address, Cidr, IPAddress, Network, Protocol, Redirect


class NotAllowed(Exception):
    """The address is not public, and the probe's config does not allow its network."""

    def __init__(self, address: Address) -> None:
        super().__init__(
            f'{address.ip} is not a public address; to dial it, add its network to "allow" in the probe\'s config'
        )
        self.address = address


class Routes(msgspec.Struct, frozen=True):
    """The redirects and the allowed networks of one probe."""

    redirects: Mapping[tuple[Address, Protocol], Address] = {}
    allow: tuple[Network, ...] = ()

    @classmethod
    def of(cls, connect_to: Iterable[tuple[Redirect, Address]] = (), allow: Iterable[Cidr] = ()) -> Self:
        redirects = {(source.address, protocol): to for source, to in connect_to for protocol in source.protocols}
        return cls(redirects, tuple(cidr.network for cidr in allow))

    def allowing(self, address: Address) -> Self:
        """These, with one more address that may be dialled."""
        return msgspec.structs.replace(self, allow=(*self.allow, Cidr(address.ip).network))

    def dial_address(self, address: Address, protocol: Protocol) -> Address:
        """The address to dial for one that is measured. Raises NotAllowed."""
        real = self.redirects.get((address, protocol), address)
        ip = real.parsed_ip
        if not _public(ip) and not any(ip in network for network in self.allow):
            raise NotAllowed(real)
        return real


_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_COMPATIBLE = ipaddress.IPv6Network("::/96")
_LOCAL_NAT64 = ipaddress.IPv6Network("64:ff9b:1::/48")
"""RFC 8215: where the IPv4 address stands in it is each network's own choice, and so is what it leads to."""


def _public(ip: IPAddress) -> bool:
    """Whether an address is globally reachable unicast; one that carries an IPv4 address is as public as that one."""
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo or (None, None))[1]
        if ip.is_site_local or ip in _LOCAL_NAT64:
            return False
        if ip in _NAT64 or ip in _COMPATIBLE:  # RFC 6052; RFC 4291 section 2.5.5.1
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None:
            return _public(inner)
    return ip.is_global and not ip.is_multicast


EVERYWHERE = (Cidr("0.0.0.0/0"), Cidr("::/0"))
"""The `allow` of a person who dials from their own machine by hand."""
