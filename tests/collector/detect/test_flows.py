"""Flows in detection: steps that runs no longer get to, cadences, refusals and what bears them out, blind checks."""

import msgspec
import pytest

from collector.detect.verdicts.flows import turn_ns
from collector.detect.view import view_of
from parallax.clock import NS
from tests.collector.detect.flow_world import (
    DATA_CENTRE_PROBES,
    DATA_CENTRES,
    FULL,
    ISSUER,
    PLAN,
    TWO_TENANTS,
    Provider,
)
from tests.collector.detect.scenes import EIGHT

pytestmark = pytest.mark.slow


def well(plan: str = PLAN, **more: object) -> Provider:
    world = Provider(plan, **more)  # type: ignore[arg-type]
    world.minutes(16)
    assert world.component("Sign-in") == "operational"
    assert world.events == []
    return world


# ---- steps
def test_a_dear_step_is_fresh_until_its_own_next_turn() -> None:
    world = well()
    world.minutes(4)
    assert {world.step_state(step) for step in FULL} == {"up"}
    assert world.events == []


def test_a_flow_that_fails_at_a_step_is_a_full_outage_of_what_it_stands_for() -> None:
    world = well()
    world.stop("password", "http_server_error")
    world.minutes(11)
    assert world.component("Sign-in") == "full_outage"
    assert world.why() == "1 of 1 measured subjects down: sign-in at password"
    [incident] = world.incidents()
    assert incident.title == "Sign-in at idp.example fails at password: the server reports an error of its own (5xx)"
    assert {affected.subject for affected in incident.checks} == {"password"}
    assert {step: world.step_state(step) for step in FULL[4:]} == dict.fromkeys(FULL[4:], "unknown")
    assert {turn[1] for turn in world.turns()} == {"password"}, "the steps behind it are unknown, and nothing is told"
    assert not world.told("probe")
    world.go("password")
    world.minutes(11)
    assert world.incidents() == []
    assert world.component("Sign-in") == "operational"
    assert {world.step_state(step) for step in FULL} == {"up"}


def test_what_fails_behind_the_sign_in_is_not_the_whole() -> None:
    world = well()
    world.stop("logout", "http_server_error")
    world.minutes(11)
    assert world.component("Sign-in") == "partial_outage"


def test_a_step_that_fails_stays_in_its_incident_while_an_earlier_one_fails_too() -> None:
    world = well()
    world.stop("token", "http_server_error")
    world.minutes(11)
    [first] = world.incidents()
    world.stop("password", "http_server_error")
    world.minutes(90)
    [incident] = world.incidents()
    assert incident.id == first.id
    assert {affected.subject for affected in incident.checks} == {"password", "token"}
    assert world.step_state("token") == "unknown"
    world.go("password")
    world.minutes(11)
    [incident] = world.incidents()
    assert incident.id == first.id, "token fails still"
    assert world.step_state("password") == "up"
    world.go("token")
    world.minutes(11)
    assert world.incidents() == []
    assert [change for change, _ in world.changes() if change != "updated"] == ["opened", "monitoring"]


def test_a_step_that_runs_get_past_without_is_let_go() -> None:
    world = well()
    world.full.insert(4, "consent")
    world.minutes(11)
    world.stop("consent", "http_server_error")
    world.minutes(11)
    assert len(world.incidents()) == 1
    world.full.remove("consent")
    world.minutes(70)
    assert world.incidents() == []
    assert world.step_state("consent") == ""
    assert world.told("incident.resolved")[-1].data.what == "runs do without it"  # type: ignore[union-attr]


def test_what_cleaning_up_left_is_over_when_no_run_has_anything_to_clean() -> None:
    world = well()
    for _ in range(2):
        for probe, *_ in EIGHT:
            left = world.observe(
                probe, "sign-in", ISSUER, "cleanup", reason="signin_cleanup_failed",
                dims={"step": "cleanup", "cadence": "full"}, findings={"every_s": 300},
            )  # fmt: skip
            world.say(probe, [left])
        world.t += 10
    world.minutes(1)
    assert world.component("Sign-in") == "degraded_performance"
    world.minutes(15)
    assert world.component("Sign-in") == "operational"
    assert world.incidents() == []


def test_an_optional_step_is_let_go_where_no_run_gets_to_its_planned_end() -> None:
    world = well()
    world.full = [*FULL[:4], "consent", *FULL[4:], "session"]
    world.minutes(11)
    world.stop("consent", "http_server_error")
    world.minutes(11)
    world.full.remove("consent")
    world.stop("session", "http_server_error", probes=[row[0] for row in EIGHT])
    world.go("consent")
    world.minutes(70)
    [incident] = world.incidents()
    assert [affected.subject for affected in incident.checks if affected.state != "up"] == ["session"]
    assert world.step_state("consent") == ""


