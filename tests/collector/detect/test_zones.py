"""Zones whose name servers are found and watched one by one: what is dark, lame, wrong, cut off by caches, or old."""

import re
from typing import Any

import pytest

from collector.detect import State, decode_state, encode_state, initial, step
from collector.events import Event, RiskChanged
from parallax.clock import NS
from tests.collector.detect.scenes import EIGHT, T0, fleet
from tests.collector.detect.zone_world import (
    ACCOUNTS,
    AUTH,
    BECAUSE,
    CHECKS,
    PLAN,
    PROBES,
    RESOLVERS,
    REST,
    TTL,
    ZONE,
    Vendor,
)

DARK = "DNS operator dns-a is dark: 8 of 8 name-server addresses do not answer"
AMONG = REST + CHECKS


def settled(plan: str = PLAN, **flags: Any) -> Vendor:
    """A world that has been well for a minute; with `mail_at` both, the fallback is ready."""
    world = Vendor(plan)
    world.mail_at = {"dns-a", "dns-b"}
    for name, value in flags.items():
        setattr(world, name, value)
    world.run(60)
    return world


def seconds(at: int | None) -> float:
    assert at is not None
    return (at - T0) / NS


def said(world: Vendor, change: str) -> list[tuple[float, Any]]:
    """When and what of the risks' events that have a runway."""
    return [
        (seconds(e.at), e.data.risk)
        for e in world.events
        if isinstance(e.data, RiskChanged) and e.data.change == change and e.data.risk.runway
    ]


# ---- the story
def test_10_february_2026() -> None:
    """Authoritative DNS dies behind warm caches; the fallback lacks the mail records; nothing is said twice."""
    world = Vendor()
    world.run(60)
    [fallback] = world.board.fallbacks
    assert (fallback.ready, fallback.because) == (False, BECAUSE), "known before anything breaks"
    assert [gap.name for gap in fallback.gaps] == ["dkim1._domainkey"]
    assert [(e.type, e.data.risk.title) for e in world.told("risk")] == [
        ("risk.raised", f"Fallback dns-b is not ready: {BECAUSE}")
    ]
    assert world.incidents() == []

    world.dark = {"dns-a"}
    world.run(20)
    opened = world.told("incident.opened")
    assert [e.data.incident.title for e in opened] == [DARK]
    assert seconds(opened[0].at) - 60 <= 17
    [(raised_s, risk)] = said(world, "raised")
    assert raised_s - 60 <= 20, "the hazard is named within 20 s"
    assert risk.title == DARK
    assert risk.components == ("User and authentication", "Email delivery"), "by the names that they use"
    runway = risk.runway
    assert runway.names == (ACCOUNTS, AUTH)
    assert (runway.sampled, runway.expired, runway.stale, runway.users) == (24, 0, 0, 0.0)
    assert risk.expected_at == runway.earliest_at == runway.held[0].until
    first = min(until for (_, _, owner), (until, _) in world.caches.items() if owner in (AUTH, ACCOUNTS))
    assert seconds(runway.earliest_at) == pytest.approx(first, abs=1.1)
    assert [c.state for c in world.board.components] == ["operational", "operational"], "HTTP is green"
    assert world.check("api") == "up"

    world.run(100)
    [(updated_s, risk)] = said(world, "updated")[:1]
    assert updated_s >= seconds(runway.earliest_at)
    assert risk.runway.expired >= 1
    assert world.component("User and authentication") == "full_outage", "impact, as caches have run out"
    [incident] = world.incidents()
    assert (incident.title, incident.impact, incident.severity) == (DARK, "full_outage", "critical")

    world.run(100)
    assert world.component("Email delivery") == "full_outage"
    [live] = [risk for risk in world.board.risks if risk.runway]
    assert (live.runway.expired, live.runway.users) == (24, 1.0)
    assert len(said(world, "updated")) <= 3
    fallback = world.board.fallbacks[0]
    assert (fallback.ready, fallback.because) == (False, BECAUSE), "what was known stands while they cannot be compared"
    assert re.fullmatch(r"not compared since \d\d:\d\d:\d\dZ: dns-a does not answer", fallback.why)

    world.delegated = "dns-b"
    world.run(60)
    fallback = world.board.fallbacks[0]
    assert (fallback.serves, fallback.ready, fallback.lacks) == (True, None, BECAUSE)
    unready = [risk.title for risk in world.board.risks if risk.title.startswith("Fallback")]
    assert unready == [f"Fallback dns-b serves {ZONE}; when last compared, it {BECAUSE}"]
    assert [e.data.risk.title for e in world.told("risk.updated")][-1:] == unready, "who was told of it hears that"
    assert world.component("User and authentication") == "operational"
    assert world.component("Email delivery") == "full_outage", "the fallback lacks the mail records"
    world.run(200)
    [incident] = world.incidents()
    assert incident.title.startswith(f"Mail of {ZONE}: "), "that is what it is by now"
    assert incident.components == ("User and authentication", "Email delivery")

    world.mail_at.add("dns-b")
    world.run(240)
    assert world.incidents() == []
    assert [c.state for c in world.board.components] == ["operational", "operational"]
    assert len(world.told("incident.opened")) == len(world.told("incident.monitoring")) == 1
    assert world.told("incident.monitoring")[0].data.incident.title == DARK, "remembered by what it was when largest"
    assert said(world, "cleared") == [] or said(world, "cleared")[-1][1].title == DARK
    assert world.board.risks == (), "its mail records are there, though nobody can compare"
    world.dark.clear()
    world.run(30)
    assert world.board.risks == ()
    assert [fallback.because for fallback in world.board.fallbacks] == [f"it serves {ZONE} now"]
    assert len(world.told("risk.raised")) == len(world.told("risk.cleared")) == 2


