"""dns.resolve against resolvers that misbehave on demand, over real sockets."""

import dns.edns
import dns.flags
import dns.message
import dns.rcode
import pytest
import trio

from parallax.dialling.route import EVERYWHERE, Routes
from parallax.dialling.tls import Trust
from parallax.observation import Observation
from parallax.plan.types import Resolver
from parallax.values import Address, Endpoint, Redirect
from probe.dns.resolvers import Control, Resolvers, Trace
from probe.tools import Tools
from tests.fakes import dns_server as fake
from tests.fakes.dns_server import Query, dns_server
from tests.probe.resolves import CONTROL, Resolving

RA = dns.flags.RA


def name_of(query: Query) -> str:
    return query.message.question[0].name.to_text(omit_final_dot=True)


def by_name(*, control: fake.UdpBehaviour | None = None, name: fake.UdpBehaviour | None = None) -> fake.UdpBehaviour:
    """A resolver that treats the control name otherwise than the rest."""

    async def behave(query: Query) -> None:
        if name_of(query) == CONTROL:
            await (control or records(f"{CONTROL}. 60 IN A 203.0.113.99"))(query)
        else:
            await (name or records("www.acme.test. 60 IN A 203.0.113.7"))(query)

    return behave


def records(*lines: str) -> fake.UdpBehaviour:
    return fake.with_records(*lines, flags=RA)


def with_ede(code: int, *lines: str) -> fake.UdpBehaviour:
    async def behave(query: Query) -> None:
        reply = dns.message.from_wire(fake.answer(query.message, *lines, flags=RA))
        reply.use_edns(0, options=[dns.edns.EDEOption(code, "said so")])
        await query.send(reply.to_wire())

    return behave


def servfail_unless_cd() -> fake.UdpBehaviour:
    async def behave(query: Query) -> None:
        if query.message.flags & dns.flags.CD:
            await records("www.acme.test. 60 IN A 203.0.113.7")(query)
        else:
            await fake.with_rcode("SERVFAIL", flags=RA)(query)

    return behave


async def test_a_name_that_resolves_is_written_down_with_its_control() -> None:
    chain = "www.acme.test. 300 IN CNAME fe.idp.test.", "fe.idp.test. 20 IN A 203.0.113.7"
    async with dns_server(by_name(name=records(*chain))) as server:
        probe = Resolving({"r1": server.address})
        seen = await probe.one()
    assert (seen.reason, seen.subject, seen.target) == (None, "r1", "www.acme.test")
    assert seen.dims == {"resolver": "r1", "transport": "udp", "address": "192.0.2.53", "family": "4"}
    found = seen.findings
    assert (found["class"], found["rcode"], found["min_ttl"], found["answer_count"]) == ("fresh", "NOERROR", 20, 2)
    assert found["answers"][0] == {"owner": "www.acme.test", "type": "CNAME", "ttl": 300, "text": "fe.idp.test."}
    assert (found["control"]["name"], found["control"]["class"]) == (CONTROL, "ok")
    assert found["rtt_ns"] > 0
    assert probe.memory.names.under("test") == ["www.acme.test", "fe.idp.test"]
    assert all(message.flags & dns.flags.RD for _, message in server.asked)
    assert all(dns.edns.NSID in {option.otype for option in message.options} for _, message in server.asked)


async def test_names_that_resolve_share_a_control() -> None:
    async with dns_server(by_name()) as server:
        probe = Resolving({"r1": server.address})
        seen = [await probe.one() for _ in range(4)]
        asked = [message.question[0].name.to_text(omit_final_dot=True) for _, message in server.asked]
    assert asked.count(CONTROL) == 1
    assert len(asked) == 5
    assert "age_ns" not in seen[0].findings["control"]
    assert all(each.findings["control"]["age_ns"] > 0 for each in seen[1:])


async def test_names_of_one_moment_ask_one_control() -> None:
    async with dns_server(by_name()) as server:
        probe = Resolving({"r1": server.address})
        async with trio.open_nursery() as nursery:
            for _ in range(20):
                nursery.start_soon(probe.one)
        controls = [each for _, each in server.asked if each.question[0].name.to_text() == f"{CONTROL}."]
    assert len(controls) == 1
    assert probe.memory.of(Resolvers).controls_under_way == {}


