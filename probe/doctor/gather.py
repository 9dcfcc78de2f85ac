"""Finds out about a host: every question side by side, each with its own short deadline. No verdict is made here.

Asking an address at which nobody is (RFC 5737, RFC 3849) sends a few packets there. They are meant to be lost; where
something answers, it stands in between.
"""

import ipaddress
import ssl
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial
from pathlib import Path

import msgspec
import trio

from parallax.clock import NS, wall_ns
from parallax.config import CollectorAddress, ProbeConfig
from parallax.enrolment import Seen
from parallax.plan.kinds import SPECS
from parallax.plan.part import PartError
from parallax.plan.types import Check, Plan, Resolver
from parallax.secret import SecretError, read_secret
from parallax.values import Address, Family, is_ip
from probe.client import CollectorClient, dial_address, open_client
from probe.clocks import Exchange, read_clock_sync
from probe.dns.answer import values_at
from probe.dns.client import Client, Server, Transport, ask
from probe.dns.lookup import lookup
from probe.dns.message import Query
from probe.dns.roots import ROOTS
from probe.doctor import nat64
from probe.doctor.facts import AtCollector, Dialled, Exchanged, Facts, OfFamily
from probe.egress import egress_addresses
from probe.force import Force
from probe.own_certificate import read_own
from probe.plans import PlanInForce, read_plan
from probe.tape import Tape
from probe.tools import Tools
from probe.uplink import dialler

NOWHERE: dict[Family, Address] = {4: Address("192.0.2.1:53"), 6: Address("[2001:db8::1]:53")}
WITHIN_S = 3.0
COLLECTOR_S = 8.0
MOST_ROOTS, MOST_RESOLVERS, MOST_TARGETS, MOST_PORTS = 3, 3, 20, 8
_ROOT = Query(name=".", type="NS", recurse=True, dnssec=True)
_KEYS = Query(name=".", type="DNSKEY", recurse=False, dnssec=True)
_NOBODY = Query(name="example.com", type="A", recurse=True)
_NAT64 = Query(name=nat64.NAME, type="AAAA", recurse=True)
_ZONES = ("zone",)


async def examine(
    config: ProbeConfig,
    *,
    plan: Plan | None = None,
    controls: Sequence[Address] = (),
    more: Sequence[Address] = (),
    within_s: float = WITHIN_S,
) -> Facts:
    """All facts of a host with this config (it may have no collector). `plan`: the whole plan, where it is at hand;
    `controls` and `more` are dialled besides the plan's own. Takes some ten seconds at most, and never raises but for
    cancellation."""
    force = Force(config)
    collectors: list[AtCollector] = []
    parts: list[PlanInForce] = []

    async def of(address: CollectorAddress) -> None:
        found, part = await _at_collector(address)
        collectors.append(found)
        parts.extend([part] if part else [])

    async with trio.open_nursery() as nursery:
        for each in config.collector:
            nursery.start_soon(of, each)
    in_force = parts[0] if parts else _saved(config)
    if in_force is not None:
        force.apply(in_force)
    try:
        found = await _all(config, force, in_force, [*force.controls, *controls], more, within_s)
    finally:
        force.close()
    if plan is not None:
        found = msgspec.structs.replace(found, watched=watched(plan.check), receivers=_looked_up(plan))
    return msgspec.structs.replace(found, collectors=tuple(sorted(collectors, key=lambda each: each.url)))