# ---- where the fault is
def test_a_dark_operator_is_a_risk_though_no_component_names_it() -> None:
    plan = AMONG.replace('risks = ["parity"]\n', "")
    world = settled(fleet() + plan)
    world.dark = {"dns-a"}
    world.run(20)
    [risk] = world.board.risks
    assert risk.title == DARK
    assert "User and authentication" in risk.components


@pytest.mark.parametrize(
    ("parts", "title", "domain"),
    [
        ({"tcp"}, "DNS operator dns-a fails over TCP: 8 of 8 name-server addresses do not answer", "operator dns-a"),
        ({"udp"}, "DNS operator dns-a fails over UDP: 8 of 8 name-server addresses do not answer", "operator dns-a"),
        ({"v6"}, "DNS operator dns-a fails over IPv6: 4 of 4 name servers do not answer", "operator dns-a"),
        ({"192.0.2.12"}, "192.0.2.12 of ns2.dns-a.example does not answer", "address 192.0.2.12"),
        (
            {"192.0.2.12", "2001:db8:1::2"},
            "Name server ns2.dns-a.example does not answer",
            "name server ns2.dns-a.example",
        ),
    ],
)
def test_a_part_of_an_operator(parts: set[str], title: str, domain: str) -> None:
    world = settled()
    world.dark_parts = parts
    world.run(300)
    [incident] = world.incidents()
    assert (incident.title, str(incident.domain)) == (title, domain)
    if parts != {"udp"}:
        assert [risk for risk in world.board.risks if risk.runway] == [], "its other servers go on"
    world.dark_parts = set()
    world.run(300)
    assert world.incidents() == []
    assert {check.state for check in world.board.checks} == {"up"}


def test_a_zone_that_its_operator_lost_is_lame_and_not_dark() -> None:
    world = settled()
    world.lame = {"dns-a"}
    world.run(40)
    [incident] = world.incidents()
    assert incident.title == "DNS operator dns-a fails: 8 of 8 name-server addresses do not have the zone"
    [risk] = world.board.risks
    assert risk.runway is not None


