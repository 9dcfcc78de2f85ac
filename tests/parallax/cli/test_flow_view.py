"""What a person reads of a flow."""

from typing import Any

import pytest
from rich.console import Console

from parallax.cli.grades import exit_status
from parallax.cli.show import render
from parallax.observation import Observation
from parallax.reasons import REASONS

MS = 1_000_000
BEGAN = 1_790_000_000_000_000_000
ISSUER = "https://sso.example.com"


def step(name: str, at_ms: int, ms: int, reason: str | None = None, attempt: int = 1, **findings: Any) -> Observation:
    return Observation(
        probe="local", stream="", seq=0, run="ab" * 8, check="by hand", kind="signin", target=ISSUER, subject=name,
        dims={"step": name, "issuer": ISSUER, "flow": "oidc.password", "cadence": "full"}, attempt=attempt,
        scheduled_at=0, started_at=BEGAN + at_ms * MS, duration_ns=ms * MS, phases=[], reason=reason,
        fault=REASONS[reason].fault if reason else None, findings=findings,
    )  # fmt: skip


def text(*observations: Observation, width: int = 90, plain: bool = True) -> str:
    console = Console(width=width, no_color=True, force_terminal=False)
    with console.capture() as capture:
        console.print(render(observations, width=width, plain=plain))
    return capture.get()


REFUSED = (
    step("discovery", 0, 10),
    step("jwks", 10, 10),
    step("authorize", 20, 40, title="Sign in", page="identifier_password"),
    step(
        "password", 60, 40, "signin_bad_credentials", place=[5, 13], form=["login", "password"], pressed="Sign in",
        title="Sign in", page="bad_credentials", alerts=["Wrong password\x1b[31m"], status=200,
        hops=[{"method": "POST", "url": f"{ISSUER}/login?state=***", "status": 200, "ms": 38.2}],
    ),
)  # fmt: skip


def test_where_it_stopped_comes_first_then_whose_fault() -> None:
    lines = [line.strip() for line in text(*REFUSED, width=200).splitlines()]
    assert lines[0].startswith("config at password, step 5 of 13: user name or password are not accepted")
    assert lines[1] == "fault     what was asked for"
    assert lines[3].startswith("hint      it was sent once. Do not run this again before it is mended")
    assert exit_status(REFUSED) == 2


def test_bars_are_on_the_scale_of_the_whole_run() -> None:
    bars = {line.split()[0]: line for line in text(*REFUSED).splitlines() if "#" in line}
    assert list(bars) == ["discovery", "jwks", "authorize", "password"]
    assert bars["jwks"].index("#") > bars["discovery"].index("#")
    assert bars["password"].count("#") == pytest.approx(4 * bars["jwks"].count("#"), abs=4)
    assert all(" ms  " in line for line in bars.values())
    assert max(map(len, text(*REFUSED, width=60).splitlines())) <= 60
    assert any(line.endswith(" unknown") for line in text(step("jwks", 0, 3, "probe_error"), width=60).splitlines())


def test_what_was_seen_is_under_each_step_and_cannot_write_to_the_terminal() -> None:
    seen = text(*REFUSED)
    assert 'came to "Sign in" (identifier_password)' in seen
    assert 'filled in login, password, pressed "Sign in"' in seen
    assert 'it says: "Wrong password\\x1b[31m"' in seen
    assert "POST https://sso.example.com/login?state=***  200  38 ms" in seen
    assert "\x1b" not in seen


def test_what_was_not_reached_is_named() -> None:
    seen = " ".join(text(*REFUSED).split())
    assert "not reached: otp, consent, token, verify, userinfo, refresh, logout, session" in seen
    steps = [step("open", 0, 1), step("send", 1, 1, "http_server_error", place=[2, 5])]
    assert "not reached: 3 more" in text(*(_other_flow(each) for each in steps))


def _other_flow(seen: Observation) -> Observation:
    seen.dims["flow"] = "steps"
    return seen


def test_cleaning_up_is_told() -> None:
    failed = step("token", 0, 10, "http_server_error", place=[8, 13])
    assert "cleanup   done" in text(failed, step("cleanup", 10, 5))
    left = text(failed, step("cleanup", 10, 5, "signin_cleanup_failed", because="connect_timeout"))
    assert "failed (connect_timeout): a session of this run may live on" in " ".join(left.split())
    assert "failed at token" in left
    passed = (step("logout", 0, 1), step("session", 1, 1, prompt_none="login_required"))
    assert "cleanup   nothing was left: the logout is proven" in text(*passed)
    assert exit_status(passed) == 0


def test_a_control_attempt_is_a_line_of_its_own_and_not_the_verdict() -> None:
    seen = text(step("discovery", 0, 10, "http_server_error"), step("discovery", 120, 10, attempt=2))
    assert seen.startswith("failed at discovery")
    assert "discovery again" in seen
    assert "a client that tries again gets through" in " ".join(seen.split())


def test_a_finding_that_nobody_knows_stands_as_it_is() -> None:
    seen = text(step("sign_in", 0, 10, sign_in_status="needs_client_trust", odd={"a_b": [1, 2]}))
    assert "sign in status: needs_client_trust" in seen
    assert "odd: a b 1, 2" in seen


@pytest.mark.parametrize("width", [20, 40, 60])
def test_a_narrow_terminal_has_it_all(width: int) -> None:
    seen = text(*REFUSED, width=width)
    assert "password" in seen
    assert "Wrong password" in " ".join(seen.split())
