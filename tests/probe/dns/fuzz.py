"""Fuzzes the reader of DNS messages for a while: `make fuzz`, or `python -m tests.probe.dns.fuzz [SECONDS]`.

With atheris (the extra `fuzz`) the octets are led by what of the reader they reach; without it they are spoilt copies
of the recorded messages, at random. What it looks for: anything raised but Unreadable, more steps than the bound, a
record whose text can't be had, a disagreement with dnspython. A message that does it is printed in hex, and is the end.
"""

import random
import sys
import time
from contextlib import suppress

from probe.dns.message import MAX_STEPS, Unreadable, parse
from probe.dns.reader import Reader
from tests.probe.dns.oracle import corpus, disagreement, generated, spoilt

SECONDS = 60.0


def one(wire: bytes) -> None:
    """Reads one message in every way. Raises for whatever must not be."""
    for chaos in (False, True):
        try:
            reply = parse(wire, chaos=chaos)
        except Unreadable:
            continue
        for record in (*reply.answers, *reply.authority, *reply.additional):
            assert record.text.isprintable(), record
    if len(wire) >= 12:
        reader = Reader(wire)
        counts = tuple(int.from_bytes(wire[at : at + 2], "big") for at in (4, 6, 8, 10))
        with suppress(Unreadable):
            reader.read(12, counts, 1)  # type: ignore[arg-type]
        assert reader.steps <= MAX_STEPS + 256, reader.steps
    found = disagreement(wire)
    assert found is None, found


def main() -> int:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else SECONDS
    for wire in corpus():  # dnspython imports what reads a type at its first record: not while it is being fuzzed
        told(wire)
    try:
        import atheris
    except ImportError:
        print("fuzz: atheris is not installed (pip install 'parallax-monitor[fuzz]'); octets are spoilt at random")
        return at_random(seconds)
    atheris.instrument_func(Reader.read)
    for name in ("_record", "_text", "_strings", "_options", "_name"):
        setattr(Reader, name, atheris.instrument_func(getattr(Reader, name)))
    atheris.Setup([sys.argv[0], f"-max_total_time={round(seconds)}", "-max_len=2048"], told)
    atheris.Fuzz()  # ends the process
    return 0


def at_random(seconds: float) -> int:
    seed = time.time_ns()
    chance, real = random.Random(seed), corpus()
    end, tried = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        wire = chance.choice(real) if chance.random() < 0.8 else generated(chance)
        for _ in range(chance.choice((1, 1, 2, 5))):
            wire = spoilt(wire, chance) or b"\0"
        told(wire)
        tried += 1
    print(f"fuzz: {tried:,} messages, nothing found (seed {seed})")
    return 0


def told(wire: bytes) -> None:
    try:
        one(wire)
    except BaseException:
        print(f"fuzz: this message is the cause: {wire.hex()}")
        raise


if __name__ == "__main__":
    sys.exit(main())
