import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.web.geo import HEIGHT, RADIUS, WIDTH, place_pins, project


@pytest.mark.parametrize(
    ("place", "spot"),
    [
        ((84.0, -180.0), (0.0, 0.0)),
        ((0.0, 0.0), (500.0, 284.8)),
        ((-57.0, 180.0), (1000.0, 478.1)),
        ((51.5, -0.1), (499.7, 110.2)),
        ((-33.9, 151.2), (920.0, 399.8)),
        ((90.0, 0.0), (500.0, 0.0)),  # off the map: at its edge
        ((-90.0, 0.0), (500.0, 478.1)),
        ((0.0, 190.0), (27.8, 284.8)),  # past the date line: at the other side
        ((0.0, -540.0), (0.0, 284.8)),
    ],
)
def test_a_place_on_the_map(place: tuple[float, float], spot: tuple[float, float]) -> None:
    assert project(*place) == pytest.approx(spot, abs=0.1)


def test_a_degree_is_as_long_both_ways_at_35_degrees() -> None:
    """What "true to scale at 35 degrees" means: there, a degree of longitude is cos 35 of a degree of latitude."""
    (x1, y1), (x2, y2) = project(35, 10), project(36, 11)
    assert (x2 - x1) / (y1 - y2) == pytest.approx(math.cos(math.radians(35)))


places = st.tuples(st.floats(-90, 90), st.floats(-180, 180))


@given(st.lists(places, max_size=12))
def test_pins_are_apart_inside_and_always_the_same(found: list[tuple[float, float]]) -> None:
    probes = [(f"probe-{n}", place) for n, place in enumerate(found)]
    pins = place_pins(probes)
    assert [pin.id for pin in pins] == [probe for probe, _ in probes]
    assert pins == place_pins(probes)
    for number, pin in enumerate(pins):
        x, y = pin.at
        assert RADIUS - 0.1 <= x <= WIDTH - RADIUS + 0.1
        assert RADIUS - 0.1 <= y <= HEIGHT - RADIUS + 0.1
        for other in pins[:number]:
            assert math.dist(pin.at, other.at) > RADIUS, "a pin lies on another"


def test_pins_of_one_city_stand_around_it() -> None:
    pins = place_pins([(f"fra{n}", (50.1, 8.7)) for n in range(8)])
    for number, pin in enumerate(pins):
        assert math.dist(pin.at, pin.place) < 8 * RADIUS
        for other in pins[:number]:
            assert math.dist(pin.at, other.at) >= 2 * RADIUS, "they can be told apart"
    assert sum(pin.moved for pin in pins) >= 7


def test_a_pin_alone_stands_at_its_place_with_its_name_on_the_right() -> None:
    [pin] = place_pins([("gru1", (-23.4, -46.5))])
    assert pin.at == pin.place
    assert not pin.moved
    assert pin.label == "gru1"
    assert pin.label_at[0] > pin.at[0]


def test_a_name_keeps_inside_the_map_and_off_the_next_pin() -> None:
    east, _ = place_pins([("auckland", (-36.8, 174.8)), ("suva", (-18.1, 178.4))])
    assert east.label_at[0] < east.at[0]
    fra, ams = place_pins([("fra1", (50.1, 8.7)), ("ams1", (52.3, 4.9))])
    assert fra.label is not None
    assert ams.label_at != fra.label_at


def test_a_long_name_is_cut_and_none_is_shown_where_there_is_no_room() -> None:
    [pin] = place_pins([("p" * 64, (0, 0))])
    assert pin.label == "p" * 23 + "…"
    crowd = place_pins([("a-probe-with-a-long-name", (50.0, 8.0 + n / 10)) for n in range(25)])
    assert any(pin.label is None for pin in crowd)
