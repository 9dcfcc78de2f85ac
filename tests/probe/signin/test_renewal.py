"""Kept sessions: renewed, never twice with the same token, and ended when the provider says so."""

from pathlib import Path

import pytest

from parallax.clock import NS
from parallax.observation import Observation, as_dict
from parallax.plan.signin_rules import STEPS
from probe.signin.presets import PRESETS
from probe.tools import Tools
from tests.fakes.signin_server import DISCOVERY, Asked, Said, SigninServer, as_json
from tests.parts.certificates import Authority
from tests.probe.signin.flows import check_of, run, spec_of, told, tools_at

pytestmark = pytest.mark.slow

EVERY = {"every": {"silent": "60s", "full": "10m"}}


class Days:
    """A check's runs, one after the other on its grid; `until` runs on until one is of this cadence."""

    def __init__(self, server: SigninServer, tools: Tools) -> None:
        self._check, self._tools = check_of(spec_of(server, **EVERY), period_s=30), tools
        self._at = 1_800_000_000

    async def until(self, cadence: str) -> list[Observation]:
        for _ in range(25):
            self._at += 30
            found = await run(self._check, self._tools, at_ns=self._at * NS)
            if found[0].dims["cadence"] == cadence:
                return found
        raise AssertionError(f"no {cadence} run in 25")


@pytest.fixture
def days(server: SigninServer, ca: Authority, tmp_path: Path) -> Days:
    return Days(server, tools_at(ca, tmp_path))


def grants(server: SigninServer) -> list[str]:
    return [form["grant_type"] for form in server.forms("/token")]


async def test_before_the_first_whole_run_there_is_nothing_to_renew(days: Days) -> None:
    assert told(await days.until("silent")) == [("discovery", None), ("jwks", None)]


async def test_a_refresh_token_is_followed_through_its_rotations(days: Days, server: SigninServer) -> None:
    await days.until("full")
    for _ in range(3):
        found = await days.until("silent")
        assert told(found)[-1] == ("silent", None)
        assert found[-1].findings["by"] == "refresh token"
        assert found[-1].findings["every_s"] == 60
    sent = [form["refresh_token"] for form in server.forms("/token") if "refresh_token" in form]
    assert len(sent) == len(set(sent)) == 4


async def test_a_refresh_without_an_answer_is_not_sent_again(days: Days, server: SigninServer) -> None:
    await days.until("full")
    kept = server.answers["/token"]
    server.answers["/token"] = lambda asked: Said(503)
    assert told(await days.until("silent"))[-1] == ("silent", "http_server_error")
    server.answers["/token"] = kept
    found = await days.until("silent")
    assert told(found)[-1] == ("silent", None)
    assert found[-1].findings["by"] == "prompt=none"
    sent = [form["refresh_token"] for form in server.forms("/token") if "refresh_token" in form]
    assert len(sent) == len(set(sent))


async def test_a_session_that_is_over_is_told_once_and_ended(days: Days, server: SigninServer) -> None:
    await days.until("full")
    server.answers["/token"] = lambda asked: as_json({"error": "invalid_grant"}, 400)
    assert told(await days.until("silent"))[-1] == ("silent", "oauth_invalid_grant")
    assert not server.session
    assert told(await days.until("silent")) == [("discovery", None), ("jwks", None)]


async def test_prompt_none_that_never_works_is_a_soft_matter(days: Days, server: SigninServer) -> None:
    token, auth = server.answers["/token"], server.answers["/auth"]
    server.answers["/token"] = lambda asked: as_json(
        {"access_token": "at-only-one", "token_type": "Bearer", "id_token": server.id_token()}
    )
    server.live.add("at-only-one")
    await days.until("full")
    server.answers["/auth"] = lambda asked: Said(500) if asked.query.get("prompt") == "none" else auth(asked)
    found = await days.until("silent")
    assert told(found)[-1] == ("silent", "session_no_silent")
    # once it has worked, the same answer is an outage
    server.answers["/auth"] = auth
    assert told(await days.until("silent"))[-1] == ("silent", None)
    server.answers["/auth"] = lambda asked: Said(500) if asked.query.get("prompt") == "none" else auth(asked)
    assert told(await days.until("silent"))[-1] == ("silent", "http_server_error")
    server.answers["/token"] = token


async def test_the_next_whole_run_ends_the_session_before(days: Days, server: SigninServer) -> None:
    first = await days.until("full")
    assert "logout" not in {each.subject for each in first}
    live = set(server.live)
    assert live
    second = await days.until("full")
    assert [step for step, _ in told(second)][-2:] == ["logout", "session"]
    assert not {token for token in live if token.startswith("rt9")} & server.live


@pytest.mark.parametrize("cadence", ["light", "full"])
async def test_any_run_hides_the_session_that_an_earlier_one_keeps(
    days: Days, server: SigninServer, cadence: str
) -> None:
    """A provider may tell any run what it knows of the user."""
    await days.until("full")
    kept = [token for token in server.live if token.startswith("rt9")]
    published = server.answers[DISCOVERY]
    server.answers[DISCOVERY] = lambda asked: as_json({"issuer": f"https://told.example/{kept[0]}"})
    found = await days.until(cadence)
    server.answers[DISCOVERY] = published
    assert "told.example" in str([as_dict(each) for each in found])
    assert kept[0] not in str([as_dict(each) for each in found])


async def test_a_silent_run_hides_what_an_earlier_run_got(days: Days, server: SigninServer) -> None:
    """The provider tells the kept refresh token back; this run has not got it from anybody."""
    await days.until("full")

    def echo(asked: Asked) -> Said:
        said = asked.form.get("refresh_token", "")
        return as_json({"error": "server_error", "error_description": f"{said} is odd"}, 400)

    server.answers["/token"] = echo
    found = await days.until("silent")
    sent = server.forms("/token")[-1]["refresh_token"]
    assert told(found)[-1] == ("silent", "oauth_server_error")
    assert "is odd" in found[-1].findings["oauth_error_description"]
    assert sent not in str([as_dict(each) for each in found])


def test_the_plan_knows_the_steps_of_each_preset() -> None:
    for name, steps in STEPS.items():
        assert set(PRESETS[name].names) == set(steps)