def test_names_that_the_authority_denies_are_wrong_and_not_dark() -> None:
    world = settled()
    world.empty = {"dns-a"}
    world.run(40)
    [incident] = world.incidents()
    assert incident.title == (
        f"Zone {ZONE} is wrong: 8 of 8 name-server addresses of dns-a say that the name does not exist"
    )
    assert str(incident.domain) == f"zone {ZONE}"


def test_one_lame_server_of_four() -> None:
    world = settled()
    world.lame = {"192.0.2.11", "2001:db8:1::1"}
    world.run(40)
    [incident] = world.incidents()
    assert incident.title == "Name server ns1.dns-a.example does not have the zone"
    assert world.board.risks == ()


def test_what_one_probe_alone_sees_is_no_incident() -> None:
    world = settled()
    world.fails("dns_timeout", check="zone", probes=["sin1"])
    world.run(60)
    assert world.incidents() == []
    assert world.board.risks == ()


def test_a_resolver_that_is_down_is_no_matter_of_the_zone() -> None:
    world = settled()
    world.dead_resolvers = {"public-2"}
    world.run(40)
    [incident] = world.incidents()
    assert str(incident.domain) == "resolver public-2"
    assert incident.title.startswith("Resolver public-2 ")
    world.dead_resolvers = {"public-2", "own"}
    world.run(40)
    assert {str(incident.domain) for incident in world.incidents()} == {"resolver public-2", "resolver own"}


def test_a_probe_whose_network_is_down_says_nothing_of_names() -> None:
    world = settled()
    world.fails("dns_network_down", check="names", abstain="network_down", probes=["fra1", "lon1"])
    world.run(40)
    assert [incident.checks for incident in world.incidents()] in ([], [()], [(), ()]), "the probes' own, at most"


def test_a_delegation_that_is_wrong_is_the_zones() -> None:
    world = settled()
    world.fails("dns_delegation_broken", check="zone", subject="delegation")
    world.run(40)
    [incident] = world.incidents()
    assert incident.title.startswith(f"The delegation of {ZONE}: ")
    assert str(incident.domain) == f"zone {ZONE}"


def test_a_hop_of_a_chain_that_is_dark_is_its_operators() -> None:
    """Where no other check watches that operator."""
    only = CHECKS[CHECKS.index('[[check]]\nname = "chain"') : CHECKS.index('[[check]]\nname = "parity"')]
    plan = fleet() + REST + only
    world = Vendor(plan)
    world.run(60)
    world.dark = {"dns-a"}
    world.run(40)
    [incident] = world.incidents()
    assert incident.title == f"DNS operator dns-a is dark: clerk.acme.example leads through {ZONE}"
    assert incident.domain is not None
    assert not incident.domain.certain
    [chain] = world.board.chains
    assert [(hop.operator, hop.state) for hop in chain.hops] == [("dns-c", "ok"), ("dns-a", "dns_hop_dark")]


def test_a_chain_that_breaks_is_not_the_fault_of_the_site_that_answered_before_or_beside_it() -> None:
    world = settled()
    world.rule(lambda probe, check, *_: {**world._chain(), "site": "fra"} if check.kind == "dns.chain" else {})
    broken = {"dims": {"hop": AUTH, "zone": ZONE, "operator": "dns-a"}, "findings": {}, "site": "sin"}
    world.fails("dns_hop_nodata", check="chain", probes=PROBES[:4], **broken)
    world.run(60)
    [incident] = world.incidents()
    assert incident.domain is not None
    assert incident.domain.kind == "zone"


def test_a_service_that_is_down_behind_a_chain_that_is_well_is_told() -> None:
    world = settled()
    assert "service_dead" not in world.board.chains[0].flags
    one = world.fails("http_status", check="api", subject="203.0.113.10")
    world.run(40)
    assert "service_dead" not in world.board.chains[0].flags, "one of its addresses works"
    world.mend(one)
    world.fails("http_status", check="api")
    world.run(40)
    assert "service_dead" in world.board.chains[0].flags
    world.dark = {"dns-a"}
    world.run(60)
    assert "service_dead" not in world.board.chains[0].flags, "its DNS is not well either"


