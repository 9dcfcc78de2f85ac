"""The dns.zone check against servers that misbehave: what each fault is called, and that it hides nothing else."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager

import dns.edns
import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset
import msgspec
import pytest
import trio

from parallax.dialling.route import EVERYWHERE, Routes
from parallax.dialling.tls import Trust
from parallax.observation import Observation
from parallax.plan.types import Operator
from parallax.values import Address, Redirect
from probe.checks.zone_compare import problems_of, worst
from probe.checks.zone_last import ChildSays, Last
from probe.dns.cuts import Delegation, NameServer, ParentSays
from probe.tools import Tools
from tests.fakes.dns_server import (
    DnsServer,
    Query,
    UdpBehaviour,
    answer,
    dns_server,
    garbage,
    no_edns,
    silent,
    tcp_closed,
    with_rcode,
)
from tests.probe.zone_runs import by_subject, zone_run

ROOT, ONE, TWO = Address("198.51.100.1:53"), Address("192.0.2.1:53"), Address("198.51.100.2:53")
ZONE = "acme.test"
SOA = "acme.test. 300 IN SOA ns1.acme.test. h.acme.test. {} 3600 600 86400 60"
NS = ("acme.test. 300 IN NS ns1.acme.test.", "acme.test. 300 IN NS ns2.acme.test.")
HOSTS = {"ns1.acme.test.": ONE, "ns2.acme.test.": TWO}


async def delegating(query: Query) -> None:
    """A root that has delegated acme.test, and is asked for its DS, too."""
    reply = dns.message.make_response(query.message)
    if query.message.question[0].rdtype == dns.rdatatype.DS:
        reply.flags |= dns.flags.AA
        reply.authority.append(dns.rrset.from_text(".", 300, "IN", "SOA", "a.root. h.root. 1 2 3 4 5"))
    else:
        reply.authority.append(dns.rrset.from_text("acme.test.", 300, "IN", "NS", *HOSTS))
        reply.additional += [dns.rrset.from_text(name, 300, "IN", "A", at.ip) for name, at in HOSTS.items()]
    await query.send(reply.to_wire())


def said(message: dns.message.Message, serial: int = 1, data: str | None = "192.0.2.80") -> bytes:
    """What a good server of the zone says."""
    question = message.question[0]
    name, rdtype = question.name.to_text(), dns.rdatatype.to_text(question.rdtype)
    if rdtype == "SOA":
        return answer(message, SOA.format(serial))
    if rdtype == "NS":
        reply = dns.message.make_response(message)
        reply.flags |= dns.flags.AA
        reply.answer.append(dns.rrset.from_text("acme.test.", 300, "IN", "NS", *HOSTS))
        return reply.to_wire()
    if name in HOSTS:
        return answer(message, *([f"{name} 300 IN A {HOSTS[name].ip}"] if rdtype == "A" else []))
    return answer(message, f"{name} 60 IN A {data}") if data else answer(message, rcode="NXDOMAIN")


def serving(serial: int = 1, data: str | None = "192.0.2.80") -> UdpBehaviour:
    async def behave(query: Query) -> None:
        await query.send(said(query.message, serial, data))

    return behave


async def tcp_serving(stream: trio.SocketStream, message: dns.message.Message) -> None:
    wire = said(message)
    await stream.send_all(len(wire).to_bytes(2, "big") + wire)


class Scene:
    """A root and the zone's two servers, whose behaviour a test changes."""

    def __init__(self, root: DnsServer, one: DnsServer, two: DnsServer) -> None:
        self.root, self.one, self.two = root, one, two
        self.tools = Tools(
            routes=Routes.of(
                [
                    (Redirect(ROOT), root.address),
                    (Redirect(ONE), one.address),
                    (Redirect(TWO), two.address),
                ],
                EVERYWHERE,
            ),
            trust=Trust(),
            resolvers=(),
            families=(4,),
            roots=(ROOT,),
        )

    async def run(self, timeout_s: float = 2.0, **spec: str) -> dict[str, Observation]:
        return by_subject(await zone_run(self.tools, ZONE, timeout_s=timeout_s, **spec))


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    async with zone_scene() as made:
        yield made


