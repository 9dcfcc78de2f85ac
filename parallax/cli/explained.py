"""What can be learnt about one name, put together from observations: where it leads, who serves each step, how long
caches would carry it, whether it is signed, whether its mail records are right, and what would happen if each operator
went dark. Pure.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from parallax.observation import Observation
from parallax.values import DnsName


class Hop(msgspec.Struct, frozen=True, kw_only=True):
    """One step of the chain. `ttl` as the authoritative servers have it, seconds."""

    owner: str
    type: str
    target: str
    zone: str
    operator: str
    ttl: int | None
    servers: Mapping[str, str]
    """Address to what it answered."""


class Server(msgspec.Struct, frozen=True, kw_only=True):
    """One name-server address of a zone, over one transport."""

    zone: str
    server: str
    address: str
    operator: str
    site: str | None
    rtt_ns: int | None
    serial: int | None
    says: str
    reason: str | None
    transport: str = "udp"


class Cached(msgspec.Struct, frozen=True, kw_only=True):
    """What one resolver answers for the name. `left` is seconds until the first record set of its answer runs out."""

    resolver: str
    says: str
    left: int | None
    by_owner: Mapping[str, int]
    """TTL left by owner, seconds."""
    site: str | None
    reason: str | None


class Dark(msgspec.Struct, frozen=True, kw_only=True):
    """What would happen if one operator went dark now. Spans are seconds from now."""

    operator: str
    zones: tuple[str, ...]
    breaks: bool
    """Whether the name would stop resolving once caches ran out."""
    why: str
    """Why it would not, or what would be lost."""
    first_s: int | None = None
    """When the first of the resolvers asked would fail, without stale answers; None where nothing breaks, or no TTL
    was seen."""
    last_s: int | None = None
    """By when all of them would."""
    is_dark: bool = False
    """None of its servers answers now."""


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """All of it."""

    name: str
    hops: tuple[Hop, ...]
    end: tuple[str, ...]
    verdict: str | None
    """The chain's reason word, None if it resolves."""
    flags: tuple[str, ...]
    servers: tuple[Server, ...]
    cached: tuple[Cached, ...]
    delegations: Mapping[str, str]
    """By zone: ok, or the reason word of its delegation."""
    dnssec: Mapping[str, str]
    """By zone: signed, insecure, or a reason word."""
    mail: Mapping[str, str]
    """By view (a resolver, an operator): ok, or what is wrong with the mail records."""
    mail_domain: str
    dark: tuple[Dark, ...]


def chain_of(observations: Iterable[Observation]) -> tuple[tuple[Hop, ...], Observation | None]:
    """The hops of the first chain among the observations, and that observation."""
    for seen in observations:
        if seen.kind == "dns.chain":
            return tuple(_hop(hop) for hop in _dicts(seen.findings.get("hops"))), seen
    return (), None


def zones_of(hops: Sequence[Hop]) -> list[str]:
    """The zones that the chain crosses, in its order."""
    return list(dict.fromkeys(hop.zone for hop in hops if hop.zone))


def mail_domain_of(name: DnsName, zones: Iterable[DnsName]) -> DnsName:
    """Whose mail records to look at: the first zone's, or the name's own where walks ended at the root."""
    return next((zone for zone in zones if str(zone) != "."), name)


def explain(name: str, mail_domain: str, observations: Sequence[Observation]) -> Explanation:
    """Puts it together."""
    hops, chain = chain_of(observations)
    servers = tuple(_server(seen) for seen in observations if seen.kind == "dns.zone" and "server" in seen.dims)
    cached = tuple(_cached(seen) for seen in observations if seen.kind == "dns.resolve" and seen.target == name)
    with_mail = mail_domain if any(_has_mail(seen) for seen in observations if seen.kind == "dns.mail") else ""
    mail = {str(seen.subject): _mail(seen) for seen in observations if seen.kind == "dns.mail"}
    return Explanation(
        name=name,
        hops=hops,
        end=tuple(map(str, _list(chain.findings.get("end")))) if chain else (),
        verdict=chain.reason if chain else "unknown",
        flags=tuple(key for key in ("shared_fate", "flattened", "workaround") if chain and chain.findings.get(key)),
        servers=servers,
        cached=cached,
        delegations={
            str(seen.target): seen.reason or "ok"
            for seen in observations
            if seen.kind == "dns.zone" and seen.subject == "delegation"
        },
        dnssec=_dnssec(observations),
        mail=mail,
        mail_domain=mail_domain,
        dark=tuple(_dark(operator, hops, servers, cached, with_mail) for operator in _operators(hops, servers)),
    )


def _operators(hops: Sequence[Hop], servers: Sequence[Server]) -> list[str]:
    found = [server.operator for server in servers if server.operator]
    return list(dict.fromkeys([*(hop.operator for hop in hops if hop.operator), *found]))


