"""One record of a message, and its data in presentation form. The probe's importer of dnspython, with message.py.

The data of the types that decide where a name leads (A, AAAA, NS, CNAME, PTR, SOA, MX, TXT) is read by our own
code when the message is read, as strictly as dnspython does. The data of all other types is read by dnspython, and only
when somebody looks at it: that costs 20 to 100 µs a record.
"""

import struct
from functools import cache, lru_cache
from typing import Any

import dns.exception
import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype

MAX_READ_LATER = 64
"""Records of one message whose data dnspython turns into text at most: a hostile answer is not to cost more."""
_NAME_TYPES = {"CNAME", "DNAME", "MX", "NS", "PTR", "SOA", "SRV"}


class Unreadable(Exception):
    """The bytes are no DNS message."""


class Record:
    """One record: owner without final dot, lower case; TTL in seconds; data in presentation form.

    `text` of a type that we do not read ourselves is made when it is first asked for. Data that does not fit its type
    is then written as unknown data is (RFC 3597 section 5): \\# LENGTH HEX. Equal where all four are.
    """

    __slots__ = ("_text", "owner", "ttl", "type")

    def __init__(self, owner: str, type: str, ttl: int, text: "str | Later") -> None:  # noqa: A002
        self.owner, self.type, self.ttl, self._text = owner, type, ttl, text

    @property
    def text(self) -> str:
        text = self._text
        if isinstance(text, str):
            return text
        self._text = read = text.read()
        return read

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Record) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def __repr__(self) -> str:
        return f"Record({self.owner!r}, {self.type!r}, {self.ttl}, {self.text!r})"

    def _key(self) -> tuple[str, str, int, str]:
        return self.owner, self.type, self.ttl, self.text


class Shared:
    """What the unread records of one message share: the message, and how many of them may still be read."""

    __slots__ = ("left", "wire")

    def __init__(self, wire: bytes) -> None:
        self.wire, self.left = wire, MAX_READ_LATER


class Later:
    """The data of a record that is not read yet: class, type, and where it is in the message."""

    __slots__ = ("at", "length", "rdclass", "rdtype", "shared")

    def __init__(self, shared: Shared, rdclass: int, rdtype: int, at: int, length: int) -> None:
        self.shared, self.rdclass, self.rdtype, self.at, self.length = shared, rdclass, rdtype, at, length

    def read(self) -> str:
        shared = self.shared
        if shared.left > 0:
            shared.left -= 1
            try:
                data = dns.rdata.from_wire(
                    dns.rdataclass.RdataClass.make(self.rdclass), _type(self.rdtype), shared.wire, self.at, self.length
                )
                return data.to_text()
            except (dns.exception.DNSException, ValueError, struct.error):
                pass
        return f"\\# {self.length} {shared.wire[self.at : self.at + self.length].hex()}".rstrip()


@lru_cache(maxsize=512)
def _type(number: int) -> dns.rdatatype.RdataType:
    return dns.rdatatype.RdataType.make(number)


@lru_cache(maxsize=512)
def type_text(number: int) -> str:
    """The mnemonic of a type; TYPE<number> for one without."""
    return dns.rdatatype.to_text(_type(number))


@lru_cache(maxsize=512)
def type_number(mnemonic: str) -> int:
    return int(dns.rdatatype.from_text(mnemonic))


@cache
def load_types(types: tuple[str, ...]) -> None:
    """Loads what reads the data of these record types (mnemonics), and of aliases. dnspython would import it at the
    first record of a type, which is while a query is measured."""
    for rdtype in ("CNAME", *types):
        dns.rdata.get_rdata_class(dns.rdataclass.IN, dns.rdatatype.from_text(rdtype))  # type: ignore[no-untyped-call]


def comparable(rdtype: str, text: str) -> str:
    """Record data in one form per meaning, so that two texts of the same data are equal: names lower case, a TXT's
    strings joined, numbers and addresses as dnspython prints them. `text` is presentation form; of a TXT also the
    bare text without quotes. Raises ValueError where the text is no data of this type."""
    if rdtype == "TXT" and not text.startswith('"'):
        return text
    try:
        data: Any = dns.rdata.from_text(dns.rdataclass.IN, rdtype, text, origin=dns.name.root, relativize=False)
    except (dns.exception.DNSException, ValueError) as error:
        raise ValueError(f"{text!r} is no data of a {rdtype} record: {error}") from error
    if rdtype == "TXT":
        return b"".join(data.strings).decode("utf-8", "backslashreplace")
    plain: str = data.to_text()
    if rdtype in _NAME_TYPES:
        return plain.lower()
    if rdtype in ("HTTPS", "SVCB"):
        priority, target, *rest = plain.split(" ", 2)
        return " ".join([priority, target.lower(), *rest])
    return plain