def test_the_board_says_whose_each_subject_is() -> None:
    world = settled()
    subjects = {s.subject: s for check in world.board.checks for s in check.subjects if check.name == "zone"}
    one = subjects["192.0.2.11:53"]
    assert (one.server, one.operator, one.zone, one.resolver) == ("ns1.dns-a.example", "dns-a", ZONE, "")
    assert subjects["192.0.2.11:53/tcp"].state == "up", "asked every 120 s, and its word is fresh all the while"
    names = next(check for check in world.board.checks if check.name == "names")
    assert {subject.resolver for subject in names.subjects} == set(RESOLVERS)


# ---- runway
def test_the_runway_counts_only_what_the_dark_operator_hosts() -> None:
    world = settled()
    world.dark = {"dns-c"}  # serves the customer's zone, which the plan does not watch
    world.run(60)
    assert [risk for risk in world.board.risks if risk.runway] == []


def test_the_runway_shortens_and_its_end_is_bounded_by_the_last_fetch() -> None:
    world = settled()
    world.dark = {"dns-a"}
    world.run(30)
    [risk] = world.board.risks
    early = risk.runway
    assert early is not None
    assert seconds(early.latest_at) <= 60 + TTL[ACCOUNTS] + 1, "nobody can have fetched it after it went dark"
    assert seconds(early.latest_at) >= 60 + TTL[ACCOUNTS] - 15
    world.run(60)
    [risk] = world.board.risks
    assert risk.runway is not None
    assert risk.runway.earliest_at == pytest.approx(early.earliest_at, abs=NS)
    held = [each.until for each in risk.runway.held]
    ahead = [until for until in held if until > world.now]
    assert held[: len(ahead)] == sorted(ahead), "the next to run out first"


def test_users_are_said_only_where_every_resolver_has_a_weight() -> None:
    world = settled(PLAN.replace("weight = 0.2\n", ""))
    world.dark = {"dns-a"}
    world.run(30)
    assert world.board.risks[0].runway is not None
    assert world.board.risks[0].runway.users is None


def test_caches_behind_one_address_are_told_apart() -> None:
    """Two caches take turns to answer; the runway begins with the one that runs out first."""
    world = settled()
    world.dark = {"dns-a"}
    ends = {"a": world.t + 80, "b": world.t + 140}
    turns = [0]

    def rule(probe: str, check: Any, target: str, subject: str, t: float) -> dict[str, Any]:
        if check.name != "names" or subject != "own" or target != AUTH or probe != "fra1":
            return {}
        turns[0] += 1
        ttl = int(ends["a" if turns[0] % 2 else "b"] - t)
        answers = [{"owner": AUTH, "type": "A", "ttl": ttl, "text": "203.0.113.10"}]
        return {"findings": {"answers": answers}} if ttl > 0 else {"reason": "dns_name_down"}

    world.rule(rule)
    world.run(50)
    runway = next(risk.runway for risk in world.board.risks if risk.runway)
    assert seconds(runway.earliest_at) == pytest.approx(ends["a"], abs=2)


def test_resolvers_that_serve_stale_carry_on() -> None:
    world = settled(stale=set(RESOLVERS))
    world.dark = {"dns-a"}
    world.run(270)
    assert world.component("User and authentication") == "operational", "stale answers carry users"
    assert world.check("names") == "up", "a stale answer is no outage"
    [risk] = world.board.risks
    assert risk.runway is not None
    assert (risk.runway.expired, risk.runway.stale) == (0, 24)
    latest = [
        word for check in world.board.checks if check.name == "names" for s in check.subjects for word in s.latest
    ]
    assert {word.reason for word in latest} == {"dns_stale"}, "and it is shown"


