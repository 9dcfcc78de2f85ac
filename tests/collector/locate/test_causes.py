"""Which places are named for which results, and what is left open."""

import random
from math import isinf

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.locate import RIVALS, matrix, play, right
from collector.locate import Place, Row, aggregate, locate, sentences
from collector.locate.rows import rows_of

PROBES = ("p1", "p2", "p3", "p4")


def row(text: str, failed: int = 0, passed: int = 0) -> Row:
    """ "operator a, name_server a1" to a row."""
    places = [Place(*each.split(" ", 1)) for each in text.split(", ")]  # type: ignore[arg-type]
    return Row(frozenset(places), failed, passed)


def named(rows: list[Row]) -> list[str]:
    return [str(cause.place) for cause in locate(rows).causes]


def test_an_operator_is_named_once_more_than_one_server_fails() -> None:
    one = [row("operator a, name_server a1", 8), row("operator a, name_server a2", 0, 8)]
    assert named([*one, row("operator b, name_server b1", 0, 8)]) == ["name server a1"]
    both = [row("operator a, name_server a1", 8), row("operator a, name_server a2", 8)]
    assert named([*both, row("operator b, name_server b1", 0, 8)]) == ["operator a"]


def test_a_pass_acquits_and_what_is_explained_speaks_for_nothing_else() -> None:
    rows = [row("vantage p1, region us", 6), row("vantage p1, region eu", 6)]
    rows += [row(f"vantage {probe}, region {region}", 0, 6) for probe in PROBES[1:] for region in ("us", "eu")]
    assert named(rows) == ["vantage p1"]
    rows += [row(f"vantage {probe}, region sa", 6) for probe in PROBES]
    assert set(named(rows)) == {"vantage p1", "region sa"}


def test_a_third_of_failures_at_all_of_an_operator_is_no_matter_of_one_server() -> None:
    rows = [row(f"operator a, name_server a{n}", 6, 14) for n in (1, 2)] + [row("operator b, name_server b1", 0, 20)]
    [cause] = locate(rows).causes
    assert (str(cause.place), cause.severity) == ("operator a", 0.3)


def test_what_nothing_tells_apart_is_all_said() -> None:
    rows = [row(f"vantage {p}, resolver r1, site s1", 3) for p in PROBES]
    rows += [row(f"vantage {p}, resolver r2, site s2", 0, 3) for p in PROBES]
    [cause] = locate(rows).causes
    assert (str(cause.place), [str(each) for each in cause.instead]) == ("resolver r1", ["site s1"])
    assert cause.margin == 0
    assert locate([*rows, row("vantage p1, resolver r3, site s1", 0, 9)]).alternatives == ()


def test_another_fault_is_no_other_word_for_the_first() -> None:
    rows = [row(f"vantage {p}, endpoint a, address a1", 3) for p in PROBES]
    rows += [row(f"vantage {p}, operator b, name_server b1", 2) for p in PROBES]
    rows += [row(f"vantage {p}, operator c, name_server c1", 2) for p in PROBES]
    rows += [row(f"vantage {p}, operator d, name_server d1", 2) for p in PROBES]
    for cause in locate(rows).causes:
        touched = {place for row in rows if cause.place in row.places for place in row.places}
        assert {place for place, _ in cause.rivals} <= touched


def test_a_place_that_a_later_one_makes_needless_is_dropped() -> None:
    """Two of three probes of a network are broken: the network looks best first."""
    rows = [row(f"vantage {p}, network n", 30 * (p != "p3"), 30 * (p == "p3")) for p in PROBES[:3]]
    rows += [row("vantage p4, network m", 0, 30)]
    assert set(named(rows)) == {"vantage p1", "vantage p2"}


def test_noise_is_no_cause_unless_something_is_known_to_be_at_fault() -> None:
    rows = [row(f"vantage {p}, endpoint e", 1, 60) for p in PROBES]
    assert locate(rows).causes == ()
    assert locate(rows).margin == 0
    assert len(locate(rows, certain=True).causes) == 1


