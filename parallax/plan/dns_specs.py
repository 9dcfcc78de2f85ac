"""What the checks of DNS in depth may say in a plan. Their targets are names, not host:port: where a check goes is
found on the way, from the roots down (`[dns] roots`) or at the plan's resolvers."""

from typing import Annotated, Literal

import msgspec

from parallax.values import DnsName, Duration, Endpoint

AddressType = Literal["A", "AAAA", "HTTPS", "MX", "TXT"]
Names = Annotated[list[DnsName], msgspec.Meta(min_length=1, max_length=200, description="at least one name")]
Label = Annotated[
    str,
    msgspec.Meta(
        pattern=r"@|[a-z0-9_*-]{1,63}(\.[a-z0-9_*-]{1,63}){0,9}",
        description="a name below the zone, or @ for the zone itself: lower-case letters (an IDN in its xn-- form), "
        "digits, '-' and '_', at most 63 between two dots",
    ),
]
Labels = Annotated[list[Label], msgspec.Meta(max_length=50_000, description="at most 50000 names")]
"""More than one check may compare: parallax.plan.parity_rules says how many, and what to do."""
Selector = Annotated[
    str,
    msgspec.Meta(
        pattern=r"[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63}){0,5}",
        description="a DKIM selector: letters, digits, '-' and '_' (what stands before ._domainkey)",
    ),
]


class ZoneSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Every name server of a zone, found from the parent's delegation, and the delegation itself."""

    zone: DnsName
    """The zone to watch."""
    data: DnsName | None = None
    """A name of the zone that is asked for beside the SOA."""
    servers: Annotated[list[Endpoint], msgspec.Meta(max_length=32)] = []
    """Further servers that are watched though nothing delegates to them."""
    tcp_period: Duration = Duration(300)
    """How often each address is asked over TCP."""
    marker: DnsName | None = None
    """A TXT record whose value differs by operator: tells which one a resolver's answers come from."""
    chaos: bool = False
    """Whether a server whose answers have no NSID is asked id.server and hostname.bind: which site it is."""


class ResolveSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Names as resolvers give them, with each resolver's control name beside them."""

    names: Names
    """The names to resolve."""
    type: AddressType = "A"
    """The record type asked for."""
    resolvers: list[str] = []
    """The names of the [[resolver]] entries to ask; all if left out."""
    expect: Annotated[list[str], msgspec.Meta(max_length=100)] = []
    """The values that an answer may have; one that has others is rewritten. Any if left out."""
    private: bool = False
    """Whether an answer may be a private address."""


class ChainSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The chain of CNAMEs from a name to its addresses, hop by hop at the authoritative servers."""

    names: Names
    """Where chains begin."""
    type: AddressType = "A"
    """What is at their end."""
    expect: list[DnsName] = []
    """The names that a chain should lead through, in any order; each name of a chain must be one of them."""
    workaround: list[DnsName] = []
    """Names that a chain may lead to instead, while something is worked around."""
    max_hops: Annotated[int, msgspec.Meta(ge=1, le=16)] = 8
    """Longer chains fail."""


class ParitySpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whether the fallback operator serves what the primary serves."""

    zone: DnsName
    """The zone that both serve."""
    primary: str
    """The [[operator]] that serves it."""
    fallback: str
    """The [[operator]] that stands by."""
    servers: Annotated[list[Endpoint], msgspec.Meta(max_length=32)] = []
    """Where the fallback's servers are, where its [[operator]] has no addresses and nothing delegates to it."""
    purposes: dict[Literal["sign-in", "mail", "policy"], Labels] = {}
    """What names are for, below the zone ("@" is the zone itself): says how bad it is when one is missing."""
    names: Labels = []
    """Further names to compare."""
    selectors: list[Selector] = []
    """DKIM selectors."""
    differing: Labels = []
    """Names whose values differ by design."""


class MailSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The records that mail needs (SPF, DKIM, DMARC, MX), at the resolvers and at each operator."""

    domain: DnsName
    """The domain that mail is sent from."""
    selectors: Annotated[list[Selector], msgspec.Meta(max_length=32, description="at most 32 selectors")] = []
    """DKIM selectors that sign its mail."""
    return_path: DnsName | None = None
    """The domain that bounces go to."""
    receives: bool = True
    """Whether the domain takes mail, and so needs an MX."""
    operators: list[str] = []
    """The [[operator]] entries that are asked on their own; all that serve the zone if left out."""


class DnssecSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whether the zone's signatures hold, at each operator and through a validating resolver."""

    zone: DnsName
    """The zone to look at."""
    signed: bool | None = None
    """Whether it should be signed; as it is found if left out."""
    operators: list[str] = []
    """The [[operator]] entries whose servers are asked; all that serve the zone if left out."""