async def test_a_control_whose_asker_is_cancelled_is_asked_by_who_waits_for_it() -> None:
    async with dns_server(fake.silent) as server, trio.open_nursery() as nursery:
        probe, mine = Resolving({"r1": server.address}), trio.CancelScope()
        old = Control("ok", 1_000_000, trio.current_time() - 40)  # proves nothing any more
        probe.memory.of(Resolvers).controls.put("r1 192.0.2.53:53 udp", old, old.at)
        seen: list[Observation] = []
        done = trio.Event()

        async def cancelled() -> None:
            with mine:
                await probe.one()

        async def waiting() -> None:
            seen.append(await probe.one(timeout_s=2.0))
            done.set()

        nursery.start_soon(cancelled)
        while not probe.memory.of(Resolvers).controls_under_way:
            await trio.lowlevel.checkpoint()
        nursery.start_soon(waiting)
        while len(server.asked) < 3:  # the name and its control, and the other one's name
            await trio.lowlevel.checkpoint()
        mine.cancel()
        await done.wait()
    assert (seen[0].reason, seen[0].findings["control"]["class"]) == ("dns_resolver_down", "timeout")
    assert probe.memory.of(Resolvers).controls_under_way == {}


async def test_a_kept_control_is_no_proof_for_a_name_that_fails() -> None:
    """The resolver dies between two runs: a control of a moment ago must not put that on the name."""
    async with dns_server(by_name()) as server:
        probe = Resolving({"r1": server.address})
        assert (await probe.one()).reason is None
        server.udp = fake.silent
        seen = await probe.one(timeout_s=2.0)
        assert (seen.reason, seen.fault) == ("dns_resolver_down", "resolver")
        assert "age_ns" not in seen.findings["control"]
        server.udp = by_name(name=fake.silent)
        again = await probe.one(timeout_s=2.0)  # a failed control is shared for a moment: it accuses no name
        assert again.reason == "dns_resolver_down"


async def test_a_name_that_is_late_has_its_control_asked_meanwhile() -> None:
    async with dns_server(by_name()) as server:
        probe = Resolving({"r1": server.address})
        assert (await probe.one()).reason is None
        server.udp = by_name(name=fake.silent)
        seen = await probe.one(timeout_s=2.0)
    assert (seen.reason, seen.findings["control"]["class"]) == ("dns_name_down", "ok")
    assert "age_ns" not in seen.findings["control"]


async def test_a_silent_name_beside_a_control_is_the_name_and_a_silent_resolver_is_the_resolver() -> None:
    async with dns_server(by_name(name=fake.silent)) as server:
        name = await Resolving({"r1": server.address}).one(timeout_s=1.5)
    async with dns_server(fake.silent) as server:
        resolver = await Resolving({"r1": server.address}).one(timeout_s=1.5)
    assert (name.reason, name.fault, name.findings["class"]) == ("dns_name_down", "target", "timeout")
    assert (resolver.reason, resolver.fault) == ("dns_resolver_down", "resolver")
    assert resolver.findings["control"]["class"] == "timeout"
    assert max(name.duration_ns, resolver.duration_ns) < 1_700_000_000


async def test_two_resolvers_whose_controls_fail_are_the_probes_network_and_do_not_count() -> None:
    async with dns_server(fake.silent) as one, dns_server(fake.silent) as two:
        seen = await Resolving({"r1": one.address, "r2": two.address}).run(timeout_s=1.5)
    assert {each.reason for each in seen.values()} == {"dns_network_down"}
    assert {each.abstain for each in seen.values()} == {"network_down"}
    assert {each.fault for each in seen.values()} == {"network"}


async def test_a_resolver_is_down_beside_one_that_is_not() -> None:
    async with dns_server(fake.silent) as one, dns_server(by_name()) as two:
        seen = await Resolving({"r1": one.address, "r2": two.address}).run(timeout_s=1.5)
    assert (seen["r1"].reason, seen["r2"].reason) == ("dns_resolver_down", None)
    assert seen["r2"].duration_ns < 300_000_000  # nobody waits for another resolver


async def test_a_name_that_resolves_does_not_wait_for_its_control() -> None:
    async with dns_server(by_name(control=fake.silent)) as server:
        seen = await Resolving({"r1": server.address}).one(timeout_s=5.0)
    assert (seen.reason, seen.findings["control"]) == (None, {"name": CONTROL, "class": "late"})
    assert seen.duration_ns < 1_500_000_000


