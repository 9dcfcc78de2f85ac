"""Our own lookup: which addresses it finds, whom it asks, and whose fault it is when it finds none."""

from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import dns.flags
import dns.rdatatype
import msgspec
import pytest
import trio

from parallax.clock import to_ns
from parallax.observation import Phase
from parallax.plan.specs import HttpSpec
from parallax.plan.types import Check
from parallax.values import Address, Duration, Family, Redirect
from probe.attempt import record
from probe.dns.lookup import lookup, system_resolvers
from probe.judges.lookup import judge_lookup, judge_lost_time
from probe.runs import Vantage, run_target
from probe.tape import Evidence, Tape
from probe.tools import Tools
from probe.verdict import Verdict
from tests.fakes import dns_server as fake
from tests.fakes.dns_server import Query, UdpBehaviour, dns_server
from tests.parts.ports import free_port
from tests.probe.dns_attempts import tools


class Found(msgspec.Struct, frozen=True):
    addresses: list[str]
    evidence: Evidence
    verdict: Verdict | None

    @property
    def tries(self) -> list[dict[str, Any]]:
        return self.evidence.findings["lookup"]

    @property
    def blame(self) -> tuple[str, str] | None:
        return (self.verdict.reason, self.verdict.side) if self.verdict else None


async def find(
    with_tools: Tools, host: str = "www.acme.test", families: tuple[Family, ...] = (4, 6), timeout_s: float = 5.0
) -> Found:
    """As a run does it: in a phase, to its deadline."""
    tape = Tape()
    addresses: list[str] = []

    async def gather() -> None:
        with tape.phase("lookup"):
            addresses.extend(await lookup(host, families, with_tools, tape))

    await record(tape, timeout_s, gather)
    evidence = tape.evidence()
    return Found(addresses, evidence, judge_lookup(evidence))


def zone(**records: list[str]) -> UdpBehaviour:
    """Answers each type with its records ("owner data"), and other types with none."""

    async def behave(query: Query) -> None:
        rdtype = dns.rdatatype.to_text(query.message.question[0].rdtype)
        lines = []
        for line in records.get(rdtype, []):
            owner, data = line.split(" ", 1)
            kind = "CNAME" if data.startswith("CNAME ") else rdtype
            lines.append(f"{owner} 60 IN {kind} {data.removeprefix('CNAME ')}")
        await query.send(fake.answer(query.message, *lines, flags=0))

    return behave


def by_type(a: UdpBehaviour, aaaa: UdpBehaviour) -> UdpBehaviour:
    async def behave(query: Query) -> None:
        await (a if query.message.question[0].rdtype == 1 else aaaa)(query)

    return behave


BOTH = zone(A=["www.acme.test. 192.0.2.1", "www.acme.test. 192.0.2.2"], AAAA=["www.acme.test. 2001:db8::1"])


async def test_both_families_v4_first_in_the_answers_order() -> None:
    async with dns_server(BOTH) as server:
        got = await find(tools(server.address))
    assert got.addresses == ["192.0.2.1", "192.0.2.2", "2001:db8::1"]
    assert got.verdict is None
    assert {(each["type"], each["outcome"]) for each in got.tries} == {("A", "NOERROR"), ("AAAA", "NOERROR")}
    assert all(each["resolver"] == server.address and each["duration_ns"] > 0 for each in got.tries)
    assert [phase.name for phase in got.evidence.phases] == ["lookup"]
    assert all(message.flags & dns.flags.RD for _, message in server.asked)


@pytest.mark.parametrize(("family", "addresses"), [(4, ["192.0.2.1", "192.0.2.2"]), (6, ["2001:db8::1"])])
async def test_a_family_that_the_probe_lacks_is_not_asked_for(family: Family, addresses: list[str]) -> None:
    async with dns_server(BOTH) as server:
        got = await find(tools(server.address), families=(family,))
    assert got.addresses == addresses
    assert len(server.asked) == 1


