"""Each fault of the lab, in miniature: what is said of it, how soon, and that it closes when it is mended."""

import random
from collections.abc import Callable
from typing import Any

import pytest

from collector.events import IncidentChanged
from lab.faults import FAULTS
from parallax.observation import Phase
from tests.collector.detect.flow_world import Provider
from tests.collector.detect.scenes import T0
from tests.collector.detect.world import ACCOUNTS, AUTH, EU, NETWORKS, PLAN, US, Lab

FRONT = ("api", "sign-in page")


def _operator_dark(lab: Lab) -> None:
    for n in range(4):
        lab.fails("dns_timeout", subject=f"192.0.2.1{n}")


def _throttled(lab: Lab, others: dict[str, Any] | None = None) -> None:
    """`others`: what comes of the one request of twenty that is not refused."""
    chance = random.Random(1)

    def rule(probe: str, check: Any, target: str, subject: str, t: float) -> dict[str, Any]:
        if check.kind != "http":
            return {}
        return {"reason": "http_throttled", "fault": "blocked"} if chance.random() < 0.95 else others or {}

    lab.rule(rule)


def _database_slow(lab: Lab) -> None:
    """As on 19 Feb 2026: nothing is down, nearly everything is refused at once, and what is not is slow."""
    _throttled(lab, {"reason": "http_slow"})


def _bot_wall(lab: Lab) -> None:
    for check in FRONT:
        lab.fails("http_challenge", check=check, probes=[p for p, n in NETWORKS.items() if n == "data-centre"])


def _slow(lab: Lab) -> None:
    for check in FRONT:
        lab.fails("http_slow", subject=US, check=check)


def _expired(lab: Lab) -> None:
    for check in ("front door", *FRONT):
        lab.fails("tls_expired", check=check)


BREAK: dict[str, tuple[Callable[[Lab], object], float, str, str, str, list[str]]] = {
    # how it breaks, within how many seconds, title, domain, severity in the end, the components' states in the end
    "operator-dark": (
        _operator_dark, 7, "DNS operator dns-a is dark: 4 of 4 name servers do not answer", "operator dns-a", "warning",
        ["operational"] * 3,
    ),
    "name-server-dark": (
        lambda lab: lab.fails("dns_timeout", subject="192.0.2.11"), 7, "Name server ns2.dns-a.example does not answer",
        "name server ns2.dns-a.example", "warning", ["operational"] * 3,
    ),
    "name-server-lame": (
        lambda lab: lab.fails("dns_refused", subject="192.0.2.11"), 7,
        "Name server ns2.dns-a.example refuses the question", "name server ns2.dns-a.example", "warning",
        ["operational"] * 3,
    ),
    "zone-emptied": (
        lambda lab: lab.fails("dns_nxdomain", check="name servers"), 7,
        "Zone auth-vendor.example is wrong: 4 of 4 name-server addresses of dns-a say that the name does not exist",
        "zone auth-vendor.example", "warning", ["operational"] * 3,
    ),
    "resolver-down": (
        lambda lab: lab.fails("dns_timeout", subject="192.0.2.53", fault="resolver"), 7,
        "Resolver 192.0.2.53 does not answer", "resolver 192.0.2.53", "critical",
        ["operational", "operational", "partial_outage"],
    ),
    "region-down": (
        lambda lab: lab.fails("connect_timeout", subject=US), 7,
        "Region us-east is down: 203.0.113.10 takes no connections", "region us-east", "critical",
        ["partial_outage", "partial_outage", "operational"],
    ),
    "region-slow": (
        _slow, 7, "Region us-east is slow: 203.0.113.10 answers slowly", "region us-east", "warning",
        ["degraded_performance", "degraded_performance", "operational"],
    ),
    "throttled": (
        _throttled, 10, f"{ACCOUNTS}, {AUTH} throttle: 429 Too Many Requests", f"endpoint {ACCOUNTS}", "critical",
        ["full_outage", "full_outage", "operational"],
    ),
    "database-slow": (
        _database_slow, 10, f"{ACCOUNTS}, {AUTH} throttle: 429 Too Many Requests", f"endpoint {ACCOUNTS}", "critical",
        ["full_outage", "full_outage", "operational"],
    ),
    "certificate-expired": (
        _expired, 7, f"The certificates of {AUTH}, {ACCOUNTS} have expired", f"endpoint {AUTH}", "critical",
        ["full_outage", "full_outage", "operational"],
    ),
    "bot-wall": (
        _bot_wall, 7, f"{AUTH}, {ACCOUNTS}: blocked or throttled: cannot tell (a bot wall in data centres)",
        "network data centres", "warning", ["operational"] * 3,
    ),
    "site-gone": (
        lambda lab: lab.fails("dns_timeout", subject="192.0.2.13", probes=["fra1", "lon1", "gru1"]), 12,
        "Site fra of ns4.dns-a.example does not answer", "site fra", "warning", ["operational"] * 3,
    ),
    "uplink-dead": (
        lambda lab: lab.mute.add("fra1"), 20, "Probe fra1 is silent: nothing was heard of it for 15 s", "probe fra1",
        "warning", ["operational"] * 3,
    ),
    "clock-wrong": (
        lambda lab: lab.skew.update(nrt1=90), 7, "Probe nrt1 cannot be trusted: its clock is 90 s ahead", "probe nrt1",
        "warning", ["operational"] * 3,
    ),
}  # fmt: skip


