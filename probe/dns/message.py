"""DNS messages, bytes in and values out: no sockets, no clock. The probe's importer of dnspython.

A reply is read in two steps, so that a stranger's packet costs little. `belongs` looks at the header and the question
only and says whether the message can be the answer to the query (RFC 5452 section 9.1). `parse` then reads the records.
The walk over the message is ours; dnspython turns the data of one record into text. Whatever the bytes, both raise
only Unreadable.
"""

import struct
from functools import cache, lru_cache
from ipaddress import IPv6Address
from typing import NamedTuple

import dns.exception
import dns.name
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import msgspec


@cache
def load_types(types: tuple[str, ...]) -> None:
    """Loads what reads the data of these record types (mnemonics), and of aliases. dnspython would import it at the
    first record of a type, which is while a query is measured."""
    for rdtype in ("CNAME", *types):
        dns.rdata.get_rdata_class(dns.rdataclass.IN, dns.rdatatype.from_text(rdtype))  # type: ignore[no-untyped-call]


BUFSIZE = 1232
"""Octets of the largest UDP answer asked for: fits the smallest IPv6 MTU, so that no answer comes in fragments."""
MAX_RECORDS = 1000
"""More records than this in one message are not read: reading them would hold up the other checks."""
MAX_TEXT = 32 * 1024
"""Characters of text that one message is turned into at most. Compression lets 12 octets stand for a name of 255, and
printing names is what costs time: without this bound, 280 ms for an answer of 16 KiB, measured."""
MAX_POINTERS = 128

_IN, _OPT = 1, 41
_NSID, _EDE = 3, 15  # EDNS options: RFC 5001, RFC 8914
_HEADER = struct.Struct("!6H")
_RECORD = struct.Struct("!HHIH")
_OPTION = struct.Struct("!HH")
_QR, _TC, _RD, _OPCODE = 0x8000, 0x0200, 0x0100, 0x7800
_FLAGS = (("AA", 0x0400), ("TC", _TC), ("RD", _RD), ("RA", 0x0080), ("AD", 0x0020), ("CD", 0x0010))
_WITHOUT_QUESTION = {1, 2, 4, 5}  # FORMERR, SERVFAIL, NOTIMP, REFUSED: some servers send the bare header
_NAME_TYPES = {"CNAME", "DNAME", "MX", "NS", "PTR", "SOA", "SRV"}
_PLAIN = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_*/")


class Unreadable(Exception):
    """The bytes are no DNS message."""


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


class Record(NamedTuple):
    """One record of class IN: owner without final dot, lower case; TTL in seconds; data in presentation form."""

    owner: str
    type: str
    ttl: int
    text: str


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

    @property
    def truncated(self) -> bool:
        return "TC" in self.flags


def encode(query: Query, message_id: int) -> bytes:
    """The query as octets (RFC 1035 section 4), with an OPT record that asks for the NSID (RFC 6891, RFC 5001)."""
    flags = _RD if query.recurse else 0
    header = _HEADER.pack(message_id, flags, 1, 0, 0, 1 if query.edns else 0)
    return header + _question(query.name, query.type) + (_OPT_RECORD if query.edns else b"")


_OPT_RECORD = b"\0" + _RECORD.pack(_OPT, BUFSIZE, 0, _OPTION.size) + _OPTION.pack(_NSID, 0)


@lru_cache(maxsize=4096)
def _question(name: str, rdtype: str) -> bytes:
    labels = [label.encode("ascii") for label in name.split(".")] if name != "." else []
    assert all(0 < len(label) < 64 for label in labels), name
    wire = b"".join(bytes([len(label)]) + label for label in labels) + b"\0"
    return wire + struct.pack("!HH", dns.rdatatype.from_text(rdtype), _IN)


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
    asked = _question(query.name, query.type)
    found = wire[_HEADER.size : _HEADER.size + len(asked)]
    same = questions == 1 and found[:-4].lower() == asked[:-4] and found[-4:] == asked[-4:]
    return None if same else "question"


