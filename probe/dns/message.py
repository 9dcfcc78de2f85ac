"""DNS messages, bytes in and values out: no sockets, no clock.

A reply is read in two steps, so that a stranger's packet costs little. `belongs` looks at the header and the question
only and says whether the message can be the answer to the query (RFC 5452 section 9.1). `parse` then reads the records
(probe/dns/reader.py). Whatever the bytes, both raise only Unreadable.
"""

import struct
from functools import lru_cache

import dns.rcode
import msgspec

from probe.dns.reader import MAX_POINTERS, MAX_RECORDS, MAX_STEPS, MAX_TEXT, Reader
from probe.dns.record import Record, Unreadable, comparable, load_types, type_number

__all__ = [
    "BUFSIZE",
    "COOKIE_SIZE",
    "MAX_POINTERS",
    "MAX_RECORDS",
    "MAX_STEPS",
    "MAX_TEXT",
    "Query",
    "Record",
    "Reply",
    "Unreadable",
    "belongs",
    "comparable",
    "encode",
    "load_types",
    "parse",
]

BUFSIZE = 1232
"""Octets of the largest UDP answer asked for: fits the smallest IPv6 MTU, so that no answer comes in fragments."""
COOKIE_SIZE = 8
"""Octets of a client cookie; a server cookie of 8 to 32 follows it in an answer (RFC 7873 section 4)."""

MOST_KEPT = 1024
"""Queries whose octets are kept: those of the runs under way, which ask many servers the same. More would only be
those that are never asked again, as random names are, and take a megabyte for each 2,000."""

_IN, _CH, _OPT = 1, 3, 41
_NSID, _COOKIE, _ZONEVERSION = 3, 10, 19  # EDNS options: RFC 5001, RFC 7873, RFC 9660
_DO = 0x8000
_HEADER = struct.Struct("!6H")
_OPT_RECORD = struct.Struct("!BHHIH")
_OPTION = struct.Struct("!HH")
_QR, _TC, _RD, _CD, _OPCODE = 0x8000, 0x0200, 0x0100, 0x0010, 0x7800
_FLAGS = (("AA", 0x0400), ("TC", _TC), ("RD", _RD), ("RA", 0x0080), ("AD", 0x0020), ("CD", _CD))
_ALL_FLAGS = sum(bit for _, bit in _FLAGS)
_WITHOUT_QUESTION = {1, 2, 4, 5}  # FORMERR, SERVFAIL, NOTIMP, REFUSED: some servers send the bare header


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """A question and how it is asked. `name` is canonical text (values.DnsName), `type` a mnemonic."""

    name: str
    type: str
    recurse: bool
    edns: bool = True
    dnssec: bool = False
    """DO: the answer comes with its signatures (RFC 4035)."""
    checking_disabled: bool = False
    """CD: a resolver is to hand out what it could not validate (RFC 4035)."""
    zoneversion: bool = False
    """Asks for the zone's serial beside the answer (RFC 9660); for authoritative servers."""
    chaos: bool = False
    """Class CH: id.server, hostname.bind (RFC 4892)."""


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """What a server said. `answers` is the answer section, in the message's order; `size` is octets."""

    rcode: str
    flags: tuple[str, ...]
    answers: tuple[Record, ...]
    edns: bool
    """Whether the reply has an OPT record."""
    nsid: bytes | None = None
    ede: tuple[tuple[int, str], ...] = ()
    """Extended errors (RFC 8914): code and the server's text."""
    size: int
    authority: tuple[Record, ...] = ()
    additional: tuple[Record, ...] = ()
    """Without the OPT record."""
    zoneversion: int | None = None
    """The serial of the zone that the answer is from (RFC 9660, type SOA-SERIAL)."""
    wire: bytes = b""
    """The message as it came, for what only dnspython reads (signatures)."""
    cookie: bytes | None = None
    """The COOKIE option as it came (RFC 7873): the client's, then the server's."""

    @property
    def truncated(self) -> bool:
        return "TC" in self.flags


