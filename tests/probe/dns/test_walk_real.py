"""Walks over real name servers."""

from collections.abc import AsyncIterator

import pytest

from parallax.plan.types import Operator
from parallax.values import Address
from probe.dns.cuts import Cut, Delegation, WalkFailed
from probe.dns.memory import Memory
from probe.dns.walk import addresses_of, delegation, zone_of
from tests.probe.dns.tree import A1, A1_6, A2, NOWHERE, PARENTS, Tree, example_zone, give, tree

pytestmark = pytest.mark.slow


@pytest.fixture
async def world() -> AsyncIterator[Tree]:
    async with tree() as running:
        yield running


async def test_a_delegation_is_found_from_the_roots(world: Tree) -> None:
    operators = [Operator(name="Operator A", servers=["*.operator-a.test", "192.0.2.1"])]
    found = await delegation("idp.example", world.tools(operators=operators), 5)
    assert isinstance(found, Delegation), found
    assert (found.parent, found.ns, found.ttl) == ("example", ("ns1.idp.example", "ns2.operator-a.test"), 300)
    assert [server.addresses for server in found.servers] == [(A1, A1_6), (A2,)]
    assert {server.operator for server in found.servers} == {"Operator A"}
    assert len(found.parents) == 2
    for says in found.parents:
        assert (says.failure, says.ds_failure, says.ns) == (None, None, found.ns)
        assert says.glue == {"ns1.idp.example": ("192.0.2.1", "2001:db8:a::1")}
    assert found.ds[0].startswith("12345 13 2 ")


async def test_families_that_the_probe_lacks_are_left_out(world: Tree) -> None:
    found = await delegation("idp.example", world.tools(families=(4,)), 5)
    assert isinstance(found, Delegation)
    assert [server.addresses for server in found.servers] == [(A1,), (A2,)]


async def test_the_delegation_is_read_anew_and_what_is_above_is_remembered(world: Tree) -> None:
    memory = Memory()
    tools = world.tools(memory=memory)
    assert isinstance(await delegation("idp.example", tools, 5), Delegation)
    world.root.kill()
    await give(world.parent, "example", example_zone("idp NS ns9.idp\nns9.idp A 192.0.2.9", 2), 2)
    found = await delegation("idp.example", tools, 5)
    assert isinstance(found, Delegation)
    assert found.ns == ("ns9.idp.example",)
    assert found.ds == ()


async def test_a_zone_is_found_for_names_in_it(world: Tree) -> None:
    tools = world.tools()
    for name, zone in [
        ("www.idp.example", "idp.example"),
        ("login.idp.example", "idp.example"),
        ("nothing.here.idp.example", "idp.example"),
        ("idp.example", "idp.example"),
        ("clerk.acme.test", "acme.test"),
        ("x.deep.er.acme.test", "acme.test"),
        ("plain.example", "example"),
        ("example", "example"),
    ]:
        for attempt in ("walked", "remembered"):
            cut = await zone_of(name, tools, 5)
            assert isinstance(cut, Cut), (name, cut)
            assert (cut.zone, bool(cut.addresses)) == (zone, True), (name, attempt)
    cut = await zone_of("idp.example", tools, 5)
    assert isinstance(cut, Cut)
    assert set(cut.addresses) == {A1, A1_6, A2}


async def test_a_moved_zone_is_found_again_by_a_fresh_walk(world: Tree) -> None:
    tools = world.tools()
    await zone_of("www.idp.example", tools, 5)
    await give(world.parent, "example", example_zone("idp NS ns9.idp\nns9.idp A 192.0.2.2", 2), 2)
    stale = await zone_of("www.idp.example", tools, 5)
    fresh = await zone_of("www.idp.example", tools, 5, fresh=True)
    assert isinstance(stale, Cut)
    assert isinstance(fresh, Cut)
    assert set(stale.addresses) == {A1, A1_6, A2}
    assert fresh.addresses == (A2,)


