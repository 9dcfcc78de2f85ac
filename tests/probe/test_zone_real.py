"""The dns.zone check over real name servers, from the roots down."""

import pytest

from parallax.plan.types import Operator
from parallax.values import Address
from probe.dns.memory import Memory
from tests.probe.dns.tree import A1, A1_6, A2, IDP, PARENTS, example_zone, give, tree
from tests.probe.zone_runs import by_subject, zone_run

pytestmark = pytest.mark.slow

DEAD = Address("127.0.0.1:1")
OPERATORS = (Operator(name="Operator A", servers=["*.operator-a.test", "*.idp.example"]),)


async def test_one_line_is_enough() -> None:
    async with tree() as world:
        memory = Memory()
        tools = world.tools(operators=OPERATORS, memory=memory)
        seen = by_subject(await zone_run(tools, data="www.idp.example"))
        servers = [str(address) for address in (A1, A1_6, A2)]
        assert seen.keys() == {"delegation", *servers, *(f"{server}/tcp" for server in servers)}
        assert {each.reason for each in seen.values()} == {None}, [(k, v.reason, v.findings) for k, v in seen.items()]
        one = seen[str(A1)]
        assert one.dims == {
            "server": "ns1.idp.example",
            "operator": "Operator A",
            "zone": "idp.example",
            "transport": "udp",
            "address": "192.0.2.1",
            "family": "4",
        }
        assert (one.site, one.findings["class"], one.findings["serial"]) == ("fra1.ns-a", "auth_answer", 7)
        assert one.findings["data"] == {"name": "www.idp.example", "class": "auth_answer", "type": "A", "ttl": 60}
        assert one.findings["rtt_ns"] > 0
        parent = seen["delegation"].findings
        assert parent["parent"] == "example"
        for says in parent["parents"].values():
            ns = ["ns1.idp.example", "ns2.operator-a.test"]
            assert says == {"ns": ns, "ttl": 300, "ds": parent["ds"], "site": "parent"}
        assert seen["delegation"].site == "parent"
        assert set(parent["child_ns"]) == set(servers)
        assert "problems" not in parent, parent["problems"]

        again = by_subject(await zone_run(tools, data="www.idp.example"))
        assert again.keys() == {"delegation", *servers}, "TCP is asked less often"
        assert "data" not in again[str(A1)].findings


async def test_a_lame_server_and_a_dark_one() -> None:
    async with tree() as world:
        world.lead(A2, world.other.address)
        world.lead(A1_6, DEAD)
        seen = by_subject(await zone_run(world.tools()))
        assert {subject: each.reason for subject, each in seen.items() if "tcp" not in subject} == {
            "delegation": None,
            str(A1): None,
            str(A2): "dns_lame",
            str(A1_6): "connect_refused",
        }
        assert seen[str(A2)].findings["class"] == "lame_refused"
        assert seen[f"{A2}/tcp"].reason == "dns_lame"


async def test_a_dark_parent_hides_no_server() -> None:
    async with tree() as world:
        memory = Memory()
        await zone_run(world.tools(memory=memory))
        world.parent.kill()
        seen = by_subject(await zone_run(world.tools(memory=memory)))
        assert seen["delegation"].reason == "dns_parent_unreachable"
        assert seen["delegation"].findings["at_zone"] == "example"
        assert {seen[str(address)].reason for address in (A1, A1_6, A2)} == {None}


async def test_a_zone_that_does_not_exist() -> None:
    async with tree() as world:
        (seen,) = await zone_run(world.tools(), "gone.example")
        assert (seen.subject, seen.reason, seen.fault) == ("delegation", "dns_no_delegation", "target")
        assert seen.findings["detail"] == "gone.example does not exist"


async def test_a_delegation_that_moves_is_followed_and_the_old_servers_are_asked_on() -> None:
    async with tree() as world:
        memory = Memory()
        await zone_run(world.tools(memory=memory))
        await give(world.parent, "example", example_zone("idp NS ns2.operator-a.test.", 2), 2)
        seen = by_subject(await zone_run(world.tools(memory=memory)))
        assert str(A1) in seen, "the zone itself still names it"
        assert seen["delegation"].reason is None
        assert seen["delegation"].findings["problems"] == {"child_extra_ns": ["ns1.idp.example"]}
        assert "former" not in seen["delegation"].findings
        await give(world.a, "idp.example", "@ SOA ns2 h 8 3600 600 86400 60\n@ NS ns2.operator-a.test.", 8)
        await zone_run(world.tools(memory=memory))
        seen = by_subject(await zone_run(world.tools(memory=memory)))
        assert seen.keys() == {"delegation", str(A2)}
        assert "problems" not in seen["delegation"].findings
        assert seen["delegation"].findings["former"] == {str(A1): "auth_answer", str(A1_6): "auth_answer"}


async def test_what_is_wrong_with_a_delegation() -> None:
    lines = "idp NS ns1.idp\nidp NS ns3.idp\nns1.idp A 192.0.2.2\nns3.idp A 192.0.2.1\nidp NS gone.acme.test."
    async with tree(delegation=lines, idp=IDP + "ns3 A 192.0.2.1\n") as world:
        seen = by_subject(await zone_run(world.tools(families=(4,))))
        assert seen["delegation"].reason == "dns_delegation_wrong"
        assert seen["delegation"].findings["problems"] == {
            "parent_extra_ns": ["gone.acme.test", "ns3.idp.example"],
            "child_extra_ns": ["ns2.operator-a.test"],
            "ns_unresolvable": ["gone.acme.test"],
            "glue_mismatch": ["ns1.idp.example is 192.0.2.1 2001:db8:a::1"],
            "ns_single_prefix": ["192.0.2.0/24"],
        }
        assert (seen["gone.acme.test"].reason, seen["gone.acme.test"].findings["class"]) == (
            "dns_server_unresolvable",
            "no_such_name",
        )


async def test_parents_that_differ() -> None:
    async with tree() as world:
        from tests.parts.nsd import nsd

        other = example_zone("idp NS ns2.operator-a.test.\nidp NS ns1.idp\nidp NS ns4.idp\nns1.idp A 192.0.2.1", 2)
        async with nsd({"example": other}) as second:
            world.lead(PARENTS[1], second.address)
            seen = by_subject(await zone_run(world.tools(families=(4,))))
            problems = seen["delegation"].findings["problems"]
            assert seen["delegation"].findings["parents"].keys() == {str(address) for address in PARENTS}
            assert len(problems["parent_inconsistent"]) == 2
            assert problems["glue_missing"] == ["ns4.idp.example"]
            assert seen["delegation"].reason == "dns_delegation_broken"
