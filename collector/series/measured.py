"""Batches as the series read them: of each observation what makes a line, and the rest skipped unseen.

Most of a whole decoding goes into findings, of which a line has one or two, and into labels, which are the same again
and again: both stay octets here, and cost a third of it. What stands in the journal was decoded and bounded at ingest.
"""

from typing import Any

import msgspec

from parallax import wire
from parallax.observation import Observation, Phase
from parallax.points import FOUND
from parallax.values import encode_value


class Measured(msgspec.Struct, frozen=True, kw_only=True, array_like=True, gc=False):
    """An observation (parallax.observation.Observation, field by field), in msgpack."""

    schema: int
    probe: str
    stream: str
    seq: int
    run: str
    check: str
    kind: str
    target: str
    subject: str
    dims: msgspec.Raw
    site: str | None = None
    attempt: int = 1
    scheduled_at: int
    started_at: int
    duration_ns: int
    phases: list[Phase]
    reason: str | None = None
    fault: str | None = None
    abstain: str | None = None
    findings: msgspec.Raw = msgspec.Raw(b"\x80")


class _Batch(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """As parallax.wire.Batch."""

    schema: int
    probe: str
    stream: str
    first_seq: int
    last_seq: int
    cut_at: int
    plan: str
    agent: str
    egress: msgspec.Raw
    clock_sync_age_s: float | None
    observations: list[Measured]


Findings = msgspec.defstruct(
    "Findings",
    [(name, Any, None) for name in sorted({each.finding for found in FOUND.values() for each in found})],
    gc=False,
)
"""The findings that are fields of some kind."""
_batches = msgspec.msgpack.Decoder(_Batch)
_observations = msgspec.msgpack.Decoder(list[Measured])
_packed = msgspec.msgpack.Encoder(enc_hook=encode_value).encode
findings_of = msgspec.msgpack.Decoder(Findings).decode
dims_of = msgspec.msgpack.Decoder(dict[str, str]).decode
all_findings_of = msgspec.msgpack.Decoder(dict[str, Any]).decode


def read_batch(body: bytes, *, content_type: str, encoding: str) -> list[Measured]:
    """The observations of a batch that was taken. Raises WireError."""
    if content_type != wire.MSGPACK:
        return measured(wire.decode(body, content_type=content_type, encoding=encoding).observations)
    raw = wire.expand(body) if encoding == wire.ZSTD else body
    try:
        return _batches.decode(raw).observations
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise wire.WireError(f"the batch does not decode: {error}") from None


def measured(observations: list[Observation]) -> list[Measured]:
    """Of observations that are decoded. Findings in which JSON brought a number that is past 64 bits are left out."""
    try:
        octets = _packed(observations)
    except OverflowError:
        octets = _packed([o if _fit(o.findings) else msgspec.structs.replace(o, findings={}) for o in observations])
    return _observations.decode(octets)


def _fit(findings: dict[str, Any]) -> bool:
    try:
        _packed(findings)
    except OverflowError:
        return False
    return True
