"""A chart of the last hour: by the minute, the share of vantages that failed. Pure: SVG for a page, PNG for channels
that show pictures, by our own few lines (PNG, third edition, W3C; RFC 2083), as no picture library is at hand.

The ground is opaque and neither black nor white, so that it can be read on a dark and on a light page alike.
"""

import struct
import zlib
from collections.abc import Sequence

MINUTES = 60
WIDTH, HEIGHT = 480, 120
_LEFT, _RIGHT, _TOP, _BOTTOM = 30, 6, 8, 14
_SLOT = (WIDTH - _LEFT - _RIGHT) // MINUTES
_TALL = HEIGHT - _TOP - _BOTTOM
_PALETTE = ((0x2B, 0x30, 0x38), (0x4A, 0x52, 0x5E), (0xE2, 0x4A, 0x3B), (0x81, 0xC9, 0x95), (0xD8, 0xDE, 0xE9))
_GROUND, _LINE, _BAD, _GOOD, _INK = range(5)
_GLYPHS = {
    "0": "69996", "1": "26227", "%": "91248"[:5], "-": "00700", "6": "68e96", "m": "00ff9",
    "i": "40444", "n": "00e99", "o": "00696", "w": "009ff",
}  # fmt: skip
"""Letters of four by five points, a hexadecimal digit a row."""


def png(shares: Sequence[float | None]) -> bytes:
    """The last 60 of these shares, 0 to 1, the newest last; None where nobody measured. 480 by 120 points."""
    rows = [bytearray(WIDTH) for _ in range(HEIGHT)]
    for part in (0, 0.5, 1):
        _fill(rows, _LEFT, _TOP + round(_TALL * (1 - part)), MINUTES * _SLOT, 1, _LINE)
    for left, height, colour in _bars(shares):
        _fill(rows, left, _TOP + _TALL - height, _SLOT - 1, height, colour)
    _write(rows, 4, _TOP - 2, "100%")
    _write(rows, 14, _TOP + _TALL - 4, "0%")
    _write(rows, _LEFT, HEIGHT - 9, "-60min")
    _write(rows, _LEFT + MINUTES * _SLOT - 16, HEIGHT - 9, "now")
    raw = b"".join(b"\0" + bytes(row) for row in rows)
    head = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 3, 0, 0, 0)  # 8 bits, a palette
    palette = bytes(value for colour in _PALETTE for value in colour)
    chunks = ((b"IHDR", head), (b"PLTE", palette), (b"IDAT", zlib.compress(raw, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*each) for each in chunks)


def svg(shares: Sequence[float | None]) -> str:
    """The same as SVG."""
    colours = [f"#{red:02x}{green:02x}{blue:02x}" for red, green, blue in _PALETTE]
    marks = [f'<rect width="{WIDTH}" height="{HEIGHT}" fill="{colours[_GROUND]}"/>']
    for left, height, colour in _bars(shares):
        top = _TOP + _TALL - height
        marks.append(f'<rect x="{left}" y="{top}" width="{_SLOT - 1}" height="{height}" fill="{colours[colour]}"/>')
    for left, top, text in (
        (2, _TOP + 4, "100 %"),
        (12, _TOP + _TALL, "0 %"),
        (_LEFT, HEIGHT - 3, "-60 min"),
        (WIDTH - 30, HEIGHT - 3, "now"),
    ):
        marks.append(
            f'<text x="{left}" y="{top}" font-size="9" font-family="sans-serif" fill="{colours[_INK]}">{text}</text>'
        )
    title = "Share of vantages that failed, by the minute, last hour"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img"><title>{title}</title>'
        f"{''.join(marks)}</svg>"
    )


def _bars(shares: Sequence[float | None]) -> list[tuple[int, int, int]]:
    """Left edge, height and colour of each bar; one where nothing failed is a thin good one, one of which nothing is
    known is not there."""
    kept = list(shares)[-MINUTES:]
    bars = []
    for number, share in enumerate(kept, MINUTES - len(kept)):
        if share is None or share != share:
            continue
        height = round(_TALL * min(max(share, 0.0), 1.0))
        bars.append((_LEFT + number * _SLOT, max(height, 2), _BAD if share > 0 else _GOOD))
    return bars


def _fill(rows: list[bytearray], left: int, top: int, width: int, height: int, colour: int) -> None:
    for row in rows[top : top + height]:
        row[left : left + width] = bytes([colour]) * width


def _write(rows: list[bytearray], left: int, top: int, text: str) -> None:
    for number, letter in enumerate(text):
        for y, digit in enumerate(_GLYPHS[letter]):
            for x in range(4):
                if int(digit, 16) >> (3 - x) & 1:
                    rows[top + y][left + 5 * number + x] = _INK


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
