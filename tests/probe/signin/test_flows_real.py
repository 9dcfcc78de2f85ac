"""Whole sign-ins at a real, certified OpenID provider: what each step sees, and what is left behind."""

from pathlib import Path

import pytest

from parallax.clock import NS
from tests.parts.certificates import Authority
from tests.parts.oidc_provider import OidcProvider, Pages, oidc_provider
from tests.probe.signin.flows import check_of, run, spec_at, told, tools_for

pytestmark = pytest.mark.slow

ONE_REQUEST = ["send", "first_byte", "body"]
WHOLE = [
    "discovery", "jwks", "authorize", "password", "consent",
    "token", "verify", "userinfo", "refresh", "logout", "session",
]  # fmt: skip


async def test_a_whole_sign_in_from_discovery_to_a_session_that_is_dead(provider: OidcProvider, tmp_path: Path) -> None:
    found = await run(check_of(spec_at(provider)), tools_for(provider, tmp_path))
    assert told(found) == [(step, None) for step in WHOLE]
    by_step = {each.subject: each for each in found}
    assert len({each.run for each in found}) == 1
    password = by_step["password"]
    assert password.dims["step"] == "password"
    assert password.dims["cadence"] == "full"
    assert password.dims["flow"] == "oidc.password"
    assert password.dims["address"] == "127.0.0.1"
    assert password.findings["form"] == ["login", "password", "remember"]
    assert password.findings["pressed"] == "Sign in"
    assert by_step["consent"].findings["pressed"] == "Allow"
    assert by_step["verify"].findings["token"]["alg"] == "RS256"
    assert by_step["refresh"].findings["rotated"] is True
    assert by_step["logout"].findings["revocation"] == {"refresh_token": 200, "access_token": 200}
    assert by_step["session"].findings["prompt_none"] == "login_required"
    assert by_step["session"].findings["userinfo"] == 401
    assert [phase.name for phase in by_step["discovery"].phases] == ["lookup", "connect", "tls", *ONE_REQUEST]
    assert [phase.name for phase in by_step["token"].phases] == ONE_REQUEST


async def test_a_light_run_signs_nobody_in(provider: OidcProvider, tmp_path: Path) -> None:
    check = check_of(spec_at(provider, every={"full": "1h"}), period_s=30)
    runs = [await run(check, tools_for(provider, tmp_path), at_ns=1_800_000_000 * NS + n * 30 * NS) for n in range(3)]
    assert all(told(found) == [("discovery", None), ("jwks", None)] for found in runs if len(found) == 2)
    assert sum(len(found) == 2 for found in runs) >= 2


async def test_a_wrong_password_halts_the_flow_and_is_sent_once(provider: OidcProvider, tmp_path: Path) -> None:
    check, tools = check_of(spec_at(provider)), tools_for(provider, tmp_path, password="wrong-wrong-wrong")
    first = await run(check, tools)
    assert told(first)[-1] == ("password", "signin_bad_credentials")
    assert first[-1].fault == "config"
    again = await run(check, tools)
    assert told(again) == [("discovery", None), ("jwks", None), ("password", "signin_halted")]
    assert again[-1].findings["because"] == "signin_bad_credentials"
    assert again[-1].findings["halted_until"].endswith("Z")
    # a changed password is tried at once
    mended = tools_for(provider, tmp_path, signins=tools.signins)
    assert told(await run(check, mended)) == [(step, None) for step in WHOLE]


async def test_the_budget_is_kept_and_does_not_count(provider: OidcProvider, tmp_path: Path) -> None:
    check = check_of(spec_at(provider, budget={"per_user": "1/h"}))
    tools = tools_for(provider, tmp_path)
    assert told(await run(check, tools))[-1] == ("session", None)
    found = await run(check, tools)
    assert told(found) == [("discovery", None), ("jwks", None), ("authorize", "signin_own_budget")]
    assert found[-1].abstain == "over_budget"


