"""The preview's map: labels that can be read."""

import json
import re

from dashboards.anycast import catchment_map
from dashboards.preview import LINE, MOST_LABELS, Box, Page, World, free_label
from dashboards.sdk import JSONEncoder


def test_labels_that_would_overlap_stand_below_one_another() -> None:
    taken: list[Box] = [(91, 105, 18), (109, 105, 18)]  # two circles side by side
    first = free_label(113, 105, "iad 112 ms", taken)
    assert first
    assert (first[0], first[1]) == (113, 105 + LINE), "not over the other circle"
    taken.append(first)
    second = free_label(131, 105, "fra 15.4 ms", taken)
    assert second
    assert second[1] == 105, "here is room"
    taken.append(second)
    third = free_label(131, 105, "fra 15.4 ms", taken)
    assert third
    assert third[1] == 105 + 2 * LINE
    assert free_label(300, 105, "sin", taken) == free_label(300, 105, "sin", [])


def test_a_label_without_room_is_left_out() -> None:
    taken: list[Box] = [(0, 100 + step * LINE, 50) for step in range(MOST_LABELS)]
    assert free_label(10, 100, "lon", taken) is None


def test_the_map_of_the_dashboard_has_a_circle_a_place_and_each_label_by_itself() -> None:
    panel = json.loads(JSONEncoder().encode(catchment_map()))
    rows = [
        ("lon1", "iad", 51.51, -0.13, 0.112),
        ("fra1", "fra", 50.11, 8.68, 0.015),
        ("fra1", "ams", 50.11, 8.68, 0.3),
    ]
    found = [
        {"tags": {"probe": probe, "site": site}, "columns": ["time", "latitude", "longitude", "rtt"],
         "values": [[0, *figures]]}
        for probe, site, *figures in rows
    ]  # fmt: skip
    world = World(land="", width=1000, height=500, project=lambda lat, lon: (500 + lon * 2.7, 250 - lat * 2.7))
    drawn = Page(lambda _: [], 0, 1, world).world(panel, [found])
    labels = re.findall(r'<text x="([\d.]+)" y="([\d.]+)">([^<]+)</text>', drawn)
    assert [text for _, _, text in labels] == ["iad 112 ms", "fra 15 ms", "ams 300 ms"]
    assert len({y for _, y, _ in labels}) == 3, "London and Frankfurt are too near each other, too"
    assert drawn.count("<circle") == 2
