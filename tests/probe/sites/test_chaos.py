"""Asking a server who it is, at real ones and at one that sends no NSID."""

import dns.flags
import dns.message
import dns.rdataclass
import dns.rrset
import pytest

from parallax.dialling.route import EVERYWHERE, Routes
from parallax.plan.dns_specs import ZoneSpec
from parallax.values import Address, DnsName
from probe.attempt import attempt, evidence_of
from probe.checks import KINDS
from probe.checks.zone_server import AtServer
from probe.dns.client import Client, Server
from probe.dns.memory import Memory
from probe.kind import Subject
from probe.sites.chaos import ask_identity
from tests.fakes import dns_server as fake
from tests.fakes.dns_server import Query, dns_server
from tests.parts.bind import bind_authority
from tests.parts.nsd import nsd
from tests.probe.dns_attempts import tools


async def identity(address: Address, timeout_s: float = 2.0) -> tuple[str | None, list[str]]:
    client = Client(routes=Routes.of(allow=EVERYWHERE), memory=Memory())
    text, asked = await ask_identity(Server(address=address), client, timeout_s)
    return text, [each.reply.rcode if each.reply else each.outcome for each in asked]


@pytest.mark.slow
async def test_nsd_and_bind_say_who_they_are() -> None:
    async with nsd({"acme.test": ""}, more='  identity: "fra1.ns-a"') as one, bind_authority({"acme.test": ""}) as two:
        assert await identity(one.address) == ("fra1.ns-a", ["NOERROR"])
        assert (await identity(two.address))[0] == "lon1.ns-b"


def saying(*names: str) -> fake.UdpBehaviour:
    """A server without NSID that knows its identity under these names, and an SOA."""

    async def behave(query: Query) -> None:
        question = query.message.question[0]
        name = question.name.to_text(omit_final_dot=True)
        if question.rdclass != dns.rdataclass.CH:
            await fake.with_records("acme.test. 300 IN SOA ns1.acme.test. h.acme.test. 7 3600 600 86400 60")(query)
        elif name in names:
            await query.send(fake.answer(query.message, f'{name}. 0 CH TXT "s1.amx"'))
        else:
            await fake.with_rcode("REFUSED")(query)

    return behave


async def test_the_other_name_is_asked_where_one_is_refused_and_silence_ends_it() -> None:
    async with dns_server(saying("hostname.bind")) as server:
        assert await identity(server.address) == ("s1.amx", ["REFUSED", "NOERROR"])
        server.udp = saying()
        assert await identity(server.address) == (None, ["REFUSED", "REFUSED"])
        server.udp = fake.silent
        assert await identity(server.address, 0.2) == (None, ["timeout"])
        server.udp = fake.garbage
        assert await identity(server.address, 0.2) == (None, ["bad_replies"])


@pytest.mark.parametrize(("chaos", "site"), [(True, "amx"), (False, None)])
async def test_a_zones_server_without_nsid_is_asked_where_the_plan_says_so(chaos: bool, site: str | None) -> None:
    spec = ZoneSpec(zone=DnsName("acme.test"), chaos=chaos)
    async with dns_server(saying("id.server")) as server:
        subject = Subject(target="acme.test", host="i.root-servers.net", address=server.address, task=AtServer())
        tape = await attempt(KINDS["dns.zone"], spec, subject, 2.0, tools())
        asked = [message.question[0].rdclass for _, message in server.asked]
    evidence = evidence_of(tape)
    assert (tape.site, evidence.findings["class"]) == (site, "auth_answer")
    assert asked.count(dns.rdataclass.CH) == (1 if chaos else 0)
    assert evidence.findings.get("site_operator") == ("I root" if chaos else None)


async def test_an_identity_that_does_not_come_fails_no_check() -> None:
    spec = ZoneSpec(zone=DnsName("acme.test"), chaos=True)
    async with dns_server(saying()) as server:
        subject = Subject(target="acme.test", host="ns1.acme.test", address=server.address, task=AtServer())
        tape = await attempt(KINDS["dns.zone"], spec, subject, 2.0, tools())
    evidence = evidence_of(tape)
    assert (tape.site, evidence.failure, evidence.findings["class"]) == (None, None, "auth_answer")
