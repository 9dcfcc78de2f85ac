"""What the lab's zones hold. The literal is the content; addresses come from lab.addresses."""

from lab import addresses
from lab.records import RRset
from lab.zone import Zone

VENDOR = "auth-vendor.example"
FRONT_TTL, MAIL_TTL, NS_TTL = 60, 300, 300
"""Short, so that caches run out while one looks on."""
_NEGATIVE_TTL = 10


def _soa(apex: str, server: str) -> RRset:
    timers = f"2026111501 1800 300 604800 {_NEGATIVE_TTL}"
    return RRset(apex, "SOA", 300, (f"{server}. hostmaster.{apex}. {timers}",))


def _ns(apex: str, servers: dict[str, str]) -> list[RRset]:
    """The name servers of a zone, and their addresses."""
    return [
        RRset(apex, "NS", NS_TTL, tuple(servers)),
        *(RRset(name, "A", NS_TTL, (ip,)) for name, ip in servers.items()),
    ]


def _zone(apex: str, servers: dict[str, str], *rrsets: RRset) -> Zone:
    return Zone(apex, [_soa(apex, next(iter(servers))), *_ns(apex, servers), *rrsets])


_SIGN_IN = (
    RRset(f"frontend-api.{VENDOR}", "A", FRONT_TTL, tuple(addresses.FRONT_ENDS_V4.values())),
    RRset(f"frontend-api.{VENDOR}", "AAAA", FRONT_TTL, tuple(addresses.FRONT_ENDS_V6.values())),
    RRset(f"accounts.{VENDOR}", "A", FRONT_TTL, tuple(addresses.FRONT_ENDS_V4.values())),
    RRset(f"accounts.{VENDOR}", "AAAA", FRONT_TTL, tuple(addresses.FRONT_ENDS_V6.values())),
)
_KEY = "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
_MAIL = (
    RRset(VENDOR, "MX", MAIL_TTL, (f"10 mail1.{VENDOR}.",)),
    RRset(VENDOR, "TXT", MAIL_TTL, (f'"v=spf1 ip4:{addresses.MAIL} -all"',)),
    RRset(f"_dmarc.{VENDOR}", "TXT", MAIL_TTL, ('"v=DMARC1; p=reject"',)),
    RRset(f"dkim1.{VENDOR}", "TXT", MAIL_TTL, (f'"{_KEY}"',)),
    RRset(f"dkim2.{VENDOR}", "TXT", MAIL_TTL, (f'"{_KEY}"',)),
    RRset(f"mail1.{VENDOR}", "A", MAIL_TTL, (addresses.MAIL,)),
    RRset(f"mail1.{VENDOR}", "MX", MAIL_TTL, (f"10 mail1.{VENDOR}.",)),
)
"""What sign-in mail needs. The fallback operator lacks it, as in the outage of 10 Feb 2026."""


def _alias(name: str, target: str) -> RRset:
    return RRset(f"{name}.acme.example", "CNAME", FRONT_TTL, (f"{target}.{VENDOR}",))


PARENT = _zone(
    "example",
    addresses.PARENT,
    *_ns("dns-a.example", addresses.DNS_A),
    *_ns("dns-b.example", addresses.DNS_B),
    *_ns("acme.example", addresses.CUSTOMER),
    RRset(VENDOR, "NS", NS_TTL, tuple(addresses.DNS_A)),
    RRset("pager.lab.example", "A", 300, (addresses.PAGER,)),
    RRset("www.control.example", "A", 300, (addresses.CONTROL[0],)),
)
OPERATOR_A = _zone("dns-a.example", addresses.DNS_A)
OPERATOR_B = _zone("dns-b.example", addresses.DNS_B)


def _vendor(servers: dict[str, str], *rrsets: RRset) -> Zone:
    """The vendor's zone at an operator whose servers' names are in a zone of their own."""
    ns = RRset(VENDOR, "NS", NS_TTL, tuple(servers))
    return Zone(VENDOR, [_soa(VENDOR, next(iter(servers))), ns, *rrsets])


VENDOR_AT_A = _vendor(addresses.DNS_A, *_SIGN_IN, *_MAIL)
VENDOR_AT_B = _vendor(addresses.DNS_B, *_SIGN_IN)
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