async def _all(
    config: ProbeConfig,
    force: Force,
    in_force: PlanInForce | None,
    controls: Sequence[Address],
    more: Sequence[Address],
    within_s: float,
) -> Facts:
    tools = force.tools()
    checks = in_force.checks if in_force else []
    resolvers = in_force.part.resolver if in_force else []
    towards = [dial_address(each) for each in config.collector]
    local = local_addresses(controls)
    answered: dict[Address, bool | None] = {}
    nowhere: dict[Family, tuple[Exchanged, ...]] = {}
    roots: list[Exchanged] = []
    asked: list[Exchanged] = []
    ports: list[Dialled] = []
    targets: dict[str, tuple[str, ...]] = {}
    prefixes: list[tuple[str, ...]] = []
    dial = dialler(lambda: tools.routes)

    async def control(address: Address) -> None:
        answered[address] = await _within(dial, address, within_s)

    async def nobody(family: Family) -> None:
        nowhere[family] = await ask_nobody(tools.dns, [family], within_s)

    async def exchanged(into: list[Exchanged], query: Query, address: Address, own: bool) -> None:
        into.append(await _exchanged(query, address, tools.dns, within_s, own=own))

    async def port(address: Address) -> None:
        ports.append(await dialled(address, dial, within_s))

    async def target(host: str) -> None:
        targets[host] = await _addresses(host, tools, within_s)

    async def translated(resolver: Address) -> None:
        found = await ask(_NAT64, Server(address=resolver, hosts_own=True), tools.dns, within_s)
        if found.reply is not None and found.reply.rcode in ("NOERROR", "NXDOMAIN"):
            prefixes.append(nat64.prefixes_of(values_at(found.reply.answers, nat64.NAME, "AAAA")))

    async with trio.open_nursery() as nursery:
        for address in dict.fromkeys(controls):
            nursery.start_soon(control, address)
        for family in [family for family, ip in local.items() if ip]:
            nursery.start_soon(nobody, family)
            of_family = [each for each in tools.roots or ROOTS if each.family == family]
            for root in of_family[:MOST_ROOTS]:
                nursery.start_soon(exchanged, roots, _KEYS, root, False)
        for resolver in tools.resolvers[:MOST_RESOLVERS]:
            nursery.start_soon(exchanged, asked, _ROOT, resolver, True)
            nursery.start_soon(translated, resolver)
        for address in [*dot_addresses(resolvers), *more][:MOST_PORTS]:
            nursery.start_soon(port, address)
        for address in [each for each in (*towards, *controls) if each.port == 443][:MOST_PORTS]:
            nursery.start_soon(port, address)
        for host in _hosts(checks)[:MOST_TARGETS]:
            nursery.start_soon(target, host)
    return Facts(
        id=config.id,
        families={
            family: OfFamily(
                local=local[family],
                controls=sum(each.family == family for each in answered if answered[each] is not None),
                answered=sum(each.family == family for each in answered if answered[each]),
                nowhere=nowhere.get(family, ()),
                roots=tuple(each for each in roots if each.family == family),
            )
            for family in NOWHERE
        },
        wanted=tuple(force.vantage.families),
        planned=in_force is not None,
        resolvers=tuple(map(str, tools.resolvers)),
        from_config=bool(config.resolvers),
        asked=tuple(asked),
        nat64=next((each for each in prefixes if each), prefixes[0] if prefixes else None),
        ports=tuple(ports),
        clock=read_clock_sync(),
        targets={host: ips for host, ips in targets.items() if ips},
        asn=in_force.part.probe.asn if in_force else None,
        watched=watched(checks),
    )


def local_addresses(towards: Iterable[Address] = ()) -> dict[Family, str]:
    """The address that this host's packets to the world leave from, by family; "" without a route. Nothing is sent.
    Loopback is no way to the world: an address on it may be redirected to, and says nothing."""
    found = egress_addresses([*NOWHERE.values(), *towards])
    local = {family: found.get(str(family), "") for family in NOWHERE}
    return {family: "" if ip and ipaddress.ip_address(ip).is_loopback else ip for family, ip in local.items()}


async def ask_nobody(dns: Client, families: Iterable[Family], within_s: float = WITHIN_S) -> tuple[Exchanged, ...]:
    """Asks where nobody is, over UDP and TCP. The guard lets these addresses pass; where they are redirected to, it
    looks as ever."""
    found: list[Exchanged] = []

    async def one(family: Family, transport: Transport) -> None:
        found.append(await _exchanged(_NOBODY, NOWHERE[family], dns, within_s, own=True, transport=transport))

    async with trio.open_nursery() as nursery:
        for family in families:
            nursery.start_soon(one, family, "udp")
            nursery.start_soon(one, family, "tcp")
    return tuple(sorted(found, key=lambda each: (each.server, each.transport)))


async def dialled(
    address: Address, dial: Callable[[Address], Awaitable[bool | None]], within_s: float = WITHIN_S
) -> Dialled:
    """Whether a host takes connections at its port; where it does not, whether it does at others."""
    answered = await _within(dial, address, within_s)
    elsewhere: list[bool | None] = []
    if answered is False:
        async with trio.open_nursery() as nursery:

            async def other(port: int) -> None:
                elsewhere.append(await _within(dial, Address.of(address.ip, port), within_s))

            for port in (443, 53):
                nursery.start_soon(other, port)
    return Dialled(
        address=address.ip, port=address.port, answered=answered, elsewhere=True in elsewhere if elsewhere else None
    )


def dot_addresses(resolvers: Iterable[Resolver]) -> list[Address]:
    """Where the plan's resolvers are asked over TLS, of those that it gives by address."""
    found = [each.address.address for each in resolvers if each.transport == "dot"]
    return [address for address in dict.fromkeys(found) if address is not None]