@asynccontextmanager
async def zone_scene() -> AsyncIterator[Scene]:
    async with AsyncExitStack() as stack:
        servers = [
            await stack.enter_async_context(dns_server(behave, tcp_serving))
            for behave in (delegating, serving(), serving())
        ]
        yield Scene(*servers)


def reasons(seen: dict[str, Observation]) -> dict[str, str | None]:
    return {subject: each.reason for subject, each in seen.items() if each.reason is not None}


async def test_all_is_well(scene: Scene) -> None:
    seen = await scene.run(data="www.acme.test")
    assert seen.keys() == {"delegation", str(ONE), str(TWO), f"{ONE}/tcp", f"{TWO}/tcp"}
    assert reasons(seen) == {}
    assert seen[str(ONE)].dims["operator"] == "acme.test"


@pytest.mark.parametrize(
    ("behave", "reason", "word"),
    [
        (silent, "dns_timeout", "timeout"),
        (garbage, "dns_bad_replies", "bad_replies"),
        (with_rcode("SERVFAIL"), "dns_lame", "lame_servfail"),
        (with_rcode("REFUSED"), "dns_lame", "lame_refused"),
        (with_rcode("NXDOMAIN"), "dns_lame", "auth_nxdomain"),
        (with_rcode("NOERROR", flags=0), "dns_lame", "lame_empty"),
        (with_rcode("NOERROR"), "dns_lame", "auth_nodata"),
        (delegating, "dns_lame", "lame_self"),
    ],
)
async def test_one_bad_server(scene: Scene, behave: UdpBehaviour, reason: str, word: str) -> None:
    scene.two.udp = behave
    seen = await scene.run(timeout_s=1.0)
    assert reasons(seen) == {str(TWO): reason}
    assert (seen[str(TWO)].findings["class"], seen[str(TWO)].fault) == (word, "target")


async def test_tcp_that_is_closed_is_its_own_subject(scene: Scene) -> None:
    scene.two.tcp = tcp_closed
    seen = await scene.run()
    assert reasons(seen) == {f"{TWO}/tcp": "connection_closed"}


async def test_a_server_that_is_back_is_asked_over_tcp_before_its_time(scene: Scene) -> None:
    scene.two.udp, scene.two.tcp = silent, tcp_closed
    over_tcp = []
    for back in (False, False, True, True, True):
        if back:
            scene.two.udp, scene.two.tcp = serving(), tcp_serving
        seen = await scene.run(timeout_s=1.0)
        over_tcp.append({subject: seen[subject].reason for subject in seen if subject.endswith("/tcp")})
    first, *dark, after, last = over_tcp
    assert first == {f"{ONE}/tcp": None, f"{TWO}/tcp": "connection_closed"}
    assert dark == [{}, {}], "its period is not over, and it is dark"
    assert after == {f"{TWO}/tcp": None}
    assert last == {}


async def test_a_server_without_edns_is_degraded(scene: Scene) -> None:
    async def behave(query: Query) -> None:
        await (no_edns if query.message.edns >= 0 else serving())(query)

    scene.two.udp = behave
    seen = await scene.run()
    assert reasons(seen) == {str(TWO): "dns_edns_broken"}
    assert seen[str(TWO)].findings["serial"] == 1


async def test_data_that_a_server_denies_or_does_not_serve(scene: Scene) -> None:
    scene.two.udp = serving(data=None)
    assert reasons(await scene.run(data="www.acme.test")) == {str(TWO): "dns_nxdomain"}

    async def partly(query: Query) -> None:
        rdtype = query.message.question[0].rdtype
        await (with_rcode("REFUSED") if rdtype == dns.rdatatype.A else serving())(query)

    async with zone_scene() as other:
        other.two.udp = partly
        seen = await other.run(data="www.acme.test")
        assert reasons(seen) == {str(TWO): "dns_lame_partly"}
        assert seen[str(TWO)].findings["data"]["class"] == "lame_refused"


async def test_a_box_that_answers_for_everybody_blames_no_server(scene: Scene) -> None:
    async def middlebox(query: Query) -> None:
        await query.send(answer(query.message, SOA.format(1), flags=dns.flags.RA))

    scene.one.udp = middlebox
    assert reasons(await scene.run()) == {str(ONE): "dns_lame"}, "one of two is lame"
    scene.two.udp = middlebox
    seen = await scene.run()
    assert reasons(seen) == {str(ONE): "dns_intercepted", str(TWO): "dns_intercepted"}
    assert {seen[str(ONE)].fault, seen[str(TWO)].fault} == {"network"}


