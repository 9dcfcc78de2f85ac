"""Who serves, by one observation of each kind that can tell."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.detect.switching.serving import serving_member, serving_members
from collector.detect.view import CheckView
from parallax.observation import Observation
from parallax.plan.failover_types import Failover, Member
from parallax.values import Address

SHA = "ab" * 32
CHECK = CheckView(
    name="api",
    kind="http",
    period_ns=1,
    timeout_ns=1,
    fresh_ns=1,
    role="",
    query="",
    targets={},
    probes=frozenset(),
    of_dns=False,
    of_steps=False,
)


def observed(
    kind: str = "http",
    *,
    dims: dict[str, str] | None = None,
    findings: dict[str, Any] | None = None,
    site: str | None = None,
) -> Observation:
    return Observation(
        probe="fra1",
        stream="0" * 16,
        seq=1,
        run="0" * 16,
        check="api",
        kind=kind,
        target="",
        subject="",
        dims=dims or {},
        scheduled_at=0,
        started_at=0,
        duration_ns=0,
        phases=[],
        findings=findings or {},
        site=site,
    )


def group(kind: Any = "region", told_by: Any = "", **members: list[str]) -> Failover:
    places = {"east": Address("192.0.2.1:443"), "west": Address("[2001:db8::1]:443")}
    found = [
        Member(name=name, values=values, connect_to=places.get(name) if kind != "dns-operator" else None)
        for name, values in (members or {"east": [], "west": []}).items()
    ]
    return Failover(name="front", kind=kind, check="api", members=found, primary=found[0].name, told_by=told_by)


def answer(*records: tuple[str, str]) -> dict[str, Any]:
    return {"answers": [{"owner": "a.test", "type": kind, "ttl": 60, "text": text} for kind, text in records]}


REGIONS = group()
ADDRESSES = group("address")
OPERATORS = group("dns-operator", **{"dns-a": [], "dns-b": []})
CERTIFICATES = group(told_by="certificate", east=[SHA], west=["CD:" * 31 + "CD"])
NSIDS = group("address", "nsid", east=["fra1.dns-a"], west=["6661"])
MARKERS = group("dns-operator", "marker", east=["dns-a"], west=["dns-b", "dns-c"])
ALIASES = group("address", "address", east=["east.auth.test"], west=["west.auth.test"])


@pytest.mark.parametrize(
    ("which", "observation", "shown"),
    [
        (REGIONS, observed(dims={"region": "east"}), ["east"]),
        (REGIONS, observed(dims={"region": "EAST"}), []),
        (REGIONS, observed(dims={"address": "192.0.2.1"}), []),
        (group(east=["us-east4", "us-east4-b"], west=["w"]), observed(dims={"region": "us-east4-b"}), ["east"]),
        (group(east=["us-east4"], west=["w"]), observed(dims={"region": "east"}), []),
        (group(east=["e" * 90], west=["w"]), observed(dims={"region": "e" * 64}), ["east"]),
        (ADDRESSES, observed(dims={"address": "192.0.2.1"}), ["east"]),
        (ADDRESSES, observed("tls", dims={"address": "2001:db8::1"}), ["west"]),
        (ADDRESSES, observed(dims={"address": "192.0.2.3"}), []),
        (ADDRESSES, observed("dns.resolve", dims={"address": "192.0.2.1"}), []),
        (ADDRESSES, observed("dns.resolve", findings=answer(("CNAME", "x.test."), ("A", "192.0.2.1"))), ["east"]),
        (ADDRESSES, observed("dns", findings=answer(("AAAA", "2001:DB8:0::1"))), ["west"]),
        (ADDRESSES, observed("dns", findings=answer(("A", "192.0.2.1"), ("AAAA", "2001:db8::1"))), ["east", "west"]),
        (ADDRESSES, observed("dns", findings=answer(("TXT", "192.0.2.1"))), []),
        (ALIASES, observed("dns.resolve", findings=answer(("CNAME", "West.auth.test."), ("A", "192.0.2.9"))), ["west"]),
        (CERTIFICATES, observed("tls", findings={"chain": [{"sha256": SHA}, {"sha256": "cd" * 32}]}), ["east"]),
        (CERTIFICATES, observed(findings={"chain": [{"sha256": "cd" * 32}]}), ["west"]),
        (CERTIFICATES, observed(findings={"chain": [{"unreadable": True}]}), []),
        (CERTIFICATES, observed(findings={"chain": "?"}), []),
        (NSIDS, observed("dns", findings={"nsid": b"fra1.dns-a".hex()}, site="fra"), ["east"]),
        (NSIDS, observed("dns", findings={"nsid": "6661"}), ["west"]),
        (NSIDS, observed("dns", findings={"nsid": "zz"}), []),
        (NSIDS, observed("dns", findings={"nsid": "ff00"}), []),
        (MARKERS, observed("dns", findings=answer(("TXT", '"dns-b"'))), ["west"]),
        (MARKERS, observed("dns.zone", findings={"resolvers": {"r1": {"marker": "dns-a"}, "r2": {}}}), ["east"]),
        (
            MARKERS,
            observed("dns.zone", findings={"resolvers": {"1": {"marker": "dns-a"}, "2": {"marker": "dns-c"}}}),
            ["east", "west"],
        ),
        (OPERATORS, observed("dns.zone", findings={"operators": ["dns-b"]}), ["dns-b"]),
        (OPERATORS, observed("dns.zone", findings={"operators": ["dns-a", "dns-b"]}), ["dns-a", "dns-b"]),
        (OPERATORS, observed("dns.zone", dims={"operator": "dns-a"}), []),
        (OPERATORS, observed("dns.parity", dims={"operator": "dns-b"}, findings={"delegated": ["dns-a"]}), ["dns-a"]),
        (OPERATORS, observed("dns.zone", findings={"operators": {"dns-a": 1}, "delegated": None}), []),
    ],
)
def test_what_an_observation_shows(which: Failover, observation: Observation, shown: list[str]) -> None:
    assert list(serving_members(which, CHECK, observation)) == shown
    assert serving_member(which, CHECK, observation) == (shown[0] if len(shown) == 1 else None)


def test_that_a_member_answers_when_it_is_addressed_directly_says_nothing_of_who_serves() -> None:
    direct = CheckView(
        **{name: getattr(CHECK, name) for name in CHECK.__struct_fields__ if name != "member"}, member="front/east"
    )
    assert serving_member(REGIONS, direct, observed(dims={"region": "east"})) is None


plain = st.recursive(
    st.none() | st.booleans() | st.integers(0, 9) | st.text(max_size=5) | st.just(SHA),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(
    kind=st.sampled_from(["http", "tls", "dns", "dns.resolve", "dns.zone", "dns.parity"]),
    findings=st.dictionaries(
        st.sampled_from(["answers", "chain", "nsid", "resolvers", "operators", "delegated"]),
        plain | st.lists(st.dictionaries(st.sampled_from(["type", "text", "sha256", "marker"]), plain)),
    ),
)
def test_whatever_a_probe_says_is_no_error(kind: str, findings: dict[str, Any]) -> None:
    for which in (REGIONS, ADDRESSES, OPERATORS, CERTIFICATES, NSIDS, MARKERS, ALIASES):
        found = serving_members(which, CHECK, observed(kind, findings=findings))
        assert set(found) <= {member.name for member in which.members}
