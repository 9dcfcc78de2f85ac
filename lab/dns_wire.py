"""DNS messages as bytes, the lab's one importer of dnspython.

A query that can't be read gets FORMERR where it has a header, and what is a response itself gets nothing: two servers
must not answer each other for ever.
"""

from functools import lru_cache

import dns.edns
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rrset

from lab.records import Answer, Question, RRset

LARGEST_DATAGRAM = 1232
_WITHOUT_EDNS = 512
_LARGEST = 65535
_HEADER = 12
_NAME_TYPES = frozenset({"NS", "CNAME", "PTR"})


class Asked:
    """A query that was read."""

    __slots__ = ("_message", "question")

    def __init__(self, message: dns.message.Message, question: Question) -> None:
        self._message, self.question = message, question

    @property
    def recursion_desired(self) -> bool:
        return bool(self._message.flags & dns.flags.RD)

    def reply(self, answer: Answer, *, nsid: str = "", recursive: bool = False, datagram: bool = True) -> bytes:
        """The response; over UDP cut short to what the asker takes, 1232 octets at most, and marked so (TC)."""
        asked = self._message
        message = dns.message.make_response(asked, recursion_available=recursive, our_payload=LARGEST_DATAGRAM)
        if answer.authoritative:
            message.flags |= dns.flags.AA
        message.set_rcode(dns.rcode.from_text(answer.rcode))
        message.answer.extend(map(_rrset, answer.answer))
        message.authority.extend(map(_rrset, answer.authority))
        message.additional.extend(map(_rrset, answer.additional))
        if asked.edns >= 0:
            options: list[dns.edns.Option] = []
            if nsid and any(option.otype == dns.edns.OptionType.NSID for option in asked.options):
                options.append(dns.edns.GenericOption(dns.edns.OptionType.NSID, nsid.encode()))
            if answer.extended:
                code, words = answer.extended
                options.append(dns.edns.EDEOption(dns.edns.EDECode.make(code), words))
            message.use_edns(0, payload=LARGEST_DATAGRAM, options=options)
        if not datagram:
            return message.to_wire(max_size=_LARGEST)
        size = min(max(asked.payload, _WITHOUT_EDNS), LARGEST_DATAGRAM) if asked.edns >= 0 else _WITHOUT_EDNS
        return message.to_wire(max_size=size, prefer_truncation=True)


def read_query(wire: bytes) -> Asked | bytes | None:
    """The query; or what to answer to one that can't be served; or None where silence is right."""
    if len(wire) < _HEADER or wire[2] & 0x80:
        return None
    opcode = wire[2] >> 3 & 0xF
    if opcode:
        return _bare(wire, 4)  # NOTIMP
    try:
        message = dns.message.from_wire(wire)
    except (dns.exception.DNSException, ValueError):
        return _bare(wire, 1)  # FORMERR
    if len(message.question) != 1 or message.question[0].rdclass != dns.rdataclass.IN:
        return _bare(wire, 1 if len(message.question) != 1 else 5)
    asked = message.question[0]
    name = asked.name.to_text(omit_final_dot=True).lower()
    return Asked(message, Question(name or ".", dns.rdatatype.to_text(asked.rdtype)))


def _bare(wire: bytes, rcode: int) -> bytes:
    """The header alone, as a response."""
    return bytes([wire[0], wire[1], 0x80 | wire[2] & 0x79, rcode]) + bytes(8)


def _rrset(rrset: RRset) -> dns.rrset.RRset:
    found = dns.rrset.RRset(_name(rrset.name), dns.rdataclass.IN, dns.rdatatype.from_text(rrset.type))
    found.ttl = rrset.ttl
    for text in rrset.data:
        found.items[_rdata(rrset.type, text)] = None
    return found


@lru_cache(2048)
def _name(text: str) -> dns.name.Name:
    return dns.name.from_text(text)


@lru_cache(2048)
def _rdata(kind: str, text: str) -> dns.rdata.Rdata:
    absolute = f"{text}." if kind in _NAME_TYPES else text
    return dns.rdata.from_text("IN", kind, absolute)
