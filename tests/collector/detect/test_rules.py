"""The rules one by one: who votes, what a plan's change does, time that steps, relapses, components, risks."""

import re
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from collector.detect import board_of, decode_state, encode_state, initial, step
from collector.detect.state import MAX_SUBJECTS
from collector.detect.verdicts.components import IMPROVE_NS
from collector.detect.verdicts.votes import key_id
from collector.events import CheckChanged, IncidentChanged
from collector.inputs import ClockInput, PlanInput, PlanStateInput
from parallax.clock import NS
from parallax.journal import Record
from tests.collector.detect.scenes import EIGHT, T0, Scene, fleet
from tests.collector.detect.world import ADDRESSES, AUTH, PLAN, REST, US, Lab

SMALL = """
[defaults]
period = "5s"
timeout = "2s"
[[check]]
name = "api"
kind = "http"
external = false
targets = ["https://a.example/"]
[[component]]
name = "Sign-in"
checks = ["api"]
"""
TWO = {"a.example": ["203.0.113.10", "203.0.113.20"]}
ONE = {"a.example": ["203.0.113.10"]}


def small(probes: int = 8, addresses: dict[str, list[str]] = ONE, more: str = "") -> Scene:
    return Scene(fleet(EIGHT[:probes]) + SMALL + more, addresses)


# ---- one vantage
def test_one_vantage_needs_three_in_a_row_and_cannot_tell() -> None:
    scene = small(1)
    scene.run(12)
    scene.fails("connect_timeout")
    scene.run(10)
    assert [state for *_, state in scene.turns()] == ["suspected"]
    scene.run(5)
    [incident] = scene.incidents()
    assert incident.title == "a.example takes no connections; single vantage: cannot tell target from network"
    assert incident.evidence is not None
    assert incident.evidence.words == "the one probe failed; single vantage: cannot tell target from network"
    scene.rules.clear()
    scene.run(5)
    assert scene.incidents() == []


def test_two_probes_of_one_network_may_agree_but_one_of_two_may_not() -> None:
    scene = small(2)
    scene.run(10)
    scene.fails("connect_timeout", probes=["fra1"])
    scene.run(60)
    assert scene.check("api") == "suspected"
    scene.fails("connect_timeout")
    scene.run(12)
    assert scene.check("api") == "down", "and goes on to fail"


def test_the_first_to_speak_after_a_start_do_not_decide() -> None:
    """Three early failures of eight probes are not three of three."""
    scene = small(8)
    scene.fails("connect_timeout", probes=["fra1", "lon1", "iad1"])
    scene.run(6)
    assert scene.check("api") in ("up", "suspected")
    assert scene.told("incident") == []


# ---- who does not vote
@pytest.mark.parametrize("more", [{"abstain": "uplink_v4"}, {"fault": "probe"}, {"fault": "config"}])
def test_what_does_not_count(more: dict[str, str]) -> None:
    scene = small()
    scene.run(20)
    scene.fails("connect_timeout", **more)
    scene.run(30)
    assert scene.told("check") == []
    assert scene.check("api") == "unknown"
    [subject] = scene.board.checks[0].subjects
    assert subject.evidence.abstaining == 8


def test_those_who_abstain_leave_the_denominator() -> None:
    scene = small()
    scene.run(20)
    scene.fails("connect_timeout", abstain="overload", probes=["fra1", "lon1", "iad1", "sjc1"])
    scene.fails("connect_timeout", probes=["sin1", "nrt1", "bom1"])
    scene.run(10)
    [incident] = scene.incidents()
    assert incident.evidence is not None
    assert incident.evidence.words.startswith("3 of 4 probes in 2 networks failed within ")
    assert incident.evidence.words.endswith("(4 abstained)")


def test_a_stranger_and_an_unknown_check_say_nothing() -> None:
    scene = small()
    scene.run(10)
    before = len(scene.state.keys)
    for n in range(5):
        scene.t += 0.1
        scene.say(
            "stranger",
            [scene.observe("stranger", "api", "https://a.example/", "203.0.113.10:443", reason="dns_timeout")],
        )
        other = scene.observe("fra1", "api", "https://b.example/", f"203.0.113.{n}:443", reason="dns_timeout")
        scene.say(
            "fra1", [other, msgspec.structs.replace(other, check="no such"), msgspec.structs.replace(other, kind="tls")]
        )
    assert len(scene.state.keys) == before
    assert "stranger" not in scene.state.probes


