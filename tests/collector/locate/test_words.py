"""The evidence in sentences."""

from bench.locate import matrix
from collector.locate import Place, Row, aggregate, sentences

OPERATOR = Place("operator", "dns-a")
ROWS = matrix()


def told(at_fault: set[Place], about: Place, beside: tuple[Place, ...] = ()) -> tuple[str, ...]:
    return sentences(about, aggregate((places, not at_fault.isdisjoint(places)) for places in ROWS), beside)


def test_an_operator_that_is_dark_behind_caches() -> None:
    assert told({OPERATOR}, OPERATOR) == (
        "all 15 probes fail at the 2 servers of operator dns-a",
        "operator dns-b answers (15 probes)",
        "name servers ns1.dns-b, ns2.dns-b answer (15 probes)",
        "the same names resolve from caches, at resolvers r1, r2, r3 (15 probes)",
    )


def test_another_cause_is_said_and_takes_nothing_from_what_is_well() -> None:
    broken = Place("vantage", "v03")
    said = told({OPERATOR, broken}, OPERATOR, (broken,))
    assert said[0] == "all 15 probes fail at the 2 servers of operator dns-a"
    assert said[1] == "operator dns-b answers (14 probes)"
    assert said[-1] == "probe v03 fails as well, and is another matter"


def test_a_region_and_what_gets_through() -> None:
    region = Place("region", "us")
    first, second, *_ = told({region}, region)
    assert first == "all 15 probes fail at the 2 addresses of region us"
    assert second == "region eu passes (15 probes)"
    rows = aggregate((places, region in places and "IPv6" not in str(sorted(places))) for places in ROWS)
    assert sentences(region, rows)[:2] == (
        "all 15 probes fail at 1 of the 2 addresses of region us",
        "60 of 120 attempts got through all the same",
    )


def test_what_fails_at_an_operator_and_at_none_of_its_servers() -> None:
    probe, server = Place("vantage", "v00"), Place("name_server", "ns1.dns-a")
    other = Place("name_server", "ns2.dns-a")
    rows = [
        Row(frozenset({probe, OPERATOR}), 2, 0),  # what its copy of the zone says
        Row(frozenset({probe, OPERATOR, server}), 0, 3),
        Row(frozenset({probe, OPERATOR, other}), 0, 3),
    ]
    assert sentences(OPERATOR, rows)[0] == "the one probe that looked fails at operator dns-a"


def test_a_site_fails_for_those_whom_it_answers() -> None:
    site = Place("site", "pop0")
    assert told({site}, site)[0] == "all 3 probes fail at site pop0"


def test_a_probe_and_a_network_are_called_so() -> None:
    probe, network = Place("vantage", "v00"), Place("network", "AS64496")
    assert told({probe}, probe)[0] == "probe v00 fails at 6 servers"
    assert told({network}, network)[0] == "all 3 probes in AS64496 fail at 6 servers"


def test_nothing_is_said_of_what_nothing_fails_at() -> None:
    assert told(set(), OPERATOR) == ()
    assert told({OPERATOR}, Place("operator", "unheard of")) == ()


def test_a_family_by_which_alone_it_fails() -> None:
    six = Place("family", "IPv6")
    rows = aggregate((places, OPERATOR in places and six in places) for places in ROWS)
    assert sentences(OPERATOR, rows, over="IPv6")[:3] == (
        "all 15 probes fail at the 2 servers of operator dns-a over IPv6",
        "over IPv4 it answers (15 probes)",
        "operator dns-b answers (15 probes)",
    )


def test_more_of_the_same_is_no_other_matter() -> None:
    two = {Place("region", "us"), Place("region", "eu")}
    assert told(two, Place("region", "us"), (Place("region", "eu"),))[-1] == "region eu fails as well"
