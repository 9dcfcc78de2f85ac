"""Checks that are run against each member of a failover group directly: made on loading, carried in parts."""

import msgspec
import pytest

from parallax.plan.checks import Unsupported, check_table, convert_check
from parallax.plan.costs import costs_of
from parallax.plan.diff import diff
from parallax.plan.load import load_plan_source, plan_notes
from parallax.plan.loads import loads_of
from parallax.plan.part import decode_part, encode_part, part_checks, part_of, plan_hash
from parallax.plan.pinned import member_of, own_name, pinned_checks
from parallax.plan.source import PlanErrors, PlanSource
from parallax.plan.types import Check, Part, Plan

CHECKS = """
[[probe]]
id = "fra1"
[[probe]]
id = "iad1"

[[check]]
name = "api"
kind = "http"
targets = ["https://api.example.org/health", "https://api.example.org/ready"]
serving = { header = "x-region" }
probes = ["fra1"]
period = "30s"

[[check]]
name = "sign-in"
kind = "signin"
use = "oidc.password"
issuer = "https://sso.example.org"
client = { id = "synthetic" }
user = { name = "synthetic-{probe}-{check}", password = "secret:PASSWORD", owner = "identity team" }
period = "60s"
every = { full = "5m" }

[[check]]
name = "name"
kind = "dns.resolve"
names = ["api.example.org"]
"""
GROUP = """
[[failover]]
name = "front/door"
kind = "region"
check = "api"
also = ["sign-in"]
members = [
  { name = "east", connect_to = "192.0.2.1:443" },
  { name = "west", connect_to = "[2001:db8::1]:8443" },
]
primary = "east"
"""


def load(*texts: str) -> Plan:
    return load_plan_source(PlanSource({f"{place}.toml": text for place, text in enumerate(texts)}))


def part(plan: Plan, probe: str) -> Part:
    found = part_of(plan, probe)
    assert isinstance(found, Part)
    return found


def test_each_check_of_a_group_is_there_once_more_for_each_member() -> None:
    plan = load(CHECKS, GROUP)
    assert [(check.name, check.member, check.pinned) for check in plan.check[3:]] == [
        ("api @ east", "front/door/east", "192.0.2.1:443"),
        ("api @ west", "front/door/west", "[2001:db8::1]:8443"),
        ("sign-in @ east", "front/door/east", "192.0.2.1:443"),
        ("sign-in @ west", "front/door/west", "[2001:db8::1]:8443"),
    ]
    own = {"name", "member", "pinned"}
    for name in set(Check.__struct_fields__) - own:
        assert getattr(plan.check[3], name) == getattr(plan.check[0], name)
    assert [own_name(check) for check in plan.check] == ["api", "sign-in", "name", *["api"] * 2, *["sign-in"] * 2]
    assert member_of(plan.check[3].member) == ("front/door", "east")
    assert [check for check in plan.check if not check.member] == load(CHECKS).check


def test_what_the_names_lead_to_is_not_asked_of_a_member_and_operators_are_no_addresses() -> None:
    plan = load(CHECKS, GROUP)
    group = msgspec.structs.replace(plan.failover[0], check="name", also=[])
    assert pinned_checks([group], plan.check) == []
    assert pinned_checks([msgspec.structs.replace(plan.failover[0], kind="dns-operator")], plan.check) == []


def test_a_part_carries_them_to_the_probes_that_run_the_check() -> None:
    plan = load(CHECKS, GROUP)
    for probe, many in (("fra1", 7), ("iad1", 4)):
        served = decode_part(encode_part(part(plan, probe)))
        found = list(part_checks(served))
        assert found == [check for check in plan.check if not check.probes or probe in check.probes]
        assert len(found) == many
    assert part(plan, "fra1").slot_of("api @ west") == (0, 1)


def test_a_probe_that_does_not_know_them_refuses_them_instead_of_measuring_what_the_name_leads_to() -> None:
    table = check_table(load(CHECKS, GROUP).check[3])
    assert convert_check(table, of_part=True) == load(CHECKS, GROUP).check[3]
    unknowing = convert_check(table)  # as a plan file, and a probe of an earlier version, have it
    assert isinstance(unknowing, Unsupported)
    assert (unknowing.name, unknowing.kind) == ("api @ east", "http")


@pytest.mark.parametrize(
    ("table", "why"),
    [
        ({"kind": "http", "targets": ["https://a.test"], "member": "g/m"}, "cannot run a http check against a member"),
        ({"kind": "http", "targets": ["https://a.test"], "pinned": "192.0.2.1:1"}, "cannot run a http check"),
        ({"kind": "dns.zone", "zone": "a.test", "member": "g/m", "pinned": "192.0.2.1:53"}, "cannot run a dns.zone"),
        ({"kind": "http", "targets": ["https://a.test"], "member": "g/m", "pinned": "a.test:1"}, "no literal IP"),
        ({"kind": "ntp", "targets": ["a.test"], "member": "g/m", "pinned": "192.0.2.1:1"}, "no kind of check"),
    ],
)
def test_what_a_probe_cannot_send_to_a_member_it_does_not_run(table: dict[str, object], why: str) -> None:
    found = convert_check({"name": "a @ m", **table}, of_part=True)
    assert isinstance(found, Unsupported)
    assert why in found.message


