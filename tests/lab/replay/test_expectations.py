"""What a script expects, against what came about: tables of events."""

from typing import Any

import msgspec
import pytest

from collector.events import (
    CheckChanged,
    ComponentChanged,
    Event,
    EventData,
    Evidence,
    FailoverChanged,
    FaultDomain,
    Incident,
    IncidentChanged,
    Risk,
    RiskChanged,
    RuleOutcome,
    Runway,
)
from lab.replay.expectations import JUDGES, Expect, Outage, Outcome, Played, Told, outcomes_of
from lab.replay.player import SEED
from lab.replay.playing import Performance
from lab.replay.report import as_json, outcome_lines, over_seeds, timeline, words_of
from parallax.clock import NS
from parallax.plan.failover_types import Failover, Member

START = 1_770_000_000 * NS
ONE = Evidence(failing=3, voters=3, networks=3, span_ns=NS)


def at(seconds: float, data: EventData) -> Event:
    return Event(id=f"{SEED}-{seconds}", at=START + int(seconds * NS), cause=1, data=data)


def check(state: str, name: str = "api", kind: str = "http", incident: str | None = None) -> CheckChanged:
    return CheckChanged(
        check=name,
        kind=kind,
        target="t",
        subject="s",
        state=state,  # type: ignore[arg-type]
        before="up",
        since=START,
        evidence=ONE,
        incident=incident,
    )


def component(state: str) -> ComponentChanged:
    return ComponentChanged(component="API", state=state, before="operational", since=START, why="x")  # type: ignore[arg-type]


def incident(change: str = "opened", domain: str = "", key: str = "1", opened_s: float = 0) -> IncidentChanged:
    kind, _, name = domain.partition(" ")
    shown = Incident(
        id=key,
        title="It is broken",
        severity="critical",
        domain=FaultDomain(kind=kind, name=name) if domain else None,  # type: ignore[arg-type]
        started_at=START,
        opened_at=START + int(opened_s * NS),
        updated_at=START,
    )
    return IncidentChanged(change=change, what="It is broken", incident=shown)  # type: ignore[arg-type]


def risk(runway: bool = True) -> RiskChanged:
    carried = Runway(names=("a",), earliest_at=None, latest_at=None, sampled=1, expired=0) if runway else None
    return RiskChanged(
        change="raised", risk=Risk(id="r", title="x", check="zone", components=(), since=START, runway=carried)
    )


def told(seconds: float, key: str, receiver: str = "pager", kind: str = "incident.opened") -> Told:
    return Told(at=START + int(seconds * NS), receiver=receiver, key=key, type=kind, summary="x")


def failover(word: str, target: str = "west", group: str = "front", broken: tuple[str, ...] = ()) -> FailoverChanged:
    rules = tuple(RuleOutcome(id=rule, ok=False, why="x") for rule in broken)  # type: ignore[arg-type]
    direction: Any = "failback" if target == "east" else "failover"
    return FailoverChanged(word=word, group=group, title="x", target=target, direction=direction, rules=rules)  # type: ignore[arg-type]


GROUPS = {
    "front": Failover(name="front", kind="region", check="api", members=[Member(name="east")], primary="east"),
    "zone": Failover(name="zone", kind="dns-operator", check="zone", members=[Member(name="a")], primary="a"),
}


def played(
    *events: Event,
    messages: tuple[Told, ...] = (),
    outages: tuple[Outage, ...] = (),
    bad_minutes: float | None = None,
) -> Played:
    return Played(
        start=START,
        end=START + 600 * NS,
        events=events,
        told=messages,
        outages=outages,
        groups=GROUPS,
        bad_minutes=bad_minutes,
    )


