"""The small internet: real resolvers follow its delegations, and what is broken shows where it should."""

from collections.abc import Callable

import dns.asyncquery
import dns.message
import dns.rcode
import pytest
import trio

from tests.parts.internet import (
    ADDRESSES,
    CUSTOMER_NAMES,
    NAMES_A,
    NAMES_B,
    OPERATOR_A,
    RESOLVERS,
    WEB,
    ZONE,
    address,
    idp_zone,
    internet,
)
from tests.parts.namespace import network_namespace

pytestmark = pytest.mark.slow

WAIT_S = 90.0


async def ask(server: str, name: str, rdtype: str = "A", family: int = 4) -> dns.message.Message:
    query = dns.message.make_query(name, rdtype)
    if server not in RESOLVERS:
        query.flags &= ~dns.flags.RD
    return await dns.asyncquery.udp(query, address(server, family).ip, timeout=30)


def answers(reply: dns.message.Message) -> list[str]:
    return sorted(rdata.to_text() for rrset in reply.answer for rdata in rrset)


async def wait_answer(
    server: str, name: str, rdtype: str, is_it: Callable[[dns.message.Message], bool]
) -> dns.message.Message:
    """Asks until the answer is the one: what a resolver knows has to expire first, and one whom a stalled machine kept
    from its name servers has failed for a while."""
    with trio.fail_after(WAIT_S):
        while not is_it(reply := await ask(server, name, rdtype)):
            pass
    return reply


async def wait_answers(server: str, name: str, rdtype: str, wanted: list[str]) -> None:
    await wait_answer(server, name, rdtype, lambda got: answers(got) == wanted)


async def test_resolvers_follow_it_and_a_move_of_the_delegation() -> None:
    with network_namespace() as net:
        async with internet(net, ttl=1) as world:
            for resolver in RESOLVERS:
                await wait_answers(resolver, "clerk.acme.test", "A", [WEB, "frontend-api.idp.example."])
                await wait_answers(resolver, "control.test", "A", [WEB])
                for name in CUSTOMER_NAMES:
                    rdtype = "TXT" if "domainkey" in name else "A"
                    await wait_answer(resolver, name, rdtype, lambda got: got.rcode() == dns.rcode.NOERROR)
                await wait_answers(resolver, "ns3.operator-a.test", "AAAA", [ADDRESSES["a3"][1]])
            for server in ("a1", "a2", "a3", "a4"):
                for family in (4, 6):
                    assert answers(await ask(server, ZONE, "NS", family)) == list(NAMES_A)
            net.refuse(*OPERATOR_A)
            for resolver in ("plain", "bind"):
                await wait_answer(resolver, "accounts.acme.test", "A", lambda got: got.rcode() == dns.rcode.SERVFAIL)
            assert answers(await ask("stale", "accounts.acme.test")) == [WEB, "accounts.idp.example."]
            await world.delegate(NAMES_B)
            for resolver in ("plain", "bind"):
                await wait_answers(resolver, ZONE, "NS", list(NAMES_B))
            dkim = await ask("plain", "clk._domainkey.acme.test", "TXT")
            assert dkim.rcode() == dns.rcode.NXDOMAIN, "the fallback lacks the mail records"
            for server in ("b1", "b2"):
                await world.serve(server, ZONE, lambda serial: idp_zone(NAMES_B, ttl=1, serial=serial))
            await wait_answer("plain", "clk._domainkey.acme.test", "TXT", lambda got: got.rcode() == dns.rcode.NOERROR)
