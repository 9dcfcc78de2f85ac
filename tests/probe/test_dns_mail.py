"""The dns.mail check over real name servers and resolvers: what each view has, and what a fallback lacks."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from parallax.plan.dns_specs import MailSpec
from parallax.plan.types import Operator, Resolver
from parallax.values import Address, DnsName, Endpoint
from probe.dns.memory import Memory
from tests.parts.daemon import Daemon
from tests.parts.nsd import nsd
from tests.parts.unbound import unbound
from tests.parts.zones import serve, soa
from tests.probe.dns.tree import IDP, Tree, tree
from tests.probe.dns_runs import record, run_kind

pytestmark = pytest.mark.slow

KEY = (
    "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAobmertoVkHVaFD6OizBb+xQKc/yBoVvJVSPl+9PzKnFzDFgihXWydN"
    "n6JwmJpLnMmBtcVemstMozL/FmP/jgF/hMy83fSMTuClVbknH8oOHEm32OJsQYJX4VWWfRjt4GI8+Vo/rrC043xnhLTIJ9Dcqc"
    "2ISL+7yXvRef+mzgX8mYmT4g6tjQv46lMYTUP8FLn5AqNmz0KmGAf242Et5amk5XmSUccXuuMN16KRZ9C7YS3up8PJQxVF4EJY"
    "XinVyZBnFrrkyujuxw/UIRuNa1iKIFIDMso9eeQB3KtEQ+Qbj3xxvad8Ao+NsVpihv9soKigmpABudm+72GArAQ6trewIDAQAB"
)
DKIM = f'"v=DKIM1; k=rsa; p={KEY[:200]}" "{KEY[200:]}"'
MAIL = f"""@ 2 MX 10 mail
mail A 192.0.2.90
@ 2 TXT "v=spf1 mx include:spf.idp.example -all"
@ 2 TXT "some-verification=1"
spf 2 TXT "v=spf1 ip4:192.0.2.0/24 -all"
_dmarc 2 TXT "v=DMARC1; p=reject"
clk._domainkey 2 TXT {DKIM}
clk2._domainkey 2 CNAME clk._domainkey
bounces 2 MX 10 mail
bounces 2 TXT "v=spf1 ip4:192.0.2.0/24 -all"
"""
ZONE = IDP + MAIL
SPEC = MailSpec(domain=DnsName("idp.example"), selectors=["clk", "clk2"], return_path=DnsName("bounces.idp.example"))
OPERATORS = [
    Operator(name="dns-a", servers=["*.operator-a.test", "192.0.2.1", "2001:db8:a::1"]),
    Operator(name="dns-b", servers=["192.0.2.65"], role="fallback"),
]
R1, FALLBACK = Address("203.0.113.53:53"), Address("192.0.2.65:53")


class World:
    def __init__(self, tree: Tree, resolver: Daemon, fallback: Daemon) -> None:
        self.tree, self.resolver, self.fallback = tree, resolver, fallback
        self.tools = tree.tools(
            memory=Memory(), operators=OPERATORS, resolvers=[Resolver(name="r1", address=Endpoint(R1), own=True)]
        )


@asynccontextmanager
async def world(idp: str = ZONE, fallback: str = ZONE) -> AsyncIterator[World]:
    async with (
        tree(idp=idp) as running,
        nsd({"idp.example": fallback}, nsid="fallback") as standby,
        unbound({"idp.example": running.a.address, "acme.test": running.other.address}) as resolver,
    ):
        running.lead(R1, resolver.address)
        running.lead(FALLBACK, standby.address)
        yield World(running, resolver, standby)


async def test_every_view_has_all_records() -> None:
    async with world() as running:
        found = await run_kind("dns.mail", "idp.example", SPEC, running.tools)
    assert list(found) == ["r1", "operator dns-a", "operator dns-b"]
    for seen in found.values():
        assert (seen.reason, seen.findings.get("because")) == (None, None)
        assert record(seen, "dkim", "clk")["bits"] == 2048
        assert record(seen, "dkim", "clk2")["aliases"] == ["clk._domainkey.idp.example"]
        assert record(seen, "dmarc")["policy"] == "reject"
        assert record(seen, "mx")["hosts"] == ["10 mail.idp.example"]
        assert seen.findings["queries"] <= 12
    assert found["r1"].dims["resolver"] == "r1"
    assert record(found["r1"], "spf")["lookups"] == 2
    assert {key: found["operator dns-b"].dims[key] for key in ("operator", "zone", "address")} == {
        "operator": "dns-b",
        "zone": "idp.example",
        "address": "192.0.2.65",
    }
    assert found["operator dns-b"].site == "fallback"
    met = running.tools.memory.names.under("idp.example")
    assert {"clk._domainkey.idp.example", "_dmarc.idp.example", "mail.idp.example", "bounces.idp.example"} <= set(met)


async def test_a_fallback_without_the_mail_records() -> None:
    async with world(fallback=IDP) as running:
        found = await run_kind("dns.mail", "idp.example", SPEC, running.tools)
    assert [found[subject].reason for subject in found] == [None, None, "mail_dkim_missing"]
    seen = found["operator dns-b"]
    assert seen.fault == "target"
    assert record(seen, "dkim", "clk")["problem"] == "no_such_name"
    assert {name: record(seen, name)["class"] for name in ("spf", "dmarc", "mx", "return_path")} == dict.fromkeys(
        ("spf", "dmarc", "mx", "return_path"), "missing"
    )
    assert seen.findings["because"].startswith(
        "DKIM clk missing (clk._domainkey.idp.example does not exist); DKIM clk2"
    )
    assert "dkim clk" in seen.findings["inconsistent"]


async def test_a_dark_zone_is_no_missing_record() -> None:
    async with world() as running:
        await run_kind("dns.mail", "idp.example", SPEC, running.tools)
        running.tree.a.kill()
        unread = MailSpec(domain=SPEC.domain, selectors=["other"])
        found = await run_kind("dns.mail", "idp.example", unread, running.tools)
    assert (found["operator dns-a"].reason, found["operator dns-a"].fault) == ("mail_dkim_tempfail", "target")
    assert record(found["operator dns-a"], "dkim", "other")["problem"] == "refused"
    assert found["operator dns-a"].findings["queries"] == 1  # the others are not asked for
    assert found["r1"].reason == "mail_dkim_tempfail"
    assert record(found["r1"], "dkim", "other")["class"] == "tempfail"
    # And where the selector is asked for at a server that is up, it is missing for good.
    assert found["operator dns-b"].reason == "mail_dkim_missing"


async def test_a_zone_that_was_dark_before_the_first_run() -> None:
    async with world() as running:
        running.tree.a.kill()
        found = await run_kind("dns.mail", "idp.example", SPEC, running.tools)
    assert [found[subject].reason for subject in ("operator dns-a", "operator dns-b")] == ["mail_dkim_tempfail", None]


async def test_an_operator_with_other_records_is_inconsistent() -> None:
    lagging = ZONE.replace("p=reject", "p=none").replace("10 mail\nmail", "20 mail\nmail")
    async with world(fallback=lagging) as running:
        found = await run_kind("dns.mail", "idp.example", SPEC, running.tools)
        assert found["operator dns-b"].reason == "mail_inconsistent"
        assert found["operator dns-b"].findings["inconsistent"] == ["dmarc", "mx"]
        assert found["r1"].reason is None
        await serve(running.fallback, "idp.example", ZONE.replace(soa("ns1", 7), soa("ns1", 8)), 8)
        found = await run_kind("dns.mail", "idp.example", SPEC, running.tools)
        assert found["operator dns-b"].reason is None


async def test_keys_and_records_that_are_of_no_use() -> None:
    bad = IDP + (
        'clk._domainkey TXT "v=DKIM1; p="\nclk2._domainkey CNAME gone.idp.example.\n@ TXT "v=spf1 a" \n'
        '@ TXT "v=spf1 -all"\n@ MX 10 login\n_dmarc TXT "v=DMARC1; p=all"\nbounces MX 0 .\n'
    )
    async with world(idp=bad, fallback=bad) as running:
        found = await run_kind("dns.mail", "idp.example", SPEC, running.tools)
    seen = found["r1"]
    assert seen.reason == "mail_dkim_missing"
    assert record(seen, "dkim", "clk")["class"] == "revoked"
    assert record(seen, "dkim", "clk2")["why"].startswith("gone.idp.example, which clk2._domainkey.idp.example is")
    assert record(seen, "spf")["problem"] == "multiple"
    assert record(seen, "mx")["problem"] == "alias"
    assert record(seen, "dmarc")["problem"] == "policy"
    assert record(seen, "return_path")["problem"] == "null"
    assert record(found["operator dns-a"], "mx")["class"] == "ok"  # whether the host is an alias is not asked there


async def test_a_customers_selectors_lead_to_the_vendor() -> None:
    """As customers of an auth vendor have it: the keys are aliases into the vendor's zone."""
    spec = MailSpec(domain=DnsName("acme.test"), selectors=["clk"], receives=False)
    async with world() as running:
        zone = f"{soa('ns1.nic.test.', 5)}\n@ NS ns1.nic.test.\n"
        zone += 'clk._domainkey CNAME clk._domainkey.idp.example.\n@ TXT "v=spf1 -all"\n_dmarc TXT "v=DMARC1; p=none"\n'
        await serve(running.tree.other, "acme.test", zone, 5)
        tools = running.tree.tools(
            operators=[Operator(name="dns-o", servers=["ns1.nic.test"])],
            resolvers=[Resolver(name="r1", address=Endpoint(R1))],
        )
        found = await run_kind("dns.mail", "acme.test", spec, tools)
        assert {subject: seen.reason for subject, seen in found.items()} == {"r1": None, "operator dns-o": None}
        assert record(found["operator dns-o"], "dkim", "clk")["class"] == "elsewhere"
        assert record(found["r1"], "dkim", "clk")["aliases"] == ["clk._domainkey.idp.example"]
        assert "clk._domainkey.idp.example" in tools.memory.names.under("idp.example")


async def test_a_server_that_does_not_serve_the_zone_is_no_missing_record() -> None:
    async with world() as running:
        await serve(running.tree.other, "acme.test", "www A 192.0.2.1", 9)
        running.tree.lead(FALLBACK, running.tree.other.address)  # REFUSED for idp.example
        tools = running.tree.tools(operators=OPERATORS, resolvers=[])
        found = await run_kind("dns.mail", "idp.example", SPEC, tools)
    seen = found["operator dns-b"]
    assert (seen.reason, record(seen, "dkim", "clk")["problem"]) == ("mail_dkim_tempfail", "lame_refused")
