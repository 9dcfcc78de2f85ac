"""What the lab's zones hold. The literal is the content; addresses come from lab.addresses."""

from functools import lru_cache

from lab import addresses
from lab.records import RRset
from lab.zone import Zone

VENDOR = "auth-vendor.example"
MARKER = f"_provider.{VENDOR}"
EDGE = f"edge.{VENDOR}"
"""Served by one region at a time: the name that failover switches."""
EDGE_REGIONS = tuple(addresses.FRONT_ENDS_V4)
FRONT_TTL, MAIL_TTL, NS_TTL, DELEGATION_TTL, EDGE_TTL = 60, 300, 300, 60, 10
"""Short, so that caches run out, and a delegation gets around, while one looks on."""
_NEGATIVE_TTL = 10
_SERIAL = 2026111501


def _soa(apex: str, server: str, epoch: int = 0) -> RRset:
    timers = f"{_SERIAL + epoch} 1800 300 604800 {_NEGATIVE_TTL}"
    return RRset(apex, "SOA", 300, (f"{server}. hostmaster.{apex}. {timers}",))


def _ns(apex: str, servers: dict[str, str], v6: dict[str, str] | None = None) -> list[RRset]:
    """The name servers of a zone, and their addresses."""
    return [
        RRset(apex, "NS", NS_TTL, tuple(servers)),
        *(RRset(name, "A", NS_TTL, (ip,)) for name, ip in servers.items()),
        *(RRset(name, "AAAA", NS_TTL, (ip,)) for name, ip in (v6 or {}).items()),
    ]


def _zone(apex: str, servers: dict[str, str], *rrsets: RRset, v6: dict[str, str] | None = None) -> Zone:
    return Zone(apex, [_soa(apex, next(iter(servers))), *_ns(apex, servers, v6), *rrsets])


def _edge(region: str) -> tuple[RRset, RRset]:
    return (
        RRset(EDGE, "A", EDGE_TTL, (addresses.FRONT_ENDS_V4[region],)),
        RRset(EDGE, "AAAA", EDGE_TTL, (addresses.FRONT_ENDS_V6[region],)),
    )


_SIGN_IN = (
    RRset(f"frontend-api.{VENDOR}", "A", FRONT_TTL, tuple(addresses.FRONT_ENDS_V4.values())),
    RRset(f"frontend-api.{VENDOR}", "AAAA", FRONT_TTL, tuple(addresses.FRONT_ENDS_V6.values())),
    RRset(f"sso.{VENDOR}", "A", FRONT_TTL, tuple(addresses.FRONT_ENDS_V4.values())),
    RRset(f"sso.{VENDOR}", "AAAA", FRONT_TTL, tuple(addresses.FRONT_ENDS_V6.values())),
    RRset(f"accounts.{VENDOR}", "A", FRONT_TTL, tuple(addresses.FRONT_ENDS_V4.values())),
    RRset(f"accounts.{VENDOR}", "AAAA", FRONT_TTL, tuple(addresses.FRONT_ENDS_V6.values())),
    *_edge(EDGE_REGIONS[0]),
)
_KEY = "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
_MAIL = (
    RRset(VENDOR, "MX", MAIL_TTL, (f"10 mail1.{VENDOR}.",)),
    RRset(VENDOR, "TXT", MAIL_TTL, (f'"v=spf1 ip4:{addresses.MAIL} -all"',)),
    RRset(f"_dmarc.{VENDOR}", "TXT", MAIL_TTL, ('"v=DMARC1; p=reject"',)),
    RRset(f"dkim1.{VENDOR}", "TXT", MAIL_TTL, (f'"{_KEY}"',)),
    RRset(f"dkim2.{VENDOR}", "TXT", MAIL_TTL, (f'"{_KEY}"',)),
    RRset(f"s1._domainkey.{VENDOR}", "TXT", MAIL_TTL, (f'"{_KEY}"',)),
    RRset(f"s2._domainkey.{VENDOR}", "TXT", MAIL_TTL, (f'"{_KEY}"',)),
    RRset(f"mail1.{VENDOR}", "TXT", MAIL_TTL, (f'"v=spf1 ip4:{addresses.MAIL} -all"',)),
    RRset(f"mail1.{VENDOR}", "A", MAIL_TTL, (addresses.MAIL,)),
    RRset(f"mail1.{VENDOR}", "MX", MAIL_TTL, (f"10 mail1.{VENDOR}.",)),
)
"""What sign-in mail needs. The fallback operator lacks it, as in the outage of 10 Feb 2026."""


