"""The wire between probe and collector: batches as msgpack arrays under zstd, or as JSON.

A batch is cut once and immutable: the same bytes go into the spool, over the wire (again after a lost answer) and into
the collector's journal, so a digest of the bytes tells a repeat from a forgery. What changes from one sending to the
next (when it was sent, the last round trip) travels in the headers below, not in the batch.

Hostile input is bounded before it is expanded, and raises only `WireError`.
"""

import hashlib

import msgspec
import zstandard

from parallax.observation import SCHEMA, Observation

MAX_COMPRESSED = 1_000_000
MAX_EXPANDED = 8_000_000
MAX_OBSERVATIONS = 500
_MAX_SEQ = 2**62

SENT_AT = "parallax-sent-at"
"""Header: the probe's wall clock when this sending began, nanoseconds since the Unix epoch."""
ROUND_TRIP = "parallax-round-trip"
"""Header: the last exchange's round trip, nanoseconds; absent on the first."""
MSGPACK = "application/msgpack"
JSON = "application/json"
ZSTD = "zstd"


class WireError(ValueError):
    """The bytes are no batch. The message says why; the batch must be dropped, not sent again."""


class UnknownSchema(WireError):
    """The batch is from a newer (or much older) probe; the probe must keep its spool and raise an alarm."""


class Batch(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """The envelope. `plan` is the hash of the plan part in force, `egress` maps a family ("4", "6") to the address
    that the probe's packets leave from, `clock_sync_age_s` is None where the host cannot say."""

    schema: int = SCHEMA
    probe: str
    stream: str
    first_seq: int
    last_seq: int
    cut_at: int
    plan: str = ""
    agent: str = ""
    egress: dict[str, str] = {}
    clock_sync_age_s: float | None = None
    observations: list[Observation]


class Ack(msgspec.Struct, frozen=True, kw_only=True):
    """The collector's answer: everything of the stream up to `last_seq` is durable in its journal.

    `received_at` and `answered_at` are the collector's wall clock (ns), from which the probe estimates its offset;
    `peer` is the address that the collector saw."""

    last_seq: int
    received_at: int
    answered_at: int
    peer: str = ""


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Batch)
_json_decoder = msgspec.json.Decoder(Batch)
_compressor = zstandard.ZstdCompressor(level=1)


def encode(batch: Batch) -> bytes:
    """The batch as msgpack under zstd: the bytes that spool, wire and journal share."""
    return _compressor.compress(_encoder.encode(batch))


def decode(body: bytes, *, content_type: str = MSGPACK, encoding: str = ZSTD) -> Batch:
    """A batch from its bytes as received. Raises WireError; allocates at most MAX_EXPANDED for the expansion."""
    if len(body) > MAX_COMPRESSED:
        raise WireError(f"the batch is {len(body)} octets; at most {MAX_COMPRESSED} are taken")
    raw = expand(body) if encoding == ZSTD else body
    try:
        batch = _json_decoder.decode(raw) if content_type == JSON else _decoder.decode(raw)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise (_unknown_schema(raw, content_type) or WireError(f"the batch does not decode: {error}")) from None
    if batch.schema != SCHEMA:
        raise UnknownSchema(f"the batch has schema {batch.schema}; this collector knows {SCHEMA}")
    _validate(batch)
    return batch


def digest(body: bytes) -> bytes:
    """What tells a repeated batch from another one with the same identity."""
    return hashlib.blake2b(body, digest_size=16).digest()


def expand(body: bytes) -> bytes:
    """zstd to raw, at most MAX_EXPANDED octets. Raises WireError."""
    try:
        with zstandard.ZstdDecompressor(max_window_size=2**23).stream_reader(body) as reader:
            raw = reader.read(MAX_EXPANDED + 1)
    except (zstandard.ZstdError, MemoryError) as error:
        raise WireError(f"the batch is no zstd: {error}") from None
    if len(raw) > MAX_EXPANDED:
        raise WireError(f"the batch expands past {MAX_EXPANDED} octets")
    return bytes(raw)


def _validate(batch: Batch) -> None:
    count = len(batch.observations)
    if not 0 < count <= MAX_OBSERVATIONS:
        raise WireError(f"a batch holds 1 to {MAX_OBSERVATIONS} observations, not {count}")
    if not 1 <= batch.first_seq <= _MAX_SEQ or batch.last_seq - batch.first_seq + 1 != count:
        raise WireError("first and last seq do not fit the number of observations")
    for expected, observation in enumerate(batch.observations, batch.first_seq):
        if (observation.probe, observation.stream, observation.seq) != (batch.probe, batch.stream, expected):
            raise WireError(f"the observation at seq {expected} has another identity than its batch")


def _unknown_schema(raw: bytes, content_type: str) -> UnknownSchema | None:
    """Whether what does not decode at least begins as an array with another schema number."""
    try:
        plain = msgspec.json.decode(raw) if content_type == JSON else msgspec.msgpack.decode(raw)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return None
    if isinstance(plain, list) and plain and isinstance(plain[0], int) and plain[0] != SCHEMA:
        return UnknownSchema(f"the batch has schema {plain[0]}; this collector knows {SCHEMA}")
    return None
