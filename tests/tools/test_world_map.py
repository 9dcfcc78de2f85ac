import math
from pathlib import Path

import pytest

from collector.web.geo import HEIGHT, WIDTH
from tools.world_map import OUTPUT, area, in_frame, path_of, rings, simplify


def test_arcs_are_joined_and_may_run_backwards() -> None:
    topology = {
        "transform": {"scale": [2, 1], "translate": [10, 20]},
        "arcs": [[[0, 0], [1, 0], [0, 1]], [[0, 0], [0, 1], [1, 0]]],
        "objects": {"land": {"geometries": [{"arcs": [[[0, -2]]]}]}},
    }
    assert rings(topology) == [[(10, 20), (12, 20), (12, 21), (10, 21), (10, 20)]]


def test_a_line_keeps_its_corners_and_loses_what_lies_on_it() -> None:
    line = [(0.0, 0.0), (1.0, 0.01), (2.0, 0.0), (2.0, 1.0), (2.0, 2.0)]
    assert simplify(line, 0.1) == [(0.0, 0.0), (2.0, 0.0), (2.0, 2.0)]


def test_a_ring_across_the_date_line_shows_at_both_edges() -> None:
    parts = in_frame([(175, 10), (-175, 10), (-175, -10), (175, -10), (175, 10)])
    assert sorted(round(area(part)) for part in parts) == [round(area(parts[0]))] * 2
    assert [min(x for x, _ in part) for part in parts] == pytest.approx([WIDTH - 5 / 360 * WIDTH, 0.0], abs=0.01) or [
        min(x for x, _ in part) for part in parts
    ] == pytest.approx([0.0, WIDTH - 5 / 360 * WIDTH], abs=0.01)
    assert all(0 <= x <= WIDTH for part in parts for x, _ in part)


def test_specks_and_antarctica_are_left_out() -> None:
    square = [(0.0, 0.0), (10.0, 0.0), (10.0, 10.0), (0.0, 10.0), (0.0, 0.0)]
    assert path_of([square]).startswith("M")
    assert path_of([[(x / 100, y / 100) for x, y in square]]) == ""
    assert path_of([[(x, y - 80) for x, y in square]]) == ""


def test_the_land_is_small_and_inside_the_map() -> None:
    text = Path(OUTPUT).read_text("utf-8")
    assert len(text) < 25_000
    path = text.split('d="')[1].split('"')[0]
    reach = [math.inf, -math.inf, math.inf, -math.inf]
    for ring in path.split("z")[:-1]:
        start, _, steps = ring.removeprefix("M").partition("l")
        x, y = map(int, start.split())
        numbers = [int(n) for n in steps.replace("-", " -").split()]
        for dx, dy in [(0, 0), *zip(numbers[::2], numbers[1::2], strict=True)]:
            x, y = x + dx, y + dy
            reach = [min(reach[0], x), max(reach[1], x), min(reach[2], y), max(reach[3], y)]
    assert reach[0] >= 0
    assert reach[1] <= WIDTH
    assert reach[2] >= 0
    assert reach[3] <= HEIGHT + 1
    assert reach[1] - reach[0] > 0.95 * WIDTH
