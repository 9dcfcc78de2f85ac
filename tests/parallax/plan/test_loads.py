"""Shares: what each probe may ask of what the fleet may."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parallax.plan.checks import convert_check
from parallax.plan.loads import host_of, loads_of
from parallax.plan.part import decode_part, encode_part, part_of
from parallax.plan.types import Check, Load, Part, Plan, Probe, Share

FLOW = {
    "kind": "signin", "use": "oidc.password", "issuer": "https://idp.example", "client": {"id": "c"},
    "user": {"name": "u-{probe}", "password": "secret:P"}, "period": "30s", "timeout": "20s",
}  # fmt: skip


def check(**table: Any) -> Check:
    made = convert_check({"name": "a", "kind": "tls", "period": "30s", "timeout": "5s", **table})
    assert isinstance(made, Check)
    return made


def shares(plan: Plan) -> dict[str, dict[str, Share]]:
    found = {}
    for probe in plan.probe or [Probe(id="whoever")]:
        part = part_of(plan, probe.id)
        assert isinstance(part, Part)
        found[probe.id] = decode_part(encode_part(part)).shares
    return found


def fleet(*ids: str) -> list[Probe]:
    return [Probe(id=each) for each in ids]


def test_who_runs_more_may_more() -> None:
    plan = Plan(
        probe=fleet("p1", "p2", "p3"),
        load=Load(most_per_target=60),
        check=[
            check(name="a", targets=["a.example:443"]),
            check(name="b", kind="http", targets=["https://a.example/"], period="20s", probes=["p1"]),
        ],
    )
    found = shares(plan)
    assert found["p1"] == {"a.example": Share(grid=5.0, most=33.333333)}
    assert found["p2"] == found["p3"] == {"a.example": Share(grid=2.0, most=pytest.approx(60 * 2 / 9))}


def test_without_probes_in_the_plan_who_asks_has_all() -> None:
    plan = Plan(check=[check(targets=["a.example:443"]), check(name="s", **FLOW)])
    assert shares(plan) == {
        "whoever": {"a.example": Share(grid=2.0, most=600), "idp.example": Share(grid=2.0, most=600)}
    }


def test_ones_own_hosts_and_name_servers_are_not_counted() -> None:
    plan = Plan(
        probe=fleet("p1"),
        check=[
            check(name="own", targets=["c.example:443"], external=False),
            check(name="ns", kind="dns", targets=["192.0.2.1"], query="a.example"),
        ],
    )
    assert shares(plan) == {"p1": {}}


def test_a_providers_budget_is_shared_by_those_who_sign_in_there() -> None:
    plan = Plan(
        probe=fleet("p1", "p2", "p3", "p4"),
        check=[
            check(name="s", **FLOW, external=False, every={"full": "60s"}),
            check(name="t", **FLOW, external=False, every={"full": "30s"}, probes=["p4"]),
        ],
    )
    found = {probe: share["https://idp.example"].of for probe, share in shares(plan).items()}
    assert found == pytest.approx({"p1": 1 / 6, "p2": 1 / 6, "p3": 1 / 6, "p4": 1 / 2})


@pytest.mark.parametrize(
    ("table", "host"),
    [
        ({"targets": ["a.example:443"]}, "a.example"),
        ({"kind": "http", "targets": ["https://a.example:8443/x"]}, "a.example"),
        ({"targets": ["[2001:db8::1]:443"]}, "2001:db8::1"),
        ({"kind": "oidc", "issuer": "https://idp.example/x"}, "idp.example"),
        ({"kind": "dns", "targets": ["192.0.2.1"], "query": "a.example"}, None),
    ],
)
def test_whom_a_run_goes_to(table: dict[str, Any], host: str | None) -> None:
    made = check(**table)
    assert host_of(made, made.targets[0]) == host


@given(
    st.lists(
        st.tuples(st.integers(15, 300), st.sets(st.sampled_from(["p1", "p2", "p3"])), st.sampled_from("ab")),
        min_size=1,
        max_size=6,
    ),
    st.integers(100, 1000),
)
def test_shares_never_come_to_more_than_the_whole(rows: list[tuple[int, set[str], str]], most: int) -> None:
    checks = [
        check(name=f"c{n}", targets=[f"{host}.example:443"], period=f"{period}s", probes=sorted(probes))
        for n, (period, probes, host) in enumerate(rows)
    ]
    plan = Plan(probe=fleet("p1", "p2", "p3"), load=Load(most_per_target=most), check=checks)
    loads, found = loads_of(plan), shares(plan)
    for host, grid in loads.hosts.items():
        each = [share[host] for share in found.values() if host in share]
        assert sum(share.most or 0 for share in each) == pytest.approx(most)
        assert sum(share.grid for share in each) == pytest.approx(grid, rel=1e-4)
        assert all((share.most or 0) >= share.grid * 0.9999 for share in each) or grid > most
