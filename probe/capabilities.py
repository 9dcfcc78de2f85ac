"""What a probe's host may lack, and which checks need it. Pure.

A check that needs what is lacking would measure the host, and say that a target is down. So it is not run there, and
that is counted and shown. Only what lasts is a lack: what comes and goes is the uplink's trouble (probe.health).
"""

import ipaddress
from collections.abc import Collection, Iterable, Mapping

from parallax.plan.dns_specs import ResolveSpec
from parallax.plan.kinds import SPECS
from parallax.plan.specs import Spec
from parallax.plan.types import Check, Resolver
from parallax.values import Address, Family
from probe.doctor.facts import Dialled, Exchanged, OfFamily

CAPABILITIES: dict[str, str] = {
    "ipv4": "a route to the world over IPv4",
    "ipv6": "a route to the world over IPv6",
    "direct_dns": "that a query to port 53 gets where it is sent, and nobody else answers",
    "dot": "that port 853 is open towards the world",
}
"""The words, and what each means. What lacks is one of these."""
OF_FAMILY: dict[Family, str] = {4: "ipv4", 6: "ipv6"}
_DIRECT = frozenset({"dns.zone", "dns.chain", "dns.parity", "dns.mail", "dns.dnssec"})
"""Kinds that ask name servers themselves."""
_LEAST_DOT = 2
"""Of one silent resolver nobody can say whether it or the way to it is at fault."""


def needs_of(check: Check, target: str, resolvers: Iterable[Resolver]) -> frozenset[str]:
    """What a run of the check needs of its host, as far as that is known before: the words of CAPABILITIES."""
    if check.kind in _DIRECT:
        return frozenset({"direct_dns"})
    if isinstance(check.spec, ResolveSpec):
        return _needs_of_resolvers(check.spec, resolvers)
    address = check.pinned or _literal(check, target)
    if address is None or not ipaddress.ip_address(address.ip).is_global:
        return frozenset()
    needs = {OF_FAMILY[address.family]}
    return frozenset(needs | {"direct_dns"} if check.kind == "dns" else needs)


def need_of(resolver: Resolver) -> str | None:
    """What asking one of the plan's resolvers needs."""
    address = resolver.address.address
    if address is not None and not ipaddress.ip_address(address.ip).is_global:
        return None  # in the owner's own network
    if resolver.transport == "dot":
        return "dot" if resolver.address.port == 853 else None
    return "direct_dns" if resolver.transport in ("udp", "tcp") and resolver.address.port == 53 else None


def family_lacks(
    local: Mapping[Family, str], redirected: Collection[Family], wanted: Collection[Family]
) -> dict[str, str]:
    """The families without a route, where the other has one: without any the network is down, and that passes. One that
    the plan does not expect is no lack, nor one that leads elsewhere by `connect_to` or `allow`: the owner knows where.
    """
    if not any(local.values()):
        return {}
    return {
        word: f"this host has no route to the world over IPv{family}"
        for family, word in OF_FAMILY.items()
        if not local.get(family) and family in wanted and family not in redirected
    }


def direct_lacks(nowhere: Iterable[Exchanged]) -> dict[str, str]:
    """Whether somebody answers in others' name."""
    answered = sorted({f"{each.transport} over IPv{each.family}" for each in nowhere if each.outcome == "ok"})
    if not answered:
        return {}
    return {"direct_dns": f"port 53 is intercepted: an address at which nobody is answers ({', '.join(answered)})"}


def dot_lacks(dialled: Iterable[Dialled]) -> dict[str, str]:
    """Whether port 853 is closed towards the world: several are silent there, and answer elsewhere."""
    asked = [each for each in dialled if each.port == 853 and each.answered is not None]
    filtered = [each for each in asked if not each.answered and each.elsewhere]
    if len({each.address for each in filtered}) < _LEAST_DOT or any(each.answered for each in asked):
        return {}
    return {
        "dot": f"port 853 is closed on the way out: {len(filtered)} resolvers are silent there and answer elsewhere"
    }


def lacks_of(families: Mapping[Family, OfFamily], dialled: Iterable[Dialled]) -> dict[str, str]:
    """What an interception and closed ports take; families are asked for apart, as that costs nothing."""
    return {**direct_lacks(each for family in families.values() for each in family.nowhere), **dot_lacks(dialled)}


def _needs_of_resolvers(spec: Spec, resolvers: Iterable[Resolver]) -> frozenset[str]:
    """What all that it asks need alike; where some need nothing, the check is run, and asks those."""
    assert isinstance(spec, ResolveSpec)
    chosen = [each for each in resolvers if not spec.resolvers or each.name in spec.resolvers]
    needs = {need_of(resolver) for resolver in chosen}
    return frozenset(need for need in needs if need) if len(needs) == 1 else frozenset()


def _literal(check: Check, target: str) -> Address | None:
    read = SPECS[check.kind].endpoint
    return read(target).address if read else None
