"""Whom a test goes to; and that it gets there, told by the command line."""

import json
from pathlib import Path

import pytest
import trio
from click.testing import CliRunner

from collector.alerts.trials import names_to_try, receivers_named
from parallax.cli import parallax
from parallax.plan.load import load_plan_source
from parallax.plan.source import PlanSource
from tests.collector.alerts.test_alerts import config, hook, running
from tests.fakes.receiver import fake_receiver

RECEIVER = '[[receiver]]\nname = "{0}"\nkind = "pagerduty"\nkey = "secret:PD"\n'
PLAN = (
    '[[check]]\nname = "api"\nkind = "http"\ntargets = ["https://api.example.org/"]\n'
    + "".join(RECEIVER.format(name) for name in "abc")
    + '[[group]]\nname = "all"\nreceivers = ["b", "c"]\n'
    '[[route]]\nto = ["all", "b", "a"]\n[[route]]\nname = "night"\nto = ["c"]\n'
)


@pytest.mark.parametrize(
    ("name", "receivers"),
    [("a", "a"), ("all", "bc"), ("1", "bca"), ("night", "c"), ("2", ""), ("3", ""), ("", ""), ("x", "")],
)
def test_a_name_leads_to_receivers(name: str, receivers: str) -> None:
    plan = load_plan_source(PlanSource(files={"plan.toml": PLAN}))
    assert receivers_named(plan, name) == tuple(receivers)
    assert list(names_to_try(plan)) == ["a", "b", "c", "all", "1", "night"]


@pytest.mark.slow
async def test_each_receiver_of_a_route_is_sent_one_and_what_came_of_it_is_told(tmp_path: Path) -> None:
    async with fake_receiver() as well, fake_receiver(lambda got: 500) as ill:
        chat = tmp_path / "chat"
        chat.write_text(f"http://127.0.0.1:{well.port}/services/T0/B0/s3cret")
        chat.chmod(0o600)
        plan = '[[receiver]]\nname = "chat"\nkind = "slack"\nkey = "secret:CHAT"\n' + hook("ill", ill)
        plan += '[[route]]\nname = "night"\nto = ["chat", "ill"]\n'
        loaded = config(tmp_path, plan)
        loaded.secrets["CHAT"] = f"file:{chat}"

        def call(*arguments: str) -> tuple[int, str]:
            done = CliRunner().invoke(parallax, ["notify", "test", *arguments, "--state", loaded.state])
            return done.exit_code, done.output

        async with running(loaded):
            code, out = await trio.to_thread.run_sync(call, "night")
            assert code == 1
            assert out.splitlines()[0].startswith("chat: delivered (answered 204; ")
            assert out.splitlines()[1].startswith("ill: not delivered (answered 500; ")
            assert "s3cret" not in out
            code, out = await trio.to_thread.run_sync(call, "chat", "--json")
            assert (code, json.loads(out)["to"]) == (0, "chat")
            code, out = await trio.to_thread.run_sync(call, "nobody")
            assert code != 0
            assert "it has: chat, ill, night" in out
    assert json.loads(well.got[0].body)["text"] == "A test of the receiver chat: nothing is wrong"
    assert len(well.got) == 2
