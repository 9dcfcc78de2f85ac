"""Chains of aliases against real servers, and servers that misbehave."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import dns.message
import dns.rrset
import msgspec
import pytest

from parallax.dialling.route import Routes
from parallax.observation import Observation
from parallax.plan.dns_specs import ChainSpec
from parallax.values import DnsName
from probe.dns.memory import Memory
from tests.fakes.dns_server import (
    Query,
    UdpBehaviour,
    answer,
    compression_loop,
    dns_server,
    garbage,
    garbled,
    silent,
    with_rcode,
    with_records,
    wrong_id,
)
from tests.parts.zones import serve
from tests.probe.delegated import A1, A2, AT_A, AT_B, B1, B2, CLOSED, ROOT, World, delegated, root_zone

pytestmark = pytest.mark.slow

DELEGATIONS = {"acme.example": AT_A, "vendor.example": AT_B, "cdn.example": AT_A}
ACME = """
sign-in 300 CNAME api.vendor.example.
direct 60 A 192.0.2.80
gone 300 CNAME nobody.vendor.example.
unregistered 300 CNAME www.nobody-has-this.
empty 300 CNAME txt.vendor.example.
round 300 CNAME round.vendor.example.
self 300 CNAME self
deep DNAME vendor.example.
text 300 CNAME txt.vendor.example.
""" + "\n".join(f"hop{n} 300 CNAME hop{n + 1}" for n in range(12))
VENDOR = """
api 60 CNAME edge.cdn.example.
txt 60 TXT "a text"
round 60 CNAME round.acme.example.
www 60 A 192.0.2.81
svc 60 HTTPS 0 www.vendor.example.
www 60 HTTPS 1 . alpn=h2
closed 60 HTTPS 0 .
"""
CDN = "edge 20 A 192.0.2.80\nedge 20 A 192.0.2.82"
TO_THE_END = ["sign-in.acme.example", "api.vendor.example", "edge.cdn.example"]


@asynccontextmanager
async def world() -> AsyncIterator[World]:
    async with delegated(DELEGATIONS, {"acme.example": ACME, "cdn.example": CDN}, {"vendor.example": VENDOR}) as made:
        yield made


async def follow(world: World, name: str = "sign-in.acme.example", *, timeout_s: float = 5, **keys: Any) -> Observation:
    names = {key: [DnsName(each) for each in value] for key, value in keys.items() if key in ("expect", "workaround")}
    spec = ChainSpec(names=[DnsName(name)], **{**keys, **names})
    return await world.run("dns.chain", name, spec, timeout_s=timeout_s)


def owners(seen: Observation) -> list[str]:
    return [hop["owner"] for hop in seen.findings["hops"]]


async def test_a_chain_is_followed_to_its_addresses_at_all_servers_of_each_zone() -> None:
    async with world() as made:
        seen = await follow(made, expect=TO_THE_END)
        assert seen.reason is None, seen
        assert owners(seen) == TO_THE_END
        assert [(hop["zone"], hop["operator"], hop["type"], hop["ttl"]) for hop in seen.findings["hops"]] == [
            ("acme.example", "dns-a", "CNAME", 300),
            ("vendor.example", "dns-b", "CNAME", 60),
            ("cdn.example", "dns-a", "A", 20),
        ]
        assert seen.findings["hops"][0]["servers"] == {A1: "auth_answer", A2: "auth_answer"}
        assert seen.findings["hops"][1]["servers"] == {B1: "auth_answer", B2: "auth_answer"}
        sites = [set(hop["sites"].values()) for hop in seen.findings["hops"]]
        assert (sites, seen.site) == ([{"site-a"}, {"site-b"}, {"site-a"}], "site-a")
        assert seen.findings["end"] == ["192.0.2.80", "192.0.2.82"]
        assert seen.findings["shared_fate"] == ["dns-a"]
        assert seen.findings["min_ttl_by_operator"] == {"dns-a": 20, "dns-b": 60}
        assert seen.dims == {}
        assert made.memory.names.under("vendor.example") == ["api.vendor.example"]
        again = await follow(made, expect=TO_THE_END)
        assert again.findings["signature"] == seen.findings["signature"]


@pytest.mark.parametrize(
    ("name", "reason", "hop"),
    [
        ("gone.acme.example", "dns_hop_nxdomain", "nobody.vendor.example"),
        ("unregistered.acme.example", "dns_hop_nxdomain", "www.nobody-has-this"),
        ("empty.acme.example", "dns_hop_nodata", "txt.vendor.example"),
        ("self.acme.example", "dns_chain_loop", "self.acme.example"),
        ("round.acme.example", "dns_chain_loop", "round.vendor.example"),
        ("hop0.acme.example", "dns_chain_too_long", "hop8.acme.example"),
        ("nobody.acme.example", "dns_hop_nxdomain", "nobody.acme.example"),
    ],
)
async def test_where_a_chain_breaks(name: str, reason: str, hop: str) -> None:
    async with world() as made:
        seen = await follow(made, name)
        assert (seen.reason, seen.fault, seen.dims["hop"]) == (reason, "target", hop)
        assert "signature" in seen.findings


async def test_the_end_of_a_long_chain_is_reached_where_the_plan_allows_it() -> None:
    async with world() as made:
        seen = await follow(made, "hop0.acme.example", max_hops=16)
        assert (seen.reason, len(owners(seen)), owners(seen)[-1]) == ("dns_hop_nxdomain", 13, "hop12.acme.example")
        seen = await follow(made, "hop4.acme.example", max_hops=8)
        assert (seen.reason, len(owners(seen))) == ("dns_hop_nxdomain", 9), "eight aliases are eight"


async def test_a_dname_and_an_alias_of_https_lead_on_as_well() -> None:
    async with world() as made:
        seen = await follow(made, "www.deep.acme.example")
        assert (seen.reason, owners(seen)) == (None, ["www.deep.acme.example", "www.vendor.example"])
        assert seen.findings["hops"][0]["type"] == "DNAME"
        seen = await follow(made, "svc.vendor.example", type="HTTPS")
        assert (seen.reason, owners(seen)) == (None, ["svc.vendor.example", "www.vendor.example"])
        assert [hop["type"] for hop in seen.findings["hops"]] == ["HTTPS", "HTTPS"]
        seen = await follow(made, "text.acme.example", type="TXT")
        assert (seen.reason, seen.findings["end"]) == (None, ['"a text"'])


async def test_what_the_plan_expects() -> None:
    async with world() as made:
        seen = await follow(made, expect=["api.vendor.example"])
        assert (seen.reason, seen.findings["unexpected"]) == ("dns_chain_unexpected", "edge.cdn.example")
        assert seen.dims == {"hop": "api.vendor.example", "zone": "vendor.example", "operator": "dns-b"}
        seen = await follow(made, expect=["api.vendor.example"], workaround=["edge.cdn.example"])
        assert (seen.reason, seen.findings["workaround"]) == (None, "edge.cdn.example")
        seen = await follow(made, "direct.acme.example", expect=["api.vendor.example"])
        assert (seen.reason, seen.findings["flattened"]) == ("dns_chain_flattened", True)
        seen = await follow(made, "direct.acme.example")
        assert (seen.reason, "flattened" in seen.findings) == (None, False)
        seen = await follow(made, "gone.acme.example", expect=["api.vendor.example"])
        assert (seen.reason, seen.dims["hop"]) == ("dns_hop_nxdomain", "nobody.vendor.example"), "the break comes first"
        assert seen.findings["unexpected"] == "nobody.vendor.example"


async def test_a_changed_chain_has_another_signature_and_moving_addresses_do_not_change_it() -> None:
    async with world() as made:
        assert made.b is not None
        first = await follow(made)
        await serve(made.a, "cdn.example", "edge 20 A 192.0.2.99", 2)
        moved = await follow(made)
        assert moved.findings["end"] == ["192.0.2.99"]
        assert moved.findings["signature"] == first.findings["signature"]
        await serve(made.b, "vendor.example", "api CNAME direct.acme.example.", 2)
        assert (await follow(made)).findings["signature"] != first.findings["signature"]


async def test_one_dark_server_is_no_dark_hop_and_costs_no_time_on_the_way() -> None:
    async with world() as made, dns_server(silent, tcp=None) as dark:
        made.lead(dark.address, A2, B1)
        await follow(made, timeout_s=10)
        seen = await follow(made, timeout_s=10)
        assert seen.reason is None
        assert [set(hop["servers"].values()) for hop in seen.findings["hops"]] == [{"timeout", "auth_answer"}] * 3
        assert seen.findings["hops"][1]["servers"] == {B1: "timeout", B2: "auth_answer"}
        assert seen.duration_ns < 3.5e9, "1.5 s for the silent ones, side by side with the hops that follow"


async def test_a_dark_operator_is_named_with_its_hop_cold_and_warm() -> None:
    async with world() as made:
        made.lead(CLOSED, *AT_B)
        for warm in (False, True):
            seen = await follow(made)
            assert seen.reason == "dns_hop_dark", warm
            assert seen.dims == {"hop": "api.vendor.example", "zone": "vendor.example", "operator": "dns-b"}
            assert seen.findings["hops"][1]["servers"] == {B1: "refused", B2: "refused"}
            assert seen.findings["hops"][0]["target"] == "api.vendor.example"
            assert "signature" not in seen.findings, "a chain that is not known to its end has not changed"


@pytest.mark.parametrize(
    ("behave", "reason", "word"),
    [
        (silent, "dns_hop_dark", "timeout"),
        (garbage, "dns_hop_dark", "bad_replies"),
        (garbled, "dns_hop_dark", "bad_replies"),
        (wrong_id, "dns_hop_dark", "bad_replies"),
        (compression_loop, "dns_hop_dark", "bad_replies"),
        (with_rcode("REFUSED", flags=0), "dns_hop_lame", "lame_refused"),
        (with_rcode("SERVFAIL", flags=0), "dns_hop_lame", "lame_servfail"),
        (with_rcode("NXDOMAIN", flags=0), "dns_hop_lame", "lame_nxdomain_nonaa"),
        (with_records("api.vendor.example. 60 IN A 192.0.2.9", flags=0), "dns_hop_lame", "lame_cached"),
    ],
)
async def test_servers_that_misbehave(behave: UdpBehaviour, reason: str, word: str) -> None:
    async with world() as made, dns_server(behave, tcp=None) as bad:
        await follow(made)  # the delegation is known
        made.lead(bad.address, *AT_B)
        seen = await follow(made)
        assert (seen.reason, seen.dims["operator"]) == (reason, "dns-b")
        assert seen.findings["hops"][1]["servers"] == {B1: word, B2: word}
        made.lead(made.b.address if made.b else CLOSED, B2)
        assert (await follow(made)).reason is None, "one good server is enough"


async def test_a_box_that_answers_for_everybody_blames_no_operator() -> None:
    async def box(query: Query) -> None:
        reply = dns.message.make_response(query.message, recursion_available=True)
        name = query.message.question[0].name
        reply.answer.append(dns.rrset.from_text(name, 60, "IN", "A", "192.0.2.66"))
        await query.send(reply.to_wire())

    async with world() as made, dns_server(box, tcp=None) as bad:
        await follow(made)
        made.lead(bad.address, B1)
        assert (await follow(made)).reason is None, "the other server answers"
        made.lead(bad.address, *AT_A, *AT_B, ROOT)
        seen = await follow(made)
        assert (seen.reason, seen.fault, seen.dims.get("operator")) == ("dns_intercepted", "network", None)
        made.memory = Memory()
        cold = await follow(made)
        assert (cold.reason, cold.fault) == ("dns_intercepted", "network"), "not one root server has authority"


async def test_records_of_other_zones_in_an_answer_are_not_taken() -> None:
    lies = with_records(
        "edge.cdn.example. 60 IN CNAME evil.vendor.example.", "api.vendor.example. 60 IN CNAME edge.cdn.example."
    )
    async with world() as made, dns_server(lies) as server:
        await follow(made)
        made.lead(server.address, *AT_B)
        assert owners(await follow(made)) == TO_THE_END


async def test_servers_that_disagree_are_outvoted_and_said() -> None:
    other_alias = with_records("sign-in.acme.example. 60 IN CNAME www.vendor.example.")
    async with world() as made, dns_server(other_alias) as other:
        await follow(made)
        made.lead(other.address, A2)
        for _ in range(3):
            seen = await follow(made)
            assert "sign-in.acme.example" in seen.findings["disagree"]
            assert owners(seen) == TO_THE_END, "a tie is broken alike each time"


async def test_an_old_delegation_is_told_from_a_dead_hop() -> None:
    async with world() as made:
        await follow(made)
        await serve(made.root, ".", root_zone(DELEGATIONS | {"vendor.example": (A1, A2)}, serial=2), 2)
        await serve(made.a, "cdn.example", CDN, 2)
        made.lead(CLOSED, *AT_B)
        seen = await follow(made)
        assert seen.reason == "dns_hop_lame", "the new servers do not have it: both are shown"
        assert set(seen.findings["hops"][1]["servers"].values()) == {"refused", "lame_refused"}
        async with dns_server(with_records("api.vendor.example. 60 IN CNAME edge.cdn.example.")) as server:
            made.memory = Memory()
            made.lead(server.address, *AT_B)
            await serve(made.root, ".", root_zone(DELEGATIONS | {"vendor.example": (B1,)}, serial=3), 3)
            await follow(made)
            await serve(made.root, ".", root_zone(DELEGATIONS | {"vendor.example": (B2,)}, serial=4), 4)
            made.lead(CLOSED, B1)
            seen = await follow(made)
            assert (seen.reason, seen.findings["stale"]) == ("dns_delegation_stale", "api.vendor.example")
            assert owners(seen) == TO_THE_END


async def test_a_zone_cut_that_is_new_is_followed() -> None:
    async with world() as made:
        await follow(made, "direct.acme.example")
        refer = "www.sub.acme.example"

        async def referring(query: Any) -> None:
            name = str(query.message.question[0].name).rstrip(".")
            if name.endswith("sub.acme.example"):
                reply = dns.message.make_response(query.message)
                reply.authority.append(dns.rrset.from_text("sub.acme.example.", 60, "IN", "NS", "ns1.dns-b.example."))
                await query.send(reply.to_wire())
            else:
                await query.send(answer(query.message, f"{name}. 60 IN CNAME {refer}."))

        async with dns_server(referring) as parent, dns_server(with_records(f"{refer}. 60 IN A 192.0.2.9")) as child:
            made.lead(parent.address, *AT_A)
            made.lead(child.address, *AT_B)
            seen = await follow(made, "sign-in.acme.example")
            assert owners(seen) == ["sign-in.acme.example", refer]
            assert seen.findings["hops"][1]["zone"] == "sub.acme.example"
            assert (seen.reason, seen.findings["end"]) == (None, ["192.0.2.9"])


async def test_dark_roots_and_a_short_time_end_as_a_dark_hop() -> None:
    async with world() as made, dns_server(silent, tcp=None) as dark:
        made.lead(dark.address, ROOT)
        seen = await follow(made, timeout_s=1)
        assert (seen.reason, seen.fault, seen.dims["hop"]) == ("dns_hop_dark", "network", "sign-in.acme.example")
        assert seen.duration_ns < 1.2e9


async def test_a_probe_without_the_family_of_the_servers_abstains() -> None:
    async with world() as made:
        spec = ChainSpec(names=[DnsName("sign-in.acme.example")])
        seen = await made.run("dns.chain", "sign-in.acme.example", spec, tools=made.tools(families=(6,)))
        assert (seen.reason, seen.abstain, seen.dims["zone"]) == ("dns_hop_dark", "no_family", "acme.example")


async def test_what_the_budget_does_not_allow_is_no_fault_of_the_operator() -> None:
    async with world() as made:
        await follow(made)
        made.memory.budget.limit(1)  # a minute, after the first 20
        verdicts = [await follow(made) for _ in range(6)]
        assert verdicts[0].reason is None
        assert (verdicts[-1].reason, verdicts[-1].fault, verdicts[-1].abstain) == (
            "over_budget",
            "config",
            "over_budget",
        )
        assert {seen.reason for seen in verdicts} == {None, "over_budget"}


async def test_an_address_that_must_not_be_dialled_is_not_the_hops_fault() -> None:
    async with world() as made:
        await follow(made)
        spec = ChainSpec(names=[DnsName("sign-in.acme.example")])
        tools = msgspec.structs.replace(made.tools(), routes=Routes())
        seen = await made.run("dns.chain", "sign-in.acme.example", spec, tools=tools)
        assert (seen.reason, seen.fault) == ("address_not_allowed", "config")


@pytest.mark.parametrize("size", [1, 60])
async def test_a_hostile_answer_costs_neither_time_nor_room(size: int) -> None:
    async def long(query: Any) -> None:
        name = str(query.message.question[0].name)
        await query.send(answer(query.message, *(f"{name} 60 IN A 192.0.2.{n % 250}" for n in range(size))))

    async with world() as made, dns_server(long, tcp=None) as server:
        await follow(made)
        made.lead(server.address, *AT_B)
        seen = await follow(made)
        assert len(seen.findings.get("end", [])) <= 20
        assert seen.reason is None
        assert len(str(seen.findings)) < 10_000
