"""The codec: what dnspython writes we read alike, and whatever the bytes, only Unreadable comes out."""

import struct
import time
from contextlib import suppress

import dns.edns
import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from probe.dns.message import (
    MAX_POINTERS,
    MAX_RECORDS,
    MAX_STEPS,
    Query,
    Record,
    Unreadable,
    belongs,
    comparable,
    encode,
    parse,
)
from probe.dns.reader import Reader
from probe.dns.record import MAX_READ_LATER
from tests.probe.dns.hostile import hostile_answers, huge_answers
from tests.probe.dns.hostile import pointer as _pointer
from tests.probe.dns.hostile import record as _record

QUERY = Query(name="www.acme.test", type="A", recurse=True)

RECORDS = (
    ("A", "192.0.2.1"),
    ("AAAA", "2001:db8::1"),
    ("CNAME", "front.idp.test."),
    ("NS", "ns1.acme.test."),
    ("MX", "10 mail.acme.test."),
    ("TXT", '"one" "two\\255"'),
    ("SOA", "ns1.acme.test. host.acme.test. 1 3600 600 86400 60"),
    ("SRV", "1 2 443 front.acme.test."),
    ("CAA", '0 issue "ca.test"'),
    ("HTTPS", '1 . alpn="h2,h3" ipv4hint="192.0.2.1"'),
    ("DS", "1 13 2 " + "ab" * 32),
    ("DNSKEY", "257 3 13 " + "A" * 88),
    ("TLSA", "3 1 1 " + "ab" * 32),
    ("PTR", "www.acme.test."),
    ("CDS", "0 0 0 00"),
    ("SVCB", "0 other.test."),
)


def real_answer(*, tc: bool = False) -> bytes:
    """An answer with every record type, compressed, with NSID and an extended error."""
    reply = dns.message.make_response(dns.message.from_wire(encode(QUERY, 7)))
    reply.flags |= dns.flags.AA | (dns.flags.TC if tc else 0)
    for rdtype, data in RECORDS:
        reply.answer.append(dns.rrset.from_text("www.acme.test.", 60, "IN", rdtype, data))
    reply.authority.append(dns.rrset.from_text("acme.test.", 60, "IN", "NS", "ns1.acme.test."))
    reply.use_edns(0, options=[dns.edns.NSIDOption(b"fra1"), dns.edns.EDEOption(22, "no authority")])
    return reply.to_wire()


REAL = real_answer()


@pytest.mark.parametrize("edns", [True, False])
@pytest.mark.parametrize(("name", "rdtype"), [("www.acme.test", "A"), (".", "NS"), ("*._x.acme.test", "HTTPS")])
def test_the_query_is_as_dnspython_reads_it(name: str, rdtype: str, edns: bool) -> None:
    message = dns.message.from_wire(encode(Query(name=name, type=rdtype, recurse=edns, edns=edns), 0xABCD))
    assert message.id == 0xABCD
    assert message.flags == (dns.flags.RD if edns else 0)
    assert message.question[0].to_text() == f"{name.removesuffix('.')}. IN {rdtype}"
    assert (message.edns, [o.otype for o in message.options]) == ((0, [3]) if edns else (-1, []))


def test_an_answer_is_read_as_dnspython_reads_it() -> None:
    reply = parse(REAL)
    theirs = dns.message.from_wire(REAL)
    expected = {
        Record("www.acme.test", dns.rdatatype.to_text(rrset.rdtype), 60, data.to_text())
        for rrset in theirs.answer
        for data in rrset
    }
    assert set(reply.answers) == expected
    assert len(reply.answers) == len(RECORDS)
    assert (reply.rcode, reply.flags, reply.nsid, reply.edns) == ("NOERROR", ("AA", "RD"), b"fra1", True)
    assert reply.ede == ((22, "no authority"),)
    assert reply.size == len(REAL)


