"""dnspython as the oracle of our own reader: what it reads, we read alike."""

import base64
import random
import struct
from pathlib import Path

import dns.edns
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rrset

from probe.dns.message import Reply, Unreadable, parse

CORPUS = Path(__file__).with_name("messages.txt")
"""Answers of NSD, Knot, BIND and Unbound to queries for all kinds of records, signed and not; base64, one a line."""

Plain = tuple[str, str, int, str]
BOUNDS = ("announces", "characters of text", "steps", "too many compression pointers")
"""What our Unreadable says where a bound of ours is passed that dnspython does not have."""


def corpus() -> list[bytes]:
    return [base64.b64decode(line) for line in CORPUS.read_text().split()]


def theirs(wire: bytes) -> dns.message.Message | None:
    """As dnspython reads it, each record apart; None where it does not."""
    try:
        return dns.message.from_wire(wire, ignore_trailing=True, one_rr_per_rrset=True)
    except (dns.exception.DNSException, ValueError, struct.error, IndexError):
        return None


def disagreement(wire: bytes) -> str | None:
    """What of a message is read otherwise than by dnspython; None if nothing, or if dnspython can't read it."""
    return compared(wire, theirs(wire))


def compared(wire: bytes, message: dns.message.Message | None) -> str | None:
    try:
        reply = parse(wire)
    except Unreadable as error:
        if message is None or len(message.question) > 1 or any(bound in str(error) for bound in BOUNDS):
            return None
        return f"unreadable to us: {error}"
    if message is None or message.opcode() != dns.opcode.QUERY:
        return None
    for name, ours, their in (
        ("answers", _ours(reply, "answers"), _theirs(message.answer)),
        ("authority", _ours(reply, "authority"), _theirs(message.authority)),
        ("additional", _ours(reply, "additional"), _theirs(message.additional)),
        ("rcode", reply.rcode, dns.rcode.to_text(message.rcode())),
        ("flags", set(reply.flags), set(dns.flags.to_text(message.flags).split()) - {"QR", "FLAG6"}),
        ("edns", reply.edns, message.edns >= 0),
        ("nsid", reply.nsid, _option(message, dns.edns.NSID)),
        ("cookie", reply.cookie, _option(message, dns.edns.COOKIE)),
        ("size", reply.size, len(wire)),
    ):
        if ours != their:
            return f"{name}: {ours!r} instead of {their!r}"
    return None


def _ours(reply: Reply, section: str) -> list[Plain]:
    return [(record.owner, record.type, record.ttl, record.text) for record in getattr(reply, section)]


def _theirs(section: list[dns.rrset.RRset]) -> list[Plain]:
    return [
        (
            rrset.name.to_text(omit_final_dot=True).lower() if rrset.name != dns.name.root else ".",
            dns.rdatatype.to_text(rrset.rdtype),
            rrset.ttl,
            data.to_text(),
        )
        for rrset in section
        if rrset.rdclass == dns.rdataclass.IN and rrset.rdtype != dns.rdatatype.TSIG
        for data in rrset
    ]


def _option(message: dns.message.Message, code: int) -> bytes | None:
    return next((option.to_wire() for option in message.options if option.otype == code), None)


LABELS = [b"a", b"www", b"_dmarc", b"*", b"xn--bcher-kva", b"with.dot", b"\xff\x00", b"a b", b"%d", b"x" * 63]
DATA: list[tuple[str, str]] = [
    ("A", "192.0.2.1"),
    ("AAAA", "2001:db8::1"),
    ("AAAA", "::ffff:192.0.2.1"),
    ("TXT", '"one" "t\\"w\\\\o\\255"'),
    ("CAA", '0 issue "ca.test"'),
    ("DS", "1 13 2 " + "ab" * 32),
    ("DNSKEY", "257 3 13 " + "A" * 88),
    ("TLSA", "3 1 1 " + "ab" * 32),
    ("HTTPS", '1 . alpn="h2" ipv4hint="192.0.2.1"'),
    ("NSEC3", "1 1 12 aabb 2vptu5timamqttgl4luu9kg21e0aor3s A RRSIG"),
    ("TYPE65300", "\\# 3 010203"),
]
NAMED = ["NS {}", "CNAME {}", "PTR {}", "DNAME {}", "MX 10 {}", "SRV 1 2 443 {}", "SOA {} {} 1 2 3 4 4294967295"]


def generated(chance: random.Random) -> bytes:
    """A message that dnspython writes: random names that share ends, records of many types, options."""
    pool = [dns.name.Name([*chance.sample(LABELS, chance.randrange(3)), b"test", b""]) for _ in range(3)]

    def name() -> dns.name.Name:
        labels = [*chance.sample(LABELS, chance.randrange(2)), *chance.choice(pool).labels]
        found = dns.name.Name(labels) if sum(len(label) + 1 for label in labels) <= 255 else dns.name.root
        return dns.name.root if chance.random() < 0.05 else found

    reply = dns.message.make_response(dns.message.make_query(name(), "A", id=chance.randrange(65536)))
    reply.flags |= chance.randrange(65536) & 0x07B0
    for section in (reply.answer, reply.authority, reply.additional):
        for _ in range(chance.choice((0, 0, 1, 2, 5))):
            if chance.random() < 0.5:
                rdtype, data = chance.choice(DATA)
            else:
                rdtype, data = chance.choice(NAMED).split(" ", 1)
                while "{}" in data:
                    data = data.replace("{}", name().to_text(), 1)
            section.append(dns.rrset.from_text(name(), chance.randrange(1 << 31), "IN", rdtype, data))
    if chance.random() < 0.7:
        options = [
            dns.edns.NSIDOption(chance.randbytes(5)),
            dns.edns.EDEOption(chance.randrange(30), "said so"),
            dns.edns.GenericOption(10, chance.randbytes(16)),  # type: ignore[no-untyped-call]
            dns.edns.GenericOption(65001, chance.randbytes(3)),  # type: ignore[no-untyped-call]
        ]
        reply.use_edns(0, options=chance.sample(options, chance.randrange(5)))
    rcodes = (0, 0, 0, 2, 3, 5, 16, 23) if reply.edns >= 0 else (0, 2, 3, 5)
    reply.set_rcode(dns.rcode.Rcode.make(chance.choice(rcodes)))
    return reply.to_wire()


def spoilt(wire: bytes, chance: random.Random) -> bytes:
    """A message with some octets changed, and now and then cut, stretched, or with a piece of itself inside."""
    octets = bytearray(wire)
    for _ in range(chance.choice((1, 1, 2, 4))):
        octets[chance.randrange(len(octets))] = chance.choice((0, 1, 0x3F, 0x40, 0xC0, 0xFF, chance.randrange(256)))
    luck = chance.random()
    if luck < 0.1:
        del octets[chance.randrange(len(octets)) :]
    elif luck < 0.2:
        at, start = chance.randrange(len(octets) or 1), chance.randrange(len(octets) or 1)
        octets[at:at] = octets[start : start + chance.randrange(40)]
    return bytes(octets)
