"""Probes as a fleet: a quorum lost, words that contradict all others', restarts, clones, clocks."""

from typing import Any

import pytest

from collector.events import AlertRouted, ProbeChanged
from tests.collector.detect.scenes import EIGHT, fleet
from tests.collector.detect.world import ACCOUNTS, AUTH, PLAN, REST, US, Lab

NAMES = [name for name, *_ in EIGHT]
FEW = f"""{fleet()}
[defaults]
period = "5s"
timeout = "2s"
[[check]]
name = "front door"
kind = "tls"
external = false
targets = ["{AUTH}:443"]
[[check]]
name = "api"
kind = "http"
external = false
targets = ["https://{AUTH}/v1/health"]
serving = {{ header = "x-region" }}
[[check]]
name = "sign-in page"
kind = "http"
external = false
targets = ["https://{ACCOUNTS}/sign-in"]
serving = {{ header = "x-region" }}
"""
"""Three targets, six subjects: as few as say something of a probe."""


RECEIVER = """
[[receiver]]
name = "ops"
kind = "webhook"
url = "https://192.0.2.44/"
key = "secret:HOOK"
"""


def alerts(lab: Lab, first: int = 0) -> list[tuple[str, str]]:
    """What a receiver is told: the phase, and the incident."""
    told = [event.data for event in lab.events[first:] if isinstance(event.data, AlertRouted) and event.data.to]
    return [(each.phase, each.key) for each in told]


def titles(lab: Lab) -> list[str]:
    return [incident.title for incident in lab.incidents()]


def quiet_lab(plan: str = "") -> Lab:
    lab = Lab(plan) if plan else Lab()
    lab.run(30)
    assert lab.events == []
    return lab


# ---- a quorum lost -------------------------------------------------------------------------------------------------
def test_a_fleet_that_loses_its_quorum_is_blind_after_a_minute_and_sees_again() -> None:
    lab = quiet_lab()
    lab.mute.update(NAMES[:5])
    lab.run(70)
    assert lab.state.blind is None, "silent for 15 s, and not yet a minute below"
    lab.run(15)
    title = "Monitoring is blind: 3 of 8 probes can vote, in 3 networks"
    assert title in titles(lab)
    [blind] = [incident for incident in lab.incidents() if incident.title == title]
    assert (blind.severity, set(blind.probes)) == ("critical", set(NAMES[:5]))
    assert blind.id == lab.state.blind
    assert lab.state.blind_since > 0
    lab.reload()
    lab.mute.clear()
    lab.run(30)
    assert lab.state.blind is None
    assert lab.incidents() == []
    assert lab.changes().count(("resolved", title)) == 1


def test_blindness_explains_the_trouble_of_single_probes_until_it_ends() -> None:
    lab = quiet_lab()
    lab.mute.update(NAMES[:5])
    lab.run(85)
    blind = lab.state.blind
    assert blind
    single = [incident for incident in lab.incidents() if incident.id != blind]
    assert {(incident.probes, incident.parent) for incident in single} == {((name,), blind) for name in NAMES[:5]}
    lab.reload()
    lab.mute.difference_update(NAMES[1:])
    lab.run(60)
    [left] = lab.incidents()
    assert (left.probes, left.parent) == ((NAMES[0],), "")


def test_who_was_told_of_a_probe_is_not_told_again_as_monitoring_is_blind_and_who_was_not_once_it_sees() -> None:
    lab = quiet_lab(f"{PLAN}{RECEIVER}")
    lab.mute.update(NAMES[:5])
    lab.run(90)
    blind = lab.state.blind
    assert blind
    lab.mute.add(NAMES[5])
    lab.run(40)
    [last] = [incident.id for incident in lab.incidents() if incident.probes == (NAMES[5],)]
    early = {each.probes[0]: each.id for each in lab.incidents() if each.id not in (last, blind)}
    assert sorted(alerts(lab)) == sorted(("trigger", each) for each in (*early.values(), blind))
    first = len(lab.events)
    lab.mute.difference_update(NAMES[1:5])
    lab.run(60)
    told = alerts(lab, first)
    assert {phase for phase, _ in told} == {"resolve", "trigger"}
    assert [key for phase, key in told if phase == "trigger"] == [last]
    assert sorted(key for phase, key in told if phase == "resolve") == sorted(
        [blind, *(early[name] for name in NAMES[1:5])]
    )