DARK = Outage(what="operator dns-a", start=START, end=START + 100 * NS)
LATER = Outage(what="region east", start=START + 300 * NS, end=START + 400 * NS)
TABLE: list[tuple[str, Any, Played, Any, bool]] = [
    ("first_down_s", 20, played(at(-5, check("down")), at(19.5, check("down"))), 19.5, True),
    ("first_down_s", 20, played(at(21, check("down"))), 21.0, False),
    ("first_down_s", 20, played(at(3, check("suspected"))), "never", False),
    (
        "hazard_named_s",
        20,
        played(at(5, incident()), at(9, incident("updated", "operator dns-a")), outages=(DARK,)),
        9.0,
        True,
    ),
    ("hazard_named_s", 20, played(at(5, incident(domain="operator dns-b")), outages=(DARK,)), "never", False),
    ("full_outage_s", 20, played(at(5, component("partial_outage")), at(30, component("full_outage"))), 30.0, False),
    ("status_post_s", 20, played(at(1, component("unknown")), at(5, component("degraded_performance"))), 5.0, True),
    ("status_post_s", 20, played(at(4, incident())), 4.0, True),
    (
        "cause",
        "dns-operator",
        played(at(5, incident()), at(9, incident("updated", "operator a"))),
        "dns-operator",
        True,
    ),
    ("cause", "dns-operator", played(at(5, incident(domain="region a"))), "region", False),
    ("cause", "name-server", played(at(5, incident(domain="name_server a"))), "name-server", True),
    ("cause", "region", played(), "never", False),
    ("no_region_blamed", True, played(at(5, incident(domain="operator a"))), True, True),
    ("no_region_blamed", True, played(at(5, incident(domain="region east", key="2"))), "blamed: east", False),
    ("no_region_blamed", True, played(at(5, incident(domain="region east", opened_s=-60))), True, True),
    ("runway_shown", True, played(at(8, risk())), "after 8 s", True),
    ("runway_shown", True, played(at(8, risk(runway=False))), False, False),
    ("fallback_email_gap_known_before", True, played(at(-60, check("down", "f", "dns.parity"))), True, True),
    ("fallback_email_gap_known_before", True, played(at(60, check("down", "f", "dns.parity"))), False, False),
    (
        "corroborated_by",
        ["keys", "sign-in"],
        played(
            at(5, incident()),
            at(9, check("degraded", "keys", incident="1")),
            at(10, check("degraded", "sign-in", incident="1")),
        ),
        ["keys", "sign-in"],
        True,
    ),
    (
        "corroborated_by",
        ["keys", "sign-in"],
        played(
            at(5, incident()),
            at(9, check("degraded", "keys", incident="1")),
            at(70, check("degraded", "sign-in", incident="1")),
        ),
        ["keys"],
        False,
    ),
    ("outages_detected", 1.0, played(at(9, check("down")), outages=(DARK, LATER)), "1 of 2", False),
    ("outages_detected", 0.5, played(at(9, check("degraded")), outages=(DARK, LATER)), "1 of 2", True),
    ("pages", 1, played(messages=(told(1, "a"), told(9, "a", kind="incident.reopened"), told(-9, "b"))), 1, True),
    ("pages", 1, played(messages=(told(1, "a"), told(9, "b"), told(9, "r", kind="risk.raised"))), 2, False),
    ("pages", 0, played(messages=(told(9, "r", kind="risk.raised"),)), 0, True),
    ("failover", "blocked", played(at(5, failover("blocked", broken=("S1", "S4")))), "blocked by S1, S4", True),
    ("failover", "blocked", played(at(5, failover("both_bad"))), "blocked", False),
    ("failover", "blocked", played(at(-5, failover("blocked", broken=("S1",)))), "never", False),
    (
        "failover",
        "blocked",
        played(at(5, failover("blocked", broken=("S1",))), at(9, failover("recommended"))),
        "recommended",
        False,
    ),
    ("failover", "blocked", played(at(5, failover("blocked", "east", broken=("S1",)))), "never", False),
    ("failover", "recommended", played(at(5, failover("command"))), "recommended", True),
    ("failover", "done", played(at(5, failover("command"))), "recommended", False),
    ("failover", "done", played(at(5, failover("command")), at(70, failover("effective"))), "done", True),
    ("region_failover", False, played(at(5, failover("recommended", group="zone"))), False, True),
    ("region_failover", False, played(at(5, failover("command"))), True, False),
    ("switchovers_max", 1, played(at(5, failover("switched")), at(9, failover("switched", group="zone"))), 1, True),
    ("switchovers_max", 1, played(at(5, failover("switched")), at(9, failover("switched", "east"))), 2, False),
    ("user_bad_minutes_max", 1.5, played(bad_minutes=1.504), 1.5, False),
    ("user_bad_minutes_max", 1.5, played(bad_minutes=1.5), 1.5, True),
    ("user_bad_minutes_max", 1.5, played(), "nobody knows", False),
    ("back_on_primary_within_minutes", 5, played(), 0.0, True),
    ("back_on_primary_within_minutes", 5, played(at(5, failover("switched"))), "never", False),
    (
        "back_on_primary_within_minutes",
        5,
        played(at(5, failover("switched")), at(900, failover("switched", "east"))),
        5.0,
        True,
    ),
    (
        "back_on_primary_within_minutes",
        5,
        played(at(5, failover("switched")), at(990, failover("switched", "east"))),
        6.5,
        False,
    ),
]