async def test_aliases_are_followed_within_the_answer_and_repeats_left_out() -> None:
    chain = ["www.acme.test. CNAME a.idp.test.", "a.idp.test. CNAME B.idp.test.", "b.idp.test. 192.0.2.1"]
    async with dns_server(zone(A=[*chain, "b.idp.test. 192.0.2.1", "evil.test. 192.0.2.66"])) as server:
        got = await find(tools(server.address))
    assert got.addresses == ["192.0.2.1"]
    assert "b.idp.test" in [each.get("final_name") for each in got.tries]


async def test_an_alias_in_a_circle_ends() -> None:
    async with dns_server(zone(A=["www.acme.test. CNAME a.test.", "a.test. CNAME www.acme.test."])) as server:
        got = await find(tools(server.address))
    assert (got.addresses, got.blame) == ([], ("lookup_no_address", "target"))


async def test_at_most_sixteen_addresses() -> None:
    async with dns_server(zone(A=[f"www.acme.test. 192.0.2.{last}" for last in range(40)])) as server:
        assert len((await find(tools(server.address))).addresses) == 16


@pytest.mark.parametrize(
    ("host", "families", "addresses"),
    [
        ("192.0.2.9", (4, 6), ["192.0.2.9"]),
        ("2001:db8::9", (4, 6), ["2001:db8::9"]),
        ("localhost", (4, 6), ["127.0.0.1", "::1"]),
        ("api.localhost", (6,), ["::1"]),
    ],
)
async def test_literals_and_localhost_are_not_asked_for(
    host: str, families: tuple[Family, ...], addresses: list[str]
) -> None:
    async with dns_server() as server:
        got = await find(tools(server.address), host, families)
        assert server.asked == []
    assert got.addresses == addresses


async def test_the_resolver_may_be_private_but_a_redirect_of_it_may_not() -> None:
    async with dns_server(BOTH) as server:
        assert len((await find(tools(server.address, allow=()))).addresses) == 3
        redirects = [(Redirect("192.0.2.53:53"), server.address)]
        got = await find(tools(Address("192.0.2.53:53"), connect_to=redirects, allow=()))
        assert (got.addresses, got.blame) == ([], ("address_not_allowed", "config"))
        assert len((await find(tools(Address("192.0.2.53:53"), connect_to=redirects))).addresses) == 3


# ---- the next resolver


@pytest.mark.parametrize(
    ("first", "outcome"),
    [
        (fake.silent, "timeout"),
        (fake.with_rcode("SERVFAIL"), "SERVFAIL"),
        (fake.with_rcode("REFUSED"), "REFUSED"),
        (fake.garbage, "timeout"),
    ],
)
async def test_the_next_resolver_is_asked_when_one_fails(first: UdpBehaviour, outcome: str) -> None:
    async with dns_server(first) as one, dns_server(BOTH) as two:
        got = await find(tools(one.address, two.address), timeout_s=0.4)
    assert got.addresses == ["192.0.2.1", "192.0.2.2", "2001:db8::1"]
    assert {(each["resolver"], each["outcome"]) for each in got.tries} == {
        (one.address, outcome),
        (two.address, "NOERROR"),
    }


async def test_a_dead_resolver_costs_next_to_nothing() -> None:
    dead = Address.of("127.0.0.1", free_port())
    async with dns_server(BOTH) as server:
        got = await find(tools(dead, server.address))
    assert got.addresses[0] == "192.0.2.1"
    assert {each["outcome"] for each in got.tries if each["resolver"] == dead} == {"refused"}
    assert got.evidence.duration_ns < 1e9


async def test_one_lost_datagram_is_asked_again() -> None:
    lost: list[Query] = []

    async def loses_two(query: Query) -> None:
        lost.append(query)
        if len(lost) > 2:
            await BOTH(query)

    async with dns_server(loses_two) as server:
        got = await find(tools(server.address), timeout_s=0.4)
    assert len(got.addresses) == 3


