"""Where a place is on the world map, and how pins that lie close together are spread so that each can be read. Pure.

The map is an equirectangular projection true to scale at 35 degrees north and south (J. P. Snyder, Map Projections: A
Working Manual, USGS 1987, chapter 12), cut off above 84 and below 57 degrees, where nobody runs a probe: x grows
eastwards and y southwards, in the units of the drawing's viewBox. tools/world_map.py draws the land with the same
function.
"""

import math
from collections.abc import Sequence

import msgspec

WIDTH = 1000.0
NORTH, SOUTH = 84.0, -57.0
_TRUE_AT = 35.0
_UNITS_A_DEGREE = WIDTH / 360
_STRETCH = 1 / math.cos(math.radians(_TRUE_AT))
HEIGHT = round((NORTH - SOUTH) * _UNITS_A_DEGREE * _STRETCH, 1)

RADIUS = 9.0
"""A pin's."""
_APART = 3 * RADIUS + 2
_ROUNDS = 60
_LETTER, _LINE, _GAP = 12.4, 22.0, 8.0
"""A label's size: the width of a letter, the height of a line, and how far from its pin it stands."""
_LONGEST_LABEL = 24


class Pin(msgspec.Struct, frozen=True, kw_only=True):
    """A probe on the map: where its place is, where its pin stands, and its label where there is room for one."""

    id: str
    place: tuple[float, float]
    at: tuple[float, float]
    label: str | None = None
    label_at: tuple[float, float] = (0.0, 0.0)
    """Where the text begins, on its base line."""

    @property
    def moved(self) -> bool:
        """The pin stands visibly beside its place."""
        return math.dist(self.place, self.at) > RADIUS / 2


def project(latitude: float, longitude: float) -> tuple[float, float]:
    """Degrees to (x, y). A longitude past 180 comes in at the other edge, a latitude off the map stays at it."""
    east = longitude if -180 <= longitude <= 180 else (longitude + 180) % 360 - 180
    north = min(max(latitude, SOUTH), NORTH)
    return (east + 180) * _UNITS_A_DEGREE, (NORTH - north) * _UNITS_A_DEGREE * _STRETCH


def place_pins(probes: Sequence[tuple[str, tuple[float, float]]]) -> list[Pin]:
    """A pin for each (id, (latitude, longitude)), in the same order; the same input always gives the same picture."""
    places = [project(*location) for _, location in probes]
    spots = _spread(places)
    boxes = [_around(spot) for spot in spots]
    pins = []
    for (probe, _), place, spot in zip(probes, places, spots, strict=True):
        place = (round(place[0], 1), round(place[1], 1))
        text = probe if len(probe) <= _LONGEST_LABEL else probe[: _LONGEST_LABEL - 1] + "…"
        if (box := _room(text, spot, boxes)) is None:
            pins.append(Pin(id=probe, place=place, at=spot))
        else:
            boxes.append(box)
            at = (round(box[0], 1), round(box[3] - _LINE / 4, 1))
            pins.append(Pin(id=probe, place=place, at=spot, label=text, label_at=at))
    return pins


def _spread(places: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Pushes apart what is too close, a little in every round. Those at one place start out in different directions."""
    spots = [_inside(*place) for place in places]
    for _ in range(_ROUNDS):
        crowded = False
        for i in range(len(spots)):
            for j in range(i):
                (x1, y1), (x2, y2) = spots[j], spots[i]
                if (apart := math.dist(spots[j], spots[i])) >= _APART - 0.01:
                    continue
                crowded = True
                if apart < 0.5:
                    angle = 2.4 * i  # the golden angle: no two of a crowd set out in the same direction
                    dx, dy = math.cos(angle), math.sin(angle)
                else:
                    dx, dy = (x2 - x1) / apart, (y2 - y1) / apart
                push = (_APART - apart) / 2
                spots[j] = _inside(x1 - dx * push, y1 - dy * push)
                spots[i] = _inside(x2 + dx * push, y2 + dy * push)
        if not crowded:
            break
    return [(round(x, 1), round(y, 1)) for x, y in spots]


def _around(spot: tuple[float, float]) -> "_Box":
    x, y = spot
    return x - RADIUS, y - RADIUS, x + RADIUS, y + RADIUS


def _inside(x: float, y: float) -> tuple[float, float]:
    return min(max(x, RADIUS), WIDTH - RADIUS), min(max(y, RADIUS), HEIGHT - RADIUS)


_Box = tuple[float, float, float, float]


def _room(text: str, spot: tuple[float, float], taken: list[_Box]) -> _Box | None:
    """The first free place for a label: right of its pin, left, above, below."""
    x, y = spot
    wide, away = len(text) * _LETTER, RADIUS + _GAP
    corners = (
        (x + away, y - _LINE / 2),
        (x - away - wide, y - _LINE / 2),
        (x - wide / 2, y - away - _LINE),
        (x - wide / 2, y + away),
    )
    for left, top in corners:
        box = (left, top, left + wide, top + _LINE)
        if left < 0 or top < 0 or box[2] > WIDTH or box[3] > HEIGHT:
            continue
        # Wider on both sides, so that it is not read as the next pin's; its own pin may stand that near.
        near = (left - 2 * _GAP, top, box[2] + 2 * _GAP, box[3])
        if not any(_meet(near, other) for other in taken if other != _around(spot)):
            return box
    return None


def _meet(one: _Box, other: _Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