def _dark(
    operator: str, hops: Sequence[Hop], servers: Sequence[Server], cached: Sequence[Cached], mail_domain: str
) -> Dark:
    """The name breaks with a hop that this operator alone serves. A zone that another one serves as well goes on.
    `mail_domain` is "" where there are no mail records to lose."""
    by_zone: dict[str, set[str]] = {}
    for server in servers:
        by_zone.setdefault(server.zone, set()).add(server.operator)
    for hop in hops:
        by_zone.setdefault(hop.zone, set()).update({hop.operator} if hop.operator else set())
    zones = tuple(zone for zone, operators in by_zone.items() if operator in operators)
    alone = {zone for zone in zones if by_zone[zone] == {operator}}
    lost = [hop for hop in hops if hop.zone in alone]
    mail = f"the mail records of {mail_domain}" if mail_domain in alone else ""
    if not lost:
        others = sorted(set().union(*(by_zone[zone] for zone in zones)) - {operator})
        why = f"{', '.join(others)} would go on" if others else "no step of the name hangs on it"
        return Dark(operator=operator, zones=zones, breaks=False, why=why + (f"; {mail} would be lost" if mail else ""))
    owners = {hop.owner for hop in lost}
    left = [min(ttls) for each in cached if (ttls := [t for owner, t in each.by_owner.items() if owner in owners])]
    own = [server for server in servers if server.operator == operator]
    dark = bool(own) and all(server.reason is not None and server.rtt_ns is None for server in own)
    lost_when = "will not resolve once caches run out" if dark else "would not resolve once caches ran out"
    longest = [hop.ttl for hop in lost if hop.ttl is not None]
    return Dark(
        operator=operator,
        zones=zones,
        breaks=True,
        is_dark=dark,
        why=f"{', '.join(sorted(owners))} {lost_when}"
        + (f", nor {'will' if dark else 'would'} {mail}" if mail else ""),
        first_s=min(left, default=None),
        last_s=min(longest, default=None),
    )


def _hop(hop: Mapping[str, Any]) -> Hop:
    ttl = hop.get("ttl")
    return Hop(
        owner=str(hop.get("owner", "")),
        type=str(hop.get("type", "")),
        target=str(hop.get("target") or ""),
        zone=str(hop.get("zone") or ""),
        operator=str(hop.get("operator") or ""),
        ttl=ttl if isinstance(ttl, int) else None,
        servers={str(address): str(said) for address, said in _dict(hop.get("servers")).items()},
    )


def _server(seen: Observation) -> Server:
    found = seen.findings
    rtt, serial = found.get("rtt_ns"), found.get("serial")
    return Server(
        zone=str(seen.dims.get("zone", seen.target)),
        server=seen.dims.get("server", ""),
        address=str(seen.subject),
        transport=seen.dims.get("transport", "udp"),
        operator=seen.dims.get("operator", ""),
        site=seen.site,
        rtt_ns=rtt if isinstance(rtt, int) else None,
        serial=serial if isinstance(serial, int) else None,
        says=str(found.get("class") or "no answer"),
        reason=seen.reason,
    )


def _cached(seen: Observation) -> Cached:
    by_owner: dict[str, int] = {}
    for answer in _dicts(seen.findings.get("answers")):
        owner, ttl = answer.get("owner"), answer.get("ttl")
        if isinstance(owner, str) and isinstance(ttl, int):
            by_owner[owner] = min(ttl, by_owner.get(owner, ttl))
    return Cached(
        resolver=str(seen.subject),
        says=str(seen.findings.get("class") or "no answer"),
        left=min(by_owner.values(), default=None),
        by_owner=by_owner,
        site=seen.site,
        reason=seen.reason,
    )


def _dnssec(observations: Iterable[Observation]) -> dict[str, str]:
    """The first word of each zone's views; without any, whether its servers sign it and its parent says so."""
    words: dict[str, str] = {}
    signs: dict[str, set[str]] = {}
    for seen in observations:
        if seen.kind == "dns.dnssec":
            zone = str(seen.target)
            signs.setdefault(zone, set()).update(key for key in ("signed", "ds") if seen.findings.get(key))
            if seen.reason is not None and seen.abstain is None:
                words.setdefault(zone, seen.reason)
    states = {zone: _SIGNED.get(frozenset(found), "insecure") for zone, found in signs.items()}
    return states | words


_SIGNED = {frozenset({"signed", "ds"}): "signed", frozenset({"signed"}): "signed, but the parent has no DS"}


def _mail(seen: Observation) -> str:
    if seen.reason is None:
        return "ok"
    return str(seen.findings.get("because") or seen.reason)


def _has_mail(seen: Observation) -> bool:
    """Whether one view has any record of the domain's mail that is well."""
    records = _dict(seen.findings.get("records"))
    every = [*records.values(), *_dict(records.get("dkim")).values()]
    return any(_dict(each).get("class") == "ok" for each in every)


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [each for each in _list(value) if isinstance(each, dict)]
