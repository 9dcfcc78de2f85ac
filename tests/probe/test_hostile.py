"""Name servers that want to cost us, or to make us cost others: what one run does at most."""

import base64
import secrets

import dns.flags
import dns.message
import dns.name
import dns.rrset
import pytest
import trio

from parallax.dialling.route import Routes
from parallax.dialling.tls import Trust
from parallax.values import Address, Cidr, Redirect
from probe.dns import dnssec
from probe.dns.cookies import Cookie
from probe.dns.descent import MOST_QUERIES
from probe.dns.memory import Memory
from probe.dns.message import Query as Question
from probe.dns.message import Record
from probe.dns.udp_socket import Heard
from probe.dns.walk import delegation, zone_of
from probe.tools import Tools
from tests.fakes.dns_server import DnsServer, Query, dns_server
from tests.probe.zone_runs import by_subject, zone_run

ROOT = Address("198.51.100.1:53")
pytestmark = pytest.mark.slow


def tools_at(server: DnsServer, *more: Address) -> Tools:
    redirects = [(Redirect(address), server.address) for address in (ROOT, *more)]
    return Tools(
        routes=Routes.of(redirects, [Cidr("127.0.0.1/32")]),
        trust=Trust(),
        resolvers=(),
        families=(4,),
        memory=Memory(),
        roots=(ROOT,),
    )


def referral(message: dns.message.Message, zone: str, names: list[str], glue: dict[str, str] | None = None) -> bytes:
    reply = dns.message.make_response(message)
    reply.authority.append(dns.rrset.from_text_list(f"{zone}.", 300, "IN", "NS", [f"{name}." for name in names]))
    for name, ip in (glue or {}).items():
        reply.additional.append(dns.rrset.from_text(f"{name}.", 300, "IN", "A", ip))
    return reply.to_wire(max_size=65535)


async def without_glue(query: Query) -> None:
    """Every zone has 32 servers, each of a name of its own in a zone of its own (NXNSAttack, Afek et al. 2020)."""
    zone = query.message.question[0].name.to_text(omit_final_dot=True).rpartition(".")[2]
    made_up = [f"ns.{secrets.token_hex(4)}" for _ in range(32)]
    await query.send(referral(query.message, zone, made_up))


async def test_servers_without_glue_do_not_multiply_queries() -> None:
    async with dns_server(without_glue) as server:
        tools = tools_at(server)
        await delegation("acme.test", tools, 5.0)
        first = len(server.asked)
        assert first <= MOST_QUERIES + 1
        await zone_of("www.acme.test", tools, 5.0, fresh=True)
        assert len(server.asked) - first <= MOST_QUERIES + 1


@pytest.mark.parametrize("ip", ["127.0.0.2", "169.254.169.254", "10.0.0.1", "100.64.0.1", "0.0.0.0"])
async def test_glue_does_not_make_a_probe_dial_what_it_may_not(ip: str) -> None:
    async def behave(query: Query) -> None:
        await query.send(referral(query.message, "acme.test", ["ns.acme.test"], {"ns.acme.test": ip}))

    async with dns_server(behave) as server:
        found = by_subject(await zone_run(tools_at(server), "acme.test"))
        assert found[f"{ip}:53"].reason == "address_not_allowed"


ODD = [b"\0" * 63, b"a.b", b"..", b"\xff" * 60, b"\x1b[2J", b" ", b'"\\', b"127.0.0.1"]


@pytest.mark.parametrize("label", ODD, ids=repr)
async def test_names_that_are_none_of_a_host_are_no_bug(label: bytes) -> None:
    """A label may have any octets in it (RFC 2181 section 11)."""
    odd = dns.name.Name([label, b"acme", b"test", b""])

    async def behave(query: Query) -> None:
        reply = dns.message.make_response(query.message)
        name = query.message.question[0].name
        if name == dns.name.from_text("acme.test."):
            ns = dns.rrset.from_text("acme.test.", 300, "IN", "NS", odd.to_text(), "ns.other.test.")
            reply.authority.append(ns)
        else:
            reply.flags |= dns.flags.AA
            reply.answer.append(dns.rrset.from_text(name, 300, "IN", "CNAME", odd.to_text()))
        await query.send(reply.to_wire())

    async with dns_server(behave) as server:
        for seen in await zone_run(tools_at(server), "acme.test"):
            assert seen.reason != "probe_error", seen.findings


async def test_answers_with_a_wrong_cookie_are_looked_at_a_few_times_only() -> None:
    looked = 0

    class Counting(Cookie):
        def accepts(self, reply: object) -> bool:
            nonlocal looked
            looked += 1
            return False

    async def behave(query: Query) -> None:
        reply = dns.message.make_response(query.message).to_wire()
        for _ in range(500):
            await query.send(reply)

    async with dns_server(behave) as server:
        memory, routes = Memory(), Routes.of([(Redirect(ROOT), server.address)], [Cidr("127.0.0.1/32")])
        heard = Heard()
        query = Question(name="www.acme.test", type="A", recurse=False)
        with pytest.raises(trio.TooSlowError):
            await memory.udp.ask(query, ROOT, routes, Counting(), heard, trio.current_time() + 0.5)
        assert heard.bad_replies["cookie"] + heard.bad_replies.get("unreadable", 0) >= 100
        assert looked <= 16


def test_keys_of_one_tag_do_not_multiply_verifications() -> None:
    """KeyTrap, CVE-2023-50387: every signature fits every key."""
    one = "257 3 13 " + base64.b64encode(bytes(64)).decode()
    keys = [f"256 3 13 {base64.b64encode(number.to_bytes(2, 'big') * 2 + bytes(60)).decode()}" for number in range(400)]
    tag = dnssec.key_facts([one])[0]["tag"]
    signature = f"SOA 13 2 60 20401231000000 20200101000000 {tag} acme.test. {base64.b64encode(bytes(64)).decode()}"
    soa = Record("acme.test", "SOA", 60, "ns.acme.test. h.acme.test. 1 2 3 4 5")
    records = [soa, *(Record("acme.test", "RRSIG", 60, signature) for _ in range(300))]
    room = dnssec.Room()
    for _ in range(20):
        found = dnssec.check_rrset(
            records, "acme.test", "SOA", "acme.test", [one] * 24 + keys, 1_800_000_000 * 10**9, room
        )
        assert found.state in ("sig_invalid", "unknown_key")
    assert room.left == 0


@pytest.mark.parametrize(
    "octets", [b"\x03\1\0\1" + b"\xff" * 2048, b"\xfa" + b"\xff" * 600], ids=["16,384 bits", "a long exponent"]
)
def test_keys_that_cost_much_are_not_used(octets: bytes) -> None:
    key = "257 3 8 " + base64.b64encode(octets).decode()
    tag = dnssec.key_facts([key])[0]["tag"]
    signature = f"SOA 8 2 60 20401231000000 20200101000000 {tag} acme.test. {base64.b64encode(octets[-512:]).decode()}"
    records = [
        Record("acme.test", "SOA", 60, "ns.acme.test. h.acme.test. 1 2 3 4 5"),
        Record("acme.test", "RRSIG", 60, signature),
    ]
    found = dnssec.check_rrset(records, "acme.test", "SOA", "acme.test", [key], 1_800_000_000 * 10**9)
    assert found.state == "unsupported"