@pytest.mark.parametrize(
    ("change", "flags", "ednsflags", "options", "rdclass"),
    [
        ({"checking_disabled": True}, dns.flags.CD, 0, [3], 1),
        ({"dnssec": True}, 0, dns.flags.DO, [3], 1),
        ({"zoneversion": True}, 0, 0, [3, 19], 1),
        ({"chaos": True}, 0, 0, [3], 3),
        ({"edns": False, "dnssec": True, "zoneversion": True}, 0, 0, [], 1),
    ],
)
def test_how_a_query_is_asked(
    change: dict[str, bool], flags: int, ednsflags: int, options: list[int], rdclass: int
) -> None:
    query = Query(**{"name": "www.acme.test", "type": "A", "recurse": False, **change})  # type: ignore[arg-type]
    message = dns.message.from_wire(encode(query, 7))
    assert (message.flags, message.ednsflags & 0xFFFF) == (flags, ednsflags)
    assert [option.otype for option in message.options] == options
    assert message.question[0].rdclass == rdclass


def test_a_cookie_goes_into_the_query() -> None:
    message = dns.message.from_wire(encode(QUERY, 7, b"client-1server-1"))
    assert [(option.otype, option.to_wire()) for option in message.options] == [(3, b""), (10, b"client-1server-1")]


@pytest.mark.parametrize(
    ("option", "serial"),
    [
        (b"\2\0\0\0\0\7", 7),
        (b"\2\1\0\0\0\7", None),
        (b"\2\0\7", None),
        (b"", None),
        (b"\2\0\xff\xff\xff\xff", 2**32 - 1),
    ],
)
def test_the_version_of_the_zone(option: bytes, serial: int | None) -> None:
    reply = dns.message.make_response(dns.message.from_wire(encode(QUERY, 7)))
    reply.use_edns(0, options=[dns.edns.GenericOption(19, option)])  # type: ignore[no-untyped-call]
    assert parse(reply.to_wire()).zoneversion == serial


def test_records_of_class_chaos() -> None:
    query = Query(name="id.server", type="TXT", recurse=False, chaos=True)
    reply = dns.message.make_response(dns.message.from_wire(encode(query, 7)))
    reply.answer.append(dns.rrset.from_text("id.server.", 0, "CH", "TXT", "fra1"))
    wire = reply.to_wire()
    assert belongs(wire, query, 7) is None
    assert belongs(wire, msgspec.structs.replace(query, chaos=False), 7) == "question"
    assert parse(wire, chaos=True).answers == (Record("id.server", "TXT", 0, '"fra1"'),)
    assert parse(wire).answers == ()


def test_an_extended_response_code() -> None:
    reply = dns.message.make_response(dns.message.from_wire(encode(QUERY, 7)))
    reply.set_rcode(dns.rcode.BADVERS)
    assert parse(reply.to_wire()).rcode == "BADVERS"


def test_other_classes_are_no_answers_and_a_negative_ttl_is_zero() -> None:
    head = struct.pack("!6H", 7, 0x8400, 0, 2, 0, 0)
    chaos = b"\1a\0" + struct.pack("!HHIH", 16, 3, 60, 2) + b"\1x"
    inet = b"\1A\0" + struct.pack("!HHIH", 1, 1, 0x80000001, 4) + bytes(4)
    assert parse(head + chaos + inet).answers == (Record("a", "A", 0, "0.0.0.0"),)


@pytest.mark.parametrize(
    ("name", "text"), [(b"\3a.b\0", "a\\.b"), (b"\2\xff \0", "\\255\\032"), (b"\0", "."), (b"\1*\1_\0", "*._")]
)
def test_owners_are_escaped(name: bytes, text: str) -> None:
    wire = struct.pack("!6H", 7, 0x8400, 0, 1, 0, 0) + name + struct.pack("!HHIH", 1, 1, 60, 4) + bytes(4)
    assert parse(wire).answers[0].owner == text


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        (lambda wire: wire, None),
        (lambda wire: wire[:11], "unreadable"),
        (lambda wire: b"\xff" + wire[1:], "id"),
        (lambda wire: wire[:2] + b"\x01" + wire[3:], "unreadable"),  # a query, not a response
        (lambda wire: wire[:2] + b"\xa0" + wire[3:], "unreadable"),  # another opcode
        (lambda wire: wire.replace(b"\3www", b"\3WwW", 1), None),
        (lambda wire: wire.replace(b"\3www", b"\3wwx", 1), "question"),
        (lambda wire: wire.replace(b"\4test\0\0\1", b"\4test\0\0\2", 1), "question"),
        (lambda wire: wire[:4] + b"\0\0" + wire[6:], "question"),
        (lambda wire: wire[:3] + b"\x05\0\0" + bytes(6), None),  # REFUSED as a bare header
        (lambda wire: wire[:20], "question"),
    ],
)
def test_what_belongs_to_a_query(change: object, cause: str | None) -> None:
    assert belongs(change(REAL), QUERY, 7) == cause  # type: ignore[operator]


