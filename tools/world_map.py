"""Writes the land of the world map: one SVG path, small enough to stand in a page.

    npm pack world-atlas && tar xf world-atlas-*.tgz package/land-110m.json
    python -m tools.world_map package/land-110m.json

The input is Natural Earth's 1:110m land (public domain, https://www.naturalearthdata.com), as TopoJSON
(https://github.com/topojson/topojson-specification): arcs of delta-encoded whole numbers, a scale and a translation,
and polygons made of arcs, where ~n is arc n backwards. Coast lines lose the points that move them by less than half a
unit (Douglas and Peucker 1973), and islands that would be specks are left out.
"""

import json
import math
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

from collector.web.geo import SOUTH, WIDTH, project

OUTPUT = Path(__file__).parent.parent / "collector/web/templates/_world.html"
_TOLERANCE = 0.7
_SMALLEST = 3.0
"""Square units."""

Line = list[tuple[float, float]]


def rings(topology: dict[str, Any]) -> list[Line]:
    """Every polygon's outer ring and holes, as longitudes and latitudes."""
    (sx, sy), (tx, ty) = topology["transform"]["scale"], topology["transform"]["translate"]
    arcs: list[Line] = []
    for deltas in topology["arcs"]:
        x = y = 0
        arc = []
        for dx, dy in deltas:
            x, y = x + dx, y + dy
            arc.append((x * sx + tx, y * sy + ty))
        arcs.append(arc)
    found = []
    for geometry in topology["objects"]["land"]["geometries"]:
        for polygon in geometry["arcs"]:
            for ring in polygon:
                line: Line = []
                for number in ring:
                    arc = arcs[number] if number >= 0 else arcs[~number][::-1]
                    line += arc[1:] if line else arc
                found.append(line)
    return found


def simplify(line: Line, tolerance: float) -> Line:
    """The line without the points that lie nearer than `tolerance` to what is left."""
    if len(line) < 3:
        return line
    (x1, y1), (x2, y2) = line[0], line[-1]
    length = math.hypot(x2 - x1, y2 - y1)

    def away(point: tuple[float, float]) -> float:
        if length == 0:
            return math.dist(point, line[0])
        return abs((x2 - x1) * (y1 - point[1]) - (x1 - point[0]) * (y2 - y1)) / length

    worst = max(range(1, len(line) - 1), key=lambda i: away(line[i]))
    if away(line[worst]) <= tolerance:
        return [line[0], line[-1]]
    return simplify(line[: worst + 1], tolerance)[:-1] + simplify(line[worst:], tolerance)


def in_frame(ring: Line) -> list[Line]:
    """A ring of degrees as rings on the map: one that crosses 180 degrees shows at both edges."""
    whole: Line = []
    turns = 0
    for i, (longitude, latitude) in enumerate(ring):
        if i and abs(step := longitude - ring[i - 1][0]) > 180:
            turns -= round(step / 360)
        x, y = project(latitude, longitude)
        whole.append((x + turns * WIDTH, y))
    shifted = ([(x + by * WIDTH, y) for x, y in whole] for by in (-1, 0, 1))
    return [part for line in shifted if len(part := _cut(_cut(line, 0, 1), WIDTH, -1)) > 3]


def _cut(line: Line, at: float, keep: int) -> Line:
    """The part of a closed ring that is right (keep = 1) or left (-1) of x = `at` (Sutherland and Hodgman 1974)."""
    kept: Line = []
    for (x1, y1), (x2, y2) in pairwise([*line, *line[:1]]):
        if (x1 - at) * keep >= 0:
            kept.append((x1, y1))
        if (x1 - at) * (x2 - at) < 0:
            kept.append((at, y1 + (y2 - y1) * (at - x1) / (x2 - x1)))
    return kept + kept[:1]


def area(line: Line) -> float:
    return abs(sum(x1 * y2 - x2 * y1 for (x1, y1), (x2, y2) in pairwise([*line, line[0]]))) / 2


def path_of(found: list[Line]) -> str:
    """SVG path data in whole units, each point relative to the one before."""
    text = ""
    for ring in found:
        if max(latitude for _, latitude in ring) < SOUTH - 3:
            continue  # Antarctica
        for part in in_frame(ring):
            line = simplify(part, _TOLERANCE)
            if len(line) < 4 or area(line) < _SMALLEST:
                continue
            points = [(round(x), round(y)) for x, y in line]
            points = [p for i, p in enumerate(points[:-1]) if i == 0 or p != points[i - 1]]
            text += f"M{points[0][0]} {points[0][1]}l"
            steps = [f"{x2 - x1} {y2 - y1}" for (x1, y1), (x2, y2) in pairwise(points)]
            text += " ".join(steps).replace(" -", "-") + "z"
    return text


def main() -> None:
    topology = json.loads(Path(sys.argv[1]).read_text())
    path = path_of(rings(topology))
    note = "{# Made by tools/world_map.py from Natural Earth's 1:110m land, which is in the public domain. #}"
    OUTPUT.write_text(f'{note}\n<path class="map-land" d="{path}"/>\n')
    sys.stdout.write(f"{OUTPUT}: {len(path)} bytes of path\n")


if __name__ == "__main__":
    main()