async def test_servfail_is_asked_once_more_without_validation() -> None:
    async with dns_server(by_name(name=servfail_unless_cd())) as server:
        seen = await Resolving({"r1": server.address}).one()
    assert (seen.reason, seen.fault, seen.findings["class"]) == ("dns_bogus", "target", "dnssec_bogus")
    assert (seen.findings["rcode"], seen.findings["unchecked"]) == ("SERVFAIL", "NOERROR")
    async with dns_server(by_name(name=fake.with_rcode("SERVFAIL", flags=RA))) as server:
        seen = await Resolving({"r1": server.address}).one()
    assert (seen.reason, seen.fault) == ("dns_name_down", "target")
    assert seen.findings["unchecked"] == "SERVFAIL"
    async with dns_server(by_name(name=fake.with_rcode("SERVFAIL", ede=6, flags=RA))) as server:
        seen = await Resolving({"r1": server.address}).one()
        asked = [each for _, each in server.asked if each.flags & dns.flags.CD]
    assert (seen.reason, asked) == ("dns_bogus", [])  # it has said so


async def test_stale_is_degraded_and_says_so() -> None:
    async with dns_server(by_name(name=with_ede(3, fake.WWW))) as server:
        seen = await Resolving({"r1": server.address}).one()
    assert (seen.reason, seen.fault, seen.findings["class"]) == ("dns_stale", "target", "stale_definite")
    assert seen.findings["ede"] == [{"code": 3, "text": "said so"}]


async def test_a_ttl_that_stands_still_is_suspected_and_no_failure() -> None:
    key = "r1 192.0.2.53:53 udp www.acme.test A"
    async with dns_server(by_name(name=records("www.acme.test. 30 IN A 203.0.113.7"))) as server:
        probe = Resolving({"r1": server.address})
        now = trio.current_time()
        probe.memory.of(Resolvers).traces.put(key, Trace(ttl=290, since=now - 40, at=now - 40, largest=300), now)
        first = await probe.one()
        trace = probe.memory.of(Resolvers).traces.stale(key)
        assert trace is not None
        probe.memory.of(Resolvers).traces.put(
            key, Trace(ttl=30, since=now - 20, at=now - 20, largest=trace.largest), now
        )
        second = await probe.one()
    assert (first.reason, first.findings["class"]) == (None, "fresh")
    assert (second.reason, second.findings["class"]) == (None, "stale_suspected")
    assert second.findings["stale_hints"] == ["ttl"]


async def test_a_resolver_that_rewrites_is_told_by_what_the_plan_expects() -> None:
    async with dns_server(by_name()) as liar, dns_server(by_name(name=records(fake.WWW))) as honest:
        probe = Resolving({"liar": liar.address, "honest": honest.address})
        seen = await probe.run(expect=["192.0.2.1"])
    assert (seen["liar"].reason, seen["liar"].fault) == ("dns_rewritten", "resolver")
    assert seen["liar"].findings["expected"] == ["192.0.2.1"]
    assert seen["honest"].reason is None


@pytest.mark.parametrize(
    ("behave", "reason", "fault"),
    [
        (fake.with_rcode("NXDOMAIN", flags=RA), "dns_nxdomain", "target"),
        (fake.with_rcode("NXDOMAIN", ede=15, flags=RA), "dns_filtered", "resolver"),
        (fake.with_rcode("REFUSED", flags=RA), "dns_refused", "resolver"),
        (fake.with_rcode("NOTIMP", flags=RA), "dns_rcode", "resolver"),
        (fake.with_rcode("NOERROR", flags=RA), "dns_nodata", "target"),
        (records("www.acme.test. 60 IN A 10.0.0.1"), "dns_private_answer", "resolver"),
        (records("www.acme.test. 0 IN A 203.0.113.7"), None, None),  # a TTL of 0 is legal
        (fake.wrong_id, "dns_bad_replies", "resolver"),
        (fake.garbage, "dns_bad_replies", "resolver"),
        (fake.wrong_question, "dns_bad_replies", "resolver"),
        (fake.compression_loop, "dns_bad_replies", "resolver"),
        (fake.noise_then_good, None, None),
        (fake.no_edns, None, None),
        (fake.truncated, None, None),
    ],
)
async def test_what_a_resolver_does_has_its_word(
    behave: fake.UdpBehaviour, reason: str | None, fault: str | None
) -> None:
    async with dns_server(by_name(name=behave)) as server:
        seen = await Resolving({"r1": server.address}).one(timeout_s=1.7)
    assert (seen.reason, seen.fault) == (reason, fault)