STOP: dict[str, tuple[str, str, str, str, str]] = {
    # where sign-ins stop and why, title, severity in the end, the component's state in the end
    "sign-in-broken": (
        "password", "http_server_error",
        "Sign-in at idp.example fails at password: the server reports an error of its own (5xx)", "critical",
        "full_outage",
    ),
    "keys-lost": (
        "verify", "jwks_kid_unknown",
        "Sign-in at idp.example fails at verify: the token names a key that the key set does not have, also when "
        "fetched anew", "critical", "full_outage",
    ),
    "captcha": ("authorize", "signin_captcha",
        "idp.example: blocked or throttled: cannot tell (a captcha stands before the sign-in)", "warning", "unknown"),
}  # fmt: skip


def test_every_fault_of_the_lab_has_its_scene() -> None:
    assert BREAK.keys() | STOP.keys() == {name for name, fault in FAULTS.items() if fault.incident}


@pytest.mark.parametrize("name", BREAK)
def test_a_fault_of_the_lab(name: str) -> None:
    broken, within_s, title, domain, severity, components = BREAK[name]
    lab = Lab()
    lab.run(30)
    assert lab.events == [], "nothing is said while all is well"
    rules = list(lab.rules)

    broken(lab)
    lab.run(40)

    opened = lab.told("incident.opened")
    assert len(opened) == 1
    assert opened[0].at <= T0 + int((30 + within_s) * 1e9)
    [incident] = lab.incidents()
    assert incident.title == title
    assert str(incident.domain) == domain
    assert incident.severity == severity
    assert [line.state for line in lab.board.components] == components

    lab.rules = rules
    lab.mute.clear()
    lab.skew.clear()
    lab.run(30)

    assert lab.incidents() == []
    assert lab.board.risks == ()
    assert {line.state for line in lab.board.components} == {"operational"}
    assert {check.state for check in lab.board.checks} == {"up"}
    over = "resolved" if domain.startswith("probe ") else "monitoring"  # a probe that is well again is well
    assert [change for change, _ in lab.changes()].count(over) == 1
    assert "reopened" not in [change for change, _ in lab.changes()]


@pytest.mark.parametrize("name", STOP)
def test_a_fault_of_the_labs_sign_in(name: str) -> None:
    step, reason, title, severity, state = STOP[name]
    provider = Provider()
    provider.minutes(11)
    assert provider.events == [], "nothing is said while all is well"
    provider.stop(step, reason)
    provider.minutes(8)  # the whole sign-in is tried every five
    [incident] = provider.incidents()
    assert (incident.title, incident.severity) == (title, severity)
    assert [line.state for line in provider.board.components] == [state]
    provider.go(step)
    provider.minutes(12)
    assert provider.incidents() == []
    assert [line.state for line in provider.board.components] == ["operational"]
    assert [change for change, _ in provider.changes()] == ["opened", "monitoring"]


