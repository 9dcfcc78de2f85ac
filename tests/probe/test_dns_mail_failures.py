"""dns.mail and dns.dnssec against servers that misbehave: an answer that says nothing is never a missing record."""

from collections.abc import Mapping

import dns.rdatatype
import pytest
import trio

from parallax.dialling.route import EVERYWHERE, Routes
from parallax.dialling.tls import Trust
from parallax.plan.dns_specs import DnssecSpec, MailSpec
from parallax.plan.types import Operator, Resolver
from parallax.values import Address, DnsName, Endpoint, Redirect
from probe.dns.memory import Memory
from probe.tools import Tools
from tests.fakes import dns_server as fake
from tests.fakes.dns_server import DnsServer, dns_server
from tests.parts.ports import free_port
from tests.probe.dns_runs import record, run_kind

R1, B, ROOT = Address("203.0.113.53:53"), Address("192.0.2.65:53"), Address("198.51.100.1:53")
MAIL = MailSpec(domain=DnsName("acme.test"), selectors=["clk"])
DNSSEC = DnssecSpec(zone=DnsName("acme.test"))
SHORT_S = 0.6


def tools(server: DnsServer, *, fallback: bool = False) -> Tools:
    """The server is the only resolver, and with `fallback` an operator too; there are no roots to walk from."""
    leads = {R1: server.address, B: server.address, ROOT: Address.of("127.0.0.1", free_port())}
    return Tools(
        routes=Routes.of([(Redirect(source), to) for source, to in leads.items()], EVERYWHERE),
        trust=Trust(),
        resolvers=(),
        families=(4,),
        memory=Memory(),
        roots=(ROOT,),
        operators=(Operator(name="dns-b", servers=["192.0.2.65"], role="fallback"),) if fallback else (),
        named_resolvers=(Resolver(name="r1", address=Endpoint(R1)),),
    )


def answering(table: Mapping[tuple[str, str], list[str]], silent_at: str = "") -> fake.UdpBehaviour:
    """Answers from a table, NXDOMAIN for the rest; silent for names with a text in them."""

    async def behave(query: fake.Query) -> None:
        question = query.message.question[0]
        name = question.name.to_text().rstrip(".")
        if silent_at and silent_at in name:
            return
        rdtype = dns.rdatatype.to_text(question.rdtype)
        values = table.get((name, rdtype), [])
        records = [f"{name}. 60 IN {rdtype} {value}" for value in values]
        reply = fake.answer(query.message, *records, rcode="NOERROR" if records else "NXDOMAIN")
        await query.send(reply)

    return behave


GOOD = {
    ("acme.test", "TXT"): ['"v=spf1 -all"'],
    ("acme.test", "MX"): ["10 mx.acme.test."],
    ("mx.acme.test", "A"): ["192.0.2.1"],
    ("_dmarc.acme.test", "TXT"): ['"v=DMARC1; p=none"'],
}


@pytest.mark.parametrize(
    ("udp", "problem"),
    [
        (fake.silent, "timeout"),
        (fake.with_rcode("SERVFAIL"), "servfail"),
        (fake.with_rcode("REFUSED"), "refused"),
        (fake.with_rcode("NOTIMP"), "notimp"),
        (fake.with_rcode("NXDOMAIN", ede=15), "filtered"),
        (fake.wrong_id, "bad_replies"),
        (fake.wrong_source, "timeout"),
        (fake.compression_loop, "bad_replies"),
        (fake.truncated, "closed"),
    ],
)
async def test_no_answer_is_never_a_missing_key(udp: fake.UdpBehaviour, problem: str) -> None:
    async with dns_server(udp, fake.tcp_closed) as server:
        found = await run_kind("dns.mail", "acme.test", MAIL, tools(server), timeout_s=SHORT_S)
    seen = found["r1"]
    assert (seen.reason, seen.fault) == ("mail_dkim_tempfail", "resolver")
    assert {record(seen, "dkim", "clk")["class"], record(seen, "spf")["class"]} == {"tempfail"}
    assert record(seen, "dkim", "clk")["problem"] == problem


