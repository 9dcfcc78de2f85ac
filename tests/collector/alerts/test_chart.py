"""The chart of the last hour: a picture that any reader takes, with a bar for each minute that was measured."""

import struct
import zlib
from xml.etree import ElementTree

import pytest

from collector.alerts.chart import HEIGHT, WIDTH, png, svg

BAD, GOOD = 2, 3


def points(picture: bytes) -> list[bytes]:
    """The rows of a picture, after a check of every chunk's sum."""
    assert picture.startswith(b"\x89PNG\r\n\x1a\n")
    place, chunks = 8, {}
    while place < len(picture):
        length, kind = struct.unpack(">I4s", picture[place : place + 8])
        data = picture[place + 8 : place + 8 + length]
        assert struct.unpack(">I", picture[place + 8 + length : place + 12 + length])[0] == zlib.crc32(kind + data)
        chunks[kind] = data
        place += 12 + length
    assert struct.unpack(">IIBBBBB", chunks[b"IHDR"]) == (WIDTH, HEIGHT, 8, 3, 0, 0, 0)
    raw = zlib.decompress(chunks[b"IDAT"])
    assert len(raw) == HEIGHT * (WIDTH + 1)
    return [raw[number * (WIDTH + 1) + 1 : (number + 1) * (WIDTH + 1)] for number in range(HEIGHT)]


def test_a_bar_is_as_high_as_its_share() -> None:
    rows = points(png([None] * 57 + [1.0, 0.5, 0.0]))
    columns = [[row[x] for row in rows] for x in range(WIDTH)]
    heights = [column.count(BAD) for column in columns if BAD in column]
    assert heights == [98] * 6 + [49] * 6
    assert sum(GOOD in column for column in columns) == 6


@pytest.mark.parametrize("shares", [[], [None] * 60, [0.2] * 600, [float("nan"), float("inf"), -3.0, 9.0]])
def test_any_figures_make_a_small_picture(shares: list[float | None]) -> None:
    picture = png(shares)
    assert points(picture)
    assert len(picture) < 5000
    assert ElementTree.fromstring(svg(shares)).tag.endswith("svg")


def test_there_is_a_bar_a_minute() -> None:
    assert svg([0.2] * 600).count("<rect") == 1 + 60
    assert svg([None] * 60).count("<rect") == 1