async def test_no_ipv6_address_is_normal() -> None:
    async with dns_server(by_name(name=fake.with_rcode("NOERROR", flags=RA))) as server:
        seen = await Resolving({"r1": server.address}).one(type="AAAA")
    assert (seen.reason, seen.findings["class"]) == (None, "expected_negative")


async def test_the_cache_is_asked_first_at_the_owners_own_only() -> None:
    async def cached(query: Query) -> None:
        ttl = 300 if query.message.flags & dns.flags.RD else 17
        await records(f"www.acme.test. {ttl} IN A 203.0.113.7")(query)

    async with dns_server(by_name(name=cached)) as server:
        seen = await Resolving({"r1": server.address}, own=True).one()
        asked = [
            bool(each.flags & dns.flags.RD) for _, each in server.asked if each.question[0].name.to_text()[:3] == "www"
        ]
    assert (seen.findings["snoop"], seen.findings["cached"]) == ("NOERROR", {"www.acme.test": 17})
    assert asked == [False, True]
    async with dns_server(by_name()) as server:
        seen = await Resolving({"r1": server.address}).one()
        assert all(each.flags & dns.flags.RD for _, each in server.asked)
    assert "snoop" not in seen.findings


async def test_a_resolver_that_refuses_to_be_looked_into_is_not_held_against_anybody() -> None:
    async def refusing(query: Query) -> None:
        await (records(fake.WWW) if query.message.flags & dns.flags.RD else fake.with_rcode("REFUSED", ede=20))(query)

    async with dns_server(by_name(name=refusing)) as server:
        seen = await Resolving({"r1": server.address}, own=True).one()
    assert (seen.reason, seen.findings["snoop"]) == (None, "REFUSED")
    assert "cached" not in seen.findings


async def test_a_resolver_may_be_given_by_a_name_which_is_looked_up_and_kept() -> None:
    async with dns_server(by_name()) as server, dns_server(records("dns.idp.test. 60 IN A 192.0.2.53")) as lookups:
        probe = Resolving({"r1": server.address}, host="dns.idp.test", lookups=[lookups.address], families=(4,))
        first, second = await probe.one(), await probe.one()
        assert len(lookups.asked) == 1
    assert (first.reason, first.dims["address"], first.dims["family"]) == (None, "192.0.2.53", "4")
    assert first.findings["addresses"] == ["192.0.2.53"]
    assert [phase.name for phase in first.phases] == ["lookup", "query", "control"]
    assert (second.reason, second.dims["address"]) == (None, "192.0.2.53")


async def test_a_resolver_whose_name_does_not_resolve_is_the_resolvers_fault() -> None:
    async with dns_server() as server, dns_server(fake.with_rcode("NXDOMAIN")) as lookups:
        probe = Resolving({"r1": server.address}, host="dns.idp.test", lookups=[lookups.address])
        seen = await probe.one()
    assert (seen.reason, seen.fault) == ("dns_resolver_down", "resolver")
    assert seen.findings["lookup"][0]["outcome"] == "NXDOMAIN"


async def test_a_closed_port_is_said_at_once() -> None:
    async with dns_server() as server:
        gone = server.address
    seen = await Resolving({"r1": gone}).one()
    assert (seen.reason, seen.fault, seen.findings["outcome"]) == ("dns_resolver_down", "resolver", "refused")
    assert seen.duration_ns < 1_000_000_000
    bare = await Resolving({"r1": gone}, control=None).one()
    assert (bare.reason, bare.fault) == ("connect_refused", "resolver")


async def test_without_named_resolvers_the_hosts_own_are_asked_wherever_they_are() -> None:
    """The guard holds for what a plan names, not for the resolvers that the host's owner chose."""
    async with dns_server(by_name()) as server:
        probe = Resolving({})
        guarded = Tools(routes=Routes(), trust=Trust(), resolvers=(server.address,))
        seen = await probe.one(tools=guarded)
        assert (seen.reason, seen.subject) == (None, str(server.address))
        assert "control" not in seen.findings
        named = Resolver(name="r1", address=Endpoint(server.address), control=CONTROL)
        planned = Tools(routes=Routes(), trust=Trust(), resolvers=(), named_resolvers=(named,))
        seen = await probe.one(tools=planned)
    assert (seen.reason, seen.fault) == ("address_not_allowed", "config")


