"""`parallax routes test` and `parallax alert report` over a journal of events."""

import json
from functools import partial
from pathlib import Path

import msgspec
import pytest
import trio
from click.testing import CliRunner

from collector.events import AlertRouted, Event, Told, encode_event
from collector.inputs import CommandInput, Input, PlanInput, PlanStateInput, encode_input
from parallax.cli import parallax
from parallax.clock import NS, wall_ns
from parallax.journal import Limits, open_journal
from tests.collector.serving import collector
from tests.fakes.events import incident

PLAN = """
[[check]]
name = "api"
kind = "http"
targets = ["https://a.example/"]
[[component]]
name = "Sign-in"
checks = ["api"]
[[receiver]]
name = "pager"
kind = "pagerduty"
key = "secret:PD"
[[receiver]]
name = "ops"
kind = "slack"
key = "secret:SLACK"
[[route]]
to = ["pager"]
match = { tier = ["page"] }
"""


async def journal(file: Path) -> None:
    limits = Limits(max_bytes=10_000_000, max_age_s=1e9, ballast_bytes=0, refuse_when_full=True)
    at = wall_ns() - 3600 * NS
    first = incident(at=at)
    told = Told(id=first.id, at=at, data=first.data)  # type: ignore[arg-type]
    alert = AlertRouted(
        key="i1", about="incident.opened", phase="trigger", tier="page", severity="critical", of=(told,),
        to=("old",), pages=True,
    )  # fmt: skip
    events = [
        incident("i0", at=at - 40 * 24 * 3600 * NS),
        first,
        Event(id="a1", at=at, cause=1, data=alert),
        incident(change="resolved", at=at + 300 * NS),
    ]
    async with open_journal(file, limits) as opened:
        await opened.append([encode_event(event) for event in events])


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(parallax, arguments)
    return result.exit_code, result.output if result.exit_code else result.stdout


async def inputs(file: Path) -> None:
    at = wall_ns() - 3700 * NS
    until = str(at + 1800 * NS)
    given = CommandInput(at=at, word="silence", actor="ann", arguments={"component": ["Sign-in"], "until": [until]})
    other = CommandInput(at=at, word="move_start", actor="ann")
    text = PlanInput(at=at, digest="d", hash="h", files={"plan.toml": "[[check"})
    values: list[Input] = [other, given, text, PlanStateInput(at=at, change="promoted", digest="d", hash="h")]
    limits = Limits(max_bytes=10_000_000, max_age_s=1e9, ballast_bytes=0, refuse_when_full=True)
    async with open_journal(file, limits) as opened:
        await opened.append([encode_input(each, at_ns=at) for each in values])


def test_silences_are_played_again(tmp_path: Path) -> None:
    trio.run(journal, tmp_path / "events.db")
    plan = tmp_path / "plan.toml"
    plan.write_text(PLAN)
    command = ("routes", "test", "--plan", str(plan), "--state", str(tmp_path))
    without = CliRunner().invoke(parallax, command).stderr
    assert without.endswith("inputs.db is not there: silences and past maintenance are not played\n")
    trio.run(inputs, tmp_path / "inputs.db")
    status, output = run(*command)
    assert status == 0
    assert "    kept from pager by silence: silence s1 of ann until" in output
    assert output.splitlines()[-2].startswith("pager  0 pages, 0 triggers")


def test_who_would_have_been_told(tmp_path: Path) -> None:
    trio.run(journal, tmp_path / "events.db")
    plan = tmp_path / "plan.toml"
    plan.write_text(PLAN)
    status, output = run("routes", "test", "--plan", str(plan), "--state", str(tmp_path))
    lines = output.splitlines()
    assert status == 0
    assert lines[0].endswith("PAGE    trigger  DNS operator dns-a is dark")
    assert lines[1] == "    to pager"
    assert "  page    resolve  DNS operator" in lines[2]
    assert lines[-2:] == [
        "pager  1 page, 1 trigger, 0 updates, 1 resolve, 0 notices; 0 kept back",
        "ops    0 pages, 0 triggers, 0 updates, 0 resolves, 0 notices; 0 kept back",
    ]
    status, output = run("routes", "test", "--plan", str(plan), "--events", str(tmp_path / "events.db"), "--json")
    answer = json.loads(output)
    assert [each["alert"]["phase"] for each in answer["alerts"]] == ["trigger", "resolve"]
    assert answer["receivers"][0]["pages"] == 1
    assert msgspec.json.encode(answer)


@pytest.mark.slow
async def test_by_the_plan_in_force_where_a_collector_runs(tmp_path: Path) -> None:
    plan = tmp_path / "new-plan.toml"
    plan.write_text(PLAN.replace('"pager"', '"other"'))
    async with collector(tmp_path, plan=PLAN) as served:
        await journal(tmp_path / "before.db")
        command = ("routes", "test", "--state", str(served.state), "--events", str(tmp_path / "before.db"))
        status, output = await trio.to_thread.run_sync(partial(run, *command))
        assert (status, output.splitlines()[1]) == (0, "    to pager")
        status, output = await trio.to_thread.run_sync(partial(run, *command, "--plan", str(plan)))
        assert (status, output.splitlines()[1]) == (0, "    to other")


def test_without_a_collector_by_the_plan_of_its_config(tmp_path: Path) -> None:
    trio.run(journal, tmp_path / "events.db")
    (tmp_path / "plan.toml").write_text(PLAN)
    config = tmp_path / "collector.toml"
    config.write_text('state = "."\nplan = "plan.toml"\n')
    status, output = run("routes", "test", "--config", str(config))
    assert (status, output.splitlines()[1]) == (0, "    to pager")


def test_how_alerting_went(tmp_path: Path) -> None:
    trio.run(journal, tmp_path / "events.db")
    assert run("alert", "report", "--state", str(tmp_path)) == (
        0,
        "pages         1 in 7 d: 1 a week\nacknowledged  0 of 1 incidents that paged\nnoisiest      Sign-in (1)\n",
    )


def test_what_cannot_be_played_is_said(tmp_path: Path) -> None:
    status, output = run("routes", "test", "--state", str(tmp_path))
    assert status == 2
    assert output.startswith(f"parallax: no collector runs with its state in {tmp_path}")
    assert output.endswith("or say by which plan: --plan FILE\n")
    (tmp_path / "plan.toml").write_text(PLAN)
    (tmp_path / "events.db").write_bytes(b"nonsense" * 1000)
    status, output = run("routes", "test", "--plan", str(tmp_path / "plan.toml"), "--state", str(tmp_path))
    assert status == 2
    assert "events.db" in output
    status, _ = run("alert", "report", "--state", str(tmp_path / "nowhere"))
    assert status == 2