def test_a_backlog_that_arrives_late_is_no_news() -> None:
    scene = small()
    scene.run(20)
    old = [
        scene.observe(p, "api", "https://a.example/", "203.0.113.10:443", reason="connect_timeout") for p, *_ in EIGHT
    ]
    scene.run(120)
    for observation in old:
        scene.say(observation.probe, [observation])
    assert scene.told("check") == []


# ---- addresses and lookups
def test_a_failed_lookup_is_the_names_and_not_the_addresses() -> None:
    scene = small(addresses=TWO)
    scene.run(20)
    scene.lookups["*", "a.example"] = "dns_servfail"
    scene.run(8)
    assert [(subject, state) for _, subject, state in scene.turns()] == [
        ("a.example:443", "suspected"),
        ("a.example:443", "down"),
    ]
    assert scene.component("Sign-in") == "full_outage"
    [incident] = scene.incidents()
    assert incident.title == "Names in a.example do not resolve: the server failed to answer (SERVFAIL)"
    scene.lookups.clear()
    scene.run(8)
    assert scene.check("api") == "up"
    assert scene.incidents() == []


def test_one_probes_failed_lookup_is_not_everyones() -> None:
    scene = small(addresses=TWO)
    scene.run(20)
    scene.lookups["fra1", "a.example"] = "dns_servfail"
    scene.run(60)
    assert scene.incidents() == []
    assert scene.component("Sign-in") == "operational"


def test_an_address_that_the_name_no_longer_has_is_dropped_and_closed() -> None:
    scene = small(addresses=dict(TWO))
    scene.run(20)
    scene.fails("connect_timeout", subject="203.0.113.10")
    scene.run(10)
    assert scene.check("api") == "down"
    scene.addresses["a.example"] = ["203.0.113.20"]
    scene.run(60)
    assert scene.incidents() == []
    assert scene.check("api") == "up"
    resolved = scene.told("incident.resolved")[-1].data
    assert isinstance(resolved, IncidentChanged)
    assert resolved.what == "its name no longer leads there"
    assert scene.component("Sign-in") == "partial_outage", "a better state has to last"
    scene.run(IMPROVE_NS / NS)
    assert scene.component("Sign-in") == "operational"


# ---- the plan
def test_a_check_that_leaves_the_plan_closes_what_it_opened() -> None:
    lab = Lab()
    lab.run(20)
    lab.fails("http_server_error", check="api")
    lab.run(10)
    assert lab.check("api") == "down"
    plan = PLAN.replace('name = "api"', 'name = "other"').replace('checks = ["api", ', 'checks = ["other", ')
    lab.put_plan(plan)
    up = lab.told("check.up")[-1].data
    assert isinstance(up, CheckChanged)
    assert up.why == "the plan no longer has it"
    assert lab.incidents() == []


def test_a_silent_probe_that_leaves_the_plan_is_no_longer_missed() -> None:
    scene = small()
    scene.run(20)
    scene.mute = {"fra1"}
    scene.run(20)
    assert len(scene.incidents()) == 1
    scene.put_plan(fleet(EIGHT[1:]) + SMALL)
    assert scene.incidents() == []
    assert "fra1" not in [probe.id for probe in scene.board.probes]


def test_a_plan_that_this_version_refuses_leaves_the_old_one() -> None:
    scene = small()
    scene.run(10)
    text = SMALL.replace('kind = "http"', 'kind = "telepathy"')
    scene.put(PlanInput(at=scene.now, digest="d", hash="h", files={"plan.toml": text}))
    scene.put(PlanStateInput(at=scene.now, change="promoted", digest="d", hash="h"))
    assert [check.name for check in scene.board.checks] == ["api"]


# ---- relapses
def test_a_relapse_reopens_and_a_late_one_opens_anew() -> None:
    scene = small()
    scene.run(20)
    for pause in (60, 3700, 10):
        handle = scene.fails("connect_timeout")
        scene.run(10)
        scene.mend(handle)
        scene.run(pause)
    changes = [change for change, _ in scene.changes() if change != "updated"]
    assert changes == ["opened", "monitoring", "reopened", "monitoring", "resolved", "opened", "monitoring"]


