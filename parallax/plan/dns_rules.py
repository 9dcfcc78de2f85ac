"""What the keys of each kind of DNS check must keep among each other. Pure.

The checks may be drafts: what did not convert is BAD, and is passed over. dns.parity has a file of its own.
"""

from collections.abc import Iterator

from parallax.loading.convert import Fault, good
from parallax.loading.problems import shown
from parallax.plan.dns_specs import ChainSpec, DnssecSpec, MailSpec, ResolveSpec, ZoneSpec
from parallax.plan.repeats import repeat_faults
from parallax.plan.specs import Answer, DnsSpec
from parallax.values import Address, is_ip

LONGEST_NAME = 253
"""Characters of a name, without the dot at its end (RFC 1035 section 2.3.4)."""

_FAMILIES = {"A": 4, "AAAA": 6}


def dns_faults(spec: DnsSpec) -> Iterator[Fault]:
    expect = spec.expect
    if isinstance(expect, Answer) and expect.rcode == "NXDOMAIN" and expect.values:
        yield Fault(("expect", "values"), "a name that does not exist has no values; take one of the two out")


def zone_faults(spec: ZoneSpec) -> Iterator[Fault]:
    if not good(spec.zone):
        return
    if spec.zone == ".":
        yield Fault(("zone",), "is the root, which nothing delegates; write a zone below it")
    for key, name in (("data", spec.data), ("marker", spec.marker)):
        if good(name) and name is not None and name != spec.zone and not name.endswith(f".{spec.zone}"):
            yield Fault((key,), f"{shown(name)} is no name in the zone {spec.zone}; write one, like www.{spec.zone}")
    yield from repeat_faults(("servers",), spec.servers)


def resolve_faults(spec: ResolveSpec) -> Iterator[Fault]:
    yield from repeat_faults(("names",), spec.names)
    yield from repeat_faults(("resolvers",), spec.resolvers)
    family = _FAMILIES.get(spec.type) if good(spec.type) else None
    for place, value in enumerate(spec.expect if good(spec.expect) and family else ()):
        if not good(value):
            continue
        if not is_ip(value) or Address.of(value, 53).family != family:
            complaint = f"{shown(value)} is no IPv{family} address, and {spec.type} records have no other values"
            yield Fault(("expect", place), complaint)


def chain_faults(spec: ChainSpec) -> Iterator[Fault]:
    yield from repeat_faults(("names",), spec.names)


def mail_faults(spec: MailSpec) -> Iterator[Fault]:
    if good(spec.domain) and spec.domain == ".":
        yield Fault(("domain",), '"." is the root, which sends no mail')
    yield from repeat_faults(("selectors",), spec.selectors, like=lambda selector: str(selector).lower())
    for place, selector in enumerate(spec.selectors if good(spec.selectors, spec.domain) else ()):
        if good(selector) and len(f"{selector}._domainkey.{spec.domain}") > LONGEST_NAME:
            with_domain = f"with ._domainkey and the domain is longer than DNS allows ({LONGEST_NAME})"
            yield Fault(("selectors", place), f"{shown(selector[:40])} {with_domain}")
    yield from repeat_faults(("operators",), spec.operators)


def dnssec_faults(spec: DnssecSpec) -> Iterator[Fault]:
    if good(spec.zone) and spec.zone == ".":
        yield Fault(("zone",), '"." is the root, which has no parent to vouch for it')
    yield from repeat_faults(("operators",), spec.operators)
