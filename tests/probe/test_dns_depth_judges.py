"""The verdicts on chains and on fallbacks, from evidence alone."""

from collections.abc import Mapping
from typing import Any

import pytest

from parallax.plan.dns_specs import ChainSpec, ParitySpec
from parallax.values import DnsName
from probe.checks import dns_chain, dns_parity
from probe.checks.chain_hop import Said, min_ttl_by_operator, shared_fate, signature, together
from probe.tape import Evidence
from probe.verdict import Verdict

CHAIN = ChainSpec(names=[DnsName("sign-in.acme.example")])
PARITY = ParitySpec(zone=DnsName("vendor.example"), primary="a", fallback="b")
HOPS = [{"owner": "sign-in.acme.example", "zone": "acme.example"}]


def chain(failure: str | None = None, material: Mapping[str, Any] | None = None, **findings: Any) -> Verdict | None:
    evidence = Evidence(failure=failure, findings={"hops": HOPS} | findings, material=dict(material or {}))
    return dns_chain.judge(CHAIN, evidence)


@pytest.mark.parametrize(
    ("evidence", "reason", "side"),
    [
        ({"ended": "end"}, None, None),
        ({"ended": "dark"}, "dns_hop_dark", "target"),
        ({"ended": "lame"}, "dns_hop_lame", "target"),
        ({"ended": "nxdomain"}, "dns_hop_nxdomain", "target"),
        ({"ended": "nodata"}, "dns_hop_nodata", "target"),
        ({"ended": "loop"}, "dns_chain_loop", "target"),
        ({"ended": "too_long"}, "dns_chain_too_long", "target"),
        ({"ended": "dark", "failure": "timeout"}, "dns_hop_dark", "target"),
        ({"failure": "timeout"}, "dns_hop_dark", "target"),
        ({"ended": "end", "failure": "bug"}, "probe_error", "probe"),
        ({"failure": "local_error"}, "local_error", "probe"),
        ({"ended": "end", "flattened": True}, "dns_chain_flattened", "target"),
        ({"ended": "end", "stale": "x", "flattened": True}, "dns_delegation_stale", "target"),
        ({"ended": "end", "unexpected": "x", "stale": "x"}, "dns_chain_unexpected", "target"),
        ({"ended": "dark", "unexpected": "x"}, "dns_hop_dark", "target"),
        ({"ended": "end", "workaround": "x"}, None, None),
        ({"ended": "dark", "hops": [{"owner": "x", "zone": "."}]}, "dns_hop_dark", "network"),
    ],
)
def test_a_chain(evidence: dict[str, Any], reason: str | None, side: str | None) -> None:
    verdict = chain(**evidence)
    assert (verdict.reason if verdict else None, verdict.side if verdict else None) == (reason, side)


@pytest.mark.parametrize(
    ("word", "reason", "abstain"),
    [
        ("over_budget", "over_budget", "over_budget"),
        ("not_allowed", "address_not_allowed", None),
        ("local_error", "local_error", None),
        ("unreachable", "connect_unreachable", None),
    ],
)
def test_what_kept_the_probe_from_asking_is_not_the_targets(word: str, reason: str, abstain: str | None) -> None:
    verdict = dns_chain.judge(CHAIN, Evidence(findings={"hops": HOPS, "ended": "dark", "failure": word}))
    assert verdict is not None
    assert (verdict.reason, verdict.abstain) == (reason, abstain)
    assert verdict.side != "target"
    serves = {"operator": "a", "state": "serves"}
    found = {"primary": serves, "fallback": {"operator": "b", "state": word}}
    verdict = dns_parity.judge(PARITY, Evidence(findings=found))
    assert verdict is not None
    assert (verdict.reason, verdict.abstain) == (reason, abstain)


DARK, LAME = Said(state="dark", word="timeout"), Said(state="lame", word="lame_refused")
END = Said(state="end", word="auth_answer", type="A", values=("192.0.2.1",), ttl=60)
OTHER_END = Said(state="end", word="auth_answer", type="A", values=("192.0.2.2",), ttl=30)
ALIAS = Said(state="alias", word="auth_answer", type="CNAME", target="b.example", ttl=60)
OTHER_ALIAS = Said(state="alias", word="auth_answer", type="CNAME", target="a.example", ttl=60)
GONE = Said(state="nxdomain", word="auth_nxdomain")


@pytest.mark.parametrize(
    ("heard", "state", "target", "disagree"),
    [
        ([], "dark", "", False),
        ([DARK, DARK], "dark", "", False),
        ([DARK, LAME], "lame", "", False),
        ([DARK, LAME, ALIAS], "alias", "b.example", False),
        ([END, OTHER_END], "end", "", False),
        ([ALIAS, OTHER_ALIAS], "alias", "a.example", True),
        ([ALIAS, OTHER_ALIAS, ALIAS], "alias", "b.example", True),
        ([GONE, GONE, ALIAS], "nxdomain", "", True),
        ([GONE, ALIAS], "alias", "b.example", True),
        ([END, ALIAS], "alias", "b.example", True),
    ],
)
def test_servers_of_a_hop_together(heard: list[Said], state: str, target: str, disagree: bool) -> None:
    for order in (heard, heard[::-1]):
        found = together(order)
        assert (found.said.state, found.said.target, found.disagree) == (state, target, disagree)


