"""Distances, discs, and how many sites there are at least."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.detect.sites.light import KM_A_MS, Disc, apart, distance_km, reach_km, sites_at_least, witnesses

MS = 1_000_000
FRA, IAD, SIN, SYD, GRU = (50.11, 8.68), (39.04, -77.49), (1.35, 103.82), (-33.87, 151.21), (-23.55, -46.63)
FIJI_WEST, FIJI_EAST = (-17.0, 179.9), (-17.0, -179.9)

DISTANCES = [
    ((0.0, 0.0), (0.0, 0.0), 0.0),
    ((0.0, 0.0), (0.0, 90.0), 10007.6),
    ((0.0, 0.0), (0.0, 180.0), 20015.1),
    ((90.0, 0.0), (-90.0, 123.0), 20015.1),
    ((90.0, 17.0), (90.0, -120.0), 0.0),
    ((89.0, 0.0), (89.0, 180.0), 222.4),
    (FIJI_WEST, FIJI_EAST, 21.3),
    ((36.12, -86.67), (33.94, -118.40), 2886.4),
    ((10.0, 20.0), (-10.0, -160.0), 20015.1),
]


@pytest.mark.parametrize(("one", "other", "km"), DISTANCES)
def test_distances(one: tuple[float, float], other: tuple[float, float], km: float) -> None:
    assert distance_km(one, other) == pytest.approx(km, abs=0.6)
    assert distance_km(other, one) == distance_km(one, other)


place = st.tuples(st.floats(-90, 90), st.floats(-180, 180))


@given(place, place, place)
def test_distances_are_distances(
    one: tuple[float, float], other: tuple[float, float], third: tuple[float, float]
) -> None:
    assert 0 <= distance_km(one, other) <= math.pi * 6371.0089
    assert distance_km(one, third) <= distance_km(one, other) + distance_km(other, third) + 1e-3
    turned = (other[0], other[1] - 360)
    assert distance_km(one, turned) == pytest.approx(distance_km(one, other), abs=1e-3)


def disc(name: str, at: tuple[float, float], ms: float) -> Disc:
    return Disc(probe=name, place=at, rtt_ns=round(ms * MS))


def test_a_millisecond_is_98_km() -> None:
    assert reach_km(MS) == KM_A_MS == 98.62


def test_discs_that_just_meet_are_not_apart() -> None:
    """10007.6 km apart: two discs of 4978.8 km and the slack of 50 km reach across."""
    edge = (distance_km((0, 0), (0, 90)) - 50) / 2 / KM_A_MS
    assert not apart(disc("a", (0, 0), edge + 0.001), disc("b", (0, 90), edge + 0.001))
    assert apart(disc("a", (0, 0), edge - 0.001), disc("b", (0, 90), edge - 0.001))


def test_neighbours_across_the_antimeridian_are_near() -> None:
    assert not apart(disc("a", FIJI_WEST, 0.1), disc("b", FIJI_EAST, 0.1))
    assert apart(disc("a", FIJI_WEST, 0.1), disc("b", (-17.0, 170.0), 0.1))


def test_neighbours_across_the_pole_are_near() -> None:
    assert not apart(disc("a", (89.9, 0.0), 0.1), disc("b", (89.9, 180.0), 0.1))


def test_the_clearest_witnesses_come_first() -> None:
    found = witnesses([disc("fra", FRA, 5), disc("iad", IAD, 5), disc("sin", SIN, 5), disc("far", GRU, 300)])
    assert [(pair.one, pair.other) for pair in found] == [("iad", "sin"), ("fra", "sin"), ("fra", "iad")]
    assert found[0].km == pytest.approx(15550, abs=60)
    assert found[0].gap_km == pytest.approx(found[0].km - 10 * KM_A_MS)


GOLDEN = [
    ([], []),
    ([disc("fra", FRA, 300)], ["fra"]),
    ([disc("fra", FRA, 5), disc("iad", IAD, 95)], ["fra"]),  # one place in Frankfurt answers both
    ([disc("fra", FRA, 5), disc("iad", IAD, 5)], ["fra", "iad"]),
    ([disc("fra", FRA, 5), disc("iad", IAD, 6), disc("sin", SIN, 7), disc("syd", SYD, 200)], ["fra", "iad", "sin"]),
    # The widest disc meets all others: begun with, it would hide two sites.
    ([disc("wide", IAD, 200), disc("fra", FRA, 1), disc("syd", SYD, 2)], ["fra", "syd"]),
    ([disc("small", (0, 1), 1), disc("west", (0, 0), 2), disc("east", (0, 44), 47)], ["west", "east"]),
    ([disc(name, at, 2) for name, at in (("a", FRA), ("b", IAD), ("c", SIN), ("d", SYD), ("e", GRU))], list("abcde")),
]


@pytest.mark.parametrize(("discs", "sites"), GOLDEN)
def test_sites_at_least(discs: list[Disc], sites: list[str]) -> None:
    assert [each.probe for each in sites_at_least(discs)] == sites


@given(st.lists(st.builds(disc, st.text("abc", max_size=3), place, st.floats(0, 200)), max_size=8))
def test_more_than_one_site_and_a_witness_are_the_same(discs: list[Disc]) -> None:
    assert (len(sites_at_least(discs)) > 1) == bool(witnesses(discs))
    chosen = sites_at_least(discs)
    assert all(apart(a, b) for n, a in enumerate(chosen) for b in chosen[n + 1 :])


@given(place, st.lists(st.tuples(place, st.floats(0, 100)), max_size=8))
def test_one_site_is_never_called_several(
    site: tuple[float, float], probes: list[tuple[tuple[float, float], float]]
) -> None:
    """Whatever the paths are like, an honest round trip is no shorter than light."""
    discs = [disc(str(n), at, distance_km(site, at) / KM_A_MS + more) for n, (at, more) in enumerate(probes)]
    assert witnesses(discs) == []
