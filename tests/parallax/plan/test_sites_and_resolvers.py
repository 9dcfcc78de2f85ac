"""Sites and resolvers of a plan: what loads, and what its owner is told of them."""

from pathlib import Path

import pytest

from parallax.plan.load import load_plan, plan_notes
from parallax.plan.part import decode_part, encode_part, part_checks, part_of
from parallax.plan.types import Part, Plan

HEAD = '[control]\naddresses = ["192.0.2.1:443"]\n'
CHECK = '[[check]]\nname = "names"\nkind = "dns.resolve"\nnames = ["www.acme.test", "ns.acme.test"]\n'


def resolver(name: str, control: str = "") -> str:
    return f'[[resolver]]\nname = "{name}"\naddress = "192.0.2.53"\n' + (f'control = "{control}"\n' if control else "")


def loaded(tmp_path: Path, *texts: str) -> Plan:
    (tmp_path / "plan.toml").write_text("".join((HEAD, *texts)))
    return load_plan(tmp_path / "plan.toml")


def test_each_name_is_a_target_and_goes_to_the_probe(tmp_path: Path) -> None:
    plan = loaded(tmp_path, resolver("a", "ok.test"), CHECK, 'resolvers = ["a"]\nexpect = ["203.0.113.7"]\n')
    assert plan.check[0].targets == ["www.acme.test", "ns.acme.test"]
    part = part_of(plan, "p1")
    assert isinstance(part, Part)
    (check,) = part_checks(decode_part(encode_part(part)))
    assert check == plan.check[0]


@pytest.mark.parametrize(
    ("texts", "note"),
    [
        ((resolver("a"), resolver("b", "ok.test")), 'without a control at "a", a dead resolver cannot be told from'),
        ((resolver("a", "ok.test"),), "with one resolver, a dead network of the probe looks like a dead resolver"),
    ],
)
def test_the_owner_is_told_what_the_resolvers_cannot_tell(tmp_path: Path, texts: tuple[str, ...], note: str) -> None:
    (said,) = plan_notes(loaded(tmp_path, *texts, CHECK))
    assert said.startswith('check "names": ')
    assert note in said


def test_two_resolvers_with_controls_are_enough(tmp_path: Path) -> None:
    assert plan_notes(loaded(tmp_path, resolver("a", "ok.test"), resolver("b", "ok.test"), CHECK)) == []
    unused = loaded(
        tmp_path, resolver("a", "ok.test"), resolver("b", "ok.test"), resolver("c"), CHECK, 'resolvers = ["a", "b"]\n'
    )
    assert plan_notes(unused) == []


def test_two_operators_may_have_a_site_of_one_name(tmp_path: Path) -> None:
    site = '[[site]]\nname = "FRA"\nlocation = [50.03, 8.57]\n'
    plan = loaded(
        tmp_path, site, site + 'operator = "dns-a"\n', resolver("a", "ok.test"), resolver("b", "ok.test"), CHECK
    )
    assert [(each.name, each.operator, each.location) for each in plan.site] == [
        ("FRA", "", (50.03, 8.57)),
        ("FRA", "dns-a", (50.03, 8.57)),
    ]