def test_another_kind_of_trouble_is_another_incident() -> None:
    lab = Lab()
    lab.run(30)
    for reason in ("connect_timeout", "http_challenge"):
        lab.fails(reason, check="api")
        lab.run(15)
        del lab.rules[1:]
        lab.run(15)
    assert [change for change, _ in lab.changes() if change != "updated"] == ["opened", "monitoring"] * 2


def test_the_evidence_is_where_most_failed() -> None:
    """Those who mend first do not take it back."""
    scene = small(probes=3)
    scene.run(20)
    handle = scene.fails("connect_timeout")
    scene.run(15)
    opened = scene.told("incident.opened")[0].data
    assert isinstance(opened, IncidentChanged)
    assert opened.incident.evidence is not None
    assert opened.incident.evidence.failing == 3
    told = len(scene.told("incident"))
    [incident] = scene.incidents()
    assert incident.evidence is not None
    assert incident.evidence.words.startswith("3 of 3 probes in 3 networks failed within ")
    scene.mend(handle)
    scene.run(20)
    over = scene.told("incident.monitoring")[0].data
    assert isinstance(over, IncidentChanged)
    assert over.incident.evidence == incident.evidence
    assert len(scene.told("incident")) == told + 1, "it is no message of its own"


# ---- probes
def test_all_probes_silent_is_one_incident() -> None:
    scene = small()
    scene.run(30)
    scene.mute = {probe.id for probe in scene.plan.probe}
    scene.run(60)
    assert scene.changes() == [("opened", "No probe is heard: monitoring is blind")]
    assert scene.incidents()[0].severity == "critical"
    assert scene.check("api") == "unknown"
    assert scene.component("Sign-in") == "unknown"
    scene.mute = {"fra1"}
    scene.run(30)
    assert [incident.domain and incident.domain.name for incident in scene.incidents()] == ["fra1"]
    scene.mute = set()
    scene.run(30)
    assert scene.incidents() == []
    assert scene.component("Sign-in") == "operational"
    assert {probe.state for probe in scene.board.probes} == {"healthy"}


def test_silence_while_down_keeps_the_incident_and_says_unknown() -> None:
    scene = small()
    scene.run(20)
    handle = scene.fails("connect_timeout")
    scene.run(10)
    scene.mute = {probe.id for probe in scene.plan.probe}
    scene.run(200)
    assert scene.turns()[-1][2] == "unknown"
    assert "a.example takes no connections" in {incident.title for incident in scene.incidents()}
    assert scene.component("Sign-in") == "full_outage", "nobody has seen it mended"
    scene.mend(handle)
    scene.mute = set()
    scene.run(30)
    assert scene.incidents() == []
    assert scene.turns()[-1][2] == "up"


def test_a_start_of_the_collector_is_no_probes_silence() -> None:
    scene = small()
    scene.run(30)
    scene.mute = {probe.id for probe in scene.plan.probe}
    scene.t += 3600
    scene.put(ClockInput(at=scene.now, started=True))
    scene.run(10)
    assert scene.told("probe") == []
    scene.mute = set()
    scene.run(30)
    assert scene.events == []


def test_a_restart_in_the_middle_of_an_incident_says_nothing_twice() -> None:
    scene = small()
    scene.run(30)
    handle = scene.fails("connect_timeout")
    scene.run(20)
    told = len(scene.events)
    scene.reload()
    scene.t += 300
    scene.put(ClockInput(at=scene.now, started=True))
    scene.run(60)
    assert scene.events[told:] == []
    assert scene.check("api") == "down"
    scene.mend(handle)
    scene.run(20)
    assert scene.incidents() == []


def test_two_hosts_under_one_name() -> None:
    scene = small()
    scene.run(20)
    for n in range(6):
        scene.streams["fra1"] = ("a" if n % 2 else "b") * 16
        scene.run(5)
    assert "Probe fra1 cannot be trusted: probe cloned: two hosts report under its name" in [
        t for _, t in scene.changes()
    ]
    scene.run(90)
    assert scene.incidents() == []


def test_one_that_abstains_half_of_the_time_is_unhealthy() -> None:
    scene = small()
    scene.run(20)
    handle = scene.fails("connect_timeout", abstain="uplink_v4", probes=["fra1"])
    scene.run(60)
    assert "its IPv4 uplink is down" in scene.changes()[0][1]
    scene.mend(handle)
    scene.run(60)
    assert scene.incidents() == []