async def test_a_box_that_answers_over_udp_alone_is_told_by_that(scene: Scene) -> None:
    async def middlebox(query: Query) -> None:
        await query.send(answer(query.message, SOA.format(1), flags=dns.flags.RA))

    scene.one.udp = scene.two.udp = middlebox
    seen = await scene.run()
    assert f"{ONE}/tcp" in seen
    assert reasons(seen) == {str(ONE): "dns_intercepted", str(TWO): "dns_intercepted"}, "over TCP all is well"


@pytest.mark.parametrize(
    ("ids", "operators", "reason"),
    [
        ((b"box", b"box"), True, "dns_intercepted"),
        ((b"box", b"other"), True, "dns_lame"),
        ((b"box", b"box"), False, "dns_lame"),
        ((b"", b""), True, "dns_lame"),
    ],
)
async def test_one_foreign_id_in_the_place_of_several_operators(
    scene: Scene, ids: tuple[bytes, bytes], operators: bool, reason: str
) -> None:
    """As seen in measurements: REFUSED with the name of a filter on the way. One operator alone may well name all of
    its servers alike, and refuse."""

    def refusing(nsid: bytes) -> UdpBehaviour:
        async def behave(query: Query) -> None:
            reply = dns.message.make_response(query.message)
            reply.set_rcode(dns.rcode.REFUSED)
            if nsid:
                reply.use_edns(0, options=[dns.edns.NSIDOption(nsid)])
            await query.send(reply.to_wire())

        return behave

    scene.one.udp, scene.two.udp = map(refusing, ids)
    if operators:
        planned = (Operator(name="dns-a", servers=[ONE.ip]), Operator(name="dns-b", servers=[TWO.ip]))
        scene.tools = msgspec.structs.replace(scene.tools, operators=planned)
    assert reasons(await scene.run()) == {str(ONE): reason, str(TWO): reason}


async def test_serials_are_told_for_each_server(scene: Scene) -> None:
    scene.two.udp = serving(serial=4294967295)
    seen = await scene.run()
    assert [seen[str(at)].findings["serial"] for at in (ONE, TWO)] == [1, 4294967295]


async def test_roots_that_are_silent_are_the_networks_fault_and_end_in_time(scene: Scene) -> None:
    scene.root.udp = silent
    began = trio.current_time()
    seen = await scene.run(timeout_s=1.0)
    assert trio.current_time() - began < 2.5
    assert (seen["delegation"].reason, seen["delegation"].fault) == ("dns_parent_unreachable", "network")
    assert seen.keys() == {"delegation"}


async def test_what_is_beyond_the_budget_is_not_asked_and_does_not_count(scene: Scene) -> None:
    await scene.run()
    budget, asked = scene.tools.memory.budget, len(scene.one.asked)
    budget.limit(1)
    for _ in range(40):
        budget.take(str(ONE), trio.current_time())
    seen = await scene.run()
    assert (seen[str(ONE)].reason, seen[str(ONE)].abstain) == ("over_budget", "over_budget")
    assert len(scene.one.asked) == asked
    assert budget.refused["acme.test"] > 20


async def test_a_run_that_is_cancelled_leaves_a_memory_that_works(scene: Scene) -> None:
    scene.two.udp = silent
    for after_s in (0.0, 0.001, 0.01, 0.1):
        with trio.move_on_after(after_s):
            await scene.run(data="www.acme.test")
    scene.two.udp = serving()
    assert reasons(await scene.run()) == {}


# What is wrong with a delegation: pure


def found(*ns: str, **changes: object) -> Delegation:
    parents = tuple(ParentSays(server=f"p{n}", address=Address(f"198.51.100.{n}:53"), ns=ns) for n in (1, 2))
    servers = tuple(NameServer(name=name, addresses=(Address(f"192.0.{place}.1:53"),)) for place, name in enumerate(ns))
    keys = {"zone": "a.test", "parent": "test", "parents": parents, "ns": ns, "ds": (), "ttl": 300, "servers": servers}
    return Delegation(**{**keys, **changes})  # type: ignore[arg-type]


