"""The wire between probe and collector: batches as msgpack arrays under zstd, or as JSON.

A batch is cut once and immutable: the same bytes go into the spool, over the wire (again after a lost answer) and into
the collector's journal, so a digest of the bytes tells a repeat from a forgery. What changes from one sending to the
next (when it was sent, the last round trip) travels in the headers below, not in the batch.

Hostile input is bounded before it is expanded, and before it is decoded: an empty list is one octet on the wire and 56
in memory, so 8 MB of them would take half a gigabyte and seconds of the event loop. It raises only `WireError`.
"""

import hashlib

import msgspec
import zstandard

from parallax.observation import SCHEMA, Int64, Observation
from parallax.values import encode_value

MAX_COMPRESSED = 1_000_000
MAX_EXPANDED = 8_000_000
MAX_OBSERVATIONS = 500
MAX_CONTAINERS = 1_000_000
"""Above the octets of any batch that a probe cuts, whatever text is in it (see `_bound_containers`)."""
_MAX_SEQ = 2**62
_NOT_CONTAINERS = bytes(b for b in range(256) if not (0x80 <= b <= 0x9F or 0xDC <= b <= 0xDF))
"""All octets but those that open an array or a map in msgpack (fixmap, fixarray, array and map 16 and 32)."""

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
    first_seq: Int64
    last_seq: Int64
    cut_at: Int64
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


_encoder = msgspec.msgpack.Encoder(enc_hook=encode_value)  # labels and findings may have names and addresses in them
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
    _bound_containers(raw, content_type)
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
            raw = reader.read(_room(body) + 1)
    except (zstandard.ZstdError, MemoryError) as error:
        raise WireError(f"the batch is no zstd: {error}") from None
    if len(raw) > MAX_EXPANDED:
        raise WireError(f"the batch expands past {MAX_EXPANDED} octets")
    return bytes(raw)


def _room(body: bytes) -> int:
    """The octets that are made room for: as many as the frame says that it holds (RFC 8878, section 3.1.1.1.4), where
    it does. For a small batch the most would cost more than all else."""
    try:
        size = zstandard.get_frame_parameters(body).content_size
    except zstandard.ZstdError:
        return MAX_EXPANDED
    return size if 0 <= size <= MAX_EXPANDED else MAX_EXPANDED


def _bound_containers(raw: bytes, content_type: str) -> None:
    """Raises WireError where there could be more arrays and maps than any batch has. Counts octets, so text that has
    the same octets in it counts too: an upper bound, found in a few milliseconds for 8 MB, and at once for a batch of
    the usual size, which has fewer octets than that."""
    if len(raw) <= MAX_CONTAINERS:
        return
    if content_type == JSON:
        containers = raw.count(b"[") + raw.count(b"{")
    else:
        containers = len(raw.translate(None, _NOT_CONTAINERS))
    if containers > MAX_CONTAINERS:
        raise WireError(f"the batch has up to {containers} arrays and maps in it; at most {MAX_CONTAINERS} are taken")


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
    """Whether what does not decode at least begins as an array whose first item is another schema number."""
    try:
        if content_type == JSON:
            first: object = msgspec.json.decode(raw.partition(b",")[0].removeprefix(b"[")[:20])
        else:
            first = _first_item(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    if isinstance(first, int) and first != SCHEMA:
        return UnknownSchema(f"the batch has schema {first}; this collector knows {SCHEMA}")
    return None


def _first_item(raw: bytes) -> object:
    """The first item of a msgpack array, if it is a small number; nothing behind it is decoded."""
    header = 1 if raw[:1] and 0x90 <= raw[0] <= 0x9F else 3 if raw[:1] == b"\xdc" else 5 if raw[:1] == b"\xdd" else 0
    item = raw[header : header + 1]
    return item[0] if header and item and item[0] < 0x80 else None
