"""The real name servers do what the tests on them rely on: the same of each."""

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Any

import dns.asyncquery
import dns.edns
import dns.flags
import dns.message
import pytest

from parallax.values import Address
from tests.parts.bind import bind_authority, bind_resolver
from tests.parts.certificates import Authority
from tests.parts.daemon import Daemon
from tests.parts.knot import knot
from tests.parts.nsd import nsd
from tests.parts.unbound import SERVE_EXPIRED, unbound
from tests.parts.zones import EXPIRED, ZoneKey, serve, signed, soa

pytestmark = pytest.mark.slow

Start = Callable[..., AbstractAsyncContextManager[Daemon]]
AUTHORITIES: Mapping[str, Start] = {"nsd": nsd, "knot": knot, "bind": bind_authority}
RESOLVERS: Mapping[str, Start] = {"unbound": unbound, "bind": bind_resolver}


@pytest.fixture(params=AUTHORITIES)
def authority(request: pytest.FixtureRequest) -> Start:
    return AUTHORITIES[request.param]


@pytest.fixture(params=RESOLVERS)
def resolver(request: pytest.FixtureRequest) -> Start:
    return RESOLVERS[request.param]


async def ask(
    address: Address, name: str, rdtype: str = "A", timeout_s: float = 5.0, **how: Any
) -> dns.message.Message:
    nsid = dns.edns.GenericOption(dns.edns.OptionType.NSID, b"")
    query = dns.message.make_query(name, rdtype, use_edns=0, options=[nsid], **how)
    return await dns.asyncquery.udp(query, address.ip, port=address.port, timeout=timeout_s)


def answers(reply: dns.message.Message) -> list[str]:
    return [rdata.to_text() for rrset in reply.answer for rdata in rrset]


def nsid_of(reply: dns.message.Message) -> bytes | None:
    return next((o.nsid for o in reply.options if isinstance(o, dns.edns.NSIDOption)), None)


def codes_of(reply: dns.message.Message) -> list[int]:
    """Of its extended errors (RFC 8914)."""
    return [int(each.code) for each in reply.options if isinstance(each, dns.edns.EDEOption)]


@pytest.mark.parametrize("ip", ["127.0.0.1", "::1"])
async def test_it_serves_says_who_it_is_and_reads_a_changed_zone(authority: Start, ip: str) -> None:
    async with authority({"auth.test": "www A 192.0.2.7"}, nsid="xyz1", ip=ip) as server:
        reply = await ask(server.address, "www.auth.test")
        assert (answers(reply), nsid_of(reply)) == (["192.0.2.7"], b"xyz1")
        assert reply.flags & dns.flags.AA
        await serve(server, "auth.test", "www A 192.0.2.8", serial=2)
        assert answers(await ask(server.address, "www.auth.test")) == ["192.0.2.8"]
        assert (await ask(server.address, "www.other.test")).rcode() == dns.rcode.REFUSED


async def test_a_server_is_silent_while_paused_and_refuses_while_killed(authority: Start) -> None:
    async with authority({"auth.test": "www A 192.0.2.7"}) as server:
        server.pause()
        with pytest.raises(dns.exception.Timeout):
            await ask(server.address, "www.auth.test", timeout_s=0.1)
        server.resume()
        assert answers(await ask(server.address, "www.auth.test")) == ["192.0.2.7"]
        server.kill()
        await server.restart()
        assert answers(await ask(server.address, "www.auth.test")) == ["192.0.2.7"]


@pytest.mark.parametrize("validity", [None, EXPIRED])
async def test_a_signed_zone_validates_and_an_expired_one_does_not(authority: Start, validity: Any) -> None:
    key = ZoneKey()
    more = {"validity": validity} if validity else {}
    lines = signed("auth.test", f"{soa('ns1', 7)}\n@ NS ns1\nns1 A 127.0.0.1\nwww A 192.0.2.7", key, **more)
    async with (
        authority({"auth.test": lines}) as server,
        unbound({"auth.test": server.address}, anchors=[f"auth.test. DS {key.ds('auth.test')}"]) as resolver,
    ):
        reply = await ask(server.address, "www.auth.test", want_dnssec=True)
        assert [rrset.rdtype for rrset in reply.answer] == [dns.rdatatype.A, dns.rdatatype.RRSIG]
        validated = await ask(resolver.address, "www.auth.test", want_dnssec=True)
        if validity:
            assert validated.rcode() == dns.rcode.SERVFAIL
            assert [code in (7, 9) for code in codes_of(validated)] == [True], "expired, or no key that is valid"
        else:
            assert validated.flags & dns.flags.AD
            assert answers(validated)[0] == "192.0.2.7"


async def test_a_resolver_resolves_over_each_transport(resolver: Start) -> None:
    ca = Authority()
    async with (
        nsd({"auth.test": "www A 192.0.2.7"}) as server,
        resolver({"auth.test": server.address}, nsid="r1", certificate=ca.leaf("resolver.test")) as running,
    ):
        reply = await ask(running.address, "www.auth.test")
        assert (answers(reply), nsid_of(reply)) == (["192.0.2.7"], b"r1")
        query, ip = dns.message.make_query("www.auth.test", "A"), running.address.ip
        tcp = await dns.asyncquery.tcp(query, ip, port=running.address.port, timeout=5)
        dot = await dns.asyncquery.tls(query, ip, port=running.also["dot"].port, timeout=5, verify=False)
        assert answers(tcp) == answers(dot) == ["192.0.2.7"]


async def wait_expired(resolver: Daemon, name: str) -> dns.message.Message:
    """Asks until the answer is not the fresh one any more: an expired one, or a failure."""
    while True:
        reply = await ask(resolver.address, name)
        if not reply.answer or codes_of(reply):
            return reply


@pytest.mark.parametrize(
    ("start", "code"),
    [
        (partial(unbound, more=SERVE_EXPIRED), 3),
        (unbound, None),
        (partial(bind_resolver, more="stale-answer-enable yes; stale-cache-enable yes;"), 3),
    ],
    ids=["unbound serve-expired", "unbound", "bind stale-answer"],
)
async def test_what_expires_while_the_authority_is_dark_is_handed_out_where_asked_for(
    start: Start, code: int | None
) -> None:
    async with nsd({"auth.test": "www 1 A 192.0.2.7"}) as server, start({"auth.test": server.address}) as resolver:
        assert answers(await ask(resolver.address, "www.auth.test")) == ["192.0.2.7"]
        server.kill()
        reply = await wait_expired(resolver, "www.auth.test")
    if code is None:
        assert reply.rcode() == dns.rcode.SERVFAIL
    else:
        assert (answers(reply), code in codes_of(reply)) == (["192.0.2.7"], True)
        assert reply.answer[0].ttl == 30