def test_answers_past_their_time_are_stale_by_what_the_fleet_knows() -> None:
    """A resolver that says nothing of it (RFC 8767 asks none to): 30 s again and again."""
    world = settled()
    world.dark = {"dns-a"}

    def rule(probe: str, check: Any, target: str, subject: str, t: float) -> dict[str, Any]:
        if check.name != "names" or t < 60 + TTL[ACCOUNTS]:
            return {}
        return {"findings": {"answers": [{"owner": target, "type": "A", "ttl": 30, "text": "203.0.113.10"}]}}

    world.run(TTL[ACCOUNTS])
    world.rule(rule)
    world.run(120)
    [risk] = world.board.risks
    assert risk.runway is not None
    assert (risk.runway.stale, risk.runway.expired) == (24, 0)


def test_a_stale_answer_while_the_authority_is_well_is_no_trouble() -> None:
    world = settled()
    answers = [{"owner": AUTH, "type": "A", "ttl": 30, "text": "203.0.113.10"}]
    world.fails("dns_stale", check="names", findings={"answers": answers})
    world.run(60)
    assert world.events == []
    assert world.check("names") == "up"


# ---- readiness
def test_the_fallback_becomes_ready() -> None:
    world = Vendor()
    world.run(60)
    assert world.board.fallbacks[0].ready is False
    world.mail_at.add("dns-b")
    world.run(40)
    [fallback] = world.board.fallbacks
    assert (fallback.ready, fallback.because, fallback.gaps) == (True, "", ())
    assert [e.type for e in world.told("risk")] == ["risk.raised", "risk.cleared"]


def test_nobody_knows_before_anybody_has_compared() -> None:
    world = Vendor()
    world.mail_at.add("dns-b")
    world.dark = {"dns-a"}
    [fallback] = world.board.fallbacks
    assert (fallback.ready, fallback.because) == (None, "nobody has compared the two yet")
    world.run(60)
    [fallback] = world.board.fallbacks
    assert (fallback.ready, fallback.because) == (None, "cannot be compared: dns-a does not answer")
    assert [risk for risk in world.board.risks if risk.title.startswith("Fallback")] == []


def test_what_mail_says_of_the_fallback_is_known_though_nobody_can_compare() -> None:
    world = Vendor()
    world.dark = {"dns-a"}
    world.run(60)
    assert world.board.fallbacks[0].ready is False
    [risk] = [risk for risk in world.board.risks if risk.title.startswith("Fallback")]
    assert risk.title.startswith("Fallback dns-b is not ready: mail: a DKIM selector has no key record")


def test_a_fallback_that_does_not_answer_is_not_ready() -> None:
    world = settled()
    world.dark = {"dns-b"}
    world.run(40)
    [fallback] = world.board.fallbacks
    assert fallback.ready is False
    assert fallback.because.startswith("does not answer")
    assert world.incidents() == [], "it hurts nobody"
    assert {c.state for c in world.board.components} == {"operational"}


def test_one_probe_of_eight_raises_nothing_about_the_fallback() -> None:
    world = settled()
    world.fails("parity_not_served", check="parity", probes=["sin1"], findings={"because": "does not serve the zone"})
    world.run(60)
    assert world.board.fallbacks[0].ready is True
    assert world.board.risks == ()


def test_a_fallback_that_took_over_and_lacks_records_is_a_risk_until_it_has_them() -> None:
    """Where the primary answers, and so can be compared with."""
    world = Vendor()
    world.run(60)
    world.delegated = "dns-b"
    world.run(60)
    [fallback] = world.board.fallbacks
    assert (fallback.ready, fallback.serves, fallback.lacks, fallback.why) == (None, True, BECAUSE, "")
    [risk] = [risk for risk in world.board.risks if risk.title.startswith("Fallback")]
    assert risk.title == f"Fallback dns-b serves {ZONE} and {BECAUSE}"
    world.mail_at.add("dns-b")
    world.run(60)
    assert world.board.risks == ()
    assert world.board.fallbacks[0].lacks == ""