def test_one_probes_failure_of_an_early_step_takes_only_its_own_words_back() -> None:
    world = well()
    world.stop("authorize", "http_server_error", probes=["fra1"])
    world.minutes(11)
    assert {world.step_state(step) for step in FULL[3:]} == {"up"}
    assert world.incidents() == []


def test_a_step_is_not_forgotten_while_an_earlier_one_keeps_runs_from_it() -> None:
    world = well()
    world.stop("token", "http_server_error")
    world.minutes(11)
    world.stop("password", "http_server_error")
    world.minutes(30)
    [token] = [key for key in world.state.keys.values() if key.subject == "token"]
    assert world.now - token.spoke_at < 310 * NS, "else it would be given up as measured by nobody"


def test_few_who_get_past_a_failing_step_mend_nothing_behind_it() -> None:
    world = well()
    world.stop("token", "http_server_error")
    world.minutes(11)
    world.go("token")
    world.stop("password", "http_server_error", probes=[row[0] for row in EIGHT[:6]])
    world.minutes(21)
    assert world.step_state("password") == "down"
    assert world.step_state("token") == "degraded", "not up: two of eight get there"
    world.go("password")
    world.minutes(11)
    assert world.step_state("token") == "up"


def test_a_control_attempt_has_no_vote() -> None:
    world = well()
    for _ in range(6):
        world.t += 5
        for probe in DATA_CENTRE_PROBES:
            failed = world.observe(probe, "sign-in", ISSUER, "jwks", reason="http_server_error", attempt=2)
            world.say(probe, [failed])
    assert world.step_state("jwks") == "up"
    assert world.events == []


def test_after_a_restart_of_the_collector_nothing_is_told_anew() -> None:
    world = well()
    world.stop("password", "http_server_error")
    world.minutes(11)
    told = len(world.events)
    world.reload()
    world.minutes(6)
    assert world.events[told:] == []


@pytest.mark.parametrize(
    ("every_s", "turn"),
    [(300, 300), (20, 0), (30, 0), (10**9, 86400), (float("inf"), 86400), (float("nan"), 0), ("300", 0), (True, 0)],
)
def test_when_a_step_is_due_again(every_s: object, turn: int) -> None:
    world = Provider()
    view = view_of(world.state.plan)
    assert view is not None
    said = world.observe("fra1", "sign-in", ISSUER, "token", findings={"every_s": every_s})
    assert turn_ns(view.checks["sign-in"], said) == turn * NS


# ---- refusals
def test_a_wall_before_data_centres_hides_nothing_that_users_lines_see() -> None:
    world = well()
    world.stop("password", "http_challenge", probes=DATA_CENTRE_PROBES)
    world.minutes(16)
    [incident] = world.incidents()
    assert "blocked or throttled: cannot tell" in incident.title
    assert incident.severity == "warning"
    assert world.component("Sign-in") == "operational", "two lines get through"
    assert world.risks() == []


def test_a_wall_that_users_lines_meet_too_is_an_outage() -> None:
    world = well()
    world.stop("password", "http_challenge")
    world.minutes(16)
    assert world.component("Sign-in") == "full_outage"


def test_a_wall_of_which_nobody_outside_can_tell_is_unknown_and_then_a_blind_check() -> None:
    world = well(rows=DATA_CENTRES)
    world.stop("password", "http_challenge")
    world.minutes(11)
    assert world.component("Sign-in") == "unknown"
    assert world.why().startswith("sign-in: blocked or throttled: cannot tell")
    assert world.check("sign-in") == "unknown"
    assert world.risks() == []
    world.minutes(60)
    [risk] = world.risks()
    assert risk.title.startswith("Check sign-in is blind at password: ")
    assert "no run got through for " in risk.why
    assert risk.components == ("Sign-in",)
    assert world.component("Sign-in") == "unknown"
    world.go("password")
    world.minutes(11)
    assert world.risks() == []
    assert [change for change, _ in world.risk_changes()] == ["raised", "cleared"]
    assert world.component("Sign-in") == "operational"
    assert world.incidents() == []


@pytest.mark.parametrize("step", ["discovery", "jwks"])
def test_what_is_published_for_everybody_bears_a_wall_out(step: str) -> None:
    """The keys fail from the next cheap run on, while the sign-in was refused: the wall is part of an outage."""
    world = well(rows=DATA_CENTRES)
    world.stop("password", "http_challenge")
    world.minutes(11)
    [incident] = world.incidents()
    assert incident.severity == "warning"
    world.stop(step, "http_server_error")
    world.minutes(2)
    assert world.component("Sign-in") == "full_outage"
    assert world.step_state(step) == "down"
    [one] = world.incidents()
    assert one.severity == "critical"
    assert one.id != incident.id
    assert {affected.subject for affected in one.checks} == {step, "password"}
    resolved = world.told("incident.resolved")[-1].data
    assert resolved.what == "it is part of an outage"  # type: ignore[union-attr]