async def test_a_resolver_at_an_ipv6_address() -> None:
    at = Address("[2001:db8::53]:53")
    async with dns_server(by_name()) as server:
        named = Resolver(name="r1", address=Endpoint(at), control=CONTROL)
        tools = Tools(
            routes=Routes.of([(Redirect(at), server.address)], EVERYWHERE),
            trust=Trust(),
            resolvers=(),
            named_resolvers=(named,),
        )
        seen = await Resolving({}).one(tools=tools)
    assert (seen.reason, seen.dims["address"], seen.dims["family"]) == (None, "2001:db8::53", "6")


async def test_no_resolver_at_all_and_one_that_the_plan_lacks() -> None:
    nobody = await Resolving({}).one()
    assert (nobody.reason, nobody.fault, nobody.subject) == ("local_error", "config", "www.acme.test")
    async with dns_server(by_name()) as server:
        seen = await Resolving({"r1": server.address}).run(resolvers=["r1", "r7"])
    assert (seen["r1"].reason, seen["r7"].reason, seen["r7"].fault) == (None, "unsupported", "config")


async def test_a_family_that_the_probe_lacks_is_not_dialled_and_does_not_count() -> None:
    async with dns_server(by_name()) as server:
        seen = await Resolving({"r1": server.address}, families=(6,)).one()
        assert server.asked == []
    assert (seen.reason, seen.fault, seen.abstain) == ("connect_unreachable", "probe", "no_family")


async def test_over_tcp() -> None:
    async with dns_server(fake.silent) as server:
        seen = await Resolving({"r1": server.address}, transport="tcp", control=None).one()
    assert (seen.reason, seen.dims["transport"], seen.findings["class"]) == (None, "tcp", "fresh")


async def test_an_answer_that_tcp_does_not_bring_is_no_word_on_the_name() -> None:
    async with dns_server(by_name(name=fake.truncated), tcp=None) as server:
        refused = await Resolving({"r1": server.address}).one()
    async with dns_server(by_name(name=fake.truncated), tcp=fake.tcp_drip) as server:
        silent = await Resolving({"r1": server.address}).one(timeout_s=1.5)
    for seen in (refused, silent):
        assert (seen.reason, seen.fault, seen.findings["tcp_fallback"]) == ("dns_truncated", "resolver", True)


async def test_what_a_resolver_makes_up_does_not_get_into_the_inventory() -> None:
    lines = ("www.acme.test. 60 IN CNAME evil.acme.test.", "evil.acme.test. 60 IN A 198.51.100.1")
    async with dns_server(by_name(name=records(*lines))) as server:
        probe = Resolving({"r1": server.address})
        await probe.one(expect=["203.0.113.7"])
        assert probe.memory.names.under("acme.test") == []


async def test_names_that_are_none_are_not_remembered() -> None:
    lines = ("www.acme.test. 60 IN CNAME a\\032b.acme.test.", "a\\032b.acme.test. 60 IN A 203.0.113.7")
    async with dns_server(by_name(name=records(*lines))) as server:
        probe = Resolving({"r1": server.address})
        await probe.one()
        assert probe.memory.names.under("acme.test") == ["www.acme.test"]


async def test_a_run_that_is_cancelled_leaves_nothing_behind() -> None:
    async with dns_server(fake.silent) as server:
        probe = Resolving({"r1": server.address})
        for steps in range(1, 12):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(probe.one)
                for _ in range(steps):
                    await trio.lowlevel.checkpoint()
                nursery.cancel_scope.cancel()
        server.udp = by_name()
        assert (await probe.one()).reason is None


async def test_many_resolvers_and_an_answer_of_many_records_stay_bounded() -> None:
    many = [f"www.acme.test. 60 IN A 203.0.113.{n}" for n in range(60)]
    async with dns_server(by_name(name=records(*many))) as server:
        same: dict[str, Address] = {f"r{n}": server.address for n in range(30)}
        seen = await Resolving(same).run(timeout_s=4.0)
    assert len(seen) == 30
    assert {each.reason for each in seen.values()} == {None}
    assert {len(each.findings["answers"]) for each in seen.values()} == {50}
    assert {each.findings["answer_count"] for each in seen.values()} == {60}
