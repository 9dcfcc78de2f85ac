"""The caching resolver, in virtual time: what it keeps, for how long, and what it says in the dark."""

import pytest
import trio

from lab import addresses, zones
from lab.records import Answer, Question, RRset
from lab.resolver import FAILURE_TTL_S, PATIENCE_S, Cache, Resolver
from lab.zone import Zone, authoritative_answer
from tests.fakes.lab_dns import FakeServers
from tests.fakes.steps import cancelled_at_step

SIGN_IN = Question("frontend-api.auth-vendor.example", "A")
MAIL = Question("dkim1.auth-vendor.example", "TXT")
OPERATOR_A = set(addresses.DNS_A.values())


def _world() -> tuple[FakeServers, Resolver]:
    at: dict[str, tuple[Zone, ...]] = {
        **dict.fromkeys(addresses.PARENT.values(), (zones.PARENT,)),
        **dict.fromkeys(addresses.DNS_A.values(), (zones.VENDOR_AT_A, zones.OPERATOR_A)),
        **dict.fromkeys(addresses.CUSTOMER.values(), (zones.CUSTOMER,)),
    }
    servers = FakeServers(
        {ip: lambda question, held=held: authoritative_answer(held, question) for ip, held in at.items()}
    )
    return servers, Resolver(servers.ask, tuple(addresses.PARENT.values()))


def _ttls(answer: Answer) -> list[int]:
    return [rrset.ttl for rrset in answer.answer]


async def test_it_finds_a_name_from_the_parent_down(autojump_clock: trio.testing.MockClock) -> None:
    servers, resolver = _world()
    answer = await resolver.answer(SIGN_IN)
    assert answer.answer[0].data == tuple(addresses.FRONT_ENDS_V4.values())
    assert not answer.authoritative
    assert [ip in OPERATOR_A for ip, _ in servers.asked] == [False, True]


async def test_a_ttl_counts_down_and_then_it_asks_again(autojump_clock: trio.testing.MockClock) -> None:
    servers, resolver = _world()
    assert _ttls(await resolver.answer(SIGN_IN)) == [60]
    await trio.sleep(30)
    assert _ttls(await resolver.answer(SIGN_IN)) == [30]
    asked = len(servers.asked)
    await trio.sleep(30)
    assert _ttls(await resolver.answer(SIGN_IN)) == [60]
    assert [ip in OPERATOR_A for ip, _ in servers.asked[asked:]] == [False, True]  # the delegation ran out as well


async def test_a_cache_with_an_age_runs_out_sooner_the_first_time_only(
    autojump_clock: trio.testing.MockClock,
) -> None:
    servers, _ = _world()
    resolver = Resolver(servers.ask, tuple(addresses.PARENT.values()), age=0.5)
    assert _ttls(await resolver.answer(SIGN_IN)) == [30]
    await trio.sleep(31)
    assert _ttls(await resolver.answer(SIGN_IN)) == [60]


async def test_caches_hide_a_dark_operator_until_the_ttl_ends(autojump_clock: trio.testing.MockClock) -> None:
    servers, resolver = _world()
    await resolver.answer(SIGN_IN)
    await resolver.answer(MAIL)
    servers.dark |= OPERATOR_A
    await trio.sleep(55)
    assert (await resolver.answer(SIGN_IN)).rcode == "NOERROR"
    await trio.sleep(10)
    failed = await resolver.answer(SIGN_IN)
    assert (failed.rcode, failed.extended and failed.extended[0], failed.answer) == ("SERVFAIL", 22, ())
    assert (await resolver.answer(MAIL)).rcode == "NOERROR"  # its TTL is longer
    await trio.sleep(300)
    assert (await resolver.answer(MAIL)).rcode == "SERVFAIL"


async def test_it_gives_up_in_time_and_keeps_the_failure_for_a_while(autojump_clock: trio.testing.MockClock) -> None:
    servers, resolver = _world()
    servers.dark |= OPERATOR_A
    began = trio.current_time()
    assert (await resolver.answer(SIGN_IN)).rcode == "SERVFAIL"
    assert trio.current_time() - began <= PATIENCE_S + 0.1
    asked, began = len(servers.asked), trio.current_time()
    assert (await resolver.answer(SIGN_IN)).rcode == "SERVFAIL"
    assert (len(servers.asked), trio.current_time()) == (asked, began)
    servers.dark.clear()
    await trio.sleep(FAILURE_TTL_S)
    assert (await resolver.answer(SIGN_IN)).rcode == "NOERROR"