@pytest.mark.parametrize("mute", [(BOTH, fake.silent), (fake.silent, BOTH)])
async def test_one_type_without_answer_does_not_cost_the_other(mute: tuple[UdpBehaviour, UdpBehaviour]) -> None:
    async with dns_server(by_type(*mute)) as server:
        got = await find(tools(server.address), timeout_s=0.4)
    assert got.addresses in (["192.0.2.1", "192.0.2.2"], ["2001:db8::1"])
    assert "timeout" in {each["outcome"] for each in got.tries}


async def test_a_truncated_answer_is_asked_for_over_tcp() -> None:
    async with dns_server(fake.truncated) as server:
        got = await find(tools(server.address), families=(4,))
    assert got.addresses == ["192.0.2.1"]
    assert [transport for transport, _ in server.asked] == ["udp", "tcp"]


async def test_a_resolver_that_said_no_is_not_asked_twice() -> None:
    async with dns_server(fake.with_rcode("SERVFAIL")) as server:
        got = await find(tools(server.address), families=(4,))
    assert [each["outcome"] for each in got.tries] == ["SERVFAIL"]
    assert len(server.asked) == 1


# ---- no address


Blame = tuple[str, str]


@pytest.mark.parametrize(
    ("udp", "blame"),
    [
        (fake.with_rcode("NXDOMAIN"), ("dns_nxdomain", "target")),
        (zone(), ("lookup_no_address", "target")),
        (fake.with_rcode("SERVFAIL"), ("dns_servfail", "resolver")),
        (fake.with_rcode("SERVFAIL", ede=22), ("dns_servfail", "target")),
        (fake.with_rcode("REFUSED"), ("dns_refused", "resolver")),
        (fake.with_rcode("NOTIMP"), ("dns_rcode", "resolver")),
        (fake.silent, ("dns_timeout", "resolver")),
        (by_type(zone(), fake.silent), ("dns_timeout", "resolver")),
        (by_type(fake.silent, fake.with_rcode("NXDOMAIN")), ("dns_nxdomain", "target")),
    ],
)
async def test_no_address_and_whose_fault(udp: UdpBehaviour, blame: Blame) -> None:
    async with dns_server(udp) as server:
        got = await find(tools(server.address), timeout_s=0.3)
    assert (got.addresses, got.blame) == ([], blame)


@pytest.mark.parametrize(
    ("tcp", "blame"),
    [
        (None, ("connect_refused", "resolver")),
        (fake.tcp_huge, ("dns_too_large", "resolver")),
        (fake.tcp_garbled, ("dns_malformed", "resolver")),
        (fake.tcp_closed, ("connection_closed", "resolver")),
        (fake.tcp_reset, ("connection_reset", "resolver")),
    ],
)
async def test_a_truncated_answer_that_tcp_does_not_bring(tcp: fake.TcpBehaviour | None, blame: Blame) -> None:
    async with dns_server(fake.truncated, tcp) as server:
        assert (await find(tools(server.address))).blame == blame


@pytest.mark.parametrize(
    ("reason", "lookup_s", "side"),
    [
        ("connect_timeout", 1.9, "target"),
        ("connect_timeout", 2.1, "resolver"),
        ("first_byte_timeout", 2.1, "resolver"),
        ("connect_refused", 2.1, "target"),
        ("dns_timeout", 0, "target"),
    ],
)
def test_time_that_the_lookup_took_is_not_held_against_the_target(reason: str, lookup_s: float, side: str) -> None:
    evidence = Evidence(phases=[Phase("lookup", 0, to_ns(lookup_s))], duration_ns=to_ns(4))
    assert judge_lost_time(Verdict(reason), evidence).side == side


async def test_a_run_blames_the_resolver_that_left_it_no_time() -> None:
    check = Check(
        name="c", kind="http", targets=["http://www.acme.test/"], spec=HttpSpec(), external=False, probes=[],
        period=Duration(30), timeout=Duration(0.8),
    )  # fmt: skip
    mute = await trio.open_tcp_listeners(0, host="127.0.0.1")
    to = Address.of("127.0.0.1", mute[0].socket.getsockname()[1])
    async with mute[0], dns_server(fake.silent) as one, dns_server(by_type(BOTH, fake.silent)) as two:
        with_tools = tools(one.address, two.address, connect_to=[(Redirect(f"192.0.2.{n}:80"), to) for n in (1, 2)])
        got = await run_target(check, check.targets[0], Vantage(probe="p", families=(4, 6)), with_tools, scheduled_at=0)
    assert [(o.reason, o.fault) for o in got] == [("first_byte_timeout", "resolver")] * 2