def busy(probes: int = 4) -> Scene:
    """Thirty subjects a probe, as in the lab: six results a second."""
    addresses = {"a.example": [f"203.0.113.{n}" for n in range(1, 31)]}
    return small(probes, addresses)


def test_a_hiccup_of_a_busy_probe_is_no_trouble() -> None:
    scene = busy()
    scene.run(30)
    handle = scene.fails("connect_timeout", abstain="overload", probes=["fra1"])
    scene.run(7)
    scene.mend(handle)
    scene.run(60)
    assert scene.told("probe") == []


def test_lasting_overload_of_a_busy_probe_is_one_incident() -> None:
    scene = busy()
    scene.run(30)
    handle = scene.fails("connect_timeout", abstain="overload", probes=["fra1"])
    scene.run(30)
    [incident] = scene.incidents()
    assert re.fullmatch(
        r"Probe fra1 cannot be trusted: its host is overloaded \(\d+ of its last \d+ results abstain\)", incident.title
    )
    scene.mend(handle)
    scene.run(40)
    assert [state for state, _ in scene.changes()] == ["opened", "resolved"]
    assert scene.board.probes[0].state == "healthy"


def test_a_probe_that_starts_again_has_a_moment_to_set_its_clock() -> None:
    scene = busy()
    scene.run(30)
    scene.mute = {"fra1"}
    scene.run(12)
    scene.mute = set()
    handle = scene.fails("connect_timeout", abstain="clock_unsynchronised", probes=["fra1"])
    scene.run(6)
    scene.mend(handle)
    scene.run(60)
    assert scene.told("probe") == []


def test_a_backlog_of_abstentions_is_past() -> None:
    scene = busy()
    scene.run(30)
    old = [scene.observe("fra1", "api", "https://a.example/", "203.0.113.1:443", abstain="uplink_v4")] * 200
    cut_at = scene.now
    scene.run(60)
    for _ in range(15):
        scene.say("fra1", old, cut_at=cut_at)
        scene.run(1)
    assert scene.told("probe") == []


def test_an_unhealthy_probe_that_has_no_check_any_more_is_well_again() -> None:
    scene = small()
    scene.run(20)
    scene.fails("connect_timeout", abstain="overload", probes=["fra1"])
    scene.run(60)
    assert [incident.probes for incident in scene.incidents()] == [("fra1",)]
    others = [name for name, *_ in EIGHT[1:]]
    scene.put_plan(fleet() + SMALL.replace("[[component]]", f"probes = {others!r}\n[[component]]"))
    assert scene.incidents() == []
    assert scene.board.probes[0].state == "healthy"


def test_what_is_kept_of_a_probes_results_is_bounded() -> None:
    scene = busy(1)
    for n in range(100):
        words = [
            scene.observe("fra1", "api", "https://a.example/", "203.0.113.1:443", abstain=f"x{m}") for m in range(n)
        ]
        scene.t += 0.5
        scene.say("fra1", [*words, scene.observe("fra1", "api", "https://a.example/", "203.0.113.1:443")])
    assert len(scene.state.probes["fra1"].spells) <= 21
    assert all(len(spell.abstaining) <= 8 for spell in scene.state.probes["fra1"].spells)


# ---- time
def test_a_collectors_clock_put_back_wedges_nothing() -> None:
    scene = small()
    scene.run(30)
    scene.t -= 3600
    scene.fails("connect_timeout")
    scene.run(15)
    assert scene.check("api") == "down"
    scene.rules.clear()
    scene.run(30)
    assert scene.check("api") == "up"
    assert scene.incidents() == []
    assert {probe.state for probe in scene.board.probes} == {"healthy"}


def test_a_collectors_clock_put_forward_silences_nobody() -> None:
    scene = small()
    scene.run(30)
    scene.t += 3600
    scene.run(30)
    assert scene.events == []


# ---- components and risks
def test_maintenance_shows_on_the_page_and_stops_no_detection() -> None:
    begin = datetime.fromtimestamp(T0 / NS + 10, UTC)
    window = f"""
[[maintenance]]
name = "database upgrade"
components = ["Sign-in"]
from = {begin.isoformat()}
to = {(begin + timedelta(seconds=60)).isoformat()}
"""
    scene = small(more=window)
    scene.run(20)
    assert scene.component("Sign-in") == "under_maintenance"
    scene.fails("connect_timeout")
    scene.run(10)
    assert scene.component("Sign-in") == "under_maintenance"
    assert scene.check("api") == "down"
    assert scene.incidents()[0].severity == "warning"
    scene.run(50)
    assert scene.component("Sign-in") == "full_outage"
    assert scene.incidents()[0].severity == "critical"


