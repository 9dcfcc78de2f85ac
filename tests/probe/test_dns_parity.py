"""Primary and fallback compared at real servers: NSD is the primary, BIND or NSD the fallback."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import dns.asyncquery
import pytest
import trio

from parallax.observation import Observation
from parallax.plan.dns_specs import ParitySpec
from parallax.plan.types import Operator
from parallax.reasons import REASONS
from parallax.values import Address, DnsName, Endpoint
from probe.dns.budget import Budget
from tests.fakes.dns_server import Query, dns_server, garbage, silent, with_rcode
from tests.parts.bind import bind_authority
from tests.parts.nsd import nsd
from tests.parts.zones import ZoneKey, serve, signed
from tests.probe.delegated import A1, A2, AT_A, AT_B, B1, B2, CLOSED, OPERATORS, ROOT, ROOT6, World, delegated

pytestmark = pytest.mark.slow

ZONE = "vendor.example"
NS = {
    "a": "@ NS ns1.dns-a.example.\n@ NS ns2.dns-a.example.",
    "b": "@ NS ns1.dns-a.example.\n@ NS ns1.dns-b.example.",
}
WEB = "@ A 192.0.2.80\napi A 192.0.2.80\nwww CNAME api"
MAIL = """
@ MX 10 mail1
@ TXT "v=spf1 -all"
mail1 A 192.0.2.90
bounce MX 10 mail1
bounce TXT "v=spf1 -all"
clk._domainkey CNAME dkim1
dkim1 TXT "v=DKIM1; k=rsa; p=abc"
_dmarc TXT "v=DMARC1; p=reject"
"""
PURPOSES = {"sign-in": ["api", "www", "@"], "mail": ["bounce"]}


def zone(side: str, *lines: str, serial: int = 1) -> str:
    return "\n".join([f"@ SOA ns1.dns-{side}.example. hostmaster {serial} 3600 600 86400 60", NS[side], *lines])


@asynccontextmanager
async def world(
    b: str | None = None,
    a: str | None = None,
    *,
    make_b: Any = nsd,
    more: str = "",
    at_b: Mapping[str, str] | None = None,
) -> AsyncIterator[World]:
    zones_b = {ZONE: b if b is not None else zone("b", WEB, MAIL)} if at_b is None else at_b
    async with delegated({ZONE: AT_A}, {ZONE: a or zone("a", WEB, MAIL)}, zones_b, make_b=make_b, more=more) as made:
        yield made


async def compared(
    made: World, *, timeout_s: float = 5, operators: Sequence[Operator] = OPERATORS, **keys: Any
) -> Observation:
    keys = {"purposes": PURPOSES, "selectors": ["clk"]} | keys
    spec = ParitySpec(zone=DnsName(ZONE), primary="dns-a", fallback="dns-b", **keys)
    tools = made.tools(operators=operators)
    return await made.run("dns.parity", ZONE, spec, timeout_s=timeout_s, tools=tools)


def rows(seen: Observation) -> set[tuple[str, str, str, str]]:
    return {(row["name"], row["type"], row["class"], row["severity"]) for row in seen.findings["rows"]}


@pytest.mark.parametrize("make_b", [nsd, bind_authority])
async def test_a_fallback_that_serves_the_same_is_ready(make_b: Any) -> None:
    async with world(make_b=make_b) as made:
        seen = await compared(made)
        assert (seen.reason, seen.findings["rows"]) == (None, []), seen
        assert seen.subject == "dns-a -> dns-b"
        assert seen.dims == {"zone": ZONE, "operator": "dns-b"}
        assert seen.findings["compared"] == seen.findings["inventory"] > 25
        assert seen.findings["delegated"] == ["dns-a"]
        assert (seen.site, seen.findings["primary"]["site"]) == ("site-b", "site-a"), "the fallback's is the subject's"
        assert "because" not in seen.findings
        assert [phase.name for phase in seen.phases] == ["walk", "reach", "compare"]
        others = [await compared(made) for _ in range(2)]
        assert {each.findings["fallback"]["address"] for each in others} == {B1, B2}, "addresses take turns"
        assert {each.findings["primary"]["address"] for each in others} == {A1, A2}


async def test_missing_mail_records_are_found_with_what_they_lead_to() -> None:
    async with world(zone("b", WEB), make_b=bind_authority) as made:
        seen = await compared(made)
        assert (seen.reason, seen.fault) == ("parity_missing", "target")
        assert rows(seen) == {
            ("@", "MX", "missing", "critical"),
            ("@", "TXT", "missing", "critical"),
            ("mail1", "A", "missing", "critical"),
            ("bounce", "MX", "missing", "critical"),
            ("bounce", "TXT", "missing", "critical"),
            ("clk._domainkey", "CNAME", "missing", "critical"),
            ("dkim1", "TXT", "missing", "critical"),
            ("_dmarc", "TXT", "missing", "high"),
        }
        assert seen.findings["because"] == "lacks the mail records bounce MX, bounce TXT (and 5 more)"
        assert seen.findings["counts"] == {"missing mail": 7, "missing policy": 1}
        assert "dkim1.vendor.example" in made.memory.names.under(ZONE)
        again = await compared(made)
        assert rows(again) == rows(seen), "what was met by then is still for what leads to it"
        assert again.findings["counts"] == seen.findings["counts"]


@pytest.mark.parametrize(
    ("lines", "reason", "expected"),
    [
        (
            "@ A 192.0.2.80\napi A 192.0.2.81\nwww CNAME api",
            "parity_different",
            {("api", "A", "different", "critical")},
        ),
        (
            "@ A 192.0.2.80\napi A 192.0.2.80\nwww A 192.0.2.80",
            "parity_different",
            {("www", "CNAME", "different", "critical")},
        ),
        (
            "@ A 192.0.2.80\napi CNAME @\nwww CNAME api",
            "parity_different",
            {("api", "A", "different", "critical")},
        ),
        (
            f"{WEB.replace('api A', 'api 60 A')}",
            "parity_ttl_drift",
            {("api", "A", "ttl_drift", "low")},
        ),
        (f"{WEB}\n@ CAA 0 issue \"other.example\"", "parity_caa_stricter", {("@", "CAA", "caa_stricter", "high")}),
        (f"{WEB}\n* A 192.0.2.99", "parity_wildcard", None),
        (f"{WEB}\n_smtp._tls TXT \"v=TLSRPTv1\"", "parity_extra", {("_smtp._tls", "TXT", "extra", "low")}),
        (f"{WEB}\nx._mta-sts A 192.0.2.1", "parity_minor", {("_mta-sts", "TXT", "nxdomain_vs_nodata", "low")}),
    ],
)  # fmt: skip
async def test_how_a_fallback_differs(lines: str, reason: str, expected: set[tuple[str, ...]] | None) -> None:
    async with world(zone("b", lines, MAIL)) as made:
        seen = await compared(made)
        assert seen.reason == reason, seen.findings
        if expected is None:
            assert ("*", "A", "wildcard", "low") in rows(seen)
        else:
            assert rows(seen) == expected
        assert seen.findings["because"]


async def test_what_differs_by_design_is_named_in_the_plan() -> None:
    async with world(zone("b", WEB.replace("192.0.2.80", "192.0.2.81"), MAIL)) as made:
        assert (await compared(made)).reason == "parity_different"
        assert (await compared(made, differing=["@", "api"])).reason is None


async def test_a_fallback_that_would_send_resolvers_back_is_not_ready() -> None:
    async with world(zone("a", WEB, MAIL)) as made:
        seen = await compared(made)
        assert (seen.reason, rows(seen)) == ("parity_different", {("@", "NS", "ns_without_fallback", "high")})
        addresses_only = (OPERATORS[0], Operator(name="dns-b", servers=["192.0.2.65"]))
        assert (await compared(made, operators=addresses_only)).reason is None, "whose a name is cannot be told"


@pytest.mark.parametrize(
    ("behave", "said"),
    [(with_rcode("REFUSED", flags=0), "lame_refused"), (with_rcode("SERVFAIL", flags=0), "lame_servfail")],
)
async def test_a_fallback_without_the_zone(behave: Any, said: str) -> None:
    async with world(at_b={"other.example": "@ A 192.0.2.1"}) as made:
        seen = await compared(made)
        assert seen.reason == "parity_not_served"
        assert seen.findings["because"] == "does not serve the zone (REFUSED)"
        assert seen.findings["fallback"]["failing"] == {B1: "lame_refused", B2: "lame_refused"}
        async with dns_server(behave, tcp=None) as lame:
            made.lead(lame.address, B1, B2)
            seen = await compared(made)
            assert (seen.reason, set(seen.findings["fallback"]["failing"].values())) == ("parity_not_served", {said})


async def test_one_server_of_the_fallback_without_the_zone_is_named() -> None:
    async with world() as made, dns_server(with_rcode("REFUSED", flags=0)) as lame:
        made.lead(lame.address, B1)
        told = set()
        for _ in range(2):
            seen = await compared(made)
            assert (seen.reason, seen.findings["fallback"]["address"]) == (None, B2)
            told |= set(seen.findings["fallback"].get("failing", {}).items())
        assert told == {(B1, "lame_refused")}, "addresses take turns"


@pytest.mark.parametrize(
    ("addresses", "who"), [((A1, A2), "dns-a, the primary,"), ((B1, B2), "dns-b, the fallback,")]
)  # fmt: skip
@pytest.mark.parametrize("behave", [silent, garbage, None])
async def test_a_dark_side_says_nothing_of_the_records(addresses: Any, who: str, behave: Any) -> None:
    async with world(zone("b", WEB)) as made, dns_server(behave or silent, tcp=None) as dark:
        await compared(made)
        made.lead(dark.address if behave else CLOSED, *addresses)
        seen = await compared(made)
        assert seen.reason == "parity_unknown"
        assert REASONS["parity_unknown"].soft
        assert "rows" not in seen.findings
        assert seen.findings["because"] == f"cannot be compared: {who} does not answer"
        assert seen.duration_ns < 4.9e9


async def test_a_side_that_goes_dark_on_the_way_is_left_alone_and_nothing_is_claimed_of_the_rest() -> None:
    left = 12

    async with world() as made:

        async def dies(query: Query) -> None:
            nonlocal left
            left -= 1
            if left > 0:
                await forward(query, made)

        async with dns_server(dies, tcp=None) as mortal:
            made.lead(mortal.address, B1, B2)
            seen = await compared(made, timeout_s=30)
            assert (seen.reason, seen.findings["gone"]) == ("parity_unknown", ["dns-b"])
            assert seen.findings["compared"] < 15
            assert len(mortal.asked) < 80, "a server that is in trouble is not asked on and on"


async def test_a_name_that_only_fails_at_the_fallback_is_missing_there() -> None:
    async with world() as made:

        async def fails(query: Query) -> None:
            if str(query.message.question[0].name) == "api.vendor.example.":
                await with_rcode("SERVFAIL")(query)
            else:
                await forward(query, made)

        async with dns_server(fails) as server:
            made.lead(server.address, B1, B2)
            seen = await compared(made)
            assert (seen.reason, rows(seen)) == ("parity_missing", {("api", "A", "fails", "critical")})
            assert seen.findings["because"] == "fails for the sign-in record api A"


async def test_a_lost_datagram_makes_no_finding() -> None:
    lost: set[str] = set()

    async with world() as made:

        async def lossy(query: Query) -> None:
            asked = str(query.message.question[0])
            if asked in lost:
                await forward(query, made)
            lost.add(asked)

        async with dns_server(lossy, tcp=None) as server:
            made.lead(server.address, B1)
            made.lead(CLOSED, B2)
            seen = await compared(made, timeout_s=30)
            assert (seen.reason, seen.findings["compared"]) == (None, seen.findings["inventory"])


async def test_a_large_zone_truncates_over_udp_and_is_compared_over_tcp() -> None:
    texts = "\n".join(f'@ TXT "token-{n}-{"x" * 200}"' for n in range(10))
    async with world(zone("b", WEB, MAIL, texts), zone("a", WEB, MAIL, texts), make_b=bind_authority) as made:
        assert (await compared(made)).reason is None


async def test_a_signed_zone_would_go_bogus_at_a_fallback_without_its_key() -> None:
    key, other = ZoneKey(), ZoneKey()
    plain_a, plain_b = zone("a", WEB, MAIL), zone("b", WEB, MAIL)
    ds = f"{ZONE}. DS {key.ds(ZONE)}"
    async with world(plain_b, signed(ZONE, plain_a, key), more=ds) as made:
        assert made.b is not None
        seen = await compared(made)
        assert (seen.reason, seen.findings["would_go_bogus"]) == ("parity_would_go_bogus", True)
        assert seen.findings["because"] == "has no key that the parent's DS records fit"
        await serve(made.b, ZONE, signed(ZONE, plain_b, other, serial=2).replace("hostmaster 1", "hostmaster 2"), 2)
        assert (await compared(made)).reason == "parity_would_go_bogus"
        await serve(made.b, ZONE, signed(ZONE, plain_b.replace("hostmaster 1", "hostmaster 3"), key), 3)
        seen = await compared(made)
        assert (seen.reason, seen.findings["signed"]) == (None, True), seen.findings


async def test_a_delegated_name_below_is_compared_as_a_delegation() -> None:
    child = "sub NS ns1.elsewhere.example."
    async with world(zone("b", WEB, MAIL, child), zone("a", WEB, MAIL, child)) as made:
        assert (await compared(made, names=["sub", "x.sub"])).reason is None
    async with world(zone("b", WEB, MAIL), zone("a", WEB, MAIL, child)) as made:
        assert ("sub", "NS", "missing", "high") in rows(await compared(made, names=["sub"]))


async def test_names_that_other_checks_met_are_compared_and_said_to_be_unlisted() -> None:
    async with world(zone("b", WEB, MAIL), zone("a", WEB, MAIL, "met A 192.0.2.7")) as made:
        assert (await compared(made)).reason is None
        made.memory.names.note("met.vendor.example")
        made.memory.names.note("met.elsewhere.example")
        seen = await compared(made)
        assert (seen.reason, rows(seen)) == ("parity_missing", {("met", "A", "missing", "high")})
        assert "met" in seen.findings["unlisted"]


async def test_where_the_fallbacks_servers_are() -> None:
    by_name = (OPERATORS[0], Operator(name="dns-b", servers=["ns2.dns-b.example"]))
    nowhere = (OPERATORS[0], Operator(name="dns-b", servers=["*.dns-b.example"]))
    async with world() as made:
        assert (await compared(made, operators=by_name)).findings["fallback"]["address"] == B2
        seen = await compared(made, operators=nowhere)
        assert (seen.reason, seen.findings["fallback"]["state"]) == ("parity_unknown", "no_servers")
        seen = await compared(made, operators=nowhere, servers=[Endpoint("ns1.dns-b.example:53")])
        assert seen.findings["fallback"]["address"] == B1
        seen = await compared(made, operators=nowhere, servers=[Endpoint("nobody.dns-b.example:53")])
        assert (seen.reason, seen.findings["fallback"]["state"]) == ("parity_unknown", "no_servers")


async def test_a_parent_that_is_dark_hides_only_what_nothing_else_tells() -> None:
    in_full = (Operator(name="dns-a", servers=["192.0.2.1"]), OPERATORS[1])
    async with world(zone("b", WEB)) as made:
        made.lead(CLOSED, ROOT, ROOT6)
        seen = await compared(made)
        assert (seen.reason, seen.findings["walk"]) == ("parity_unknown", "dark")
        assert (await compared(made, operators=in_full)).reason == "parity_missing"


async def test_a_thousand_names_are_compared_within_the_time() -> None:
    names = [f"n{n}" for n in range(1000)]
    lines = "\n".join(f"{name} A 192.0.2.{n % 250 + 1}" for n, name in enumerate(names))
    async with world(zone("b", WEB, MAIL, lines), zone("a", WEB, MAIL, lines)) as made:
        seen = await compared(made, purposes={"sign-in": names}, timeout_s=60)
        assert (seen.reason, seen.findings["compared"]) == (None, seen.findings["inventory"])
        assert seen.findings["inventory"] > 3000


async def test_what_there_was_no_time_for_is_said_and_has_its_turn() -> None:
    names = [f"n{n}" for n in range(900)]
    lines = "\n".join(f"{name} A 192.0.2.1" for name in names)
    async with world(zone("b", WEB, MAIL, lines), zone("a", WEB, MAIL, lines, "last A 192.0.2.1")) as made:
        seen = await compared(made, names=[*names, "last"], timeout_s=0.5)
        assert seen.reason == "parity_incomplete"
        assert seen.findings["compared"] < seen.findings["inventory"]
        assert seen.findings["because"].endswith("questions only")
        assert seen.duration_ns < 0.9e9
        reasons = set()
        runs = 0
        while reasons != {"parity_incomplete", "parity_missing"}:
            made.memory.budget = Budget()
            made.memory.budget.limit(1200)  # 600 questions, then a rest
            seen = await compared(made, names=[*names, "last"], timeout_s=20)
            assert 500 < seen.findings["compared"] < 700 < seen.findings["inventory"]
            reasons.add(seen.reason)
            runs += 1
            assert runs < 12, reasons


async def test_what_the_budget_does_not_allow_is_not_compared_and_said() -> None:
    async with world(zone("b", WEB, MAIL)) as made:
        made.memory.budget.limit(1)  # a minute, after the first 20
        seen = await compared(made)
        assert seen.reason == "parity_incomplete"
        assert 10 < seen.findings["compared"] < seen.findings["inventory"]
        seen = await compared(made)
        assert (seen.reason, seen.abstain) == ("over_budget", "over_budget")
        assert sum(made.memory.budget.refused.values()) > 10


@pytest.mark.parametrize("side", [A1, B1])
async def test_a_run_that_is_cancelled_ends_at_once(side: Address) -> None:
    reached = trio.Event()

    async def hangs(query: Query) -> None:
        reached.set()

    async with world() as made, dns_server(hangs, tcp=None) as dark:
        made.lead(dark.address, *(AT_A if side == A1 else AT_B))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(compared, made)
            await reached.wait()
            cancelled_at = trio.current_time()
            nursery.cancel_scope.cancel()
        assert trio.current_time() - cancelled_at < 1


async def forward(query: Query, made: World) -> None:
    """Passes a query on to operator B's real server."""

    assert made.b is not None
    reply = await dns.asyncquery.udp(query.message, made.b.address.ip, port=made.b.address.port, timeout=5)
    await query.send(reply.to_wire())


async def test_a_zone_that_does_not_exist_is_said_not_to() -> None:
    async with delegated({}, {ZONE: zone("a", WEB)}) as made:
        seen = await compared(made, operators=(OPERATORS[0], Operator(name="dns-b", servers=["*.dns-b.example"])))
        assert (seen.reason, seen.findings["walk"]) == ("parity_unknown", "no_delegation")
        assert "vendor.example is not delegated" in seen.findings["because"]
