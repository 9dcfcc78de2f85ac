"""Hosts of every kind, in network namespaces: what the doctor says of them. Documentation addresses are asked for, and
there is nobody but who the test puts there."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import dns.edns
import dns.flags
import dns.message
import dns.rrset
import pytest
import trio

from parallax.config import CollectorAddress, ProbeConfig
from parallax.values import Address, Cidr, Family, Url
from probe.doctor.facts import Facts
from probe.doctor.gather import examine
from probe.doctor.judge import Line, exit_status, judge
from tests.collector.serving import PLAN, collector
from tests.fakes.dns_server import Query, UdpBehaviour, dns_server
from tests.parts.namespace import Namespace, network_namespace

pytestmark = pytest.mark.slow

DOCUMENTATION = [Cidr(text) for text in ("198.51.100.0/24", "2001:db8::/32", "127.0.0.0/8")]
UP: dict[Family, str] = {4: "203.0.113.7", 6: "2001:db8:ffff::7"}
HOSTS = ("198.51.100.1", "198.51.100.2", "2001:db8:1::1")
RESOLVER: dict[Family, str] = {4: "198.51.100.53", 6: "2001:db8:1::53"}
WITHIN_S = 0.5


def talks(translated: str = "") -> UdpBehaviour:
    """A resolver behind which all is well; with `translated` the network has NAT64."""

    async def behave(query: Query) -> None:
        asked = query.message.question[0]
        reply = dns.message.make_response(query.message)
        reply.use_edns(0, options=[dns.edns.GenericOption(dns.edns.NSID, b"fra1")])
        if asked.name.to_text() == "ipv4only.arpa." and translated:
            reply.answer.append(dns.rrset.from_text(asked.name, 60, "IN", "AAAA", translated))
        elif asked.name.to_text() == ".":
            names = [f"{letter * 60}.example." for letter in "abcdefghijklm"]
            reply.answer.append(dns.rrset.from_text(".", 60, "IN", "NS", *names))
        await query.send(reply.to_wire(max_size=4096))

    return behave


@pytest.fixture
def net() -> Iterator[Namespace]:
    with network_namespace() as made:
        made.add(*HOSTS, *RESOLVER.values(), "2001:db8:2::1", "2001:db8:2::2")
        yield made


@asynccontextmanager
async def listening(*addresses: str) -> AsyncIterator[None]:
    """TCP connections are taken here."""

    async def take(stream: trio.SocketStream) -> None:
        await stream.aclose()

    async with trio.open_nursery() as nursery:
        for address in map(Address, addresses):
            await nursery.start(partial(trio.serve_tcp, take, address.port, host=address.ip))
        yield
        nursery.cancel_scope.cancel()


async def facts_of(family: Family, behave: UdpBehaviour, net: Namespace, *, more: tuple[str, ...] = ()) -> Facts:
    """With a resolver and a control of one family, and roots that nobody reaches."""
    control = {4: "198.51.100.1:443", 6: "[2001:db8:1::1]:443"}[family]
    async with dns_server(behave) as server, listening(control):
        if family == 4:
            net.redirect(53, server.address, RESOLVER[4])
            resolver = Address.of(RESOLVER[4], 53)
        else:
            resolver = server.address  # the fake speaks IPv4 alone; a stub on this host does as well
        config = ProbeConfig(id="p1", state="", collector=[], resolvers=[resolver], allow=DOCUMENTATION)
        return await examine(config, controls=[Address(control)], more=tuple(map(Address, more)), within_s=WITHIN_S)


def by_name(facts: Facts) -> dict[str, Line]:
    return {line.what: line for line in judge(facts)}


async def test_a_host_with_ipv4_alone(net: Namespace) -> None:
    net.uplink(UP[4])
    lines = by_name(await facts_of(4, talks(), net))
    assert (lines["IPv4"].state, lines["IPv4"].why[:49]) == ("ok", "from 203.0.113.7, 1 of 1 controls answer; that is")
    assert (lines["IPv6"].state, lines["IPv6"].capability) == ("missing", "ipv6")
    assert {lines[what].state for what in ("port 53", "resolvers", "NAT64", "EDNS at resolvers", "port 443 out")} == {
        "ok"
    }
    assert lines["NSID"].state == "unknown", "no root server is to be reached"


async def test_a_host_with_ipv6_alone_behind_nat64(net: Namespace) -> None:
    net.uplink(UP[6])
    lines = by_name(await facts_of(6, talks("64:ff9b::c000:aa"), net))
    assert (lines["IPv6"].state, lines["IPv4"].state, lines["IPv4"].capability) == ("ok", "missing", "ipv4")
    assert "families = [6]" in lines["IPv4"].todo
    assert (lines["NAT64"].state, "64:ff9b::/96" in lines["NAT64"].why) == ("ok", True)
    assert lines["port 53"].state == "ok"


async def test_port_53_intercepted(net: Namespace) -> None:
    net.uplink(UP[4])
    async with dns_server(talks()) as middle:
        net.redirect(53, middle.address)
        facts = await facts_of(4, talks(), net)
    lines = by_name(facts)
    assert (lines["port 53"].state, lines["port 53"].capability) == ("missing", "direct_dns")
    assert "udp over IPv4" in lines["port 53"].why
    assert lines["NSID"].state == "ok", "who answers says that it is fra1"


async def test_port_853_dropped_and_open(net: Namespace) -> None:
    net.uplink(*UP.values())
    dot = ("198.51.100.1:853", "198.51.100.2:853")
    async with listening(*dot, "198.51.100.2:443"):
        lines = by_name(await facts_of(4, talks(), net, more=dot))
        assert (lines["port 853 out"].state, lines["port 853 out"].why) == ("ok", "2 of 2 answer")
        net.mend()
        net.drop("198.51.100.1", only="tcp", port=853)
        lines = by_name(await facts_of(4, talks(), net, more=dot))
        assert lines["port 853 out"].state == "ok", "one is open: the other may be its resolver's trouble"
        net.mend()
        net.drop("198.51.100.1", "198.51.100.2", only="tcp", port=853)
        lines = by_name(await facts_of(4, talks(), net, more=dot))
        assert (lines["port 853 out"].state, lines["port 853 out"].capability) == ("missing", "dot")
        assert {lines["IPv4"].state, lines["IPv6"].state} == {"ok"}


async def test_a_host_without_any_way_out(net: Namespace) -> None:
    config = ProbeConfig(id="p1", state="", collector=[], resolvers=[Address("198.51.100.9:53")], allow=DOCUMENTATION)
    lines = judge(await examine(config, within_s=WITHIN_S))
    assert {line.what: line.state for line in lines}["IPv4"] == "wrong"
    assert exit_status(lines) == 1


async def test_what_collectors_say_of_it(net: Namespace, tmp_path: Path) -> None:
    plan = f"""{PLAN}