def test_a_component_without_checks_and_one_without_words() -> None:
    scene = small(more='[[component]]\nname = "Billing"\n')
    assert scene.component("Billing") == "not_measured"
    assert scene.component("Sign-in") == "unknown"
    scene.run(10)
    assert scene.component("Sign-in") == "operational"
    assert scene.events == []


def test_a_flicker_of_a_component_is_two_messages() -> None:
    scene = small()
    scene.run(20)
    for _ in range(3):
        handle = scene.fails("connect_timeout")
        scene.run(8)
        scene.mend(handle)
        scene.run(7)
    scene.run(20)
    assert len(scene.told("component")) == 2


@pytest.mark.parametrize(
    ("days_left", "life", "risks"),
    [(29, 90, 1), (31, 90, 0), (16, 47, 0), (15, 47, 1), (2.1, 6, 0), (1.5, 6, 1), (0.2, 1, 1)],
)
def test_a_certificate_that_ends_soon(days_left: float, life: float, risks: int) -> None:
    lab = Lab()
    end = datetime.fromtimestamp(T0 / NS, UTC) + timedelta(days=days_left)
    leaf = {"not_before": (end - timedelta(days=life)).isoformat(), "not_after": end.isoformat()}
    lab.rule(lambda probe, check, *_: {"findings": {"chain": [leaf]}} if check.kind == "tls" else {})
    lab.run(30)
    assert len(lab.board.risks) == risks
    if risks:
        [risk] = lab.board.risks
        assert risk.expected_at == int(end.timestamp()) * NS
        assert AUTH in risk.title
        assert risk.components == ("User and authentication",)


@pytest.mark.parametrize(
    "leaf",
    [
        {"not_before": "2020-01-01T00:00:00Z", "not_after": "9999-12-31T23:59:59Z"},  # RFC 5280 section 4.1.2.5: no end
        {"not_before": "0001-01-01T00:00:00Z", "not_after": "2600-01-01T00:00:00Z"},
        {"not_before": "9999-12-31T23:59:59Z", "not_after": "0001-01-01T00:00:00Z"},
    ],
)
def test_a_certificate_of_any_time_fits_into_the_snapshot(leaf: dict[str, str]) -> None:
    lab = Lab()
    lab.rule(lambda probe, check, *_: {"findings": {"chain": [leaf]}} if check.kind == "tls" else {})
    lab.run(30)
    assert decode_state(encode_state(lab.state)) == lab.state
    assert not lab.board.risks


# ---- refusals
def test_what_data_centres_alone_are_refused_is_not_called_an_outage_even_with_nobody_else() -> None:
    rows = [(name, region, provider, asn, "data-centre") for name, region, provider, asn, _ in EIGHT]
    lab = Scene(fleet(rows) + REST, ADDRESSES)
    lab.run(20)
    lab.fails("http_throttled", check="api", fault="blocked")
    lab.run(20)
    [incident] = lab.incidents()
    assert "blocked or throttled: cannot tell" in incident.title
    assert incident.severity == "warning"
    assert incident.domain is not None
    assert not incident.domain.certain, "nobody outside of data centres was asked"
    assert lab.component("User and authentication") == "unknown", "nobody gets through: neither down nor well"


def test_a_refusal_that_access_lines_get_too_is_an_outage() -> None:
    lab = Lab()
    lab.run(20)
    lab.fails("http_forbidden", check="api")
    lab.run(20)
    [incident] = lab.incidents()
    assert incident.title == f"{AUTH} forbids requests (403)"
    assert lab.check("api") == "down"


# ---- bounds and strangers
def test_a_record_from_nowhere_changes_only_the_position() -> None:
    state = initial("0" * 16)
    state, events = step(state, Record(position=7, kind="batch", body=b"\xff", at_ns=5))
    assert events == []
    assert state.position == 7
    assert board_of(state).position == 7