@pytest.mark.parametrize(("name", "expected", "came", "observed", "met"), TABLE)
def test_an_expectation(name: str, expected: Any, came: Played, observed: Any, met: bool):
    (outcome,) = outcomes_of(Expect(**{name: expected}), came)
    assert outcome == Outcome(name=name, expected=expected, observed=observed, met=met)


def test_each_expectation_has_its_judge_and_its_row():
    assert list(JUDGES) != []
    assert set(JUDGES) == {field.name for field in msgspec.structs.fields(Expect)}
    assert {row[0] for row in TABLE} == set(JUDGES)


def performance(seed: int, observed: float, limit: float = 20) -> Performance:
    came = played(at(observed, check("down")))
    return Performance(seed=seed, played=came, outcomes=outcomes_of(Expect(first_down_s=limit, pages=0), came))


def test_over_seeds_the_worst_counts():
    outcomes = over_seeds([performance(0, 10), performance(1, 12), performance(2, 25)])
    assert [(each.name, each.observed, each.met) for each in outcomes] == [
        ("first_down_s", "2 of 3 seeds; median 12, worst 25; missed with seed 2", False),
        ("pages", "3 of 3 seeds; median 0, worst 0", True),
    ]
    assert outcome_lines(outcomes)[1] == ("met", "pages", "0", "3 of 3 seeds; median 0, worst 0")
    assert over_seeds([performance(0, 10)])[0].observed == 10.0


def test_json_has_what_was_promised():
    shown = msgspec.json.decode(msgspec.json.encode(as_json([performance(7, 10)])))
    assert shown["events"][0]["type"] == "check.down"
    assert shown["events"][0]["data"]["check"] == "api"
    assert shown["expectations"] == [
        {"name": "first_down_s", "expected": 20, "observed": 10.0, "met": True},
        {"name": "pages", "expected": 0, "observed": 0, "met": True},
    ]
    assert shown["seeds"] == [7]


def test_a_long_timeline_keeps_what_opens_and_closes():
    updates = [at(number, incident("updated")) for number in range(1, 400)]
    lines = timeline(None, played(at(0, incident()), *updates, at(500, incident("resolved"))))
    assert [line.said.partition(":")[0] for line in lines[:2]] == ["incident opened", "incident resolved"]
    assert lines[-1].said == "... and 399 more lines; --json has them all"
    assert words_of(at(0, check("down"))) == ""


def test_a_line_says_when_and_whom():
    came = played(at(14, incident()), messages=(told(14, "1"),))
    (line,) = timeline(None, came)
    assert (line.after, line.said) == ("+14 s", "incident opened: It is broken -> pager")