# ---- serials
def test_a_server_that_stays_behind_is_a_risk() -> None:
    world = settled()
    for n in range(1, 5):
        world.serials[f"192.0.2.1{n}"] = world.serials[f"2001:db8:1::{n}"] = 8
    world.serials["192.0.2.13"] = 7
    world.run(280)
    assert world.board.risks == (), "a transfer may take the SOA's refresh"
    world.run(60)
    [risk] = world.board.risks
    assert risk.title == f"192.0.2.13:53 of dns-a serves an old version of {ZONE}: serial 7, not 8"
    assert risk.expected_at is not None, "it stops when it expires"
    world.serials["192.0.2.13"] = 8
    world.run(30)
    assert world.board.risks == ()


# ---- signatures
def signed_world(component: str = "") -> tuple[Vendor, int]:
    """One operator's signatures end within the day, and nothing renews them."""
    more = f"""
[[check]]
name = "signatures"
kind = "dns.dnssec"
period = "15s"
timeout = "5s"
zone = "{ZONE}"
{component}"""
    world = Vendor(PLAN + more)
    world.found["signatures"] = [("operator dns-a", {"operator": "dns-a", "zone": ZONE}), ("public-1", {})]
    world.run(40)
    return world, world.now + 20 * 3600 * NS


def test_signatures_that_end_soon_are_a_risk_with_a_date() -> None:
    world, end = signed_world()
    findings = {"expires_at": end, "expiry": "critical"}
    failing = world.fails("dnssec_expires_soon", check="signatures", subject="operator dns-a", findings=findings)
    world.run(60)
    [risk] = [risk for risk in world.board.risks if "ignatures" in risk.title]
    assert (risk.title, risk.expected_at) == (f"Signatures of {ZONE} at dns-a end in 20 hours", end)
    world.mend(failing)
    world.run(60)
    assert not [risk for risk in world.board.risks if "ignatures" in risk.title]


def test_signatures_that_end_soon_are_one_risk_also_where_the_plan_names_it() -> None:
    world, end = signed_world('[[component]]\nname = "Validating users"\nrisks = ["signatures"]')
    world.fails("dnssec_expires_soon", check="signatures", subject="operator dns-a", findings={"expires_at": end})
    world.run(60)
    [risk] = [risk for risk in world.board.risks if risk.check == "signatures"]
    assert (risk.expected_at, risk.components) == (end, ("Validating users",))


def test_serials_wrap_around() -> None:
    world = Vendor()
    world.mail_at.add("dns-b")
    ips = [f"192.0.2.1{n}" for n in range(1, 5)] + [f"2001:db8:1::{n}" for n in range(1, 5)]
    world.serials = dict.fromkeys(ips, 2**32 - 1)
    world.run(60)
    world.serials = dict.fromkeys(ips, 3) | {"192.0.2.13": 2**32 - 1}
    world.run(400)
    [risk] = world.board.risks
    assert risk.title == f"192.0.2.13:53 of dns-a serves an old version of {ZONE}: serial {2**32 - 1}, not 3"


def test_a_server_that_goes_back_is_said_at_once() -> None:
    world = settled()
    world.serials["192.0.2.13"] = 6
    world.run(40)
    [risk] = world.board.risks
    assert "went back to an old version" in risk.title


# ---- one probe, restarts, bounds
def test_one_probe_alone() -> None:
    world = Vendor(fleet(EIGHT[:1]) + AMONG)
    world.mail_at.add("dns-b")
    world.run(60)
    world.dark = {"dns-a"}
    world.run(70)
    [risk] = world.board.risks
    assert risk.title == f"{DARK}; single vantage: cannot tell target from network"
    assert risk.runway is not None
    assert risk.runway.sampled == 3


def test_a_restart_at_any_record_says_the_same() -> None:
    world = Vendor()
    world.run(45)
    world.dark = {"dns-a"}
    world.run(200)
    world.delegated, world.stale = "dns-b", {"own"}
    world.run(60)
    world.dark.clear()
    world.run(60)
    state: State = initial("5eed5eed5eed5eed")
    again: list[Event] = []
    for number, record in enumerate(world.records):
        if number % 7 == 0:
            state = decode_state(encode_state(state))
        state, events = step(state, record)
        again += events
    assert again == world.events
    assert encode_state(state) == encode_state(world.state)


