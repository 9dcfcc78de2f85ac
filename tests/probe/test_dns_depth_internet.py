"""Chains and parity in the small internet of real servers: IPv4 and IPv6, servers without glue, operators that go dark,
a delegation that moves."""

import pytest

from parallax.clock import wall_ns
from parallax.dialling.route import EVERYWHERE, Routes
from parallax.dialling.tls import Trust
from parallax.observation import Observation
from parallax.plan.dns_specs import ChainSpec, ParitySpec
from parallax.plan.specs import Spec
from parallax.plan.types import Check, Operator
from parallax.values import DnsName, Duration
from probe.runs import Vantage, run_target
from probe.tools import Tools
from tests.parts.internet import NAMES_B, OPERATOR_A, WEB, ZONE, address, idp_zone, internet
from tests.parts.namespace import network_namespace

pytestmark = pytest.mark.slow

OPERATORS = (
    Operator(name="dns-a", servers=["*.operator-a.test"]),
    Operator(name="dns-b", servers=["*.operator-b.test", "ns1.operator-b.test", "ns2.operator-b.test"]),
)
CHAIN = ChainSpec(names=[DnsName("clerk.acme.test")], expect=[DnsName("frontend-api.idp.example")])
PARITY = ParitySpec(
    zone=DnsName(ZONE),
    primary="dns-a",
    fallback="dns-b",
    purposes={"sign-in": ["@", "frontend-api", "accounts"], "mail": ["mail1.acme"]},
    selectors=["sel1", "sel2"],
)


def tools_for(*operators: Operator) -> Tools:
    roots = (address("root"), address("root", 6))
    return Tools(routes=Routes.of((), EVERYWHERE), trust=Trust(), resolvers=(), roots=roots, operators=operators)


async def run(kind: str, spec: Spec, tools: Tools) -> Observation:
    target = ZONE if kind == "dns.parity" else "clerk.acme.test"
    check = Check(
        name="x", kind=kind, targets=[target], period=Duration(60), timeout=Duration(8), external=True, probes=[],
        spec=spec,
    )  # fmt: skip
    [seen] = await run_target(check, target, Vantage(probe="fra1", families=(4, 6)), tools, scheduled_at=wall_ns())
    return seen


async def test_the_story_of_an_operator_that_goes_dark() -> None:
    tools = tools_for(*OPERATORS)
    with network_namespace() as net:
        async with internet(net, ttl=300, without=("plain", "stale", "bind")) as world:
            seen = await run("dns.chain", CHAIN, tools)
            assert (seen.reason, seen.findings["end"]) == (None, [WEB])
            assert len(seen.findings["hops"][1]["servers"]) == 8, "four servers, IPv4 and IPv6"
            whole = seen.findings["signature"]
            seen = await run("dns.parity", PARITY, tools)
            assert seen.reason == "parity_missing"
            assert seen.findings["because"].startswith("lacks the mail records ")

            net.drop(*OPERATOR_A)
            seen = await run("dns.chain", CHAIN, tools)
            assert (seen.reason, seen.dims["operator"], seen.dims["zone"]) == ("dns_hop_dark", "dns-a", ZONE)
            assert set(seen.findings["hops"][1]["servers"].values()) == {"timeout"}
            assert (await run("dns.parity", PARITY, tools)).reason == "parity_unknown"

            await world.delegate(NAMES_B)
            seen = await run("dns.chain", CHAIN, tools)
            assert (seen.reason, seen.findings["stale"]) == ("dns_delegation_stale", "frontend-api.idp.example")
            seen = await run("dns.chain", CHAIN, tools)
            assert (seen.reason, seen.findings["hops"][1]["operator"]) == (None, "dns-b")
            assert seen.findings["signature"] == whole, "another operator, the same names"

            net.mend()
            for server in ("b1", "b2"):
                await world.serve(server, ZONE, lambda serial: idp_zone(NAMES_B, ttl=300, serial=serial))
            in_full = Operator(name="dns-a", servers=["ns1.operator-a.test"])  # the delegation names it no more
            seen = await run("dns.parity", PARITY, tools_for(in_full, OPERATORS[1]))
            assert seen.reason is None, seen.findings