def watched(checks: Iterable[Check]) -> tuple[str, ...]:
    """The zones and names whose DNS a plan watches, sorted."""
    found: set[str] = set()
    for check in checks:
        found |= {str(zone) for name in _ZONES if (zone := getattr(check.spec, name, None))}
        found |= {str(name) for name in getattr(check.spec, "names", ()) if check.kind in ("dns.resolve", "dns.chain")}
    return tuple(sorted(found | set(_hosts(checks))))


def _hosts(checks: Iterable[Check]) -> list[str]:
    """The hosts that runs of these go to, by name or address, in the plan's order."""
    found: dict[str, None] = {}
    for check in checks:
        read = SPECS[check.kind].endpoint
        for target in check.targets if read and check.member == "" else ():
            assert read is not None
            found[read(target).host] = None
    return list(found)


def _looked_up(plan: Plan) -> dict[str, str]:
    """The plan's receivers whose host must be looked up when they are told."""
    urls = {each.name: each.url.endpoint for each in plan.receiver if each.url is not None and each.address is None}
    return {name: endpoint.host for name, endpoint in urls.items() if endpoint.address is None}


async def _addresses(host: str, tools: Tools, within_s: float) -> tuple[str, ...]:
    with trio.move_on_after(within_s):
        return tuple(await lookup(host, (4, 6), tools, Tape()))
    return ()


async def _exchanged(
    query: Query, address: Address, dns: Client, within_s: float, *, own: bool = False, transport: Transport = "udp"
) -> Exchanged:
    found = await ask(query, Server(address=address, transport=transport, hosts_own=own), dns, within_s)
    reply = found.reply
    return Exchanged(
        server=str(address),
        outcome=found.outcome,
        transport="tcp" if found.tcp_fallback else transport,
        nsid=reply is not None and bool(reply.nsid),
        edns=reply is not None and reply.edns,
        size=reply.size if reply is not None else 0,
        truncated=found.tcp_fallback,
    )


async def _within(dial: Callable[[Address], Awaitable[bool | None]], address: Address, within_s: float) -> bool | None:
    with trio.move_on_after(within_s):
        return await dial(address)
    return False


async def _at_collector(address: CollectorAddress) -> tuple[AtCollector, PlanInForce | None]:
    """What a collector says of this probe, and its part of the plan."""
    own = read_own([address])
    left_s = (own[0].expires_at - wall_ns()) / NS if own else None
    blank = AtCollector(url=str(address.url), dialled=str(dial_address(address)), certificate_s=left_s)
    token = partial(read_secret, address.token)
    try:
        token()
    except SecretError as error:
        return msgspec.structs.replace(blank, word="token", detail=str(error)), None
    try:
        async with open_client(address, token) as client:
            return await _seen_by(client, blank), await _plan_of(client)
    except (OSError, ssl.SSLError, SecretError) as error:  # its CA file, or the client certificate
        return msgspec.structs.replace(blank, word="certificate", detail=str(error)), None


async def _seen_by(client: CollectorClient, blank: AtCollector) -> AtCollector:
    sent_at = wall_ns()
    status, content = await client.get("/v1/whoami", timeout_s=COLLECTOR_S, limit=4096)
    arrived_at = wall_ns()
    if status != 200:
        failed = "certificate" if b"certificate" in content else "no_answer"
        word = failed if status is None else str(status)
        return msgspec.structs.replace(blank, word=word, detail=_sentence(status, content))
    try:
        seen = msgspec.json.decode(content, type=Seen)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return msgspec.structs.replace(blank, word="malformed", detail="it does not answer as a collector does")
    offset_s = Exchange.of(sent_at, seen.at, seen.at, arrived_at).offset_s
    peer = seen.peer if is_ip(seen.peer) else ""
    return msgspec.structs.replace(blank, probe=seen.probe, peer=peer, offset_s=offset_s)


async def _plan_of(client: CollectorClient) -> PlanInForce | None:
    with trio.move_on_after(COLLECTOR_S):
        answer = await client.get_plan("", 0)
        if answer.status == 200:
            try:
                return read_plan(answer.body)
            except PartError:
                return None
    return None


def _saved(config: ProbeConfig) -> PlanInForce | None:
    """The plan that this probe went by last."""
    try:
        return read_plan((Path(config.state) / "plan.json").read_bytes()) if config.state else None
    except (OSError, PartError):
        return None


def _sentence(status: int | None, content: bytes) -> str:
    """What an answer that is no answer says, for people."""
    text = "".join(c if c.isprintable() else " " for c in content[:300].decode("utf-8", "replace"))
    try:
        message = msgspec.json.decode(content, type=dict[str, str]).get("message", "")
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        message = ""
    return message[:300] or (f"HTTP status {status}" if status is not None else text or "no answer")