async def test_a_locked_account_is_blocked_though_the_status_is_200(ca: Authority, tmp_path: Path) -> None:
    async with oidc_provider(ca, issuer=None, pages=Pages(locked_after=1)) as provider:
        check = check_of(spec_at(provider))
        await run(check, tools_for(provider, tmp_path, password="wrong-wrong-wrong"))
        found = await run(check, tools_for(provider, tmp_path))
        assert told(found)[-1] == ("password", "signin_account_locked")
        assert found[-1].fault == "blocked"
        assert found[-1].findings["status"] == 200


async def test_a_captcha_beside_a_refusal_is_told(ca: Authority, tmp_path: Path) -> None:
    """The page says that the password is wrong; what stands beside it may be the reason."""
    async with oidc_provider(ca, issuer=None, pages=Pages(captcha_after=1)) as provider:
        found = await run(check_of(spec_at(provider)), tools_for(provider, tmp_path, password="wrong-wrong-wrong"))
        assert told(found)[-1] == ("password", "signin_bad_credentials")
        assert found[-1].findings["captcha"] == "hcaptcha"


async def test_identifier_first(ca: Authority, tmp_path: Path) -> None:
    async with oidc_provider(ca, issuer=None, pages=Pages(identifier_first=True)) as provider:
        found = await run(check_of(spec_at(provider)), tools_for(provider, tmp_path))
        assert told(found) == [(step, None) for step in [*WHOLE[:3], "identifier", *WHOLE[3:]]]


async def test_a_failed_discovery_has_a_control_attempt_and_where_that_fails_nothing_follows(
    provider: OidcProvider, tmp_path: Path
) -> None:
    provider.break_path("/.well-known/*", status=503, times=2)
    found = await run(check_of(spec_at(provider)), tools_for(provider, tmp_path))
    assert [(each.subject, each.attempt, each.reason) for each in found] == [
        ("discovery", 1, "http_server_error"),
        ("discovery", 2, "http_server_error"),
    ]


async def test_a_control_attempt_that_passes_lets_the_flow_go_on_and_the_first_stays_failed(
    provider: OidcProvider, tmp_path: Path
) -> None:
    provider.break_path("/.well-known/*", status=503, times=1)
    found = await run(check_of(spec_at(provider)), tools_for(provider, tmp_path))
    assert [(each.subject, each.attempt, each.reason) for each in found[:3]] == [
        ("discovery", 1, "http_server_error"),
        ("discovery", 2, None),
        ("jwks", 1, None),
    ]
    assert (found[-1].subject, found[-1].reason) == ("session", None)


async def test_a_failed_exchange_is_cleaned_up(provider: OidcProvider, tmp_path: Path) -> None:
    provider.break_path("/token", status=503)
    found = await run(check_of(spec_at(provider)), tools_for(provider, tmp_path))
    assert told(found)[-2:] == [("token", "http_server_error"), ("cleanup", None)]
    assert found[-1].findings["pressed"] == "Yes, sign me out"


async def test_a_session_is_kept_for_silent_runs_and_ended_by_the_next_whole_one(
    provider: OidcProvider, tmp_path: Path
) -> None:
    spec = spec_at(provider, every={"silent": "60s", "full": "10m"})
    check, tools = check_of(spec, period_s=30), tools_for(provider, tmp_path)
    start = 1_800_000_000
    cadences: list[tuple[str, list[tuple[str, str | None]]]] = []
    for n in range(45):
        found = await run(check, tools, at_ns=(start + n * 30) * NS)
        cadences.append((found[0].dims["cadence"], told(found)))
    full = [steps for cadence, steps in cadences if cadence == "full"]
    silent = [steps for cadence, steps in cadences if cadence == "silent"]
    assert len(full) >= 2
    assert [step for step, _ in full[0]] == WHOLE[:-2]
    assert [step for step, _ in full[1]] == WHOLE
    assert ("silent", None) in silent[-1]
    assert all(reason is None for _, steps in cadences for _, reason in steps)
    assert len(tools.signins.sessions) == 1
    await tools.signins.end_orphans({})
    assert len(tools.signins.sessions) == 0
