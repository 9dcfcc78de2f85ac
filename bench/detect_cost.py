"""What detection costs for one observation: the live `step` over records as ingest writes them.

    python -m bench.detect_cost [SECONDS]

Fifteen probes run a plan of DNS, TLS, HTTP and sign-in-like checks on their grids; batches are what a probe would cut
in a second. Two parts: all is well, and an outage of every front end in the middle of it.
"""

import json
import sys
import time
from typing import Any

from collector.detect import initial, step
from collector.detect.view import view_of
from collector.inputs import BatchInput, PlanInput, PlanStateInput, encode_input
from parallax import wire
from parallax.clock import NS
from parallax.garbage import sparing_collections
from parallax.journal import Record
from parallax.observation import Observation, Phase

PROBES = 15
CHECKS, ADDRESSES = 60, 8
LEAF = {
    "sha256": "ab" * 32,
    "issuer": "CN=R11, O=Let's Encrypt, C=US",
    "not_before": "2027-01-01T00:00:00Z",
    "not_after": "2027-04-01T00:00:00Z",
}
START = 1_800_000_000 * NS
PERIOD_S = 5


def main() -> int:
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else 60
    with sparing_collections(100_000):  # as the collector has it
        print(json.dumps(measure(seconds)))
    return 0


def measure(seconds: int) -> dict[str, Any]:
    """Figures in microseconds."""
    figures: dict[str, Any] = {"bench": "detection, for one observation", "probes": PROBES}
    for name, outage in (("all is well", False), ("an outage", True)):
        records, observations = made(seconds, outage=outage)
        state = initial("0" * 16)
        told = 0
        for record in records[:2]:
            state, events = step(state, record)
        assert view_of(state.plan), "the plan is refused"
        began = time.process_time()
        for record in records[2:]:
            state, events = step(state, record)
            told += len(events)
        took = time.process_time() - began
        began = time.process_time()
        for record in records[2:]:
            decode(record)
        decoding = time.process_time() - began
        size = observations // (len(records) - 2)
        figures |= {
            f"{name}.observations a batch": size,
            f"{name}.observations": observations,
            f"{name}.events": told,
            f"{name}.us": round(took / observations * 1e6, 1),
            f"{name}.of it decoding": round(decoding / observations * 1e6, 1),
            f"{name}.per s": round(observations / took),
        }
    return figures


def decode(record: Record) -> None:
    """What any reader of the journal has to do first."""
    from collector.inputs import decode_input

    value = decode_input(record)
    assert isinstance(value, BatchInput)
    wire.decode(value.body, content_type=value.content_type, encoding=value.encoding)


def plan(checks: int = CHECKS) -> str:
    text = '[defaults]\nperiod = "5s"\ntimeout = "2s"\n'
    for number in range(PROBES):
        text += f'[[probe]]\nid = "p{number}"\nprovider = "n{number % 5}"\nasn = {64496 + number % 5}\n'
    for number in range(checks):
        kind, target = ("http", "https://a{}.test/") if number % 2 else ("tls", "a{}.test:443")
        text += (
            f'[[check]]\nname = "c{number}"\nkind = "{kind}"\ntargets = ["{target.format(number)}"]\nexternal = false\n'
        )
    names = [f"c{number}" for number in range(checks)]
    return text + f'[[component]]\nname = "Sign-in"\nchecks = {json.dumps(names)}\n'


def made(seconds: int, *, outage: bool) -> tuple[list[Record], int]:
    """The records, the plan's first, and how many observations they hold."""
    files = {"plan.toml": plan()}
    entries = [
        encode_input(PlanInput(at=START, digest="d", hash="h", files=files), at_ns=START),
        encode_input(PlanStateInput(at=START, change="promoted", digest="d", hash="h"), at_ns=START),
    ]
    seqs = dict.fromkeys(range(PROBES), 1)
    total = 0
    for second in range(seconds):
        for probe in range(PROBES):
            phase = probe * PERIOD_S // PROBES
            checks = [c for c in range(CHECKS) if (second - phase - c) % PERIOD_S == 0]
            if not checks:
                continue
            at = START + (second + 1) * NS + probe
            dark = outage and seconds // 3 <= second < seconds * 2 // 3
            found = [
                observation(f"p{probe}", c, a, at - NS // 2 + 1000 * (ADDRESSES * c + a), dark, seqs, probe)
                for c in checks
                for a in range(ADDRESSES)
            ]
            total += len(found)
            batch = wire.Batch(
                probe=f"p{probe}", stream=f"{probe:016x}", first_seq=found[0].seq, last_seq=found[-1].seq,
                cut_at=at, plan="h", observations=found,
            )  # fmt: skip
            value = BatchInput(
                probe=f"p{probe}", received_at=at, sent_at=at, round_trip=0, offset_ns=0, skewed=False, peer="",
                missing=0, digest=b"", content_type=wire.MSGPACK, encoding=wire.ZSTD, body=wire.encode(batch),
            )  # fmt: skip
            entries.append(encode_input(value, at_ns=at, count=len(found)))
    records = [
        Record(position=n + 1, kind=entry.kind, body=entry.body, at_ns=entry.at_ns, count=entry.count)
        for n, entry in enumerate(entries)
    ]
    return records, total


def observation(
    probe: str, check: int, address: int, at: int, dark: bool, seqs: dict[int, int], number: int
) -> Observation:
    kind, target = ("http", f"https://a{check}.test/") if check % 2 else ("tls", f"a{check}.test:443")
    ip = f"192.0.{check}.{address + 1}"
    seqs[number] += 1
    names = ("lookup", "connect", "tls", "first_byte", "body")
    return Observation(
        probe=probe, stream=f"{number:016x}", seq=seqs[number], run=f"{seqs[number]:016x}", check=f"c{check}",
        kind=kind, target=target, subject=f"{ip}:443",
        dims={"address": ip, "family": "4", "region": "eu-central"}, scheduled_at=at, started_at=at,
        duration_ns=50_000_000, phases=[Phase(n, k * 10_000_000, 10_000_000) for k, n in enumerate(names)],
        reason="connect_timeout" if dark else None, fault="target" if dark else None,
        findings={"status": 200, "length": 1234, "chain": [LEAF]},
    )  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
