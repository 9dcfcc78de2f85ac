"""Orders to failover groups and pushed facts, from a request to the board; `parallax failover` against a collector."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
import trio
from click.testing import CliRunner, Result

from collector.board import ActionBoard, BackBoard, Board, GroupBoard
from collector.commands import CommandError, Commands, FailoverCommands
from collector.inputs import CommandInput
from collector.tokens import add_token
from parallax.cli import parallax
from parallax.cli.failover import PHASES, group_lines, story_lines
from parallax.clock import NS, rfc3339, wall_ns
from parallax.plan.load import load_plan_source
from parallax.plan.source import PlanSource
from tests.collector.commands.test_moves import commands, post
from tests.collector.serving import collector
from tests.fakes.boards import NOW
from tests.fakes.groups import MIN, group

PLAN = """
[[check]]
name = "api"
kind = "http"
targets = ["https://edge.example/"]
serving = { header = "x-region" }

[[failover]]
name = "edge"
kind = "region"
check = "api"
primary = "us-east"
single_writer = true
members = [
  { name = "us-east", connect_to = "192.0.2.1:443" },
  { name = "eu-west", connect_to = "192.0.2.2:443" },
]
facts = [{ name = "headroom", rule = "S8", least = 0.3 }]
"""
BAD: list[tuple[str, str, dict[str, Any], str]] = [
    ("freeze", "x", {"why": "y"}, "the plan in force has no failover group 'x'; it has: edge"),
    ("freeze", "edge", {}, 'say why: "why" is empty; it is shown beside whatever comes of it'),
    ("freeze", "edge", {"why": "\x00 \n"}, 'say why: "why" is empty'),
    ("freeze", "edge", {"why": "y" * 501}, '"why" has 501 characters; 500 are the most'),
    ("freeze", "edge", {"why": "y", "for_s": 0}, "it must end in the future, and within 30 days"),
    ("freeze", "edge", {"why": "y", "for_s": 1e300}, "it must end in the future, and within 30 days"),
    ("freeze", "edge", {"why": "y", "until": "soon"}, "\"until\" is 'soon'; write a time as 2026-02-10T17:35:00Z"),
    ("freeze", "edge", {"why": "y", "until": "2126-02-10T17:35:00"}, "\"until\" is '2126-02-10T17:35:00'; write"),
    ("freeze", "edge", {"why": "y", "until": "x", "for_s": 1}, 'say until when: "until", a time as'),
    ("freeze", "edge", {"why": "y", "how": 1}, "the body is not what is wanted here"),
    ("thaw", "edge", {}, "edge is not frozen: there is nothing to thaw"),
    ("override", "edge", {"rule": "S11", "why": "y", "for_s": 60}, "\"rule\" is 'S11'; known are S1, S2,"),
    ("override", "edge", {"rule": "S1", "why": "y"}, 'say until when: "until", a time as'),
    ("override", "edge", {"rule": "S1", "why": "y", "for_s": 86500}, "it must end in the future, and within 24 h"),
    ("override", "edge", {"rule": "S1", "for_s": 60}, 'say why: "why" is empty'),
    ("switch", "edge", {"why": "y"}, '"member" is empty; its members are us-east, eu-west'),
    ("switch", "edge", {"member": "mars", "why": "y"}, "edge has no member 'mars'; its members are us-east, eu-west"),
    ("switch", "edge", {"member": "us-east", "why": "y"}, "us-east serves edge already; it could go to: eu-west"),
    ("switch", "edge", {"member": "eu-west"}, 'say why: "why" is empty'),
    ("drill", "edge", {"member": "us-east"}, "us-east serves edge already; it could go to: eu-west"),
    ("push", "edge", {"member": "mars", "facts": {"headroom": 1}}, "edge has no member 'mars'"),
    ("push", "edge", {"member": "eu-west", "facts": {}}, '"facts" is empty; it has: headroom, fenced'),
    (
        "push",
        "edge",
        {"member": "eu-west", "facts": {"lag": 1}},
        "edge has no fact 'lag' in the plan; it has: headroom",
    ),
    ("push", "edge", {"member": "eu-west", "facts": {"headroom": " "}}, '"facts": headroom has no value'),
    ("push", "edge", {"member": "eu-west", "facts": {"headroom": "9" * 201}}, '"headroom" has 201 characters; 200 are'),
    ("push", "edge", {"member": "eu-west", "facts": {"headroom": [1]}}, "the body is not what is wanted here"),
]


class Desk(Commands):
    """Takes down what is written; nothing is concluded from it."""

    def __init__(self) -> None:
        self.taken: list[CommandInput] = []

    async def take(self, *values: Any) -> tuple[int, Board | None]:
        self.taken += values
        return 1, None


def orders(shown: GroupBoard | None = None) -> tuple[FailoverCommands, Desk]:
    desk, board = Desk(), Board(at=NOW, position=1, groups=(shown or group(),))
    plan = load_plan_source(PlanSource(files={"plan.toml": PLAN}))
    return FailoverCommands(desk, lambda: board, lambda: plan), desk


@pytest.mark.parametrize(("word", "name", "body", "sentence"), BAD)
async def test_what_cannot_be_ordered_is_refused_with_what_could(
    word: str, name: str, body: dict[str, Any], sentence: str
) -> None:
    commands_, desk = orders()
    with pytest.raises(CommandError) as caught:
        await getattr(commands_, word)(name, json.dumps(body).encode(), "ann")
    assert str(caught.value).startswith(sentence)
    assert desk.taken == []


async def test_orders_are_written_as_detection_reads_them() -> None:
    commands_, desk = orders()
    before = wall_ns()
    await commands_.freeze("edge", b'{"why": "an\\nupgrade"}', "ann")
    await commands_.override("edge", b'{"rule": "S4", "why": "y", "for_s": 3600}', "ann")
    await commands_.switch("edge", b'{"member": "eu-west", "why": "y"}', "ann")
    await commands_.drill("edge", b"", "ann")
    facts = b'{"member": "eu-west", "facts": {"headroom": 0.5, "fenced": true}}'
    await commands_.push("edge", facts, "deploy")
    found = [(each.word, {key: texts[0] for key, texts in each.arguments.items()}) for each in desk.taken]
    until = found[1][1].pop("until")
    assert rfc3339(before + 3590 * NS) < until < rfc3339(wall_ns() + 3601 * NS)
    assert found == [
        ("failover_freeze", {"group": "edge", "why": "an upgrade"}),
        ("failover_override", {"group": "edge", "rule": "S4", "why": "y"}),
        ("failover_switch", {"group": "edge", "member": "eu-west", "why": "y"}),
        ("failover_drill", {"group": "edge"}),
        ("standby_fact", {"group": "edge", "member": "eu-west", "name": "headroom", "value": "0.5"}),
        ("standby_fact", {"group": "edge", "member": "eu-west", "name": "fenced", "value": "1"}),
    ]
    assert {each.actor for each in desk.taken} == {"ann", "deploy"}


def as_json(shown: GroupBoard) -> dict[str, Any]:
    answer: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(shown))
    return answer


def test_a_group_for_people() -> None:
    text = "\n".join(story_lines(as_json(group()), NOW))
    for words in (
        "edge  us-east serves since 2026-02-10T17:03:00.000Z: the primary serves",
        "    region; mode auto; eu-west NOT READY",
        "member     us-east: primary; down for 30 min; serves 75 % of vantages (p1, p2, p3, p4, p5, p6, p7); "
        "fails for 8 of 8 probes",
        "    MISSING      sign-in @ eu-west: down, the password was refused",
        "    not checked  headroom: not checked",
        "    pushed 5 s ago by deploy: config_hash = abc",
        "    S7   overridden     frozen by ann: upgrade (bob: it burns)",
        "    S1   DOES NOT HOLD  eu-west is not ready: sign-in: refused",
        "eu-west -> us-east: commanded, 80 % of vantages after 12 s, eu-west had served 10 min, 7 runs failed",
    ):
        assert words in text
    back = BackBoard(primary="us-east", well_since=NOW - 4 * MIN, counted_ns=4 * MIN, needed_ns=20 * MIN)
    taken = ActionBoard(name="dns", reachable=True, epoch=2, outcome="applied", effect="effective", text="serial 43")
    lost = ActionBoard(name="hook", reachable=False, why="answered 500", epoch=3)
    lines = story_lines(as_json(group(back=back, actions=(taken, lost, ActionBoard(name="new")))), NOW)
    assert "way back   us-east counts as well for 4 min of 20 min: 16 min are left" in lines
    at = lines.index("actions")
    assert lines[at + 1 : at + 4] == [
        "    dns: could be carried out; command 2 applied, effective; serial 43",
        "    hook: cannot be carried out: answered 500; command 3 no answer yet",
        "    new: not looked at yet",
    ]
    nobody = group_lines(as_json(group(serving="", now=None)), NOW)
    assert nobody[0] == "edge  nobody can tell who serves"


def test_every_phase_has_words() -> None:
    from typing import get_args

    from collector.failover.types import Phase

    assert set(PHASES) == set(get_args(Phase))


@pytest.mark.slow
async def test_by_api_and_command_line(tmp_path: Path) -> None:
    async with collector(tmp_path, plan=PLAN) as served, served.client() as client:
        owner = served.running.token
        viewer, facts = add_token(served.state, "viewer", "ann"), add_token(served.state, "facts", "deploy")
        body = {"member": "eu-west", "facts": {"headroom": 0.5}}
        for token, path, given, status in (
            (viewer, "freeze", {"why": "x"}, 403),
            (facts, "freeze", {"why": "x"}, 403),
            (viewer, "facts", body, 403),
            (facts, "facts", body, 200),
        ):
            assert (await post(client, token, f"/v1/failover/edge/{path}", given)).status == status
        for path in ("/v1/failover", "/v1/board", "/v1/status"):
            assert (await client.request("GET", path, token=facts)).status == 403
        assert (await client.request("GET", "/v1/failover/none", token=viewer)).status == 404
        shown = (await client.request("GET", "/v1/failover/edge", token=viewer)).json["group"]
        assert shown["members"][1]["facts"][0]["actor"] == "deploy"
        assert [each.word for each in commands(served)] == ["standby_fact"]

        async def run(*arguments: str) -> Result:
            given = ["failover", "--state", str(served.state), *arguments]
            return await trio.to_thread.run_sync(lambda: CliRunner().invoke(parallax, given))

        result = await run("freeze", "edge", "--for", "2h", "an", "upgrade")
        assert (result.exit_code, "FROZEN by local" in result.output, ": an upgrade" in result.output) == (
            0,
            True,
            True,
        )
        assert "FROZEN by local" in (await run()).output
        assert (await run("fact", "edge", "eu-west", "headroom", "0.1")).output == (
            "MISSING      headroom: 0.1, less than 0.3\n"
        )
        result = await run("override", "edge", "s8", "it", "will", "do")
        assert "rule S8 is overridden by local until" in result.output
        result = await run("thaw", "edge", "--json")
        assert json.loads(result.output)["group"]["frozen"] is None
        result = await run("switch", "edge", "mars", "why")
        assert (result.exit_code, "edge has no member 'mars'" in result.output) == (2, True)
        assert "thawed: edge is thawed by local" in (await run("show", "edge")).output
        await client.request("GET", "/v1/failover", token=owner)