@pytest.mark.parametrize("dark", sorted(OPERATOR_A))
async def test_one_dark_server_hurts_nobody(autojump_clock: trio.testing.MockClock, dark: str) -> None:
    servers, resolver = _world()
    servers.dark.add(dark)
    for _ in range(10):
        began = trio.current_time()
        assert (await resolver.answer(SIGN_IN)).rcode == "NOERROR"
        assert trio.current_time() - began < 0.5
        await trio.sleep(61)


async def test_a_dark_server_is_tried_again_once_it_lives(autojump_clock: trio.testing.MockClock) -> None:
    servers, resolver = _world()
    servers.dark |= OPERATOR_A
    await resolver.answer(SIGN_IN)
    servers.dark = OPERATOR_A - {"198.51.100.2"}
    await trio.sleep(60)
    for _ in range(3):
        answer = await resolver.answer(SIGN_IN)
        await trio.sleep(FAILURE_TTL_S)
    assert answer.rcode == "NOERROR"


async def test_aliases_lead_from_the_customers_zone_to_the_vendors(autojump_clock: trio.testing.MockClock) -> None:
    _, resolver = _world()
    answer = await resolver.answer(Question("clk._domainkey.acme.example", "TXT"))
    assert [(rrset.name, rrset.type) for rrset in answer.answer] == [
        ("clk._domainkey.acme.example", "CNAME"),
        ("dkim1.auth-vendor.example", "TXT"),
    ]


async def test_what_does_not_exist_is_kept_as_long_as_the_zone_says(autojump_clock: trio.testing.MockClock) -> None:
    servers, resolver = _world()
    question = Question("nothing.auth-vendor.example", "A")
    answer = await resolver.answer(question)
    assert (answer.rcode, [rrset.type for rrset in answer.authority]) == ("NXDOMAIN", ["SOA"])
    asked = len(servers.asked)
    await trio.sleep(5)
    assert (await resolver.answer(question)).rcode == "NXDOMAIN"
    assert len(servers.asked) == asked
    await trio.sleep(6)
    await resolver.answer(question)
    assert len(servers.asked) == asked + 1


async def test_those_who_ask_at_once_share_one_fetch(autojump_clock: trio.testing.MockClock) -> None:
    servers, resolver = _world()
    answers: list[Answer] = []

    async def ask() -> None:
        answers.append(await resolver.answer(SIGN_IN))

    async with trio.open_nursery() as nursery:
        for _ in range(50):
            nursery.start_soon(ask)
    assert [answer.rcode for answer in answers] == ["NOERROR"] * 50
    assert len(servers.asked) == 2


async def test_one_who_leaves_in_the_middle_leaves_the_others_served(autojump_clock: trio.testing.MockClock) -> None:
    for step in range(30):
        _, resolver = _world()

        async def ask(resolver: Resolver = resolver) -> object:
            return await resolver.answer(SIGN_IN)

        left = await cancelled_at_step(step, ask)
        with trio.fail_after(5):
            assert (await resolver.answer(SIGN_IN)).rcode == "NOERROR"
        if not left:
            return
    pytest.fail("a question takes more than 30 steps")


async def test_zones_that_lead_in_a_circle_end(autojump_clock: trio.testing.MockClock) -> None:
    def lame(question: Question) -> Answer:
        servers = RRset("loop.example", "NS", 60, ("ns.other.example",))
        if question.name.endswith("other.example"):
            servers = RRset("other.example", "NS", 60, ("ns.loop.example",))
        return Answer(authority=(servers,))

    resolver = Resolver(FakeServers({"192.0.2.100": lame}).ask, ["192.0.2.100"])
    with trio.fail_after(10):
        assert (await resolver.answer(Question("www.loop.example", "A"))).rcode == "SERVFAIL"


async def test_an_alias_in_a_circle_ends(autojump_clock: trio.testing.MockClock) -> None:
    def circle(question: Question) -> Answer:
        other = {"a.example": "b.example", "b.example": "a.example"}[question.name]
        return Answer(authoritative=True, answer=(RRset(question.name, "CNAME", 60, (other,)),))

    resolver = Resolver(FakeServers({"192.0.2.100": circle}).ask, ["192.0.2.100"])
    assert (await resolver.answer(Question("a.example", "A"))).rcode == "SERVFAIL"


def test_the_cache_is_bounded_and_drops_what_was_unused_longest() -> None:
    cache = Cache(most=3)
    for name in "abc":
        cache.put(RRset(name, "A", 60, ("192.0.2.1",)), 0)
    cache.get("a", "A", 1)
    cache.put(RRset("d", "A", 60, ("192.0.2.1",)), 1)
    assert [name for name in "abcd" if cache.get(name, "A", 2)] == ["a", "c", "d"]
    assert len(cache) == 3
