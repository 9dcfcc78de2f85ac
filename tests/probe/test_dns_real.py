"""The dns check and the lookup against real servers: NSD and Unbound."""

from collections.abc import AsyncIterator

import pytest

from parallax.plan.specs import Answer
from parallax.values import Address
from tests.parts.daemon import Daemon
from tests.parts.nsd import nsd
from tests.parts.unbound import unbound
from tests.probe.dns.test_lookup import find
from tests.probe.dns_attempts import ask, tools

pytestmark = pytest.mark.slow

BIG = " ".join(f'"{str(n) * 200}"' for n in range(10))
ACME = f"""
www A 192.0.2.1
www A 192.0.2.2
www AAAA 2001:db8::1
alias CNAME www
away CNAME front.idp.test.
@ MX 10 mail
big TXT {BIG}
spf TXT "v=spf1 include:_spf.acme.test -all"
*.wild A 192.0.2.9
sub NS ns.sub
ns.sub A 127.0.0.9
"""


@pytest.fixture
async def server() -> AsyncIterator[Daemon]:
    async with nsd({"acme.test": ACME, "idp.test": "front A 192.0.2.7"}, nsid="fra1.ns-a") as running:
        yield running


@pytest.fixture
async def resolver(server: Daemon) -> AsyncIterator[Daemon]:
    async with unbound({"acme.test": server.address, "idp.test": server.address}) as running:
        yield running


async def test_an_authoritative_server(server: Daemon) -> None:
    got = await ask(server.address, expect=Answer(values=["192.0.2.2", "192.0.2.1"]))
    assert (got.reason, got.site, got.findings["flags"], got.phases) == (None, "fra1.ns-a", ["AA"], ["query"])
    assert got.findings["min_ttl"] == 300

    for query, rdtype, values in [
        ("www.acme.test", "AAAA", ["2001:db8::1"]),
        ("acme.test", "MX", ["10 mail.acme.test"]),
        ("spf.acme.test", "TXT", ["v=spf1 include:_spf.acme.test -all"]),
        ("alias.acme.test", "CNAME", ["www.acme.test"]),
        ("alias.acme.test", "A", ["192.0.2.1", "192.0.2.2"]),
        ("x.wild.acme.test", "A", ["192.0.2.9"]),
        ("acme.test", "NS", ["ns1.acme.test"]),
    ]:
        got = await ask(server.address, query=query, type=rdtype, expect=Answer(values=values))
        assert got.verdict is None, (query, rdtype, got.findings)

    for query, rdtype, reason in [
        ("no.acme.test", "A", "dns_nxdomain"),
        ("spf.acme.test", "A", "dns_nodata"),
        ("www.elsewhere.test", "A", "dns_refused"),
        ("x.sub.acme.test", "A", "dns_not_authoritative"),  # a referral down
    ]:
        got = await ask(server.address, query=query, type=rdtype)
        assert (got.reason, got.fault) == (reason, "target")


async def test_a_large_answer_is_truncated_and_comes_over_tcp(server: Daemon) -> None:
    got = await ask(server.address, query="big.acme.test", type="TXT")
    assert (got.reason, got.phases) == (None, ["query", "tcp_connect", "tcp_query"])
    assert got.findings["tcp_fallback"] is True
    assert got.findings["size"] > 2000
    assert got.site == "fra1.ns-a"

    got = await ask(server.address, query="big.acme.test", type="TXT", transport="tcp")
    assert (got.reason, got.phases) == (None, ["connect", "query"])


async def test_a_server_on_ipv6() -> None:
    async with nsd({"acme.test": ACME}, ip="::1") as running:
        for transport in ("udp", "tcp"):
            got = await ask(running.address, transport=transport)
            assert (got.reason, got.dims["family"], got.dims["address"]) == (None, "6", "::1")


async def test_a_killed_server_is_refused_and_a_new_one_answers(server: Daemon) -> None:
    server.kill()
    got = await ask(server.address)
    assert (got.reason, got.fault) == ("connect_refused", "target")
    async with nsd({"acme.test": ACME}, nsid="ams1.ns-a", port=server.address.port) as back:
        got = await ask(back.address)
        assert (got.reason, got.site) == (None, "ams1.ns-a")


async def test_a_resolver(resolver: Daemon) -> None:
    got = await ask(resolver.address, role="resolver", query="away.acme.test", expect=Answer(values=["192.0.2.7"]))
    assert (got.reason, got.site, got.dims["resolver"]) == (None, "fra1.resolver", "ns1.acme.test")
    assert got.findings["flags"] == ["RD", "RA"]
    assert [record["type"] for record in got.findings["answers"]] == ["CNAME", "A"]
    assert (await ask(resolver.address, role="resolver", query="no.acme.test")).reason == "dns_nxdomain"
    got = await ask(resolver.address)  # a resolver in the place of an authoritative server: refused without recursion
    assert got.reason in ("dns_refused", "dns_not_authoritative")


async def test_behind_a_dark_authority_the_cache_answers_and_the_rest_fails(server: Daemon, resolver: Daemon) -> None:
    assert (await ask(resolver.address, role="resolver")).verdict is None
    server.kill()
    cached = await ask(resolver.address, role="resolver")
    assert cached.verdict is None
    fresh = await ask(resolver.address, role="resolver", query="spf.acme.test", type="TXT")
    assert (fresh.reason, fresh.findings["rcode"]) == ("dns_servfail", "SERVFAIL")
    assert fresh.fault == "resolver"  # Unbound 1.17 gives no extended error that would tell


async def test_lookup_through_a_real_resolver(server: Daemon, resolver: Daemon) -> None:
    dead = Address.of("127.0.0.1", server.address.port)
    got = await find(tools(resolver.address), "alias.acme.test")
    assert sorted(got.addresses[:2]) == ["192.0.2.1", "192.0.2.2"]
    assert got.addresses[2:] == ["2001:db8::1"]
    assert (await find(tools(resolver.address), "no.acme.test")).blame == ("dns_nxdomain", "target")
    assert (await find(tools(resolver.address), "spf.acme.test")).blame == ("lookup_no_address", "target")
    server.kill()
    got = await find(tools(dead, resolver.address), "front.idp.test")
    assert (got.addresses, got.blame) == ([], ("dns_servfail", "resolver"))
    outcomes = {each["resolver"]: each["outcome"] for each in got.tries}
    assert outcomes == {dead: "refused", resolver.address: "SERVFAIL"}
    assert len(got.tries) == 4  # two types, and nobody twice