def test_addresses_of_all_servers_and_the_lowest_ttl_count() -> None:
    whole = together([END, OTHER_END]).said
    assert (whole.values, whole.ttl) == (("192.0.2.1", "192.0.2.2"), 30)


@pytest.mark.parametrize(
    ("words", "shared"),
    [
        (["timeout", "timeout"], "timeout"),
        (["timeout", "refused"], ""),
        (["timeout", "over_budget"], "over_budget"),
        (["unreachable", "timeout"], ""),
        (["unreachable", "unreachable"], "unreachable"),
    ],
)
def test_a_hop_of_which_not_all_servers_were_asked_is_not_called_dark(words: list[str], shared: str) -> None:
    assert together([Said(state="dark", word=word) for word in words]).word == shared


def test_what_hops_come_to_together() -> None:
    hops: list[dict[str, Any]] = [
        {"owner": "a", "target": "b", "zone": "a", "operator": "x", "ttl": 300},
        {"owner": "b", "target": "c", "zone": "b", "operator": "y, z", "operators": ["y", "z"], "ttl": 60},
        {"owner": "c", "zone": "c", "operator": "x", "ttl": 20},
        {"owner": "d", "zone": "d"},
    ]
    assert shared_fate(hops) == ["x"]
    assert shared_fate(hops[:1] * 2) == [], "two hops of one zone are one place"
    assert min_ttl_by_operator(hops) == {"x": 20, "y": 60, "z": 60}
    assert signature(hops) == signature([hop | {"ttl": 1, "operator": "w"} for hop in hops])
    assert len({signature(hops), signature(hops[1:]), signature([]), signature([hops[0] | {"target": "x"}])}) == 4


SIDES = {"primary": {"operator": "a", "state": "serves"}, "fallback": {"operator": "b", "state": "serves"}}
WHOLE = SIDES | {"rows": [], "counts": {}, "inventory": 20, "compared": 20}


def row(cls: str, severity: str, name: str = "www") -> dict[str, Any]:
    return {"name": name, "type": "A", "class": cls, "severity": severity, "purpose": "sign-in"}


@pytest.mark.parametrize(
    ("findings", "reason", "because"),
    [
        (WHOLE, None, None),
        ({}, "parity_unknown", "cannot be compared: the servers of the two could not be found in time"),
        (WHOLE | {"compared": 3}, "parity_incomplete", "was compared at 3 of 20 questions only"),
        (
            WHOLE | {"rows": [row("ttl_drift", "low")]},
            "parity_ttl_drift",
            "has other TTLs for the sign-in record www A",
        ),
        (
            WHOLE | {"rows": [row("ttl_drift", "low")], "compared": 3},
            "parity_incomplete",
            "was compared at 3 of 20 questions only",
        ),
        (
            WHOLE | {"rows": [row("missing", "critical")], "compared": 3},
            "parity_missing",
            "lacks the sign-in record www A",
        ),
        (WHOLE | {"gone": ["a"]}, "parity_unknown", "cannot be compared: a stopped answering"),
        (WHOLE | {"would_go_bogus": True}, "parity_would_go_bogus", "has no key that the parent's DS records fit"),
        (
            WHOLE | {"would_go_bogus": True, "rows": [row("missing", "critical")]},
            "parity_would_go_bogus",
            "has no key that the parent's DS records fit; lacks the sign-in record www A",
        ),
        (
            SIDES | {"fallback": {"operator": "b", "state": "not_served", "failing": {"x": "lame_refused"}}},
            "parity_not_served",
            "does not serve the zone (REFUSED)",
        ),
        (
            SIDES | {"primary": {"operator": "a", "state": "not_served"}},
            "parity_unknown",
            "cannot be compared: a, the primary, does not serve the zone",
        ),
        (
            SIDES | {"primary": {"operator": "a", "state": "dark"}, "fallback": {"operator": "b", "state": "dark"}},
            "parity_unknown",
            "cannot be compared: a, the primary, does not answer",
        ),
    ],
)
def test_a_fallback(findings: dict[str, Any], reason: str | None, because: str | None) -> None:
    verdict = dns_parity.judge(PARITY, Evidence(findings=findings))
    assert (verdict.reason if verdict else None) == reason
    assert (verdict.note.get("because") if verdict else None) == because


def test_a_bug_is_the_probes_and_a_timeout_keeps_what_was_compared() -> None:
    for findings in ({}, SIDES, WHOLE):
        verdict = dns_parity.judge(PARITY, Evidence(failure="bug", findings=findings))
        assert verdict is not None
        assert verdict.reason == "probe_error"
    verdict = dns_parity.judge(PARITY, Evidence(failure="timeout", findings=WHOLE | {"compared": 5}))
    assert verdict is not None
    assert verdict.reason == "parity_incomplete"