def test_a_type_whose_number_is_a_letter_is_not_folded() -> None:
    # HTTPS is 65, "A"; type 97 is "a".
    https = encode(Query(name="a", type="HTTPS", recurse=False, edns=False), 7)
    wire = bytearray(https)
    wire[2] |= 0x80
    assert belongs(bytes(wire), Query(name="a", type="HTTPS", recurse=False), 7) is None
    wire[-3] = 97
    assert belongs(bytes(wire), Query(name="a", type="HTTPS", recurse=False), 7) == "question"


def test_a_truncated_answer_gives_what_is_whole() -> None:
    wire = real_answer(tc=True)
    for end in range(40, len(wire)):
        reply = parse(wire[:end])
        assert reply.truncated
        assert set(reply.answers) <= set(parse(REAL).answers)


def test_cut_anywhere_it_is_unreadable() -> None:
    for end in range(len(REAL)):
        with pytest.raises(Unreadable):
            parse(REAL[:end])


def test_octets_after_the_end_are_ignored() -> None:
    assert parse(REAL + b"more").answers == parse(REAL).answers


@given(st.binary(max_size=600))
@settings(max_examples=500, deadline=None)
def test_any_bytes(wire: bytes) -> None:
    _read(wire)


@given(st.binary(max_size=300), st.integers(0, 20), st.integers(0, 3), st.integers(0, 0xFFFF))
@settings(max_examples=500, deadline=None)
def test_any_bytes_after_a_plausible_header(body: bytes, answers: int, additional: int, rdtype: int) -> None:
    record = b"\0" + struct.pack("!HHIH", rdtype, 1, 60, len(body)) + body
    _read(struct.pack("!6H", 7, 0x8400, 0, max(1, answers), 0, additional) + record + body)


@given(st.lists(st.tuples(st.integers(0, len(REAL) - 1), st.integers(0, 255)), min_size=1, max_size=6))
@settings(max_examples=1000, deadline=None)
@example([(29, 0xC0), (30, 0x0C)])
def test_a_real_answer_with_changed_octets(changes: list[tuple[int, int]]) -> None:
    wire = bytearray(REAL)
    for at, octet in changes:
        wire[at] = octet
    _read(bytes(wire))


def _read(wire: bytes) -> None:
    belongs(wire, QUERY, 7)
    try:
        reply = parse(wire)
    except Unreadable:
        return
    assert all(isinstance(record.text, str) and record.ttl >= 0 for record in reply.answers)


@pytest.mark.parametrize("kind", [*hostile_answers(), *huge_answers()])
def test_a_hostile_answer_takes_a_bounded_number_of_steps(kind: str) -> None:
    """Steps, not seconds: bench/dns.py has the time."""
    wire = (hostile_answers() | huge_answers())[kind]
    reader = Reader(wire)
    counts = struct.unpack_from("!4H", wire, 4)
    with suppress(Unreadable):
        reader.read(12, counts, 1)
    assert reader.steps <= MAX_STEPS + 128  # the name that passes the bound is read to its end
    assert sum(map(len, reader.found)) <= MAX_RECORDS