@pytest.mark.slow
def test_what_a_server_sends_cannot_fill_the_state() -> None:
    scene = small()
    scene.run(10)
    for n in range(100):
        addresses = [f"[2001:db8::{n:x}:{m:x}]:443" for m in range(250)]
        scene.say("fra1", [scene.observe("fra1", "api", "https://a.example/", address) for address in addresses])
    scene.say("fra1", [scene.observe("fra1", "api", "https://a.example/", "x" * 1000)])
    assert len(scene.state.keys) <= MAX_SUBJECTS
    assert scene.run(10) == []
    assert scene.check("api") == "up"


def test_down_of_one_address_says_region_of_the_lab() -> None:
    lab = Lab()
    lab.run(20)
    lab.fails("tls_timeout", subject=US, check="front door")
    lab.run(10)
    assert lab.incidents()[0].title == "Region us-east is down: 203.0.113.10 does not finish the TLS handshake"


@pytest.mark.parametrize("reason", [None, "connect_timeout"])
def test_a_probe_that_makes_subjects_up_crowds_out_none_that_others_see(reason: str | None) -> None:
    lab = Lab()
    lab.run(20)
    target = f"{AUTH}:443"

    def real() -> list[int]:
        return [len(lab.state.keys[key_id("front door", target, f"{ip}:443")].votes) for ip in ADDRESSES[AUTH]]

    assert real() == [8, 8]
    for turn in range(8):
        made_up = [
            lab.observe("fra1", "front door", target, f"10.0.{turn if reason is None else 0}.{n}:443", reason=reason)
            for n in range(250)
        ]
        for _ in range(3):
            lab.say("fra1", made_up)
            assert real() == [8, 8]
        lab.run(5)
    lab.fails("connect_refused", check="front door", subject="203.0.113.10:443")
    lab.addresses = {**ADDRESSES, AUTH: [*ADDRESSES[AUTH], "203.0.113.30"]}
    lab.run(20)
    assert lab.state.keys[key_id("front door", target, "203.0.113.10:443")].state == "down"
    assert key_id("front door", target, "203.0.113.30:443") in lab.state.keys, "there is room for what is new"


@pytest.mark.slow
@pytest.mark.parametrize(("fails_s", "passes_s"), [(5, 5), (15, 15), (60, 60)])
def test_what_flaps_is_one_incident_and_few_messages(fails_s: int, passes_s: int) -> None:
    lab = Lab()
    lab.run(20)
    for _ in range(1800 // (fails_s + passes_s)):
        fault = lab.fails("connect_refused", check="api")
        lab.run(fails_s)
        lab.mend(fault)
        lab.run(passes_s)
    said = [event.data for event in lab.events if isinstance(event.data, IncidentChanged)]
    assert len({change.incident.id for change in said}) == 1
    assert len(said) <= 13
    lab.run(700)
    said = [event.data for event in lab.events if isinstance(event.data, IncidentChanged)]
    assert said[-1].change == "monitoring"
    assert lab.state.open == {}
    fault = lab.fails("connect_refused", check="api")
    lab.run(10)
    lab.mend(fault)
    lab.run(10)
    assert lab.state.open == {}, "it does not flap any more: the end is told at once"


@pytest.mark.slow
def test_a_probe_that_comes_and_goes_is_few_incidents() -> None:
    lab = Lab()
    lab.run(20)
    for _ in range(30):
        lab.mute.add("fra1")
        lab.run(20)
        lab.mute.discard("fra1")
        lab.run(20)
    assert len(lab.told("probe.silent")) >= 25, "it did flap"
    assert len(lab.told("incident.opened")) <= 4
    lab.run(70)
    assert lab.state.open == {}
    assert len(lab.told("incident.resolved")) == len(lab.told("incident.opened"))
    lab.run(700)
    lab.mute.add("fra1")
    lab.run(20)
    lab.mute.discard("fra1")
    lab.run(5)
    assert lab.state.open == {}, "it does not flap any more: the end is told at once"


@pytest.mark.slow
def test_a_risk_lasts_as_long_as_its_incident() -> None:
    lab = Lab()
    lab.run(20)
    for _ in range(60):
        fault = lab.fails("dns_timeout", check="name servers")
        lab.run(10)
        lab.mend(fault)
        lab.run(10)
    raised = [event for event in lab.told("risk.raised") if "is dark" in event.data.risk.title]
    assert 1 <= len(raised) <= 4
    lab.run(700)
    assert lab.state.open == {}
    assert len(lab.told("risk.cleared")) == len(lab.told("risk.raised")) - len(lab.state.risks)