def _alias(name: str, target: str) -> RRset:
    return RRset(f"{name}.acme.example", "CNAME", FRONT_TTL, (f"{target}.{VENDOR}",))


def _parent(vendor: dict[str, str]) -> Zone:
    """The zone above them all, with the vendor's delegation to these servers."""
    return _zone(
        "example",
        addresses.PARENT,
        *_ns("dns-a.example", addresses.DNS_A, addresses.DNS_A_V6),
        *_ns("dns-b.example", addresses.DNS_B, addresses.DNS_B_V6),
        *_ns("acme.example", addresses.CUSTOMER),
        RRset(VENDOR, "NS", DELEGATION_TTL, tuple(vendor)),
        RRset(addresses.PAGER_NAME, "A", 300, (addresses.PAGER,)),
        RRset(addresses.AUTOMATION_NAME, "A", 300, (addresses.AUTOMATION,)),
        RRset("www.control.example", "A", 300, (addresses.CONTROL[0],)),
    )


PARENT, PARENT_MOVED = _parent(addresses.DNS_A), _parent(addresses.DNS_B)
OPERATOR_A = _zone("dns-a.example", addresses.DNS_A, v6=addresses.DNS_A_V6)
OPERATOR_B = _zone("dns-b.example", addresses.DNS_B, v6=addresses.DNS_B_V6)


def _vendor(servers: dict[str, str], *rrsets: RRset) -> Zone:
    """The vendor's zone at an operator whose servers' names are in a zone of their own, and whose name a record has."""
    ns = RRset(VENDOR, "NS", DELEGATION_TTL, tuple(servers))
    operator = next(iter(servers)).split(".", 1)[1].removesuffix(".example")
    marker = RRset(MARKER, "TXT", 30, (f'"{operator}"',))
    return Zone(VENDOR, [_soa(VENDOR, next(iter(servers))), ns, marker, *rrsets])


VENDOR_AT_A = _vendor(addresses.DNS_A, *_SIGN_IN, *_MAIL)
VENDOR_AT_B = _vendor(addresses.DNS_B, *_SIGN_IN)
VENDOR_AT_B_WITH_MAIL = _vendor(addresses.DNS_B, *_SIGN_IN, *_MAIL)
EMPTIED = _vendor(addresses.DNS_A)
"""What a name server has that lost the zone's content: for all names it says that they do not exist."""


@lru_cache(maxsize=64)
def with_edge(zone: Zone, region: str, epoch: int) -> Zone:
    """A zone once the edge's name in it leads to a region; zones without that name stay as they are."""
    rrsets = {(rrset.name, rrset.type): rrset for rrset in zone.rrsets}
    if epoch == 0 or (EDGE, "A") not in rrsets:
        return zone
    server = zone.soa.data[0].split(". ", 1)[0]
    for rrset in (_soa(zone.apex, server, epoch), *_edge(region)):
        rrsets[rrset.name, rrset.type] = rrset
    return Zone(zone.apex, rrsets.values())


CUSTOMER = _zone(
    "acme.example",
    addresses.CUSTOMER,
    _alias("clerk", "frontend-api"),
    _alias("accounts", "accounts"),
    _alias("clk._domainkey", "dkim1"),
    _alias("clk2._domainkey", "dkim2"),
    _alias("clkmail", "mail1"),
)
"""The five aliases that a customer has on its own domain."""
