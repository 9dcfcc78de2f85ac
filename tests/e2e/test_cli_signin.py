"""`parallax check signin` and `oidc` at a real provider, as a person reads it; and a first run that makes a plan."""

import json
import os
import signal
import subprocess
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest
import trio
from click.testing import CliRunner, Result

from parallax.cli import parallax
from parallax.config_loading import load_probe_config
from parallax.plan.load import load_plan
from parallax.plan.signin_specs import SigninSpec
from tests.fakes.echo_provider import echo_provider
from tests.fakes.http_server import Peer, http_server, response
from tests.parts.certificates import Authority
from tests.parts.oidc_provider import OidcProvider, Pages, oidc_provider
from tests.parts.program import PARALLAX
from tests.probe.oidc.keys import RSA_JWK

pytestmark = pytest.mark.slow
CA = Authority()


@pytest.fixture
async def provider() -> AsyncIterator[OidcProvider]:
    async with oidc_provider(CA, issuer=None) as running:
        yield running


async def check(*arguments: str, stdin: str = "", **secrets: str) -> Result:
    """In a thread of its own, as the command runs a loop of its own."""
    invoke = partial(CliRunner().invoke, parallax, ["check", *arguments], input=stdin, env=secrets)
    return await trio.to_thread.run_sync(invoke)


def by_hand(provider: OidcProvider, *more: str) -> tuple[str, ...]:
    return (
        "signin", "--issuer", provider.issuer, "--client", "web", "--user", "synthetic-{probe}", "--probe", "one",
        "--ca", provider.ca_file, "-4", "--secret", "password=env:PW", *more,
    )  # fmt: skip


async def test_a_whole_sign_in_is_shown_step_by_step(provider: OidcProvider) -> None:
    seen = await check(*by_hand(provider), PW=provider.password)
    assert seen.exit_code == 0, seen.output
    assert seen.output.startswith("ok: 10 steps in ")
    assert "cleanup   nothing was left: the logout is proven" in seen.output
    bars = [line.split()[0] for line in seen.output.splitlines() if "█" in line]
    assert bars == [
        "discovery", "jwks", "authorize", "password", "consent", "token", "verify", "userinfo", "logout", "session",
    ]  # fmt: skip
    assert 'filled in login, password, remember, pressed "Sign in"' in seen.output
    assert provider.password not in seen.output

    typed = await check(*by_hand(provider)[:-2], "--password-stdin", "--json", stdin=f"{provider.password}\n")
    lines = [json.loads(line) for line in typed.output.splitlines()]
    assert [line["subject"] for line in lines] == bars
    assert {line["probe"] for line in lines} == {"one"}


async def test_a_wrong_password_is_said_loudly_and_sent_once(provider: OidcProvider) -> None:
    seen = await check(*by_hand(provider), PW="wrong-wrong-wrong")
    assert seen.exit_code == 2
    assert seen.output.startswith("config at password, step 5 of 13: user name or password are not accepted")
    assert "Do not run this again before it is mended" in " ".join(seen.output.split())
    assert 'it says: "Wrong user name or password"' in seen.output
    assert "wrong-wrong" not in seen.output


async def test_an_outage_is_told_where_it_is_and_what_was_begun_is_ended(provider: OidcProvider) -> None:
    provider.break_path("/token", status=503)
    seen = await check(*by_hand(provider), PW=provider.password)
    assert seen.exit_code == 1
    assert seen.output.startswith("failed at token, step 8 of 13: ")
    assert "cleanup   done: the session and tokens of this run were ended" in seen.output
    assert "not reached: verify, userinfo, refresh, logout, session" in seen.output


async def test_a_dead_resolver_ends_it_at_the_first_step(provider: OidcProvider) -> None:
    seen = await check(*by_hand(provider, "--resolver", "127.0.0.1:1", "--issuer", "https://sso.test"), PW="x" * 9)
    assert seen.exit_code == 1
    assert [line.split()[0] for line in seen.output.splitlines() if "█" in line][-1] == "discovery"
    assert "the resolver" in seen.output


async def test_the_kind_oidc_by_hand(provider: OidcProvider) -> None:
    more = ("--client", "machine", "--secret", "client_secret=env:MACHINE", "--scope", "read")
    seen = await check("oidc", provider.issuer, "--ca", provider.ca_file, *more, MACHINE=provider.machine.secret or "")
    assert seen.exit_code == 0, seen.output
    assert seen.output.startswith("ok: 4 steps in ")
    assert "got access_token (Bearer), good for 10 min" in seen.output