async def test_no_resolver_at_all_is_said_with_the_way_out() -> None:
    got = await find(tools())
    assert got.blame == ("local_error", "config")
    assert "resolvers" in got.evidence.findings["detail"]


async def test_the_most_telling_resolver_is_reported() -> None:
    async with AsyncExitStack() as stack:
        servers = [
            await stack.enter_async_context(dns_server(behave))
            for behave in (fake.silent, fake.with_rcode("SERVFAIL", ede=23), fake.with_rcode("REFUSED"))
        ]
        got = await find(tools(*(server.address for server in servers)), timeout_s=0.6)
    assert got.blame == ("dns_servfail", "target")


async def test_cancelled_anywhere_leaves_no_socket_and_the_tries_on_the_tape() -> None:
    async with dns_server(fake.silent) as server:
        before = _open_sockets()
        tape = Tape()
        with trio.CancelScope() as scope:
            async with trio.open_nursery() as nursery:

                async def watch() -> None:
                    while len(server.asked) < 2:
                        await trio.lowlevel.checkpoint()
                    scope.cancel()

                nursery.start_soon(watch)
                await lookup("www.acme.test", (4, 6), tools(server.address), tape)
        assert _open_sockets() == before
    assert [each["outcome"] for each in tape.findings["lookup"]] == ["timeout", "timeout"]


def _open_sockets() -> int:
    return sum(1 for fd in Path("/proc/self/fd").iterdir() if fd.is_symlink() and "socket:" in str(_target(fd)))


def _target(fd: Path) -> str:
    try:
        return str(fd.readlink())
    except OSError:
        return ""


# ---- resolv.conf


@pytest.mark.parametrize(
    ("text", "resolvers"),
    [
        ("nameserver 192.0.2.1\nnameserver 2001:db8::1\n", ["192.0.2.1:53", "[2001:db8::1]:53"]),
        ("# nameserver 192.0.2.1\n; x\nsearch acme.test\nnameserver\t192.0.2.2 # first\n", ["192.0.2.2:53"]),
        ("nameserver\nnameserver fe80::1%eth0\nnameserver ns1.acme.test\n", []),
        ("nameserver 192.0.2.1\nnameserver 192.0.2.1\n", ["192.0.2.1:53"]),
        ("\xff\x00\n", []),
    ],
)
def test_system_resolvers(text: str, resolvers: list[str], tmp_path: Path) -> None:
    (tmp_path / "resolv.conf").write_text(text, encoding="latin-1")
    assert list(system_resolvers(str(tmp_path / "resolv.conf"))) == resolvers


def test_system_resolvers_without_the_file(tmp_path: Path) -> None:
    assert system_resolvers(str(tmp_path / "none")) == ()


@pytest.mark.parametrize(("families", "abstain"), [((6,), "no_family"), ((4, 6), None)])
async def test_a_probe_of_one_family_does_not_blame_a_name_of_the_other(
    families: tuple[Family, ...], abstain: str | None
) -> None:
    records = {"A": ["www.acme.test. 192.0.2.1"]} if abstain else {}
    check = Check(
        name="c", kind="http", spec=HttpSpec(), targets=["http://www.acme.test/"], external=True, probes=[],
        period=Duration(30), timeout=Duration(5),
    )  # fmt: skip
    async with dns_server(zone(**records)) as server:
        got = await run_target(
            check, check.targets[0], Vantage(probe="p", families=families), tools(server.address), scheduled_at=0
        )
    assert [(o.reason, o.abstain) for o in got] == [("lookup_no_address", abstain)]
