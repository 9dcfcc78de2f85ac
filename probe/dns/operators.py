"""Where the operators of a zone serve it: by its delegation, and by the plan."""

from collections.abc import Sequence

import trio

from parallax.operators import operator_of
from parallax.values import Address, Endpoint, is_ip
from probe.dns.client import Server
from probe.dns.cuts import Cut
from probe.dns.walk import addresses_of
from probe.tools import Tools

MOST_NAMED = 16


def by_operator(cut: Cut, tools: Tools) -> dict[str, list[Server]]:
    """The servers that a zone's delegation leads to, by the name of their operator, a server an address. One whose
    servers have no address has an empty list."""
    found: dict[str, list[Server]] = {}
    for server in cut.servers:
        for address in server.addresses:
            name = operator_of(server.name, address.ip, tools.operators)
            found.setdefault(name, []).append(Server(address=address, name=server.name))
        if not server.addresses:
            found.setdefault(operator_of(server.name, "", tools.operators), [])
    return found


async def planned_servers(
    operator: str, tools: Tools, timeout_s: float, named: Sequence[Endpoint] = ()
) -> list[Server]:
    """Where a check says that an operator serves its zone (`named`); else the servers that the plan's [[operator]]
    names in full, without a *. Of the probe's families; at most MOST_NAMED names are looked up."""
    endpoints = list(named) or [
        Endpoint.parse(f"[{text}]" if is_ip(text) and ":" in text else text, 53)
        for each in tools.operators
        if each.name == operator
        for text in each.servers
        if "*" not in text
    ]
    found: dict[Endpoint, list[Address]] = {}

    async def one(endpoint: Endpoint) -> None:
        host = await addresses_of(endpoint.host, tools, timeout_s)
        found[endpoint] = [Address.of(ip, endpoint.port) for ip in host.ips]

    async with trio.open_nursery() as nursery:
        for endpoint in endpoints[:MOST_NAMED]:
            nursery.start_soon(one, endpoint)
    servers = [
        Server(address=address, name=endpoint.host)
        for endpoint in endpoints[:MOST_NAMED]
        for address in found[endpoint]
        if address.family in tools.families
    ]
    for server in servers:
        tools.memory.budget.belongs(str(server.address), operator)
    return servers