async def test_a_resolver_that_blames_the_zone() -> None:
    async with dns_server(fake.with_rcode("SERVFAIL", ede=22)) as server:
        found = await run_kind("dns.mail", "acme.test", MAIL, tools(server), timeout_s=SHORT_S)
    assert (found["r1"].reason, found["r1"].fault) == ("mail_dkim_tempfail", "target")


async def test_a_silent_server_is_not_asked_for_all_records() -> None:
    async with dns_server(fake.silent) as server:
        found = await run_kind("dns.mail", "acme.test", MAIL, tools(server), timeout_s=SHORT_S)
        assert len(server.asked) == 2  # once, and once more
    assert found["r1"].duration_ns < SHORT_S * 1e9


async def test_a_missing_key_and_a_silent_one_are_told_apart_in_one_view() -> None:
    spec = MailSpec(domain=MAIL.domain, selectors=["gone", "slow"])
    async with dns_server(answering(GOOD, silent_at="slow.")) as server:
        found = await run_kind("dns.mail", "acme.test", spec, tools(server), timeout_s=SHORT_S)
    seen = found["r1"]
    assert (seen.reason, seen.fault) == ("mail_dkim_missing", "target")
    assert record(seen, "dkim", "gone")["class"] == "missing"
    assert record(seen, "dkim", "slow") == {
        "class": "tempfail",
        "problem": "timeout",
        "why": "slow._domainkey.acme.test TXT: timeout",
    }
    assert {record(seen, name)["class"] for name in ("spf", "dmarc", "mx")} == {"ok"}


@pytest.mark.slow
async def test_one_lost_datagram_makes_no_finding() -> None:
    lost: set[str] = set()
    behave = answering({**GOOD, ("clk._domainkey.acme.test", "TXT"): ['"v=DKIM1; p="']})

    async def first_time_silent(query: fake.Query) -> None:
        question = query.message.question[0].to_text()
        if question in lost:
            await behave(query)
        lost.add(question)

    async with dns_server(first_time_silent) as server:
        found = await run_kind("dns.mail", "acme.test", MAIL, tools(server), timeout_s=10)
    assert found["r1"].reason == "mail_dkim_revoked"


async def test_a_resolver_whose_answers_never_end() -> None:
    """Every name has an SPF record that includes two more, every MX twenty hosts: the run stays bounded."""

    async def endless(query: fake.Query) -> None:
        question = query.message.question[0]
        name, rdtype = question.name.to_text(), dns.rdatatype.to_text(question.rdtype)
        data = {
            "TXT": [f'"v=spf1 include:a.{name} include:b.{name} -all"'],
            "MX": [f"{n} h{n}.{name}" for n in range(60)],
        }.get(rdtype, ["192.0.2.1"] if rdtype == "A" else [])
        await query.send(fake.answer(query.message, *(f"{name} 60 IN {rdtype} {each}" for each in data)))

    spec = MailSpec(domain=MAIL.domain, selectors=["clk"], return_path=DnsName("b.acme.test"))
    async with dns_server(endless) as server:
        found = await run_kind("dns.mail", "acme.test", spec, tools(server), timeout_s=10)
        assert len(server.asked) < 100
    assert record(found["r1"], "spf")["problem"] == "lookups"
    assert len(record(found["r1"], "mx")["hosts"]) == 20


async def test_aliases_in_a_circle_at_an_operator() -> None:
    circle = {f"clk{n}._domainkey.acme.test": f"clk{3 - n}._domainkey.acme.test." for n in (1, 2)}

    async def behave(query: fake.Query) -> None:
        name = query.message.question[0].name.to_text().rstrip(".")
        target = circle.get(name)
        if target:
            await query.send(fake.answer(query.message, f"{name}. 60 IN CNAME {target}"))
        else:
            await answering(GOOD)(query)

    spec = MailSpec(domain=MAIL.domain, selectors=["clk1"])
    async with dns_server(behave) as server:
        found = await run_kind("dns.mail", "acme.test", spec, tools(server, fallback=True), timeout_s=5)
        assert len(server.asked) < 40
    assert record(found["operator dns-b"], "dkim", "clk1")["class"] == "missing"