def parse(wire: bytes) -> Reply:
    """Reads a reply. Of a truncated one only the header and what is whole: servers cut in the middle of a record.

    Raises Unreadable. Octets after the last record are ignored.
    """
    if len(wire) < _HEADER.size:
        raise Unreadable(f"{len(wire)} octets are too few for a DNS header")
    _, bits, *counts = _HEADER.unpack_from(wire)
    flags = tuple(name for name, bit in _FLAGS if bits & bit)
    walk = _Walk(wire)
    try:
        walk.sections(counts)
    except Unreadable:
        if not bits & _TC:
            raise
    rcode = bits & 0xF | walk.extended_rcode << 4
    return Reply(
        rcode=dns.rcode.to_text(dns.rcode.Rcode.make(rcode)),
        flags=flags,
        answers=tuple(walk.sections_found[0]),
        authority=tuple(walk.sections_found[1]),
        additional=tuple(walk.sections_found[2]),
        wire=wire,
        edns=walk.edns,
        nsid=walk.nsid,
        ede=tuple(walk.ede),
        size=len(wire),
    )


class _Walk:
    """One pass over a message: what it found so far is in the fields, also after an Unreadable."""

    def __init__(self, wire: bytes) -> None:
        self._wire, self._at = wire, _HEADER.size
        self._names: dict[int, tuple[bytes, ...]] = {}
        self._owners: dict[tuple[bytes, ...], str] = {}
        self._room = MAX_TEXT
        self.sections_found: list[list[Record]] = [[], [], []]
        self.edns = False
        self.extended_rcode = 0
        self.nsid: bytes | None = None
        self.ede: list[tuple[int, str]] = []

    def sections(self, counts: list[int]) -> None:
        questions, *sections = counts
        if questions > 1 or sum(sections) > MAX_RECORDS:
            raise Unreadable(f"the header announces {questions} questions and {sum(sections)} records")
        for _ in range(questions):
            self._name()
            self._take(4)
        for section, count in enumerate(sections):
            for _ in range(count):
                self._record(self.sections_found[section])

    def _record(self, section: list[Record]) -> None:
        owner = self._name()
        at = self._take(_RECORD.size)
        rdtype, rdclass, ttl, length = _RECORD.unpack_from(self._wire, at)
        data = self._take(length)
        if rdtype == _OPT:
            self._options(ttl, data, data + length)
        elif rdclass == _IN:
            text = self._spend(self._text(rdtype, data, length))
            # RFC 2181 section 8: a TTL with the top bit set counts as zero.
            ttl = ttl if ttl < 1 << 31 else 0
            section.append(Record(self._owner(owner), _type_text(rdtype), ttl, text))

    def _owner(self, labels: tuple[bytes, ...]) -> str:
        text = self._owners.get(labels)
        if text is None:
            text = self._owners[labels] = self._spend(_to_text(labels).lower())
        return text

    def _spend(self, text: str) -> str:
        self._room -= len(text)
        if self._room < 0:
            raise Unreadable(f"the records are more than {MAX_TEXT} characters of text")
        return text

    def _text(self, rdtype: int, at: int, length: int) -> str:
        if rdtype == 1 and length == 4:
            return ".".join(map(str, self._wire[at : at + 4]))
        if rdtype == 28 and length == 16:
            return str(IPv6Address(self._wire[at : at + 16]))
        try:
            return dns.rdata.from_wire(dns.rdataclass.IN, _type(rdtype), self._wire, at, length).to_text()
        except (dns.exception.DNSException, ValueError, struct.error) as error:
            raise Unreadable(f"a {_type_text(rdtype)} record at octet {at}: {error}") from error

    def _options(self, ttl: int, at: int, end: int) -> None:
        if self.edns:
            raise Unreadable("two OPT records")
        self.edns, self.extended_rcode = True, ttl >> 24
        while at < end:
            if at + _OPTION.size > end:
                raise Unreadable("an EDNS option is cut off")
            code, length = _OPTION.unpack_from(self._wire, at)
            at += _OPTION.size
            if at + length > end:
                raise Unreadable("an EDNS option is longer than its record")
            data = self._wire[at : at + length]
            if code == _NSID and self.nsid is None:
                self.nsid = data
            elif code == _EDE and length >= 2:
                self.ede.append((int.from_bytes(data[:2], "big"), data[2:].decode("utf-8", "replace").rstrip("\0")))
            at += length

    def _take(self, length: int) -> int:
        at = self._at
        if at + length > len(self._wire):
            raise Unreadable(f"the message ends at octet {len(self._wire)}, inside a record")
        self._at = at + length
        return at

    def _name(self) -> tuple[bytes, ...]:
        labels, self._at = self._name_at(self._at)
        return labels

    def _name_at(self, start: int) -> tuple[tuple[bytes, ...], int]:
        """Labels of the name at an offset, and the offset after it. A pointer must point back (RFC 1035 4.1.4):
        so a loop can't be."""
        wire, at = self._wire, start
        labels: list[bytes] = []
        octets = 1
        after: int | None = None
        lowest = start
        visited = [(start, 0)]
        while True:
            if at >= len(wire):
                raise Unreadable("a name runs past the end of the message")
            length = wire[at]
            if length == 0:
                at += 1
                break
            if length < 64:
                octets += length + 1
                if octets > 255 or at + 1 + length > len(wire):
                    raise Unreadable("a name is too long")
                labels.append(wire[at + 1 : at + 1 + length])
                at += 1 + length
                continue
            if length < 0xC0 or at + 1 >= len(wire):
                raise Unreadable(f"no label begins with octet {length}")
            target = (length & 0x3F) << 8 | wire[at + 1]
            if target >= lowest:
                raise Unreadable("a compression pointer points forward or in a circle")
            after = after if after is not None else at + 2
            known = self._names.get(target)
            if known is not None:
                octets += sum(len(label) + 1 for label in known)
                if octets > 255:
                    raise Unreadable("a name is too long")
                labels += known
                break
            at = lowest = target
            visited.append((target, len(labels)))
            if len(visited) > MAX_POINTERS:
                raise Unreadable("too many compression pointers in one name")
        name = tuple(labels)
        # Every place passed is remembered: a message of pointers at pointers would else cost the square of its size.
        for place, so_far in visited:
            self._names[place] = name[so_far:]
        return name, after if after is not None else at