def test_one_server_of_several_leaves_nothing_to_caches() -> None:
    lab = Lab()
    lab.run(30)
    lab.fails("dns_timeout", subject="192.0.2.11")
    lab.run(30)
    assert [risk.why for risk in lab.board.risks] == ["the zone is still answered for, if not by all of its servers"]


def test_a_dark_operator_is_one_incident_until_the_caches_run_out_and_after() -> None:
    """10 Feb 2026: authoritative DNS dies, caches carry sign-in for a while, then names stop resolving."""
    lab = Lab()
    lab.run(30)
    _operator_dark(lab)
    lab.run(20)
    assert [c.state for c in lab.board.components] == ["operational"] * 3
    [risk] = lab.board.risks
    assert risk.title == "DNS operator dns-a is dark: 4 of 4 name servers do not answer"
    assert risk.components == ("User and authentication", "Sign-in page")
    assert risk.expected_at is not None
    assert 0 < (risk.expected_at - T0) / 1e9 - 30 <= 62, "a minute of time to live, from the last good answers"

    for host in (AUTH, ACCOUNTS):
        lab.lookups["*", host] = "dns_servfail"
    lab.fails("dns_servfail", check="resolvers", fault="resolver")
    lab.fails("dns_timeout", check="customer", fault="resolver")
    lab.run(20)

    [incident] = lab.incidents()
    assert incident.title == "DNS operator dns-a is dark: 4 of 4 name servers do not answer"
    assert incident.severity == "critical"
    assert incident.impact == "full_outage"
    assert set(incident.components) == {"User and authentication", "Sign-in page", "Customer domains"}
    assert [c.state for c in lab.board.components] == ["full_outage"] * 3

    del lab.rules[1:]
    lab.lookups.clear()
    lab.run(80)
    assert lab.incidents() == []
    assert [c.state for c in lab.board.components] == ["operational"] * 3
    assert len(lab.told("incident.opened")) == 1


@pytest.mark.parametrize("reason", ["http_challenge", "tls_expired", "http_server_error"])
def test_the_same_trouble_at_hosts_of_one_owner_is_one_incident(reason: str) -> None:
    """Also where the first two that show it share neither host nor address nor region."""
    lab = Lab()
    lab.run(30)
    centres = [name for name, network in NETWORKS.items() if network == "data-centre"]
    lab.fails(reason, check="api", subject=US, probes=centres)
    lab.fails(reason, check="sign-in page", subject=EU, probes=centres)
    lab.run(12)
    assert len(lab.told("incident.opened")) == 1
    for check in FRONT:
        lab.fails(reason, check=check, probes=centres)
    lab.run(20)
    [incident] = lab.incidents()
    assert {affected.check for affected in incident.checks} == set(FRONT)


def test_an_outage_keeps_its_name_while_it_ends() -> None:
    """A resolver that answers SERVFAIL for longer, with the name servers back, is no other outage."""
    lab = Lab()
    lab.run(30)
    _operator_dark(lab)
    lab.lookups["*", AUTH] = lab.lookups["*", ACCOUNTS] = "dns_servfail"
    lab.fails("dns_servfail", check="resolvers", fault="resolver")
    lab.fails("dns_timeout", check="customer", fault="resolver")
    lab.run(20)
    del lab.rules[1:]
    lab.lookups.clear()
    last = lab.fails("dns_servfail", check="customer", subject="192.0.2.53", fault="resolver")
    lab.run(15)
    relapse = lab.fails("dns_servfail", check="resolvers", subject="192.0.2.53", fault="resolver")
    lab.run(15)
    name = "DNS operator dns-a is dark: 4 of 4 name servers do not answer"
    assert [incident.title for incident in lab.incidents()] == [name]
    lab.run(60)
    assert [incident.title for incident in lab.incidents()] == ["Resolver 192.0.2.53 answers SERVFAIL"], "it goes on"
    lab.mend(last)
    lab.mend(relapse)
    lab.run(20)
    over = lab.told("incident.monitoring")[-1].data
    assert isinstance(over, IncidentChanged)
    assert (over.incident.title, str(over.incident.domain)) == (name, "operator dns-a")


