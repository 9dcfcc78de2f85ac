"""CBOR as far as an authenticator writes it (RFC 8949): integers, byte and text strings, maps. Nothing is read."""

from collections.abc import Mapping

Cbor = int | bytes | str | Mapping["int | str", "Cbor"]


def encode_cbor(value: Cbor) -> bytes:
    """The deterministic encoding (section 4.2.1), but for the order of a map's keys, which is the caller's: CTAP2 and
    COSE each have one of their own."""
    if isinstance(value, int):
        return _head(0, value) if value >= 0 else _head(1, -1 - value)
    if isinstance(value, bytes):
        return _head(2, len(value)) + value
    if isinstance(value, str):
        text = value.encode()
        return _head(3, len(text)) + text
    return _head(5, len(value)) + b"".join(encode_cbor(part) for pair in value.items() for part in pair)


def _head(major: int, number: int) -> bytes:
    if number < 24:
        return bytes([major << 5 | number])
    for size, more in ((1, 24), (2, 25), (4, 26), (8, 27)):
        if number < 1 << 8 * size:
            return bytes([major << 5 | more]) + number.to_bytes(size)
    raise ValueError(f"{number} does not fit into 64 bits")
