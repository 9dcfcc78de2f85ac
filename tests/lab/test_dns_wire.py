import dns.flags
import dns.message
import dns.opcode
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.dns_wire import LARGEST_DATAGRAM, Asked, read_query
from lab.records import Answer, Question, RRset
from tests.fakes.lab_dns import question_wire, readable

LARGE = Answer(
    authoritative=True,
    answer=(RRset("big.example", "TXT", 60, tuple(f'"{i:04} {"x" * 90}"' for i in range(40))),),
)


def _asked(wire: bytes) -> Asked:
    asked = read_query(wire)
    assert isinstance(asked, Asked)
    return asked


def test_a_question_is_read_in_any_case() -> None:
    assert _asked(question_wire("FrontEnd-API.Auth-Vendor.EXAMPLE", "A")).question == Question(
        "frontend-api.auth-vendor.example", "A"
    )
    assert _asked(question_wire(".", "NS")).question == Question(".", "NS")


@pytest.mark.parametrize(("edns", "most"), [(True, LARGEST_DATAGRAM), (False, 512)])
def test_what_is_too_long_for_a_datagram_is_cut_and_says_so(edns: bool, most: int) -> None:
    asked = _asked(question_wire("big.example", "TXT", edns=edns))
    cut = asked.reply(LARGE)
    assert len(cut) <= most
    assert "TC" in readable(cut).flags
    whole = readable(asked.reply(LARGE, datagram=False))
    assert "TC" not in whole.flags
    assert len(whole.answer) == 40


def test_the_site_is_said_to_those_who_ask() -> None:
    assert readable(_asked(question_wire("a.example", "A", nsid=True)).reply(Answer(), nsid="fra")).nsid == b"fra"
    assert readable(_asked(question_wire("a.example", "A")).reply(Answer(), nsid="fra")).nsid is None
    assert readable(_asked(question_wire("a.example", "A", nsid=True)).reply(Answer())).nsid is None


def test_flags_and_extended_error() -> None:
    wire = _asked(question_wire("a.example", "A", recurse=True)).reply(
        Answer(rcode="SERVFAIL", extended=(22, "nobody answers")), recursive=True
    )
    reply = readable(wire)
    assert (reply.rcode, reply.flags, reply.extended) == ("SERVFAIL", "QR RD RA", 22)


def test_a_response_is_never_answered() -> None:
    wire = bytearray(question_wire("a.example", "A"))
    wire[2] |= 0x80
    assert read_query(bytes(wire)) is None


def test_other_messages_are_refused_by_their_header() -> None:
    query = dns.message.make_query("a.example", "A")
    query.set_opcode(dns.opcode.NOTIFY)
    assert _refusal(query.to_wire()) == "NOTIMP"
    assert _refusal(dns.message.make_query("a.example", "A", rdclass="CH").to_wire()) == "REFUSED"
    assert _refusal(question_wire("a.example", "A")[:20]) == "FORMERR"


def _refusal(wire: bytes) -> str:
    refusal = read_query(wire)
    assert isinstance(refusal, bytes)
    assert refusal[:2] == wire[:2]
    return readable(refusal).rcode


@given(st.binary(max_size=300))
def test_no_bytes_are_too_strange(wire: bytes) -> None:
    asked = read_query(wire)
    if isinstance(asked, Asked):
        readable(asked.reply(Answer(), nsid="fra"))


@given(st.integers(0, 60), st.integers(0, 255))
def test_no_change_of_a_byte_is_too_strange(place: int, value: int) -> None:
    wire = bytearray(question_wire("frontend-api.auth-vendor.example", "A", nsid=True))
    wire[place % len(wire)] = value
    asked = read_query(bytes(wire))
    if isinstance(asked, Asked):
        dns.message.from_wire(asked.reply(LARGE, nsid="fra"))