def test_another_tenant_bears_a_wall_out() -> None:
    world = well(TWO_TENANTS, rows=DATA_CENTRES)
    world.stop("password", "http_challenge", check="sign-in")
    world.minutes(11)
    assert world.component("Sign-in") == "unknown"
    world.stop("token", "http_server_error", check="other tenant")
    world.minutes(11)
    assert world.step_state("password") == "down"
    assert world.component("Sign-in") == "full_outage"


@pytest.mark.parametrize("reason", ["http_challenge", "http_throttled", "http_forbidden", "signin_bad_credentials"])
def test_a_refusal_bears_out_no_other(reason: str) -> None:
    world = well(TWO_TENANTS, rows=DATA_CENTRES)
    world.stop("password", "http_challenge", check="sign-in")
    world.stop("password", reason, check="other tenant")
    world.minutes(21)
    assert world.component("Sign-in") == "unknown"
    assert not any(incident.severity == "critical" for incident in world.incidents())


def test_a_budget_that_is_spent_makes_nobody_doubt_the_probe() -> None:
    world = well()
    for _ in range(60):
        world.t += 1
        spent = {"reason": "signin_own_budget", "abstain": "over_budget", "findings": {"place": [3, 8]}}
        for probe, *_ in EIGHT:
            world.say(probe, [world.observe(probe, "sign-in", ISSUER, "authorize", **spent)])
    assert world.told("probe") == []
    assert world.risks() == []


def test_a_tenant_that_is_slow_bears_nothing_out() -> None:
    world = well(TWO_TENANTS, rows=DATA_CENTRES)
    world.stop("password", "http_challenge", check="sign-in")
    world.stop("password", "http_slow", check="other tenant")
    world.minutes(21)
    assert world.component("Sign-in") == "degraded_performance"
    assert world.step_state("password") == "degraded"
    assert not any(incident.severity == "critical" for incident in world.incidents())


def test_a_check_that_is_wrongly_set_up_is_blind_and_hurts_nobody() -> None:
    world = well()
    world.stop("password", "signin_bad_credentials")
    world.minutes(16)
    assert world.incidents() == []
    assert world.component("Sign-in") == "unknown"
    [board] = [check for check in world.board.checks if check.name == "sign-in"]
    assert board.state == "unknown", "what the steps before it say is not the flow's state"
    assert board.why.startswith("password: cannot tell: user name or password are not accepted")
    world.stop("password", "signin_halted")
    world.minutes(11)
    assert world.why().startswith("sign-in: cannot tell: user name or password are not accepted"), "why it is halted"
    world.minutes(60)
    [risk] = world.risks()
    assert risk.title.startswith("Check sign-in is blind at password: user name or password are not accepted")
    world.go("password")
    world.minutes(11)
    assert world.risks() == []
    assert world.component("Sign-in") == "operational"
    assert (world.check("sign-in"), [check.why for check in world.board.checks]) == (
        "up",
        [""] * len(world.board.checks),
    )


def test_one_probe_that_is_wrongly_set_up_blinds_nothing() -> None:
    world = well()
    world.stop("password", "signin_bad_credentials", probes=["fra1"])
    world.minutes(80)
    assert world.component("Sign-in") == "operational"
    assert world.risks() == []
    assert world.incidents() == []


def test_an_outage_of_which_nothing_is_seen_any_more_is_not_held_against_the_provider_for_ever() -> None:
    world = well()
    world.stop("token", "http_server_error")
    world.minutes(11)
    world.stop("password", "signin_bad_credentials")
    world.minutes(60)
    assert len(world.incidents()) == 1, "nobody has seen it mended"
    world.go("password")
    world.go("token")
    world.minutes(11)
    assert world.incidents() == []


# ---- what probes make up
@pytest.mark.parametrize(
    "findings",
    [
        {"place": [0, 0]}, {"place": [5, 3]}, {"place": [2**63, 2**63]}, {"place": "12"}, {"place": [True, True]},
        {"every_s": -1}, {"every_s": 2**64 - 1}, {"kids": [1, None, "a" * 10_000] * 1000}, {"kids": {"a": 1}},
        {"endpoints": {str(n): "x" * 1000 for n in range(10_000)}}, {"endpoints": [1]},
    ],
)  # fmt: skip
def test_findings_of_any_shape_are_survived(findings: dict[str, object]) -> None:
    world = Provider()
    world.says = dict.fromkeys(FULL, findings)
    world.minutes(2)
    world.reload()
    world.minutes(1)
    assert world.incidents() == []
    assert len(msgspec.msgpack.encode(world.state.published)) < 500_000