def test_half_of_the_fleet_that_restarts_at_once_blinds_nobody_and_hurts_no_target() -> None:
    lab = quiet_lab()
    lab.mute.update(NAMES[::2])
    lab.run(12)
    for name in NAMES[::2]:
        lab.streams[name] = "feedfeedfeedfeed"
    lab.mute.clear()
    lab.run(60)
    assert lab.events == []
    lab.mute.update(NAMES[::2])
    lab.run(80)
    assert {title.partition(" is silent")[0] for title in titles(lab)} == {f"Probe {name}" for name in NAMES[::2]}
    assert lab.state.blind is None, "four of eight, in four networks, can vote"
    assert lab.told("check") == []


def test_two_networks_are_no_quorum_however_many_probes_are_in_them() -> None:
    rows = [(f"p{n}", "r", "x", 64496 + n % 2 if n < 6 else 64500, "data-centre") for n in range(8)]

    lab = Lab(fleet(rows) + REST)
    lab.run(30)
    assert lab.state.had_quorum
    lab.mute.update({"p6", "p7"})
    lab.run(90)
    assert "Monitoring is blind: 6 of 8 probes can vote, in 2 networks" in titles(lab)


@pytest.mark.parametrize("size", [1, 2, 3, 4])
def test_a_fleet_that_never_had_a_quorum_is_small_and_not_blind(size: int) -> None:

    rows = [(f"p{n}", "r", "x", 64496 + n % 2, "data-centre") for n in range(size)]
    lab = Lab(fleet(rows) + REST)
    lab.run(30)
    lab.mute.update(f"p{n}" for n in range(1, size))
    lab.run(120)
    assert not any("blind" in title for title in titles(lab))


def test_the_plan_may_shrink_a_fleet_without_blinding_it() -> None:
    lab = quiet_lab()

    lab.put_plan(fleet(EIGHT[:2]) + REST)
    lab.run(120)
    assert lab.state.blind is None
    assert not lab.state.had_quorum
    assert lab.incidents() == []


def test_a_clock_put_back_neither_blinds_nor_heals() -> None:
    lab = quiet_lab()
    lab.mute.update(NAMES[:6])
    lab.run(40)
    lab.t -= 30
    lab.run(45)
    assert lab.state.blind is None
    lab.run(60)
    assert lab.state.blind is not None


# ---- words that contradict all others' ----------------------------------------------------------------------------
def test_a_probe_that_always_fails_is_the_trouble_itself_and_loses_its_vote() -> None:
    lab = quiet_lab(FEW)
    lie = lab.fails("connect_timeout", probes=["sin1"])
    lab.run(110)
    assert lab.incidents() == []
    lab.run(60)
    [title] = titles(lab)
    assert title.startswith("Probe sin1 cannot be trusted: it disagrees with all others: ")
    assert title.endswith(" that pass everywhere else fail here")
    assert {check.state for check in lab.board.checks} == {"up"}
    lab.mend(lie)
    lab.run(100)
    assert lab.incidents() == []
    assert lab.state.probes["sin1"].astray == ""


def test_a_probe_that_always_passes_is_found_in_a_long_outage() -> None:
    lab = quiet_lab(FEW)
    others = [name for name in NAMES if name != "iad1"]
    outage = lab.fails("connect_timeout", probes=others)
    lab.run(200)
    assert "iad1" not in " ".join(titles(lab))
    lab.run(160)
    assert any(
        title.startswith("Probe iad1 cannot be trusted: it disagrees with all others: ") and "pass here" in title
        for title in titles(lab)
    )
    lab.mend(outage)
    lab.run(120)
    assert not lab.state.probes["iad1"].astray


def test_a_probe_that_a_site_answers_alone_may_be_right() -> None:
    """Everything that fails at one probe was answered by a site of its own, or a region of its own."""
    lab = Lab(FEW)

    def rule(probe: str, check: Any, target: str, subject: str, t: float) -> dict[str, Any]:
        own = probe == "sin1"
        broken = {"reason": "http_server_error"} if own and t > 30 else {}
        if check.kind == "http":
            return {"dims": {"region": "ap" if own else "eu-west"}, **broken}
        return {"site": "sin" if own else "fra", **broken}

    lab.rule(rule)
    lab.run(300)
    assert not lab.state.probes["sin1"].astray
    assert not any("disagrees" in title for title in titles(lab))