def encode(query: Query, message_id: int, cookie: bytes = b"") -> bytes:
    """The query as octets (RFC 1035 section 4), with an OPT record that asks for the NSID (RFC 6891, RFC 5001), and
    carries the cookie if one is given. Without EDNS no option and no DO."""
    body, options = _body(query)
    if not query.edns:
        return message_id.to_bytes(2, "big") + body
    length = len(options)
    if cookie:
        options += _OPTION.pack(_COOKIE, len(cookie)) + cookie
        length = len(options)
    return b"%b%b%b%b" % (message_id.to_bytes(2, "big"), body, length.to_bytes(2, "big"), options)


@lru_cache(maxsize=MOST_KEPT)
def _body(query: Query) -> tuple[bytes, bytes]:
    """All of a query but its id: up to the length of its options, and the options."""
    flags = (_RD if query.recurse else 0) | (_CD if query.checking_disabled else 0)
    body = _HEADER.pack(0, flags, 1, 0, 0, 1 if query.edns else 0)[2:] + _question(query)
    if not query.edns:
        return body, b""
    options = _OPTION.pack(_NSID, 0) + (_OPTION.pack(_ZONEVERSION, 0) if query.zoneversion else b"")
    return body + _OPT_RECORD.pack(0, _OPT, BUFSIZE, _DO if query.dnssec else 0, 0)[:-2], options


@lru_cache(maxsize=MOST_KEPT)
def _question(query: Query) -> bytes:
    labels = [label.encode("ascii") for label in query.name.split(".")] if query.name != "." else []
    assert all(0 < len(label) < 64 for label in labels), query.name
    wire = b"".join(bytes([len(label)]) + label for label in labels) + b"\0"
    assert len(wire) <= 255, query.name
    return wire + struct.pack("!HH", type_number(query.type), _CH if query.chaos else _IN)


def belongs(wire: bytes, query: Query, message_id: int) -> str | None:
    """None if the message answers this query; else why not: "unreadable", "id" or "question"."""
    if len(wire) < _HEADER.size:
        return "unreadable"
    its_id, flags, questions, *_ = _HEADER.unpack_from(wire)
    if its_id != message_id:
        return "id"
    if not flags & _QR or flags & _OPCODE:
        return "unreadable"
    if questions == 0 and flags & 0xF in _WITHOUT_QUESTION:
        return None
    asked = _question(query)
    found = wire[_HEADER.size : _HEADER.size + len(asked)]
    if questions == 1 and found == asked:
        return None
    same = questions == 1 and found[:-4].lower() == asked[:-4] and found[-4:] == asked[-4:]
    return None if same else "question"


def parse(wire: bytes, *, chaos: bool = False) -> Reply:
    """Reads a reply: the records of class IN, or of class CH. Of a truncated one only the header and what is whole:
    servers cut in the middle of a record.

    Raises Unreadable. Octets after the last record are ignored.
    """
    if len(wire) < _HEADER.size:
        raise Unreadable(f"{len(wire)} octets are too few for a DNS header")
    _, bits, questions, answers, authority, additional = _HEADER.unpack_from(wire)
    reader = Reader(wire)
    try:
        reader.read(_HEADER.size, (questions, answers, authority, additional), _CH if chaos else _IN)
    except Unreadable:
        if not bits & _TC:
            raise
    found = reader.found
    return Reply(
        rcode=_rcode_text(bits & 0xF | reader.extended_rcode << 4),
        flags=_flags(bits & _ALL_FLAGS),
        answers=tuple(found[0]),
        authority=tuple(found[1]),
        additional=tuple(found[2]),
        wire=wire,
        edns=reader.edns,
        nsid=reader.nsid,
        ede=tuple(reader.ede),
        size=len(wire),
        zoneversion=reader.zoneversion,
        cookie=reader.cookie,
    )


@lru_cache(maxsize=4096)
def _rcode_text(rcode: int) -> str:
    return dns.rcode.to_text(dns.rcode.Rcode.make(rcode))


@lru_cache(maxsize=64)
def _flags(bits: int) -> tuple[str, ...]:
    return tuple(name for name, bit in _FLAGS if bits & bit)