def test_they_count_where_checks_count() -> None:
    without, plan = load(CHECKS), load(CHECKS, GROUP)
    assert loads_of(without).hosts["api.example.org"] == 4.0
    assert loads_of(plan).hosts["api.example.org"] == 12.0
    assert loads_of(plan).tenants["https://sso.example.org"] == 3 * loads_of(without).tenants["https://sso.example.org"]
    found = diff(without, plan)
    assert found.added == ["api @ east", "api @ west", "sign-in @ east", "sign-in @ west"]
    assert [(load.target, load.before, load.after) for load in found.load] == [
        ("192.0.2.1:443", 0.0, 8.0),
        ("[2001:db8::1]:8443", 0.0, 8.0),
    ]
    assert found.lookups[0] == found.lookups[1], "nothing is looked up for what is pinned"
    assert "failover" in found.sections
    assert plan_hash(plan) != plan_hash(without)
    moved = load(CHECKS, GROUP.replace("192.0.2.1", "192.0.2.9"))
    assert [(check.name, check.keys) for check in diff(plan, moved).changed] == [
        ("api @ east", ["pinned"]),
        ("sign-in @ east", ["pinned"]),
    ]
    assert costs_of(plan) == []
    assert not [note for note in plan_notes(plan) if "@" in note]


def test_a_flow_says_which_of_its_hosts_are_the_members() -> None:
    said = 'failover "front/door": "sign-in" dials each member for "sso.example.org"; '
    by_name = "whatever else it is led to is dialled by name, also where another member serves that"
    assert [note for note in plan_notes(load(CHECKS, GROUP)) if "failover" in note] == [said + by_name]
    assert not [note for note in plan_notes(load(CHECKS)) if "failover" in note]
    steps = """
[[check.step]]
name = "own"
request = { get = "https://sso.example.org/in" }
[[check.step]]
name = "app"
request = { post = "https://app.example.org/session" }
[[check.step]]
name = "filled-in"
request = { get = "{authorize_url}" }
"""
    own = CHECKS.replace('use = "oidc.password"\n', "").replace(
        'every = { full = "5m" }\n', f'every = {{ full = "5m" }}\n{steps}'
    )
    (note,) = (note for note in plan_notes(load(own, GROUP)) if "failover" in note)
    assert note == said + '"app.example.org" and ' + by_name


def test_a_limit_that_only_they_break_is_the_groups_fault() -> None:
    for most, told in ((12, False), (11, True), (3, True)):
        limits = f"[load]\nmost_per_target = {most}\n"
        try:
            load(CHECKS, GROUP, limits)
            assert not told
        except PlanErrors as refused:
            assert told
            (problem,) = refused.problems
            assert problem.section == ('[[failover]] "front/door"' if most > 3 else '[[check]] "api"')


@pytest.mark.parametrize(
    ("budget", "every", "told"),
    [
        ('{ per_user = "3/min" }', "1m", ""),
        ('{ per_user = "2/min" }', "1m", "per_user"),
        ('{ per_user = "2/min" }', "2m", ""),
        ('{ per_user = "9/min", per_address = "2/min" }', "1m", "per_address"),
    ],
)
def test_a_sign_in_at_each_member_must_fit_into_the_budget(budget: str, every: str, told: str) -> None:
    checks = CHECKS.replace('every = { full = "5m" }', f'every = {{ full = "{every}" }}\nbudget = {budget}')
    assert len(load(checks).check) == 3
    try:
        load(checks, GROUP)
        assert not told
    except PlanErrors as refused:
        [problem] = refused.problems
        assert told
        assert f'"sign-in", budget, {told}: "2/min", and each probe signs in 3 times a minute' in problem.message
        assert problem.section == '[[failover]] "front/door"'


def test_a_group_cannot_make_a_plan_larger_than_a_plan_may_be() -> None:
    targets = ", ".join(f'"https://a{place}.example.org/"' for place in range(3400))
    check = f'[[check]]\nname = "many"\nkind = "http"\nserving = {{ header = "x-region" }}\ntargets = [{targets}]\n'
    group = GROUP.replace('check = "api"', 'check = "many"').replace('also = ["sign-in"]\n', "")
    assert len(load(check).check) == 1
    with pytest.raises(PlanErrors) as refused:
        load(check, group)
    assert str(refused.value) == (
        '1.toml:6: [[failover]] "front/door": members: brings the plan past 10000 pairs of check and target'
    )
