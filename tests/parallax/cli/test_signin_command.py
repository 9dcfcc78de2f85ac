"""What `parallax check signin` refuses before anything is sent, and that it gives no secret away."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from parallax.cli import parallax

BY_HAND = ("--issuer", "https://sso.example.com", "--client", "web", "--user", "synthetic-one")
PLAN = """
[[check]]
name = "staff"
kind = "signin"
use = "oidc.password"
issuer = "https://sso.example.com"
client = { id = "web" }
user = { name = "synthetic-{probe}", password = "secret:PW" }
[[check]]
name = "site"
kind = "http"
targets = ["https://www.example.com/"]
"""


def run(*arguments: str, **more: str) -> Result:
    return CliRunner().invoke(parallax, ["check", *arguments], env=more)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((), "--issuer: is missing; oidc.password signs in at an issuer"),
        (BY_HAND[:2], "--client: is missing; write --client ID"),
        (BY_HAND[:4], "--user: is missing; write --user NAME"),
        (("--issuer", "http://sso.example.com", *BY_HAND[2:]), "--issuer: is http, and passwords and tokens are sent"),
        (BY_HAND, "the password is missing; write --secret password=env:NAME (or file:PATH), or --password-stdin"),
        ((*BY_HAND, "--password-stdin"), "--password-stdin: standard input is empty"),
        ((*BY_HAND, "--secret", "password=env:NO_SUCH_ONE"), "password: the environment variable NO_SUCH_ONE is"),
        ((*BY_HAND, "--secret", "password=env:PW", "--secret-host", "a b"), "'a b' does not fit; wants a host in"),
        ((*BY_HAND, "--leave-out", "tokn"), '--leave-out: "tokn" is no step of oidc.password; did you mean "token"?'),
        (("staff",), "say which plan has 'staff': --plan plan.toml"),
    ],
)  # fmt: skip
def test_what_is_missing_is_said_with_its_option(arguments: tuple[str, ...], sentence: str) -> None:
    result = run("signin", *arguments, PW="hunter2hunter2")
    assert result.exit_code == 2
    assert sentence in " ".join(result.output.split())


@pytest.mark.parametrize(
    "arguments",
    [
        ("--password", "hunter2hunter2"),
        ("--client-secret", "hunter2hunter2"),
        ("--secret", "hunter2hunter2"),
        ("--secret", "password=hunter2hunter2"),
        ("--secret", "password=env:hunter2+hunter2"),
        ("--secret", "hunter2hunter2=env:"),
    ],
)
def test_a_secret_on_the_command_line_is_refused_and_not_repeated(arguments: tuple[str, ...]) -> None:
    result = run("signin", *BY_HAND, *arguments)
    assert result.exit_code == 2
    assert "env:" in result.output
    assert "hunter2" not in result.output.replace("--secret hunter2hunter2", "")


def test_a_flow_of_a_plan_is_found_by_its_name(tmp_path: Path) -> None:
    plan = tmp_path / "plan.toml"
    plan.write_text(PLAN)
    for arguments, sentence in (
        (("stuff",), "has no check 'stuff'; did you mean \"staff\"? its flows are 'staff'"),
        (("site",), "'site' is of kind http, and this runs signin; try parallax check http"),
        (("staff", "--issuer", "https://sso.example.com"), "--issuer: of a flow by hand"),
        (("staff", "--onboard"), "--onboard makes a section for a plan"),
        (("staff", "--secret", "OTHER=env:PW"), "the password is missing"),
    ):
        result = run("signin", *arguments, "--plan", str(plan), PW="hunter2hunter2")
        assert result.exit_code == 2
        assert sentence in " ".join(result.output.split())
    plan.write_text(PLAN.replace('kind = "signin"', 'kind = "signn"'))
    result = run("signin", "staff", "--plan", str(plan))
    assert result.exit_code == 2
    assert "did you mean" in result.output


def test_the_kind_oidc_says_what_it_lacks() -> None:
    result = run("oidc", "https://sso.example.com", "--client", "machine")
    assert result.exit_code == 2
    assert '--secret client_secret: is missing, and auth = "basic" sends it' in " ".join(result.output.split())
