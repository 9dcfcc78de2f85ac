"""What each fault does to the world, as data: what is dark, slow, throttled. Pure.

The world is what the faults in force make of it together. So breaking and mending are idempotent, the order doesn't
matter, and mending one fault leaves alone what another one still holds down.
"""

from collections.abc import Iterable

import msgspec

from lab import addresses

FAULTY_SERVER = addresses.DNS_A["ns2.dns-a.example"]
FAULTY_SITE = "fra"
FAULTY_REGION = "us-east"
FAULTY_PROBE = "fra1"
SLOW_S = 1.5


class Effect(msgspec.Struct, frozen=True, kw_only=True):
    """What is not as it should be. A dark address or site gets packets and answers none."""

    dark_addresses: frozenset[str] = frozenset()
    dark_sites: frozenset[tuple[str, str]] = frozenset()
    """Address and site, of an anycast host."""
    dark_uplinks: frozenset[str] = frozenset()
    """Ids of probes."""
    withdrawn_sites: frozenset[tuple[str, str]] = frozenset()
    """Address and site that is announced no more: its clients reach the next nearest."""
    lame_servers: frozenset[str] = frozenset()
    """Name servers that refuse the vendor's zone."""
    emptied_servers: frozenset[str] = frozenset()
    """Name servers that lost the content of the vendor's zone."""
    moved: bool = False
    """The vendor's zone is delegated to the fallback operator."""
    repaired: bool = False
    """The fallback operator has the mail records."""
    slow_regions: frozenset[str] = frozenset()
    throttled: bool = False
    expired: bool = False
    walled: bool = False
    sign_in_broken: bool = False
    """The identity provider fails once a password is sent."""
    keys_lost: bool = False
    """It publishes other keys than it signs with."""
    captcha: bool = False
    """It wants a captcha solved."""

    def __or__(self, other: "Effect") -> "Effect":
        return Effect(**{name: getattr(self, name) | getattr(other, name) for name in self.__struct_fields__})


NOTHING = Effect()

EFFECTS: dict[str, Effect] = {
    "operator-dark": Effect(dark_addresses=frozenset({*addresses.DNS_A.values(), *addresses.DNS_A_V6.values()})),
    "name-server-dark": Effect(dark_addresses=frozenset({FAULTY_SERVER})),
    "name-server-lame": Effect(lame_servers=frozenset({FAULTY_SERVER})),
    "zone-emptied": Effect(emptied_servers=frozenset({*addresses.DNS_A.values(), *addresses.DNS_A_V6.values()})),
    "resolver-down": Effect(dark_addresses=frozenset({addresses.RESOLVERS["resolver-2"]})),
    "region-down": Effect(
        dark_addresses=frozenset({addresses.FRONT_ENDS_V4[FAULTY_REGION], addresses.FRONT_ENDS_V6[FAULTY_REGION]})
    ),
    "region-slow": Effect(slow_regions=frozenset({FAULTY_REGION})),
    "throttled": Effect(throttled=True),
    "certificate-expired": Effect(expired=True),
    "bot-wall": Effect(walled=True),
    "sign-in-broken": Effect(sign_in_broken=True),
    "keys-lost": Effect(keys_lost=True),
    "captcha": Effect(captcha=True),
    "database-slow": Effect(throttled=True, slow_regions=frozenset(addresses.FRONT_ENDS_V4)),
    "site-gone": Effect(dark_sites=frozenset({(addresses.ANYCAST, FAULTY_SITE)})),
    "site-withdrawn": Effect(withdrawn_sites=frozenset({(addresses.ANYCAST, FAULTY_SITE)})),
    "delegation-moved": Effect(moved=True),
    "fallback-completed": Effect(repaired=True),
    "uplink-dead": Effect(dark_uplinks=frozenset({FAULTY_PROBE})),
}
"""By the names of lab.faults, those that the world carries out."""


def combined(faults: Iterable[str]) -> Effect:
    """What some faults do together."""
    effect = NOTHING
    for fault in faults:
        effect |= EFFECTS[fault]
    return effect
