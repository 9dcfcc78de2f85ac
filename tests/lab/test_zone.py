"""The lab's zones, and that their answers are those that NSD gives with the same records."""

import pytest

from lab import addresses, zones
from lab.dns_wire import read_query
from lab.records import Answer, Question, RRset
from lab.zone import Zone, authoritative_answer
from tests.fakes.lab_dns import exchange_udp, question_wire, readable
from tests.parts.nsd import nsd

VENDOR = zones.VENDOR

ANSWERS: list[tuple[Zone, str, str, str, bool, list[str]]] = [
    (zones.VENDOR_AT_A, VENDOR, "SOA", "NOERROR", True, ["SOA"]),
    (zones.VENDOR_AT_A, f"frontend-api.{VENDOR}", "A", "NOERROR", True, ["A"]),
    (zones.VENDOR_AT_A, f"frontend-api.{VENDOR}", "AAAA", "NOERROR", True, ["AAAA"]),
    (zones.VENDOR_AT_A, f"frontend-api.{VENDOR}", "TXT", "NOERROR", True, []),
    (zones.VENDOR_AT_A, f"nothing.{VENDOR}", "A", "NXDOMAIN", True, []),
    (zones.VENDOR_AT_A, f"dkim1.{VENDOR}", "TXT", "NOERROR", True, ["TXT"]),
    (zones.VENDOR_AT_B, f"frontend-api.{VENDOR}", "A", "NOERROR", True, ["A"]),
    (zones.VENDOR_AT_B, f"dkim1.{VENDOR}", "TXT", "NXDOMAIN", True, []),
    (zones.VENDOR_AT_B, VENDOR, "MX", "NOERROR", True, []),
    (zones.CUSTOMER, "clerk.acme.example", "A", "NOERROR", True, ["CNAME"]),
    (zones.CUSTOMER, "clk._domainkey.acme.example", "TXT", "NOERROR", True, ["CNAME"]),
    (zones.CUSTOMER, "_domainkey.acme.example", "TXT", "NOERROR", True, []),  # an empty name in between
    (zones.PARENT, f"accounts.{VENDOR}", "A", "NOERROR", False, []),  # a delegation
    (zones.PARENT, VENDOR, "DS", "NOERROR", True, []),  # which is the parent's own
    (zones.VENDOR_AT_A, "www.elsewhere.test", "A", "REFUSED", False, []),
]


@pytest.mark.parametrize(("zone", "name", "kind", "rcode", "authoritative", "types"), ANSWERS)
def test_an_answer_is_as_authority_goes(
    zone: Zone, name: str, kind: str, rcode: str, authoritative: bool, types: list[str]
) -> None:
    answer = authoritative_answer((zone,), Question(name, kind))
    assert (answer.rcode, answer.authoritative) == (rcode, authoritative)
    assert [rrset.type for rrset in answer.answer] == types
    if authoritative and not types:
        assert [rrset.type for rrset in answer.authority] == ["SOA"]


def test_a_delegation_comes_with_its_glue() -> None:
    answer = zones.PARENT.answer(Question("accounts.auth-vendor.example", "A"))
    [servers] = answer.authority
    assert (servers.name, servers.type, set(servers.data)) == (VENDOR, "NS", set(addresses.DNS_A))
    glue = {*addresses.DNS_A.values(), *addresses.DNS_A_V6.values()}
    assert {rrset.data[0] for rrset in answer.additional} == glue


def test_the_nearest_zone_above_answers() -> None:
    question = Question(f"frontend-api.{VENDOR}", "A")
    assert authoritative_answer((zones.PARENT, zones.VENDOR_AT_A), question).authoritative


def test_aliases_are_followed_within_a_zone_and_never_in_a_circle() -> None:
    soa = RRset("z.example", "SOA", 60, ("ns. host. 1 2 3 4 5",))
    records = [
        RRset("a.z.example", "CNAME", 60, ("b.z.example",)),
        RRset("b.z.example", "A", 60, ("192.0.2.9",)),
        RRset("c.z.example", "CNAME", 60, ("d.z.example",)),
        RRset("d.z.example", "CNAME", 60, ("c.z.example",)),
        RRset("e.z.example", "CNAME", 60, ("nothing.z.example",)),
    ]
    zone = Zone("z.example", [soa, *records])
    assert [rrset.type for rrset in zone.answer(Question("a.z.example", "A")).answer] == ["CNAME", "A"]
    assert zone.answer(Question("c.z.example", "A")).rcode == "NOERROR"
    assert zone.answer(Question("e.z.example", "A")).rcode == "NXDOMAIN"


@pytest.mark.slow
async def test_nsd_gives_the_same_answers() -> None:
    lines = "\n".join(
        f"{rrset.name}. {rrset.ttl} IN {rrset.type} {value if rrset.type != 'CNAME' else value + '.'}"
        for rrset in zones.VENDOR_AT_A.rrsets
        if rrset.type not in ("SOA", "NS")
        for value in rrset.data
    )
    names = [VENDOR, *(f"{label}.{VENDOR}" for label in ("frontend-api", "accounts", "dkim1", "mail1", "nothing"))]
    async with nsd({VENDOR: lines}) as server:
        for name in names:
            for kind in ("A", "AAAA", "TXT", "MX"):
                theirs = readable(await exchange_udp(server.address, question_wire(name, kind)))
                ours = readable(_ours(name, kind))
                assert (ours.rcode, ours.flags, ours.answer) == (theirs.rcode, theirs.flags, theirs.answer), (
                    name,
                    kind,
                )


def _ours(name: str, kind: str) -> bytes:
    asked = read_query(question_wire(name, kind))
    assert asked is not None
    assert not isinstance(asked, bytes)
    answer: Answer = zones.VENDOR_AT_A.answer(asked.question)
    return asked.reply(answer)