def test_one_target_that_fails_for_one_probe_says_nothing_of_the_probe() -> None:
    lab = quiet_lab(FEW)
    lab.fails("connect_timeout", probes=["sin1"], subject=US)
    lab.run(300)
    assert not lab.state.probes["sin1"].astray


def test_a_probe_that_flaps_every_minute_is_never_an_outage() -> None:
    lab = quiet_lab(FEW)

    def rule(probe: str, check: Any, target: str, subject: str, t: float) -> dict[str, Any]:
        return {"reason": "connect_timeout"} if probe == "fra1" and int(t // 60) % 2 else {}

    lab.rule(rule)
    lab.run(600)
    assert {event.data.state for event in lab.told("check") if hasattr(event.data, "state")} <= {"suspected", "up"}
    assert not any(incident.domain and incident.domain.kind != "probe" for incident in lab.incidents())


# ---- words that must not count -------------------------------------------------------------------------------------
@pytest.mark.parametrize("lie", ["connect_timeout", None])
def test_what_comes_hours_late_neither_fires_nor_clears(lie: str | None) -> None:
    lab = quiet_lab()
    if lie is None:
        lab.fails("connect_timeout", subject=US)
        lab.run(30)
    before = {check.name: check.state for check in lab.board.checks}
    events = len(lab.events)
    old = lab.now - 3 * 3600 * 10**9
    targets = [(check.name, target) for check in lab.plan.check for target in check.targets if check.kind == "http"]
    for probe in NAMES:
        lab.say(
            probe,
            [
                lab.observe(probe, check, target, f"{US}:443", reason=lie, started_at=old, scheduled_at=old)
                for check, target in targets
            ],
            cut_at=old,
        )
    assert {check.name: check.state for check in lab.board.checks} == before
    assert len(lab.events) == events


@pytest.mark.parametrize("lie", ["connect_timeout", None])
def test_skewed_probes_neither_fire_nor_clear(lie: str | None) -> None:
    lab = quiet_lab()
    if lie is None:
        lab.fails("connect_timeout", subject=US)
        lab.run(30)
        assert lab.check("api") in ("down", "degraded")
    skewed = NAMES[:3]
    lab.skew.update(dict.fromkeys(skewed, 40.0))
    if lie is None:
        rule = [lab.rules.pop()]
        lab.fails("connect_timeout", subject=US, probes=NAMES[3:])
        del rule
    else:
        lab.fails("connect_timeout", subject=US, probes=skewed)
    state = lab.check("api")
    lab.run(60)
    assert lab.check("api") == state


def test_dates_in_the_future_are_taken_for_now() -> None:
    lab = quiet_lab()
    ahead = lab.now + 86_400 * 10**9
    target = next(target for check in lab.plan.check if check.name == "api" for target in check.targets)
    lab.say("fra1", [lab.observe("fra1", "api", target, f"{US}:443", reason="connect_timeout", started_at=ahead)])
    lab.run(30)
    assert lab.check("api") == "up"
    assert all(vote.at <= lab.now for key in lab.state.keys.values() for vote in key.votes.values())


def test_a_cloned_probe_loses_its_vote_until_one_of_the_two_is_gone() -> None:
    lab = quiet_lab()
    for _ in range(6):
        for stream in ("a" * 16, "b" * 16):
            lab.streams["fra1"] = stream
            lab.run(5)
    assert any("probe cloned" in title for title in titles(lab))
    lab.run(130)
    assert lab.incidents() == []
    states = [event.data.state for event in lab.events if isinstance(event.data, ProbeChanged)]
    assert states == ["unhealthy", "healthy"]


def test_a_probe_whose_host_has_no_room_is_the_trouble_itself() -> None:
    lab = quiet_lab(FEW)
    mend = lab.fails("local_error", probes=["fra1"], fault="probe")
    lab.run(40)
    [title] = titles(lab)
    assert title.startswith("Probe fra1 cannot be trusted: its host has no room for connections (")
    lab.mend(mend)
    lab.run(60)
    assert lab.incidents() == []


def test_runs_that_go_on_are_no_trouble_of_the_probe() -> None:
    lab = quiet_lab(FEW)
    lab.rule(lambda probe, check, target, subject, t: {"abstain": "pending"} if probe == "fra1" else {})
    lab.run(60)
    assert lab.state.probes["fra1"].state == "healthy"