async def test_a_first_run_makes_a_plan_that_can_be_used_at_once(provider: OidcProvider, tmp_path: Path) -> None:
    seen = await check(*by_hand(provider, "--onboard"), PW=provider.password)
    assert seen.exit_code == 0, seen.output
    assert "refresh        works; each use brings a new token" in seen.output
    assert "prompt=none    answered as it should be (login_required" in seen.output
    section = seen.output.partition("# for the plan")[2].partition("# for the config")[0].partition("\n")[2]
    secrets = seen.output.partition("# for the config")[2].partition("\n")[2].partition("\nNot covered")[0]
    plan, config = tmp_path / "plan.toml", tmp_path / "probe.toml"
    plan.write_text(section)
    (made,) = load_plan(plan).check
    assert isinstance(made.spec, SigninSpec)
    assert made.spec.scope == ["openid", "offline_access"]
    assert made.spec.expect.alg == ["RS256"]
    assert made.spec.every.silent == 60
    collector = '[[collector]]\nurl = "http://127.0.0.1:1"\ntoken = "env:TOKEN"\n'
    config.write_text(f'id = "one"\nstate = "state"\nca = "{provider.ca_file}"\n{collector}{secrets}')
    assert load_probe_config(config).secrets["LOCALHOST_PASSWORD"].hosts == ["localhost"]
    again = await check("signin", "--plan", str(plan), "--config", str(config), "-4", PW=provider.password)
    assert again.exit_code == 0, again.output
    assert "refresh" in again.output


async def test_a_step_that_does_not_work_is_left_out_of_the_section(provider: OidcProvider) -> None:
    provider.break_path("/me", status=500)
    seen = await check(*by_hand(provider, "--onboard", "--json"), PW=provider.password)
    learnt = json.loads(seen.output)["learnt"]
    assert 'leave_out = ["userinfo"]' in learnt["plan"]
    assert any(text.startswith("userinfo: ") for text in learnt["not_covered"])


async def test_a_refused_sign_in_is_not_tried_again_and_makes_no_section() -> None:
    async with oidc_provider(CA, issuer=None, pages=Pages(locked_after=2)) as provider:
        seen = await check(*by_hand(provider, "--onboard"), PW="wrong-wrong-wrong")
        assert seen.exit_code == 2
        assert "[[check]]" not in seen.output
        assert "there is nothing to put into a plan yet" in " ".join(seen.output.split())
        right = await check(*by_hand(provider), PW=provider.password)
        assert right.exit_code == 0, right.output  # one more wrong one, and it would be locked


async def test_a_password_goes_to_no_other_host_than_it_is_bound_to(tmp_path: Path) -> None:
    """The sign-in page is the issuer's, and posts its form elsewhere."""
    posted: list[bytes] = []
    port = 0

    async def behave(peer: Peer) -> None:
        while head := await peer.request():
            path = head.split(b" ")[1].partition(b"?")[0]
            if head.startswith(b"POST"):
                posted.append(head)
            at = f"https://localhost:{port}"
            if path.endswith(b"configuration"):
                said = {
                    "issuer": at, "authorization_endpoint": f"{at}/auth", "token_endpoint": f"{at}/token",
                    "jwks_uri": f"{at}/jwks", "response_types_supported": ["code"],
                    "id_token_signing_alg_values_supported": ["RS256"],
                }  # fmt: skip
                await peer.send(response(200, json.dumps(said).encode(), "Content-Type: application/json"))
            elif path == b"/jwks":
                await peer.send(
                    response(200, json.dumps({"keys": [RSA_JWK]}).encode(), "Content-Type: application/json")
                )
            else:
                page = (
                    f"<form method=post action='https://127.0.0.1:{port}/steal'><input name=user>"
                    "<input name=pw type=password><button>Sign in</button></form>"
                )
                await peer.send(response(200, page.encode(), "Content-Type: text/html"))

    async with http_server(behave, certificate=CA.leaf("localhost", "127.0.0.1")) as server:
        port = server.address.port
        hand = (
            "signin", "--issuer", f"https://localhost:{port}", "--client", "web", "--user", "one", "-4",
            "--ca", CA.write(tmp_path), "--secret", "password=env:PW",
        )  # fmt: skip
        seen = await check(*hand, PW="hunter2hunter2")
        assert seen.exit_code == 2
        assert "(secret_withheld)" in " ".join(seen.output.split())
        assert "password may not be sent to 127.0.0.1" in " ".join(seen.output.split())
        assert "--secret-host HOST" in seen.output
        assert posted == []
        await check(*hand, "--secret-host", "127.0.0.1", PW="hunter2hunter2")
        assert [b"hunter2hunter2" in head for head in posted] == [True]


async def test_ctrl_c_in_mid_run_signs_out_before_it_ends(tmp_path: Path) -> None:
    async with echo_provider(CA.leaf("localhost")) as provider:
        provider.hold = "/token"
        hand = (
            "--issuer", provider.issuer, "--client", "web", "--user", "one", "-4", "--ca", CA.write(tmp_path),
            "--secret", "password=env:PW",
        )  # fmt: skip
        process = await trio.lowlevel.open_process(
            [*PARALLAX, "check", "signin", *hand],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "PW": "hunter2hunter2"},
        )
        with trio.fail_after(60):
            await provider.held.wait()
            process.send_signal(signal.SIGINT)
            process.send_signal(signal.SIGINT)
            assert await process.wait() == 130
            assert process.stderr is not None
            assert bytes(await process.stderr.receive_some(1000)) == b"interrupted\n"
        assert provider.asked[-2:] == ["POST /token", "GET /end"]
