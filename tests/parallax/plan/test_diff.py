from pathlib import Path
from typing import Any

import msgspec
import pytest

from parallax.plan.diff import ChangedCheck, Load, diff, diff_lines
from parallax.plan.dns_specs import ResolveSpec, ZoneSpec
from parallax.plan.load import load_plan
from parallax.plan.specs import DnsSpec, HttpSpec, TlsSpec
from parallax.plan.types import Check, Control, Plan, Probe, Resolver
from parallax.values import Address, DnsName, Duration, Endpoint

EXAMPLES = Path(__file__).parents[3] / "docs" / "examples"
KIND_SPECS = {"dns": DnsSpec(query=DnsName("a.example")), "tls": TlsSpec(), "http": HttpSpec()}


def check(name: str, kind: str, target: str, **changes: Any) -> Check:
    keys: dict[str, Any] = {"period": Duration(30), "timeout": Duration(5), "external": True, "probes": []}
    return Check(name=name, kind=kind, targets=[target], spec=KIND_SPECS[kind], **(keys | changes))


def test_the_same_plan_makes_no_difference() -> None:
    found = diff(load_plan(EXAMPLES / "fleet"), load_plan(EXAMPLES / "fleet"))
    assert found.empty
    assert diff_lines(found) == ["no change"]


def test_checks_added_removed_and_changed() -> None:
    old = Plan(check=[check("a", "tls", "192.0.2.1"), check("b", "tls", "192.0.2.2")])
    new = Plan(check=[check("a", "tls", "192.0.2.1", timeout=Duration(4)), check("c", "tls", "192.0.2.2")])
    found = diff(old, new)
    assert (found.added, found.removed, found.changed) == (["c"], ["b"], [ChangedCheck("a", ["timeout"])])
    assert found.load == []
    assert found.probes == {"": ["check"]}


def test_load_is_summed_over_the_fleet_and_over_a_targets_checks() -> None:
    probes = [Probe(id="p1"), Probe(id="p2"), Probe(id="p3")]
    old = Plan(probe=probes, check=[check("a", "tls", "192.0.2.1")])
    new = Plan(
        probe=probes,
        check=[
            check("a", "tls", "192.0.2.1", period=Duration(20)),
            check("b", "http", "https://192.0.2.1/", probes=["p2"]),
            check("c", "dns", "192.0.2.1"),
        ],
    )
    assert diff(old, new).load == [
        Load(target="192.0.2.1:443", before=6.0, after=11.0),
        Load(target="192.0.2.1:53", before=0.0, after=6.0),
    ]


def test_what_each_of_the_plans_resolvers_is_asked_is_counted_there() -> None:
    """Of two probes: every check of a zone asks every resolver, one of names those that it says."""
    keys: dict[str, Any] = {"timeout": Duration(5), "external": True, "probes": []}
    spec = ZoneSpec(zone=DnsName("a.example"), marker=DnsName("m.a.example"))
    zone = Check(name="zone", kind="dns.zone", targets=["a.example"], spec=spec, period=Duration(30), **keys)
    names = [DnsName("www.a.example"), DnsName("b.example")]
    one = ResolveSpec(names=names, resolvers=["r1"])
    some = Check(name="names", kind="dns.resolve", targets=[*names], spec=one, period=Duration(60), **keys)
    resolvers = [Resolver(name=name, address=Endpoint("192.0.2.53:53")) for name in ("r1", "r2")]
    before = Plan(probe=[Probe(id="p1"), Probe(id="p2")], resolver=resolvers, check=[zone])
    found = diff(before, msgspec.structs.replace(before, check=[zone, some]))
    assert found.resolvers == [Load(target="r1", before=8.0, after=16.0)]
    assert diff(msgspec.structs.replace(before, check=[]), before).resolvers == [
        Load(target="r1", before=0.0, after=8.0),
        Load(target="r2", before=0.0, after=8.0),
    ]
    assert diff_lines(found)[2:8] == [
        "queries a minute, whole fleet, for each address of a target (all servers of a zone):",
        "  b.example          0.00 ->     4.00",
        "  www.a.example      0.00 ->     4.00",
        "",
        "queries a minute, whole fleet, at each [[resolver]]:",
        "  r1                 8.00 ->    16.00",
    ]


def test_lookups_are_counted_at_the_resolvers_by_family() -> None:
    new = Plan(
        probe=[Probe(id="p1"), Probe(id="p2", families=(4,))],
        check=[check("a", "tls", "a.example"), check("b", "tls", "192.0.2.1")],
    )
    assert diff(Plan(probe=new.probe), new).lookups == (0.0, 6.0)


def test_probes_touched_are_those_whose_part_changes() -> None:
    probes = [Probe(id="p1"), Probe(id="p2")]
    old = Plan(probe=probes, check=[check("a", "tls", "192.0.2.1", probes=["p1"])])
    new = Plan(probe=probes, check=[check("a", "tls", "192.0.2.1", probes=["p1"], timeout=Duration(4))])
    assert diff(old, new).probes == {"p1": ["check"]}
    grown = Plan(probe=[*probes, Probe(id="p3")], check=old.check)
    assert diff(old, grown).probes == {"p1": ["slot"], "p2": ["slot"], "p3": ["added"]}
    assert diff(grown, old).probes["p3"] == ["removed"]
    controlled = Plan(probe=probes, check=old.check, control=Control(addresses=[Address("192.0.2.9:53")]))
    assert diff(old, controlled).probes == {"p1": ["control"], "p2": ["control"]}
    assert diff(Plan(check=new.check), new).probes == {
        "": ["removed"],
        "p1": ["slot"],
        "p2": ["added"],
    } or diff(Plan(check=new.check), new).probes.keys() == {"", "p1", "p2"}


@pytest.mark.parametrize("period", [0.1, 7.0, 1 / 3])
def test_odd_periods_still_add_up(period: float) -> None:
    new = Plan(check=[check("a", "tls", "192.0.2.1", period=Duration(period))])
    assert diff(Plan(), new).load[0].after == pytest.approx(60 / period, rel=0.01)


def test_the_lines_for_people() -> None:
    old = Plan(probe=[Probe(id="p1")], check=[check("a", "tls", "a.example")])
    new = Plan(
        probe=[Probe(id="p1")],
        check=[check("a", "tls", "a.example", period=Duration(60)), check("b", "dns", "192.0.2.1")],
    )
    assert diff_lines(diff(old, new)) == [
        "+ check b",
        "~ check a: period",
        "",
        "queries a minute, whole fleet, for each address of a target (all servers of a zone):",
        "  192.0.2.1:53              0.00 ->     2.00",
        "  a.example:443             2.00 ->     1.00",
        "  lookups at resolvers      4.00 ->     2.00",
        "",
        "probes touched: 1",
        "  p1: check, shares",
    ]
