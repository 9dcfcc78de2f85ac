"""Answers made to cost whoever reads them: what the reader bounds, and bench/dns.py times."""

import struct

from probe.dns.exchange import MAX_TCP_ANSWER
from probe.dns.message import MAX_RECORDS


def record(name: bytes, rdtype: int, data: bytes) -> bytes:
    return name + struct.pack("!HHIH", rdtype, 1, 60, len(data)) + data


def pointer(at: int) -> bytes:
    return struct.pack("!H", 0xC000 | at)


def _whole(first: bytes, each: bytes) -> bytes:
    """A message of the first record, and then as many of the other as there may be."""
    count = min((MAX_TCP_ANSWER - 12 - len(first)) // len(each), MAX_RECORDS - 1)
    return struct.pack("!6H", 7, 0x8400, 0, count + 1, 0, 0) + first + each * count


def hostile_answers() -> dict[str, bytes]:
    """Whole TCP answers of at most 16 KiB, made to cost the reader as much as they can."""
    opaque = 65280  # a type for private use: its data is not looked at
    data_at = 12 + 11  # of a first record whose owner is the root
    links = b"\1a\0" + b"".join(pointer(data_at + (3 + 2 * (n - 1) if n else 0)) for n in range(127))
    long_name, odd_name = b"\1a" * 126 + b"\0", b"\1\xff" * 126 + b"\0"
    odd_owner = b"\1%c" + pointer(14)
    odd_text = record(b"\0", 16, b"\xff" + b"\xfe" * 255)
    owners = b"".join(record(odd_owner.replace(b"%c", bytes([n])), 1, bytes(4)) for n in range(256))
    return {
        "pointers at pointers": _whole(
            record(b"\0", opaque, links), record(pointer(data_at + len(links) - 2), 1, bytes(4))
        ),
        "names": _whole(record(long_name, opaque, b""), record(pointer(12), 2, pointer(12))),
        "two names": _whole(record(long_name, opaque, b""), record(b"\0", 6, pointer(12) + pointer(12) + bytes(20))),
        "odd owners": struct.pack("!6H", 7, 0x8400, 0, 257, 0, 0) + record(odd_name, opaque, b"") + owners,
        "odd text": _whole(odd_text, odd_text),
        "many records": _whole(record(b"\0", opaque, b""), record(b"\0", 16, b"\0")),
        "many of type A": _whole(record(b"\0", opaque, b""), record(b"\0", 1, bytes(4))),
    }


def huge_answers() -> dict[str, bytes]:
    """Of 60 to 100 kB: what only a datagram or a stream that nobody bounded could bring."""
    labels = b"\1a" * 120 + b"\0"
    records = MAX_RECORDS

    def whole(answers: int, body: bytes, additional: int = 0) -> bytes:
        return struct.pack("!6H", 7, 0x8400, 0, answers, 0, additional) + body

    return {
        "records": whole(5900, record(b"\0", 1, bytes(4)) * 5900),
        "owners": whole(records, record(labels, 65280, b"") * records),
        "names in data": whole(200, record(b"\0", 6, labels * 2 + bytes(20)) * 200),
        "options": whole(0, record(b"\0", 41, b"\0\3\0\0" * 15_000), 1),
        "short strings": whole(1, record(b"\0", 16, b"\1\xff" * 30_000)),
        "long strings": whole(1, record(b"\0", 16, (b"\xff" + b"\xff" * 255) * 235)),
        "signatures": whole(records, record(b"\0", 46, bytes(18) + b"\1a\0" + bytes(64)) * records),
    }