def _to_text(labels: tuple[bytes, ...]) -> str:
    """Presentation form without the final dot; what is no plain character is escaped (RFC 1035 section 5.1)."""
    if _PLAIN.issuperset(b"".join(labels)):
        return b".".join(labels).decode("ascii") or "."
    return dns.name.Name([*labels, b""]).to_text(omit_final_dot=True)


@lru_cache(maxsize=512)
def _type(number: int) -> dns.rdatatype.RdataType:
    return dns.rdatatype.RdataType.make(number)


@lru_cache(maxsize=512)
def _type_text(number: int) -> str:
    return dns.rdatatype.to_text(_type(number))


def comparable(rdtype: str, text: str) -> str:
    """Record data in one form per meaning, so that two texts of the same data are equal: names lower case, a TXT's
    strings joined, numbers and addresses as dnspython prints them. `text` is presentation form; of a TXT also the
    bare text without quotes. Raises ValueError where the text is no data of this type."""
    if rdtype == "TXT" and not text.startswith('"'):
        return text
    try:
        data = dns.rdata.from_text(dns.rdataclass.IN, rdtype, text, origin=dns.name.root, relativize=False)
    except (dns.exception.DNSException, ValueError) as error:
        raise ValueError(f"{text!r} is no data of a {rdtype} record: {error}") from error
    if rdtype == "TXT":
        return b"".join(data.strings).decode("utf-8", "backslashreplace")  # type: ignore[attr-defined]
    plain = data.to_text()
    if rdtype in _NAME_TYPES:
        return plain.lower()
    if rdtype in ("HTTPS", "SVCB"):
        priority, target, *rest = plain.split(" ", 2)
        return " ".join([priority, target.lower(), *rest])
    return plain
