"""The views of a zone that checks of its content take: each resolver's, and each operator's at one of its servers."""

from collections.abc import Iterable, Sequence
from typing import get_args

import msgspec
import trio

from parallax.plan.types import Resolver
from parallax.values import Address, Endpoint, is_ip
from probe.dns.client import Server, Transport
from probe.dns.cuts import Cut, WalkFailed
from probe.dns.lookup import lookup
from probe.dns.walk import addresses_of, operator_of
from probe.tape import Tape
from probe.tools import Tools

_PORTS: dict[str, int] = {"udp": 53, "tcp": 53, "dot": 853, "doh": 443}
MOST_OPERATORS = 16
_LAST_S = 0.1


class ResolverView(msgspec.Struct, frozen=True, kw_only=True):
    """One resolver. Without a server, its own name could not be looked up."""

    name: str
    server: Server | None = None


class OperatorView(msgspec.Struct, frozen=True, kw_only=True):
    """One operator of a zone, at the server whose turn it is. Without a server, the check asks for it by name, and it
    has none that this probe can reach."""

    name: str
    server: Server | None = None
    standby: bool = False
    """It stands by to take over: the plan's role is fallback."""


def left_s(most_s: float) -> float:
    """What is left until the caller's deadline, a little kept back for what comes after; `most_s` at most."""
    return max(0.05, min(most_s, trio.current_effective_deadline() - trio.current_time() - _LAST_S))


async def resolver_views(tools: Tools) -> list[ResolverView]:
    """The plan's resolvers that can be asked, by name; without any, the host's own, by address."""
    named = [each for each in tools.named_resolvers if each.transport in get_args(Transport)]
    if not named:
        return [ResolverView(name=at.ip, server=Server(address=at, name=at.ip)) for at in tools.resolvers]
    views: dict[str, ResolverView] = {}

    async def one(resolver: Resolver) -> None:
        views[resolver.name] = ResolverView(name=resolver.name, server=await _server_of(resolver, tools))

    async with trio.open_nursery() as nursery:
        for each in named:
            nursery.start_soon(one, each)
    return [views[each.name] for each in named]


async def _server_of(resolver: Resolver, tools: Tools) -> Server | None:
    endpoint = Endpoint.parse(resolver.address, _PORTS[resolver.transport])
    address = endpoint.address
    if address is None:
        ips = await lookup(endpoint.host, tools.families, tools, Tape())
        if not ips:
            return None
        address = Address.of(ips[0], endpoint.port)
    return Server(address=address, name=endpoint.host, transport=resolver.transport)  # type: ignore[arg-type]


async def operator_views(cut: Cut | None, wanted: Sequence[str], key: str, tools: Tools) -> list[OperatorView]:
    """The operators that serve a zone, by turns at each of their addresses (`key` keeps the turns of one check apart).

    `wanted` names the plan's operators to look at; if empty, all that the delegation leads to, and the plan's fallbacks
    that it gives addresses or names of servers for. Those of the plan that nothing delegates to are asked where the
    plan says."""
    sides: dict[str, list[Server]] = {}
    for server in cut.servers if cut else ():
        for address in server.addresses:
            name = operator_of(server.name, address.ip, tools.operators)
            sides.setdefault(name, []).append(Server(address=address, name=server.name))
        if not server.addresses:
            sides.setdefault(operator_of(server.name, "", tools.operators), [])
    standby = {operator.name for operator in tools.operators if operator.role == "fallback"}
    for operator in tools.operators:
        asked_for = operator.name in wanted if wanted else operator.name in standby
        if asked_for and not sides.get(operator.name):
            servers = await _planned_servers(operator.servers, tools)
            if servers or operator.name in wanted:
                sides[operator.name] = servers
    views = []
    for name, servers in list(sides.items())[:MOST_OPERATORS]:
        if name in wanted or (servers and not wanted):
            turn = tools.memory.turn(f"{key} {name}")
            at = servers[turn % len(servers)] if servers else None
            views.append(OperatorView(name=name, server=at, standby=name in standby))
    return sorted(views, key=lambda view: (view.standby, view.name))


async def _planned_servers(patterns: Iterable[str], tools: Tools) -> list[Server]:
    """Where the plan itself says that an operator's servers are: literal addresses, and names without a *."""
    found: list[Server] = []
    for text in patterns:
        if is_ip(text):
            address = Address.of(text, 53)
            if address.family in tools.families:
                found.append(Server(address=address, name=text))
        elif "*" not in text:
            name = text.lower().removesuffix(".")
            host = await addresses_of(name, tools, left_s(1.5))
            found += [Server(address=Address.of(ip, 53), name=name) for ip in host.ips]
    return found


def cut_or_last(name: str, found: Cut | WalkFailed, tools: Tools) -> Cut | None:
    """What a walk to the name found, which is remembered; where it failed, what one found before: those servers are
    still to be asked."""
    if isinstance(found, WalkFailed):
        # Of a zone that is dark, its parent told the servers on the way.
        return tools.memory.found_cuts.stale(name) or (
            tools.memory.cuts.stale(name) if found.zone == name and found.word in ("dark", "lame") else None
        )
    tools.memory.found_cuts.put(name, found, float("inf"))
    return found