@pytest.mark.parametrize(
    ("zone", "detail"),
    [
        ("gone.example", "gone.example does not exist"),
        ("plain.example", "plain.example is a name in the zone example, not a zone of its own"),
        ("clerk.acme.test", "clerk.acme.test is an alias, not a zone"),
    ],
)
async def test_what_is_no_zone_has_no_delegation(world: Tree, zone: str, detail: str) -> None:
    found = await delegation(zone, world.tools(), 5)
    assert isinstance(found, WalkFailed)
    assert (found.word, found.detail) == ("no_delegation", detail)


async def test_a_zone_beside_its_parent_on_one_server_has_that_parent(world: Tree) -> None:
    found = await delegation("acme.test", world.tools(), 5)
    assert isinstance(found, Delegation), found
    assert (found.parent, found.ns) == ("test", ("ns1.nic.test",))
    assert found.parents[0].answers_for_child


async def test_one_dark_parent_server_hides_nothing(world: Tree) -> None:
    world.lead(PARENTS[0], Address("127.0.0.1:1"))
    memory = Memory()
    for _ in range(3):
        found = await delegation("idp.example", world.tools(families=(4,), memory=memory), 5)
        assert isinstance(found, Delegation), found
        assert len(found.ns) == 2
    assert {says.failure for says in found.parents} == {None, "refused"}


async def test_dark_parents_and_roots_are_told_apart(world: Tree) -> None:
    world.parent.kill()
    found = await delegation("idp.example", world.tools(), 5)
    assert isinstance(found, WalkFailed)
    assert (found.word, found.zone) == ("dark", "example")
    world.root.kill()
    found = await delegation("idp.example", world.tools(), 5)
    assert isinstance(found, WalkFailed)
    assert (found.word, found.zone) == ("dark", ".")


async def test_a_remembered_cut_whose_servers_fail_is_walked_to_again(world: Tree) -> None:
    memory = Memory()
    await delegation("idp.example", world.tools(memory=memory), 5)
    for address in (*PARENTS, Address("[2001:db8:11::1]:53")):
        world.lead(address, Address("127.0.0.1:1"))
    moved = "example. NS p9.example.\np9.example. A 192.0.2.99\ntest. NS ns1.nic.test.\nns1.nic.test. A 203.0.113.10"
    lines = f"@ SOA a.root. h.root. 2 3600 600 86400 60\n@ NS a.root.\na.root. A 198.51.100.1\n{moved}"
    await give(world.root, ".", lines, 2)
    world.lead(NOWHERE, world.parent.address)
    found = await delegation("idp.example", world.tools(memory=memory), 5)
    assert isinstance(found, Delegation), found
    assert [says.address for says in found.parents] == [NOWHERE]


async def test_a_server_that_does_not_resolve_says_why() -> None:
    servers = {"ns1.idp": "glue_missing", "x.gone.test.": "no_such_name", "clerk.acme.test.": "is_alias"}
    servers |= {"loop.zone-b.example.": "no_address"}
    lines = "\n".join(f"idp NS {name}" for name in servers) + "\nzone-b NS ns.zone-c\nzone-c NS ns.zone-b"
    async with tree(delegation=lines) as world:
        found = await delegation("idp.example", world.tools(), 5)
        assert isinstance(found, Delegation), found
        assert {server.name: server.failure for server in found.servers} == {
            "ns1.idp.example": "glue_missing",
            "x.gone.test": "no_such_name",
            "clerk.acme.test": "is_alias",
            "loop.zone-b.example": "no_address",
        }


async def test_a_hosts_addresses(world: Tree) -> None:
    tools = world.tools()
    assert (await addresses_of("ns2.operator-a.test", tools, 5)).ips == ("192.0.2.2",)
    assert (await addresses_of("ns1.idp.example", tools, 5)).ips == ("192.0.2.1", "2001:db8:a::1")
    assert (await addresses_of("gone.idp.example", tools, 5)).failure == "no_such_name"
    world.a.kill()
    fresh = world.tools()
    assert set((await addresses_of("ns1.idp.example", fresh, 5)).ips) == {"192.0.2.1", "2001:db8:a::1"}, "glue"