@pytest.mark.parametrize("rows", [[], [row("endpoint e", 0, 9)], [Row(frozenset(), 3, 4)]])
def test_nothing_is_made_of_nothing(rows: list[Row]) -> None:
    assert locate(rows, certain=True).causes == ()


def test_one_place_alone_has_no_rival() -> None:
    assert isinf(locate([row("endpoint e", 9)]).margin)


def test_of_zones_within_one_another_the_narrowest_is_named() -> None:
    assert named([row("zone example.org, zone auth.example.org", 9), row("endpoint e", 0, 9)]) == [
        "zone auth.example.org"
    ]


places = st.frozensets(
    st.builds(Place, st.sampled_from(["vantage", "operator", "region", "zone"]), st.sampled_from("abc")), max_size=4
)
tables = st.lists(st.builds(Row, places, st.integers(0, 50), st.integers(0, 50), st.just({})), max_size=12)


def test_a_cause_that_those_after_it_make_needless_is_not_named() -> None:
    rows = [row("vantage c", 3), row("vantage a, vantage b", 9), row("vantage b, vantage c", 19, 12)]
    assert all(cause.gain > 0 for cause in locate(rows).causes)
    assert locate(rows).unexplained == 0


@settings(max_examples=60, deadline=None)
@given(tables, st.randoms())
def test_the_order_of_rows_and_their_parts_change_nothing(rows: list[Row], chance: random.Random) -> None:
    parts = [Row(r.places, r.failed, 0) for r in rows] + [Row(r.places, 0, r.passed) for r in rows]
    chance.shuffle(parts)
    told, other = locate(rows), locate(parts)
    assert [c.place for c in told.causes] == [c.place for c in other.causes]
    assert (told.failed, told.passed, told.unexplained) == (other.failed, other.passed, other.unexplained)
    assert all(cause.gain > 0 and cause.margin >= 0 for cause in told.causes)
    assert len({cause.place for cause in told.causes}) == len(told.causes) <= 3


@pytest.mark.parametrize("seed", range(6))
def test_who_results_came_from_may_be_told_apart_and_changes_nothing(seed: int) -> None:
    """Neither what is named nor what is said of it, whatever fails, and whoever is broken besides."""
    chance = random.Random(seed)
    faults = {place: chance.choice([1.0, 0.5]) for place in chance.sample(sorted(frozenset().union(*matrix())), 2)}
    results = play(matrix(), faults, 0.02, chance)
    told_apart: dict[frozenset[Place], dict[frozenset[Place], list[int]]] = {}
    for carried, failed in results:
        who = frozenset(place for place in carried if place.kind in ("vantage", "network"))
        told_apart.setdefault(carried - who, {}).setdefault(who, [0, 0])[not failed] += 1
    flat, apart = aggregate(results), rows_of(told_apart)
    assert len(apart) * 3 < len(flat), "that is what it is for"
    assert locate(apart) == locate(flat)
    causes = [cause.place for cause in locate(flat).causes]
    for place in frozenset().union(*matrix()):
        others = [other for other in causes if other != place]
        assert sentences(place, apart, others) == sentences(place, flat, others)
        assert sentences(place, apart, over="IPv6") == sentences(place, flat, over="IPv6")


def test_the_benchmarks_goals_are_met_at_a_small_scale() -> None:
    ours = RIVALS["parallax"]
    assert right(ours, 0.98, 0.03, 98, broken=False) >= 98
    assert right(ours, 0.3, 0.03, 98, broken=False) >= 96
    assert right(ours, 0.98, 0.03, 98, broken=True) >= 93


def test_the_benchmarks_matrix_is_the_one_it_names() -> None:
    rows = matrix()
    assert len(rows) == 450
    assert len({place for each in rows for place in each}) == 49
    results = play(rows, {Place("operator", "dns-a"): 1.0}, 0.0, random.Random(1))
    assert sum(failed for _, failed in results) == sum(Place("operator", "dns-a") in each for each in rows)
    assert sum(r.failed + r.passed for r in aggregate(results)) == 450
