"""The walk over a message's octets (RFC 1035 section 4): strict, bounded, pure. Whatever the octets, it raises only
Unreadable.

Two bounds make its time small whatever comes. A message has at most MAX_RECORDS records; and every label, pointer,
string and option that is read takes one of MAX_STEPS steps. A name that was read is remembered at each place where one
of its labels begins, so a pointer costs one look-up however long the name behind it is. A pointer must point back
further than any before it in the same name: so a loop can't be.
"""

import struct
from socket import AF_INET6, inet_ntoa, inet_ntop

from probe.dns.record import Later, Record, Shared, Unreadable, type_text

MAX_RECORDS = 400
"""More records than this in one message are not read: reading them would hold up the other checks."""
MAX_STEPS = 1500
MAX_TEXT = 32 * 1024
"""Characters of text that one message is turned into at most: compression lets 12 octets stand for a name of 255."""
MAX_POINTERS = 128

_RECORD = struct.Struct("!HHIH")
_SOA_NUMBERS = struct.Struct("!5I")
_A, _NS, _CNAME, _SOA, _PTR, _MX, _TXT, _AAAA, _OPT = 1, 2, 5, 6, 12, 15, 16, 28, 41
_NSID, _COOKIE, _EDE, _ZONEVERSION = 3, 10, 15, 19  # EDNS options: RFC 5001, RFC 7873, RFC 8914, RFC 9660
_SOA_SERIAL = 0  # RFC 9660 section 7.2: the one type of version there is
_OWN = frozenset({_A, _NS, _CNAME, _SOA, _PTR, _MX, _TXT, _AAAA})
_IN = 1

_NOT_PLAIN_IN_NAME = b'"().;\\@$'
_LDH = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_*/"
_IN_NAME = {n: f"\\{n:03d}" for n in range(256) if not 0x20 < n < 0x7F} | {n: f"\\{chr(n)}" for n in _NOT_PLAIN_IN_NAME}
_IN_STRING = {n: f"\\{n:03d}" for n in range(256) if not 0x20 <= n < 0x7F} | {0x22: '\\"', 0x5C: "\\\\"}


