"""Whom checks of a zone's content ask: resolvers, and operators by the delegation and by the plan."""

import trio

from parallax.dialling.route import Routes
from parallax.dialling.tls import Trust
from parallax.plan.types import Operator, Resolver
from parallax.values import Address, Endpoint
from probe.dns.client import Server, ask
from probe.dns.cuts import Cut, NameServer
from probe.dns.message import Query
from probe.dns.operators import by_operator, planned_servers
from probe.dns.views import operator_views, resolver_views
from probe.tools import Tools
from tests.fakes.dns_server import dns_server, good

OPERATORS = (
    Operator(name="dns-a", servers=["*.dns-a.example"]),
    Operator(name="dns-b", role="fallback", servers=["*.dns-b.example", "192.0.2.65", "2001:db8::65"]),
)
CUT = Cut(
    zone="idp.example",
    servers=(
        NameServer(name="ns1.dns-a.example", addresses=(Address("192.0.2.1:53"), Address("192.0.2.2:53"))),
        NameServer(name="ns.stranger.example", addresses=()),
    ),
)


def tools(**more: object) -> Tools:
    """A probe that may dial public addresses only."""
    return Tools(routes=Routes(), trust=Trust(), resolvers=(), operators=OPERATORS, families=(4,), **more)  # type: ignore[arg-type]


async def test_the_hosts_own_resolver_is_asked_wherever_it_is() -> None:
    async with dns_server(good) as server:
        mine = Tools(routes=Routes(), trust=Trust(), resolvers=(server.address,))
        [view] = await resolver_views(mine)
        assert view.server is not None
        asked = await ask(Query(name="www.acme.test", type="A", recurse=True), view.server, mine.dns, 1)
        planned = await ask(asked.query, Server(address=server.address), mine.dns, 1)
    assert (asked.outcome, planned.outcome) == ("ok", "not_allowed")


async def test_the_plans_resolvers_come_before_the_hosts_own() -> None:
    named = Resolver(name="r1", address=Endpoint("192.0.2.53:53"))
    quic = Resolver(name="r2", address=Endpoint("192.0.2.54:853"), transport="doq")
    views = await resolver_views(tools(named_resolvers=(named, quic)))
    assert [view.name for view in views] == ["r1"], "one that this version cannot ask is no view"
    assert views[0].server is not None
    assert not views[0].server.hosts_own


async def test_an_operator_is_asked_where_it_is_delegated_to_a_fallback_where_the_plan_says() -> None:
    mine = tools()
    assert {name: len(servers) for name, servers in by_operator(CUT, mine).items()} == {
        "dns-a": 2,
        "stranger.example": 0,
    }
    first, second = [await operator_views(CUT, (), "test", mine) for _ in range(2)]
    assert [(view.name, view.standby) for view in first] == [("dns-a", False), ("dns-b", True)]
    assert [views[0].server.address.ip for views in (first, second) if views[0].server] == ["192.0.2.1", "192.0.2.2"]
    assert [view.server.address.ip for view in first[1:] if view.server] == ["192.0.2.65"], "of the probe's family"


async def test_servers_that_the_plan_names_keep_to_the_operators_share() -> None:
    mine = tools()
    assert [server.address for server in await planned_servers("dns-b", mine, 1)] == ["192.0.2.65:53"]
    mine.memory.budget.limit(1)
    now = trio.current_time()
    allowed = sum(mine.memory.budget.take("192.0.2.65:53", now) for _ in range(1000))
    assert allowed < 100
    named = await planned_servers("dns-b", mine, 1, [Endpoint("192.0.2.77:5300")])
    assert [server.address for server in named] == ["192.0.2.77:5300"], "what the check itself says comes first"
