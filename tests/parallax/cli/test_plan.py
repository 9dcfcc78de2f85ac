import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from parallax.cli.plan import plan

ROOT = Path(__file__).parents[3]
EXAMPLES = ROOT / "docs" / "examples"
BAD = ROOT / "tests" / "bad_plans"
NO_BUDGET = (
    "unknown key; the keys here are name, kind, targets, period, timeout, external, probes, method, headers, body, "
    "assert, serving, max_body, version, redirects, redirect_hosts, reuse"
)


def run(*arguments: object) -> tuple[int, str, str]:
    result = CliRunner().invoke(plan, [str(argument) for argument in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result.exit_code, result.stdout, result.stderr


def test_check_of_a_right_plan() -> None:
    path = EXAMPLES / "small.toml"
    note = "note: without addresses in [control] a probe cannot tell its own dead uplink from dead targets\n"
    assert run("check", path) == (0, f"{path}: right. 3 checks, 3 targets, any probe\n{note}", "")


def test_check_says_what_the_owner_should_know() -> None:
    status, out, _ = run("check", EXAMPLES / "fleet")
    assert status == 0
    assert '[[receiver]] "ops-webhook" has no address: it is looked up, by the DNS that may be what is down' in out


def test_check_of_a_bad_plan_goes_to_stderr_with_status_2() -> None:
    status, out, err = run("check", BAD / "budget.toml")
    assert (status, out) == (2, "")
    assert err == f'{BAD}/budget.toml:5: [[check]] "api": budget: {NO_BUDGET}\n1 problem\n'


def test_check_for_machines() -> None:
    status, out, _ = run("check", "--json", BAD / "budget.toml")
    assert status == 2
    assert json.loads(out) == {
        "ok": False,
        "problems": [
            {
                "file": f"{BAD}/budget.toml",
                "line": 5,
                "section": '[[check]] "api"',
                "key": "budget",
                "message": NO_BUDGET,
            }
        ],
    }
    status, out, _ = run("check", "--json", EXAMPLES / "small.toml")
    assert (status, json.loads(out)["ok"]) == (0, True)


def test_schema_is_json() -> None:
    status, out, _ = run("schema")
    assert (status, json.loads(out)["title"]) == (0, "Parallax plan")


def test_diff_for_people_and_machines() -> None:
    small, fleet = EXAMPLES / "small.toml", EXAMPLES / "fleet"
    status, out, _ = run("diff", small, fleet)
    assert status == 0
    assert out.splitlines()[0] == "+ check name servers"
    status, out, _ = run("diff", "--json", small, fleet)
    assert json.loads(out)["removed"] == ["name", "certificate", "sign-in page"]
    assert run("diff", small, small) == (0, "no change\n", "")


@pytest.mark.parametrize(
    "arguments", [("check", "/no/such/plan"), ("diff", "/no/such/plan", EXAMPLES / "small.toml"), ("check",)]
)
def test_what_is_not_there_is_status_2(arguments: tuple[object, ...]) -> None:
    assert run(*arguments)[0] == 2