class Reader:
    """One pass over a message: what it found so far is in the fields, also after an Unreadable."""

    __slots__ = (
        "_names",
        "_room",
        "_shared",
        "_size",
        "_steps",
        "_wire",
        "cookie",
        "ede",
        "edns",
        "extended_rcode",
        "found",
        "nsid",
        "zoneversion",
    )

    def __init__(self, wire: bytes) -> None:
        self._wire, self._size, self._shared = wire, len(wire), Shared(wire)
        self._names: dict[int, tuple[str, int]] = {}
        self._steps, self._room = MAX_STEPS, MAX_TEXT
        self.found: tuple[list[Record], list[Record], list[Record]] = ([], [], [])
        self.edns = False
        self.extended_rcode = 0
        self.nsid: bytes | None = None
        self.cookie: bytes | None = None
        self.zoneversion: int | None = None
        self.ede: list[tuple[int, str]] = []

    @property
    def steps(self) -> int:
        """How many steps it took: the measure of its work."""
        return MAX_STEPS - self._steps

    def read(self, at: int, counts: tuple[int, int, int, int], rdclass: int) -> None:
        """Reads what the header announces, from the first octet after it. Records of another class are passed over."""
        questions, *sections = counts
        if questions > 1 or sum(sections) > MAX_RECORDS:
            raise Unreadable(f"the header announces {questions} questions and {sum(sections)} records")
        if questions:
            at = self._name(at)[1] + 4
        for count, into in zip(sections, self.found, strict=True):
            for _ in range(count):
                at = self._record(at, rdclass, into)
        if at > len(self._wire):
            raise Unreadable("the message ends inside its question")

    def _record(self, at: int, rdclass: int, into: list[Record]) -> int:
        wire = self._wire
        known = None
        if at + 1 < self._size and wire[at] >= 0xC0:  # most owners are a pointer at a name that was read
            known = self._names.get((wire[at] << 8 | wire[at + 1]) & 0x3FFF)
        if known is not None:
            owner = known[0]
            at += 2
        else:
            owner, at = self._name(at)
        data = at + 10
        if data > self._size:
            raise Unreadable(f"the message ends at octet {len(wire)}, inside a record")
        rdtype, its_class, ttl, length = _RECORD.unpack_from(wire, at)
        end: int = data + length
        if end > self._size:
            raise Unreadable(f"the message ends at octet {len(wire)}, inside a record")
        if rdtype == _OPT:
            self._options(ttl, data, end)
        elif its_class == rdclass:
            text: str | Later
            if rdtype == _A and length == 4 and its_class == _IN:
                text = inet_ntoa(wire[data:end])
                self._spend(len(owner) + 15)
            elif rdtype in _OWN and (its_class == _IN or rdtype == _TXT):
                text = self._text(rdtype, data, end)
                self._spend(len(owner) + len(text))
            else:
                text = Later(self._shared, its_class, rdtype, data, length)
                self._spend(len(owner))
            # RFC 2181 section 8: a TTL with the top bit set counts as zero.
            into.append(Record(owner.lower() or ".", type_text(rdtype), ttl if ttl < 1 << 31 else 0, text))
        return end

    def _text(self, rdtype: int, at: int, end: int) -> str:
        """The data of a type that we read ourselves; it must fill its record to the octet."""
        wire = self._wire
        if rdtype == _AAAA:
            if end - at == 16:
                return inet_ntop(AF_INET6, wire[at:end])
        elif rdtype == _TXT:
            return self._strings(at, end)
        elif rdtype == _SOA:
            primary, at = self._name(at)
            contact, at = self._name(at)
            if end - at == _SOA_NUMBERS.size:
                return " ".join((f"{primary}. {contact}.", *map(str, _SOA_NUMBERS.unpack_from(wire, at))))
        elif rdtype != _A:
            preference = ""
            if rdtype == _MX:
                preference, at = f"{int.from_bytes(wire[at : at + 2], 'big')} ", at + 2
            name, at = self._name(at)
            if at == end:
                return f"{preference}{name}."
        raise Unreadable(f"the data of a {type_text(rdtype)} record does not fit its length")

    def _strings(self, at: int, end: int) -> str:
        wire = self._wire
        texts: list[str] = []
        room = self._room
        while at < end:
            self._step()
            after = at + 1 + wire[at]
            if after > end:
                raise Unreadable("a string is longer than its record")
            text = wire[at + 1 : after].decode("latin-1")
            texts.append(f'"{text if text.isalnum() and text.isascii() else text.translate(_IN_STRING)}"')
            room -= len(texts[-1]) + 1
            if room < 0:
                self._spend(MAX_TEXT + 1)
            at = after
        if not texts:
            raise Unreadable("a TXT record without a string")
        return " ".join(texts)

    def _options(self, ttl: int, at: int, end: int) -> None:
        if self.edns:
            raise Unreadable("two OPT records")
        self.edns, self.extended_rcode = True, ttl >> 24
        wire = self._wire
        while at < end:
            self._step()
            if at + 4 > end:
                raise Unreadable("an EDNS option is cut off")
            code = wire[at] << 8 | wire[at + 1]
            data, at = at + 4, at + 4 + (wire[at + 2] << 8 | wire[at + 3])
            if at > end:
                raise Unreadable("an EDNS option is longer than its record")
            if code == _NSID and self.nsid is None:
                self.nsid = wire[data:at]
            elif code == _COOKIE and self.cookie is None:
                self.cookie = wire[data:at]
            elif code == _EDE and at - data >= 2:
                text = wire[data + 2 : at].decode("utf-8", "replace").rstrip("\0")
                self.ede.append((wire[data] << 8 | wire[data + 1], text))
            elif code == _ZONEVERSION and at - data == 6 and wire[data + 1] == _SOA_SERIAL and self.zoneversion is None:
                self.zoneversion = int.from_bytes(wire[data + 2 : at], "big")

    def _spend(self, characters: int) -> None:
        self._room -= characters
        if self._room < 0:
            raise Unreadable(f"the records are more than {MAX_TEXT} characters of text")

    def _step(self) -> None:
        self._steps -= 1
        if self._steps < 0:
            raise Unreadable(f"reading it takes more than {MAX_STEPS} steps")

    def _name(self, start: int) -> tuple[str, int]:
        """The name at an offset, escaped, without its final dot ("" is the root), and the offset after it."""
        wire, names = self._wire, self._names
        at = lowest = start
        after = -1
        places: list[int] = []
        labels: list[str] = []
        text, octets, rest = "", 1, 1
        try:
            while True:
                length = wire[at]
                if length == 0:
                    at += 1
                    break
                if length < 64:
                    label = wire[at + 1 : at + 1 + length]
                    if len(label) < length:
                        raise Unreadable("a name runs past the end of the message")
                    places.append(at)
                    labels.append(label.decode("ascii") if label.isalnum() else _label(label))
                    octets += length + 1
                    at += length + 1
                elif length >= 0xC0:
                    target = (length & 0x3F) << 8 | wire[at + 1]
                    if target >= lowest:
                        raise Unreadable("a compression pointer points forward or in a circle")
                    if after < 0:
                        after = at + 2
                    known = names.get(target)
                    if known is not None:
                        text, rest = known
                        octets += rest - 1
                        break
                    places.append(at)
                    labels.append("")
                    if labels.count("") > MAX_POINTERS:
                        raise Unreadable("too many compression pointers in one name")
                    at = lowest = target
                else:
                    raise Unreadable(f"no label begins with octet {length}")
                if octets > 255:
                    raise Unreadable("a name is too long")
        except IndexError:
            raise Unreadable("a name runs past the end of the message") from None
        if octets > 255:
            raise Unreadable("a name is too long")
        if places:
            self._steps -= len(places)
            if self._steps < 0:
                raise Unreadable(f"reading it takes more than {MAX_STEPS} steps")
            octets = rest
            # Remembered at every place passed: pointers at pointers would else cost the square of the message's size.
            for place, label_text in zip(reversed(places), reversed(labels), strict=True):
                if label_text:
                    text = f"{label_text}.{text}" if text else label_text
                    octets += wire[place] + 1
                names[place] = text, octets
        return text, at if after < 0 else after


def _label(label: bytes) -> str:
    """A label in presentation form: what is no plain character is escaped (RFC 1035 section 5.1)."""
    if not label.translate(None, _LDH):
        return label.decode("ascii")
    return label.decode("latin-1").translate(_IN_NAME)