def _slow_at(phase: str, **where: Any) -> dict[str, Any]:
    phases = [Phase(phase, 0, 1_400_000_000), Phase("first_byte", 1_400_000_000, 100_000_000)]
    return {"reason": "http_slow", "phases": phases, "duration_ns": 1_500_000_000, **where}


def test_slow_lookups_are_the_doing_of_what_answers_them_late() -> None:
    lab = Lab()
    lab.run(30)
    _operator_dark(lab)
    lab.run(10)
    lab.fails(check="api", **_slow_at("lookup"))
    lab.fails(check="sign-in page", **_slow_at("lookup"))
    lab.run(20)
    [incident] = lab.incidents()
    assert incident.title == "DNS operator dns-a is dark: 4 of 4 name servers do not answer"
    assert {"api", "sign-in page"} <= {affected.check for affected in incident.checks}


def test_what_is_only_slow_has_no_part_in_the_outage_beside_it() -> None:
    lab = Lab(f'{PLAN}[[component]]\nname = "All"\nchecks = ["api", "customer"]\n')
    lab.run(30)
    _operator_dark(lab)
    lab.run(10)
    lab.fails("dns_timeout", check="customer", fault="resolver")
    lab.fails(check="api", **_slow_at("first_byte"))
    lab.run(20)
    dark, slow = sorted(lab.incidents(), key=lambda incident: incident.title)
    assert (dark.impact, dark.severity) == ("full_outage", "critical")
    assert {line.name: line.state for line in lab.board.components}["All"] == "partial_outage"
    assert slow.title == f"{AUTH} answers slowly"
    assert (slow.impact, slow.severity) == ("degraded_performance", "warning")


def test_of_an_operator_that_stands_by_only_a_risk_is_said() -> None:
    lab = Lab()
    lab.fails("dns_nxdomain", check="fallback")
    lab.run(40)
    assert lab.incidents() == []
    [risk] = lab.board.risks
    assert risk.title == f"Fallback dns-b is not ready: {AUTH}: the name does not exist (NXDOMAIN)"
    assert risk.components == ("User and authentication",)
    del lab.rules[1:]
    lab.run(30)
    assert [event.type for event in lab.told("risk")] == ["risk.raised", "risk.cleared"]


def test_two_faults_at_once_are_two_incidents() -> None:
    lab = Lab()
    lab.run(30)
    _operator_dark(lab)
    lab.fails("connect_refused", subject=US)
    lab.run(20)
    assert {incident.title for incident in lab.incidents()} == {
        "DNS operator dns-a is dark: 4 of 4 name servers do not answer",
        "Region us-east is down: 203.0.113.10 refuses connections",
    }


def test_one_resolver_that_is_dark_is_the_resolver() -> None:
    lab = Lab()
    lab.run(30)
    lab.fails("dns_timeout", subject="192.0.2.53", fault="resolver")
    lab.run(20)
    [incident] = lab.incidents()
    assert incident.title == "Resolver 192.0.2.53 does not answer"
    assert str(incident.domain) == "resolver 192.0.2.53"
    assert incident.impact == "partial_outage", "customers are measured through two of them"


def test_one_address_of_a_host_whose_region_nobody_knows() -> None:
    lab = Lab()
    lab.rules.clear()
    lab.run(30)
    lab.fails("connect_timeout", subject=US)
    lab.run(20)
    [incident] = lab.incidents()
    assert incident.title == f"203.0.113.10 of {AUTH}, {ACCOUNTS} takes no connections"
    assert str(incident.domain) == "address 203.0.113.10"


def test_what_one_probe_alone_sees_is_no_incident() -> None:
    lab = Lab()
    lab.run(30)
    lab.fails("connect_timeout", probes=["sin1"])
    lab.run(60)
    assert lab.incidents() == []
    assert {event.type for event in lab.events} == {"check.suspected"}
    assert {c.state for c in lab.board.components} == {"operational"}


def test_what_one_network_alone_sees_is_no_outage() -> None:
    """sin1 and nrt1 share a network."""
    lab = Lab()
    lab.run(30)
    lab.fails("connect_timeout", probes=["sin1", "nrt1"])
    lab.run(60)
    assert lab.incidents() == []
