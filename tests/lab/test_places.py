from pathlib import Path

import pytest

import lab
from lab import addresses
from lab.hosts import ANYCAST_SITES
from lab.internet import Host, Site, Way
from lab.places import DUBLIN, FRANKFURT, PROBES, SINGAPORE, TOKYO, Place, distance_km, one_way_s
from parallax.plan.load import load_plan

PLAN = load_plan(Path(lab.__file__).with_name("plan.toml"))


@pytest.mark.parametrize(
    ("a", "b", "km"),
    [
        (FRANKFURT, SINGAPORE, 10270),
        (FRANKFURT, DUBLIN, 1090),
        (SINGAPORE, TOKYO, 5350),
        (Place(latitude=0, longitude=179), Place(latitude=0, longitude=-179), 222),  # over the date line
        (Place(latitude=90, longitude=0), Place(latitude=-90, longitude=0), 20015),
    ],
)
def test_distances_are_those_of_the_globe(a: Place, b: Place, km: float) -> None:
    assert distance_km(a, b) == pytest.approx(km, rel=0.01)
    assert distance_km(b, a) == pytest.approx(distance_km(a, b))


def test_a_packet_takes_the_fibre_and_a_detour() -> None:
    assert one_way_s(FRANKFURT, FRANKFURT) == pytest.approx(0.001)
    assert one_way_s(FRANKFURT, SINGAPORE) == pytest.approx(0.0678, abs=0.001)


def test_delays_are_seeded_and_never_below_the_distance() -> None:
    first, again, other = (Way(FRANKFURT, SINGAPORE, seed) for seed in ("1/a", "1/a", "2/a"))
    delays = [first.delay_s() for _ in range(200)]
    assert delays == [again.delay_s() for _ in range(200)]
    assert delays != [other.delay_s() for _ in range(200)]
    assert all(first.one_way_s < delay < 1.5 * first.one_way_s for delay in delays)


def test_the_plan_has_the_probes_where_they_stand() -> None:
    assert [probe.id for probe in PLAN.probe] == [place.id for place in PROBES]
    for probe, place in zip(PLAN.probe, PROBES, strict=True):
        assert (probe.region, probe.provider, probe.asn) == (place.region, place.provider, place.asn)
        assert (probe.network, probe.families) == (place.network, place.families)
        assert probe.location == (place.latitude, place.longitude)


def test_the_fleet_is_mixed_as_the_faults_need_it() -> None:
    lines = [probe for probe in PROBES if probe.network == "access"]
    centres = [probe for probe in PROBES if probe.network == "data-centre"]
    assert (len(lines), len(centres)) == (2, 6)
    assert len({probe.provider for probe in centres}) >= 4
    assert len({probe.region for probe in PROBES}) == 8


def test_the_anycast_sites_share_the_probes_by_nearness() -> None:
    host = Host(ip=addresses.ANYCAST, sites=tuple(Site(name=n, place=p) for n, p in ANYCAST_SITES.items()))
    caught = {name: {p.id for p in PROBES if host.site_for(p).name == name} for name in ANYCAST_SITES}
    assert caught == {"fra": {"fra1", "lon1"}, "iad": {"iad1", "pdx1", "gru1"}, "sin": {"sin1", "nrt1", "bom1"}}


def test_the_plan_names_the_addresses_of_the_world() -> None:
    assert {address.ip for address in PLAN.dns.roots} == set(addresses.PARENT.values())
    assert {each.name: each.address.host for each in PLAN.resolver} == addresses.RESOLVERS
    assert {site.name: site.location for site in PLAN.site} == {
        name: (place.latitude, place.longitude) for name, place in ANYCAST_SITES.items()
    }
    assert {address.ip for address in PLAN.control.addresses} == {*addresses.CONTROL, addresses.CONTROL_V6}
    assert PLAN.receiver[0].address == f"{addresses.PAGER}:443"
    assert {"*.dns-b.example", *addresses.DNS_B.values()} == set(PLAN.operator[1].servers)
