"""The views of a zone that checks of its content take: each resolver's, and each operator's at one of its servers."""

from collections.abc import Awaitable, Callable, Sequence
from typing import get_args

import msgspec
import trio

from parallax.plan.types import Resolver
from probe.dns.client import Server, Transport
from probe.dns.cuts import Cut, Delegation, WalkFailed
from probe.dns.operators import by_operator, planned_servers
from probe.dns.resolvers import address_of, server_of
from probe.dns.walked import Walked
from probe.remaining import left_s
from probe.tape import Tape
from probe.tools import Tools

MOST_OPERATORS = 16
WALK_S = 4.0
PLANNED_S = 1.5


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


class Views(msgspec.Struct, frozen=True, kw_only=True):
    """Whom a check asks about a zone."""

    walked: Cut | Delegation | WalkFailed
    """What the walk to it found now."""
    cut: Cut | None
    """The zone with its servers: as found, else as known from before."""
    resolvers: list[ResolverView]
    operators: list[OperatorView]


async def views_of(
    name: str,
    walk: Callable[[str, Tools, float], Awaitable[Cut | Delegation | WalkFailed]],
    wanted: Sequence[str],
    key: str,
    tools: Tools,
) -> Views:
    """The views of the zone that `walk` leads to, of `wanted` operators if there are any. `key` keeps the turns of one
    check apart."""
    resolvers: list[ResolverView] = []
    operators: list[OperatorView] = []
    found: list[tuple[Cut | Delegation | WalkFailed, Cut | None]] = []

    async def walk_to() -> None:
        walked = await walk(name, tools, left_s(WALK_S))
        cut = cut_or_last(name, walked.cut if isinstance(walked, Delegation) else walked, tools)
        found.append((walked, cut))
        operators.extend(await operator_views(cut, wanted, key, tools))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(walk_to)
        with trio.move_on_after(left_s(WALK_S)):
            resolvers = await resolver_views(tools)
    walked, cut = found[0]
    return Views(walked=walked, cut=cut, resolvers=resolvers, operators=operators)


async def resolver_views(tools: Tools) -> list[ResolverView]:
    """The plan's resolvers that can be asked, by name; without any, the host's own, by address."""
    named = [each for each in tools.named_resolvers if each.transport in get_args(Transport)]
    if not named:
        own = [Server(address=address, name=address.ip, hosts_own=True) for address in tools.resolvers]
        return [ResolverView(name=server.name, server=server) for server in own]
    views: dict[str, ResolverView] = {}

    async def one(resolver: Resolver) -> None:
        address = await address_of(resolver, tools, Tape())
        server = server_of(resolver, address) if address else None
        views[resolver.name] = ResolverView(name=resolver.name, server=server)

    async with trio.open_nursery() as nursery:
        for each in named:
            nursery.start_soon(one, each)
    return [views[each.name] for each in named]


async def operator_views(cut: Cut | None, wanted: Sequence[str], key: str, tools: Tools) -> list[OperatorView]:
    """The operators that serve a zone, by turns at each of their addresses (`key` keeps the turns of one check apart).

    `wanted` names the plan's operators to look at; if empty, all that the delegation leads to, and the plan's fallbacks
    that it gives addresses or names of servers for. Those of the plan that nothing delegates to are asked where the
    plan says."""
    sides = by_operator(cut, tools) if cut else {}
    standby = {operator.name for operator in tools.operators if operator.role == "fallback"}

    async def by_plan(name: str) -> None:
        servers = await planned_servers(name, tools, left_s(PLANNED_S))
        if servers or name in wanted:
            sides[name] = servers

    async with trio.open_nursery() as nursery:
        for name in dict.fromkeys(operator.name for operator in tools.operators):
            if (name in wanted if wanted else name in standby) and not sides.get(name):
                nursery.start_soon(by_plan, name)
    views = []
    for name, servers in sorted(sides.items())[:MOST_OPERATORS]:
        if name in wanted or (servers and not wanted):
            turn = tools.memory.turn(f"{key} {name}")
            at = servers[turn % len(servers)] if servers else None
            views.append(OperatorView(name=name, server=at, standby=name in standby))
    return sorted(views, key=lambda view: (view.standby, view.name))


def cut_or_last(name: str, found: Cut | WalkFailed, tools: Tools) -> Cut | None:
    """What a walk to the name found, which is remembered; where it failed, what one found before: those servers are
    still to be asked."""
    walked = tools.memory.of(Walked)
    if isinstance(found, WalkFailed):
        # Of a zone that is dark, its parent told the servers on the way.
        return walked.last_cuts.stale(name) or (
            walked.cuts.stale(name) if found.zone == name and found.word in ("dark", "lame") else None
        )
    walked.last_cuts.put(name, found, float("inf"))
    return found