[[probe]]
id = "fra1"
asn = 64500
families = [4]
"""
    async with collector(tmp_path, plan=plan) as served:
        texts = {"good": served.token("fra1"), "other": served.token("lon1"), "bad": "nothing"}
        for name, text in texts.items():
            (tmp_path / name).write_text(text)
            (tmp_path / name).chmod(0o600)

        async def of(name: str, port: int) -> tuple[Facts, Line]:
            url = Url(f"http://127.0.0.1:{port}")
            to = CollectorAddress(url=url, token=f"file:{tmp_path / name}")
            facts = await examine(ProbeConfig(id="fra1", state=str(tmp_path), collector=[to]), within_s=WITHIN_S)
            return facts, by_name(facts)["collector"]

        port = served.running.address.port
        facts, line = await of("good", port)
        assert (line.state, facts.asn, facts.wanted, facts.planned) == ("ok", 64500, (4,), True)
        assert facts.targets == {"192.0.2.1": ("192.0.2.1",)}
        offset_s = facts.collectors[0].offset_s
        assert offset_s is not None
        assert abs(offset_s) < 2
        _, line = await of("other", port)
        assert (line.state, "that of 'lon1'" in line.why) == ("wrong", True)
        _, line = await of("bad", port)
        assert (line.state, line.why.endswith("the token is missing, unknown or revoked")) == ("wrong", True)
        _, line = await of("none", port)
        assert (line.state, "none cannot be read" in line.why) == ("wrong", True)
        _, line = await of("good", 1)
        assert (line.state, line.todo) == ("wrong", "is it up, and the way open?")