def test_the_data_that_dnspython_reads_is_read_when_looked_at_and_only_so_often() -> None:
    signatures = parse(huge_answers()["signatures"]).answers
    shared = signatures[0]._text.shared  # type: ignore[union-attr]
    assert (len(signatures), shared.left) == (MAX_RECORDS, MAX_READ_LATER)
    texts = [record.text for record in signatures]
    assert shared.left == 0
    assert all(text.startswith("\\# 85 ") for text in texts[MAX_READ_LATER:])
    assert [record.text for record in signatures] == texts


@pytest.mark.parametrize("kind", hostile_answers())
def test_a_hostile_answer_takes_a_bounded_time(kind: str) -> None:
    wire = hostile_answers()[kind]
    best = float("inf")
    for _ in range(3):
        started = time.process_time()
        _read(wire)
        best = min(best, time.process_time() - started)
    assert best < 0.1


DATA_AT = 12 + 1 + 10
"""Where the data of a first record begins whose owner is the root, in a message without a question."""


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (_pointer(DATA_AT), "circle"),
        (_pointer(DATA_AT + 4) + b"\0\0\1a\0", "forward"),
        (b"\1a" + _pointer(DATA_AT), "circle"),
        (b"\x80\0", "octet 128"),
        (b"\1a" * 127 + b"\0", None),
        (b"\1a" * 128 + b"\0", "too long"),
    ],
)
def test_names(data: bytes, why: str | None) -> None:
    """The second record's owner is the first one's data."""
    first = _record(b"\0", 65280, data)
    wire = struct.pack("!6H", 7, 0x8400, 0, 2, 0, 0) + first + _record(_pointer(DATA_AT), 1, bytes(4))
    if why is None:
        assert len(parse(wire).answers) == 2
    else:
        with pytest.raises(Unreadable, match=why):
            parse(wire)


def test_pointers_at_pointers_are_followed_up_to_the_bound() -> None:
    for links, fine in ((MAX_POINTERS - 2, True), (MAX_POINTERS, False)):
        data = b"\0" + b"".join(_pointer(DATA_AT + (2 * n - 1 if n else 0)) for n in range(links))
        last = DATA_AT + len(data) - 2
        wire = (
            struct.pack("!6H", 7, 0x8400, 0, 2, 0, 0)
            + _record(b"\0", 65280, data)
            + _record(_pointer(last), 1, b"abcd")
        )
        if fine:
            assert parse(wire).answers[1].owner == "."
        else:
            with pytest.raises(Unreadable, match="too many"):
                parse(wire)


def test_more_records_than_the_bound_are_unreadable() -> None:
    record = b"\0" + struct.pack("!HHIH", 1, 1, 60, 4) + bytes(4)
    with pytest.raises(Unreadable, match=f"{MAX_RECORDS + 1} records"):
        parse(struct.pack("!6H", 7, 0x8400, 0, MAX_RECORDS + 1, 0, 0) + record * (MAX_RECORDS + 1))


@pytest.mark.parametrize(("rdtype", "data"), RECORDS)
def test_every_printed_record_is_comparable_to_itself(rdtype: str, data: str) -> None:
    assert comparable(rdtype, comparable(rdtype, data)) == comparable(rdtype, data)


@pytest.mark.parametrize(
    ("rdtype", "one", "other"),
    [
        ("CNAME", "Front.IdP.test", "front.idp.TEST."),
        ("NS", "NS1.acme.test.", "ns1.acme.test."),
        ("SVCB", "0 Other.test", "0 other.test."),
        ("AAAA", "2001:DB8:0:0::1", "2001:db8::1"),
        ("DS", "1 13 2 " + "AB" * 32, "1 13 2 " + "ab" * 32),
    ],
)
def test_two_texts_of_the_same_data(rdtype: str, one: str, other: str) -> None:
    assert comparable(rdtype, one) == comparable(rdtype, other)


@pytest.mark.parametrize(("rdtype", "text"), [("A", "x"), ("MX", "mail"), ("TXT", '"open'), ("CAA", "")])
def test_what_is_no_data(rdtype: str, text: str) -> None:
    with pytest.raises(ValueError, match=rdtype):
        comparable(rdtype, text)
