"""Our reader and dnspython, over more than 10,000 messages: real, generated and spoilt."""

import random
import struct

import dns.exception
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probe.dns.message import Unreadable, parse
from tests.probe.dns.oracle import compared, corpus, disagreement, generated, spoilt, theirs

GENERATED, SPOILT = 2400, 8000


def test_what_real_servers_said_is_read_as_dnspython_reads_it() -> None:
    messages = corpus()
    assert len(messages) > 250
    assert sum(theirs(wire) is not None for wire in messages) > 0.95 * len(messages)  # but for those cut in a record
    assert [(found, wire.hex()) for wire in messages if (found := disagreement(wire))] == []


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_what_dnspython_writes_is_read_as_dnspython_reads_it(seed: int) -> None:
    chance = random.Random(seed)
    messages = [generated(chance) for _ in range(GENERATED // 4)]
    assert all(theirs(wire) for wire in messages)
    assert [(found, wire.hex()) for wire in messages if (found := disagreement(wire))] == []


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_spoilt_messages_are_read_alike_or_not_at_all(seed: int) -> None:
    chance, real = random.Random(seed), corpus()
    read = 0
    for _ in range(SPOILT // 4):
        wire = spoilt(chance.choice(real) if chance.random() < 0.85 else generated(chance), chance)
        message = theirs(wire)
        found = compared(wire, message)
        assert found is None, (found, wire.hex())
        read += message is not None
    assert read > 0.3 * SPOILT / 4  # else nothing would be compared


OWN = ("A", "NS", "CNAME", "SOA", "PTR", "MX", "TXT", "AAAA")
RARE = (
    "DNAME",
    "SRV",
    "CAA",
    "DS",
    "DNSKEY",
    "RRSIG",
    "NSEC",
    "NSEC3",
    "TLSA",
    "HTTPS",
    "SVCB",
    "NAPTR",
    "LOC",
    "TYPE65300",
)
NAME_PARTS = st.lists(
    st.sampled_from([b"\1a", b"\3www", b"\2\xff.", b"\0", b"\xc0\x0c", b"\xc0\x17", b"\x40", b"\0\0\0\1", b"\0" * 16]),
    max_size=8,
).map(b"".join)


@given(st.sampled_from(OWN + RARE), st.binary(max_size=40) | NAME_PARTS)
@settings(max_examples=3000, deadline=None)
def test_the_data_of_one_record_is_as_dnspython_has_it(rdtype: str, data: bytes) -> None:
    """Own types are refused where dnspython refuses them; the data of others is then written as unknown data."""
    number = dns.rdatatype.from_text(rdtype)
    head = struct.pack("!6H", 7, 0x8400, 0, 2, 0, 0) + b"\3www\4test\0" + struct.pack("!HHIH", 65280, 1, 60, 0)
    wire = head + b"\xc0\x0c" + struct.pack("!HHIH", number, 1, 60, len(data)) + data
    at = len(wire) - len(data)
    try:
        expected = dns.rdata.from_wire(dns.rdataclass.IN, number, wire, at, len(data)).to_text()
    except (dns.exception.DNSException, ValueError, struct.error):
        expected = None if rdtype in OWN else f"\\# {len(data)} {data.hex()}".rstrip()
    try:
        found = parse(wire).answers[1].text
    except Unreadable:
        found = None
    assert found == expected