def test_a_clock_put_back_wedges_nothing() -> None:
    world = settled()
    world.dark = {"dns-a"}
    world.run(100)
    world.t -= 3600
    world.tcp_at.clear()
    world.caches.clear()
    world.dark.clear()
    world.run(400)
    assert world.incidents() == []
    world.dark = {"dns-a"}
    world.run(30)
    [risk] = world.board.risks
    assert risk.runway is not None
    assert risk.runway.sampled == 24


def test_a_probe_that_makes_things_up_fills_nothing() -> None:
    world = settled()
    before = len(encode_state(world.state))
    for n in range(150):
        world.t += 0.05
        rows = [
            {"name": f"x{n}", "type": "A" * 500, "class": "missing", "severity": "low", "primary": ["y" * 900] * 20}
        ]
        hops = [{"owner": f"{m}.{n}.example", "zone": f"z{n}-{m}.example", "operator": f"o{n}"} for m in range(90)]
        long = {"server": f"ns{n}.evil.example", "operator": f"evil{n}", "zone": f"{n}.example", "address": "1" * 999}
        answers = [{"owner": f"{m}.{n}.example", "type": f"T{m}", "ttl": m, "text": ""} for m in range(90)]
        world.say(
            "sin1",
            [
                world.observe("sin1", "zone", ZONE, f"192.0.2.{n % 250}:53", dims=long, findings={"serial": n * 7919}),
                world.observe("sin1", "zone", ZONE, "delegation", findings={"ns": [f"ns{n}.{m}" for m in range(900)]}),
                world.observe(
                    "sin1", "names", AUTH, f"r{n}", dims={"resolver": f"r{n}"}, findings={"answers": answers}
                ),
                world.observe(
                    "sin1", "chain", "clerk.acme.example", "x", findings={"signature": f"s{n}", "hops": hops}
                ),
                world.observe("sin1", "parity", ZONE, f"p{n}", reason="parity_missing", findings={"rows": rows * 60}),
                world.observe("sin1", "parity", ZONE, "p", reason="parity_extra", findings={"rows": 7, "because": [1]}),
            ],
        )
    assert len(encode_state(world.state)) < before + 900_000
    assert world.board.chains[0].hops[0].owner == "clerk.acme.example", "the others' chain stands"
    assert world.state.zones.serving[ZONE] == ("dns-a",)
    world.dark = {"dns-a"}
    world.run(30)
    assert DARK in [risk.title for risk in world.board.risks]


def test_findings_of_any_shape_are_survived() -> None:
    world = settled()
    junk: list[Any] = [
        None,
        7,
        -1,
        "x",
        [],
        [None],
        [[1]],
        {},
        {"owner": 3},
        [{"owner": None}],
        2**40,
        [{"owner": "a", "ttl": -1}],
    ]
    keys = [
        "ns",
        "answers",
        "hops",
        "signature",
        "rows",
        "compared",
        "because",
        "primary",
        "fallback",
        "serial",
        "refresh",
    ]
    for value in junk:
        for check, target, subject in (
            ("zone", ZONE, "delegation"),
            ("zone", ZONE, "192.0.2.11:53"),
            ("names", AUTH, "own"),
            ("chain", "clerk.acme.example", "x"),
            ("parity", ZONE, "p"),
            ("mail", ZONE, "own"),
        ):
            world.t += 0.05
            for reason in (None, "parity_missing", "dns_name_down"):
                findings = dict.fromkeys(keys, value)
                world.say("sin1", [world.observe("sin1", check, target, subject, reason=reason, findings=findings)])
    assert decode_state(encode_state(world.state)) == world.state
    world.run(300)
    assert world.incidents() == []
    assert len(PROBES) == 8