def children(*sets: tuple[str, ...] | str) -> dict[Address, ChildSays]:
    says = [ChildSays(failure=each) if isinstance(each, str) else ChildSays(ns=each) for each in sets]
    return {Address(f"192.0.{place}.1:53"): each for place, each in enumerate(says)}


def parents(*sets: tuple[str, ...] | str) -> tuple[ParentSays, ...]:
    def one(place: int, each: tuple[str, ...] | str) -> ParentSays:
        address = Address(f"198.51.100.{place}:53")
        if isinstance(each, str):
            return ParentSays(server="p", address=address, failure=each)
        return ParentSays(server="p", address=address, ns=each)

    return tuple(one(place, each) for place, each in enumerate(sets))


def cases() -> Iterator[tuple[Delegation, dict[Address, ChildSays], dict[str, list[str]], str | None]]:
    ab, both = ("a.b", "b.b"), found("a.b", "b.b")
    yield both, children(ab, ab), {}, None
    yield both, children("timeout", "lame_refused"), {}, None  # nothing is claimed of servers that did not answer
    yield both, children(("a.b",)), {"parent_extra_ns": ["b.b"]}, "dns_delegation_wrong"
    yield both, children(("a.b", "b.b", "c.b")), {"child_extra_ns": ["c.b"]}, None
    yield both, children(("c.b",)), {"total_mismatch": ["c.b"]}, "dns_delegation_wrong"
    inconsistent = {"child_inconsistent": ["192.0.0.1 a.b b.b", "192.0.1.1 b.b a.b"]}
    yield both, children(ab, ("b.b", "a.b")), inconsistent, "dns_delegation_inconsistent"
    yield both, children(ab, ab, ("left.b",)), {}, None  # who is named by nobody says nothing of the delegation
    differ = found("a.b", "b.b", parents=parents(ab, ("a.b",), "timeout"))
    words = {"parent_inconsistent": ["198.51.100.0 a.b b.b", "198.51.100.1 a.b"]}
    yield differ, children(ab), words, "dns_delegation_inconsistent"
    half = found("a.b", "b.b", parents=parents(ab, "no_delegation"))
    words = {"parent_inconsistent": ["198.51.100.0 a.b b.b", "198.51.100.1 no delegation"]}
    yield half, children(ab), words, "dns_delegation_inconsistent"
    lost = NameServer(name="b.b", failure="no_such_name")
    yield found("a.b", "b.b", servers=(both.servers[0], lost)), {}, {"ns_unresolvable": ["b.b"]}, "dns_delegation_wrong"
    words = {"ns_unresolvable": ["b.b"], "no_server": ["a.test"]}
    yield found("b.b", servers=(lost,)), {}, words, "dns_delegation_broken"
    bare = NameServer(name="b.b", failure="timeout")
    yield found("b.b", servers=(bare,)), {}, {}, None
    glue = NameServer(name="n.a.test", failure="glue_missing")
    yield (
        found("n.a.test", "a.b", servers=(glue, *both.servers)),
        {},
        {"glue_missing": ["n.a.test"]},
        ("dns_delegation_broken"),
    )


@pytest.mark.parametrize(("delegation", "says", "problems", "reason"), list(cases()))
def test_problems_of_a_delegation(
    delegation: Delegation, says: dict[Address, ChildSays], problems: dict[str, list[str]], reason: str | None
) -> None:
    seen = problems_of(delegation, says, {})
    assert (seen, worst(seen)) == (problems, reason)


def test_an_operator_that_a_zone_has_left_is_not_watched_by_its_own_word() -> None:
    last = Last()
    last.met(found("a.b"), 0)
    mine, left = found("a.b").servers[0].addresses[0], Address("203.0.113.9:53")
    last.heard({mine: ChildSays(ns=("a.b", "own.b")), left: ChildSays(ns=("left.b",))}, 0)
    assert last.only_child() == ["own.b"]


def test_a_move_is_followed_more_closely_for_a_while() -> None:
    last = Last()
    last.met(found("a.b"), 0)
    last.heard(children(("a.b",)), 0)
    assert not last.ns_due(200)
    assert last.ns_due(300)
    last.met(found("c.b", "d.b"), 400)
    assert last.ns_due(401)
    assert not last.in_move(400 + 900)
    assert last.former == (), "the same address under another name is no former server"
    last.met(found("x.b", servers=()), 500)
    assert (len(last.former), last.former_until) == (2, 800)