async def test_without_a_walk_the_resolvers_and_the_plans_fallback_are_asked_all_the_same() -> None:
    async with dns_server(answering(GOOD)) as server:
        found = await run_kind("dns.mail", "acme.test", MAIL, tools(server, fallback=True), timeout_s=5)
        assert {subject: seen.reason for subject, seen in found.items()} == {
            "r1": "mail_dkim_missing",
            "operator dns-b": "mail_dkim_missing",
        }
        found = await run_kind("dns.mail", "acme.test", MAIL, tools(server), timeout_s=5)
    assert found["operators"].reason == "mail_dkim_tempfail"
    assert found["operators"].findings["records"]["spf"]["why"].startswith("the walk ended at .: ")


async def test_cancelled_a_run_leaves_nothing_behind() -> None:
    async with dns_server(fake.silent) as server:
        with trio.move_on_after(5) as scope:
            async with trio.open_nursery() as nursery:

                async def run() -> None:
                    await run_kind("dns.mail", "acme.test", MAIL, tools(server), timeout_s=30)

                nursery.start_soon(run)
                while not server.asked:
                    await trio.lowlevel.checkpoint()
                nursery.cancel_scope.cancel()
        assert not scope.cancelled_caught


# ---- dns.dnssec


@pytest.mark.parametrize(
    ("udp", "reason", "fault"),
    [
        (fake.silent, "dns_timeout", "resolver"),
        (fake.with_rcode("REFUSED"), "dns_refused", "resolver"),
        (fake.with_rcode("SERVFAIL"), "dns_servfail", "resolver"),
        (fake.with_rcode("SERVFAIL", ede=7), "dns_bogus", "target"),
        (fake.with_rcode("SERVFAIL", ede=22), "dns_servfail", "target"),
        (fake.with_rcode("NXDOMAIN"), "dns_nxdomain", "target"),
        (fake.wrong_id, "dns_bad_replies", "resolver"),
    ],
)
async def test_dnssec_at_a_resolver_that_misbehaves(udp: fake.UdpBehaviour, reason: str, fault: str) -> None:
    async with dns_server(udp) as server:
        timeout_s = 3.0 if udp in (fake.silent, fake.wrong_id) else 30.0
        found = await run_kind("dns.dnssec", "acme.test", DNSSEC, tools(server), timeout_s=timeout_s)
    assert (found["r1"].reason, found["r1"].fault) == (reason, fault)
    assert found["delegation"].reason == "dns_parent_unreachable"


_NAME = "acme.test. 60 IN"


@pytest.mark.parametrize(
    "records",
    [
        [
            f"{_NAME} SOA ns1. host. 1 1 1 1 1",
            f"{_NAME} RRSIG SOA 13 2 60 20300101000000 20200101000000 1 acme.test. AAAA",
        ],
        [
            f"{_NAME} DNSKEY 257 3 13 AAAA",
            f"{_NAME} RRSIG DNSKEY 13 2 60 20300101000000 20200101000000 1 acme.test. AAAA",
        ],
        [
            f"{_NAME} DNSKEY 257 3 8 AAAA",
            f"{_NAME} DNSKEY 0 3 255 AAAA",
            f"{_NAME} RRSIG TYPE65280 255 2 60 1 0 0 . AA==",
        ],
        [f"{_NAME} RRSIG SOA 13 9 60 20300101000000 20200101000000 1 other.test. AAAA"],
    ],
)
async def test_dnssec_of_records_that_make_no_sense(records: list[str]) -> None:
    async with dns_server(fake.with_records(*records)) as server:
        found = await run_kind("dns.dnssec", "acme.test", DNSSEC, tools(server, fallback=True), timeout_s=5)
    assert found["operator dns-b"].reason not in ("probe_error", "overrun")
    states = [each["state"] for each in found["operator dns-b"].findings.get("signatures", ())]
    assert "ok" not in states
    assert states or found["operator dns-b"].reason == "dns_nodata"
